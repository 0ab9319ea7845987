"""The two halves of a network's ``fit``, before and after the training, which may be done by something else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from numpy.typing import ArrayLike

from textgraft.dataset import Dataset
from textgraft.given import Data, Labels
from textgraft.methods.graphs import GraphClassifier
from textgraft.task import Task
from textgraft.text.batches import Windows
from textgraft.training.classifying import WindowClassifier


@dataclass(frozen=True)
class Prepared:
    """A network that is ready to be trained, with the texts as it reads them.

    Attributes:
        classifier: holds the network, with new weights where it has none.
        windows, data: the token ids of the training texts, and their targets and weights.
        valid_windows, valid: those of the validation texts, given or held out.
        usual_rate: the peak learning rate where none is set.
        usual_epochs: the fewest and the most, where no number is set.
        identity: what a checkpoint must agree with besides the hyperparameters, or in their place where a name stands
            for what may change: the fingerprint of an encoder, a number that was chosen.
    """

    classifier: WindowClassifier
    windows: Windows
    data: Dataset
    valid_windows: Windows
    valid: Dataset
    usual_rate: float
    identity: Mapping[str, Any]
    usual_epochs: tuple[int, int] = (2, 10)


class Preparing(GraphClassifier):
    """Base of ``NetworkClassifier``: a method says how its network is set up, and what is made of it when trained."""

    @abstractmethod
    def _prepare(self, data: Dataset, valid: Dataset | None) -> Prepared:
        """What comes before the training."""

    @abstractmethod
    def _conclude(self, prepared: Prepared) -> None:
        """What comes after the training: calibrates the trained network, and takes it."""

    @abstractmethod
    def windows_of(self, prepared: Prepared, texts: list[str]) -> Windows:
        """Other texts, in their normal form, as a prepared network reads them.

        Raises:
            SettingError: it reads states that are computed beforehand.
        """

    def prepare(
        self,
        texts: Data,
        labels: Labels | None = None,
        *,
        valid: Data | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Prepared, Dataset]:
        """All of ``fit`` that comes before the training, for whoever trains the network in another way.

        The classifier is not fitted before ``conclude``.

        Args:
            texts, labels, valid, sample_weight: see ``fit``.

        Returns:
            What is to be trained, and the rows as they were given.

        Raises:
            DataError, SettingError: see ``fit``.
            EncoderError: the encoder is not there, or is damaged.
        """
        rows, data, choosing = self._start(texts, labels, valid, sample_weight)
        try:
            return self._prepare(data, choosing), rows
        finally:
            del self.task_

    def conclude(self, prepared: Prepared, rows: Dataset, chosen: Mapping[str, Any]) -> Self:
        """All of ``fit`` that comes after the training: calibration, decisions, and what is kept of the texts.

        Args:
            prepared, rows: from ``prepare``; the network has been trained since.
            chosen: how, for ``chosen_``.
        """
        self.task_: Task = prepared.data.task
        self.chosen_: dict[str, Any] = {**self.chosen_, **chosen}
        try:
            self._conclude(prepared)
        except BaseException:
            del self.task_
            raise
        return self._end(rows)
