"""Texts of a source that stays the same, and of others, made of words without end."""

from __future__ import annotations

import re

import numpy as np

LABELS = ("calm", "glad", "sad", "sore")
_ENGLISH = re.findall(r"\w+", "the of and to in is you that it he was for on are as with his they at be this have from")
_SPANISH = re.findall(r"\w+", "de la que el en y a los se del las un por con no una su para es al lo como más pero")
_MARKS = {label: [f"{label}{ending}" for ending in ("ness", "ly", "er", "est", "ish")] for label in LABELS}


def english(n: int, seed: int, *, labels: tuple[str, ...] = LABELS) -> tuple[list[str], list[str]]:
    """n texts of the source, with their labels."""
    random = np.random.default_rng(seed)
    given = random.choice(labels, n).tolist()
    texts = []
    for label in given:
        words = _words(random, _ENGLISH, "talk")
        marked = label if random.random() < 0.8 else str(random.choice(labels))  # so that nothing is sure
        words.insert(int(random.integers(len(words))), str(random.choice(_MARKS[marked])))
        texts.append(" ".join(words))
    return texts, given


def spanish(n: int, seed: int) -> list[str]:
    """n texts in another language."""
    random = np.random.default_rng(seed)
    return [" ".join(_words(random, _SPANISH, "habla")) for _ in range(n)]


def foreign(n: int, seed: int) -> list[str]:
    """n texts in the same language about other things."""
    random = np.random.default_rng(seed)
    return [" ".join(_words(random, _ENGLISH, "stock", longest=30)) for _ in range(n)]


def _words(random: np.random.Generator, frequent: list[str], topic: str, longest: int = 12) -> list[str]:
    return [
        str(random.choice(frequent)) if random.random() < 0.5 else f"{topic}{min(int(random.zipf(1.5)), 10_000)}"
        for _ in range(int(random.integers(4, longest)))
    ]
