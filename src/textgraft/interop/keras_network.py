"""The Keras model, its batches and what ``compile`` takes by itself; imported when Keras is known to be there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.errors import DataError, SettingError, TrainingError
from textgraft.given import Data, Labels, as_dataset, as_texts
from textgraft.methods.network import NetworkClassifier
from textgraft.methods.preparing import Prepared
from textgraft.text.batches import Windows
from textgraft.training import TrainingSettings
from textgraft.training.objective import ClassificationObjective
from textgraft.training.sampling import Rows, Sampler
from textgraft.unicode import in_form

EPSILON = 1e-8


class TextBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of texts as the network reads them, for ``fit``, ``evaluate`` and ``predict`` of Keras.

    A batch is ``({"ids": ..., "mask": ..., "share": ...}, labels, weights)``:

    - ids: (n, windows, tokens) token ids, padded; a long text has several windows.
    - mask: of the same shape, 1 where there is a token and 0 where there is padding. Whole windows are padding where a
      text has fewer than others.
    - share: (n, windows) what each window counts in the logits of its text; its sum is 1.
    - labels: (n,) the places of the labels, or the (n, k) 0/1 matrix of a multi-label task; none where there are none.
    - weights: (n,) what each text counts, where they do not count the same.

    Args:
        windows: of all texts.
        orders: the rows of each batch of an epoch, by its number from 0 on.
        windows_of: the places of the windows that are read of a row.
        targets: of the task; None where there are no labels.
        weights: (n,) of the rows of a batch; None where all count the same.
    """

    def __init__(
        self,
        windows: Windows,
        orders: Callable[[int], Sequence[Rows]],
        windows_of: Callable[[Any], Rows],
        targets: Any = None,
        weights: Callable[[Rows], NDArray[np.float64]] | None = None,
    ) -> None:
        super().__init__()
        self._windows, self._orders, self._windows_of = windows, orders, windows_of
        self._targets, self._weights = targets, weights
        self._epoch, self._last_was_read = 0, False
        self._batches = orders(0)

    @property
    def has_labels(self) -> bool:
        """Whether there is something to train or evaluate on."""
        return self._targets is not None

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        rows = np.sort(self._batches[index])
        self._last_was_read |= index == len(self) - 1
        inputs = self._inputs(rows)
        if self._targets is None:
            return (inputs,)
        targets = np.asarray(self._targets[rows])
        labels = targets.astype(np.float32 if targets.ndim > 1 else np.int64)
        if self._weights is None:
            return inputs, labels
        return inputs, labels, self._weights(rows).astype(np.float32)

    def on_epoch_begin(self) -> None:
        """What was looked at before does not count."""
        self._last_was_read = False

    def on_epoch_end(self) -> None:
        """The next epoch has another order; Keras also calls this when it has only looked at the first batch."""
        if self._last_was_read:
            self._epoch, self._last_was_read = self._epoch + 1, False
            self._batches = self._orders(self._epoch)

    def _inputs(self, rows: Rows) -> dict[str, NDArray[Any]]:
        windows = self._windows
        chosen = [self._windows_of(row) for row in rows]
        longest = max(len(windows.ids[i]) for places in chosen for i in places)
        shape = (len(rows), max(map(len, chosen)), longest)
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        share = np.zeros(shape[:2], np.float32)
        for text, places in enumerate(chosen):
            share[text, : len(places)] = windows.weight[places] / windows.weight[places].sum()
            for window, i in enumerate(places):
                length = len(windows.ids[i])
                ids[text, window, :length] = windows.ids[i]
                mask[text, window, :length] = 1
        return {"ids": ids, "mask": mask, "share": share}


