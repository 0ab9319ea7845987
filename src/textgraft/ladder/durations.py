"""How long work takes on this machine, by what was measured in the same search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textgraft.ladder.candidates import Candidate
from textgraft.ladder.dealing import FIRST_LEVEL, WARMING, Deal
from textgraft.ladder.run_directory import Outcome, Unit

UNKNOWN = 5.0  # seconds: the first few rows of what was never tried, libraries loaded
MOST_CONSTANT = 0.5  # of a training on few rows, that is taken not to grow with them: a few rows may be slow by chance
AGAIN, LARGER = 1.1, 1.25  # times what was measured: the same on other rows, or on more rows


class Durations:
    """Predicted seconds. Training is taken to grow with its passes over rows, and prediction with its rows.

    Args:
        deal: how many rows there are.
        outcomes: what was measured.
        candidates: of which that was.
    """

    def __init__(self, deal: Deal, outcomes: Mapping[Unit, Outcome], candidates: Sequence[Candidate]) -> None:
        self._deal, self._outcomes = deal, outcomes
        self._names: dict[str, list[str]] = {}
        for each in candidates:
            self._names.setdefault(each.method, []).append(each.name)

    def of(self, candidate: Candidate, rows: int) -> float:
        """Of a piece of work."""
        known = self._of(candidate)
        same = [outcome for unit, outcome in known if unit.rows == rows]
        if same:
            return AGAIN * (same[-1].fit_seconds + same[-1].predict_seconds)
        if not known:
            return 2 * UNKNOWN if candidate.model.reads else UNKNOWN
        read = max((len(self._deal.read(unit.fold, unit.rows)) for unit in self._all_of(candidate)), default=0)
        reading = self._reading_rate(candidate) * max(0, len(self._deal.read(0, rows)) - read)
        predicting = self._rate(known) * len(self._deal.scored(0, rows))
        return LARGER * (reading + self._training(candidate, known, rows) + predicting)

    def is_unknown(self, candidate: Candidate) -> bool:
        """Whether nothing was measured of it."""
        return not self._of(candidate)

    def refit(self, candidate: Candidate, rows: int, test_rows: int) -> float:
        """Of training on all rows and predicting others; 0 where nothing is known."""
        known = self._of(candidate)
        if not known:
            return 0.0
        full = [(unit, outcome) for unit, outcome in known if unit.rows == self._deal.full]
        training = self._training(candidate, full[-1:] or known, rows)
        predicting = (self._reading_rate(candidate) + self._rate(known)) * test_rows
        return (AGAIN if full else LARGER) * (training + predicting)

    def folds(self, candidates: Sequence[Candidate], first: int) -> float:
        """Of all folds from one on, at full size."""
        return (self._deal.k - first) * sum(self.of(each, self._deal.full) for each in candidates)

    def _of(self, candidate: Candidate) -> list[tuple[Unit, Outcome]]:
        """What was measured of a candidate, the fewest rows first; of few rows only where there is nothing else."""
        known = sorted(self._all_of(candidate).items(), key=_by_size)
        return [each for each in known if each[0].rows != FIRST_LEVEL] or known

    def _training(self, candidate: Candidate, known: Sequence[tuple[Unit, Outcome]], rows: int) -> float:
        """A variant is taken to need as many times more for more rows as another one of its method did."""
        full = self._deal.full
        if rows >= full and (growth := self._growth(candidate, known[-1][0].rows)):
            return known[-1][1].fit_seconds * growth * candidate.work(rows) / candidate.work(full)
        return max(_grown(candidate, unit, outcome, rows) for unit, outcome in known)

    def _growth(self, candidate: Candidate, rows: int) -> float:
        """How many times longer than so many rows full size took another candidate of the method; 0 if unknown."""
        for name in self._names[candidate.method]:
            few, full = (self._outcomes.get(Unit(name, 0, size)) for size in (rows, self._deal.full))
            if name != candidate.name and few is not None and full is not None:
                return full.fit_seconds / max(few.fit_seconds, 1e-9)
        return 0.0

    def _reading_rate(self, candidate: Candidate) -> float:
        """Seconds for reading one text beforehand, at worst."""
        known = self._all_of(candidate).items()
        rates = [outcome.read_seconds / len(self._deal.read(unit.fold, unit.rows)) for unit, outcome in known]
        return max(rates, default=0.0)

    def _all_of(self, candidate: Candidate) -> dict[Unit, Outcome]:
        return {unit: outcome for unit, outcome in self._outcomes.items() if unit.candidate == candidate.name}

    @staticmethod
    def _rate(known: Sequence[tuple[Unit, Outcome]]) -> float:
        """Seconds for predicting one row, at worst."""
        return max(outcome.predict_seconds / max(1, len(outcome.probabilities)) for _, outcome in known)


def _grown(candidate: Candidate, unit: Unit, outcome: Outcome, rows: int) -> float:
    """Seconds of a training on other rows than those that were measured; what it takes for few rows does not grow."""
    start = min(outcome.few_seconds, MOST_CONSTANT * outcome.fit_seconds) if unit.rows > WARMING else 0.0
    first = candidate.work(WARMING) if start else 0.0
    return start + (outcome.fit_seconds - start) * (candidate.work(rows) - first) / (candidate.work(unit.rows) - first)


def _by_size(known: tuple[Unit, Outcome]) -> tuple[int, int]:
    return known[0].rows, known[0].fold
