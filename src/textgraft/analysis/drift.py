"""Whether new texts are like those that a model was trained on, and answered like them; labels are not needed.

Each quantity of the model's sketch is tested on its own, and the p-values are corrected for their number. A change is
found where it is sure, and where as many texts are others as matter in practice; of confidence only where it falls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.artifact import load
from textgraft.dataset import Dataset
from textgraft.errors import ArtifactError, DataError
from textgraft.evaluation import drift as tests
from textgraft.evaluation.drift import Change
from textgraft.evaluation.recommend import holm
from textgraft.given import Data, Labels, as_dataset, as_texts
from textgraft.heads.distances import evenly
from textgraft.methods import TextClassifier
from textgraft.methods.constraints import Share, refuse
from textgraft.methods.estimator import check_fitted
from textgraft.model_directory.sketch import MOST_ROWS, Quantity, ScoredTexts, Sketch, of_predictions, repeated
from textgraft.text.languages import NAMES as LANGUAGES
from textgraft.unicode import quoted
from textgraft.wording import counted, percent

FALSE_ALARMS: Final = 0.01
LEAST_DISTANCE: Final = 0.05  # the share of texts that are others, below which a change does not matter
FEWEST: Final = 20  # rows


@dataclass(frozen=True)
class Moved:
    """The part of a quantity that gained most: its name, and its shares of texts before and now."""

    what: str
    before: float
    now: float

    def __str__(self) -> str:
        return f"{self.what}: {percent(self.before)} then, {percent(self.now)} now"


@dataclass(frozen=True)
class QuantityChange:
    """What became of a quantity.

    Attributes:
        name: see ``model_directory.sketch.NAMES``.
        change: rows, distance and p-value.
        corrected: the p-value for the number of quantities (Holm 1979).
        changed: whether that is below the level, and the distance matters.
        moved: what gained most.
    """

    name: str
    change: Change
    corrected: float
    changed: bool
    moved: Moved

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "quantity": self.name,
            "changed": self.changed,
            "distance": self.change.distance,
            "p_value": self.change.p_value,
            "corrected": self.corrected,
            "rows": self.change.rows,
            "of_sketch": self.change.of_sketch,
            "moved": vars(self.moved),
        }


@dataclass(frozen=True)
class Accuracy:
    """How many answers are right, and how many should be by their confidences.

    Attributes:
        rows: with labels.
        found: the share that is right.
        expected: the mean confidence.
        p_value: of "both are the same", two-sided.
    """

    rows: int
    found: float
    expected: float
    p_value: float


@dataclass(frozen=True)
class Drift:
    """What is different in new texts.

    Attributes:
        rows: new ones.
        looked_at: of these.
        repeated: rows that repeat a text that is more than a 200th of all, which counts once.
        against: what they were held against.
        false_alarms: how probable a change is that is found where there is none.
        quantities: what became of each.
        accuracy: where there are labels.
        notes: sentences that a user should see.
    """

    rows: int
    looked_at: int
    repeated: int
    against: str
    false_alarms: float
    quantities: tuple[QuantityChange, ...]
    accuracy: Accuracy | None = None
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[QuantityChange, ...]:
        """The quantities that have changed, those first that moved most."""
        return tuple(sorted((each for each in self.quantities if each.changed), key=lambda each: -each.change.distance))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            **vars(self),
            "changed": [each.name for each in self.changed],
            "quantities": [each.to_dict() for each in self.quantities],
            "accuracy": None if self.accuracy is None else vars(self.accuracy),
            "notes": list(self.notes),
        }


def drift(
    model: str | Path | TextClassifier,
    data: Data | Sequence[str],
    labels: Labels | None = None,
    *,
    against: Data | Sequence[str] | None = None,
    false_alarms: float = FALSE_ALARMS,
    seed: int = 0,
) -> Drift:
    """Holds new texts against what a model keeps of its training data.

    Args:
        model: a model directory, or a fitted classifier.
        data: new texts, or rows with labels, by which the accuracy is held against the expected one.
        labels: of the texts, if they are known.
        against: rows to hold them against in place of the training data, such as those of last month.
        false_alarms: how probable a change may be that is found where there is none.
        seed: of random draws.

    Raises:
        SettingError: ``false_alarms`` is no share.
        DataError: there are fewer than 20 rows, or labels that the model does not have.
        ArtifactError: the model cannot be loaded, or keeps nothing of its training data.
    """
    refuse(Share().faults("false_alarms", false_alarms))
    name = "This model" if isinstance(model, TextClassifier) else str(model)
    model = model if isinstance(model, TextClassifier) else load(model)
    check_fitted(model)
    texts, rows, notes = _given(model, data, labels)
    sketch = sketch_of(model, name) if against is None else _sketched(model, _given(model, against)[0])
    at = evenly(len(texts), MOST_ROWS)
    some = [texts[i] for i in at.tolist()]
    new = predicted(model, some, sketch)
    again = repeated(some)
    places = sketch.places(new, model.task_, model.decision)[~again]
    found = changes(sketch, sketch.counted(places), false_alarms, lambda a, b: tests.permuted(a, b, seed=seed))
    if model.seen_ is not None and against is None and (trained := int(model.seen_.find(some)[0].sum())):
        notes += (f"The model was trained on {trained:,} of the {counted(len(some), 'row')} looked at.",)
    accuracy = None if rows is None else _accuracy(model, new, rows.select(at), seed)
    where = "the training data" if against is None else "the other table"
    return Drift(len(texts), len(some), int(again.sum()), where, false_alarms, found, accuracy, notes)


def sketch_of(model: TextClassifier, name: str) -> Sketch:
    """What a model keeps of its training data.

    Raises:
        ArtifactError: it keeps nothing.
    """
    if model.sketch_ is None:
        raise ArtifactError(
            f"{name} keeps no sketch of its training data, as models of earlier releases and of other libraries; train "
            "it anew, or give rows to hold new ones against with --against TABLE (against=)."
        )
    return model.sketch_


def predicted(model: TextClassifier, texts: Sequence[str], sketch: Sketch) -> ScoredTexts:
    """Texts with what a model says of them, as far as a sketch asks for it."""
    return ScoredTexts(texts, *model.scored(texts, familiar="familiarity" in sketch))


def changes(
    sketch: Sketch,
    new: Sequence[NDArray[np.int64]],
    level: float,
    test: Callable[[NDArray[np.int64], NDArray[np.int64]], Change],
) -> tuple[QuantityChange, ...]:
    """What became of each quantity, with p-values corrected for the number of those that have new rows.

    Args:
        sketch: of the training data.
        new: new counts of each of its quantities.
        level: the chance of finding any change where there is none.
        test: one of ``evaluation.drift``.
    """
    known = [np.array(quantity.counts, np.int64) for quantity in sketch.quantities]
    found = [
        (quantity, counts, test(counts, before))
        for quantity, counts, before in zip(sketch.quantities, new, known, strict=True)
        if counts.any() and before.any()
    ]
    corrected = holm([change.p_value for _, _, change in found])
    return tuple(
        QuantityChange(
            quantity.name,
            change,
            p,
            p <= level and change.distance >= LEAST_DISTANCE and _matters(quantity, counts),
            moved(quantity, counts),
        )
        for (quantity, counts, change), p in zip(found, corrected, strict=True)
    )


def moved(quantity: Quantity, new: NDArray[np.int64]) -> Moved:
    """What gained most: one of several names, or one side of an edge between numbers."""
    before, now = (np.asarray(counts) / max(1, sum(counts)) for counts in (quantity.counts, new.tolist()))
    if quantity.edges is None:
        i = int((now - before).argmax())
        return Moved(_category(quantity, i), float(before[i]), float(now[i]))
    if not quantity.edges:
        return Moved(quantity.name, 1.0, 1.0)
    before, now = np.cumsum(before)[:-1], np.cumsum(now)[:-1]
    i = int(np.abs(now - before).argmax())
    side, edge = ("at most", quantity.edges[i]) if now[i] >= before[i] else ("more than", quantity.edges[i])
    shares = (before[i], now[i]) if side == "at most" else (1 - before[i], 1 - now[i])
    return Moved(f"{side} {_number(quantity.name, edge)}", *map(float, shares))


def _matters(quantity: Quantity, new: NDArray[np.int64]) -> bool:
    """Whether the direction of a change says anything: confidence rises without one.

    The confidences of a sketch are of models that were fitted without the rows in question; the one that answers was
    fitted to all of them, and is surer.
    """
    places = np.arange(len(new))
    return quantity.name != "confidence" or bool(
        np.average(places, weights=new) < np.average(places, weights=quantity.counts)
    )


def _number(name: str, edge: float) -> str:
    match name:
        case "length":
            return counted(round(edge), "character")
        case "capitals" | "unknown words":
            return f"{percent(edge)} {name}"
        case _:
            return f"{edge:.3f} {name}"


def _category(quantity: Quantity, i: int) -> str:
    names = quantity.categories or ()
    if i == len(names):
        return f"no or another {quantity.name}"
    if quantity.name != "language":
        return quoted(names[i])
    return LANGUAGES.get(names[i], "no language that shows")


def _given(
    model: TextClassifier, data: Any, labels: Labels | None = None
) -> tuple[list[str], Dataset | None, tuple[str, ...]]:
    """Texts, the rows with labels that the model has, if there are any, and why not."""
    rows: Dataset | None = None
    notes: tuple[str, ...] = ()
    if labels is None and isinstance(data, Sequence) and all(isinstance(each, str) for each in data):
        texts = as_texts(data)
    else:
        try:
            rows = as_dataset(data, labels, who="drift", task=model.task_, merged=model.fitted_on_.merged)
        except DataError as error:
            if not isinstance(data, Dataset):
                raise
            notes = (f"The accuracy is not looked at: {error}",)
        texts = list(data.texts if rows is None else rows.texts)
    if len(texts) < FEWEST:
        raise DataError(
            f"{counted(len(texts), 'row')} cannot show whether anything has changed; give at least {FEWEST} of them."
        )
    return texts, rows, notes


def _sketched(model: TextClassifier, texts: Sequence[str]) -> Sketch:
    """A sketch of rows that the model was not trained on."""
    some = [texts[i] for i in evenly(len(texts), MOST_ROWS).tolist()]
    probabilities, familiarity = model.scored(some, familiar=True)
    return Sketch.of(some, of_predictions(some, probabilities, model.task_, model.decision), familiarity)


def _accuracy(model: TextClassifier, new: ScoredTexts, rows: Dataset, seed: int) -> Accuracy:
    answers = model.answers_from(new.probabilities, new.familiarity)
    right = np.asarray(answers.targets == rows.targets).reshape(len(rows), -1).all(axis=1)
    sure = answers.confidence
    p = tests.calibrated_by_chance(sure, int(right.sum()), seed=seed)
    return Accuracy(len(rows), float(right.mean()), float(sure.mean()), p)
