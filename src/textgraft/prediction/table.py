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
from textgraft.errors import SettingError, listed
from textgraft.methods import TextClassifier
from textgraft.prediction.origin import Origin, Unchanged
from textgraft.prediction.part_file import resumable_rows
from textgraft.prediction.processes import Reopen
from textgraft.prediction.streaming import TEXTS_AT_ONCE, Texts, check_jobs, predict_stream
from textgraft.prediction.writing import Layout, check_output, writing
from textgraft.wording import counted, notes_about, source_name

if TYPE_CHECKING:
    from textgraft.data import ReadOptions
    from textgraft.data.sources.files import Source
    from textgraft.dataset import Columns

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
    safe_csv: bool = False,
    abstain: bool | str = False,
    sets: bool = False,
    jobs: int = 1,
    runtime: str = "auto",
    resume: bool = False,
) -> Predicted:
    """Writes a label for each row of a table, in order and in flat memory; what ``textgraft predict --input`` does.

    What should be known before the end (how the table is read, where an interrupted run is gone on with) is said
    through ``textgraft.progress``.

    Args:
        model: a model directory, or a model's name on the Hub; or a fitted classifier.
        source: the table: a file, a folder, a pattern such as ``"data/*.csv"``, an address, or ``"-"`` for standard
            input, which is read to its end first.
        output: CSV, TSV, JSON Lines or Parquet, by its ending. It appears when it is whole. None writes CSV to standard
            output.
        text: the text columns; None takes those that the model was trained on, or finds them.
        options: how to read the table.
        keep: columns of the table to write too.
        every: write the probability of every label.
        safe_csv: begin cells of CSV and TSV that a spreadsheet would run as formulas with an apostrophe; without it
            texts are written as they are.
        abstain: give no label where the model was told not to (``textgraft.abstain``), and say why in a column
            ``abstained``; a name stands in place of these labels.
        sets: write the labels that are possible, in a column ``possible``.
        jobs: processes that predict, each with a model of its own; needs the model by its directory. A script that asks
            for several needs ``if __name__ == "__main__":``.
        runtime: as for ``load``.
        resume: keep what an interrupted run with the same arguments has written, and go on with it, to the same bytes;
            needs the model by its directory.

    Raises:
        SettingError: an argument cannot be used; the model has nothing by which to abstain, or no sets; or an
            interrupted run was begun with others.
        DataError: the table cannot be read, or has not the columns.
        ArtifactError: the model cannot be loaded.
        TextgraftError: one of the processes was killed; the table changed while it was read; or the output has not as
            many rows as were read.
        KeyboardInterrupt: on Ctrl-C; it says how many rows are kept, if there are any.
    """
    # Texts that come from no table start sooner without these.
    from textgraft.data import ReadOptions
    from textgraft.data.sources.files import files_of
    from textgraft.data.tables.asked import as_names

    options = options or ReadOptions()
    check_jobs(jobs)
    output = None if output is None else Path(output)
    _check_places(source, output, resume)
    directory = _directory(model, anew=jobs > 1 or resume)
    # A name as it is written: "./user/model" is none of the Hub.
    model, reopen = (model, None) if isinstance(model, TextClassifier) else opened(model, runtime)
    model.check_answering(abstain=abstain is not False, sets=sets)
    wanted = _Wanted(source_name(str(source)), as_names(text), as_names(keep), options)
    with files_of(source, options) as files:
        unchanged = Unchanged(files)
        origin = None
        if resume and directory is not None:
            chosen = {"input": wanted.source, "text": wanted.text, "all": every, "keep": wanted.keep}
            others = {"safe-csv": safe_csv, "abstain": abstain, "sets": sets}  # which earlier releases did not have
            chosen |= {name: value for name, value in others.items() if value is not False}
            origin = Origin.of(directory, files, options, {**chosen, "runtime": model.export_})
        notes: list[str] = []
        pieces = _unchanged(_pieces(files, wanted, model.fitted_on_.columns, notes), unchanged)
        instead = None if abstain is False else "" if abstain is True else abstain
        layout = Layout(model.task_, every=every, with_file=True, safe_csv=safe_csv, abstain=instead, sets=sets)
        predicted = write_predictions(model, pieces, output, layout, jobs=jobs, reopen=reopen, origin=origin)
    return replace(predicted, notes=(*notes, *predicted.notes))


def _directory(model: str | Path | TextClassifier, *, anew: bool) -> Path | None:
    """Where the model is; raises SettingError where that is nowhere and it must be loaded anew."""
    if not isinstance(model, TextClassifier):
        return Path(model)
    if anew:
        raise SettingError(
            f"With jobs and with resume the model is loaded anew; save the {type(model).__name__}, and give its "
            "directory."
        )
    return None


