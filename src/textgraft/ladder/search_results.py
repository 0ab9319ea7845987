"""What a search found: the classifier, how good it is, and all that was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textgraft.dataset import Splits
from textgraft.evaluation import Evaluation, Interval
from textgraft.evaluation.inputs import Predictions
from textgraft.methods import TextClassifier
from textgraft.model_directory.manifest import plain
from textgraft.wording import counted, duration


@dataclass(frozen=True)
class Tried:
    """One candidate or stack of a search.

    Attributes:
        name: the method's, with what is particular of it; of a stack those of its members.
        settings: hyperparameters that are not the usual ones.
        rows: the most that it was trained on in the search; 0 where it was not begun.
        folds: of how many its rows were predicted, at that size.
        value: the metric that matters, out of fold, with its interval; None where it was not scored at full size.
        seconds: of its training and scoring; a stack's members have theirs.
        fate: what became of it.
    """

    name: str
    settings: Mapping[str, str]
    rows: int
    folds: int
    value: Interval | None
    seconds: float
    fate: str


@dataclass(frozen=True, eq=False)
class Search:
    """What ``search`` found.

    Attributes:
        name: of the choice.
        model: the choice, fitted to all training rows.
        splits: what it was trained and tested on.
        tried: all that was tried or could have been, the choice first.
        metric: the one that matters, as it is kept in an Evaluation.
        called: its name for people.
        chosen_on: the rows of the choice, for people.
        evaluation: what to expect of the choice.
        predictions: of the test part; None where there is none.
        choices: without a test part, how often each was chosen for a part of the rows; else empty.
        missing: what the data lack for the figures to say much, as a clause; empty where they have enough.
        budget: seconds.
        seconds: that all of it took, with those of the searches that it went on with.
        refit_seconds: of these, for fitting the choice to all rows.
        stopped: whether it was ended early by whoever started it.
    """

    name: str
    model: TextClassifier
    splits: Splits
    tried: tuple[Tried, ...]
    metric: str
    called: str
    chosen_on: str
    evaluation: Evaluation
    predictions: Predictions | None
    choices: dict[str, int]
    missing: str
    budget: float
    seconds: float
    refit_seconds: float
    stopped: bool

    @property
    def candidates(self) -> int:
        """How many were scored at full size, and could have been chosen."""
        return sum(each.value is not None for each in self.tried)

    @property
    def sentence(self) -> str:
        """The choice, what stands behind it, and what to expect of it."""
        best = self.tried[0]
        among = f"the best of {counted(self.candidates, 'candidate')}" if self.candidates > 1 else "the only one tried"
        stopped = ", stopped early" if self.stopped else ""
        figure = self.evaluation.metrics[self.metric]
        if self.splits.test is not None:
            where = f"{counted(self.evaluation.n, 'test row')}, which had no part in the choice"
        elif self.choices:
            same, times = self.choices.get(self.name, 0), sum(self.choices.values())
            where = (
                f"{counted(self.evaluation.n, 'row')} out of fold, the choice made anew for each part of them without "
                f"its rows ({self.name} in {same} of {times})"
            )
        else:
            where = f"{counted(self.evaluation.n, 'row')} out of fold"
        little = f" The figures say little: {self.missing}." if self.missing else ""
        return (
            f"Chosen: {self.name}, {among} on {self.chosen_on} ({self.called} {best.value}), in "
            f"{duration(self.seconds)} of {duration(self.budget)}{stopped}. Expect {self.called} of {figure} on new "
            f"texts; that is on {where}.{little}"
        )

    def __str__(self) -> str:
        from textgraft.report.search import search_report
        from textgraft.report.terminal import as_text

        return as_text(search_report(self))

    def _repr_html_(self) -> str:
        """For notebooks."""
        from textgraft.report.html import fragment
        from textgraft.report.search import search_report

        return fragment(search_report(self))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "chosen": self.name,
            "method": self.model.method,
            "parameters": plain(self.model.kept_params),
            "metric": self.metric,
            "parts": {name: len(part) for name, part in self.splits.parts().items()},
            "fingerprints": {name: part.fingerprint for name, part in self.splits.parts().items()},
            "notes": list(self.splits.notes),
            "leaks": list(self.splits.leaks),
            "chosen_on": self.chosen_on,
            "candidates": self.candidates,
            "chosen_for_parts": self.choices,
            "missing": self.missing,
            "budget_seconds": self.budget,
            "seconds": round(self.seconds, 3),
            "refit_seconds": round(self.refit_seconds, 3),
            "stopped": self.stopped,
            "sentence": self.sentence,
            "tried": [
                {
                    "name": each.name,
                    "settings": dict(each.settings),
                    "rows": each.rows,
                    "folds": each.folds,
                    "value": None if each.value is None else each.value.to_dict(),
                    "seconds": round(each.seconds, 3),
                    "fate": each.fate,
                }
                for each in self.tried
            ],
        } | self.evaluation.to_dict()
