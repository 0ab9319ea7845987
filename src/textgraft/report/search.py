"""A search as sections: what was chosen and how good it is, and all that was tried, cost against quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from textgraft.dataset import Splits
from textgraft.evaluation import Evaluation, Interval
from textgraft.report.evaluation import evaluation_report
from textgraft.report.section import Report, Section
from textgraft.wording import counted


class Tried(Protocol):
    """One candidate; see ``ladder.Tried``."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def folds(self) -> int: ...  # noqa: D102
    @property
    def value(self) -> Interval | None: ...  # noqa: D102
    @property
    def seconds(self) -> float: ...  # noqa: D102
    @property
    def fate(self) -> str: ...  # noqa: D102


class Search(Protocol):
    """See ``ladder.Search``."""

    @property
    def tried(self) -> Sequence[Tried]: ...  # noqa: D102
    @property
    def sentence(self) -> str: ...  # noqa: D102
    @property
    def called(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def splits(self) -> Splits: ...  # noqa: D102
    @property
    def evaluation(self) -> Evaluation: ...  # noqa: D102


def search_report(search: Search, *, every_metric: bool = False) -> Report:
    """The report on a search: the choice, all that was tried, the choice's evaluation."""
    rows = tuple(
        (
            each.name,
            f"{each.rows:,} x {each.folds}" if each.rows else "–",
            "–" if each.value is None else str(each.value),
            f"{each.seconds:,.1f}" if each.seconds else "–",
            each.fate,
        )
        for each in search.tried
    )
    columns = ("candidate", "rows x folds", f"{search.called} (95 % interval)", "seconds", "what became of it")
    of_stacks = "Stacks (a + b) weigh what their members predict out of fold, which costs no training."
    table = Section("All that was tried, out of fold", columns, rows, (of_stacks,), numbers=(1, 2, 3))
    where = "test rows" if search.splits.test is not None else "rows, out of fold"
    title = f"{search.name} on {search.evaluation.n:,} {where}"
    evaluation = evaluation_report(title, search.evaluation, search.splits.leaks, every_metric=every_metric)
    sections = (Section(sentences=(search.sentence,)), table, Section(title), *evaluation.sections)
    return Report(f"Searched with {counted(len(search.splits.train), 'training row')}", sections)
