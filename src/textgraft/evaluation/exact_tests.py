"""Thresholds tested one after the other, so that one of many may be chosen and still hold with a stated chance.

Each candidate is tested by the exact binomial test of "from here on the share of hits is lower than wanted", in an
order that follows from the probabilities alone. Labels of rows with given probabilities are independent trials, for
which that test holds (Hoeffding 1956), so that the chance that any candidate passes wrongly is at most 1 - ``LEVEL``
(Learn then Test: Angelopoulos, Bates, Candes, Jordan and Lei 2021, arXiv:2110.01052; Bates et al., JACM 2021).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textgraft.extras import import_scipy

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

LEVEL = 0.95  # how sure it is that a threshold does what was wanted


def last_passing(hits: Counts, rows: Counts, expected: Floats, starts: Counts, wanted: float) -> int | None:
    """The place of the last of some candidates that passes; None if none does.

    They are tested in their order, each at the chance of an error that it has of its own and what the last one, if it
    has passed, hands on (the fallback procedure: Wiens, Pharmaceutical Statistics 2003). Half of that chance is with
    the candidate that would pass by the widest margin if the probabilities were true, the other half with those at
    ``starts``, for where they are not.

    Args:
        hits: (m,) of the rows of each candidate.
        rows: (m,) growing.
        expected: (m,) hits by the probabilities.
        starts: places of candidates, which with ``rows`` and ``expected`` depend on no label.
        wanted: the share of hits.
    """
    own = np.zeros(len(rows))
    own[int(np.argmin(p_values(np.minimum(expected, rows), rows, wanted)))] = 0.5
    np.add.at(own, starts, 0.5 / len(starts))
    chosen, carried = None, 0.0
    for i, p_value in enumerate(p_values(hits, rows, wanted)):
        chance = carried + (1 - LEVEL) * own[i]
        carried = chance if p_value <= chance else 0.0
        chosen = i if carried else chosen
    return chosen


def p_values(hits: Floats | Counts, rows: Counts, share: float) -> Floats:
    """The probability of so many hits or more if each row were one with the probability ``share``.

    The binomial's tail continued to fractions of hits.
    """
    betainc = import_scipy("Choosing thresholds that hold").special.betainc
    x = np.maximum(np.asarray(hits, np.float64), 1e-9)
    return np.where(np.asarray(hits) > 0, betainc(x, rows - np.minimum(x, rows) + 1, share), 1.0)
