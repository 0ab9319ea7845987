"""An audit in words: what was found in each part, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from textgraft.data.audit import Audit, Finding, Lengths, Level, Part
from textgraft.data.next_steps import EXPECTED, WANTED, Basis
from textgraft.errors import listed
from textgraft.labels import LIKENESSES, likeness, look_alike, told_apart
from textgraft.unicode import quoted
from textgraft.wording import counted, percent, percents_apart

MOST_LABELS = 20
UNBALANCED = 10
MANY_REPEATS = 0.01
MANY_CUT = 0.05


def findings(audit: Audit) -> list[Finding]:
    """All lines of an audit in reading order."""
    sections = (_rows, _labels, _lengths, _repeats, _leaks, _labelling, _test)
    return [finding for section in sections for finding in section(audit)]


def _each(audit: Audit, value: Callable[[Part], str]) -> tuple[str, ...]:
    return tuple(value(part) for part in audit.parts.values())


def _rows(audit: Audit) -> Iterator[Finding]:
    yield Finding("rows", "rows", _each(audit, lambda part: f"{part.rows:,}"))
    if audit.columns is not None:
        yield Finding("rows", "text", (" + ".join(audit.columns.text),))
        yield Finding("rows", "label", (f"{listed(audit.columns.label, 12)} ({audit.task.kind})",))
    if any(part.empty for part in audit.parts.values()):
        rows = [row for part in audit.parts.values() for row in part.empty_rows]
        total = sum(part.empty for part in audit.parts.values())
        advice = f"{counted(total, 'blank text')} ({_first(rows, total)}): fill in or take out."
        yield Finding("rows", "empty texts", _each(audit, lambda part: f"{part.empty:,}"), "warning", advice)


def _labels(audit: Audit) -> Iterator[Finding]:
    first = next(iter(audit.parts.values()))
    labels = sorted(audit.task.labels, key=lambda label: -first.labels[label])
    for label in labels[:MOST_LABELS]:
        counts = (f"{part.labels[label]:,} ({percent(part.shares[label])})" for part in audit.parts.values())
        yield Finding("labels", label, tuple(counts))
    if len(labels) > MOST_LABELS:
        yield Finding("labels", "more labels", (f"{len(labels) - MOST_LABELS:,}",))
    if audit.task.multi_label:
        yield Finding("labels", "labels per row", _each(audit, lambda part: f"{part.labels_per_row:.2f}"))
        shares = {name: percent(part.without_label / max(part.rows, 1)) for name, part in audit.parts.items()}
        without = (f"{part.without_label:,} ({shares[name]})" for name, part in audit.parts.items())
        yield Finding("labels", "rows without label", tuple(without))
    carried = [n for n in first.labels.values() if n]
    if not audit.task.multi_label and len(carried) < 2:
        advice = "All rows carry the same label; a classifier needs at least two labels to tell apart."
        yield Finding("labels", "one label only", (f"{len(carried)}",), "warning", advice)
    elif max(carried, default=0) > UNBALANCED * min(carried, default=1):
        advice = "The labels are unbalanced: judge by macro F1 rather than by accuracy, and consider class weights."
        ratio = f"{max(carried) / min(carried):,.0f} : 1"
        yield Finding("labels", "most to least frequent", (ratio,), "look", advice)
    yield from _few(audit)
    yield from _look_alikes(audit)


def _look_alikes(audit: Audit) -> Iterator[Finding]:
    groups = look_alike(audit.task.labels)
    if not groups:
        return
    rows = {label: sum(part.labels[label] for part in audit.parts.values()) for label in audit.task.labels}
    said = listed(
        (" and ".join(f"{told_apart(n, group)} ({counted(rows[n], 'row')})" for n in group) for group in groups), 5
    )
    means = [mean for mean in LIKENESSES if any(mean in likeness(group) for group in groups)]
    words = {"case": "case", "space": "blanks", "unicode": "Unicode form"}
    differ = " or ".join(words[mean] for mean in means)
    advice = (
        f"Labels that differ only in {differ} count as different: {said}. If they are one, say --merge-labels "
        f"{','.join(means)} (merge_labels={means})."
    )
    yield Finding("labels", "labels that look alike", (f"{len(groups):,}",), "look", advice)


def _few(audit: Audit) -> Iterator[Finding]:
    rare = {label: n for label, n in audit.rare.items() if n}
    if rare:
        names = listed((f"{quoted(label)} has {n}" for label, n in rare.items()), 5)
        advice = f"Rare labels can neither be learnt nor measured well ({names}): label more rows or merge them."
        yield Finding("labels", "rare labels", (f"{len(rare):,}",), "look", advice)
    for name, labels in audit.absent.items():
        why = "be learnt" if name in ("train", "all") else "be measured there"
        advice = f"Labels without a row in {name} cannot {why}: {listed(map(quoted, labels), 5)}."
        yield Finding("labels", f"labels missing from {name}", (f"{len(labels):,}",), "warning", advice)


def _lengths(audit: Audit) -> Iterator[Finding]:
    yield Finding("length", "characters", _each(audit, lambda part: _length(part.characters)))
    if any(part.tokens for part in audit.parts.values()):
        yield Finding("length", "tokens", _each(audit, lambda part: _length(part.tokens)))
    cuts = [part.cut for part in audit.parts.values() if part.cut is not None]
    if cuts:
        many = max(cuts) > MANY_CUT
        cut = percent(max(cuts))
        advice = f"{cut} of the texts are longer than the {audit.max_tokens:,} tokens the encoder reads: "
        advice += "--long window reads all of them."
        what = f"cut at {audit.max_tokens:,} tokens"
        values = _each(audit, lambda part: "" if part.cut is None else percent(part.cut))
        yield Finding("length", what, values, "look" if many else "fact", advice if many else "")


def _repeats(audit: Audit) -> Iterator[Finding]:
    yield Finding("repeats", "repeated texts", _each(audit, lambda part: f"{part.repeats.verbatim:,}"))
    folded = _each(audit, lambda part: f"{part.repeats.folded:,}")
    yield Finding("repeats", "repeated but for case, space, links, users", folded)
    near, rows = (sum(n) for n in zip(*((p.repeats.near, p.rows) for p in audit.parts.values()), strict=True))
    many = near > MANY_REPEATS * rows
    advice = f"{near:,} of {rows:,} rows repeat or nearly repeat another: repeated texts count more than others, so "
    advice += "consider keeping one of each. A split made here keeps them in one part."
    values = _each(audit, lambda part: f"{part.repeats.near:,}")
    yield Finding("repeats", "nearly repeated", values, "look" if many else "fact", advice if many else "")


def _leaks(audit: Audit) -> Iterator[Finding]:
    for overlap in audit.overlaps:
        value = f"{overlap.verbatim:,} verbatim, {overlap.folded:,} folded, {overlap.near:,} with near-duplicates"
        advice = f"{overlap}: numbers on {overlap.part} are flattered; --drop-leaks takes them out of {overlap.other}."
        yield Finding("leaks", f"{overlap.part} texts also in {overlap.other}", (value,), "warning", advice)


def _labelling(audit: Audit) -> Iterator[Finding]:
    conflicts = audit.conflicts
    advice = ""
    if conflicts.texts:
        example = conflicts.examples[0]
        advice = (
            f"{conflicts.rows:,} rows share {counted(conflicts.texts, 'text')} but not the labels (such as "
            f"{' and '.join(example.rows[:2])}): settle on one; no classifier can be right on "
            f"{conflicts.outvoted:,} of them."
        )
    level: Level = "warning" if conflicts.texts else "fact"
    yield Finding("labelling", "same text, different labels", (counted(conflicts.rows, "row"),), level, advice)
    suspects_first = sorted(audit.giveaways, key=lambda giveaway: not giveaway.flagged)
    for giveaway in suspects_first[:MOST_LABELS]:
        value = f"{counted(giveaway.rows, 'text')}, {percent(giveaway.share)} carry it (lift {giveaway.lift:.1f})"
        advice = (
            f"The word {quoted(giveaway.label)} stands in {counted(giveaway.rows, 'text')} and "
            f"{percent(giveaway.share)} of them carry that label: check that the label was not made from the word."
        )
        suspect: tuple[Level, str] = ("look", advice) if giveaway.flagged else ("fact", "")
        yield Finding("labelling", f"texts that say {quoted(giveaway.label)}", (value,), *suspect)
    if len(suspects_first) > MOST_LABELS:
        more = len(suspects_first) - MOST_LABELS
        yield Finding("labelling", "more labels that texts say", (f"{more:,}",))


def _test(audit: Audit) -> Iterator[Finding]:
    """Whether the rows that the numbers will rest on suffice."""
    from textgraft.evaluation.notes import RARE, SMALL

    basis = audit.basis
    if basis is None:
        return
    what, value = ("test rows", f"{basis.rows:,}")
    if basis.folds:
        what = "rows, cross-validated by compare"
    elif not basis.given:
        what, value = "test rows that compare holds out", f"about {basis.rows:,} ({percent(basis.share)})"
    if not basis.rows:
        advice = (
            "The table is too small to hold out test rows, since a row of each label stays in training: compare "
            "refuses it. Label more rows, or train without numbers on test data with --test-size 0."
        )
        yield Finding("test", what, (value,), "warning", advice)
        return
    level: Level = "warning" if basis.half > 2 * WANTED else "look" if basis.rows < SMALL else "fact"
    low, _, high = percents_apart(basis.low, EXPECTED, basis.high)
    width = f"from {low} to {high}"
    yield Finding("test", what, (value,), level, "" if level == "fact" else _too_small(basis, width))
    yield Finding("test", "an accuracy of 80% would be known", (width,))
    if basis.missing:
        advice = f"compare will recommend nothing: {basis.missing}. Label more texts."
        yield Finding("test", "too little for a recommendation", ("yes",), "warning", advice)
    yield from _few_to_measure(basis, RARE, alone=level != "warning")


def _few_to_measure(basis: Basis, least: int, *, alone: bool) -> Iterator[Finding]:
    """Labels with no or few of the rows that numbers rest on; ``alone``: the rows as such suffice."""
    few = {label: n for label, n in basis.labels.items() if 0 < n < least}
    none = [label for label, n in basis.labels.items() if not n] if not basis.given else []
    rows = "rows" if basis.folds else "test rows"
    if none:
        advice = (
            f"No row is left for test of {listed(map(quoted, none), 5)}, since training is served first: compare says "
            "nothing about how well they are told."
        )
        yield Finding("test", "labels without a test row", (f"{len(none):,}",), "warning", advice)
    if few and (alone or len(few) + len(none) < len(basis.labels)):  # else too few rows is all there is
        about = "" if basis.given or basis.folds else "about "
        names = listed((f"{quoted(label)} {n}" for label, n in few.items()), 5)
        advice = (
            f"Some labels are too small to be measured: their figures, and macro F1, will rest on fewer than {least} "
            f"{rows} each ({about}{names}). Label more rows of these first."
        )
        yield Finding("test", f"labels with fewer than {least} {rows}", (f"{len(few):,}",), "look", advice)


def _too_small(basis: Basis, width: str) -> str:
    points = f"± {100 * WANTED:.0f} points"
    enough = f"{basis.enough:,} rows give {points}"
    if basis.given:
        start = f"The test part has {counted(basis.rows, 'row')}"
        enough = f"{basis.enough:,} test rows give {points}"
    elif basis.folds:
        start = f"compare will cross-validate {counted(basis.rows, 'row')}"
    else:
        start = f"compare holds out about {counted(basis.rows, 'row')} once, and measures on these alone"
        rows = math.ceil(basis.enough / basis.share)
        enough = f"{basis.enough:,} test rows, {rows:,} rows in all, give {points}"
    return f"{start}: an accuracy of 80% would be known no better than {width}. Label more rows: {enough}."


def _length(lengths: Lengths | None) -> str:
    if lengths is None:
        return ""
    return f"median {lengths.median:,.0f}, 95 % {lengths.p95:,.0f}, longest {lengths.longest:,}"


def _first(rows: Sequence[str], total: int) -> str:
    """The first three names, and how many more of ``total`` there are."""
    return ", ".join(rows[:3]) + (f" and {total - 3:,} more" if total > 3 else "")
