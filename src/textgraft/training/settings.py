"""What the training loop is told, as one frozen object."""

from __future__ import annotations

import math
from dataclasses import dataclass

from textgraft.hardware import Precision


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Attributes:
        epochs: passes over the data.
        learning_rate: the peak, reached after the warm-up; it then falls linearly to zero.
        warmup: share of all steps in which the learning rate rises from zero.
        weight_decay: decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101); not on biases and norms.
        clip: largest norm of all gradients together.
        precision: of the matrix products; the weights stay fp32.
        seed: of dropout and the order of the batches.
    """

    epochs: int
    learning_rate: float
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    precision: Precision = "auto"
    seed: int = 0

    def rate(self, step: int, steps: int) -> float:
        """The share of the peak learning rate at ``step`` of ``steps``, counted from 0."""
        rising = max(1, round(self.warmup * steps))
        if step < rising:
            return (step + 1) / (rising + 1)
        return max(0.0, (steps - step) / max(1, steps - rising))


def default_epochs(batches_per_epoch: int) -> int:
    """Between 3 and 10 epochs: small data needs more passes for the same number of steps (about 1,000)."""
    return min(10, max(3, math.ceil(1000 / max(1, batches_per_epoch))))
