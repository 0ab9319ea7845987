"""A network that is ready to be trained, by the one loop or by another library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textgraft.dataset import Dataset
from textgraft.text.batches import Windows
from textgraft.training.classifying import WindowClassifier


@dataclass(frozen=True)
class Prepared:
    """A network that is ready to be trained, with the texts as it reads them.

    Attributes:
        classifier: holds the network, with new weights where it has none.
        windows, data: the token ids of the training texts, and their targets and weights.
        valid_windows, valid: those of the validation texts, given or held out.
        usual_rate: the peak learning rate where none is set.
        usual_epochs: the fewest and the most, where no number is set.
        identity: what a checkpoint must agree with besides the hyperparameters, or in their place where a name stands
            for what may change: the fingerprint of an encoder, a number that was chosen.
    """

    classifier: WindowClassifier
    windows: Windows
    data: Dataset
    valid_windows: Windows
    valid: Dataset
    usual_rate: float
    identity: Mapping[str, Any]
    usual_epochs: tuple[int, int] = (2, 10)
