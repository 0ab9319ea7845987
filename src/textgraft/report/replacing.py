"""A new model beside the one in use as sections: whether it may take its place."""

from __future__ import annotations

from typing import Protocol

from textgraft.evaluation import PairedTest
from textgraft.report.section import Report, Section
from textgraft.wording import decimal, p_value


class Replacement(Protocol):
    """See ``ladder.Replacement``."""

    @property
    def metric(self) -> str: ...  # noqa: D102
    @property
    def new(self) -> float: ...  # noqa: D102
    @property
    def old(self) -> float: ...  # noqa: D102
    @property
    def test(self) -> PairedTest: ...  # noqa: D102
    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def sentence(self) -> str: ...  # noqa: D102


def replacement_report(title: str, found: Replacement) -> Report:
    """What it comes to, the figures behind it, and which rows they are of."""
    by = found.test.difference
    row = (
        found.metric,
        decimal(found.new),
        decimal(found.old),
        f"{by.value:+.3f} [{by.low:+.3f}, {by.high:+.3f}]",
        p_value(found.test.p_value),
    )
    columns = ("metric", "new", "in use", "difference (95 % interval)", "p")
    table = Section(columns=columns, rows=(row,), sentences=found.notes, numbers=(1, 2, 3, 4))
    return Report(title, (Section(sentences=(found.sentence,)), table))
