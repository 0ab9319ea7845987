"""The one training loop, and what it is told."""

from textgraft.training.batches import Batches, NetworkBatch
from textgraft.training.checkpoints import Checkpoints
from textgraft.training.loop import Objective, Progress, Score, train
from textgraft.training.settings import DECAYS, Decay, TrainingSettings, default_epochs

__all__ = [
    "DECAYS",
    "Batches",
    "Checkpoints",
    "Decay",
    "NetworkBatch",
    "Objective",
    "Progress",
    "Score",
    "TrainingSettings",
    "default_epochs",
    "train",
]
