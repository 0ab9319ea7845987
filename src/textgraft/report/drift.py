"""What has changed in new texts, as a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from textgraft.errors import listed
from textgraft.report.section import Report, Section
from textgraft.wording import counted, decimal, p_value, percent

Data = Mapping[str, Any]
"""Plain data, as ``to_dict`` of ``analysis.drift.Drift`` gives it."""

LEVEL = 0.01  # of what is said of the accuracy


def drift_report(title: str, found: Data) -> Report:
    """The conclusion, a table of the quantities, and the accuracy where there are labels."""
    return Report(title, (Section(sentences=(conclusion(found),)), quantities(found), accuracy(found["accuracy"])))


def conclusion(found: Data) -> str:
    """What has changed, or that nothing is found."""
    names = [each["quantity"] for each in found["quantities"]]
    tested = (
        f"{counted(len(names), 'test')}, corrected by Holm's procedure; where nothing has changed, a change is found "
        f"in at most {100 * found['false_alarms']:g} % of such tables"
    )
    if not found["changed"]:
        return (
            f"No change is found: {counted(found['looked_at'], 'text')} are like {found['against']} in "
            f"{listed(names, 9)} ({tested})."
        )
    by_name = {each["quantity"]: each for each in found["quantities"]}
    parts = [f"{name} ({_moved(by_name[name])}; p {_p(by_name[name]['corrected'])})" for name in found["changed"]]
    return (
        f"Changed in {counted(found['looked_at'], 'text')}, compared with {found['against']}: {listed(parts, 9)} "
        f"({tested})."
    )


def quantities(found: Data) -> Section:
    """A row for each quantity."""
    rows = tuple(
        (
            each["quantity"],
            "yes" if each["changed"] else "no",
            percent(each["distance"]),
            p_value(each["corrected"]),
            each["moved"]["what"],
            percent(each["moved"]["before"]),
            percent(each["moved"]["now"]),
        )
        for each in found["quantities"]
    )
    columns = ("quantity", "changed", "texts moved", "p", "what gained most", "then", "now")
    return Section("What has changed", columns, rows, tuple(_remarks(found)), numbers=(2, 3, 5, 6))


def accuracy(found: Data | None) -> Section:
    """How many answers are right, and how many should be."""
    if found is None:
        return Section()
    says = f"{decimal(found['found'])} of {counted(found['rows'], 'row')} with labels are answered rightly"
    promised, p = decimal(found["expected"]), f"p {_p(found['p_value'])}"
    if found["p_value"] > LEVEL:
        return Section("Accuracy", sentences=(f"{says}, as their confidences promise ({promised}; {p}).",))
    side = "fewer" if found["found"] < found["expected"] else "more"
    return Section("Accuracy", sentences=(f"{says}, {side} than the {promised} that their confidences promise ({p}).",))


def _remarks(found: Data) -> Iterator[str]:
    of = max((each["of_sketch"] for each in found["quantities"]), default=0)
    yield (
        "Texts moved is the share that would have to be others for both to be alike (total variation); below 5 % no "
        f"change is named. Both are samples, which the tests count; there are up to {of:,} rows of {found['against']}."
    )
    if found["looked_at"] < found["rows"]:
        yield f"Of {found['rows']:,} rows {found['looked_at']:,}, evenly drawn, were looked at."
    if found["repeated"]:
        yield (
            f"{counted(found['repeated'], 'row')} repeat a text that is more than 0.5 % of all; such a text counts "
            "once, so that one that is sent again and again is no change of all."
        )
    yield from found["notes"]


def _moved(each: Data) -> str:
    moved = each["moved"]
    return f"{moved['what']}: {percent(moved['before'])} then, {percent(moved['now'])} now"


def _p(value: float) -> str:
    shown = p_value(value)
    return shown if shown.startswith("<") else f"= {shown}"
