"""Methods on data: training and evaluating one, comparing several on the same splits."""

from textgraft.ladder.abstaining import abstain
from textgraft.ladder.comparing import compare
from textgraft.ladder.evaluating import evaluate
from textgraft.ladder.replacing import Replacement, compare_with
from textgraft.ladder.results import Comparison, Result
from textgraft.ladder.search_results import Search, Tried
from textgraft.ladder.searching import search
from textgraft.ladder.thresholding import set_thresholds
from textgraft.ladder.training import Trained, train

__all__ = [
    "Comparison",
    "Replacement",
    "Result",
    "Search",
    "Trained",
    "Tried",
    "abstain",
    "compare",
    "compare_with",
    "evaluate",
    "search",
    "set_thresholds",
    "train",
]
