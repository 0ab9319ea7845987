"""``textgraft predict``: labels for new texts, from arguments, standard input or a table of any size."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from textgraft.cli.options import InputOptions, Runtime, column_names

if TYPE_CHECKING:
    from textgraft.dataset import Columns
    from textgraft.methods import TextClassifier
    from textgraft.prediction import Prediction, Texts
    from textgraft.prediction.origin import Origin
    from textgraft.prediction.processes import Reopen
    from textgraft.prediction.writing import Layout

NAME = "predict"
MOST_BLANK = 1000


def run(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A model directory.")],
    reading: InputOptions,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="Texts; without any, lines of standard input.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--input", "-i", metavar="TABLE", help="A table with a text column, of any size.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="CSV, TSV, JSON Lines or Parquet, by the name's ending."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Write the probability of every label.")] = False,
    keep: Annotated[str | None, typer.Option(help="Columns of the table to write too, such as an id.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes that predict, each with a model of its own.")] = 1,
    runtime: Runtime = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what an interrupted run has written to --output, and go on with it.")
    ] = False,
) -> None:
    """Predict labels of texts with the model in DIR; rows keep their order and their numbers."""
    from textgraft.cli.console import remark
    from textgraft.errors import SettingError, listed
    from textgraft.prediction import predict_stream
    from textgraft.prediction.origin import Origin
    from textgraft.prediction.writing import Layout, check_output
    from textgraft.report import Report, terminal
    from textgraft.report.predictions import predictions_section

    if source is not None and texts:
        raise SettingError(f"Give texts or --input {source}, not both.")
    if jobs < 1:
        raise SettingError(f"--jobs must be a whole number from 1 on; got {jobs}.")
    if resume and (source is None or output is None):
        raise SettingError("--resume goes on with the --output for a table; give --input and --output too.")
    if output is not None:
        check_output(output, resume=resume)
    model, reopen = opened(directory, runtime)
    remark(model.notes_)
    origin = None
    if resume and source is not None:
        chosen = {"--input": source, "--all": every, "--keep": keep, "--runtime": model.export_}
        chosen |= {f"--{name.replace('_', '-')}": value for name, value in asdict(reading).items()}
        origin = Origin.of(directory, source, reading.format_options(), chosen)
    if source is None and not texts and sys.stdin.isatty():
        remark("Reading texts from standard input, one per line; end with Ctrl-D.")
    if source is None:
        stream = texts_of_lines(texts or lines(sys.stdin))
    else:
        stream = texts_of_table(source, reading, model.fitted_on_.columns, keep)
    blank: list[str] = []

    def predict(after: int = 0) -> Generator[Prediction]:
        return predict_stream(model, noting_blank(stream, blank), jobs=jobs, reopen=reopen, after=after)

    if output is None and texts:
        with closing(predict()) as predictions:
            terminal.show(Report("", (predictions_section(predictions, model.task_, every_label=every),)))
        return
    rows = write(predict, output, Layout(model.task_, every=every, with_file=source is not None), origin)
    if blank:
        found = "1 text is" if len(blank) == 1 else f"{len(blank):,}{' or more' * (len(blank) == MOST_BLANK)} texts are"
        remark(f"{found} blank; what is predicted there says nothing: {listed(blank)}.")
    if output is not None:
        remark(f"{rows:,} predictions written to {output}.")


def opened(directory: Path, runtime: str) -> tuple[TextClassifier, Reopen]:
    """The model, and what loads it in each of several jobs: with the same export, whatever is fastest there."""
    from textgraft.artifact import load

    model = load(directory, runtime=runtime)
    return model, partial(load, directory, runtime=model.export_ or runtime)


def write(
    predict: Callable[[int], Generator[Prediction]], output: Path | None, layout: Layout, origin: Origin | None
) -> int:
    """Writes all predictions; how many rows the output has.

    Args:
        predict: the predictions after so many rows.
        output: a file, or None for standard output.
        layout: which columns.
        origin: of an output that an interrupted run may have begun.
    """
    from textgraft.cli.console import remark
    from textgraft.prediction.part_file import kept_rows
    from textgraft.prediction.writing import writing

    dropped = kept_rows(output) if output is not None and origin is None else 0
    with saying_what_is_kept(output, origin), writing(output, layout, origin) as out:
        if dropped:
            remark(f"Starting over; with --resume, {dropped:,} rows of an interrupted run would have been kept.")
        if out.rows:
            remark(f"Going on after the {out.rows:,} rows of an interrupted run.")
        rows = out.rows
        with closing(predict(out.rows)) as predictions:
            for prediction in predictions:
                out.write(prediction)
                rows += len(prediction.texts)
    return rows


@contextmanager
def saying_what_is_kept(output: Path | None, origin: Origin | None) -> Iterator[None]:
    """When the block is interrupted, says how much is there to go on from."""
    from textgraft.cli.console import remark
    from textgraft.errors import SettingError, TextgraftError
    from textgraft.prediction.part_file import kept_rows

    try:
        yield
    except SettingError:  # nothing has begun
        raise
    except BaseException as error:
        rows = 0 if output is None or origin is None else kept_rows(output)
        if rows and isinstance(error, KeyboardInterrupt):
            raise TextgraftError(f"Stopped; {rows:,} rows are kept, and the same command goes on from there.") from None
        if rows:
            remark(f"{rows:,} rows are kept, and the same command goes on from there.")
        raise


def noting_blank(stream: Iterable[Texts], blank: list[str]) -> Iterator[Texts]:
    """The same pieces; where their first blank texts are is added to ``blank``."""
    for piece in stream:
        if len(blank) < MOST_BLANK:
            places = (number for number, text in zip(piece.numbers, piece.texts, strict=True) if not text.strip())
            blank.extend(f"{piece.file} row {number}".strip() for number in islice(places, MOST_BLANK - len(blank)))
        yield piece


def texts_of_lines(texts: Iterable[str]) -> Iterator[Texts]:
    """Chunks of texts that are numbered from 1."""
    from textgraft.prediction import TEXTS_AT_ONCE, Texts

    texts, start = iter(texts), 1
    while chunk := list(islice(texts, TEXTS_AT_ONCE)):
        yield Texts(chunk, "", range(start, start + len(chunk)))
        start += len(chunk)


def texts_of_table(source: str, reading: InputOptions, columns: Columns | None, keep: str | None) -> Iterator[Texts]:
    """The texts of a table with their rows; says how it was read, and bad rows, at the end."""
    from textgraft.cli.console import remark
    from textgraft.data import read_texts
    from textgraft.errors import DataError, did_you_mean, listed
    from textgraft.prediction import TEXTS_AT_ONCE, Texts
    from textgraft.wording import notes_about

    kept = column_names(keep) or []
    wanted = column_names(reading.text) or columns
    stream = read_texts(source, wanted, options=reading.format_options(), rows_per_chunk=TEXTS_AT_ONCE)
    said = 0
    for texts, chunk in stream:
        for name in kept:
            if name not in chunk.columns:
                raise DataError(
                    f"{chunk.file} has no column {name!r} to keep; it has {listed(chunk.columns, 20)}."
                    + did_you_mean(name, chunk.columns)
                )
        if not said:
            remark(notes_about(source, stream.notes))
            said = len(stream.notes)
        yield Texts(texts, chunk.file, chunk.numbers, {name: chunk.columns[name] for name in kept})
    remark(notes_about(source, stream.notes[said:]))


def lines(stream: TextIO) -> Iterator[str]:
    """The lines of standard input without their ends; blank ones are texts too, so that numbers stay right.

    Raises:
        DataError: a line is not UTF-8.
    """
    from textgraft.errors import DataError

    if isinstance(stream, TextIOWrapper):
        # A buffer of its own: a thread that waits for input holds it, and Python cannot end while sys.stdin's is held.
        stream = os.fdopen(stream.fileno(), encoding="utf-8", errors="strict", closefd=False)
    read = 0
    try:
        for read, line in enumerate(stream, 1):  # noqa: B007 - told when the next one fails
            yield line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"Standard input is not UTF-8 after line {read:,} ({error.reason}); convert it, or give it as a file with "
            "--input and --encoding."
        ) from None
