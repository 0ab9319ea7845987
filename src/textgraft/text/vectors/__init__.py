"""Pretrained word vectors: GloVe, word2vec and fastText files, looked up without holding them in memory."""

from textgraft.text.vectors.coverage import Coverage, coverage, vector_coverage
from textgraft.text.vectors.embedding import Unknown, embedding_matrix
from textgraft.text.vectors.opening import EMBEDDED, open_vectors
from textgraft.text.vectors.vectors import WordVectors

__all__ = [
    "EMBEDDED",
    "Coverage",
    "Unknown",
    "WordVectors",
    "coverage",
    "embedding_matrix",
    "open_vectors",
    "vector_coverage",
]
