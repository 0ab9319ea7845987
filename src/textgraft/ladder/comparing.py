"""Several rungs of the ladder on the same splits, and which of them to take."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.artifact import save
from textgraft.dataset import Splits
from textgraft.encoders.vector_store import without_cache
from textgraft.errors import DataError, SettingError
from textgraft.evaluation import Entry, Evaluation, Recommendation, recommend
from textgraft.ladder.evaluating import evaluate_against_floor
from textgraft.methods import MajorityClassifier, TextClassifier
from textgraft.methods.estimator import clone
from textgraft.model_directory.files import check_place, directory_bytes
from textgraft.model_directory.manifest import plain

LONG_ENOUGH = 0.5  # seconds, for a speed to be worth telling


@dataclass(frozen=True, eq=False)
class Climbed:
    """One method after training.

    Attributes:
        name: the method's, with a number where there are several of it.
        model: fitted on the training part.
        evaluation: on the test part.
        train_seconds: wall-clock seconds of ``fit``.
        texts_per_second: of prediction, on texts of the test part, nothing cached.
        megabytes: of the model directory and of the encoder that it needs, if that is not in it.
    """

    name: str
    model: TextClassifier
    evaluation: Evaluation
    train_seconds: float
    texts_per_second: float
    megabytes: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """What ``compare`` found.

    Attributes:
        climbed: the methods, cheapest first.
        recommendation: the cheapest method that is not measurably worse than the best, with the paired tests.
        splits: what they were trained and tested on.
    """

    climbed: tuple[Climbed, ...]
    recommendation: Recommendation
    splits: Splits

    @property
    def metric(self) -> str:
        """The headline metric by which the methods are compared."""
        return self.recommendation.metric

    def p_value(self, name: str) -> float | None:
        """Of the paired bootstrap against the best method, corrected by Holm's method; None for the best itself."""
        return self.recommendation.p_values.get(name)

    def rows(self) -> list[tuple[str, ...]]:
        """The table as text: method, headline metric, training seconds, texts/s, size, p-value against the best."""
        return [
            (
                one.name,
                str(one.evaluation.metrics[self.metric]),
                f"{one.train_seconds:,.1f}",
                f"{one.texts_per_second:,.0f}",
                f"{one.megabytes:,.2f}",
                "best" if (p := self.p_value(one.name)) is None else ("< 0.001" if p < 0.001 else f"{p:.3f}"),
            )
            for one in self.climbed
        ]

    def __str__(self) -> str:
        header = ("method", self.metric, "train s", "texts/s", "MB", "p")
        rows = [header, *self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, *(f"Leak: {leak}" for leak in self.splits.leaks), self.recommendation.sentence])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "metric": self.metric,
            "parts": {name: len(part) for name, part in self.splits.parts().items()},
            "fingerprints": {name: part.fingerprint for name, part in self.splits.parts().items()},
            "notes": list(self.splits.notes),
            "leaks": list(self.splits.leaks),
            "methods": [
                {
                    "method": one.name,
                    "parameters": plain(one.model.get_params(deep=False)),
                    "chosen": one.model.chosen_,
                    "remarks": list(one.model.notes_),
                    "train_seconds": round(one.train_seconds, 3),
                    "texts_per_second": round(one.texts_per_second, 1),
                    "megabytes": round(one.megabytes, 3),
                    "p_value": test.p_value if (test := self.recommendation.tests.get(one.name)) else None,
                    "p_value_holm": self.p_value(one.name),
                }
                | one.evaluation.to_dict()
                for one in self.climbed
            ],
            "recommendation": self.recommendation.to_dict(),
        }


def compare(
    methods: Sequence[TextClassifier], splits: Splits, *, directory: str | Path | None = None, seed: int = 0
) -> Comparison:
    """Trains methods on the same training data and compares them on the same test data.

    The majority floor is added if it is not among them. Each method is cloned and trained anew.

    Args:
        methods: classifiers, fitted or not.
        splits: must have a test part; the validation part, if there is one, is for the choices of every method.
        directory: where to keep each model, in a folder of its name; None keeps none on disk.
        seed: of the bootstrap.

    Raises:
        DataError: there is no test part.
        SettingError: there are no methods.
    """
    if splits.test is None:
        raise DataError("A comparison needs a test part; give a test table or a share of the rows for it.")
    if not methods:
        raise SettingError("compare needs at least one method.")
    if not any(isinstance(method, MajorityClassifier) for method in methods):
        methods = [MajorityClassifier(), *methods]
    ladder = sorted(methods, key=lambda method: method.rung)
    for name in _names(ladder) if directory else ():
        check_place(Path(directory or ".") / name)
    climbed, entries = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for name, method in zip(_names(ladder), ladder, strict=True):
            one, probabilities = _climb(name, method, splits, Path(directory or scratch) / name, seed)
            climbed.append(one)
            entries.append(Entry(name, method.rung, probabilities, one.model.thresholds_))
    test = splits.test
    return Comparison(tuple(climbed), recommend(entries, test.targets, test.task, seed=seed), splits)


def _climb(
    name: str, method: TextClassifier, splits: Splits, directory: Path, seed: int
) -> tuple[Climbed, NDArray[np.float32]]:
    """One method trained, evaluated, saved and timed, and its probabilities on the test part."""
    test = splits.test
    assert test is not None
    model = clone(method)
    start = time.perf_counter()
    model.fit(splits.train, valid=splits.valid)
    seconds = time.perf_counter() - start
    probabilities = model.predict_proba(test.texts)
    evaluation = evaluate_against_floor(model, probabilities, test, seed=seed)
    save(model, directory, evaluation=evaluation.to_dict() | {"leaks": list(splits.leaks)})
    size = (directory_bytes(directory) + model.outside_bytes) / 1e6
    return Climbed(name, model, evaluation, seconds, texts_per_second(model, test.texts), size), probabilities


def texts_per_second(model: TextClassifier, texts: Sequence[str]) -> float:
    """The speed of prediction with nothing cached, on samples of ``texts`` that double until one takes long enough."""
    size = min(8, len(texts))
    with without_cache():
        model.predict_proba([texts[0]])  # loads what is loaded at first use
        while True:
            sample = [texts[i] for i in np.linspace(0, len(texts) - 1, size).astype(int)]
            start = time.perf_counter()
            model.predict_proba(sample)
            seconds = time.perf_counter() - start
            if seconds >= LONG_ENOUGH or size >= len(texts):
                return size / seconds
            size = min(2 * size, len(texts))


def _names(methods: Sequence[TextClassifier]) -> list[str]:
    """The methods' names, numbered where one occurs more than once."""
    names = [method.method for method in methods]
    return [name if names.count(name) == 1 else f"{name}-{names[: i + 1].count(name)}" for i, name in enumerate(names)]
