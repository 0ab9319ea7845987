"""The one training loop, and what it is told."""

from textgraft.training.loop import Progress, train
from textgraft.training.settings import TrainingSettings, default_epochs

__all__ = ["Progress", "TrainingSettings", "default_epochs", "train"]
