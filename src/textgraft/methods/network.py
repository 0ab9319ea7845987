"""What the methods that train a network have in common: hyperparameters, the training, and what is said of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from textgraft import hardware, progress
from textgraft.class_weights import label_weights
from textgraft.dataset import Dataset
from textgraft.errors import listed
from textgraft.evaluation.calibration import Calibration, calibrate
from textgraft.evaluation.wanted import Thresholds
from textgraft.hardware import PRECISIONS, Precision
from textgraft.labels import label_name
from textgraft.methods import constraints as must
from textgraft.methods.base import unicode_form
from textgraft.methods.deciding import Deciding
from textgraft.methods.hyperparameters import fitted, hyperparameter, hyperparameters, redeclared
from textgraft.methods.inside import OpenNetwork
from textgraft.methods.preparing import Prepared, Preparing
from textgraft.training import DECAYS, Checkpoints, Decay, Progress, TrainingSettings, default_epochs, processes, train
from textgraft.training.objective import ClassificationObjective
from textgraft.training.records import entry_of, record
from textgraft.training.watching import watched
from textgraft.unicode import Form, quoted


@hyperparameters
class NetworkClassifier(OpenNetwork, Preparing):
    """Base of the methods that train a network with the one loop.

    A method sets up a ``WindowClassifier`` in ``_prepare``, calls ``_train``, and calibrates in ``_conclude``.

    Attributes:
        history_: what is known of each step of the training: ``step``, ``epoch``, ``loss``, ``learning_rate`` and more,
            and where an epoch ends its ``score`` on the validation data and whether it is the ``best`` so far. Empty of
            a model that was loaded; of a training that was resumed, the steps since then.
    """

    family = "networks"
    most_folds = 5

    epochs: int | None = hyperparameter(
        must.COUNT, "passes over the data; None chooses 2 to 10, more for small data.", default=None
    )
    batch_size: int = hyperparameter(must.COUNT, "texts per step, and per process where there are several.", default=32)
    learning_rate: float | None = hyperparameter(
        must.Number(1e-12), "the peak; None chooses it.", default=None, option="the peak learning rate"
    )
    warmup: float = hyperparameter(
        must.Number(0, 1), "share of the training in which the learning rate rises.", default=0.1
    )
    decay: Decay = hyperparameter(
        must.Choice(*DECAYS),
        'how the rate falls after that: ``"linear"``, ``"cosine"`` or ``"none"``.',
        default="linear",
    )
    weight_decay: float = hyperparameter(must.Number(0), "on weight matrices; not on biases and norms.", default=0.01)
    clip: float = hyperparameter(must.Number(1e-12), "largest norm of the gradients.", default=1.0, option="")
    dropout: float | None = hyperparameter(
        must.Number(0, 0.9),
        "everywhere in the network; None is what the encoder's configuration says.",
        default=None,
        option="share of the units that is dropped",
    )
    label_smoothing: float = hyperparameter(
        must.Number(0, 0.9), "share of each target that is spread over all labels.", default=0.0
    )
    class_weight: Literal["balanced"] | Mapping[str, float] | None = hyperparameter(
        must.LabelWeights(),
        '``"balanced"`` weighs rare labels up, so that each label counts the same in the loss; a mapping gives weights '
        "by label. In a multi-label task they weigh the texts that carry the label.",
        default=None,
        option="balanced weighs rare labels up, or label=2,other=0.5",
    )
    thresholds: Thresholds | None = redeclared(Deciding, "thresholds", default="label")
    patience: int | None = hyperparameter(
        must.COUNT, "stop after so many epochs without a better validation score; None never does.", default=None
    )
    budget: float | str | None = hyperparameter(
        must.TimeSpan(),
        'at most so long, in seconds or as ``"90s"``, ``"10m"``, ``"1h"``; the learning rate then falls with the '
        "clock. A budget that suffices changes nothing.",
        default=None,
        option="at most so long, as 90s, 10m or 1h; of auto, and in a comparison, of all that is tried",
        saved=False,
    )
    precision: Precision = hyperparameter(
        must.Choice(*PRECISIONS),
        'of the matrix products; ``"auto"`` takes what the hardware has. Updated weights are fp32 always.',
        default="auto",
        option="auto, fp32, bf16 or fp16",
    )
    folder: str | Path | None = hyperparameter(
        must.Text("a folder"),
        "where to keep the log, the learning curves and the checkpoints of the training; None keeps none. It belongs "
        "to one ``fit`` at a time. The checkpoints go when the classifier is saved, and when another training begins "
        "there without ``resume``.",
        default=None,
        option="",
        saved=False,
    )
    resume: bool = hyperparameter(
        must.YES_OR_NO,
        "go on from the last checkpoint in ``folder``; without one, start. On a CPU, with as many threads, the weights "
        "are the very same as those of a training that was never interrupted.",
        default=False,
        option="",
        saved=False,
    )
    checkpoint_seconds: float = hyperparameter(
        must.Number(0), "between two checkpoints.", default=120.0, option="", saved=False
    )
    tensorboard: bool = hyperparameter(
        must.YES_OR_NO, "also write ``folder/tensorboard``.", default=False, option="", saved=False
    )
    unicode: Form = unicode_form("nfc", "NFC, since the encoder's own tokenizer does what else is to be done.")
    seed: int = hyperparameter(must.SEED, "of new weights, dropout and the order of the batches.", default=0, option="")

    _checkpoints_: Checkpoints | None = fitted(default=None)
    _watched_: bool = fitted(default=True)
    _started_: float = fitted()

    def passes(self, rows: int) -> float:  # noqa: D102
        return self.epochs or default_epochs(-(-rows // self.batch_size))

    def twin(self) -> Self:  # noqa: D102
        twin = super().twin().set_params(folder=None, resume=False, tensorboard=False)
        twin._watched_ = False
        return twin

    def _conflicts(self) -> Iterator[str]:
        for name in ("resume", "tensorboard"):
            if getattr(self, name) and self.folder is None:
                yield f"{name} needs a folder for the training; give folder= (--out on the command line)."

    def _begin(self, data: Dataset, valid: Dataset | None) -> tuple[Dataset, Dataset]:
        """Starts the clock; the training and the validation data, the latter held out where none is given."""
        self._started_ = time.perf_counter()
        self.history_ = ()
        hardware.best_device()  # says what to install, before hours of preparation
        label_weights(data, self.class_weight)
        if valid is None or not len(valid):
            from textgraft.data.splits import hold_out

            data, valid = hold_out(data, seed=self.seed)
            self.checked_on_: Dataset | None = valid
        processes.connect()
        return data, valid

    def _say_cut(self, cut: NDArray[np.bool_], max_tokens: int | None, advice: str) -> None:
        self.chosen_: dict[str, Any] = self.chosen_ | {
            "max_tokens": max_tokens,
            "texts_cut": round(float(cut.mean()), 4),
        }
        if cut.any():
            what = f"{cut.mean():.1%} of the training texts are longer than {max_tokens} tokens and were cut there"
            self.notes_ += (f"{what}; {advice}",)

    def chosen_epochs(self, prepared: Prepared) -> int:
        """Passes over the data: what is set, or what its size and the method choose."""
        batches = -(-len(prepared.data) // (self.batch_size * processes.count()))
        return self.epochs or default_epochs(batches, *prepared.usual_epochs)

    def _train(
        self,
        prepared: Prepared,
        *,
        finish: Callable[[float], None],
        computed: Precision,
        depths: Mapping[str, int] | None = None,
    ) -> None:
        """Trains, and fills ``chosen_`` and ``notes_``.

        Args:
            prepared: what is trained, on what.
            finish: see ``ClassificationObjective``.
            computed: the precision of the whole network; of a network that sees to it itself, ``"fp32"``.
            depths: see ``training.train``.
        """
        objective = ClassificationObjective(
            prepared.classifier,
            prepared.windows,
            prepared.data,
            prepared.valid_windows,
            prepared.valid,
            batch_size=self.batch_size,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
            seed=self.seed,
            finish=finish,
            metric=self.metric_,
        )
        spent = time.perf_counter() - self._started_
        chosen = {
            "epochs": self.chosen_epochs(prepared),
            "learning_rate": self.learning_rate or prepared.usual_rate,
            "precision": computed,
            # All processes must see the same clock.
            "budget": None
            if self.budget is None
            else max(0.001, processes.gather(must.seconds(self.budget) - spent)[0]),
        }
        shared = {field.name for field in fields(TrainingSettings)} & self.hyperparameters.keys()
        settings = TrainingSettings(**{name: getattr(self, name) for name in shared} | chosen)
        checkpoints = self._checkpoints(objective, settings, prepared.identity)
        steps = train(objective, settings, depths=depths, checkpoints=checkpoints)
        if self.folder is not None and processes.rank() == 0:
            called = objective.metric.called
            steps = record(steps, self.folder, tensorboard=self.tensorboard, metric=f"validation {called}")
        history = _history(watched(steps) if self._watched_ else steps)
        self.history_: tuple[dict[str, Any], ...] = tuple(map(entry_of, history))
        self._summarise(history, settings, objective)
        self._checkpoints_ = checkpoints

    def _checkpoints(
        self, objective: ClassificationObjective, settings: TrainingSettings, identity: Mapping[str, Any]
    ) -> Checkpoints | None:
        if self.folder is None:
            return None
        declared = self.hyperparameters.items()
        given = {name: self.kept_params[name] for name, each in declared if each.saved and each.trains}
        if isinstance(self.class_weight, Mapping):
            given["class_weight"] = {label_name(name): float(weight) for name, weight in self.class_weight.items()}
        resolved = {
            "training data": objective.data.fingerprint,
            "validation data": objective.valid.fingerprint,
            "device": objective.classifier.device.type,
            "computed in": str(objective.classifier.dtype).removeprefix("torch."),
            "processes": processes.count(),
        }
        # The budget is the clock's, and not what is trained.
        settled = {name: value for name, value in vars(settings).items() if name != "budget"}
        everything = given | settled | resolved | dict(identity)
        return Checkpoints(Path(self.folder), everything, self.checkpoint_seconds, resume=self.resume)

    def _summarise(
        self, history: list[Progress], settings: TrainingSettings, objective: ClassificationObjective
    ) -> None:
        classifier, data, valid = objective.classifier, objective.data, objective.valid
        first, last = history[0], history[-1]
        rows, took = sum(step.rows for step in history[1:]), last.seconds - first.seconds
        self.chosen_ |= {
            "epochs": settings.epochs,
            "best_epoch": last.best_epoch,
            "valid_scores": [round(score, 4) for score in last.scores],
            "learning_rate": settings.learning_rate,
            "steps": last.step,
            "precision": str(classifier.dtype).removeprefix("torch."),
            "device": hardware.described(classifier.dtype, classifier.device),
            "texts_per_second": round(rows / took, 1) if took > 0 else None,
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
                f"No validation text carries {listed(map(quoted, missing))}; the best epoch was chosen without "
                f"{'it' if len(missing) == 1 else 'them'}."
            )
        self.notes_: tuple[str, ...] = (*self.notes_, *notes)

    def _calibrate(
        self, logits: NDArray[np.float32], data: Dataset, valid: Dataset, *, shifts: bool = True
    ) -> Calibration:
        """What makes probabilities of the trained network's logits; the decision is chosen on these.

        Args:
            logits: (n, k) of the validation texts, the same numbers in all processes.
            data: the training texts.
            valid: the validation texts.
            shifts: whether the network's head can take a shift.
        """
        # Without a shift what weights did cannot be taken off either.
        weights = label_weights(data, self.class_weight) if shifts else None
        usual = Calibration.usual(self.task_, logits.shape[1], label_weights=weights)
        calibrated = calibrate(logits, valid.targets, self.task_, usual=usual, weights=valid.weights, shifts=shifts)
        if shifts:
            self._weigh_decision(data, self.class_weight)
        self.chosen_["calibration"] = calibrated.to_dict()
        self._choose_decision(calibrated.calibration.probabilities(logits, self.task_), valid)
        return calibrated.calibration

    def saved(self) -> None:  # noqa: D102
        if self._checkpoints_ is not None:
            self._checkpoints_.done()


def _history(steps: Iterable[Progress]) -> list[Progress]:
    """Runs the training, with a bar for whoever listens, and without touching the caller's random numbers."""
    import torch

    done = 0.0

    def amount(step: Progress) -> float:
        nonlocal done
        before, done = done, step.done
        return done - before

    with torch.random.fork_rng():
        return list(progress.track(steps, "training", 1.0, amount, str))
