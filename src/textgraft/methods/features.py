"""Frozen features: a pretrained encoder as it is, and a linear model on its vectors."""

from __future__ import annotations

from typing import Literal

from textgraft.encoders.encoder import Pooling
from textgraft.encoders.tokenizing import Long
from textgraft.hardware import Precision
from textgraft.methods.base import TextClassifier
