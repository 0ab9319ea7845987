"""Methods on data: training and evaluating one, comparing several on the same splits."""

from textgraft.ladder.comparing import compare
from textgraft.ladder.evaluating import evaluate
from textgraft.ladder.results import Comparison, Result
from textgraft.ladder.training import Trained, train

__all__ = ["Comparison", "Result", "Trained", "compare", "evaluate", "train"]
