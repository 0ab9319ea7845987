"""Words: tokenising, vocabularies, word vectors, and hashing and counting n-grams, a batch of texts at a time."""

from textgraft.text.vocabulary import Vocabulary
from textgraft.text.words import tokenize

__all__ = ["Vocabulary", "tokenize"]
