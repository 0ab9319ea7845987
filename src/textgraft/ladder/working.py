"""Doing a piece of work of a search: a candidate trained on some rows, and what it predicts of others."""

from __future__ import annotations

from contextlib import nullcontext, suppress

import numpy as np

from textgraft.dataset import Dataset, Splits
from textgraft.encoders.vector_store import without_cache
from textgraft.errors import TextgraftError
from textgraft.ladder.candidates import Candidate
from textgraft.ladder.clock import Clock
from textgraft.ladder.dealing import FIRST_LEVEL, Deal
from textgraft.ladder.run_directory import Outcome, Unit
from textgraft.methods import TextClassifier

_WARMING = 50  # rows on which a method is first tried in a process, so that loading libraries is not taken for training
_WARMING_SECONDS = 1.0


class Worker:
    """Trains candidates and measures how long that takes.

    Args:
        splits: of which the training part is dealt.
        deal: of its rows.
        clock: that it is measured with.
    """

    def __init__(self, splits: Splits, deal: Deal, clock: Clock) -> None:
        self._splits, self._deal, self._clock = splits, deal, clock
        self._warm: set[str] = set()

    def done(self, candidate: Candidate, unit: Unit, seconds: float | None, before: float) -> Outcome:
        """The outcome of a piece of work.

        Args:
            candidate: to train.
            unit: on which rows.
            seconds: that it may take, of a training that can be told to end in time.
            before: seconds that the search had taken when the clock began.
        """
        train, scored = self._splits.train, self._deal.scored(unit.fold, unit.rows)
        data = train.select(self._deal.trained(unit.fold, unit.rows))
        self._warm_up(candidate, data)
        start = self._clock.seconds()
        # The first rows say how long others will take, so nothing may be on disk already.
        with without_cache() if unit.rows == FIRST_LEVEL < self._deal.full else nullcontext():
            model = unfitted(candidate, seconds).fit(data, valid=self._splits.valid)
            middle = self._clock.seconds()
            p = model.predict_proba([train.texts[i] for i in scored.tolist()])
        end = self._clock.seconds()
        return Outcome(p, model.decision.targets(p, train.task), middle - start, end - middle, before + end)

    def _warm_up(self, candidate: Candidate, data: Dataset) -> None:
        if candidate.method in self._warm:
            return
        self._warm.add(candidate.method)
        few = np.unique(np.linspace(0, len(data) - 1, _WARMING).astype(np.int64))
        with suppress(TextgraftError), without_cache():  # of so few rows there may be none of a label
            unfitted(candidate, _WARMING_SECONDS).fit(data.select(few)).predict_proba(data.texts[:1])


def unfitted(candidate: Candidate, seconds: float | None) -> TextClassifier:
    """A classifier to be fitted within some seconds, if it can be told to."""
    model = candidate.model.twin()
    if candidate.keeps_time and seconds is not None:
        model.set_params(budget=max(seconds, 1e-3))
    return model
