"""Errors as sections: how many, where they are more frequent, what they have in common, and the worst ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textgraft.report.section import Report, Section
from textgraft.unicode import quoted
from textgraft.wording import counted, decimal, p_value, percent

Data = Mapping[str, Any]
"""Plain data, as ``to_dict`` of ``analysis.errors`` gives it."""

MOST_PHRASES, MOST_PAIRS = 15, 10
NO_LABEL = "(none)"


def errors_report(title: str, found: Data, *, most: int = 20, lowest: bool = False) -> Report:
    """The report on a model's errors.

    Args:
        title: which model, on which table.
        found: what was found, as plain data.
        most: how many rows to show.
        lowest: show the rows with the lowest losses too.
    """
    sections = [
        Section(sentences=(verdict(found),)),
        slices(found["slices"]),
        tags(found["tags"]),
        phrases(found["phrases"]),
        pairs(found["pairs"][:MOST_PAIRS]),
        worst("The highest losses", found["highest"], most),
        worst("The lowest losses", found["lowest"], most) if lowest else Section(),
        Section("Keep in mind", sentences=tuple(found["notes"])),
    ]
    return Report(title, tuple(section for section in sections if not section.is_empty))


def verdict(found: Data) -> str:
    """How many rows are wrong, and whether errors are more frequent anywhere."""
    rows, wrong, rate = found["rows"], found["wrong"], found["rate"]
    first = f"{wrong:,} of {counted(rows, 'row')} {'is' if wrong == 1 else 'are'} wrong, {_rate(rate)}."
    looked = found["slices"]
    if not looked["tried"]:
        return f"{first} There are too few rows to look for slices on which it is worse."
    n, tried = len(looked["found"]), counted(looked["tried"], "candidate")
    if not n:
        return f"{first} On none of {tried} it is measurably worse than elsewhere."
    return f"{first} On {counted(n, 'slice')} of {tried} it is measurably worse than elsewhere."


def slices(found: Data) -> Section:
    """Where errors are more frequent, the clearest first."""
    rows = tuple(
        (
            said_slice(each["conditions"]),
            f"{each['rows']:,}",
            _rate(each["rate"]),
            _rate(each["elsewhere"]),
            p_value(each["p_value"]),
        )
        for each in found["found"]
    )
    if not rows:
        return Section()
    columns = ("slice", "rows", "wrong", "elsewhere", "p")
    sentence = (
        f"p is corrected for all {found['tried']:,} candidates: where no slice is worse, one is found in 5 % of "
        "tables. The rate of the worst of many is rather too high."
    )
    return Section("Measurably worse", columns, rows, (sentence,), numbers=(1, 2, 3, 4))


def said_slice(conditions: Sequence[Data]) -> str:
    """``"source = web and length = long"``."""
    return " and ".join(f"{each['feature']} = {each['value']}" for each in conditions)


def tags(found: Sequence[Data]) -> Section:
    """How often rows with each tag are wrong."""
    rows = tuple(
        (each["name"], f"{each['rows']:,}", _rate(each["rate"]), _rate(each["elsewhere"]), each["meaning"])
        for each in found
    )
    columns = ("tag", "rows", "wrong", "elsewhere", "meaning")
    return Section("Tags (not tested)", columns, rows, numbers=(1, 2, 3)) if rows else Section()


def phrases(found: Data) -> Section:
    """Words that stand in errors more often than in other texts of the same label."""
    rows = tuple(
        (each["phrase"], f"{each['rows']:,}", _rate(each["rate"]), p_value(each["p_value"]))
        for each in found["found"][:MOST_PHRASES]
    )
    if not rows:
        return Section()
    sentence = f"Among texts of the same label; p is corrected for all {found['tried']:,} words and pairs of words."
    return Section("Typical of errors", ("phrase", "texts", "wrong", "p"), rows, (sentence,), numbers=(1, 2, 3))


def pairs(found: Sequence[Data]) -> Section:
    """Texts that differ in one word and in their answer."""
    rows = []
    for each in found:
        words = tuple(quoted(each[name]) if each[name] else "nothing" for name in ("word", "other"))
        answers = tuple(_marked(each[name]) for name in ("first", "second"))
        rows.append((words[0], answers[0], words[1], answers[1], each["first"]["text"]))
    columns = ("with", "predicted", "with", "predicted", "text")
    return Section("One word changes the answer", columns, tuple(rows)) if rows else Section()


def worst(title: str, found: Sequence[Data], most: int) -> Section:
    """Rows with their losses, and the nearest training text of each."""
    rows = found[:most]
    if not rows:
        return Section()
    near = any(row["nearest"] for row in rows)
    files = {row["file"] for row in rows}
    cells = []
    for row in rows:
        number = str(row["number"]) if len(files) == 1 and row["number"] else f"{row['file']} {row['number'] or ''}"
        nearest = row["nearest"][0] if row["nearest"] else None
        said = (
            "" if nearest is None else f"{_names(nearest['labels'])} ({nearest['similarity']:.2f}): {nearest['text']}"
        )
        predicted = f"{_names(row['predicted'])}{_chance(row)}"
        cells.append(
            (
                number,
                f"{row['loss']:.2f}",
                _names(row["given"]),
                predicted,
                ", ".join(row["tags"]),
                *([said] if near else []),
                row["text"],
            )
        )
    columns = ("row", "loss", "label", "predicted", "tags", *(["nearest training text"] if near else []), "text")
    return Section(title, columns, tuple(cells), numbers=(1,))


def _chance(row: Data) -> str:
    return f" {decimal(row['probabilities'][row['predicted'][0]])}" if len(row["predicted"]) == 1 else ""


def _marked(row: Data) -> str:
    return f"{_names(row['predicted'])}{' (wrong)' if row['wrong'] else ''}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or NO_LABEL


def _rate(figures: Data) -> str:
    if figures["value"] is None:
        return "–"
    return f"{percent(figures['value'])} [{percent(figures['low'])}, {percent(figures['high'])}]"
