"""The one training loop, and what it is told."""

from textgraft.training.checkpoints import Checkpoints
from textgraft.training.loop import Objective, Progress, Score, train
from textgraft.training.settings import DECAYS, Decay, TrainingSettings, default_epochs

__all__ = [
    "DECAYS",
    "Checkpoints",
    "Decay",
    "Objective",
    "Progress",
    "Score",
    "TrainingSettings",
    "default_epochs",
    "train",
]
