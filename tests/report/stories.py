"""Reports on small models, with texts that mean harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from textgraft.analysis.gathering import model_story
from textgraft.given import as_dataset
from textgraft.methods import NgramClassifier
from textgraft.report.story_page import write_story

HARM = [
    "</script><script>document.title = 'harmed'; alert('harmed')</script> good",
    "<img src=x onerror=alert('harmed')> bad",
    "<!-- <script> good",
    "שלום עולם זה טוב מאוד good",
    "مرحبا بالعالم bad",
    "\u202egnorw yaw eht lla good",
    "👩‍👩‍👧‍👦🏳️‍🌈 bad",
    "x" * 50_000 + " good",
    "line\nline\u2028line\u0000line bad",
    "${title} $1 {{7*7}} good",
]
LABELS = ["good", "bad", "<b>so & so</b>"]


def rows(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts that mostly say their label, each of them once."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for i in range(n):
        label = LABELS[rng.integers(3)]
        word = label if rng.random() < 0.8 else LABELS[rng.integers(3)]
        texts.append(f"unique{seed}x{i} this is {'soso' if word == LABELS[2] else word}")
        labels.append(label)
    return texts, labels


def written(
    folder: Path, *, n: int = 300, texts: bool = True, several: bool = False, every: bool = False
) -> tuple[Path, list[str]]:
    """A report in a folder, and the texts that it is about; with ``every`` chapter that there is."""
    learnt, labels = rows(160 if every else 400, seed=1)
    given, true = rows(n)
    given, true = [*given, *HARM], [*true, *(["good"] * len(HARM))]
    if several:
        labels, true = [[each] for each in labels], [[each] for each in true]  # type: ignore[misc]
    more: dict[str, Any] = {"train": as_dataset(learnt, labels, who="train"), "further": ["all"]} if every else {}
    with patch("textgraft.analysis.map.AUTO", "pca"):  # UMAP takes many seconds to start
        story = model_story(NgramClassifier().fit(learnt, labels), given, true, texts=texts, **more)
    page = folder / "report.html"
    write_story(story, page)
    return page, given
