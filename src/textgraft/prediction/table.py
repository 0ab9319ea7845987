"""Predictions for a table of any size: read, predicted and written in one stream, resumed after an interruption."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from textgraft import progress
from textgraft.artifact import load
from textgraft.errors import DataError, SettingError, did_you_mean, listed
from textgraft.methods import TextClassifier
from textgraft.prediction.origin import Origin
from textgraft.prediction.part_file import resumable_rows
from textgraft.prediction.processes import Reopen
from textgraft.prediction.streaming import TEXTS_AT_ONCE, Texts, check_jobs, predict_stream
from textgraft.prediction.writing import Layout, check_output, writing
from textgraft.wording import notes_about

if TYPE_CHECKING:
    from textgraft.data import ReadOptions
    from textgraft.data.tables.texts import TextStream

MOST_BLANK = 1000


@dataclass(frozen=True)
class Predicted:
    """What was written.

    Attributes:
        rows: how many rows the output has, with those of an interrupted run that was gone on with.
        blank: where blank texts stand, such as ``"new.csv row 7"``; the first 1,000.
        notes: sentences about rows that were left out and texts that are blank.
    """

    rows: int
    blank: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def predict_table(
    model: str | Path | TextClassifier,
    source: str | Path,
    output: str | Path | None,
    *,
    text: str | Sequence[str] | None = None,
    options: ReadOptions | None = None,
    keep: str | Sequence[str] = (),
    every: bool = False,
    jobs: int = 1,
    runtime: str = "auto",
    resume: bool = False,
) -> Predicted:
    """Writes a label for each row of a table, in order and in flat memory; what ``textgraft predict --input`` does.

    What should be known before the end (how the table is read, where an interrupted run is gone on with) is said
    through ``textgraft.progress``.

    Args:
        model: a model directory, or a model's name on the Hub; or a fitted classifier.
        source: the table: a file, a folder, or a pattern such as ``"data/*.csv"``.
        output: CSV, TSV, JSON Lines or Parquet, by its ending. It appears when it is whole. None writes CSV to standard
            output.
        text: the text columns; None takes those that the model was trained on, or finds them.
        options: how to read the table.
        keep: columns of the table to write too.
        every: write the probability of every label.
        jobs: processes that predict, each with a model of its own; needs the model by its directory. A script that asks
            for several needs ``if __name__ == "__main__":``.
        runtime: as for ``load``.
        resume: keep what an interrupted run with the same arguments has written, and go on with it, to the same bytes;
            needs the model by its directory.

    Raises:
        SettingError: an argument cannot be used; or an interrupted run was begun with others.
        DataError: the table cannot be read, or has not the columns.
        ArtifactError: the model cannot be loaded.
        TextgraftError: one of the processes was killed.
        KeyboardInterrupt: on Ctrl-C; it says how many rows are kept, if there are any.
    """
    from textgraft.data import ReadOptions, read_texts  # texts that come from no table start sooner without it

    options = options or ReadOptions()
    check_jobs(jobs)
    keep = [keep] if isinstance(keep, str) else list(keep)
    output = None if output is None else Path(output)
    if output is not None:
        check_output(output, resume=resume)
    elif resume:
        raise SettingError("What goes to standard output cannot be gone on with; for resume, give output too.")
    reopen = origin = None
    if isinstance(model, TextClassifier):
        if jobs > 1 or resume:
            raise SettingError(
                f"With jobs and with resume the model is loaded anew; save the {type(model).__name__}, and give its "
                "directory."
            )
    else:
        directory = Path(model)
        model, reopen = opened(directory, runtime)
        if resume:
            chosen = {"input": str(source), "text": text, "all": every, "keep": keep, "runtime": model.export_}
            origin = Origin.of(directory, source, options, chosen)
    notes: list[str] = []
    stream = read_texts(source, text or model.fitted_on_.columns, options=options, rows_per_chunk=TEXTS_AT_ONCE)
    pieces = _pieces(stream, source, keep, notes)
    predicted = write_predictions(
        model, pieces, output, every=every, with_file=True, jobs=jobs, reopen=reopen, origin=origin
    )
    return replace(predicted, notes=(*notes, *predicted.notes))


def opened(model: str | Path, runtime: str = "auto") -> tuple[TextClassifier, Reopen]:
    """The model, and what loads it in each of several jobs: with the same export, whatever is fastest there."""
    loaded = load(model, runtime=runtime)
    for note in loaded.notes_:
        progress.say(note)
    return loaded, partial(load, model, runtime=loaded.export_ or runtime)


def write_predictions(
    model: TextClassifier,
    stream: Iterable[Texts],
    output: Path | None,
    *,
    every: bool = False,
    with_file: bool = False,
    jobs: int = 1,
    reopen: Reopen | None = None,
    origin: Origin | None = None,
) -> Predicted:
    """Predicts a stream and writes it.

    Args:
        model: a fitted classifier.
        stream: the texts, from the first on.
        output: a file, or None for standard output.
        every: write the probability of every label.
        with_file: write the file of each row.
        jobs: as for ``predict_stream``.
        reopen: as for ``predict_stream``.
        origin: of an output that an interrupted run may have begun; None starts over.
    """
    blank: list[str] = []
    layout = Layout(model.task_, every=every, with_file=with_file)
    lost = resumable_rows(output) if output is not None and origin is None else 0
    with _saying_what_is_kept(output, origin), writing(output, layout, origin) as out:
        if lost:
            progress.say(f"Starting over; with --resume, {lost:,} rows of an interrupted run would have been kept.")
        if out.rows:
            progress.say(f"Going on after the {out.rows:,} rows of an interrupted run.")
        rows = out.rows
        noted = _noting_blank(stream, blank)
        with closing(predict_stream(model, noted, jobs=jobs, reopen=reopen, after=rows)) as predictions:
            for prediction in predictions:
                out.write(prediction)
                rows += len(prediction.texts)
    if not blank:
        return Predicted(rows)
    count = "1 text is" if len(blank) == 1 else f"{len(blank):,}{' or more' * (len(blank) == MOST_BLANK)} texts are"
    note = f"{count} blank; what is predicted there says nothing: {listed(blank)}."
    return Predicted(rows, tuple(blank), (note,))


@contextmanager
def _saying_what_is_kept(output: Path | None, origin: Origin | None) -> Iterator[None]:
    """When the block is interrupted, says how much can be gone on from."""
    try:
        yield
    except SettingError:  # nothing has begun
        raise
    except BaseException as error:
        rows = 0 if output is None or origin is None else resumable_rows(output)
        sentence = f"{rows:,} rows are kept, and the same command goes on from there."
        if rows and isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(sentence) from None
        if rows:
            progress.say(sentence)
        raise


def _noting_blank(stream: Iterable[Texts], blank: list[str]) -> Iterator[Texts]:
    """The same pieces; where their first blank texts are is added to ``blank``."""
    for piece in stream:
        if len(blank) < MOST_BLANK:
            places = (number for number, text in zip(piece.numbers, piece.texts, strict=True) if not text.strip())
            blank.extend(f"{piece.file} row {number}".strip() for number in islice(places, MOST_BLANK - len(blank)))
        yield piece


def _pieces(stream: TextStream, source: str | Path, keep: Sequence[str], notes: list[str]) -> Iterator[Texts]:
    """The texts of a table with their rows; says how it is read, and adds to ``notes`` what is known at the end."""
    said: set[str] = set()
    for texts, chunk in stream:
        for name in keep:
            if name not in chunk.columns:
                raise DataError(
                    f"{chunk.file} has no column {name!r} to keep; it has {listed(chunk.columns, 20)}."
                    + did_you_mean(name, chunk.columns)
                )
        if not said:
            said = set(stream.notes)
            for line in notes_about(str(source), stream.notes):
                progress.say(line)
        yield Texts(texts, chunk.file, chunk.numbers, {name: chunk.columns[name] for name in keep})
    if late := notes_about(str(source), [note for note in stream.notes if note not in said]):
        notes.append("\n".join(late))
