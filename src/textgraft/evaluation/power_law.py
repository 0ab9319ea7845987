"""What more rows would bring: a power law through the scores of a learning curve, with all that it leaves open.

The error falls as ``e * (s + (1 - s) * ((n + m) / (n0 + m)) ** -c)`` (Cortes et al., NeurIPS 1993; Hestness et al.
2017): ``e`` is the error at the most rows seen, n0; ``s`` the share of it that no number of rows takes away, ``c`` how
fast the rest falls, and ``m`` rows after which it begins to (Mahmood et al., CVPR 2022). Few points leave much of that
open, so that no best fit is taken: all of a grid count, as likely as the points make them.
Curves are power laws only nearly, and the less so over a wider range; how far off they are is one more thing that the
points tell, and that forecasts allow for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.evaluation.bootstrap import Interval

Doubles = NDArray[np.float64]

FEWEST_POINTS: Final = 3
_ERRORS, _STAYING, _DRAWS = 25, 16, 4000
_SPEEDS: Final = np.geomspace(0.08, 3.0, 16)
_LATE: Final = np.array([0.0, 0.1, 0.5, 2.0])  # m, as a share of n0
_LIKELY_LATE: Final = np.array([0.6, 0.2, 0.1, 0.1])
_USUAL_SPEED, _SPREAD_OF_SPEEDS = 0.45, 0.8  # of the prior: the median, and the width of its logarithm
_OFF: Final = np.array([0.015, 0.03, 0.06, 0.12])  # off a power law, per doubling, as a share of e
_USUALLY_OFF: Final = 0.03
_AT_HOME: Final = 0.5  # doublings' worth of that, at the most rows themselves


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """Power laws as likely as the points make them.

    Attributes:
        rows: the most rows seen.
        best: the score without an error.
        error, staying, speed, late: (d,) e, s, c and m / n0 of the module's formula.
        off: (d,) how far off a curve is per doubling, as a share of e.
        noise: how much the score of one training differs from the next.
    """

    rows: float
    best: float
    error: Doubles
    staying: Doubles
    speed: Doubles
    late: Doubles
    off: Doubles
    noise: float

    @classmethod
    def fit(
        cls, rows: ArrayLike, scores: ArrayLike, deviations: ArrayLike, *, best: float, noise: float, seed: int = 0
    ) -> PowerLaw:
        """Power laws through p points, at least three.

        Args:
            rows: (p,) rows of training, all different.
            scores: (p,) higher is better.
            deviations: (p,) the standard deviation of each, above 0.
            best: a score that none is above, 1 of accuracy.
            noise: see the class.
            seed: of the draws.
        """
        n, y, sd = (np.asarray(each, np.float64) for each in (rows, scores, deviations))
        last = int(n.argmax())
        doublings = np.abs(np.log2(n / n[last]))
        at_last = max(best - y[last], 1e-6)
        reach = 4 * np.hypot(sd[last], 2 * _USUALLY_OFF * at_last)
        e = np.linspace(max(at_last - reach, 1e-6), at_last + reach, _ERRORS)[:, None, None, None, None]
        s = np.linspace(0, 1, _STAYING)[:, None, None, None]
        c, late, off = _SPEEDS[:, None, None], _LATE[:, None], _OFF
        log_likelihood = -np.log1p((off / _USUALLY_OFF) ** 2) - (np.log(c / _USUAL_SPEED) / _SPREAD_OF_SPEEDS) ** 2 / 2
        log_likelihood = log_likelihood + np.log(_LIKELY_LATE[:, None])
        for rows_here, score, deviation, apart in zip(n, y, sd, doublings, strict=True):
            expected = best - e * (s + (1 - s) * ((rows_here / n[last] + late) / (1 + late)) ** -c)
            variance = deviation**2 + (off * e) ** 2 * (_AT_HOME + apart)
            log_likelihood = log_likelihood - np.log(variance) / 2 - (score - expected) ** 2 / variance / 2
        likely = np.exp(log_likelihood - log_likelihood.max())
        rng = np.random.default_rng(seed)
        drawn = rng.choice(likely.size, _DRAWS, p=(likely / likely.sum()).ravel())
        ie, i_s, ic, il, io = np.unravel_index(drawn, likely.shape)
        return cls(float(n[last]), best, e.ravel()[ie], s.ravel()[i_s], _SPEEDS[ic], _LATE[il], off[io], noise)

    def score(self, rows: float, seed: int = 0) -> Interval:
        """The score of one training on so many rows, with a 95 % interval."""
        return _summary(self._drawn(rows, seed) + self.noise * np.random.default_rng([seed, 1]).normal(size=_DRAWS))

    def gain(self, rows: float, seed: int = 0) -> Interval:
        """By how much the score rises on average from the most rows seen to so many, with a 95 % interval."""
        return _summary(self._drawn(rows, seed) - (self.best - self.error))

    def _drawn(self, rows: float, seed: int) -> Doubles:
        more = (rows / self.rows + self.late) / (1 + self.late)
        expected = self.best - self.error * (self.staying + (1 - self.staying) * more**-self.speed)
        apart = np.sqrt(abs(np.log2(rows / self.rows))) * self.off * self.error
        drawn: Doubles = expected + apart * np.random.default_rng(seed).normal(size=_DRAWS)
        return np.minimum(drawn, self.best)


def _summary(values: Doubles) -> Interval:
    low, middle, high = np.quantile(values, (0.025, 0.5, 0.975)).tolist()
    return Interval(middle, low, high)
