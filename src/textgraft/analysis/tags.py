"""What can be said of a row before it is predicted: its length, its words, its language, its copies, its columns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.analysis.slices import Feature
from textgraft.dataset import Dataset
from textgraft.errors import DataError
from textgraft.labels import is_missing, label_name
from textgraft.text.languages import NAMES, language_of
from textgraft.text.ngrams import WordNgrams
from textgraft.unicode import in_form, quoted, shortened
from textgraft.wording import counted

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

OUTER = 0.1  # of the rows, at either end
MOST_VALUES = 30  # of a column, the most frequent ones
FEW_VALUES = 8  # up to so many different numbers are values, more are put into bins
MOST_LABELS = 20  # of a multi-label task, the most frequent ones
MOST_OF_VALUE = 60  # characters
SOME = 2_000  # texts, of which a language that is not rare has half its share at least
RARE_LANGUAGE = 0.01  # of the texts; below it most are of another one, and were taken for it
MISSING = "(missing)"


@dataclass(frozen=True, eq=False)
class Tag:
    """Something that holds for some rows: its name, what it means, and (n,) for which rows."""

    name: str
    meaning: str
    rows: Flags


def length_tags(texts: Sequence[str]) -> tuple[list[Tag], list[Feature]]:
    """Short and long texts, the outer tenths by characters; and the quarters."""
    lengths = np.fromiter(map(len, texts), np.float64, len(texts))
    low, high = _outer(lengths)
    middle = np.median(lengths)
    short, long = (lengths <= low) & (lengths < middle), (lengths >= high) & (lengths > middle)
    tags = [
        Tag("short", f"the shortest tenth, up to {counted(int(low), 'character')}", short),
        Tag("long", f"the longest tenth, {counted(int(high), 'character')} and more", long),
    ]
    quarters = bins("characters", lengths, about="length")
    tenths = Feature("length", ("short", "long"), np.where(short, 0, np.where(long, 1, -1)), about="length")
    return [tag for tag in tags if tag.rows.any()], [tenths, quarters]


def rare_words(texts: Sequence[str], known: WordNgrams | None, train: Sequence[str] | None) -> Tag | None:
    """The tenth of the texts with the most different words that are not known.

    Known are those of the training texts, if they are given; else those that the model keeps; else, since nothing says
    what training held, those of any other of the texts.
    """
    if train is not None:
        known, _ = WordNgrams.fit(in_form(train, "nfkc"), 1, 1, 1_000_000)
        those = "that are in no training text"
    elif known is not None:
        those = "that the model does not know"
    else:
        known, _ = WordNgrams.fit(in_form(texts, "nfkc"), 1, 2, 1_000_000)
        those = "that are in no other of these texts"
    counts = known.count_all(in_form(texts, "nfkc"))
    strange, all_words = np.diff(counts.unknown.starts), np.diff(counts.words.starts) + np.diff(counts.unknown.starts)
    shares = strange / np.maximum(all_words, 1)
    rows = (shares >= _outer(shares)[1]) & (shares > np.median(shares))
    if not rows.any():
        return None
    return Tag("rare words", f"{shares[rows].min():.0%} or more of the different words are ones {those}", rows)


def _outer(values: NDArray[np.float64]) -> tuple[float, float]:
    """Up to what the lowest tenth are, and from what on the highest."""
    tenth = math.ceil(OUTER * len(values))
    ordered = np.sort(values)
    return float(ordered[tenth - 1]), float(ordered[-tenth])


def language_feature(texts: Sequence[str]) -> Feature | None:
    """The language of each text, where it shows and is not rare; None where all are of one.

    In a large table all texts are looked at only where some of them, evenly drawn, are of several languages.
    """
    some = texts[:: max(1, len(texts) // SOME)]
    if len(some) < len(texts) and len(_frequent(list(map(language_of, some)), RARE_LANGUAGE / 2)) < 2:
        return None
    codes = list(map(language_of, texts))
    languages = _frequent(codes, RARE_LANGUAGE)
    if len(languages) < 2:
        return None
    place = {code: i for i, code in enumerate(languages)}
    return Feature("language", tuple(NAMES[code] for code in languages), np.array([place.get(c, -1) for c in codes]))


def _frequent(codes: Sequence[str], share: float) -> list[str]:
    """The languages of at least this share of texts, the most frequent first."""
    return [code for code, n in Counter(filter(None, codes)).most_common() if n >= share * len(codes)]


def label_features(data: Dataset) -> list[Feature]:
    """The labels that rows carry: one feature, or of several labels one for each."""
    labels = data.task.labels
    if not data.task.multi_label:
        return [Feature("label", labels, np.asarray(data.targets))]
    frequent = np.argsort(-data.counts, kind="stable")[:MOST_LABELS].tolist()
    carried = np.asarray(data.label_sets)
    return [Feature("label", (labels[j],), np.where(carried[:, j], 0, -1)) for j in frequent]


def column_features(data: Dataset, wanted: Sequence[str] = ()) -> list[Feature]:
    """The columns of the table besides texts and labels; where none is asked for all that make groups of rows.

    Raises:
        DataError: a column that is asked for makes no groups.
    """
    columns: Mapping[str, Sequence[Any]] = data.cells or {}
    known = () if data.columns is None else (*data.columns.text, *data.columns.label)
    features = []
    for name in wanted or [name for name in columns if name not in known]:
        feature = column_feature(name, columns[name])
        if feature is not None:
            features.append(feature)
        elif wanted:
            raise DataError(
                f"Column {quoted(name)} makes no groups of rows (--by, by=): its values are objects, or nearly all "
                "differ."
            )
    return features


def column_feature(name: str, values: Sequence[Any]) -> Feature | None:
    """A column of few values, or of numbers, which are put into four bins; None of any other."""
    missing = np.array([is_missing(value) for value in values])
    try:
        names = [None if lacks else label_name(value) for value, lacks in zip(values, missing.tolist(), strict=True)]
    except DataError:
        return None
    counts = Counter(name for name in names if name is not None)
    numbers = _numbers(names)
    if numbers is not None and len(counts) > FEW_VALUES:
        return bins(name, numbers)
    if not counts or (len(counts) > MOST_VALUES and 2 * len(counts) > len(names)):
        return None
    kept = [value for value, _ in counts.most_common(MOST_VALUES)]
    place: dict[str | None, int] = {value: i for i, value in enumerate(kept)}
    if missing.any():
        place[None] = len(kept)
    codes = np.array([place.get(value, -1) for value in names])
    shown = (*(shortened(value, MOST_OF_VALUE) for value in kept), *([MISSING] if missing.any() else []))
    return Feature(name, shown, codes)


def bins(name: str, numbers: NDArray[np.float64], about: str = "") -> Feature:
    """The quarters of numbers; NaN is missing."""
    there = ~np.isnan(numbers)
    edges = np.unique(np.quantile(numbers[there], [0.25, 0.5, 0.75], method="inverted_cdf"))
    edges = edges[edges < numbers[there].max()]
    codes = np.where(there, np.searchsorted(edges, numbers, side="left"), len(edges) + 1)
    ends = [f"{edge:,.6g}" for edge in edges.tolist()]
    if not ends:
        return Feature(name, ("one value", MISSING), codes, about)
    between = [f"above {low} to {high}" for low, high in pairwise(ends)]
    return Feature(name, (f"up to {ends[0]}", *between, f"above {ends[-1]}", MISSING), codes, about)


def _numbers(names: Sequence[str | None]) -> NDArray[np.float64] | None:
    """The values as numbers, NaN for missing ones; None where one is no number."""
    try:
        found = np.array([np.nan if name is None else float(name) for name in names])
    except ValueError:
        return None
    return found if np.isfinite(found[[name is not None for name in names]]).all() and len(found) else None
