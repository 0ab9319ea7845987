"""The best classifier that a time allows: a race of candidates, and the choice refitted to all training rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from textgraft.artifact import save
from textgraft.data.folds import make_folds, what_is_missing
from textgraft.dataset import Dataset, Splits
from textgraft.digests import text_digest
from textgraft.errors import SettingError, TextgraftError
from textgraft.evaluation import Entry, Evaluation, Metric, cross_fitted
from textgraft.evaluation.evaluation import metric_interval
from textgraft.evaluation.inputs import Predictions
from textgraft.ladder.candidates import Candidate, candidates_of
from textgraft.ladder.clock import Clock
from textgraft.ladder.contenders import Contender, merit, ranked
from textgraft.ladder.cross_validating import evaluate_out_of_fold
from textgraft.ladder.dealing import Deal
from textgraft.ladder.evaluating import check_size, evaluate_on, predictions_of
from textgraft.ladder.racing import Race
from textgraft.ladder.run_directory import RunDirectory
from textgraft.ladder.search_results import Search, Tried
from textgraft.ladder.working import TooLongError, Worker, unfitted
from textgraft.methods import StackedClassifier, TextClassifier
from textgraft.methods.constraints import TimeSpan, refuse, seconds
from textgraft.methods.weights import with_weights
from textgraft.model_directory.files import check_place
from textgraft.progress import say, track
from textgraft.wording import counted, duration

FOLDS = 5
SHARE_ASIDE, SECONDS_ASIDE = 0.03, 2.0  # of the budget and beside it, for saving and for what was not foreseen
ADVICE = "Give a longer --budget (budget=), or fewer rows."
_RESAMPLES = 300  # for an interval that is shown on the way


def search(
    splits: Splits,
    budget: float | str,
    *,
    methods: Sequence[str | TextClassifier] | None = None,
    settings: Mapping[str, Any] | None = None,
    directory: str | Path | None = None,
    memory: str | Path | None = None,
    resume: bool = False,
    metric: Any = None,
    seed: int = 0,
    clock: Clock | None = None,
) -> Search:
    """Finds the classifier with the best out-of-fold metric that there is time for, and fits it to the training part.

    Candidates race on the same five folds of the training part; the test part has no say in it. What to expect of the
    choice is measured on the test part or, where there is none, with the choice made anew for each fold without it.
    Nothing is begun that is not predicted to end in time with all that must follow. ``KeyboardInterrupt`` ends the race
    early, with the best so far; another one is raised.

    Args:
        splits: what ``data.dividing.divide`` gives. The validation part, if there is one, is for choices that methods
            make; folds are taken where it has some.
        budget: seconds, or ``"90s"``, ``"10m"``, ``"1h"``, of all; what an earlier search took counts in that is gone
            on with.
        methods: only these: by their names, with variants of each, or as classifiers, as they are. None are all that
            can be trained here. Stacks of them come by themselves.
        settings: hyperparameters by name, which hold for every candidate that has them.
        directory: where to save the model; None saves none.
        memory: a folder for what is measured, with which a later search can go on; None keeps nothing.
        resume: go on with what is in ``memory``.
        metric: the one that matters, in any form that the hyperparameter takes.
        seed: of folds, candidates and tests.
        clock: of the time that is spent already; None begins now.

    Raises:
        ArtifactError: the model cannot be saved, or the memory cannot be read.
        DataError: no folds can be made of the rows.
        SettingError: the budget is too short for anything, the memory is of another search, or an unknown option.
    """
    clock = clock or Clock()
    refuse(TimeSpan().faults("budget", budget))
    if directory is not None:
        check_place(Path(directory))
    if splits.test is not None:
        check_size(len(splits.test), len(splits.task))
    splits = replace(splits, train=_counting(splits.train))
    main = Metric.read(metric, splits.task)
    given, span = {"seed": seed, **(settings or {})}, seconds(budget)
    candidates, lacking = candidates_of(splits.train, budget=span, metric=main, methods=methods, settings=given)
    deal = Deal(splits.train, splits.folds or make_folds(splits.train, most=FOLDS, seed=seed), seed)
    known = RunDirectory(Path(memory) if memory else None, _identity(splits, deal, main, given), resume=resume)
    known.forget_cut(span)
    test_rows = 0 if splits.test is None else len(splits.test)
    race = Race(candidates, splits.train, deal, known.outcomes, main, seed=seed, test_rows=test_rows)
    for sentence in lacking:
        say(sentence)
    return _Run(splits, race, known, span, clock).finish(directory)


def _counting(data: Dataset) -> Dataset:
    """The rows that count: those of a weight of 0 are as if they were not there."""
    return data if data.weights is None or data.weights.all() else with_weights(data.select(data.weights > 0), None)


def _identity(splits: Splits, deal: Deal, metric: Metric, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What outcomes depend on, besides their candidates."""
    return {
        "training data": splits.train.fingerprint,
        "validation data": None if splits.valid is None else splits.valid.fingerprint,
        "labels": text_digest("\n".join(splits.task.labels)).hex(),
        "metric": metric.plain(),
        "folds": text_digest(deal.fold.tobytes().hex()).hex(),
        "settings": {name: repr(value) for name, value in sorted(settings.items())},
    }


