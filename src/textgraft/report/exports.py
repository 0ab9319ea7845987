"""The attempts of an export as a section: how each one answered beside the model, and whether it was taken."""

from __future__ import annotations

from collections.abc import Sequence

from textgraft.evaluation.names import metric_name
from textgraft.evaluation.parity import Attempt
from textgraft.report.section import Section
from textgraft.wording import decimal, megabytes, percent


def attempts_section(attempts: Sequence[Attempt], use: str) -> Section:
    """A row per recipe that was tried, and a sentence on how to use what was taken."""
    metric = next((attempt.parity.metric for attempt in attempts if attempt.parity), "metric")
    columns = (
        "recipe", "largest difference", "equal labels", metric_name(metric), "change", "size", "texts/s", "verdict"
    )  # fmt: skip
    rows = tuple((attempt.recipe, *_figures(attempt), attempt.fault or "taken") for attempt in attempts)
    return Section("", columns, rows, (use,), numbers=tuple(range(1, 7)))


def _figures(attempt: Attempt) -> tuple[str, ...]:
    parity = attempt.parity
    if parity is None:
        return ("",) * 6
    metric = "–" if parity.before is None else decimal(parity.before.value)
    if parity.after is not None:
        metric += f" → {decimal(parity.after.value)}"
    return (
        f"{parity.largest_difference:.4f}",
        percent(parity.equal_labels),
        metric,
        "" if parity.change is None else str(parity.change),
        megabytes(attempt.size),
        f"{parity.speed_before:,.0f} → {parity.speed_after:,.0f}",
    )
