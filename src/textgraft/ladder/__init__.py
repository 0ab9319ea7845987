"""Methods on data: training and evaluating one, comparing several on the same splits."""

from textgraft.ladder.comparing import Comparison, Result, compare
from textgraft.ladder.evaluating import evaluate
from textgraft.ladder.training import Trained, train

__all__ = ["Comparison", "Result", "Trained", "compare", "evaluate", "train"]
