"""Texts that stand in more than one part: how many, and taking them out of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from textgraft.data.duplicates import Duplicates, find_duplicates
from textgraft.dataset import Dataset
from textgraft.errors import DataError


@dataclass(frozen=True)
class Overlap:
    """How many of the ``rows`` rows of ``part`` have a text that also stands in ``other``.

    The counts widen: ``verbatim`` as the same string; ``folded`` also where only case, white space, links or user
    names differ; ``near`` also where near-duplicates connect them.
    """

    part: str
    other: str
    rows: int
    verbatim: int
    folded: int
    near: int

    def __str__(self) -> str:
        also = "stands" if self.near == 1 else "stand"
        kinds = {
            "verbatim": self.verbatim,
            "with other case, white space, links or user names": self.folded - self.verbatim,
            "as near-duplicates": self.near - self.folded,
        }
        parts = [f"{count:,} {how}" for how, count in kinds.items() if count]
        return f"{self.near:,} of {self.rows:,} {self.part} texts also {also} in {self.other} ({', '.join(parts)})"


def part_numbers(parts: Mapping[str, Dataset]) -> NDArray[np.int64]:
    """(n,) which part each row belongs to, parts one after the other."""
    return np.repeat(np.arange(len(parts)), [len(part) for part in parts.values()])


def part_duplicates(parts: Mapping[str, Dataset], *, near: bool = True) -> Duplicates:
    """The duplicates among the rows of all parts, one part after the other."""
    return find_duplicates([text for part in parts.values() for text in part.texts], near=near)


def overlaps(parts: Mapping[str, Dataset], duplicates: Duplicates) -> tuple[Overlap, ...]:
    """Every pair of parts that share texts; the later of the two (test before valid before train) is ``part``."""
    names, number = list(parts), part_numbers(parts)
    overlapping = []
    for earlier, later in combinations(range(len(names)), 2):
        rows, others = number == later, number == earlier
        kinds = (duplicates.verbatim, duplicates.folded, duplicates.near)
        verbatim, folded, near = (int(np.isin(ids[rows], ids[others]).sum()) for ids in kinds)
        if near:
            overlapping.append(Overlap(names[later], names[earlier], int(rows.sum()), verbatim, folded, near))
    return tuple(overlapping)


def without_leaks(parts: Mapping[str, Dataset], duplicates: Duplicates) -> tuple[dict[str, Dataset], list[str]]:
    """The parts without those rows whose text stands in a later part, and sentences about what was taken out.

    Rows are taken from the earlier part (train before valid before test), so that the test part stays as it was given
    and its numbers can be compared with those that others report on it.

    Raises:
        DataError: no row of a part would be left.
    """
    number = part_numbers(parts)
    cleaned, notes = {}, []
    for i, (name, part) in enumerate(parts.items()):
        leaks = np.isin(duplicates.near[number == i], duplicates.near[number > i])
        later = " or ".join(list(parts)[i + 1 :])
        if leaks.all():
            raise DataError(f"Every {name} text also stands in {later}; without them no {name} row would be left.")
        cleaned[name] = part.select(~leaks)
        if leaks.any():
            rows = part.rows.names(np.flatnonzero(leaks), 3)
            notes.append(
                f"{leaks.sum():,} of {len(part):,} {name} rows were taken out because their text also stands in "
                f"{later}, verbatim or nearly ({rows})."
            )
    return cleaned, notes
