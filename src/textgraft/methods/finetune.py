"""Fine-tuning: a pretrained encoder with a classification head, trained on the task."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft import hardware, progress
from textgraft.encoders.encoder import check_max_tokens
from textgraft.encoders.headed import HeadedEncoder, read_headed
from textgraft.encoders.sources import resolve
from textgraft.encoders.tokenizing import LONG, Long, Windows
from textgraft.encoders.trainable import Trained, check_trained, choose_trained, depths, merge_adapters
from textgraft.errors import SettingError, listed
from textgraft.hardware import PRECISIONS, Precision
from textgraft.methods.base import TextClassifier
from textgraft.methods.inputs import check_at_least, check_between, check_choice, seconds_of
from textgraft.methods.objective import ClassificationObjective, label_weights
from textgraft.methods.thresholds import Thresholds, check_thresholds, tune_thresholds
from textgraft.task import Dataset
from textgraft.training import DECAYS, Checkpoints, Decay, Progress, TrainingSettings, default_epochs, processes, train
from textgraft.training.records import record

FILE = "finetune.json"


class FineTunedClassifier(TextClassifier):
    """A pretrained encoder fine-tuned for the task, with the best epoch chosen on validation data.

    Devlin et al. 2019 (arXiv:1810.04805), with AdamW, a learning rate that rises and falls, and batches of similar
    length. Where no validation data is given, a tenth of the training data is held out. ``chosen_`` says what the
    defaults came to.

    Args:
        encoder: an embedded encoder, a folder, or a name on the Hub.
        trained: ``"all"``, the number of last layers, only the ``"head"``, or ``"lora"``: small adapters in all layers
            (Hu et al. 2021, arXiv:2106.09685), which are folded into the weights at the end. The head always is.
        epochs: passes over the data; None chooses 2 to 10, more for small data.
        batch_size: texts per step, and per process where there are several.
        learning_rate: the peak; None is 2e-4, in a multi-label task 1e-4, with ``"lora"`` 1e-3, with ``"head"`` 1e-2.
        warmup: share of the training in which the learning rate rises.
        decay: how it falls after that: ``"linear"``, ``"cosine"`` or ``"none"``.
        layer_decay: the learning rate of each layer is this times that of the one above.
        weight_decay: on weight matrices; not on biases and norms.
        clip: largest norm of the gradients.
        dropout: everywhere in the network; None is what the encoder's configuration says.
        label_smoothing: share of each target that is spread over all labels.
        class_weight: ``"balanced"`` weighs rare labels up, so that each label counts the same in the loss; a mapping
            gives weights by label. In a multi-label task they weigh the texts that carry the label.
        thresholds: of a multi-label task: ``"label"`` tunes one for each label on the validation data, ``"global"``
            one for all; a number is taken as it is.
        patience: stop after so many epochs without a better validation score; None never does.
        budget: at most so long, in seconds or as ``"90s"``, ``"10m"``, ``"1h"``: the learning rate then falls with the
            clock. A budget that suffices changes nothing.
        long: ``"window"`` reads long texts in overlapping windows, whose logits are averaged, in training as in
            prediction; ``"truncate"`` cuts them.
        max_tokens: the length of a window, special tokens included; None is what the encoder was tuned for.
        precision: of the matrix products; ``"auto"`` takes what the hardware has. Updated weights are fp32 always.
        folder: where to keep the log, the learning curves and the checkpoints of the training; None keeps none. It
            belongs to one ``fit`` at a time. The checkpoints go when the classifier is saved, and when another
            training begins there without ``resume``.
        resume: go on from the last checkpoint in ``folder``; without one, start. On a CPU, with as many threads, the
            weights are the very same as those of a training that was never interrupted.
        checkpoint_seconds: between two checkpoints.
        tensorboard: also write ``folder/tensorboard``.
        seed: of the head's first weights, dropout and the order of the batches.
    """

    method = "finetune"
    rung = 40
    unsaved = frozenset({"folder", "resume", "checkpoint_seconds", "tensorboard", "budget"})

    network_: HeadedEncoder
    _checkpoints_: Checkpoints | None = None

    def __init__(
        self,
        encoder: str = "all-MiniLM-L6-v2",
        *,
        trained: Trained = "all",
        epochs: int | None = None,
        batch_size: int = 32,
        learning_rate: float | None = None,
        warmup: float = 0.1,
        decay: Decay = "linear",
        layer_decay: float = 1.0,
        weight_decay: float = 0.01,
        clip: float = 1.0,
        dropout: float | None = None,
        label_smoothing: float = 0.0,
        class_weight: Literal["balanced"] | Mapping[str, float] | None = None,
        thresholds: Thresholds = "label",
        patience: int | None = None,
        budget: float | str | None = None,
        long: Long = "window",
        max_tokens: int | None = None,
        precision: Precision = "auto",
        folder: str | Path | None = None,
        resume: bool = False,
        checkpoint_seconds: float = 120.0,
        tensorboard: bool = False,
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.trained = trained
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.warmup = warmup
        self.decay = decay
        self.layer_decay = layer_decay
        self.weight_decay = weight_decay
        self.clip = clip
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.thresholds = thresholds
        self.patience = patience
        self.budget = budget
        self.long = long
        self.max_tokens = max_tokens
        self.precision = precision
        self.folder = folder
        self.resume = resume
        self.checkpoint_seconds = checkpoint_seconds
        self.tensorboard = tensorboard
        self.seed = seed

    def _check_settings(self) -> None:
        check_trained(self.trained)
        check_at_least("epochs", 1 if self.epochs is None else self.epochs, 1, whole=True)
        check_at_least("batch_size", self.batch_size, 1, whole=True)
        check_at_least("learning_rate", 1 if self.learning_rate is None else self.learning_rate, 1e-12)
        check_between("warmup", self.warmup, 0, 1)
        check_choice("decay", self.decay, DECAYS)
        check_between("layer_decay", self.layer_decay, 0.01, 1)
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
        check_choice("long", self.long, LONG)
        check_choice("precision", self.precision, PRECISIONS)
        check_at_least("checkpoint_seconds", self.checkpoint_seconds, 0)
        for name, value in (("resume", self.resume), ("tensorboard", self.tensorboard)):
            if value and self.folder is None:
                raise SettingError(f"{name} needs a folder for the training; give folder= (--out on the command line).")

    def _fit(self, data: Dataset, valid: Dataset | None) -> None:
        started = time.perf_counter()
        label_weights(data, self.class_weight)
        if valid is None or not len(valid):
            from textgraft.data.splits import hold_out

            data, valid = hold_out(data, seed=self.seed)
        files = resolve(self.encoder)
        max_tokens = check_max_tokens(files, self.max_tokens)
        processes.connect()
        headed = HeadedEncoder(files, self.task_, max_tokens, self.long, self.precision, self.seed, self.dropout)
        headed.network = choose_trained(headed.network, self.trained, files.name, seed=self.seed)
        headed.network.to(headed.device)
        windows, valid_windows = headed.windows(data.texts), headed.windows(valid.texts)
        objective = self._objective(headed, windows, data, valid_windows, valid)
        settings = self._settings(len(data), seconds_of("budget", self.budget), started)
        checkpoints = self._checkpoints(data, valid, headed, settings)
        layers = depths(headed.network) if settings.layer_decay != 1 else None
        steps = train(objective, settings, depths=layers, checkpoints=checkpoints)
        if self.folder is not None and processes.rank() == 0:
            metric = "micro-F1" if self.task_.multi_label else "accuracy"
            steps = record(steps, self.folder, tensorboard=self.tensorboard, metric=f"validation {metric}")
        told = _followed(steps)
        self.network_ = headed
        if self.task_.multi_label:
            self.thresholds_ = tune_thresholds(headed.probabilities(valid_windows), valid.targets, self.thresholds)
        self._tell(told, settings, windows.cut, data, valid)
        self._checkpoints_ = checkpoints

    def _objective(
        self, headed: HeadedEncoder, windows: Windows, data: Dataset, valid_windows: Windows, valid: Dataset
    ) -> ClassificationObjective:
        """What to train for, on the words of the data only."""
        from textgraft.encoders.vocabulary import TrimmedVocabulary

        vocabulary = TrimmedVocabulary(headed.network, [*windows.ids, *valid_windows.ids], headed.tokenizer.pad_id)

        def finish(shrunk: float) -> None:
            headed.draw_from(None)
            vocabulary.restore(shrunk)
            headed.network = merge_adapters(headed.network)

        return ClassificationObjective(
            headed,
            vocabulary.trimmed(windows),
            data,
            vocabulary.trimmed(valid_windows),
            valid,
            batch_size=self.batch_size,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
            seed=self.seed,
            finish=finish,
        )

    def _settings(self, rows: int, budget: float | None, started: float) -> TrainingSettings:
        usual = {"head": 1e-2, "lora": 1e-3}.get(str(self.trained), 1e-4 if self.task_.multi_label else 2e-4)
        return TrainingSettings(
            epochs=self.epochs or default_epochs(-(-rows // (self.batch_size * processes.count()))),
            learning_rate=self.learning_rate or usual,
            warmup=self.warmup,
            decay=self.decay,
            layer_decay=self.layer_decay,
            weight_decay=self.weight_decay,
            clip=self.clip,
            precision=self.precision,
            patience=self.patience,
            # All processes must see the same clock.
            budget=None if budget is None else max(0.001, processes.gather(budget - time.perf_counter() + started)[0]),
            seed=self.seed,
        )

    def _checkpoints(
        self, data: Dataset, valid: Dataset, headed: HeadedEncoder, settings: TrainingSettings
    ) -> Checkpoints | None:
        if self.folder is None:
            return None
        # What changes the weights that come out; the budget is the clock's, and not what is trained.
        same = {"trained", "batch_size", "dropout", "label_smoothing", "class_weight", "long", "max_tokens"}
        identity: dict[str, Any] = {
            "encoder": headed.files.fingerprint,
            "training data": data.fingerprint,
            "validation data": valid.fingerprint,
            "device": headed.device.type,
            "computed in": str(headed.dtype).removeprefix("torch."),
            "processes": processes.count(),
        }
        identity |= {name: getattr(self, name) for name in sorted(same)}
        if isinstance(self.class_weight, Mapping):
            identity["class_weight"] = {str(name): float(weight) for name, weight in self.class_weight.items()}
        identity |= {name: value for name, value in vars(settings).items() if name != "budget"}
        return Checkpoints(Path(self.folder), identity, self.checkpoint_seconds, resume=self.resume)

    def _tell(
        self,
        told: list[Progress],
        settings: TrainingSettings,
        cut: NDArray[np.bool_],
        data: Dataset,
        valid: Dataset,
    ) -> None:
        first, last = told[0], told[-1]
        rows, seconds = sum(step.rows for step in told[1:]), last.seconds - first.seconds
        self.chosen_ = {
            "epochs": settings.epochs,
            "best_epoch": int(np.argmax(last.scores)) + 1,
            "valid_scores": [round(score, 4) for score in last.scores],
            "learning_rate": settings.learning_rate,
            "steps": last.step,
            "max_tokens": self.network_.max_tokens,
            "texts_cut": round(float(cut.mean()), 4),
            "precision": str(self.network_.dtype).removeprefix("torch."),
            "device": hardware.described(self.network_.dtype, self.network_.device),
            "texts_per_second": round(rows / seconds, 1) if seconds > 0 else None,
        }
        notes = [f"Trained in {self.chosen_['device']}."]
        if self.budget is not None and last.step < last.steps:
            notes.append(
                f"The budget of {self.budget} ended training after {settings.epochs * last.step / last.steps:.2f} of "
                f"{settings.epochs} epochs; the learning rate had fallen to its end by then."
            )
        if cut.any():
            notes.append(
                f"{cut.mean():.1%} of the training texts are longer than {self.network_.max_tokens} tokens and were "
                f"cut there; max_tokens (--max-tokens) goes up to {self.network_.files.positions}, and long='window' "
                "(--long window) reads all of them."
            )
        missing = [data.task.labels[i] for i in np.flatnonzero((data.counts > 0) & (valid.counts == 0))]
        if missing:
            notes.append(
                f"No validation text carries {listed(map(repr, missing))}; the best epoch was chosen without "
                f"{'it' if len(missing) == 1 else 'them'}."
            )
        self.notes_ = tuple(notes)

    def _proba(self, texts: list[str]) -> NDArray[np.float32]:
        return self.network_.probabilities(self.network_.windows(texts))

    def _write(self, folder: Path) -> None:
        self.network_.save(folder)
        content = {"max_tokens": self.network_.max_tokens, "long": self.network_.long}
        (folder / FILE).write_text(json.dumps(content), "utf-8")

    def _saved(self) -> None:
        if self._checkpoints_ is not None:
            self._checkpoints_.done()

    def _read(self, folder: Path) -> None:
        content = json.loads((folder / FILE).read_text("utf-8"))
        # Models from before there were windows cut their texts.
        self.long = content.get("long", "truncate")
        self.network_ = read_headed(folder, self.task_, content["max_tokens"], self.long, self.precision)


def _followed(steps: Iterable[Progress]) -> list[Progress]:
    """Runs the training, with a bar for whoever listens, and without touching the caller's random numbers."""
    import torch

    done = 0.0

    def amount(step: Progress) -> float:
        nonlocal done
        before, done = done, step.done
        return done - before

    with torch.random.fork_rng():
        return list(progress.track(steps, "fine-tuning", 1.0, amount, str))
