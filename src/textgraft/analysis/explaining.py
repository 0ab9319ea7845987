"""Why a text got its label: what each word adds to the label's log odds, or what they lose without it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import SettingError, did_you_mean, listed
from textgraft.evaluation.log_odds import log_odds_of
from textgraft.given import as_texts
from textgraft.methods import TextClassifier
from textgraft.methods.estimator import check_fitted
from textgraft.text.tokens import tokenize
from textgraft.unicode import quoted

Doubles = NDArray[np.float64]
How = Literal["contributions", "gradients", "occlusion"]
By = Literal["words", "sentences"]
Bounds = list[tuple[int, int]]

HOW: Final = ("auto", "contributions", "gradients", "occlusion")
BY: Final = ("words", "sentences")
MOST_LEFT_OUT: Final = 200  # units of a text, each of which is left out once
FEWEST_LEFT_OUT: Final = 20
MOST_CHARACTERS: Final = 1_000_000  # that are predicted for one explanation; fewer units are left out then

_ENDS = re.compile(r"(?<![.!?…])[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+|\n|\Z")  # of sentences


@dataclass(frozen=True)
class Span:
    """A part of a text, from the character at ``start`` to before that at ``end``, and what it weighs."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Explanation:
    """What the parts of a text have to do with a label's probability.

    Attributes:
        text: the whole text.
        label: of which it is.
        predicted: whether the model gives the text this label.
        probability: of the label.
        log_odds: ``log(p / (1 - p))``.
        base: the log odds that are left without any of the text; the weights and it sum to ``log_odds``. None of an
            occlusion, whose weights are no parts of a sum.
        how: ``"contributions"``, exact sums over n-grams; ``"gradients"``, integrated ones; ``"occlusion"``, by how
            much the log odds fall without the part.
        by: what the parts are: words, or sentences.
        together: how many words a part has at most.
        spans: the parts in reading order.
    """

    text: str
    label: str
    predicted: bool
    probability: float
    log_odds: float
    base: float | None
    how: How
    by: By
    together: int
    spans: tuple[Span, ...]

    @property
    def meaning(self) -> str:
        """What the weights are, in a sentence."""
        name = quoted(self.label)
        one = self.by[:-1] if self.together == 1 else f"group of up to {self.together:,} words"
        if self.how == "occlusion":
            return (
                f"How much the log odds of {name} ({self.log_odds:.2f}) fall when the {one} is left out. Such weights "
                "do not add up to anything, and of two that say the same neither weighs much."
            )
        exact = "Exact contributions to" if self.how == "contributions" else "Integrated gradients of"
        without = "a text without a known word" if self.how == "contributions" else "a text of padding"
        return (
            f"{exact} the log odds of {name}, by {self.by}: with {self.base:.2f}, the log odds of {without}, they sum "
            f"to {self.log_odds:.2f}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**vars(self), "spans": [vars(span) for span in self.spans], "meaning": self.meaning}


def explain(
    model: TextClassifier, text: str, *, label: str | None = None, how: str = "auto", by: str = "words"
) -> Explanation:
    """Explains one prediction.

    Args:
        model: a fitted classifier.
        text: any text.
        label: whose probability is explained; None is the label that is predicted, the most probable one of several
            (or of none).
        how: ``"contributions"`` (exact, of n-grams), ``"gradients"`` (integrated gradients, Sundararajan et al. 2017,
            of a fine-tuned encoder that torch computes) or ``"occlusion"`` (of any model: each part is left out once,
            at most 200 of them); ``"auto"`` takes the one that the method has, and else occlusion.
        by: ``"words"`` or ``"sentences"``.

    Raises:
        SettingError: there is no such label, or the method cannot explain in this way.
        DataError: ``text`` is no text.
    """
    check_fitted(model)
    [text] = as_texts([text])
    for name, value, allowed in (("how", how, HOW), ("by", by, BY)):
        if value not in allowed:
            raise SettingError(
                f"--{name} ({name}=) must be one of {listed(allowed)}; got {quoted(value)}."
                f"{did_you_mean(str(value), allowed)}"
            )
    if how not in ("auto", "occlusion", model.attribution):
        torch = " With --runtime torch (runtime='torch') it may." * (model.runtime_ is not None)
        can = listed(filter(None, (model.attribution, "occlusion")))
        raise SettingError(
            f"{quoted(how)} cannot explain this {model.method} model, {can} can; or leave it to --how auto "
            f"(how='auto').{torch}"
        )
    probabilities = model.predict_proba([text])
    place, predicted = _label(model, probabilities, label)
    parts = units(text, by)
    chosen: How = "occlusion" if how == "occlusion" or model.attribution is None else model.attribution
    together, base = 1, None
    if chosen == "occlusion":
        parts, together = grouped(parts, affordable(len(text)))
        weights = occlusion(model, text, parts, place)
        [log_odds] = log_odds_of(place, probabilities, model.task_).tolist()
    else:
        attributed = model.attribute(text, place)
        parts, weights = summed(attributed.weights, parts)
        base, log_odds = attributed.base, attributed.base + float(attributed.weights.sum())
    spans = tuple(Span(*part, weight) for part, weight in zip(parts, weights.tolist(), strict=True))
    name, p = model.task_.labels[place], float(probabilities[0, place])
    kind: By = "sentences" if by == "sentences" else "words"
    return Explanation(text, name, predicted, p, log_odds, base, chosen, kind, together, spans)


def _label(model: TextClassifier, probabilities: NDArray[np.float32], label: str | None) -> tuple[int, bool]:
    """The place of the label to explain, and whether it is predicted."""
    task = model.task_
    [decided] = model.decision.targets(probabilities, task)
    if label is None:
        place = int(probabilities[0].argmax()) if task.multi_label else int(decided)
    elif str(label) in task.labels:
        place = task.labels.index(str(label))
    else:
        raise SettingError(
            f"There is no label {quoted(label)}, only {listed(task.labels, 12)}.{did_you_mean(str(label), task.labels)}"
        )
    return place, bool(decided[place] if task.multi_label else place == decided)


def units(text: str, by: str = "words") -> Bounds:
    """Where the words of a text start and end, punctuation too; or its sentences."""
    if by == "sentences":
        ends = [match.end() for match in _ENDS.finditer(text)]
        pieces = [(start, text[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
        starts = [(start + len(piece) - len(piece.lstrip()), piece.strip()) for start, piece in pieces]
        return [(start, start + len(piece)) for start, piece in starts if piece]
    tokens = tokenize([text])
    return list(zip(tokens.start.tolist(), tokens.stop.tolist(), strict=True))


def affordable(characters: int) -> int:
    """How many parts of a text of so many characters are left out, each once."""
    return max(FEWEST_LEFT_OUT, min(MOST_LEFT_OUT, MOST_CHARACTERS // max(characters, 1)))


def grouped(parts: Bounds, most: int) -> tuple[Bounds, int]:
    """At most so many parts, neighbours joined, and how many are in one."""
    size = max(1, -(-len(parts) // most))
    joined = [(parts[i][0], parts[min(i + size, len(parts)) - 1][1]) for i in range(0, len(parts), size)]
    return joined, size


def occlusion(model: TextClassifier, text: str, parts: Sequence[tuple[int, int]], label: int) -> Doubles:
    """(p,) how much the log odds of a label fall without each part of a text (Li, Monroe and Jurafsky 2016)."""
    variants = [text, *(text[:start] + text[end:] for start, end in parts)]
    log_odds = log_odds_of(label, model.predict_proba(variants), model.task_)
    return np.asarray(log_odds[0] - log_odds[1:])


def summed(weights: Doubles, parts: Bounds) -> tuple[Bounds, Doubles]:
    """What the characters of each part weigh together; what weighs something between the parts is one of its own."""
    borders = sorted({0, len(weights), *(border for part in parts for border in part)})
    sums = np.concatenate(([0.0], np.cumsum(weights)))
    known, every = set(parts), list(pairwise(borders))
    kept = [part for part in every if part in known or weights[part[0] : part[1]].any()]
    return kept, np.array([sums[end] - sums[start] for start, end in kept])
