"""Several rungs of the ladder on the same splits, and which of them to take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.data.splits import split
from textgraft.dataset import Splits
from textgraft.encoders.vector_store import without_cache
from textgraft.errors import DataError, SettingError
from textgraft.evaluation import Entry, Evaluation, Recommendation, recommend
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder.training import train
from textgraft.methods import MajorityClassifier, TextClassifier
from textgraft.methods.estimator import clone
from textgraft.model_directory.files import check_place, directory_bytes
from textgraft.model_directory.manifest import plain
from textgraft.whole import temporary_folder

LONG_ENOUGH = 0.5  # seconds, for a speed to be worth telling


@dataclass(frozen=True, eq=False)
class Result:
    """One method after training, as it is compared.

    Attributes:
        name: the method's, with a number where there are several of it.
        model: fitted on the training part.
        probabilities: (n, k) of the rows of the test part.
        evaluation: on the test part.
        train_seconds: wall-clock seconds of ``fit``.
        texts_per_second: of prediction, on texts of the test part, nothing cached.
        megabytes: of the model directory and of the encoder that it needs, if that is not in it.
    """

    name: str
    model: TextClassifier
    probabilities: NDArray[np.float32]
    evaluation: Evaluation
    train_seconds: float
    texts_per_second: float
    megabytes: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """What ``compare`` says.

    Attributes:
        results: of the methods, cheapest first.
        recommendation: the cheapest method that is not measurably worse than the best, with the paired tests.
        splits: what they were trained and tested on.
    """

    results: tuple[Result, ...]
    recommendation: Recommendation
    splits: Splits

    @property
    def metric(self) -> str:
        """The headline metric by which the methods are compared."""
        return self.recommendation.metric

    def p_value(self, name: str) -> float | None:
        """Of the paired bootstrap against the best method, corrected by Holm's method; None for the best itself."""
        return self.recommendation.p_values.get(name)

    def __str__(self) -> str:
        from textgraft.report.comparison import comparison_report
        from textgraft.report.terminal import as_text

        return as_text(comparison_report(self.results, self.recommendation, self.splits))

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
                    "method": result.name,
                    "parameters": plain(result.model.get_params(deep=False) | result.model.kept_params),
                    "chosen": result.model.chosen_,
                    "remarks": list(result.model.notes_),
                    "train_seconds": round(result.train_seconds, 3),
                    "texts_per_second": round(result.texts_per_second, 1),
                    "megabytes": round(result.megabytes, 3),
                    "p_value": test.p_value if (test := self.recommendation.tests.get(result.name)) else None,
                    "p_value_holm": self.p_value(result.name),
                }
                | result.evaluation.to_dict()
                for result in self.results
            ],
            "recommendation": self.recommendation.to_dict(),
        }


def compare(
    methods: Sequence[TextClassifier],
    splits: Splits | Data,
    labels: Labels | None = None,
    *,
    directory: str | Path | None = None,
    seed: int = 0,
) -> Comparison:
    """Trains methods on the same training data and compares them on the same test data.

    The majority floor is added if it is not among them. Each method is cloned and trained anew.

    Args:
        methods: classifiers, fitted or not.
        splits: must have a test part; the validation part, if there is one, is for the choices of every method. A
            Dataset, texts with their ``labels``, or (text, label) pairs are divided by ``split`` with ``seed``, which
            the comparison's splits say.
        labels: of the texts, in any form that ``fit`` takes.
        directory: where to keep each model, in a folder of its name; None keeps none on disk.
        seed: of the bootstrap.

    Raises:
        DataError: there is no test part.
        SettingError: there are no methods.
    """
    if isinstance(methods, TextClassifier) or not methods:
        raise SettingError("compare needs at least one method, in a list: [NgramClassifier()].")
    if not isinstance(splits, Splits):
        splits = split(as_dataset(splits, labels, who="compare"), seed=seed)
    elif labels is not None:
        raise DataError("Splits carry their labels; give compare either splits or texts and labels.")
    if splits.test is None:
        raise DataError("A comparison needs a test part; give a test table or a share of the rows for it.")
    if not any(isinstance(method, MajorityClassifier) for method in methods):
        methods = [MajorityClassifier(), *methods]
    ladder = sorted(methods, key=lambda method: method.rung)
    names = _names(ladder)
    with temporary_folder() as scratch:
        places = [Path(directory or scratch) / name for name in names]
        for place in places:
            check_place(place)
        results = [_result(*each, splits, seed) for each in zip(names, places, ladder, strict=True)]
    test = splits.test
    entries = [Entry(r.name, r.model.rung, r.probabilities, r.model.decision) for r in results]
    return Comparison(tuple(results), recommend(entries, test.targets, test.task, seed=seed), splits)


def _result(name: str, directory: Path, method: TextClassifier, splits: Splits, seed: int) -> Result:
    """One method trained, evaluated, saved and timed."""
    trained = train(clone(method), splits, directory=directory, seed=seed)
    assert splits.test is not None
    assert trained.probabilities is not None
    assert trained.evaluation is not None
    return Result(
        name,
        trained.model,
        trained.probabilities,
        trained.evaluation,
        trained.seconds,
        texts_per_second(trained.model, splits.test.texts),
        (directory_bytes(directory) + trained.model.outside_bytes) / 1e6,
    )


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
