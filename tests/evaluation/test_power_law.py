from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from textgraft.evaluation.power_law import PowerLaw

ROWS = np.array([125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0])
CURVES: dict[str, Callable[[np.random.Generator, float], float]] = {
    "a power law": lambda rng, n: 0.9 - rng.uniform(0.2, 0.5) * (n / 100) ** -rng.uniform(0.2, 0.8),
    "one that begins late": lambda rng, n: 0.95 - rng.uniform(0.2, 0.5) / (1 + n / rng.uniform(300, 3000)),
    "as much for each doubling": lambda rng, n: 0.5 + rng.uniform(0.01, 0.035) * np.log2(n / 50),
    "nothing": lambda rng, _: rng.uniform(0.3, 0.9),
}


def fitted(curve: Callable[[float], float], deviation: float, rng: np.random.Generator) -> PowerLaw:
    trainings = np.array([3, 3, 3, 3, 3, 1])
    deviations = deviation / np.sqrt(trainings)
    scores = [curve(n) + rng.normal() * sd for n, sd in zip(ROWS, deviations, strict=True)]
    return PowerLaw.fit(ROWS, scores, deviations, best=1.0, noise=deviation)


@pytest.mark.parametrize("kind", CURVES)
def test_forecasts_hold_in_their_intervals(kind: str) -> None:
    rng, held = np.random.default_rng(1), []
    for i in range(40):
        deviation = float(rng.choice([0.003, 0.008]))

        def curve(n: float, i: int = i) -> float:
            return CURVES[kind](np.random.default_rng(i), n)

        law = fitted(curve, deviation, rng)
        for n in (8000.0, 16000.0):
            score, gain = law.score(n), law.gain(n)
            held.append(score.low <= curve(n) + rng.normal() * deviation <= score.high)
            held.append(gain.low <= curve(n) - curve(ROWS[-1]) <= gain.high)
    assert np.mean(held) >= 0.93


def test_forecasts_are_wider_the_further_they_go_and_never_above_the_best() -> None:
    law = fitted(lambda n: 0.95 - 0.3 * (n / 100) ** -0.4, 0.005, np.random.default_rng(0))
    near, far = law.score(8000), law.score(16000)
    assert far.high - far.low > near.high - near.low
    assert far.high <= 1.0 + 4 * law.noise
    assert law.gain(8000).value > 0


def test_a_flat_curve_promises_nothing() -> None:
    gain = fitted(lambda _: 0.7, 0.003, np.random.default_rng(0)).gain(8000)
    assert gain.low < 0.005
    assert gain.value < 0.01


def test_losses_are_scores_below_nothing() -> None:
    losses = 0.2 + 0.5 * (ROWS / 100) ** -0.5
    law = PowerLaw.fit(ROWS, -losses, np.full(6, 0.005), best=0.0, noise=0.005)
    assert law.score(8000).low <= -(0.2 + 0.5 * 80**-0.5) <= law.score(8000).high


def test_perfect_scores_are_no_trouble() -> None:
    law = PowerLaw.fit(ROWS, np.ones(6), np.full(6, 1e-6), best=1.0, noise=1e-6)
    assert law.score(8000).value == pytest.approx(1.0, abs=1e-3)