def _check_places(source: str | Path, output: Path | None, resume: bool) -> None:
    """Raises SettingError where predictions cannot be written, or not gone on with, as is wanted."""
    from textgraft.data.sources.places import reads_once

    if output is not None:
        check_output(output)
    elif resume:
        raise SettingError("What goes to standard output cannot be gone on with; for resume, give output too.")
    if resume and reads_once(source):
        raise SettingError(
            f"What {source_name(str(source))} gives can be read once, so a run cannot be gone on with; save it as a "
            f"file, and give that to --input (source=)."
        )


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
    layout: Layout | None = None,
    *,
    jobs: int = 1,
    reopen: Reopen | None = None,
    origin: Origin | None = None,
) -> Predicted:
    """Predicts a stream and writes it.

    Args:
        model: a fitted classifier.
        stream: the texts, from the first on.
        output: a file, or None for standard output.
        layout: which columns; None are the usual ones.
        jobs: as for ``predict_stream``.
        reopen: as for ``predict_stream``.
        origin: of an output that an interrupted run may have begun; None starts over.
    """
    seen = _Seen(stream)
    layout = layout or Layout(model.task_)
    lost = resumable_rows(output) if output is not None and origin is None else 0
    with _saying_what_is_kept(output, origin), writing(output, layout, origin, lambda: seen.rows) as out:
        if lost:
            progress.say(
                f"Starting over; with --resume, {counted(lost, 'row')} of an interrupted run would have been kept."
            )
        if out.rows:
            progress.say(f"Going on after the {counted(out.rows, 'row')} of an interrupted run.")
        with closing(predict_stream(model, seen, jobs=jobs, reopen=reopen, after=out.rows)) as predictions:
            for prediction in predictions:
                out.write(prediction)
    blank = seen.blank
    if not blank:
        return Predicted(seen.rows)
    count = "1 text is" if len(blank) == 1 else f"{len(blank):,}{' or more' * (len(blank) == MOST_BLANK)} texts are"
    note = f"{count} blank; what is predicted there says nothing: {listed(blank)}."
    return Predicted(seen.rows, tuple(blank), (note,))


@contextmanager
def _saying_what_is_kept(output: Path | None, origin: Origin | None) -> Iterator[None]:
    """When the block is interrupted, says how much can be gone on from."""
    try:
        yield
    except SettingError:  # nothing has begun
        raise
    except BaseException as error:
        rows = 0 if output is None or origin is None else resumable_rows(output)
        sentence = (
            f"{counted(rows, 'row')} {'is' if rows == 1 else 'are'} kept, and the same command goes on from there."
        )
        if rows and isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(sentence) from None
        if rows:
            progress.say(sentence)
        raise


class _Seen:
    """A stream as it is; ``rows`` counts what has come of it, ``blank`` says where its first blank texts are."""

    def __init__(self, stream: Iterable[Texts]) -> None:
        self._stream = stream
        self.rows = 0
        self.blank: list[str] = []

    def __iter__(self) -> Iterator[Texts]:
        for piece in self._stream:
            self.rows += len(piece.texts)
            if len(self.blank) < MOST_BLANK:
                places = (number for number, text in zip(piece.numbers, piece.texts, strict=True) if not text.strip())
                found = (f"{piece.file} row {number}".strip() for number in places)
                self.blank.extend(islice(found, MOST_BLANK - len(self.blank)))
            yield piece


@dataclass(frozen=True)
class _Wanted:
    """What is read of a table: its name for people, the columns of its texts and to keep, and how."""

    source: str
    text: tuple[str, ...]
    keep: tuple[str, ...]
    options: ReadOptions


def _unchanged(pieces: Iterable[Texts], files: Unchanged) -> Iterator[Texts]:
    """The same pieces of files that are at the end as they were at the beginning."""
    yield from pieces
    files.check()


def _pieces(files: Source, wanted: _Wanted, known: Columns | None, notes: list[str]) -> Iterator[Texts]:
    """The texts of a table with their rows; says how it is read, and adds to ``notes`` what is known at the end."""
    from textgraft.data import read_texts
    from textgraft.data.tables.asked import asked, check_columns, expected
    from textgraft.data.tables.paths import reached

    stream = read_texts(files, wanted.text or known, options=wanted.options, rows_per_chunk=TEXTS_AT_ONCE)
    said: set[str] | None = None
    kept: tuple[str, ...] = ()
    for texts, chunk in stream:
        columns = {**chunk.columns, **reached(chunk.columns, kept or expected(wanted.keep))}
        if said is None:
            kept = asked(wanted.keep, columns)
            check_columns(kept, columns, file=chunk.file, purpose=" to keep")
            said = set(stream.notes)
            for line in notes_about(wanted.source, stream.notes):
                progress.say(line)
        # Later objects of JSON may lack a field.
        values = {name: columns.get(name, [None] * len(chunk)) for name in kept}
        yield Texts(texts, chunk.file, chunk.numbers, values)
    if late := notes_about(wanted.source, [note for note in stream.notes if note not in (said or ())]):
        notes.append("\n".join(late))
