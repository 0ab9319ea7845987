"""What ``inspect`` finds in a table, in plain numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from html import escape
from typing import Any, Literal, Self

from textgraft.data.giveaways import Giveaway
from textgraft.data.leaks import Overlap
from textgraft.data.next_steps import Basis
from textgraft.dataset import Columns
from textgraft.task import Task
from textgraft.unicode import said

Level = Literal["fact", "look", "warning"]


@dataclass(frozen=True)
class Finding:
    """One line of the audit.

    Attributes:
        section: what it is about: rows, labels, length, repeats, leaks, labelling or test.
        what: the finding's name.
        values: one value for each part, in their order; or a single one about all of the data.
        level: ``"fact"``, ``"look"`` (have a look) or ``"warning"`` (it spoils a classifier or its numbers).
        advice: what to do, a sentence; empty for facts.
    """

    section: str
    what: str
    values: tuple[str, ...]
    level: Level = "fact"
    advice: str = ""


@dataclass(frozen=True)
class Lengths:
    """How long the texts are: the median, the length that 95 % do not exceed, and the longest."""

    median: float
    p95: float
    longest: int


@dataclass(frozen=True)
class Repeats:
    """Rows beyond the first of each text, in three widening senses; see ``Duplicates``."""

    verbatim: int
    folded: int
    near: int


@dataclass(frozen=True)
class Part:
    """One part of the data, or all of it.

    Attributes:
        rows: how many.
        labels: rows per label.
        shares: the share of the rows that carry each label.
        labels_per_row: mean number of labels of a row.
        without_label: rows that carry no label.
        characters: length of the texts.
        tokens: length in the encoder's tokens, if a tokenizer was given.
        cut: share of the texts longer than the encoder reads.
        repeats: rows whose text an earlier row of this part has.
        empty: texts without any character but white space.
        empty_rows: names of the first of them.
    """

    rows: int
    labels: dict[str, int]
    shares: dict[str, float]
    labels_per_row: float
    without_label: int
    characters: Lengths
    tokens: Lengths | None
    cut: float | None
    repeats: Repeats
    empty: int
    empty_rows: tuple[str, ...]


@dataclass(frozen=True)
class Conflict:
    """A text that stands in the data with different labels: the names of its rows, and the labels of each."""

    text: str
    rows: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Conflicts:
    """Same text (after folding), different labels.

    Attributes:
        texts: how many such texts.
        rows: rows that have one of them.
        outvoted: rows that do not have their text's most frequent labels: no classifier can be right on these too.
        examples: the texts with most rows.
    """

    texts: int
    rows: int
    outvoted: int
    examples: tuple[Conflict, ...]


@dataclass(frozen=True)
class Audit:
    """What ``inspect`` found, in plain numbers.

    Attributes:
        task: the labels.
        columns: which columns were read; None for texts given from Python.
        parts: each part by name; ``{"all": ...}`` for a table that is not divided.
        overlaps: texts that stand in two parts.
        conflicts: same text, different labels.
        rare: labels with fewer than ten rows in the first part, and how many they have.
        absent: labels that a part does not have, by part.
        giveaways: label names that stand in texts.
        max_tokens: how many tokens the encoder reads, if given.
        basis: the rows that the numbers of ``compare`` will rest on; None where it will report none.
        next: the commands that go on from here, or the lines of Python.
        notes: what reading and dividing the data said.
        findings: the audit for people, line by line, with advice where there is something to do.
    """

    task: Task
    columns: Columns | None
    parts: dict[str, Part]
    overlaps: tuple[Overlap, ...]
    conflicts: Conflicts
    rare: dict[str, int]
    absent: dict[str, tuple[str, ...]]
    giveaways: tuple[Giveaway, ...]
    max_tokens: int | None
    notes: tuple[str, ...]
    basis: Basis | None = None
    next: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do, in sentences; the most serious first."""
        in_order = sorted(self.findings, key=lambda finding: finding.level != "warning")
        return tuple(finding.advice for finding in in_order if finding.advice)

    def without_texts(self) -> Self:
        """The same without the texts of its examples, which are all that it holds of texts."""
        examples = tuple(replace(each, text="") for each in self.conflicts.examples)
        return replace(self, conflicts=replace(self.conflicts, examples=examples))

    def _repr_html_(self) -> str:
        """For notebooks: what to do, and all that was found."""
        advice = "".join(f"<li>{escape(said(each))}</li>" for each in self.advice)
        heads = "".join(f"<th>{escape(said(name))}</th>" for name in ("", "", *self.parts))
        rows = "".join(
            "<tr>"
            + "".join(f"<td>{escape(said(cell))}</td>" for cell in (each.section, each.what, *each.values))
            + "</tr>"
            for each in self.findings
        )
        return f"<ul>{advice}</ul><table><tr>{heads}</tr>{rows}</table>"

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values, and the advice."""
        content = asdict(self)
        del content["findings"]  # they say the same in words
        if self.basis is not None and not self.basis.rows:
            content["basis"] |= {"low": None, "high": None}  # NaN is no JSON
        return {**content, "next": list(self.next), "advice": list(self.advice)}
