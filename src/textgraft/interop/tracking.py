"""Runs logged where a team looks at them: in MLflow, Weights & Biases, or a tracker of one's own.

A tracker that fails ends no training: that is said once, and the rest of the run is not logged.
"""

from __future__ import annotations

import math
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Protocol

from textgraft import progress
from textgraft.errors import SettingError, TextgraftError, did_you_mean
from textgraft.evaluation import Evaluation, Interval
from textgraft.interop.mlflow import MlflowTracker
from textgraft.interop.wandb import WandbTracker
from textgraft.methods import TextClassifier
from textgraft.methods.estimator import check_fitted
from textgraft.model_directory.manifest import plain
from textgraft.training import Progress, processes
from textgraft.training.watching import watching
from textgraft.unicode import quoted

Row = tuple[int | None, Mapping[str, float]]
SECONDS: Final = 2.0  # between two messages: a server far away must not be asked at every step
MOST_LABELS: Final = 50  # whose figures are logged
_STEP: Final = ("loss", "learning_rate", "texts_per_second")
_OTHER: Final = re.compile(r"[^\w\-. :]")  # what a name of a metric must not hold


class Tracker(Protocol):
    """Where a run is logged; each call may raise whatever it likes."""

    name: str  # for people

    def parameters(self, values: Mapping[str, Any]) -> None:
        """What is settled once: strings, numbers, and lists or mappings of these."""

    def metrics(self, rows: Sequence[Row]) -> None:
        """Figures by name, each row with its training step, or None where they are of the whole run."""

    def file(self, path: Path) -> None:
        """A file, or a folder with all that is in it, under its own name."""

    def end(self, *, failed: bool) -> None:
        """Nothing else follows."""


TRACKERS: Final[Mapping[str, Callable[[str | None], Tracker]]] = {"mlflow": MlflowTracker, "wandb": WandbTracker}


class Run:
    """A run that is being logged. Its methods never raise what the tracker raises.

    Attributes:
        name: of the tracker, for people.
        trouble: what went wrong with it; empty while all goes well.
    """

    name: str
    trouble: str

    def __init__(self, tracker: Tracker | None, trouble: str = "") -> None:
        self.name, self.trouble = "" if tracker is None else tracker.name, trouble
        self._tracker = tracker
        self._rows: list[Row] = []
        self._sent = time.monotonic()
        self._step, self._trainings, self._models = 0, 0, 0

    def step(self, step: Progress) -> None:
        """Logs a step of a training: loss, learning rate and speed, and the validation score of an epoch."""
        if not self._trainings or step.step <= self._step:
            self._trainings += 1
        self._step = step.step
        figures: dict[str, float] = {f"train/{field}": getattr(step, field) for field in _STEP}
        figures["train/epoch"] = step.epoch
        if step.score is not None:
            figures["valid/score"] = step.score
        self._add(step.step, {self._numbered(name, self._trainings): value for name, value in figures.items()})
        if step.score is not None or time.monotonic() - self._sent > SECONDS:
            self._send()

    def model(self, model: TextClassifier) -> None:
        """Logs the hyperparameters of a fitted classifier, what ``fit`` chose, and what it was trained on."""
        check_fitted(model)
        self._models += 1
        on = model.fitted_on_
        known = {"method": model.method, **model.kept_params, "rows": on.rows, "data": on.fingerprint}
        known |= {f"chosen/{name}": value for name, value in model.chosen_.items()}
        known["textgraft"] = version("textgraft")
        given = {name: value for name, value in plain(known).items() if value is not None}
        values = {self._numbered(name, self._models): value for name, value in given.items()}
        self._try(lambda tracker: tracker.parameters(values))

    def evaluation(self, evaluation: Evaluation, part: str = "test") -> None:
        """Logs each metric with the ends of its 95 % interval, and the F1 of each of the first 50 labels."""
        figures: dict[str, float] = {f"{part}/rows": evaluation.n}
        for name, value in evaluation.metrics.items():
            figures |= _ends(f"{part}/{name}", value)
        for label, of_label in list(evaluation.per_label.items())[:MOST_LABELS]:
            if isinstance(f1 := of_label.get("f1"), Interval):
                figures |= _ends(f"{part}/f1/{_OTHER.sub('_', label)}", f1)
        self._add(None, figures)
        self._send()

    def file(self, path: str | Path) -> None:
        """Logs a file or a folder under its name, such as a card, a model directory, or a report, which holds texts."""
        self._try(lambda tracker: tracker.file(Path(path)))

    def end(self, *, failed: bool = False) -> None:
        """Sends what is left; nothing is logged after that."""
        self._send()
        self._try(lambda tracker: tracker.end(failed=failed))
        self._tracker = None

    def _numbered(self, name: str, number: int) -> str:
        """Of a second training or model in the same run the names begin otherwise."""
        if number == 1:
            return name
        first, slash, rest = name.partition("/")
        return f"{first}-{number}{slash}{rest}" if slash else f"{name}-{number}"

    def _add(self, step: int | None, figures: Mapping[str, float]) -> None:
        finite = {name: float(value) for name, value in figures.items() if math.isfinite(value)}
        self._rows.append((step, finite))

    def _send(self) -> None:
        rows, self._rows = self._rows, []
        self._sent = time.monotonic()
        if rows:
            self._try(lambda tracker: tracker.metrics(rows))

    def _try(self, call: Callable[[Tracker], None]) -> None:
        if self._tracker is None:
            return
        try:
            call(self._tracker)
        except Exception as error:  # whatever it is, it is no reason to lose a training
            name, self._tracker = self._tracker.name, None
            self.trouble = _trouble(name, error)
            _say(self.trouble)


