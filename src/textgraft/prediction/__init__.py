"""Labels for a stream of texts of any length: read ahead, predicted here or by several processes, written behind."""

from textgraft.prediction.streaming import TEXTS_AT_ONCE, Prediction, Texts, predict_stream

__all__ = ["TEXTS_AT_ONCE", "Prediction", "Texts", "predict_stream"]
