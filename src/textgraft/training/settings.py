"""The settings of the training loop, and the learning rate that follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from textgraft.hardware import Precision

Decay = Literal["linear", "cosine", "none"]
DECAYS: tuple[Decay, ...] = ("linear", "cosine", "none")


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of one training, the same for every network.

    Attributes:
        epochs: passes over the data.
        learning_rate: the peak, reached after the warm-up.
        warmup: share of the training in which the learning rate rises from zero.
        decay: how it then falls: in a line or half a cosine (Loshchilov & Hutter 2017, arXiv:1608.03983) to zero, or
            not at all.
        layer_decay: what the learning rate is multiplied with for each layer further from the head
            (Howard & Ruder 2018, arXiv:1801.06146); 1 is the same rate everywhere.
        weight_decay: decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101); not on biases and norms.
        clip: largest norm of all gradients together.
        precision: of the network as it is computed; the weights that are updated stay fp32.
        patience: training stops after so many epochs without a better score; None never stops it.
        budget: seconds, validation included; the learning rate then ends with the time where that ends first.
        seed: of dropout and the order of the batches.
    """

    epochs: int
    learning_rate: float
    warmup: float = 0.1
    decay: Decay = "linear"
    layer_decay: float = 1.0
    weight_decay: float = 0.01
    clip: float = 1.0
    precision: Precision = "auto"
    patience: int | None = None
    budget: float | None = None
    seed: int = 0

    def rate(self, done: float) -> float:
        """The share of the peak learning rate when the share ``done`` of the training, from 0 to 1, lies behind."""
        if done < self.warmup:
            return done / self.warmup
        left = (1 - done) / max(1 - self.warmup, 1e-9)
        if self.decay == "cosine":
            return (1 - math.cos(math.pi * left)) / 2
        return left if self.decay == "linear" else 1.0


def default_epochs(batches_per_epoch: int, fewest: int = 2, most: int = 10) -> int:
    """As many epochs as make about 1,000 steps: small data needs more passes for as many."""
    return min(most, max(fewest, math.ceil(1000 / max(1, batches_per_epoch))))
