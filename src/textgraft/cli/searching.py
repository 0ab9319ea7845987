"""What ``train --method auto`` and ``compare --budget`` share: a search within a time, shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textgraft.cli.options import MethodOptions, SplitOptions, TableOptions
from textgraft.errors import SettingError

if TYPE_CHECKING:
    from textgraft.ladder import Search
    from textgraft.ladder.clock import Clock


def searched(
    source: str,
    reading: TableOptions,
    dividing: SplitOptions,
    tuning: MethodOptions,
    *,
    methods: Sequence[str] | None,
    out: Path | None,
    resume: bool,
    clock: Clock,
) -> Search:
    """Searches among methods, all where none are named, with the budget and the other hyperparameters of ``tuning``."""
    from textgraft.ladder import search
    from textgraft.ladder.searching import FOLDS
    from textgraft.methods.constraints import TimeSpan, refuse

    if "budget" not in tuning.given:
        raise SettingError("--method auto needs the time that it may take: --budget 10m.")
    given = dict(tuning.given)
    budget, metric = given.pop("budget"), given.pop("metric", None)
    refuse(TimeSpan().faults("budget", budget))  # before a table is read
    splits = dividing.read(source, reading, most_folds=FOLDS)
    return search(
        splits,
        budget,
        methods=methods,
        settings=given,
        directory=out,
        memory=None if out is None else Path(f"{out.absolute()}.search"),
        resume=resume,
        metric=metric,
        seed=dividing.seed,
        clock=clock,
    )