@contextmanager
def track(tracker: str | Tracker, *, name: str | None = None) -> Iterator[Run]:
    """Logs the trainings inside the block, step by step, and what else the run is given.

    Where a run of MLflow or W&B is active already, it is logged into, and stays open; otherwise one is started, where
    their own environment variables say, and ended with the block. Of several processes that train together the first
    one logs.

    Args:
        tracker: ``"mlflow"``, ``"wandb"``, or one of your own; see ``Tracker``.
        name: of a new run; None leaves it to the tracker.

    Raises:
        MissingExtraError: the library is not installed.
        SettingError: there is no such tracker.
    """
    run = _begun(tracker, name) if processes.rank() == 0 else Run(None)
    try:
        with watching(run.step):
            yield run
    except BaseException:
        run.end(failed=True)
        raise
    run.end()


def check_tracker(name: str) -> None:
    """Raises SettingError where there is no tracker of that name."""
    if name not in TRACKERS:
        near = did_you_mean(name, TRACKERS)
        raise SettingError(f"There is no tracker {quoted(name)}; there are {' and '.join(TRACKERS)}.{near}")


def _begun(tracker: str | Tracker, name: str | None) -> Run:
    """A run that logs nothing where the tracker cannot start one, which is said."""
    if not isinstance(tracker, str):
        return Run(tracker)
    check_tracker(tracker)
    try:
        return Run(TRACKERS[tracker](name))
    except TextgraftError:
        raise
    except Exception as error:
        run = Run(None, _trouble(tracker, error))
        _say(run.trouble)
        return run


def _trouble(name: str, error: Exception) -> str:
    what = " ".join(str(error).split()).rstrip(". ") or type(error).__name__
    return f"{name} fails, so the rest of this run is not logged; training goes on. It says: {what}."


def _say(sentence: str) -> None:
    """To whoever listens to progress; where nobody does, as a warning."""
    if progress.current_listener() is not None:
        progress.say(sentence)
    else:
        warnings.warn(sentence, stacklevel=4)


def _ends(name: str, figure: Interval) -> dict[str, float]:
    return {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}
