"""Methods on data: training and evaluating one, comparing several on the same splits."""

from textgraft.ladder.comparing import Climbed, Comparison, compare
from textgraft.ladder.evaluating import evaluate

__all__ = ["Climbed", "Comparison", "compare", "evaluate"]
