"""Which piece of work comes next: a race whose state is nothing but what was done already, and the time that is left.

Successive halving (Jamieson and Talwalkar, AISTATS 2016; Hyperband: Li et al., JMLR 2018), with two limits: fewer rows
only tell variants of one method apart, since methods gain differently by rows; and across methods a paired test on the
same rows decides, not the rank alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from textgraft.dataset import Dataset
from textgraft.evaluation import Metric
from textgraft.ladder.candidates import Candidate
from textgraft.ladder.contenders import Contender, Rows, is_worse, ranked, stackable
from textgraft.ladder.dealing import FIRST_LEVEL, Deal
from textgraft.ladder.durations import Durations
from textgraft.ladder.run_directory import Outcome, Unit

MOST_FINALISTS = 4
SHARE_OF_TRIAL = 0.1  # of the time that is left, for a training on few rows of which nothing remains
LEAST_SHARE = 0.25  # of a training, for it to be worth beginning

Wanted = tuple[Unit, float]  # a piece of work, and the seconds to be left after it


@dataclass(frozen=True)
class Step:
    """What comes next.

    Attributes:
        unit: a piece of work.
        seconds: after which its training ends, of one that can be told to.
        cut: whether that is less than all of it is predicted to take.
        most: seconds that it may take, where nothing is known of it yet.
    """

    unit: Unit
    seconds: float | None = None
    most: float | None = None
    cut: bool = False


@dataclass(frozen=True, eq=False)
class Standing:
    """Who is in the race.

    Attributes:
        contenders: the best first; none before anything was done at full size.
        folds: how many all of them have.
        rows: those of these folds.
        everyone: on the first fold, those that have left too.
        fates: why these left, by name.
    """

    contenders: list[Contender]
    folds: int
    rows: Rows
    everyone: list[Contender]
    fates: dict[str, str]

    @property
    def best(self) -> Contender | None:
        """The one that would be chosen now."""
        return self.contenders[0] if self.contenders else None


class Race:
    """Where a search stands.

    Args:
        candidates: the cheapest first.
        data: the training part.
        deal: of its rows.
        outcomes: of what was done.
        metric: the one that matters.
        seed: of tests.
        test_rows: of the test part, that is predicted at the end.
    """

    candidates: list[Candidate]
    data: Dataset
    deal: Deal
    metric: Metric
    seed: int
    outcomes: dict[Unit, Outcome]
    test_rows: int
    durations: Durations

    def __init__(
        self,
        candidates: Sequence[Candidate],
        data: Dataset,
        deal: Deal,
        outcomes: Mapping[Unit, Outcome],
        metric: Metric,
        *,
        seed: int = 0,
        test_rows: int = 0,
    ) -> None:
        self.candidates, self.data, self.deal, self.metric, self.seed = list(candidates), data, deal, metric, seed
        self.outcomes, self.test_rows = dict(outcomes), test_rows
        self.durations = Durations(deal, self.outcomes, candidates)
        self.not_begun: dict[str, str] = {}
        self.dropped: dict[str, str] = {}
        self._by_name = {each.name: each for each in candidates}
        self._standing: Standing | None = None
        self._known: dict[tuple[tuple[str, ...], int, int | None], Contender] = {}
        self._worse: dict[tuple[str, str, int], bool] = {}

    # What is known.

    def done(self, candidate: Candidate, fold: int, rows: int | None = None) -> Outcome | None:
        """The outcome of a candidate, at full size where nothing else is said."""
        return self.outcomes.get(Unit(candidate.name, fold, self.deal.full if rows is None else rows))

    def rows_of(self, folds: int, level: int | None = None) -> Rows:
        """The rows that are scored in the first so many folds."""
        scored = [self.deal.scored(fold, self.deal.full if level is None else level) for fold in range(folds)]
        at = np.concatenate(scored)
        return Rows(self.data, at, self.deal.fold[at], self.metric)

    def contender(self, members: Sequence[Candidate], folds: int, rows: Rows, level: int | None = None) -> Contender:
        """A candidate, or a stack of several, by what was done in the first so many folds."""
        key = (tuple(each.name for each in members), folds, level)
        if key not in self._known:
            if len(members) > 1:
                found = rows.stack([self.contender((each,), folds, rows, level) for each in members])
            else:
                outcomes = [self.done(members[0], fold, level) for fold in range(folds)]
                found = rows.one(members[0], [outcome for outcome in outcomes if outcome is not None])
            self._known[key] = found
        return self._known[key]

    def add(self, unit: Unit, outcome: Outcome) -> None:
        """Takes in what was done."""
        self.outcomes[unit] = outcome
        self.not_begun.pop(unit.candidate, None)
        if unit.rows == self.deal.full:
            self._standing = None

    def named(self, name: str) -> Candidate:
        """The candidate of a name."""
        return self._by_name[name]

    def _any(self, candidate: Candidate) -> bool:
        """Whether anything was done of a candidate."""
        return any(unit.candidate == candidate.name for unit in self.outcomes)

    def drop(self, candidate: Candidate, why: str) -> None:
        """Takes a candidate out of the race."""
        self.candidates.remove(candidate)
        self.dropped[candidate.name] = why
        self._standing = None

    @property
    def standing(self) -> Standing:
        """The contenders still in the race.

        After each fold that all of them have, those that are measurably worse than the best leave.
        """
        if self._standing is not None:
            return self._standing
        folds, rows, fates = 1, self.rows_of(1), dict[str, str]()
        alone = [self.contender((each,), 1, rows) for each in self.candidates if self.done(each, 0) is not None]
        members = [tuple(each.members[0] for each in some) for some in stackable(alone)]
        everyone = contenders = [*alone, *(self.contender(each, 1, rows) for each in members)]
        while contenders:
            contenders, left = self._still_standing(contenders, folds)
            fates |= left
            if folds == self.deal.k or any(self.done(each, folds) is None for each in self.members(contenders)):
                break
            folds += 1
            rows = self.rows_of(folds)
            contenders = [self.contender(each.members, folds, rows) for each in contenders]
        self._standing = Standing(contenders, folds, rows, everyone, fates)
        return self._standing

    def _still_standing(self, contenders: Sequence[Contender], folds: int) -> tuple[list[Contender], dict[str, str]]:
        """Those that cannot be told from the best, four at most, the best first; and why the others are not."""
        best, *others = ranked(contenders)
        standing, fates = [best], {}
        for each in others:
            key = (each.name, best.name, folds)
            if key not in self._worse:
                self._worse[key] = is_worse(each, best, self.metric, self.seed)
            if self._worse[key]:
                fates[each.name] = f"measurably worse than {best.name}"
            elif len(standing) == MOST_FINALISTS:
                fates[each.name] = f"not among the best {MOST_FINALISTS}"
            else:
                standing.append(each)
        return standing, fates

    @staticmethod
    def members(contenders: Sequence[Contender]) -> list[Candidate]:
        """All candidates that contenders are made of, the cheapest first."""
        found = {member.name: member for each in contenders for member in each.members}
        return sorted(found.values(), key=lambda each: each.model.rung)

    # What comes next.

    def next(self, left: float) -> Step | None:
        """The next piece of work that is predicted to end in ``left`` seconds with all that follows; else None."""
        for wave in (self._usual_ones(), self._variants(), self._folds()):
            for unit, after in wave:
                if (step := self._in_time(unit, left, after)) is not None:
                    return step
        return None

    def _usual_ones(self) -> Iterator[Wanted]:
        """Each method with its usual settings, first on few rows and then at full size on the first fold.

        For a dearer one there is no time where there was none for a cheaper one, and for what may stand in its place.
        """
        usual = [each for each in self.candidates if not each.is_variant]
        done = {each.name for each in usual if self.done(each, 0) is not None}
        waiting = [each for each in usual if not {each.name, each.in_place_of} & done]
        for each in waiting:
            yield from self._waiting(each, (self.deal.levels[0], self.deal.full))
            if all(other.in_place_of != each.name for other in waiting):
                return

    def _variants(self) -> Iterator[Wanted]:
        """Variants beside what they are variants of; none begins that would leave no time for the folds to come."""
        standing = self.standing
        rest = self.durations.folds(self.members(standing.contenders), standing.folds)
        by_method: dict[str, list[Candidate]] = {}
        for each in self.candidates:
            by_method.setdefault(each.method, []).append(each)
        for group in by_method.values():
            usual = [each for each in group if not each.is_variant]
            if len(group) > len(usual) and any(self.done(each, 0) for each in usual):
                while waiting := self._halved(group)[0]:  # without those that were found to have no time
                    for unit, after in waiting:
                        each = self.named(unit.candidate)
                        own = self.durations.folds([each], 1) if unit.rows == self.deal.full else 0.0
                        yield unit, after + rest + own

    def _halved(self, group: Sequence[Candidate]) -> tuple[list[Wanted], dict[str, str]]:
        """What is to be done next of variants of one method, and why others are not gone on with.

        All are trained on few rows. The better half goes on to more, and so on, to full size. Those that there is no
        time for are left out.
        """
        going, fates = [each for each in group if each.name not in self.not_begun], dict[str, str]()
        for level in self.deal.levels:
            if waiting := [wanted for each in going for wanted in self._waiting(each, (level,))]:
                return waiting, fates
            if level in (FIRST_LEVEL, self.deal.full):
                continue
            rows = self.rows_of(1, level)
            order = ranked([self.contender((each,), 1, rows, level) for each in going])
            better, worse = order[: -(-len(order) // 2)], order[-(-len(order) // 2) :]
            fates |= {each.name: f"behind other settings of {group[0].method} on {level:,} rows" for each in worse}
            going = [each.members[0] for each in better]
        return [], fates

    def _folds(self) -> Iterator[Wanted]:
        """One fold more for all that stand, if there is time for all of it."""
        standing = self.standing
        decided = len(standing.contenders) == 1 and self.test_rows
        if standing.folds == self.deal.k or not standing.contenders or decided:
            return
        members = self.members(standing.contenders)
        waiting = [unit for each in members for unit, _ in self._waiting(each, (self.deal.full,), standing.folds)]
        seconds = [self.durations.of(self.named(unit.candidate), unit.rows) for unit in waiting]
        yield waiting[0], sum(seconds[1:])

    def _waiting(self, each: Candidate, levels: Sequence[int], fold: int = 0) -> Iterator[Wanted]:
        """What is still to be done of a candidate: the first of some sizes."""
        for level in dict.fromkeys(levels):
            if self.done(each, fold, level) is None:
                yield Unit(each.name, fold, level), 0.0
                return

    def _in_time(self, unit: Unit, left: float, after: float) -> Step | None:
        """The piece of work, if it and what must come after it fit in ``left`` seconds.

        After it come the refits of itself and of the best so far, of which a stack may be made, and the test part.
        Of a training that can be told to end in time it may be less than all, but a quarter at least.
        """
        each, best = self.named(unit.candidate), self.standing.best
        members = {member.name: member for member in (each, *(best.members if best else ()))}
        seconds, rest = self.durations.of(each, unit.rows), after + self.ending(list(members.values()))
        if seconds + rest <= left:
            whole = unit.rows == self.deal.full or each.model.reads
            most = left - rest if whole else SHARE_OF_TRIAL * left
            unknown = self.durations.is_unknown(each) and not each.keeps_time
            return Step(unit, most if each.keeps_time else None, left - rest if unknown else None)
        if each.keeps_time and unit.rows == self.deal.full:
            rest -= self.ending([each])
            share = (left - rest) / (1 + len(self.data) / self.deal.full)
            if share >= LEAST_SHARE * seconds:
                return Step(unit, share, cut=True)
        self.not_begun[each.name] = f"not begun: it would take about {seconds + rest:,.0f} s with all that follows"
        return None

    def ending(self, members: Sequence[Candidate]) -> float:
        """Seconds for refitting some candidates on all rows, and for predicting the test part with them."""
        return sum(self.durations.refit(each, len(self.data), self.test_rows) for each in members)

    def whole(self, each: Candidate) -> float:
        """Seconds for a candidate at full size on one fold, and all that follows."""
        return self.durations.of(each, self.deal.full) + self.ending([each])

    def fates(self) -> dict[str, str]:
        """Why contenders are not among those that stand."""
        found = {each.name: "not begun: no time for what is cheaper" for each in self.candidates if not self._any(each)}
        found |= {
            each.name: f"not tried: there was time for {each.in_place_of}"
            for each in self.candidates
            if each.in_place_of and each.name in found and self.done(self.named(each.in_place_of), 0) is not None
        }
        found |= self.not_begun | self.dropped
        for method in dict.fromkeys(each.method for each in self.candidates):
            found |= self._halved([each for each in self.candidates if each.method == method])[1]
        return found | self.standing.fates
