"""A fitted head: from the vectors of an encoder to probabilities, with NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import ArtifactError
from textgraft.evaluation.calibration import Calibration, score_columns
from textgraft.heads.kept import KeptTexts
from textgraft.heads.kernel import RbfKernel
from textgraft.linear import LinearModel, Matrix
from textgraft.task import Task
from textgraft.tensors import Tensors

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

LEAST_SPREAD = 1e-8  # of a component; one that never varies is left as it is
_GAMMAS, _SHARPNESSES = (1e-6, 1e9), (1e-6, 1e9)  # that are believed of a file


@dataclass(frozen=True)
class Standardised:
    """Vectors less their mean and over their spread, (d,) each."""

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, X: Floats) -> Standardised:
        """By the components of all rows."""
        spread = X.std(axis=0, dtype=np.float64).astype(np.float32)
        return cls(
            X.mean(axis=0, dtype=np.float64).astype(np.float32),
            np.where(spread > LEAST_SPREAD, spread, 1).astype(np.float32),
        )

    def design(self, X: Floats) -> Matrix:
        """(n, d) of (n, d) vectors of an encoder."""
        return Matrix((X - self.mean) / self.scale)

    def scores(self, X: Floats, model: LinearModel) -> Floats:
        """(n, m) of a linear model."""
        return model.scores(self.design(X))


@dataclass(frozen=True)
class Head:
    """A linear model on standardised vectors or on the values of a kernel, calibrated, and the votes of neighbours.

    Attributes:
        features: what the model is on.
        model: gives the scores.
        calibration: makes probabilities of them.
        kept: the training texts that vote or are landmarks; None where none are.
        landmarks: (m,) which of them are; None of a linear head.
        share: what the votes count, from 0 to below 1.
        sharpness: see ``KeptTexts.votes``.
    """

    features: Standardised | RbfKernel
    model: LinearModel
    calibration: Calibration
    kept: KeptTexts | None = None
    landmarks: Places | None = None
    share: float = 0.0
    sharpness: float = 1.0

    def probabilities(self, X: Floats, task: Task) -> Floats:
        """(n, k) of (n, d) vectors of the encoder."""
        probabilities = self.calibration.probabilities(self.features.scores(X, self.model), task)
        return probabilities if not self.share else self.mixed(probabilities, self.votes(X))

    def votes(self, X: Floats) -> Floats:
        """(n, k) of the neighbours."""
        assert self.kept is not None
        return self.kept.votes(X, self.sharpness)

    def mixed(self, probabilities: Floats, votes: Floats) -> Floats:
        """What comes of the probabilities of the model and the votes."""
        share = np.float32(self.share)
        return np.asarray((1 - share) * probabilities + share * votes, np.float32)

    def renumbered(self, places: Places) -> Head:
        """The same with the places that the training texts have elsewhere."""
        return self if self.kept is None else replace(self, kept=replace(self.kept, rows=places[self.kept.rows]))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What is written."""
        features: dict[str, NDArray[Any]]
        if isinstance(self.features, Standardised):
            features = {"mean": self.features.mean, "scale": self.features.scale}
        else:
            assert self.landmarks is not None
            features = {"landmarks": self.landmarks, "gamma": np.array([self.features.gamma])}
        votes = {"votes": np.array([self.share, self.sharpness])} if self.share else {}
        tensors = {
            **features,
            "weights": self.model.weights,
            "bias": self.model.bias,
            "calibration_scale": self.calibration.scale,
            "calibration_shift": self.calibration.shift,
            **votes,
            **({} if self.kept is None else self.kept.tensors()),
        }
        return {name: np.ascontiguousarray(value) for name, value in tensors.items()}

    @classmethod
    def restored(cls, tensors: Tensors, width: int, task: Task) -> Head:
        """What was written, of an encoder with vectors of this width; those of earlier releases are linear.

        Raises:
            ArtifactError: a tensor is missing or of another shape, or holds what none of them can.
        """
        kept = KeptTexts.restored(tensors, width, len(task)) if "kept_vectors" in tensors else None
        landmarks, share, sharpness = None, 0.0, 1.0
        features: Standardised | RbfKernel
        if "landmarks" in tensors and kept is not None:
            landmarks = tensors("landmarks", None, dtypes=("int64",))
            if not len(landmarks) or landmarks.min() < 0 or landmarks.max() >= len(kept):
                raise ArtifactError(f"The kernel is damaged: its landmarks are not among {len(kept):,} kept texts.")
            (gamma,) = tensors("gamma", 1, dtypes=("float64",)).tolist()
            _check("gamma", gamma, *_GAMMAS)
            features, columns = RbfKernel(kept.vectors[landmarks], gamma), len(landmarks)
        else:
            features, columns = Standardised(tensors("mean", width), tensors("scale", width)), width
            if not (features.scale >= LEAST_SPREAD).all():
                raise ArtifactError("The head is damaged: a component of the vectors would be divided by nothing.")
        if "votes" in tensors and kept is not None:
            share, sharpness = tensors("votes", 2, dtypes=("float64",)).tolist()
            _check("share of the votes", share, 0, 1)
            _check("sharpness of the votes", sharpness, *_SHARPNESSES)
        m = score_columns(task)
        model = LinearModel(tensors("weights", columns, m), tensors("bias", m))
        calibration = Calibration.restored(tensors, task, "calibration_")
        return cls(features, model, calibration, kept, landmarks, share, sharpness)


def _check(what: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ArtifactError(f"The head is damaged: its {what} is {value:g}, not from {least:g} to {most:g}.")
