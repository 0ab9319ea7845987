"""Frozen features: a pretrained encoder as it is, and a linear model on its vectors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.encoders.encoder import POOLINGS, Encoder, Pooling, load_encoder
from textgraft.encoders.opening import Reading, TextEncoder, has_network, open_encoder, reopen_encoder
from textgraft.encoders.tokenizing import LONG, Long
from textgraft.errors import ArtifactError
from textgraft.evaluation.calibration import Calibration, score_columns
from textgraft.hardware import PRECISIONS, Precision
from textgraft.json_files import read_object
from textgraft.linear.choosing import fit_chosen
from textgraft.linear.fitting import ClassWeight, LinearModel, Matrix
from textgraft.methods.base import unicode_form
from textgraft.methods.constraints import ENCODER, SEED, Choice, Number, Regularisation
from textgraft.methods.graphs import GraphClassifier
from textgraft.methods.hyperparameters import fitted, hyperparameter, hyperparameters
from textgraft.model_directory import MethodFacts
from textgraft.runtimes import Batch, Runtime, padded_batches
from textgraft.tensors import Tensors
from textgraft.unicode import Form, quoted

if TYPE_CHECKING:
    from textgraft.runtimes.conversion import Graph

Floats = NDArray[np.float32]
FILE = "features"
LEAST_SPREAD = 1e-8  # of a component; one that never varies is left as it is


@hyperparameters
class FeatureClassifier(GraphClassifier):
    """Logistic regression on the standardised vectors of a frozen encoder.

    The regularisation is chosen, and the probabilities calibrated, on validation data; where none is given, on a tenth
    held out of the training data, or of less than 2,000 texts out of fold. The model is then fitted to all of it.
    """

    method = "features"
    rung = 30
    facts = MethodFacts("a linear model on the vectors of a frozen encoder")

    encoder: str = hyperparameter(ENCODER, f"{ENCODER.allowed}.", default="all-MiniLM-L6-v2", kw_only=False)
    pooling: Pooling = hyperparameter(
        Choice(*POOLINGS), '``"mean"``, ``"cls"`` or ``"max"`` of the token states.', default="mean"
    )
    long: Long = hyperparameter(
        Choice(*LONG),
        '``"window"`` pools overlapping windows of long texts, ``"truncate"`` keeps the first one.',
        default="window",
        option="window reads long texts to the end, truncate cuts them",
    )
    max_tokens: int | None = hyperparameter(
        Number(whole=True),
        "the length of a window, special tokens included; None is what the encoder was tuned for.",
        default=None,
        option="length of a window or of a cut text",
    )
    C: float | Sequence[float] | Literal["auto"] = hyperparameter(
        Regularisation(),
        'inverse strength of the regularisation, several to choose from, or ``"auto"``.',
        default="auto",
        option="",
    )
    class_weight: ClassWeight = hyperparameter(
        Choice(None, "balanced"), '``"balanced"`` weighs rare labels up.', default=None
    )
    precision: Precision = hyperparameter(
        Choice(*PRECISIONS),
        'of the encoder; ``"auto"`` takes bf16 where the hardware has it.',
        default="auto",
        option="auto, fp32, bf16 or fp16",
    )
    unicode: Form = unicode_form("nfc", "NFC, since the encoder's own tokenizer does what else is to be done.")
    seed: int = hyperparameter(SEED, "of the part held out.", default=0, option="")

    encoder_: TextEncoder = fitted()
    mean_: Floats = fitted()
    scale_: Floats = fitted()
    model_: LinearModel = fitted()
    calibration_: Calibration = fitted()

    @classmethod
    def has_graph(cls, parameters: Mapping[str, Any]) -> bool:
        """Whether the encoder is a network."""
        return has_network(parameters.get("encoder"))

    def _conflicts(self) -> Iterator[str]:
        for name, value in [] if has_network(self.encoder) else self._of_networks:
            yield (
                f"{name} is for encoders that are networks of transformers, and {quoted(self.encoder)} has one way to "
                f"read texts; got {quoted(value)}. Leave out --{name.replace('_', '-')} ({name}=)."
            )

    @property
    def _of_networks(self) -> list[tuple[str, Any]]:
        """What is set of how a network reads texts, and is not the default."""
        values = [(name, getattr(self, name)) for name in ("pooling", "long", "max_tokens", "precision")]
        return [(name, value) for name, value in values if value != self.hyperparameters[name].default]

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        name = self._choose_encoder(self.encoder, train, with_network=bool(self._of_networks))
        self.encoder_ = open_encoder(name, self.max_tokens, **self._reading)
        X = self.encoder_.encode(train.texts)
        self.mean_ = X.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = X.std(axis=0, dtype=np.float64).astype(np.float32)
        self.scale_ = np.where(spread > LEAST_SPREAD, spread, 1).astype(np.float32)
        checks = None if valid is None else (self._design(self.encoder_.encode(valid.texts)), valid)
        choice = fit_chosen(
            self._design(X), train, checks, C=self.C, loss="logistic", class_weight=self.class_weight, seed=self.seed
        )
        self.model_, self.calibration_ = choice.model, choice.calibration
        self._held_out(train, choice.held)
        self._weigh_decision(train, self.class_weight)
        self._choose_decision(*choice.checked())
        self.chosen_ = choice.to_dict() | self.encoder_.chosen
        if self.encoder_.from_cache:
            self.notes_ += (
                f"The vectors of {self.encoder_.from_cache:,} texts were on disk already; without them training takes "
                "longer than it did.",
            )

    @property
    def _reading(self) -> Reading:
        return {"pooling": self.pooling, "long": self.long, "precision": self.precision}

    @property
    def _network(self) -> Encoder:
        assert isinstance(self.encoder_, Encoder)  # of no other a graph is asked
        return self.encoder_

    def _design(self, X: Floats) -> Matrix:
        return Matrix((X - self.mean_) / self.scale_)

    def _proba(self, texts: list[str]) -> Floats:
        scores = self.model_.scores(self._design(self.encoder_.encode(texts)))
        return self.calibration_.probabilities(scores, self.task_)

    @property
    def outside_bytes(self) -> int:
        """The size of the encoder's files, which a model directory names but does not hold."""
        return self.encoder_.outside_bytes

    def graph(self) -> Graph:  # noqa: D102
        from textgraft.encoders.graphs import vectors_graph

        encoder = self._network
        return vectors_graph(load_encoder(encoder.files), self.pooling, encoder.tokenizer.pad_id, encoder.files.name)

    def graph_inputs(self, texts: list[str]) -> Iterator[Batch]:  # noqa: D102
        return padded_batches(self._network.windows(texts), self._network.tokenizer.pad_id)

    def _use(self, runtime: Runtime) -> None:
        encoder = self._network
        self.encoder_ = Encoder(encoder.files, max_tokens=encoder.max_tokens, runtime=runtime, **self._reading)

    def write_for_runtime(self, folder: Path) -> None:  # noqa: D102
        self._network.tokenizer.save(folder / "tokenizer.json")

    def write_state(self, folder: Path) -> None:  # noqa: D102
        from safetensors.numpy import save_file

        tensors = {
            "mean": self.mean_,
            "scale": self.scale_,
            "weights": self.model_.weights,
            "bias": self.model_.bias,
            "calibration_scale": self.calibration_.scale,
            "calibration_shift": self.calibration_.shift,
        }
        tensors = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
        save_file(tensors, folder / f"{FILE}.safetensors")
        (folder / f"{FILE}.json").write_text(json.dumps(self.encoder_.identity), "utf-8")

    def read_state(self, folder: Path, runtime: Runtime | None = None) -> None:  # noqa: D102
        content = read_object(folder / f"{FILE}.json", {"fingerprint"}, {"max_tokens", "config"})
        self.encoder_ = reopen_encoder(self.encoder, content, folder, runtime, **self._reading)
        tensors = Tensors.read(folder / f"{FILE}.safetensors")
        width, m = self.encoder_.width, score_columns(self.task_)
        self.mean_, self.scale_ = tensors("mean", width), tensors("scale", width)
        if not (self.scale_ >= LEAST_SPREAD).all():
            raise ArtifactError(f"{folder} is damaged: a component of the vectors would be divided by nothing.")
        self.model_ = LinearModel(tensors("weights", width, m), tensors("bias", m))
        self.calibration_ = Calibration.restored(tensors, self.task_, "calibration_")
