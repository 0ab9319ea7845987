"""Predictions to a file or to standard output; a file appears whole, or is gone on with after an interruption."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from textgraft.errors import SettingError
from textgraft.prediction.formats import DelimitedWriter, Layout, LinesWriter, ParquetWriter, Writer
from textgraft.prediction.origin import Origin
from textgraft.prediction.part_file import PartFile, part_file
from textgraft.prediction.streaming import Prediction
from textgraft.prediction.threads import behind

__all__ = ["Layout", "Output", "check_output", "writing"]

ENDINGS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


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
def writing(path: Path | None, layout: Layout, origin: Origin | None = None) -> Iterator[Output]:
    """Writes to ``path`` in the format of its ending, or CSV to standard output where it is None.

    A thread writes to the file, which appears when the block ends well; if it does not, nothing is left behind. With
    ``origin`` what was written stays, hidden, and the next call with the same origin goes on there, even where the
    process was killed.

    Raises:
        SettingError: an ending that says no known format, or one that cannot be gone on with; a folder that is not
            there; another process that writes the file; or what is there to go on with has another origin.
    """
    if path is None:
        # In the caller's thread: one that waits for a pipe that nobody reads could not be stopped.
        writer: Writer = DelimitedWriter(sys.stdout, layout)
        yield Output(writer.write)
        writer.close()
        return
    form = check_output(path, resume=origin is not None)
    with part_file(path, origin) as part:
        writer = _writer(form, part, layout)

        def write(prediction: Prediction) -> None:
            writer.write(prediction)
            part.wrote(len(prediction.texts), writer.flush)

        with behind(write) as put:
            yield Output(put, part.rows)
        writer.close()


def _writer(form: str, part: PartFile, layout: Layout) -> Writer:
    if form == "parquet":
        return ParquetWriter(part.path, layout)
    file = TextIOWrapper(part.file, encoding="utf-8", newline="")
    if form == "jsonl":
        return LinesWriter(file, layout)
    return DelimitedWriter(file, layout, form, header_written=part.rows > 0)


def check_output(path: Path, *, resume: bool = False) -> str:
    """The format that the ending of ``path`` means.

    Args:
        path: of the output.
        resume: it is to be gone on with after an interruption.

    Raises:
        SettingError: none; the folder is not there; or a format that nothing can be added to.
        MissingExtraError: it is Parquet, and PyArrow is not installed.
    """
    form = ENDINGS.get(path.suffix.lower())
    if form is None:
        raise SettingError(f"--output must end in {', '.join(ENDINGS)}; got {path.name!r}.")
    if resume and form == "parquet":
        others = [ending for ending, form in ENDINGS.items() if form != "parquet"]
        raise SettingError(
            f"A half-written Parquet file cannot be gone on with; with --resume, --output must end in "
            f"{', '.join(others)}; got {path.name!r}."
        )
    if not path.absolute().parent.is_dir():
        raise SettingError(f"The folder {path.parent} of --output {path.name} is not there; make it first.")
    if path.is_dir():
        raise SettingError(f"--output {path} is a folder; give the name of a file in it.")
    if form == "parquet":
        from textgraft.extras import import_pyarrow

        import_pyarrow("Writing Parquet")
    return form
