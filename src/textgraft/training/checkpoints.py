"""Checkpoints: what training needs to go on exactly where it was, written whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgraft.errors import TrainingError, listed
from textgraft.training import processes
from textgraft.unicode import quoted
from textgraft.whole import remove, remove_leftovers, whole_folder

if TYPE_CHECKING:
    import torch

TENSORS, STATE = "tensors.safetensors", "state.json"
NAME = re.compile(r"step-\d{8,}")


@dataclass
class Checkpoints:
    """A folder of checkpoints ``step-00000120``."""

    folder: Path  # is made when the first one is written
    identity: Mapping[str, Any]  # what is trained on what and how, as plain data; a checkpoint of else is refused
    seconds: float = 120.0  # of training between two checkpoints
    steps: int | None = None  # between two checkpoints, beside ``seconds``; None is by the clock only
    keep: int = 2  # how many of the last ones stay
    resume: bool = False  # whether training goes on from the last one; where there is none, it starts
    _last: float = field(default=0.0, init=False, repr=False)  # seconds of training before the last one

    def due(self, step: int, seconds: float) -> bool:
        """Whether one should be written after ``step``, so many seconds into training."""
        return seconds - self._last >= self.seconds or (self.steps is not None and step % self.steps == 0)

    def write(self, step: int, seconds: float, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
        """Writes one, in the first process only, and deletes those that are too old.

        Raises:
            TrainingError: the disk is full or cannot be written to; earlier checkpoints are as they were.
        """
        self._last = seconds
        processes.first_does(lambda: self._write(step, tensors, state))

    def _write(self, step: int, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        place = self.folder / f"step-{step:08d}"
        try:
            with whole_folder(place) as draft:
                save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, draft / TENSORS)
                content = {"identity": self._plain(), "step": step, **state}
                (draft / STATE).write_text(json.dumps(content), "utf-8")
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            written = self.written()
            last = f"The last good checkpoint is {written[-1]}" if written else "There is no earlier checkpoint"
            raise TrainingError(
                f"The checkpoint after step {step} could not be written to {self.folder}: {reason}. {last}; make room "
                "and resume, or choose another folder."
            ) from None
        for old in self.written()[: -self.keep]:
            with suppress(OSError):
                remove(old)

    def _clear_all(self) -> None:
        remove_leftovers(self.folder)
        for place in self.written():
            remove(place)

    def _plain(self) -> dict[str, Any]:
        """The identity as it comes back from JSON."""
        plain: dict[str, Any] = json.loads(json.dumps(dict(self.identity), default=_plain))
        return plain

    def written(self) -> list[Path]:
        """The checkpoints that are there, oldest first; what a killed process left does not count."""
        return sorted(p for p in self.folder.glob("step-*") if NAME.fullmatch(p.name) and (p / STATE).is_file())

    def last(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
        """Tensors and state of the last one; None where there is none or training is not to resume.

        Raises:
            TrainingError: it belongs to other data, another encoder or other settings, or cannot be read.
        """
        if not self.resume or not (written := self.written()):
            return None
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        place = written[-1]
        try:
            state = json.loads((place / STATE).read_text("utf-8"))
            tensors = load_file(place / TENSORS)
            theirs, seconds = dict(state["identity"]), float(state["seconds"])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise TrainingError(
                f"The checkpoint {place} cannot be read ({error}); delete this folder to go on from the one before it."
            ) from None
        mine = self._plain()
        other = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
        if other:
            which = listed(
                [f"{name} ({quoted(theirs.get(name))} there, {quoted(mine.get(name))} here)" for name in other], 3
            )
            raise TrainingError(
                f"The checkpoint {place} belongs to another training: {which}. Use the same data and settings, or "
                "train anew without resuming."
            )
        self._last = seconds
        return tensors, state

    def start_anew(self) -> None:
        """Deletes checkpoints of an earlier training, so that they are never mixed with the new one's."""
        if not self.resume:
            processes.first_does(self._clear_all)

    def done(self) -> None:
        """Deletes all of them, once the trained network is safe elsewhere; only the first process does."""
        if processes.rank() == 0:
            self._clear_all()


def _plain(value: Any) -> Any:
    """Numbers of NumPy and mappings that JSON does not know."""
    return value.item() if hasattr(value, "item") else dict(value)