class _Run:
    """One search at work.

    Args:
        splits: what is learnt from and tested on.
        race: where it stands.
        known: what was done already, and where to keep what is done.
        budget: seconds, with those of ``known``.
        clock: of this search.
    """

    def __init__(self, splits: Splits, race: Race, known: RunDirectory, budget: float, clock: Clock) -> None:
        self.splits, self.race, self.known, self.budget = splits, race, known, budget
        self.clock, self.before = clock, known.spent
        self.metric, self.seed, self.deal = race.metric, race.seed, race.deal
        self.candidates = {each.name: each for each in race.candidates}
        self.first = race.candidates[0]
        self.failed: dict[str, TextgraftError] = {}

    @property
    def spent(self) -> float:
        """Seconds, with those of the searches that this one goes on with."""
        return self.before + self.clock.seconds()

    @property
    def left(self) -> float:
        """Seconds for trying and refitting."""
        return self.budget * (1 - SHARE_ASIDE) - SECONDS_ASIDE - self.spent

    def finish(self, directory: str | Path | None) -> Search:
        """The race, the refit and the figures."""
        stopped = False
        try:
            for _ in track(self._steps(), "searching", self.budget, lambda step: step[0], lambda step: step[1]):
                pass
        except KeyboardInterrupt:
            if self.race.standing.best is None:
                raise
            stopped = True
            say("Stopping early: the best so far is fitted to all training rows. Ctrl-C once more stops at once.")
        best = self.race.standing.best
        if best is None:
            self.known.discard()
            raise next(iter(self.failed.values()), SettingError(self._too_short(self.first)))
        start = self.clock.seconds()
        model = self._refitted(best)
        taken = self.clock.seconds() - start
        test = self.splits.test
        predictions = None if test is None else predictions_of(model, test)
        evaluation, choices = self._expected(model, best, predictions)
        if directory is not None:
            save(model, directory, evaluation=evaluation.to_dict() | {"leaks": list(self.splits.leaks)})
        return Search(
            name=best.name,
            model=model,
            splits=self.splits,
            tried=tuple(self._tried()),
            metric=str(self.metric),
            called=self.metric.called,
            chosen_on=f"{counted(best.predictions.rows, 'training row')} out of fold",
            evaluation=evaluation,
            predictions=predictions,
            choices=choices,
            missing=what_is_missing(self.splits.train),
            budget=self.budget,
            seconds=self.spent,
            refit_seconds=taken,
            stopped=stopped,
        )

    def _steps(self) -> Iterator[tuple[float, str]]:
        """Does one piece of work after the other; before each, the seconds since the last, and a text to be shown."""
        worker = Worker(self.splits, self.deal, self.clock)
        shown, best = 0.0, ""
        while (step := self.race.next(self.left)) is not None:
            unit, candidate = step.unit, self.candidates[step.unit.candidate]
            what = f"{unit.candidate}, {unit.rows:,} rows, fold {unit.fold + 1} of {self.deal.k}"
            left = duration(max(0.0, self.budget - self.spent))
            yield self.spent - shown, f"{what}; {best + '; ' if best else ''}{left} left"
            shown = self.spent
            try:
                outcome = worker.done(candidate, unit, step, self.before)
            except TooLongError as error:
                self.race.drop(candidate, f"not begun: {error}")
                continue
            except TextgraftError as error:
                self.failed[unit.candidate] = error
                self.race.drop(candidate, f"failed: {error}")
                continue
            outcome = replace(outcome, cut_by=self.budget * step.cut)
            self.known.keep(unit, outcome, candidate.settings())
            self.race.add(unit, outcome)
            earlier, best = best, self._best_so_far()
            if best != earlier:
                say(f"{best[0].upper()}{best[1:]}; {duration(max(0.0, self.budget - self.spent))} left.")

    def _best_so_far(self) -> str:
        best = self.race.standing.best
        if best is None:
            return ""
        rows = counted(best.predictions.rows, "row")
        return f"best so far {best.name}, {self.metric.called} {self._value(best)} on {rows} out of fold"

    def _value(self, contender: Contender) -> Any:
        return metric_interval(contender.predictions, self.metric, seed=self.seed, resamples=_RESAMPLES)

    def _refitted(self, best: Contender) -> TextClassifier:
        """The choice, fitted to all training rows; a stack is weighed by what its members predicted out of fold."""
        train, valid, standing = self.splits.train, self.splits.valid, self.race.standing
        others = {each.name: [other for other in best.members if other is not each] for each in best.members}
        members = [unfitted(each, self.left - self.race.ending(others[each.name])) for each in best.members]
        if len(members) == 1:
            return members[0].fit(train, valid=valid)
        stack = StackedClassifier(members, metric=best.members[0].model.metric)
        alone = [self.race.contender((each,), standing.folds, standing.rows) for each in best.members]
        known = [each.predictions.probabilities for each in alone]
        return stack.weighed_by(standing.rows.at, known).fit(train, valid=valid)

    def _expected(
        self, model: TextClassifier, best: Contender, tested: Predictions | None
    ) -> tuple[Evaluation, dict[str, int]]:
        """What to expect of the choice, and how often it was made without each part of the rows."""
        if self.splits.test is not None and tested is not None:
            return evaluate_on(model, self.splits.test, tested, self.seed), {}
        standing = self.race.standing
        rows, predictions, choices = standing.rows, best.predictions, dict[str, int]()
        among = standing.everyone if standing.folds == 1 else standing.contenders
        if len(among) > 1:
            entries = [Entry(each.name, each.rung, each.predictions) for each in among]
            predictions, choices = cross_fitted(entries, rows.part[None], lambda some: _best_of(some, self.metric))
        return evaluate_out_of_fold(predictions, rows.data, self.seed, self.metric), choices

    def _tried(self) -> Iterator[Tried]:
        """The choice, the others that stand, and then the rest, the best of it first."""
        standing, fates = self.race.standing, self.race.fates()
        others = [each for each in ranked(standing.everyone) if each.name in standing.fates]
        for contender in (*standing.contenders, *others):
            stands = "chosen" if contender is standing.best else "not measurably worse"
            yield self._row(contender.name, contender, standing.fates.get(contender.name, stands))
        scored = {each.name for each in (*standing.contenders, *others)}
        for name in self.candidates:
            if name not in scored:
                yield self._row(name, None, fates.get(name, "stopped before its end"))

    def _row(self, name: str, contender: Contender | None, fate: str) -> Tried:
        done = {unit: outcome for unit, outcome in self.race.outcomes.items() if unit.candidate == name}
        rows = max((unit.rows for unit in done), default=0)
        folds, value = sum(unit.rows == rows for unit in done), None
        settings = self.candidates[name].settings() if name in self.candidates else {}
        if contender is not None:
            value = self._value(contender)
            rows, folds = self.deal.full, max(folds, len(np.unique(contender.folds)))
        return Tried(name, settings, rows, folds, value, sum(each.seconds for each in done.values()), fate)

    def _too_short(self, first: Candidate) -> str:
        """What the cheapest candidate needs; where even its first rows were too many, what is known of them."""
        about = f"A budget of {self.budget:g} s is too short for anything on {counted(len(self.splits.train), 'row')}"
        if first.name in self.race.dropped:
            return f"{about}: {first.name}, the cheapest, was {self.race.dropped[first.name]}. {ADVICE}"
        needed = (self.spent + self.race.whole(first) + SECONDS_ASIDE) / (1 - SHARE_ASIDE)
        return (
            f"{about}: {first.name}, the cheapest, needs about {math.ceil(needed):,} s with all that follows. {ADVICE}"
        )


def _best_of(entries: Sequence[Entry], metric: Metric) -> str:
    """The name of the best by the metric; of equal ones by log loss."""
    return max(entries, key=lambda each: (*merit(each.predictions, metric), -each.rung)).name
