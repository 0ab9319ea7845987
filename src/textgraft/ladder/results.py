"""What a comparison of methods found: the figures of each, and which to take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from textgraft.dataset import Splits
from textgraft.evaluation import Evaluation, Recommendation
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.seeds import OverSeeds, SeedTest
from textgraft.methods import TextClassifier
from textgraft.model_directory.manifest import plain


@dataclass(frozen=True, eq=False)
class Result:
    """One method after training, as it is compared.

    Attributes:
        name: the method's, with a number where there are several of it.
        model: fitted on the training part.
        predictions: of the rows that ``evaluation`` is about: of the test part, or out of fold.
        evaluation: on these.
        train_seconds: wall-clock seconds of ``fit``, on all of the training part.
        texts_per_second: of prediction, on texts that ``evaluation`` is about, nothing cached.
        megabytes: of the model directory and of the encoder that it needs, if that is not in it.
        over_seeds: the metrics on the rows of ``evaluation`` by the seeds of the training, of which ``model`` is the
            first; None where each method was trained once.
    """

    name: str
    model: TextClassifier
    predictions: Predictions
    evaluation: Evaluation
    train_seconds: float
    texts_per_second: float
    megabytes: float
    over_seeds: OverSeeds | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """What ``compare`` says.

    Attributes:
        results: of the methods, cheapest first.
        recommendation: the cheapest method that is not measurably worse than the best, with the paired tests; on rows
            that are for choosing.
        splits: what they were trained, chosen and tested on.
        chosen_on: the rows of the choice, for people, such as ``"800 validation rows"``.
        expected: what to expect of the recommended method, on rows that had no say in its choice: its evaluation on the
            test part; in a cross-validation that of ``cross_fitted``. None where nothing is recommended.
        choices: in a cross-validation, how often each method was chosen for a fold; else empty.
        seed_tests: where there were several seeds, each other method against the best one over them, on the rows of the
            table's figures; without floors, and without methods of which seeds change nothing.
        seed_p_values: the p-values of these after Holm's correction for their number.
    """

    results: tuple[Result, ...]
    recommendation: Recommendation
    splits: Splits
    chosen_on: str
    expected: Evaluation | None
    choices: dict[str, int]
    seed_tests: dict[str, SeedTest] = field(default_factory=dict)
    seed_p_values: dict[str, float] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        """The headline metric by which the methods are compared."""
        return self.recommendation.metric

    def p_value(self, name: str) -> float | None:
        """Of the paired test against the best method, corrected by Holm's method; None for the best itself."""
        return self.recommendation.p_values.get(name)

    def __str__(self) -> str:
        from textgraft.report.comparison import comparison_report
        from textgraft.report.terminal import as_text

        return as_text(comparison_report(self))

    def _repr_html_(self) -> str:
        """For notebooks."""
        from textgraft.report.comparison import comparison_report
        from textgraft.report.html import fragment

        return fragment(comparison_report(self))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        folds = self.splits.folds
        return {
            "metric": self.metric,
            "parts": {name: len(part) for name, part in self.splits.parts().items()},
            "folds": None if folds is None else {"k": folds.k, "repeats": folds.repeats},
            "fingerprints": {name: part.fingerprint for name, part in self.splits.parts().items()},
            "notes": list(self.splits.notes),
            "leaks": list(self.splits.leaks),
            "methods": [self._method(result) for result in self.results],
            "recommendation": self.recommendation.to_dict()
            | {
                "chosen_on": self.chosen_on,
                "candidates": sum(not result.model.is_floor for result in self.results),
                "expected": None if self.expected is None else self.expected.to_dict(),
                "chosen_for_folds": self.choices,
                "over_seeds": {
                    name: test.to_dict() | {"p_value_holm": self.seed_p_values[name]}
                    for name, test in self.seed_tests.items()
                },
            },
        }

    def _method(self, result: Result) -> dict[str, Any]:
        test = self.recommendation.tests.get(result.name)
        return {
            "method": result.name,
            "parameters": plain(result.model.get_params(deep=False) | result.model.kept_params),
            "chosen": result.model.chosen_,
            "remarks": list(result.model.notes_),
            "train_seconds": round(result.train_seconds, 3),
            "texts_per_second": round(result.texts_per_second, 1),
            "megabytes": round(result.megabytes, 3),
            "value_where_chosen": self.recommendation.values[result.name],
            "p_value": test.p_value if test else None,
            "p_value_holm": self.p_value(result.name),
            "over_seeds": None if result.over_seeds is None else result.over_seeds.to_dict(),
        } | result.evaluation.to_dict()
