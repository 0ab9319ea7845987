"""A test suite of a model as a section: what failed, and how many passed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from textgraft.report.section import Report, Section
from textgraft.wording import counted


class Pair(Protocol):
    """See ``analysis.checking.Pair``."""

    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def changed(self) -> str: ...  # noqa: D102
    @property
    def expect(self) -> str: ...  # noqa: D102
    @property
    def where(self) -> str: ...  # noqa: D102


class Checked(Protocol):
    """See ``analysis.checking.Checked``."""

    @property
    def pair(self) -> Pair: ...  # noqa: D102
    @property
    def before(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def after(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def passes(self) -> bool: ...  # noqa: D102


def checks_report(title: str, checked: Sequence[Checked]) -> Report:
    """How many passed, and the pairs that failed."""
    failed = [each for each in checked if not each.passes]
    verdict = f"{counted(len(checked) - len(failed), 'pair')} of {len(checked):,} came out as expected."
    rows = tuple(
        (each.pair.where, each.pair.expect, _label(each.before), _label(each.after) if each.pair.changed else "–",
         each.pair.changed or each.pair.text)
        for each in failed
    )  # fmt: skip
    columns = ("row", "expected", "answer", "answer after the change", "text")
    return Report(title, (Section(sentences=(verdict,)), Section("Failed", columns, rows) if rows else Section()))


def _label(labels: tuple[str, ...]) -> str:
    return "; ".join(labels) or "(none)"
