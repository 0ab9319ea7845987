"""A look at a table before anything is trained on it: what is there, and what would spoil the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from textgraft.data.audit import Audit, Conflict, Conflicts, Lengths, Part, Repeats
from textgraft.data.duplicates import Duplicates, repeats
from textgraft.data.findings import findings
from textgraft.data.giveaways import giveaways
from textgraft.data.leaks import overlaps, part_duplicates, part_numbers
from textgraft.data.next_steps import plan_basis, python_lines, shell_commands
from textgraft.data.splits import split
from textgraft.dataset import Dataset, Rows, Splits
from textgraft.given import Data, Labels, as_dataset
from textgraft.label_sets import LabelSets
from textgraft.progress import track
from textgraft.task import Task

# A label with fewer rows than this can neither be learnt well nor measured.
RARE = 10
MOST_EXAMPLES = 20
TEXTS_AT_A_TIME = 1_000


def inspect(
    data: Splits | Data,
    labels: Labels | None = None,
    *,
    tokenizer: Callable[[list[str]], Sequence[int] | NDArray[np.int64]] | None = None,
    max_tokens: int | None = None,
    command: Sequence[str] | None = None,
    test: float | None = None,
    folds: int | None = None,
    duplicates: Duplicates | None = None,
) -> Audit:
    """Looks for what would spoil a classifier or the numbers about it.

    Args:
        data: a table (a Dataset, texts with their ``labels``, or (text, label) pairs); or its parts, between which
            leaks are looked for too. A table with a split column counts as its parts.
        labels: of the texts, in any form that ``fit`` takes.
        tokenizer: gives the number of an encoder's tokens of each text.
        max_tokens: how many tokens the encoder reads.
        command: the table and the options that a command line was given, for the commands to go on with; without them
            the audit's ``next`` is Python.
        test: the share of the rows that will be held out, where no part is given for it; None leaves that to the table.
        folds: how many there will be in a cross-validation; 0 for none; None leaves that to the table.
        duplicates: of the texts of all parts, one part after the other, where they are known; None looks for them.
    """
    if not isinstance(data, Splits):
        data = as_dataset(data, labels, who="inspect")
    if isinstance(data, Dataset) and data.parts is None:
        parts, notes = {"all": data}, data.notes
    else:
        splits = split(data, by="column") if isinstance(data, Dataset) else data
        parts = splits.parts()
        notes = (*dict.fromkeys(note for part in parts.values() for note in part.notes), *splits.notes)
    duplicates, number = duplicates or part_duplicates(parts), part_numbers(parts)
    first = next(iter(parts.values()))
    rows = Rows.concatenate([part.rows for part in parts.values()])
    sets = LabelSets.concatenate([part.label_sets for part in parts.values()])
    audited = {}
    for i, (name, part) in enumerate(parts.items()):
        counted = None if tokenizer is None else _count_tokens(part.texts, tokenizer)
        ids = (duplicates.verbatim, duplicates.folded, duplicates.near)
        audited[name] = _part(part, Repeats(*(repeats(of[number == i]) for of in ids)), counted, max_tokens)
    absent = {name: tuple(label for label, n in part.labels.items() if not n) for name, part in audited.items()}
    audit = Audit(
        task=first.task,
        columns=first.columns,
        parts=audited,
        overlaps=overlaps(parts, duplicates),
        conflicts=_conflicts(first.task, sets, duplicates, rows),
        rare={name: n for name, n in next(iter(audited.values())).labels.items() if n < RARE},
        absent={name: labels for name, labels in absent.items() if labels},
        giveaways=giveaways(first.task, sets, duplicates),
        max_tokens=max_tokens,
        notes=notes,
        basis=plan_basis(parts, test, folds=folds),
    )
    audit = replace(audit, next=_next(audit, command, is_divided=isinstance(data, Splits)))
    return replace(audit, findings=tuple(findings(audit)))


def _next(audit: Audit, command: Sequence[str] | None, *, is_divided: bool) -> tuple[str, ...]:
    """The commands, or the lines of Python, that go on from an audit."""
    if sum(any(part.labels[label] for part in audit.parts.values()) for label in audit.task.labels) < 2:
        return ()  # there is nothing to learn yet
    can_compare = audit.basis is not None and audit.basis.rows > 0
    has_leaks = bool(audit.overlaps)
    has_blanks = any(part.empty for part in audit.parts.values())
    if command is not None:
        given = len(audit.parts) > 1
        return shell_commands(
            command, can_compare=can_compare, has_leaks=has_leaks, has_blanks=has_blanks, is_given=given
        )
    return python_lines(is_divided=is_divided, can_compare=can_compare, has_leaks=has_leaks, has_blanks=has_blanks)


def _part(part: Dataset, repeated: Repeats, tokens: NDArray[np.int64] | None, max_tokens: int | None) -> Part:
    counts = dict(zip(part.task.labels, part.counts.tolist(), strict=True))
    per_row = part.label_sets.sizes
    empty = [i for i, text in enumerate(part.texts) if not text.strip()]
    return Part(
        rows=len(part),
        labels=counts,
        shares={name: n / max(len(part), 1) for name, n in counts.items()},
        labels_per_row=float(per_row.mean()) if len(part) else 0.0,
        without_label=int((per_row == 0).sum()),
        characters=_lengths(np.fromiter(map(len, part.texts), np.int64, len(part))),
        tokens=None if tokens is None else _lengths(tokens),
        cut=None if tokens is None or max_tokens is None or not len(part) else float((tokens > max_tokens).mean()),
        repeats=repeated,
        empty=len(empty),
        empty_rows=_names(part.rows, empty),
    )


def _lengths(lengths: NDArray[np.int64]) -> Lengths:
    if not lengths.size:
        return Lengths(0.0, 0.0, 0)
    median, p95 = np.percentile(lengths, [50, 95]).tolist()
    return Lengths(median, p95, int(lengths.max()))


def _count_tokens(
    texts: list[str], tokenizer: Callable[[list[str]], Sequence[int] | NDArray[np.int64]]
) -> NDArray[np.int64]:
    blocks = (texts[start : start + TEXTS_AT_A_TIME] for start in range(0, len(texts), TEXTS_AT_A_TIME))
    counts = [np.asarray(tokenizer(block)) for block in track(blocks, "counting tokens", len(texts), len)]
    return np.concatenate(counts, dtype=np.int64) if counts else np.zeros(0, np.int64)


def _conflicts(task: Task, sets: LabelSets, duplicates: Duplicates, rows: Rows) -> Conflicts:
    """Texts whose rows carry different sets of labels."""
    groups = _repeated(duplicates.folded)
    disputed, outvoted = [], 0
    for group in groups:
        votes = Counter(sets.row(i).tobytes() for i in group.tolist())
        if len(votes) > 1:
            disputed.append(group)
            outvoted += len(group) - max(votes.values())
    examples = tuple(
        Conflict(
            text=duplicates.distinct[duplicates.folded[group[0]]],
            rows=_names(rows, group.tolist()),
            labels=tuple(tuple(task.labels[j] for j in sets.row(i)) for i in group[:MOST_EXAMPLES].tolist()),
        )
        for group in sorted(disputed, key=lambda group: (-len(group), int(group[0])))[:MOST_EXAMPLES]
    )
    return Conflicts(len(disputed), sum(map(len, disputed)), outvoted, examples)


def _repeated(ids: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The rows of each id that more than one row has."""
    repeated = np.flatnonzero(np.bincount(ids)[ids] > 1)
    if not len(repeated):
        return []
    order = repeated[np.argsort(ids[repeated], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(ids[order])) + 1)


def _names(rows: Rows, indices: Iterable[int]) -> tuple[str, ...]:
    return tuple(rows.name(i) for i in list(indices)[:MOST_EXAMPLES])
