"""Pretrained transformers: where they come from, how texts go through them, and the vectors kept on disk."""

from textgraft.encoders.embedded import EMBEDDED
from textgraft.encoders.encoder import Encoder
from textgraft.encoders.hidden_states import HiddenStates
from textgraft.encoders.opening import open_encoder
from textgraft.encoders.sources import EncoderFiles, resolve
from textgraft.encoders.tokenized import TokenizedText
from textgraft.encoders.tokenizing import TextTokenizer

__all__ = [
    "EMBEDDED",
    "Encoder",
    "EncoderFiles",
    "HiddenStates",
    "TextTokenizer",
    "TokenizedText",
    "open_encoder",
    "resolve",
]
