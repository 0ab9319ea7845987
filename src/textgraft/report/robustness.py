"""What changes of texts do to answers, as sections: the shares that flip, what that costs, and the worst examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from textgraft.evaluation import Interval, PairedTest
from textgraft.report.section import Report, Section
from textgraft.wording import counted, decimal, p_value, percent

EXAMPLES = 3  # of each change


class Shown(Protocol):
    """See ``analysis.robustness.Example``."""

    @property
    def changed(self) -> str: ...  # noqa: D102
    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def before(self) -> str: ...  # noqa: D102
    @property
    def after(self) -> str: ...  # noqa: D102


class Changed(Protocol):
    """See ``analysis.robustness.Outcome``."""

    @property
    def change(self) -> str: ...  # noqa: D102
    @property
    def what(self) -> str: ...  # noqa: D102
    @property
    def matters(self) -> bool: ...  # noqa: D102
    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def flipped(self) -> Interval: ...  # noqa: D102
    @property
    def before(self) -> float | None: ...  # noqa: D102
    @property
    def after(self) -> float | None: ...  # noqa: D102
    @property
    def effect(self) -> PairedTest | None: ...  # noqa: D102
    @property
    def p_value(self) -> float | None: ...  # noqa: D102
    @property
    def is_worse(self) -> bool: ...  # noqa: D102
    @property
    def examples(self) -> Sequence[Shown]: ...  # noqa: D102


class Robust(Protocol):
    """See ``analysis.robustness.Robustness``."""

    @property
    def metric(self) -> str: ...  # noqa: D102
    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def outcomes(self) -> Sequence[Changed]: ...  # noqa: D102


def robustness_report(title: str, found: Robust) -> Report:
    """What it comes to, a line for each change, and examples."""
    return Report(title, robustness_sections(found))


def robustness_sections(found: Robust, *, examples: bool = True) -> tuple[Section, ...]:
    """The sections of that; texts are in the examples alone."""
    same = [outcome for outcome in found.outcomes if not outcome.matters]
    sections = [
        Section(sentences=(_verdict(found.metric, same),)),
        _table(f"Changes that should not matter, on {counted(found.rows, 'row')}", found.metric, same),
        _examples("Answers that changed", same) if examples else Section(),
    ]
    for outcome in found.outcomes:
        if outcome.matters:
            sections.append(_mattering(outcome))
            sections.append(_examples("Answers that stayed", [outcome]) if examples else Section())
    return tuple(section for section in sections if not section.is_empty)


def _verdict(metric: str, outcomes: Sequence[Changed]) -> str:
    worse = [outcome for outcome in outcomes if outcome.is_worse]
    if not worse:
        return f"No change makes {metric} measurably worse on these rows."
    clauses = [
        f"{outcome.what} ({decimal(outcome.before)} to {decimal(outcome.after)})"
        for outcome in sorted(worse, key=lambda outcome: -outcome.flipped.value)
    ]
    return f"These make {metric} measurably worse: {', '.join(clauses)}."


def _table(title: str, metric: str, outcomes: Iterable[Changed]) -> Section:
    columns = ("change", "rows", "answers that flip (95 % interval)", f"{metric} before", "after", "difference", "p")
    rows = tuple(
        (
            outcome.what,
            f"{outcome.rows:,}",
            _share(outcome.flipped) if outcome.rows else "–",
            decimal(outcome.before),
            decimal(outcome.after),
            "–" if outcome.effect is None else str(outcome.effect.difference),
            "–" if outcome.p_value is None else p_value(outcome.p_value),
        )
        for outcome in outcomes
    )
    counts = "Rows are those whose text the change touches; p is corrected for the number of changes (Holm)."
    return Section(title, columns, rows, (counts,), numbers=tuple(range(1, 7)))


def _mattering(outcome: Changed) -> Section:
    title = f"A change that should matter: {outcome.what}"
    if not outcome.rows:
        return Section(title, sentences=("It changes none of these texts.",))
    sentence = (
        f"{_share(outcome.flipped)} of the answers on {counted(outcome.rows, 'row')} change with it. Not each has "
        "to; a model that counts words and does not see what a negation is about changes few."
    )
    return Section(title, sentences=(sentence,))


def _examples(title: str, outcomes: Iterable[Changed]) -> Section:
    rows = tuple(
        (outcome.change, example.label, example.before, example.after, example.changed)
        for outcome in outcomes
        for example in outcome.examples[:EXAMPLES]
    )
    return Section(title, ("change", "label", "before", "after", "the changed text"), rows) if rows else Section()


def _share(share: Interval) -> str:
    return f"{percent(share.value)} [{percent(share.low)}, {percent(share.high)}]"
