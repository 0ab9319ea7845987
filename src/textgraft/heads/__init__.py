"""What is fitted on the vectors of a frozen encoder: a linear model or a kernel machine, and the nearest texts."""

from textgraft.heads.fitting import FittedHead, HeadKind, NeighbourShare, fit_head
from textgraft.heads.head import Head
from textgraft.heads.kept import KeptTexts, Neighbour

__all__ = ["FittedHead", "Head", "HeadKind", "KeptTexts", "Neighbour", "NeighbourShare", "fit_head"]
