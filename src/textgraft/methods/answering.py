"""What a classifier says of texts when it may also say nothing, or name several labels that are possible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textgraft.decision import Abstention, Decision, confidence
from textgraft.errors import SettingError
from textgraft.given import as_texts
from textgraft.methods.estimator import Estimator, check_fitted
from textgraft.task import Task
from textgraft.unicode import Form, in_form

if TYPE_CHECKING:
    from textgraft.charts import Picture
    from textgraft.heads import Neighbour

Floats = NDArray[np.float32]
Familiarity = Floats | None
Label = str | tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Answers:
    """What is said of n texts.

    Attributes:
        task: the labels.
        probabilities: (n, k) of all labels.
        targets: what is predicted, (n,) int64 or (n, k) bool, also where no answer is given.
        reasons: why there is no answer: ``"unsure"``, ``"out of scope"``, or ``""`` where there is one.
        members: (n, k) bool, the labels that are possible; None where no sets were chosen.
    """

    task: Task
    probabilities: Floats
    targets: NDArray[Any]
    reasons: list[str]
    members: NDArray[np.bool_] | None

    @classmethod
    def of(
        cls, task: Task, decision: Decision, abstention: Abstention, probabilities: Floats, familiarity: Floats | None
    ) -> Answers:
        """Those that follow from (n, k) probabilities and (n,) familiarities."""
        targets = decision.targets(probabilities, task)
        reasons = abstention.reasons(probabilities, targets, familiarity)
        members = None if abstention.sets is None else abstention.sets.members(probabilities, targets)
        return cls(task, probabilities, targets, reasons, members)

    @property
    def confidence(self) -> NDArray[np.float64]:
        """(n,) how probable it is that what is predicted is right; see ``decision.confidence``."""
        return confidence(self.probabilities, self.targets)

    @property
    def labels(self) -> list[Label | None]:
        """The name that is predicted of each text, or the tuple of names of a multi-label task; None for no answer."""
        given = zip(self.predicted, self.reasons, strict=True)
        return [None if reason else label for label, reason in given]

    @property
    def predicted(self) -> list[Label]:
        """The same, also where no answer is given; of several names the most probable one first."""
        if not self.task.multi_label:
            return [self.task.labels[j] for j in self.targets.tolist()]
        return list(self._names(self.targets))

    @property
    def sets(self) -> list[tuple[str, ...]] | None:
        """The labels that are possible for each text, the most probable one first; None where no sets were chosen."""
        return None if self.members is None else list(self._names(self.members))

    def _names(self, carried: NDArray[np.bool_]) -> Iterator[tuple[str, ...]]:
        order = np.argsort(-self.probabilities, axis=1, kind="stable")
        names = self.task.labels
        for row, here in zip(order, carried, strict=True):
            yield tuple(names[j] for j in row[here[row]].tolist())


class Answering(Estimator):
    """A classifier that may leave texts without an answer; a base of ``TextClassifier``."""

    task_: Task
    unicode: Form = "none"
    abstention_: Abstention = Abstention()

    if TYPE_CHECKING:  # what the classifier itself has

        @property
        def decision(self) -> Decision: ...  # noqa: D102
        def predict_proba(self, texts: Iterable[str]) -> Floats: ...  # noqa: D102
        def _proba(self, texts: list[str]) -> Floats: ...

    def scored(self, texts: Iterable[str], *, familiar: bool = False) -> tuple[Floats, Familiarity]:
        """(n, k) ``predict_proba`` and (n,) how much n texts are like those that it was trained on.

        Args:
            texts: the texts.
            familiar: ask for the latter also where ``abstention_`` does not go by it; it is None where the model does
                not know it.
        """
        scope = self.abstention_.scope
        if not familiar and (scope is None or scope.familiarity_spread is None):
            return self.predict_proba(texts), None
        check_fitted(self)
        texts = in_form(as_texts(texts), self.unicode)
        return self._scored(texts) if texts else (np.zeros((0, len(self.task_)), np.float32), None)

    def answers(self, texts: Iterable[str]) -> Answers:
        """What is said of n texts where the model may abstain: answers, why there are none, and what is possible."""
        return self.answers_from(*self.scored(texts))

    def answers_from(self, probabilities: Floats, familiarity: Floats | None) -> Answers:
        """The same from what ``scored`` gave."""
        return Answers.of(self.task_, self.decision, self.abstention_, probabilities, familiarity)

    def plot_probabilities(self, text: str) -> Picture:
        """The probabilities of one text, the highest first; those of the labels that it is given in colour.

        Raises:
            MissingExtraError: the extra ``report`` is not installed.
        """
        from textgraft import charts

        p = self.predict_proba([text])
        given = np.atleast_1d(self.decision.targets(p, self.task_)[0])
        places = np.flatnonzero(given) if self.task_.multi_label else given
        return charts.probabilities(self.task_.labels, p[0].tolist(), [self.task_.labels[i] for i in places.tolist()])

    def check_answering(self, *, abstain: bool, sets: bool) -> None:
        """Raises SettingError where it was never chosen when to abstain, or which labels are possible."""
        if abstain and not self.abstention_.abstains:
            raise SettingError(
                "This model has no threshold below which it gives no answer. Choose one on rows that it was not "
                "trained on: textgraft abstain DIR TABLE --accuracy 0.97 (textgraft.abstain(model, data, "
                "accuracy=0.97)), or train with --abstain 0.97 (abstain=0.97)."
            )
        if sets and self.abstention_.sets is None:
            raise SettingError(
                "This model has no sets of possible labels. Choose them on rows that it was not trained on: textgraft "
                "abstain DIR TABLE --coverage 0.95 (textgraft.abstain(model, data, coverage=0.95))."
            )

    @property
    def cuts_at(self) -> int | None:
        """How many tokens of a text it reads at most; None where it reads all texts to their end."""
        return None

    def cut(self, texts: Iterable[str]) -> NDArray[np.bool_]:
        """(n,) whether n texts are longer than what it reads of them."""
        check_fitted(self)
        texts = in_form(as_texts(texts), self.unicode)
        return self._cut(texts) if self.cuts_at is not None and texts else np.zeros(len(texts), np.bool_)

    def _cut(self, texts: list[str]) -> NDArray[np.bool_]:
        """As ``cut``, of n >= 1 texts, for a method that has a number of tokens that it reads."""
        raise AssertionError(f"{type(self).__name__} cuts {len(texts)} texts at {self.cuts_at} tokens, and has no _cut")

    @property
    def keeps_neighbours(self) -> bool:
        """Whether it knows which of its training texts are similar to a text."""
        return False

    def neighbours(self, texts: Iterable[str], n: int = 5) -> list[list[Neighbour]]:  # noqa: ARG002
        """For each text the n most similar training texts, the most similar first.

        Raises:
            SettingError: the model keeps nothing of them.
        """
        raise SettingError("This model keeps no vectors of its training texts, so it cannot say which are similar.")

    def _scored(self, texts: list[str]) -> tuple[Floats, Familiarity]:
        """``_proba`` and ``_familiarity`` of n >= 1 texts; for methods that have both from one reading of them."""
        return self._proba(texts), self._familiarity(texts)

    def _familiarity(self, texts: list[str]) -> Familiarity:  # noqa: ARG002
        """(n,) how much n >= 1 texts are like those of the training, on any scale; None where that is not known."""
        return None
