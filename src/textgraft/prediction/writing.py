"""Predictions as CSV, TSV, JSON Lines or Parquet, chunk by chunk, to a file or to standard output.

A file appears whole, or is gone on with after an interruption.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from textgraft.errors import SettingError
from textgraft.labels import NUMBER
from textgraft.methods.answering import Label
from textgraft.prediction.counting import check_rows, rows_in
from textgraft.prediction.origin import Origin
from textgraft.prediction.parquet import Direct, Messages
from textgraft.prediction.part_file import PartFile, part_file
from textgraft.prediction.streaming import Prediction
from textgraft.prediction.threads import behind
from textgraft.task import Task
from textgraft.unicode import quoted_path, shown

if TYPE_CHECKING:
    pass

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ENDINGS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


@dataclass(frozen=True)
class Layout:
    """Which columns are written.

    Attributes:
        task: of the model.
        every: the probability of every label too.
        with_file: the file of each row too, for when there are several.
        safe_csv: cells of CSV and TSV that a spreadsheet would run as formulas begin with an apostrophe.
        abstain: what stands in place of labels that the model would rather not give, such as nothing, with a column
            ``abstained`` that says why; None gives all labels.
        sets: a column ``possible`` with all labels that are.
    """

    task: Task
    every: bool = False
    with_file: bool = False
    safe_csv: bool = False
    abstain: str | None = None
    sets: bool = False

    def labels(self, prediction: Prediction) -> list[Label | None]:
        """The label or labels of each row, or what stands in their place; None for an empty place."""
        if self.abstain is None:
            return list(prediction.labels)
        instead: Label | None = self.abstain or None
        if instead is not None and self.task.multi_label:
            instead = (self.abstain,)
        given = zip(prediction.labels, prediction.reasons, strict=True)
        return [instead if reason else label for label, reason in given]

    def columns(self, prediction: Prediction) -> dict[str, Sequence[Any]]:
        """The columns of one chunk by name: (file,) row, those of the input, text, label, probability, each label."""
        columns: dict[str, Sequence[Any]] = {}
        if self.with_file:
            columns["file"] = [prediction.file] * len(prediction.texts)
        columns["row"] = list(prediction.numbers)
        labels = [each if isinstance(each, str) else ";".join(each or ()) for each in self.labels(prediction)]
        predicted: dict[str, Sequence[Any]] = {"text": prediction.texts, "label": labels}
        predicted["probability"] = _rounded(prediction.probability)
        if self.abstain is not None:
            predicted["abstained"] = prediction.reasons
        if self.sets:
            predicted["possible"] = list(map(";".join, prediction.sets or ()))
        if self.every:
            shares = zip(self.task.labels, prediction.probabilities.T, strict=True)
            predicted |= {f"p({label})": _rounded(column) for label, column in shares}
        # A column of the input that is called like one of ours stays, under another name.
        taken = columns.keys() | predicted.keys()
        columns |= {f"input.{name}" if name in taken else name: values for name, values in prediction.kept.items()}
        return columns | predicted


@dataclass(frozen=True)
class Output:
    """Where predictions go.

    Attributes:
        write: takes predictions in order; an error of an earlier one may come with a later one.
        rows: how many rows of an earlier run it begins with.
    """

    write: Callable[[Prediction], object]
    rows: int = 0


@contextmanager
def writing(
    path: Path | None, layout: Layout, origin: Origin | None = None, read: Callable[[], int] | None = None
) -> Iterator[Output]:
    """Writes to ``path`` in the format of its ending, or CSV to standard output where it is None.

    A thread writes to the file, which appears when the block ends well; if it does not, nothing is left behind. With
    ``origin`` what was written stays, hidden, and the next call with the same origin goes on there, even where the
    process was killed. ``read`` tells at the end how many rows the source had, which is how many the output must have.

    Raises:
        SettingError: see ``check_output``; another process writes the file; or what is there to go on with has another
            origin.
        TextgraftError: the output has another number of rows than were read; then nothing of it is kept.
    """
    if path is None:
        # In the caller's thread: one that waits for a pipe that nobody reads could not be stopped.
        shown_rows = _Delimited(sys.stdout, layout)
        yield Output(shown_rows.write)
        shown_rows.close()
        if read is not None:
            check_rows(read(), shown_rows.rows, "standard output")
        return
    form = check_output(path)
    with part_file(path, origin) as part:
        writer = _writer(form, part, layout, resumable=origin is not None)

        def write(prediction: Prediction) -> None:
            writer.write(prediction)
            part.wrote(len(prediction.texts), writer.flush)

        with behind(write) as put:
            yield Output(put, part.rows)
        writer.close()

        def check(finished: Path) -> None:
            if read is not None:
                check_rows(read(), rows_in(finished, form), str(path))

        if not isinstance(writer, Messages):
            check(part.path)
            return
        messages = writer

        def finish(whole: Path) -> None:
            messages.as_parquet(whole)
            check(whole)

        part.finish = finish


def check_output(path: Path) -> str:
    """The format that the ending of ``path`` means.

    Raises:
        SettingError: none; the folder is not there; or what is there is no file.
        MissingExtraError: it is Parquet, and PyArrow is not installed.
    """
    form = ENDINGS.get(path.suffix.lower())
    if form is None:
        raise SettingError(f"--output must end in {', '.join(ENDINGS)}; got {quoted_path(path.name)}.")
    if not path.absolute().parent.is_dir():
        raise SettingError(f"The folder {path.parent} of --output {path.name} is not there; make it first.")
    if path.is_dir():
        raise SettingError(f"--output {path} is a folder; give the name of a file in it.")
    if path.exists() and not path.is_file():
        raise SettingError(
            f"--output {path} is no file, and stays as it is; give the name of one, or leave --output out and redirect "
            "standard output."
        )
    if form == "parquet":
        from textgraft.extras import import_pyarrow

        import_pyarrow("Writing Parquet")
    return form


class _Writer(Protocol):
    """Takes predictions in order; ``flush`` hands on what is held back, and after ``close`` the file is whole."""

    def write(self, prediction: Prediction) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


def _writer(form: str, part: PartFile, layout: Layout, *, resumable: bool) -> _Writer:
    if form == "parquet":
        return Messages(part.path, part.file, layout.columns) if resumable else Direct(part.path, layout.columns)
    file = TextIOWrapper(part.file, encoding="utf-8", newline="")
    if form == "jsonl":
        return _Lines(file, layout)
    return _Delimited(file, layout, "\t" if form == "tsv" else ",", header_written=part.rows > 0)


class _Delimited:
    """CSV, or TSV, with a header."""

    def __init__(self, file: TextIO, layout: Layout, delimiter: str = ",", *, header_written: bool = False) -> None:
        self.flush = self.close = file.flush
        self._lines = _Rows(file)
        self._rows = csv.writer(self._lines, delimiter=delimiter, lineterminator="\r\n")
        self._layout = layout
        self._header_written = header_written

    @property
    def rows(self) -> int:
        """How many rows have been handed on, the header aside."""
        return max(0, self._lines.count - 1)

    def write(self, prediction: Prediction) -> None:
        columns = self._layout.columns(prediction)
        if self._layout.safe_csv:
            columns = {inert(name): list(map(inert, values)) for name, values in columns.items()}
        if not self._header_written:
            self._rows.writerow(columns)
            self._header_written = True
        self._rows.writerows(zip(*columns.values(), strict=True))


def inert(cell: Any) -> Any:
    """A cell that no spreadsheet runs as a formula: one that would be begins with an apostrophe.

    What begins a formula is as OWASP lists it ("CSV Injection"); a number stays one, whatever its sign.
    """
    if not isinstance(cell, str) or not cell.startswith(_FORMULA) or NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"


class _Rows:
    """Takes rows that end as csv's own do, and ends them with ``\\n``.

    A carriage return within a field ends no row for the readers only where the field is quoted, which csv sees to where
    it is one of the characters that end a row. A terminal must not obey what stands in texts and columns.
    """

    def __init__(self, file: TextIO) -> None:
        self._write = file.write
        self._shown = file.isatty()
        self.count = 0

    def write(self, row: str) -> int:
        self.count += 1
        row = f"{row[:-2]}\n"
        return self._write(shown(row) if self._shown else row)


class _Lines:
    """JSON Lines; labels of a multi-label task as a list, all probabilities as an object."""

    def __init__(self, file: TextIO, layout: Layout) -> None:
        self.flush = self.close = file.flush
        self._file = file
        self._layout = layout

    def write(self, prediction: Prediction) -> None:
        task = self._layout.task
        columns, labels = replace(self._layout, every=False).columns(prediction), self._layout.labels(prediction)
        for i, row in enumerate(zip(*columns.values(), strict=True)):
            # NaN is no JSON.
            item = {name: None if v != v else v for name, v in zip(columns, row, strict=True)}  # noqa: PLR0124
            if task.multi_label:
                del item["label"]
                item["labels"] = list(labels[i] or ())
            else:
                item["label"] = labels[i]
            if self._layout.sets and prediction.sets is not None:
                item["possible"] = list(prediction.sets[i])
            if self._layout.every:
                item["probabilities"] = dict(zip(task.labels, _rounded(prediction.probabilities[i]), strict=True))
            self._file.write(json.dumps(item, ensure_ascii=False, default=str) + "\n")


def _rounded(values: Any) -> list[float]:
    """Six digits: what float32 holds, without its tail."""
    return [round(float(value), 6) for value in values]
