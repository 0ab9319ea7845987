"""Methods on data: evaluating one, comparing several on the same splits, predicting a stream of texts."""

from textgraft.ladder.comparing import Climbed, Comparison, compare
from textgraft.ladder.evaluating import evaluate
from textgraft.ladder.streaming import TEXTS_AT_ONCE, Prediction, Texts, predict_stream

__all__ = ["TEXTS_AT_ONCE", "Climbed", "Comparison", "Prediction", "Texts", "compare", "evaluate", "predict_stream"]
