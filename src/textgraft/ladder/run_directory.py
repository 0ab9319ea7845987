"""The memory of a search: a folder with what it is about, and a file for each piece of work that was done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.digests import text_digest
from textgraft.errors import ArtifactError, SettingError
from textgraft.json_files import read_object
from textgraft.tensors import Tensors
from textgraft.whole import whole_file

FORMAT = 2  # raised where a later release would read another meaning into the files
IDENTITY = "search.json"
LONGER = 1.5  # times the budget that cut a training, for another one to be worth it
_SECONDS = ("read_seconds", "fit_seconds", "predict_seconds", "spent", "few_seconds", "cut_by")


@dataclass(frozen=True, order=True)
class Unit:
    """A piece of work: one candidate trained on some rows of all folds but one.

    Attributes:
        candidate: its name.
        fold: the one that it is scored on.
        rows: how many it is trained on.
    """

    candidate: str
    fold: int
    rows: int


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a piece of work brought.

    Attributes:
        probabilities: (n, k) float32 of the rows that it was scored on.
        predicted: (n,) int64, or (n, k) bool: the labels that its model gave them.
        read_seconds: of reading its texts beforehand, for what reads them apart; see ``TextClassifier.read``.
        fit_seconds: of training.
        predict_seconds: of predicting the n rows.
        spent: seconds of the whole search at its end.
        few_seconds: of training on the first ``WARMING`` rows, where that was measured; else 0.
        cut_by: the seconds of the search that had no time for all of this training; 0 where it had.
    """

    probabilities: NDArray[np.float32]
    predicted: NDArray[Any]
    read_seconds: float
    fit_seconds: float
    predict_seconds: float
    spent: float
    few_seconds: float = 0.0
    cut_by: float = 0.0

    @property
    def seconds(self) -> float:
        """Of all of it."""
        return self.read_seconds + self.fit_seconds + self.predict_seconds


class RunDirectory:
    """The outcomes of a search, each in a file that is written whole, so that a kill loses at most the work at hand.

    Args:
        folder: None keeps nothing on disk.
        identity: what outcomes depend on besides their candidate, by names for people; JSON.
        resume: go on with what the folder holds. Without it, it must not hold a search.

    Attributes:
        outcomes: all that is known.
        spent: seconds that the search had taken when the last of them was done.

    Raises:
        ArtifactError: what the folder holds is damaged, or no search of this release.
        SettingError: it holds a search and ``resume`` was not said, or one of another identity.
    """

    spent: float

    def __init__(self, folder: Path | None, identity: Mapping[str, Any], *, resume: bool) -> None:
        self.folder = folder
        self.outcomes: dict[Unit, Outcome] = {}
        self.spent = 0.0
        self._begun_here = folder is not None and not (folder / IDENTITY).is_file()
        if folder is None:
            return
        if not (folder / IDENTITY).is_file():
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise ArtifactError(f"{folder} is something else than a search; give another folder, or move it away.")
            folder.mkdir(parents=True, exist_ok=True)
            with whole_file(folder / IDENTITY) as part:
                part.write_text(json.dumps({"format": FORMAT, **identity}, indent=2), "utf-8")
            return
        if not resume:
            raise SettingError(
                f"{folder} holds a search already. --resume (resume=True) goes on with it, with a longer budget too; "
                "else delete it, or give another place."
            )
        self._check({"format": FORMAT, **identity})
        for path in sorted(folder.glob("*.safetensors")):
            unit, outcome = _read(path)
            self.outcomes[unit] = outcome
            self.spent = max(self.spent, outcome.spent)

    def _check(self, identity: Mapping[str, Any]) -> None:
        """Refuses the memory of another search."""
        assert self.folder is not None
        known = read_object(self.folder / IDENTITY, ("format",), tuple(identity))
        differ = [name for name, value in identity.items() if known.get(name) != json.loads(json.dumps(value))]
        if differ:
            what = ", ".join(
                f"{name} ({_short(known.get(name))} there, {_short(identity[name])} now)" for name in differ
            )
            raise SettingError(
                f"{self.folder} holds another search, which cannot be gone on with. What differs: {what}. Give what "
                "was given then, or another place."
            )

    def forget_cut(self, budget: float) -> None:
        """Leaves out what was cut by a budget that was much shorter than this one, in seconds, to be done again."""
        for unit in [unit for unit, outcome in self.outcomes.items() if 0 < LONGER * outcome.cut_by <= budget]:
            del self.outcomes[unit]

    def discard(self) -> None:
        """Removes the folder if this search made it: there is nothing to go on with."""
        if self.folder is not None and self._begun_here:
            shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self, unit: Unit, outcome: Outcome, settings: Mapping[str, Any]) -> None:
        """Adds an outcome, with the settings of its candidate for whoever looks."""
        self.outcomes[unit] = outcome
        if self.folder is None:
            return
        from safetensors.numpy import save_file

        seconds = [getattr(outcome, name) for name in _SECONDS]
        tensors: dict[str, NDArray[Any]] = {
            "probabilities": np.ascontiguousarray(outcome.probabilities),
            "predicted": np.ascontiguousarray(outcome.predicted, np.int32),
            "seconds": np.array(seconds, np.float64),
        }
        name = text_digest(json.dumps(asdict(unit))).hex()
        # First what says how to read the tensors: those without it are not found.
        with whole_file(self.folder / f"{name}.json", durable=False) as part:
            part.write_text(json.dumps({**asdict(unit), "settings": dict(settings)}, indent=2), "utf-8")
        with whole_file(self.folder / f"{name}.safetensors", durable=False) as part:
            save_file(tensors, part)


def _read(path: Path) -> tuple[Unit, Outcome]:
    content = read_object(path.with_suffix(".json"), ("candidate", "fold", "rows", "settings"))
    tensors = Tensors.read(path)
    try:
        p, predicted, seconds = (tensors.tensors[name] for name in ("probabilities", "predicted", "seconds"))
        measured = dict(zip(_SECONDS, map(float, seconds), strict=True))
        unit = Unit(str(content["candidate"]), int(content["fold"]), int(content["rows"]))
    except (KeyError, TypeError, ValueError):
        raise ArtifactError(f"{path} is damaged: it is not the outcome of a candidate. Delete it to go on.") from None
    predicted = predicted.astype(np.bool_ if predicted.ndim > 1 else np.int64)
    return unit, Outcome(p.astype(np.float32), predicted, **measured)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
