"""Labels for tables and streams of any length: read ahead, predicted here or by several processes, written behind."""

from textgraft.prediction.streaming import TEXTS_AT_ONCE, Prediction, Texts, numbered, predict_stream
from textgraft.prediction.table import Predicted, opened, predict_table, write_predictions
from textgraft.prediction.writing import Layout

__all__ = [
    "TEXTS_AT_ONCE",
    "Layout",
    "Predicted",
    "Prediction",
    "Texts",
    "numbered",
    "opened",
    "predict_stream",
    "predict_table",
    "write_predictions",
]
