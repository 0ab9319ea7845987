"""What the methods that train a network have in common: hyperparameters, the training, and what is said of it."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from textgraft import charts, hardware, progress
from textgraft.charts import Picture
from textgraft.class_weights import label_weights
from textgraft.dataset import Dataset
from textgraft.errors import DataError, SettingError, listed
from textgraft.evaluation.calibration import Calibration, calibrate
from textgraft.evaluation.metric import Metric
from textgraft.evaluation.wanted import Thresholds
from textgraft.given import Data, Labels, as_dataset
from textgraft.hardware import PRECISIONS, Precision
from textgraft.labels import label_name
from textgraft.methods import constraints as must
from textgraft.methods.base import unicode_form
from textgraft.methods.constraints import refuse
from textgraft.methods.deciding import Deciding
from textgraft.methods.estimator import check_fitted
from textgraft.methods.graphs import GraphClassifier
from textgraft.methods.hyperparameters import fitted, hyperparameter, hyperparameters, redeclared
from textgraft.text.batches import Windows
from textgraft.training import DECAYS, Checkpoints, Decay, Progress, TrainingSettings, default_epochs, processes, train
from textgraft.training.batches import Batches, Reader
from textgraft.training.classifying import WindowClassifier
from textgraft.training.objective import ClassificationObjective
from textgraft.training.records import LOG, entry_of, read_log, record
from textgraft.training.sampling import ORDERS, Order
from textgraft.unicode import Form, in_form, quoted


@hyperparameters
class NetworkClassifier(GraphClassifier):
    """Base of the methods that train a network with the one loop.

    A method sets up a ``WindowClassifier`` and an objective, and calls ``_train``.

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

    history_: tuple[dict[str, Any], ...] = fitted(default=())
    _checkpoints_: Checkpoints | None = fitted(default=None)
    _started_: float = fitted()

    def passes(self, rows: int) -> float:  # noqa: D102
        return self.epochs or default_epochs(-(-rows // self.batch_size))

    def twin(self) -> Self:  # noqa: D102
        return super().twin().set_params(folder=None, resume=False, tensorboard=False)

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

    def _conflicts(self) -> Iterator[str]:
        for name in ("resume", "tensorboard"):
            if getattr(self, name) and self.folder is None:
                yield f"{name} needs a folder for the training; give folder= (--out on the command line)."

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

    def _say_cut(self, cut: NDArray[np.bool_], max_tokens: int | None, advice: str) -> None:
        self.chosen_ |= {"max_tokens": max_tokens, "texts_cut": round(float(cut.mean()), 4)}
        if cut.any():
            what = f"{cut.mean():.1%} of the training texts are longer than {max_tokens} tokens and were cut there"
            self.notes_ += (f"{what}; {advice}",)

    def _train(
        self,
        classifier: WindowClassifier,
        windows: Windows,
        data: Dataset,
        valid_windows: Windows,
        valid: Dataset,
        *,
        finish: Callable[[float], None],
        usual_rate: float,
        usual_epochs: tuple[int, int] = (2, 10),
        computed: Precision,
        identity: Mapping[str, Any],
        depths: Mapping[str, int] | None = None,
    ) -> None:
        """Trains, and fills ``chosen_`` and ``notes_``.

        Args:
            classifier, windows, data, valid_windows, valid, finish: see ``ClassificationObjective``.
            usual_rate: the learning rate where none is set.
            usual_epochs: the fewest and the most, where no number is set.
            computed: the precision of the whole network; of a network that sees to it itself, ``"fp32"``.
            identity: what a checkpoint must agree with besides the hyperparameters, or in their place where a name
                stands for what may change: the fingerprint of an encoder, a number that was chosen.
            depths: see ``training.train``.
        """
        objective = ClassificationObjective(
            classifier,
            windows,
            data,
            valid_windows,
            valid,
            batch_size=self.batch_size,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
            seed=self.seed,
            finish=finish,
            metric=self.metric_,
        )
        batches = -(-len(data) // (self.batch_size * processes.count()))
        spent = time.perf_counter() - self._started_
        chosen = {
            "epochs": self.epochs or default_epochs(batches, *usual_epochs),
            "learning_rate": self.learning_rate or usual_rate,
            "precision": computed,
            # All processes must see the same clock.
            "budget": None
            if self.budget is None
            else max(0.001, processes.gather(must.seconds(self.budget) - spent)[0]),
        }
        shared = {field.name for field in fields(TrainingSettings)} & self.hyperparameters.keys()
        settings = TrainingSettings(**{name: getattr(self, name) for name in shared} | chosen)
        checkpoints = self._checkpoints(objective, settings, identity)
        steps = train(objective, settings, depths=depths, checkpoints=checkpoints)
        if self.folder is not None and processes.rank() == 0:
            called = objective.metric.called
            steps = record(steps, self.folder, tensorboard=self.tensorboard, metric=f"validation {called}")
        history = _history(steps)
        self.history_ = tuple(map(entry_of, history))
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
        self.notes_ = (*self.notes_, *notes)

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
