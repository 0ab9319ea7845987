"""``textgraft predict``: labels for new texts, from arguments, standard input or a table of any size."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from textgraft.cli.options import InputOptions, column_names

if TYPE_CHECKING:
    from textgraft.ladder import Texts
    from textgraft.task import Columns

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
) -> None:
    """Predict labels of texts with the model in DIR; rows keep their order and their numbers."""
    from textgraft.artifact import load
    from textgraft.cli.console import remark
    from textgraft.cli.show import show_predictions
    from textgraft.errors import SettingError, listed
    from textgraft.ladder import predict_stream
    from textgraft.ladder.writing import Layout, check_output, writing

    if source is not None and texts:
        raise SettingError(f"Give texts or --input {source}, not both.")
    if output is not None:
        check_output(output)
    model = load(directory)
    columns = model.fitted_on_.columns
    if source is None and not texts and sys.stdin.isatty():
        remark("Reading texts from standard input, one per line; end with Ctrl-D.")
    if source is None:
        stream = texts_of_lines(texts or lines(sys.stdin))
    else:
        stream = texts_of_table(source, reading, columns, keep)
    predictions = predict_stream(model, stream)
    if output is None and texts:
        show_predictions(predictions, model.task_, every=every)
        return
    rows = 0
    blank: list[str] = []
    with writing(output, Layout(model.task_, every=every, with_file=source is not None)) as writer:
        for prediction in predictions:
            writer.write(prediction)
            rows += len(prediction.texts)
            blank.extend(
                f"{prediction.file} row {number}".strip()
                for number, text in zip(prediction.numbers, prediction.texts, strict=True)
                if not text.strip() and len(blank) < MOST_BLANK
            )
    if blank:
        found = "1 text is" if len(blank) == 1 else f"{len(blank):,}{' or more' * (len(blank) == MOST_BLANK)} texts are"
        remark(f"{found} blank; what is predicted there says nothing: {listed(blank)}.")
    if output is not None:
        remark(f"{rows:,} predictions written to {output}.")


def texts_of_lines(texts: Iterable[str]) -> Iterator[Texts]:
    """Chunks of texts that are numbered from 1."""
    from itertools import islice

    from textgraft.ladder import TEXTS_AT_ONCE, Texts

    texts, start = iter(texts), 1
    while chunk := list(islice(texts, TEXTS_AT_ONCE)):
        yield Texts(chunk, "", range(start, start + len(chunk)))
        start += len(chunk)


def texts_of_table(source: str, reading: InputOptions, columns: Columns | None, keep: str | None) -> Iterator[Texts]:
    """The texts of a table with their rows; says how it was read, and bad rows, at the end."""
    from textgraft.cli.console import remark
    from textgraft.data import read_texts
    from textgraft.errors import DataError, did_you_mean, listed
    from textgraft.ladder import TEXTS_AT_ONCE, Texts

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
            remark(f"{source}: {note}" for note in stream.notes)
            said = len(stream.notes)
        yield Texts(texts, chunk.file, chunk.numbers, {name: chunk.columns[name] for name in kept})
    remark(f"{source}: {note}" for note in stream.notes[said:])


def lines(stream: TextIO) -> Iterator[str]:
    """The lines of standard input without their ends; blank ones are texts too, so that numbers stay right.

    Raises:
        DataError: a line is not UTF-8.
    """
    from textgraft.errors import DataError

    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="strict")
    read = 0
    try:
        for read, line in enumerate(stream, 1):  # noqa: B007 - told when the next one fails
            yield line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"Standard input is not UTF-8 after line {read:,} ({error.reason}); convert it, or give it as a file with "
            "--input and --encoding."
        ) from None
