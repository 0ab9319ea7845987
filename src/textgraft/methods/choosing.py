"""What follows from probabilities, chosen on rows that were held out: thresholds, and when to abstain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.decision import Abstention, Decision, Goal
from textgraft.evaluation.abstaining import abstention_for
from textgraft.evaluation.deciding import choose_decision
from textgraft.evaluation.goals import about_goals, choose_goals
from textgraft.evaluation.inputs import check_predictions
from textgraft.evaluation.metric import Metric
from textgraft.evaluation.thresholds import tune_thresholds
from textgraft.evaluation.wanted import wanted_of_labels
from textgraft.methods.deciding import Deciding
from textgraft.task import Task


class Choosing(Deciding):
    """A classifier that chooses its decisions as its hyperparameters say; a base of ``TextClassifier``."""

    method: ClassVar[str]

    task_: Task
    thresholds_: NDArray[np.float32]
    goals_: tuple[Goal, ...] = ()
    costs_: NDArray[np.float64] | None = None
    metric_: Metric | None = None
    abstention_: Abstention = Abstention()
    _said_of_decision: str = ""
    _said_of_abstention: str = ""

    if TYPE_CHECKING:  # what the classifier itself has

        @property
        def decision(self) -> Decision: ...  # noqa: D102
        def _sketch_predictions(self, texts: Sequence[str], probabilities: NDArray[Any]) -> None: ...

    def _choose_decision(self, probabilities: NDArray[np.float32], data: Dataset) -> None:
        """Chooses ``thresholds_``, as the hyperparameter ``thresholds`` says and for the metric, and ``abstention_``.

        Args:
            probabilities: (n, k) calibrated ones of rows that were not trained on.
            data: these rows.
        """
        how: Any = self.thresholds
        wanted = wanted_of_labels(how, self.task_, by_costs=self.costs_ is not None)
        if wanted:  # of the other labels
            how = self.hyperparameters["thresholds"].default
        if how is not None and self.task_.multi_label:
            self.thresholds_ = tune_thresholds(probabilities, data.targets, how, data.weights)
        if self.metric_ is not None and (how is None or isinstance(how, str) or not self.task_.multi_label):
            decision, said = choose_decision(self.metric_, probabilities, data.targets, data.weights, self.decision)
            self.thresholds_, self._said_of_decision = decision.thresholds, said
        targets = np.asarray(data.targets)
        if wanted:
            chosen = choose_goals(wanted, check_predictions(probabilities, targets, self.task_), self.decision)
            self.thresholds_, self.goals_ = chosen.decision.thresholds, chosen.goals
            self._said_of_decision = f"{self._said_of_decision} {about_goals(chosen, self.task_)}".strip()
        if self.abstain is not None:
            held_out = check_predictions(probabilities, targets, self.task_, self.decision)
            self.abstention_, self._said_of_abstention = abstention_for(held_out, self.abstain)
        self._sketch_predictions(data.texts, probabilities)

    def _say_what_was_not_chosen(self) -> None:
        """Where a method that held out no rows was to choose on them."""
        if not self._said_of_decision and wanted_of_labels(self.thresholds, self.task_, by_costs=False):
            self._said_of_decision = f"No threshold was chosen for what is wanted: {self.method} held out no rows."
        if self.abstain is not None and not self._said_of_abstention:
            self._said_of_abstention = f"No threshold was chosen for abstaining: {self.method} held out no rows."
