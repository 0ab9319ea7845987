"""Suspected label errors as sections: how many, which labels are given for which, the likeliest ones, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from textgraft.report.section import Report, Section
from textgraft.unicode import quoted
from textgraft.wording import counted, decimal, percent

MOST_MOVES = 10
NO_LABEL = "(none)"


class Suspect(Protocol):
    """A row whose label looks wrong; see ``analysis.label_errors``."""

    @property
    def file(self) -> str: ...  # noqa: D102
    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def given(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def suggested(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def chance(self) -> float: ...  # noqa: D102
    @property
    def similar(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def compared(self) -> int: ...  # noqa: D102
    @property
    def copies(self) -> tuple[str, ...]: ...  # noqa: D102


class Share(Protocol):
    """A share with its interval."""

    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102


class Found(Protocol):
    """Suspected label errors of a table."""

    @property
    def method(self) -> str: ...  # noqa: D102
    @property
    def folds(self) -> int: ...  # noqa: D102
    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def suspects(self) -> Sequence[Suspect]: ...  # noqa: D102
    @property
    def share(self) -> Share: ...  # noqa: D102
    @property
    def conflicts(self) -> int: ...  # noqa: D102
    @property
    def moves(self) -> Sequence[tuple[str, str, int]]: ...  # noqa: D102


class Applied(Protocol):
    """What came of corrections."""

    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def corrected(self) -> int: ...  # noqa: D102
    @property
    def confirmed(self) -> int: ...  # noqa: D102
    @property
    def open(self) -> int: ...  # noqa: D102
    @property
    def added(self) -> tuple[str, ...]: ...  # noqa: D102


def label_errors_report(title: str, found: Found, *, most: int = 20, next_commands: Sequence[str] = ()) -> Report:
    """The report on suspected label errors.

    Args:
        title: of which table.
        found: what was found.
        most: how many suspected rows to show.
        next_commands: what to do with them.
    """
    return Report(title, tuple(label_errors_sections(found, most=most, next_commands=next_commands)))


def label_errors_sections(
    found: Found, *, most: int, texts: bool = True, next_commands: Sequence[str] = ()
) -> list[Section]:
    """The same as sections; without ``texts`` rows are named by file and number alone."""
    sections = [Section(sentences=(verdict(found),)), _moves(found), _suspects(found, most, texts=texts)]
    if found.suspects and next_commands:
        sections.append(Section("Next", commands=tuple(next_commands)))
    return [section for section in sections if not section.is_empty]


def verdict(found: Found) -> str:
    """How many labels look wrong, by what, and what that means."""
    n = len(found.suspects)
    in_folds = f" in {counted(found.folds, 'fold')}" if found.folds else ""
    by = f"{found.method}, trained without them{in_folds}, and by similar texts"
    if not n:
        first = f"No label of {counted(found.rows, 'row')} looks wrong by {by}"
    else:
        share = f"{percent(n / found.rows)} [{percent(found.share.low)}, {percent(found.share.high)}]"
        verb = "has a label that looks" if n == 1 else "have labels that look"
        first = f"{n:,} of {counted(found.rows, 'row')}, {share}, {verb} wrong by {by}"
    sentences = [f"{first}."]
    if n:
        sentences.append("A suspected label is a question, not a finding: texts that are hard to tell are among them.")
    if found.conflicts:
        sentences.append(
            f"{counted(found.conflicts, 'row')} have a copy with other labels: one of the two is wrong, or the text is "
            "both."
        )
    return " ".join(sentences)


def _moves(found: Found) -> Section:
    rows = tuple((given or NO_LABEL, other or NO_LABEL, f"{n:,}") for given, other, n in found.moves)
    return (
        Section("Suspected most often", ("given", "suggested", "rows"), rows, numbers=(2,)).first(MOST_MOVES)
        if rows
        else Section()
    )


def _suspects(found: Found, most: int, *, texts: bool) -> Section:
    if not found.suspects or not most:
        return Section()
    rows = tuple(
        (
            where(each.file, each.number, len({other.file for other in found.suspects[:most]})),
            _said(each.given),
            _said(each.suggested),
            decimal(each.chance),
            _evidence(each),
            *([each.text] if texts else []),
        )
        for each in found.suspects[:most]
    )
    left = len(found.suspects) - len(rows)
    sentences = (f"and {left:,} more.",) if left else ()
    columns = ("row", "given", "suggested", "chance right", "similar texts", *(["text"] if texts else []))
    return Section("The likeliest errors", columns, rows, sentences, numbers=(3,))


def where(file: str, number: int, files: int) -> str:
    """A row by its number; with the file where there are several, or where the file is the row."""
    if not number:
        return file
    return f"{number:,}" if files == 1 else f"{file} {number:,}"


def _said(names: Sequence[str]) -> str:
    return ", ".join(names) or NO_LABEL


def _evidence(each: Suspect) -> str:
    parts = []
    if each.compared:
        given, suggested = each.similar
        parts.append(f"{given} as given, {suggested} as suggested")
    if each.copies:
        parts.append(f"the same text has other labels in {', '.join(each.copies)}")
    return "; ".join(parts)


def applied_report(output: str, applied: Applied) -> Report:
    """What came of corrections, in sentences."""
    sentences = [
        f"{output} has {counted(applied.rows, 'row')}, {applied.corrected:,} of them with corrected labels; the table "
        "itself is as it was."
    ]
    if applied.confirmed:
        sentences.append(f"{counted(applied.confirmed, 'row')} kept the label that was confirmed.")
    if applied.open:
        sentences.append(
            f"{counted(applied.open, 'suspected row')} {'is' if applied.open == 1 else 'are'} not filled in."
        )
    if applied.added:
        sentences.append(f"New labels: {', '.join(map(quoted, applied.added))}.")
    return Report(f"Corrections in {output}", (Section(sentences=tuple(sentences)),))
