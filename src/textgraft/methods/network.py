"""What the methods that train a network have in common: their settings, the training itself, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from textgraft import hardware, progress
from textgraft.dataset import Dataset
from textgraft.errors import SettingError, listed
from textgraft.evaluation.thresholds import Thresholds, check_thresholds
from textgraft.hardware import PRECISIONS, Precision
from textgraft.methods.graphs import GraphClassifier
from textgraft.methods.inputs import check_at_least, check_between, check_choice, seconds_of
from textgraft.training import DECAYS, Checkpoints, Decay, Progress, TrainingSettings, default_epochs, processes, train
from textgraft.training.classifying import WindowClassifier
from textgraft.training.objective import ClassificationObjective, label_weights
from textgraft.training.records import record

# What changes the weights that come out, besides what TrainingSettings holds.
SAME = ("batch_size", "class_weight", "dropout", "label_smoothing")


class NetworkClassifier(GraphClassifier):
    """Base of the methods that train a network with the one loop.

    A method sets up a ``WindowClassifier`` and an objective, and calls ``_train``. Hyperparameters stand in the
    method's own signature, because scikit-learn reads them there; what they mean is said there too.
    """

    unsaved = frozenset({"folder", "resume", "checkpoint_seconds", "tensorboard", "budget"})

    epochs: int | None
    batch_size: int
    learning_rate: float | None
    warmup: float
    decay: Decay
    weight_decay: float
    clip: float
    dropout: float | None
    label_smoothing: float
    class_weight: Literal["balanced"] | Mapping[str, float] | None
    thresholds: Thresholds
    patience: int | None
    budget: float | str | None
    precision: Precision
    folder: str | Path | None
    resume: bool
    checkpoint_seconds: float
    tensorboard: bool
    seed: int

    _checkpoints_: Checkpoints | None = None
    _started_: float

    def _check_settings(self) -> None:
        check_at_least("epochs", 1 if self.epochs is None else self.epochs, 1, whole=True)
        check_at_least("batch_size", self.batch_size, 1, whole=True)
        check_at_least("learning_rate", 1 if self.learning_rate is None else self.learning_rate, 1e-12)
        check_between("warmup", self.warmup, 0, 1)
        check_choice("decay", self.decay, DECAYS)
        check_at_least("weight_decay", self.weight_decay, 0)
        check_at_least("clip", self.clip, 1e-12)
        check_between("dropout", 0 if self.dropout is None else self.dropout, 0, 0.9)
        check_between("label_smoothing", self.label_smoothing, 0, 0.9)
        if isinstance(self.class_weight, Mapping):
            for name, weight in self.class_weight.items():
                check_at_least(f"class_weight of {name!r}", weight, 1e-6)
        else:
            check_choice("class_weight", self.class_weight, (None, "balanced"))
        check_thresholds(self.thresholds)
        check_at_least("patience", 1 if self.patience is None else self.patience, 1, whole=True)
        seconds_of("budget", self.budget)
        check_choice("precision", self.precision, PRECISIONS)
        check_at_least("checkpoint_seconds", self.checkpoint_seconds, 0)
        for name, value in (("resume", self.resume), ("tensorboard", self.tensorboard)):
            if value and self.folder is None:
                raise SettingError(f"{name} needs a folder for the training; give folder= (--out on the command line).")

    def _begin(self, data: Dataset, valid: Dataset | None) -> tuple[Dataset, Dataset]:
        """Starts the clock; the training and the validation data, the latter held out where none is given."""
        self._started_ = time.perf_counter()
        hardware.best_device()  # says what to install, before hours of preparation
        label_weights(data, self.class_weight)
        if valid is None or not len(valid):
            from textgraft.data.splits import hold_out

            data, valid = hold_out(data, seed=self.seed)
            self.checked_on_ = valid
        processes.connect()
        return data, valid

    def _train(
        self,
        objective: ClassificationObjective,
        data: Dataset,
        valid: Dataset,
        *,
        usual_rate: float,
        usual_epochs: tuple[int, int] = (2, 10),
        computed: Precision,
        identity: Mapping[str, Any],
        layer_decay: float = 1.0,
        depths: Mapping[str, int] | None = None,
    ) -> None:
        """Trains, and fills ``chosen_`` and ``notes_``.

        Args:
            objective: on ``data``, scored on ``valid``.
            data: what is trained on.
            valid: what chooses the epoch.
            usual_rate: the learning rate where none is set.
            usual_epochs: the fewest and the most, where no number is set.
            computed: the precision of the whole network; of a network that sees to it itself, ``"fp32"``.
            identity: what, besides the shared settings, a checkpoint must agree with.
            layer_decay: see ``TrainingSettings``.
            depths: see ``training.train``.
        """
        settings = self._settings(len(data), usual_rate, usual_epochs, computed, layer_decay)
        classifier = objective.classifier
        checkpoints = self._checkpoints(data, valid, classifier, settings, identity)
        steps = train(objective, settings, depths=depths, checkpoints=checkpoints)
        if self.folder is not None and processes.rank() == 0:
            metric = "micro-F1" if self.task_.multi_label else "accuracy"
            steps = record(steps, self.folder, tensorboard=self.tensorboard, metric=f"validation {metric}")
        told = _followed(steps)
        self._tell(told, settings, classifier, data, valid)
        self._checkpoints_ = checkpoints

    def _settings(
        self, rows: int, usual_rate: float, usual_epochs: tuple[int, int], computed: Precision, layer_decay: float
    ) -> TrainingSettings:
        budget, spent = seconds_of("budget", self.budget), time.perf_counter() - self._started_
        return TrainingSettings(
            epochs=self.epochs or default_epochs(-(-rows // (self.batch_size * processes.count())), *usual_epochs),
            learning_rate=self.learning_rate or usual_rate,
            warmup=self.warmup,
            decay=self.decay,
            layer_decay=layer_decay,
            weight_decay=self.weight_decay,
            clip=self.clip,
            precision=computed,
            patience=self.patience,
            # All processes must see the same clock.
            budget=None if budget is None else max(0.001, processes.gather(budget - spent)[0]),
            seed=self.seed,
        )

    def _checkpoints(
        self,
        data: Dataset,
        valid: Dataset,
        classifier: WindowClassifier,
        settings: TrainingSettings,
        identity: Mapping[str, Any],
    ) -> Checkpoints | None:
        if self.folder is None:
            return None
        # The budget is the clock's, and not what is trained.
        same = {name: value for name, value in vars(settings).items() if name != "budget"}
        same |= {name: getattr(self, name) for name in SAME}
        if isinstance(self.class_weight, Mapping):
            same["class_weight"] = {str(name): float(weight) for name, weight in self.class_weight.items()}
        same |= {
            "training data": data.fingerprint,
            "validation data": valid.fingerprint,
            "device": classifier.device.type,
            "computed in": str(classifier.dtype).removeprefix("torch."),
            "processes": processes.count(),
        }
        return Checkpoints(Path(self.folder), {**same, **identity}, self.checkpoint_seconds, resume=self.resume)

    def _tell(
        self,
        told: list[Progress],
        settings: TrainingSettings,
        classifier: WindowClassifier,
        data: Dataset,
        valid: Dataset,
    ) -> None:
        first, last = told[0], told[-1]
        rows, seconds = sum(step.rows for step in told[1:]), last.seconds - first.seconds
        self.chosen_ |= {
            "epochs": settings.epochs,
            "best_epoch": int(np.argmax(last.scores)) + 1,
            "valid_scores": [round(score, 4) for score in last.scores],
            "learning_rate": settings.learning_rate,
            "steps": last.step,
            "precision": str(classifier.dtype).removeprefix("torch."),
            "device": hardware.described(classifier.dtype, classifier.device),
            "texts_per_second": round(rows / seconds, 1) if seconds > 0 else None,
        }
        notes = [f"Trained in {self.chosen_['device']}."]
        if self.budget is not None and last.step < last.steps:
            notes.append(
                f"The budget of {self.budget} ended training after {settings.epochs * last.step / last.steps:.2f} of "
                f"{settings.epochs} epochs; the learning rate had fallen to its end by then."
            )
        missing = [data.task.labels[i] for i in np.flatnonzero((data.counts > 0) & (valid.counts == 0))]
        if missing:
            notes.append(
                f"No validation text carries {listed(map(repr, missing))}; the best epoch was chosen without "
                f"{'it' if len(missing) == 1 else 'them'}."
            )
        self.notes_ = (*self.notes_, *notes)

    def saved(self) -> None:
        """See ``TextClassifier``."""
        if self._checkpoints_ is not None:
            self._checkpoints_.done()


def _followed(steps: Iterable[Progress]) -> list[Progress]:
    """Runs the training, with a bar for whoever listens, and without touching the caller's random numbers."""
    import torch

    done = 0.0

    def amount(step: Progress) -> float:
        nonlocal done
        before, done = done, step.done
        return done - before

    with torch.random.fork_rng():
        return list(progress.track(steps, "training", 1.0, amount, str))
