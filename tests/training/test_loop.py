from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import TrainingError
from textgraft.training import Progress, TrainingSettings, default_epochs, train

torch = pytest.importorskip("torch")


def regression(seed: int = 0) -> tuple[torch.nn.Module, list[tuple[torch.Tensor, torch.Tensor]]]:
    """A linear network and four batches that it can learn."""
    torch.manual_seed(seed)
    x = torch.randn(64, 3)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.3
    return torch.nn.Linear(3, 1), list(zip(x.split(16), y.split(16), strict=True))


def run(settings: TrainingSettings, scores: list[float] | None = None) -> tuple[torch.nn.Module, list[Progress]]:
    network, data = regression()
    left = iter(scores or [])

    def loss(batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return torch.nn.functional.mse_loss(network(batch[0]), batch[1])

    steps = list(train(network, loss, lambda _: data, settings, (lambda: next(left)) if scores else None))
    return network, steps


def test_the_loss_falls_and_every_step_is_told() -> None:
    _, steps = run(TrainingSettings(epochs=20, learning_rate=0.1, precision="fp32"))
    assert [step.step for step in steps] == list(range(1, 81))
    assert {step.steps for step in steps} == {80}
    assert steps[-1].loss < 0.1 * steps[0].loss


def test_the_weights_of_the_best_epoch_are_kept() -> None:
    best, steps = run(TrainingSettings(epochs=4, learning_rate=0.1, precision="fp32"), [0.2, 0.9, 0.5, 0.9])
    assert [step.best for step in steps if step.score is not None] == [True, True, False, False]
    network, data = regression()
    weights = []

    def score() -> float:
        weights.append([p.detach().clone() for p in network.parameters()])
        return 0.0

    def loss(batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return torch.nn.functional.mse_loss(network(batch[0]), batch[1])

    list(train(network, loss, lambda _: data, TrainingSettings(4, 0.1, precision="fp32"), score))
    for kept, second in zip(best.parameters(), weights[1], strict=True):
        torch.testing.assert_close(kept, second, rtol=0, atol=0)


def test_the_same_seed_ends_with_the_same_weights() -> None:
    settings = TrainingSettings(epochs=3, learning_rate=0.1, precision="fp32")
    for one, other in zip(run(settings)[0].parameters(), run(settings)[0].parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_loss_that_is_no_number_is_a_sentence_with_the_step() -> None:
    network, data = regression()
    calls = iter(range(100))

    def loss(batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return network(batch[0]).mean() * (float("nan") if next(calls) == 5 else 1.0)

    with pytest.raises(TrainingError, match=r"became nan at step 6 of 12 \(epoch 2\).*Lower the learning rate, .* 0.1"):
        list(train(network, loss, lambda _: data, TrainingSettings(3, 0.1, precision="fp32")))


def test_decay_shrinks_matrices_and_leaves_biases_alone() -> None:
    network = torch.nn.Linear(3, 2)
    with torch.no_grad():
        network.bias.fill_(1.0)
    before = network.weight.detach().clone()
    settings = TrainingSettings(epochs=5, learning_rate=0.1, weight_decay=0.5, precision="fp32")
    list(train(network, lambda _: 0 * sum(p.sum() for p in network.parameters()), lambda _: [0, 1], settings))
    assert (network.weight.abs() < before.abs()).all()
    assert network.bias.tolist() == [1.0, 1.0]


@given(st.integers(2, 5000), st.floats(0, 0.5))
def test_the_rate_rises_to_its_peak_and_falls_towards_zero(steps: int, warmup: float) -> None:
    settings = TrainingSettings(epochs=1, learning_rate=1, warmup=warmup)
    rates = [settings.rate(step, steps) for step in range(steps)]
    peak = rates.index(max(rates))
    assert all(0 < rate <= 1 for rate in rates)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def test_small_data_gets_more_epochs() -> None:
    assert [default_epochs(n) for n in (1, 200, 5000)] == [10, 5, 3]
