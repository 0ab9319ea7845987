"""What can be seen of a training run: a log of its steps, learning curves, and events for TensorBoard."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgraft.errors import DataError, MissingExtraError, TrainingError
from textgraft.training.curves import draw_curves, is_finite
from textgraft.whole import whole_file

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from textgraft.training.loop import Progress

LOG, CURVES, EVENTS = "log.jsonl", "curves.png", "tensorboard"

# What of a step is logged.
FIELDS = ("step", "steps", "epoch", "loss", "learning_rate", "rows", "seconds", "texts_per_second", "score", "best")
EVENTFUL = ("loss", "learning_rate", "texts_per_second", "score")  # and what TensorBoard gets


def record(
    steps: Iterable[Progress], folder: str | Path, *, tensorboard: bool = False, metric: str = "validation score"
) -> Generator[Progress, None, None]:
    """Passes the steps of a training run through and writes down what can be seen of it.

    ``folder/log.jsonl`` gets one JSON object per step, written when the step is seen. When the iteration ends, in
    whatever way, ``folder/curves.png`` is drawn from it if matplotlib is there. Where the first step is not step 1,
    a run is being resumed: the lines of the steps before it are kept and all others dropped.

    Args:
        steps: of the training loop.
        folder: is made if it is missing.
        tensorboard: write events to ``folder/tensorboard`` as well.
        metric: name of the validation score in the picture.

    Yields:
        The steps as they come.

    Raises:
        MissingExtraError: ``tensorboard`` is wanted and not installed; raised by the call, before any step.
        TrainingError: the log cannot be written.
        DataError: the log of the run to be resumed is damaged before its last line.
    """
    if tensorboard:
        _summary_writer()
    return _recorded(steps, Path(folder), tensorboard, metric)


def read_log(path: str | Path) -> list[dict[str, Any]]:
    """The entries of a ``log.jsonl``, one a step; numbers that were not finite are None.

    A last line that is half-written, as a killed process leaves it, is passed over.

    Raises:
        DataError: the log cannot be read, or a line before the last is damaged.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"The training log {path} could not be read: {error.strerror or error}.") from error
    entries = []
    for number, line in enumerate(lines, 1):
        entry = None
        with suppress(ValueError):
            entry = json.loads(line)
        if isinstance(entry, dict) and isinstance(entry.get("step"), int):
            entries.append(entry)
        elif number < len(lines):
            raise DataError(
                f"Line {number} of the training log {path} is damaged: it is not a JSON object with a step. "
                "Delete that line, or move the log away."
            )
    return entries


def _recorded(
    steps: Iterable[Progress], folder: Path, tensorboard: bool, metric: str
) -> Generator[Progress, None, None]:
    path = folder / LOG
    log = events = None
    try:
        for step in steps:
            with _as_sentence(path):
                if log is None:
                    _begin(path, step.step)
                    # Without a buffer nothing is left to be written when the disk is full and the file is closed.
                    log = path.open("ab", buffering=0)
                    if tensorboard:
                        # What an earlier run wrote from this step on is hidden.
                        events = _summary_writer()(str(folder / EVENTS), purge_step=step.step, flush_secs=10)
                entry = entry_of(step)
                line = json.dumps(entry).encode() + b"\n"
                while line:
                    line = line[log.write(line) :]
                if events is not None:
                    for name in filter(lambda name: is_finite(entry.get(name)), EVENTFUL):
                        events.add_scalar(name, entry[name], entry["step"])
            yield step
    finally:
        # The log is the record, and training ends the same with or without a picture of it.
        if events is not None:
            with suppress(OSError):
                events.close()
        if log is not None:
            log.close()
            with suppress(OSError, DataError, MissingExtraError):
                draw_curves(read_log(path), folder / CURVES, metric)


def _begin(path: Path, first: int) -> None:
    """Leaves the steps before ``first`` in the log."""
    earlier = [entry for entry in read_log(path) if entry["step"] < first] if first > 1 and path.exists() else []
    with whole_file(path) as part:
        part.write_text("".join(json.dumps(entry) + "\n" for entry in earlier), "utf-8")
    if first == 1:
        (path.parent / CURVES).unlink(missing_ok=True)


def entry_of(step: Progress) -> dict[str, Any]:
    """What is known of a step; NaN and infinity, which JSON lacks, are null."""
    known = {name: getattr(step, name) for name in FIELDS if getattr(step, name) is not None}
    if step.score is None:
        del known["best"]
    return {name: _rounded(value, name) for name, value in known.items()}


def _rounded(value: Any, name: str) -> Any:
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    return round(value, 3) if name == "seconds" else float(f"{value:.6g}")


@contextmanager
def _as_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"The training log {path} could not be written: {error.strerror or error}. "
            "Make room for it, or choose another folder."
        ) from error


def _summary_writer() -> type[SummaryWriter]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtraError("Writing events for TensorBoard", "tensorboard") from None
    return SummaryWriter
