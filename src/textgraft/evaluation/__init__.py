"""How good predictions are, how sure that is, and which of several classifiers to take.

This room knows arrays and ``Task``, never methods.
"""

from __future__ import annotations

from textgraft.evaluation.bootstrap import Interval
from textgraft.evaluation.evaluation import Evaluation, evaluate_predictions, evaluate_probabilities
from textgraft.evaluation.metric import Metric
from textgraft.evaluation.metrics import LOWER_IS_BETTER, headline_of
from textgraft.evaluation.paired import PairedTest, compare_paired
from textgraft.evaluation.recommend import Entry, Recommendation, cross_fitted, recommend

__all__ = [
    "LOWER_IS_BETTER",
    "Entry",
    "Evaluation",
    "Interval",
    "Metric",
    "PairedTest",
    "Recommendation",
    "compare_paired",
    "cross_fitted",
    "evaluate_predictions",
    "evaluate_probabilities",
    "headline_of",
    "recommend",
]
