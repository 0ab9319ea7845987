"""Doing a piece of work of a search: a candidate trained on some rows, and what it predicts of others."""

from __future__ import annotations

from contextlib import nullcontext, suppress

import numpy as np

from textgraft.dataset import Dataset, Splits
from textgraft.encoders.vector_store import without_cache
from textgraft.errors import TextgraftError
from textgraft.ladder.candidates import Candidate
from textgraft.ladder.clock import Clock
from textgraft.ladder.dealing import FIRST_LEVEL, WARMING, Deal
from textgraft.ladder.racing import Step
from textgraft.ladder.run_directory import Outcome, Unit
from textgraft.methods import TextClassifier
from textgraft.wording import counted

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
        self._read: set[tuple[str, int]] = set()

    def done(self, candidate: Candidate, unit: Unit, step: Step, before: float) -> Outcome:
        """The outcome of a piece of work.

        Args:
            candidate: to train.
            unit: on which rows.
            step: how long it may take.
            before: seconds that the search had taken when the clock began.

        Raises:
            TooLongError: nothing was known of it, and the first few rows say that it would take longer than it may.
            TextgraftError: its training fails.
        """
        train, scored = self._splits.train, self._deal.scored(unit.fold, unit.rows)
        data = train.select(self._deal.trained(unit.fold, unit.rows))
        model, texts, begun = unfitted(candidate, step.seconds), train.texts, self._clock.seconds()
        if not candidate.is_variant and candidate.name not in self._warm:
            self._warm.add(candidate.name)
            self._few(candidate, data)
        few = 0.0
        if step.most is not None:
            if model.reads:  # what a trial reads serves all that follows, so all of it counts
                with without_cache(keep=True):
                    wanted = self._reading(model, texts[:WARMING]) * len(train) / WARMING
                self._check(step.most, begun, f"reading {counted(len(train), 'text')}", wanted)
            few = self._few(candidate, data)
            if not model.reads:
                wanted = few * candidate.work(len(data)) / candidate.work(WARMING)
                self._check(step.most, begun, counted(len(data), "row"), wanted)
        reading = 0.0
        if model.reads and (candidate.name, unit.rows) not in self._read:
            self._read.add((candidate.name, unit.rows))
            # The first rows say how long others will take, so nothing may be on disk already.
            with without_cache(keep=True) if unit.rows == FIRST_LEVEL < self._deal.full else nullcontext():
                reading = self._reading(model, [texts[i] for i in self._deal.read(unit.fold, unit.rows).tolist()])
        start = self._clock.seconds()
        model.fit(data, valid=self._splits.valid)
        middle = self._clock.seconds()
        p = model.predict_proba([texts[i] for i in scored.tolist()])
        end = self._clock.seconds()
        predicted = model.decision.targets(p, train.task)
        return Outcome(p, predicted, reading, middle - start, end - middle, before + end, few)

    def _check(self, most: float, begun: float, what: str, wanted: float) -> None:
        """Raises TooLongError where there are more seconds to come than ``most`` allows."""
        if self._clock.seconds() - begun + wanted > most:
            raise TooLongError(f"{what} alone would take about {wanted:,.0f} s")

    def _few(self, candidate: Candidate, data: Dataset) -> float:
        """Seconds for a few rows; for the first ones of a candidate libraries are loaded."""
        few = data.select(np.unique(np.linspace(0, len(data) - 1, WARMING).astype(np.int64)))
        model = unfitted(candidate, _WARMING_SECONDS)
        model.read(few.texts[:1])  # opening what reads them is no part of what grows with rows
        start = self._clock.seconds()
        with suppress(TextgraftError):  # of so few rows there may be none of a label
            model.fit(few).predict_proba(few.texts[:1])
        return self._clock.seconds() - start

    def _reading(self, model: TextClassifier, texts: list[str]) -> float:
        """Seconds for reading texts beforehand, without those that it takes to open what reads them."""
        model.read(texts[:1])
        start = self._clock.seconds()
        model.read(texts)
        return self._clock.seconds() - start


class TooLongError(TextgraftError):
    """There is no time for a piece of work."""


def unfitted(candidate: Candidate, seconds: float | None) -> TextClassifier:
    """A classifier to be fitted within some seconds, if it can be told to."""
    model = candidate.model.twin()
    if candidate.keeps_time and seconds is not None:
        model.set_params(budget=max(seconds, 1e-3))
    return model