class KerasNetwork(keras.Model):  # type: ignore[misc]
    """The network of a classifier as a Keras model; from ``as_keras``.

    All of Keras' training works on it: ``compile``, ``fit``, callbacks, ``evaluate``, ``predict`` (logits),
    ``save_weights`` and ``load_weights``. It is saved as a model by ``finish().save``, not by ``save`` of Keras.

    Attributes:
        model: the classifier.
        train_batches: of the training texts, as textgraft's own training orders them; with ``fit(shuffle=False)`` in
            the very same order.
        valid_batches: of the validation texts.
    """

    def __init__(self, model: NetworkClassifier, prepared: Prepared, rows: Dataset) -> None:
        super().__init__(name=model.method)
        self.model, self._prepared, self._rows = model, prepared, rows
        classifier = prepared.classifier
        self.network = keras.layers.TorchModuleWrapper(classifier.network)
        here, keras_s = classifier.device.type, next(classifier.network.parameters()).device.type
        if here != keras_s:
            raise SettingError(f"Keras computes on {keras_s} and textgraft on {here}; set KERAS_TORCH_DEVICE={here}.")
        self.built = True
        self._objective = ClassificationObjective(
            classifier,
            prepared.windows,
            prepared.data,
            prepared.valid_windows,
            prepared.valid,
            batch_size=model.batch_size,
            label_smoothing=model.label_smoothing,
            class_weight=model.class_weight,
            seed=model.seed,
            finish=lambda _: None,
        )
        objective, data = self._objective, prepared.data
        weighted = data.weights is not None or (model.class_weight is not None and not data.task.multi_label)
        self.train_batches = TextBatches(
            prepared.windows,
            objective.epoch,
            lambda row: objective.sampler.windows_of([row], objective.number),
            data.targets,
            self._step_weights if weighted else None,
        )
        self.valid_batches = self._in_order(prepared.valid_windows, prepared.valid)

    def batches(self, texts: Data, labels: Labels | None = None) -> TextBatches:
        """Batches of other texts, in their order.

        Args:
            texts: texts with labels in any form that ``fit`` takes; or texts alone, for ``predict``.
            labels: with plain texts, their labels.

        Raises:
            DataError: a label is none of those of the training texts, or texts and labels do not go together.
        """
        given: Any = texts if isinstance(texts, Dataset | tuple) else list(texts)
        alone = labels is None and isinstance(given, list) and all(isinstance(text, str) for text in given)
        data = None if alone else as_dataset(given, labels, who="batches", task=self._prepared.data.task)
        found = in_form(as_texts(given) if data is None else list(data.texts), self.model.unicode)
        if not found:
            raise DataError("There are no texts to make batches of; give at least one.")
        return self._in_order(self.model.windows_of(self._prepared, found), data)

    def call(self, inputs: dict[str, torch.Tensor], training: bool | None = None) -> torch.Tensor:
        """(n, k) float32 logits of a batch."""
        ids, mask, share = (inputs[name] for name in ("ids", "mask", "share"))
        if share.device.type == "meta":  # Keras asks what shape this will have
            return torch.zeros((len(share), len(self._prepared.data.task)), device="meta")
        classifier = self._prepared.classifier
        classifier.network.train(bool(training))
        tokens, lengths, shares = (x.detach().cpu().numpy() for x in (ids.int(), mask.sum(-1), share.float()))
        text, window = np.nonzero(lengths)
        rows = [tokens[i, j, : lengths[i, j]] for i, j in zip(text, window, strict=True)]
        read = Windows(rows, text, shares[text, window], np.zeros(len(tokens), bool))
        return classifier.logits(read, np.arange(len(rows)))

    def compile(self, optimizer: Any = "auto", loss: Any = "auto", *, metrics: Any = "auto", **options: Any) -> None:
        """Says how it is trained, as ``compile`` of every Keras model; ``"auto"`` is how textgraft trains.

        Args:
            optimizer: ``"auto"`` is AdamW with the classifier's ``learning_rate``, ``warmup``, ``decay``,
                ``weight_decay`` (of matrices only) and ``clip``, for as many ``epochs`` as it has.
            loss: of logits; ``"auto"`` is the cross-entropy, binary in a multi-label task, with the classifier's
                ``label_smoothing`` and ``class_weight``.
            metrics: ``"auto"`` is the accuracy, in a multi-label task of all single decisions.
            options: see ``keras.Model.compile``.
        """
        if isinstance(optimizer, str) and optimizer == "auto":
            optimizer = self._usual_optimizer()
        if isinstance(loss, str) and loss == "auto":
            loss = _Loss(self._objective)
        if isinstance(metrics, str) and metrics == "auto":
            binary = keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
            several = self._objective.multi_label
            metrics = [binary if several else keras.metrics.SparseCategoricalAccuracy("accuracy")]
        super().compile(optimizer, loss, metrics=metrics, **({"jit_compile": False} | options))

    def fit(self, x: Any = None, *rest: Any, **named: Any) -> Any:
        """Trains; see ``keras.Model.fit``.

        Raises:
            DataError: the batches have no labels.
        """
        _check_labels(x, named.get("validation_data"))
        return super().fit(x, *rest, **named)

    def evaluate(self, x: Any = None, *rest: Any, **named: Any) -> Any:
        """Loss and metrics; see ``keras.Model.evaluate``.

        Raises:
            DataError: the batches have no labels.
        """
        _check_labels(x)
        return super().evaluate(x, *rest, **named)

    def finish(self) -> NetworkClassifier:
        """Calibrates the trained network on the validation texts, chooses the decisions, and ends the fit.

        Returns:
            The classifier that ``as_keras`` was given, fitted: it holds these weights, the last layer scaled by the
            calibration. To go on training, call ``as_keras`` anew.

        Raises:
            TrainingError: weights are no longer finite.
        """
        classifier = self._prepared.classifier
        wrong = [name for name, each in classifier.network.named_parameters() if not torch.isfinite(each).all()]
        if wrong:
            raise TrainingError(
                f"The training by Keras diverged: {len(wrong)} weights, such as {wrong[0]}, are not finite. Lower the "
                "learning rate."
            )
        chosen: dict[str, Any] = {
            "trained_by": f"Keras {keras.__version__}",
            "precision": str(classifier.dtype).removeprefix("torch."),
        }
        if (optimizer := getattr(self, "optimizer", None)) is not None:
            chosen |= {"optimizer": type(optimizer).__name__, "steps": int(optimizer.iterations)}
        return self.model.conclude(self._prepared, self._rows, chosen)

    def get_config(self) -> dict[str, Any]:
        """Refuses: a Keras file would hold neither tokenizer nor labels.

        Raises:
            SettingError: always.
        """
        raise SettingError(
            "Keras cannot save this model with its tokenizer and labels; save what finish() returns, "
            "finish().save('model/'), or the weights alone, save_weights('model.weights.h5')."
        )

    def _in_order(self, windows: Windows, data: Dataset | None) -> TextBatches:
        sampler, size = Sampler(windows, 0), self.model.batch_size
        weights = None if data is None or data.weights is None else data.weights / data.weights.mean()
        return TextBatches(
            windows,
            lambda _: sampler.in_rows(size),
            lambda row: sampler.all_windows_of([row]),
            None if data is None else data.targets,
            None if weights is None else lambda of: weights[of],
        )

    def _step_weights(self, rows: Rows) -> NDArray[np.float64]:
        """(n,) what the rows of a step count, 1 on average: Keras divides a step's loss by their number."""
        weights = self._objective.row_weights[rows]
        return np.asarray(weights / weights.mean())

    def _usual_optimizer(self) -> Any:
        model, trained = self.model, self._prepared.classifier.network.named_parameters()
        epochs, rate = model.chosen_epochs(self._prepared), model.learning_rate or self._prepared.usual_rate
        settings = TrainingSettings(epochs, rate, model.warmup, model.decay)
        optimizer = _AdamW(
            _LearningRate(settings, epochs * len(self.train_batches)),
            weight_decay=model.weight_decay,
            global_clipnorm=model.clip,
        )
        pairs = zip(trained, self.network.weights, strict=True)
        whole = [variable for (name, each), variable in pairs if each.ndim < 2 or name.endswith("bias")]
        optimizer.exclude_from_weight_decay(var_list=whole)
        return optimizer


