"""Frozen features: a pretrained encoder as it is, and a linear model on its vectors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.encoders.encoder import POOLINGS, Encoder, Pooling
from textgraft.encoders.sources import resolve
from textgraft.encoders.tokenizing import LONG, Long
from textgraft.errors import ArtifactError
from textgraft.hardware import PRECISIONS, Precision
from textgraft.methods.base import TextClassifier
from textgraft.methods.calibration import Calibration
from textgraft.methods.inputs import check_choice, check_regularisation
from textgraft.methods.linear import LinearModel, Matrix, fit_chosen
from textgraft.task import Dataset

Floats = NDArray[np.float32]
FILE = "features"


class FeatureClassifier(TextClassifier):
    """Logistic regression on the standardised vectors of a frozen encoder.

    The regularisation is chosen, and the probabilities calibrated, on validation data; where none is given, on a tenth
    held out of the training data, after which the model is fitted to all of it.

    Args:
        encoder: an embedded encoder, a folder, or a name on the Hub.
        pooling: ``"mean"``, ``"cls"`` or ``"max"`` of the token states.
        long: ``"window"`` pools overlapping windows of long texts, ``"truncate"`` keeps the first one.
        max_tokens: the length of a window, special tokens included; None is what the encoder was tuned for.
        C: inverse strength of the regularisation, several to choose from, or ``"auto"``.
        class_weight: ``"balanced"`` weighs rare labels up.
        precision: of the encoder; ``"auto"`` takes bf16 where the hardware has it.
        seed: of the part held out.
    """

    method = "features"
    rung = 30

    encoder_: Encoder
    mean_: Floats
    scale_: Floats
    model_: LinearModel
    calibration_: Calibration

    def __init__(
        self,
        encoder: str = "all-MiniLM-L6-v2",
        *,
        pooling: Pooling = "mean",
        long: Long = "window",
        max_tokens: int | None = None,
        C: float | Sequence[float] | Literal["auto"] = "auto",
        class_weight: Literal["balanced"] | None = None,
        precision: Precision = "auto",
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.pooling = pooling
        self.long = long
        self.max_tokens = max_tokens
        self.C = C
        self.class_weight = class_weight
        self.precision = precision
        self.seed = seed

    def _check_settings(self) -> None:
        check_choice("pooling", self.pooling, POOLINGS)
        check_choice("long", self.long, LONG)
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("class_weight", self.class_weight, (None, "balanced"))
        check_regularisation(self.C)

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        self.encoder_ = self._open_encoder(self.max_tokens)
        X = self.encoder_.encode(train.texts)
        self._standardise(X)
        checks = None if valid is None else (self._design(self.encoder_.encode(valid.texts)), valid.targets)
        choice = fit_chosen(
            self._design(X),
            train,
            checks,
            C=self.C,
            loss="logistic",
            class_weight=self.class_weight,
            seed=self.seed,
        )
        self.model_, self.calibration_ = choice.model, choice.calibration
        self.chosen_ = {
            **choice.to_dict(),
            "max_tokens": self.encoder_.max_tokens,
            "precision": self.encoder_.precision,
        }
        if self.encoder_.from_cache:
            self.notes_ = (
                f"The vectors of {self.encoder_.from_cache:,} texts were on disk already; without them training takes "
                "longer than it did.",
            )

    def _open_encoder(self, max_tokens: int | None) -> Encoder:
        return Encoder(
            self.encoder,
            pooling=self.pooling,
            max_tokens=max_tokens,
            long=self.long,
            precision=self.precision,
        )

    def _standardise(self, X: Floats) -> None:
        """Remembers mean and spread of each component; one that never varies is left as it is."""
        self.mean_ = X.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = X.std(axis=0, dtype=np.float64).astype(np.float32)
        self.scale_ = np.where(spread > 1e-8, spread, 1).astype(np.float32)

    def _design(self, X: Floats) -> Matrix:
        return Matrix((X - self.mean_) / self.scale_)

    def _proba(self, texts: list[str]) -> Floats:
        scores = self.model_.scores(self._design(self.encoder_.encode(texts)))
        return self.calibration_.probabilities(scores, self.task_)

    @property
    def outside_bytes(self) -> int:
        """The size of the encoder's files, which a model directory names but does not hold."""
        return sum(path.stat().st_size for path in self.encoder_.files.weights())

    def _write(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        tensors = {
            "mean": self.mean_,
            "scale": self.scale_,
            "weights": self.model_.weights,
            "bias": self.model_.bias,
            "calibration_scale": self.calibration_.scale,
            "calibration_shift": self.calibration_.shift,
        }
        save_file(
            {name: np.ascontiguousarray(value) for name, value in tensors.items()}, folder / f"{FILE}.safetensors"
        )
        content = {"fingerprint": self.encoder_.files.fingerprint, "max_tokens": self.encoder_.max_tokens}
        (folder / f"{FILE}.json").write_text(json.dumps(content), "utf-8")

    def _read(self, folder: Path) -> None:
        from safetensors.numpy import load_file

        content: dict[str, Any] = json.loads((folder / f"{FILE}.json").read_text("utf-8"))
        tensors = load_file(folder / f"{FILE}.safetensors")
        self.mean_, self.scale_ = tensors["mean"], tensors["scale"]
        self.model_ = LinearModel(tensors["weights"], tensors["bias"])
        self.calibration_ = Calibration(tensors["calibration_scale"], tensors["calibration_shift"])
        if resolve(self.encoder).fingerprint != content["fingerprint"]:
            raise ArtifactError(
                f"{folder} was trained on another version of the encoder {self.encoder!r}: the weights, tokenizer or "
                "configuration here differ from those it was trained on. Install that version, or train again."
            )
        self.encoder_ = self._open_encoder(content["max_tokens"])
