"""What a network sees of its texts, and how its training went."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textgraft import charts
from textgraft.charts import Picture
from textgraft.errors import DataError, SettingError
from textgraft.evaluation.metric import Metric
from textgraft.given import Data, Labels, as_dataset
from textgraft.methods import constraints as must
from textgraft.methods.constraints import refuse
from textgraft.methods.estimator import check_fitted
from textgraft.methods.graphs import GraphClassifier
from textgraft.training.batches import Batches, Reader
from textgraft.training.records import LOG, read_log
from textgraft.training.sampling import ORDERS, Order
from textgraft.unicode import Form, in_form


class OpenNetwork(GraphClassifier):
    """A network that can be looked into; a base of ``NetworkClassifier``."""

    batch_size: int
    seed: int
    unicode: Form
    folder: str | Path | None

    history_: tuple[dict[str, Any], ...] = ()

    def batches(
        self, data: Data, labels: Labels | None = None, *, order: Order = "training", epoch: int = 0
    ) -> Batches:
        """What the network sees of texts: ids, masks and labels as tensors, in the very batches of a training.

        A fitted classifier reads texts by what it has learned. One that is not fitted reads them as ``fit`` would if
        they were its training texts, with the validation data given apart: it counts their words, or opens the
        tokenizer of its encoder, and loads no network. Rows of weight 0 are there too.

        Args:
            data, labels: as ``fit`` takes them.
            order: ``"training"`` is the random order of an epoch, in batches of similar length; ``"evaluation"`` the
                longest first, as many at a time as fill 8,192 places; ``"rows"`` the order of the data, for comparison.
            epoch: of the training, from 0; each has its own order.

        Raises:
            DataError: texts and labels do not go together, or a label is not among those of the fitted classifier.
            SettingError: a hyperparameter has a value that cannot be used, or ``order`` or ``epoch``.
            EncoderError: the encoder is not there or is damaged.
        """
        refuse(must.Choice(*ORDERS).faults("order", order) + must.Number(0, whole=True).faults("epoch", epoch))
        if self.__sklearn_is_fitted__():
            rows = as_dataset(data, labels, who="batches", task=self.task_, merged=self.fitted_on_.merged)
        else:
            self.check_settings()
            rows = as_dataset(data, labels, who="batches")
        if not len(rows):
            raise DataError("batches needs at least one text; got none.")
        texts = in_form(rows.texts, self.unicode)
        return Batches.of(
            rows, texts, self._reader(texts), batch_size=self.batch_size, seed=self.seed, order=order, epoch=epoch
        )

    def plot_training(self, folder: str | Path | None = None) -> Picture:
        """How the training went: the loss and the learning rate of its steps, the validation score of its epochs.

        Args:
            folder: of the training, where its log is; None is the hyperparameter ``folder``, or else this process knows
                the steps itself.

        Raises:
            NotFittedError: it is not fitted.
            SettingError: the classifier was loaded, and no folder is given.
            DataError: the log in the folder cannot be read or is damaged.
            MissingExtraError: the extra ``report`` is not installed.
        """
        check_fitted(self)
        entries: Sequence[Mapping[str, Any]] = self.history_
        place = self.folder if folder is None else folder
        if place is not None and (folder is not None or (Path(place) / LOG).exists()):
            entries = read_log(Path(place) / LOG)
        if not entries:
            raise SettingError(
                "The steps of this training are not known: a model directory does not hold them. Give the folder of "
                "the training, where its log.jsonl is (folder=), or draw them where the model is fitted."
            )
        called = Metric.read(self.metric_, self.task_).called
        return charts.learning_curve(entries, f"validation {called}", rates=True)

    @abstractmethod
    def _reader(self, texts: Sequence[str]) -> Reader:
        """What makes ids of texts: its own, or, before ``fit``, what that would make of ``texts``."""