def _check_labels(*given: Any) -> None:
    if any(isinstance(each, TextBatches) and not each.has_labels for each in given):
        raise DataError("These batches have no labels, which a loss needs; give batches the labels as well.")


class _AdamW(keras.optimizers.AdamW):  # type: ignore[misc]
    """AdamW as PyTorch has it: epsilon is added to the root of the corrected second moment (Kingma & Ba 2015).

    Keras corrects the step size in its place, which in the first steps is as if epsilon were 30 times as large.
    """

    @property
    def epsilon(self) -> float:
        return float(EPSILON * (1 - self.beta_2 ** (int(self.iterations) + 1)) ** 0.5)

    @epsilon.setter
    def epsilon(self, _: float) -> None:
        """Keras sets its own when it makes an optimizer."""


class _LearningRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The learning rate of textgraft's own training, step by step."""

    def __init__(self, settings: TrainingSettings, steps: int) -> None:
        super().__init__()
        self._settings, self._steps = settings, steps

    def __call__(self, step: Any) -> float:
        done = min(1.0, (float(step) + 0.5) / self._steps)
        return self._settings.learning_rate * self._settings.rate(done)

    def get_config(self) -> dict[str, Any]:
        return {"settings": vars(self._settings), "steps": self._steps}


class _Loss(keras.losses.Loss):  # type: ignore[misc]
    """The loss of each text, as textgraft's own training has it."""

    def __init__(self, objective: ClassificationObjective) -> None:
        super().__init__(name="cross_entropy")
        self._smoothing, self._weights = objective.label_smoothing, objective.weights
        self._multi_label = objective.multi_label

    def call(self, targets: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        functional, weights = torch.nn.functional, self._weights
        if weights is not None:
            weights = weights.to(logits.device)
        if self._multi_label:
            smooth = targets * (1 - self._smoothing) + self._smoothing / 2
            loss = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none", pos_weight=weights)
            return loss.mean(dim=-1)
        targets = targets.long()
        loss = functional.cross_entropy(logits, targets, weights, reduction="none", label_smoothing=self._smoothing)
        # Rows are weighted by their labels beside the loss, with their own weights.
        return loss if weights is None else loss / weights[targets]
