from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import TrainingError
from textgraft.training import Checkpoints, Progress, Score, TrainingSettings, default_epochs, train
from textgraft.training.settings import DECAYS, Decay

torch = pytest.importorskip("torch")

from .toys import DEPTHS, Toy, same  # noqa: E402

STEPS, EPOCHS = 5, 3  # of a Toy in an epoch; of a run


def settings(**given: Any) -> TrainingSettings:
    return TrainingSettings(**({"epochs": EPOCHS, "learning_rate": 0.05, "precision": "fp32"} | given))


def run(toy: Toy, given: TrainingSettings | None = None, **options: Any) -> list[Progress]:
    return list(train(toy, given or settings(), **options))


def checkpoints(folder: Path, **given: Any) -> Checkpoints:
    return Checkpoints(folder, {"data": "x"}, **({"seconds": 0.0, "resume": True} | given))


def test_the_loss_falls_and_every_step_is_told() -> None:
    steps = run(Toy(), settings(epochs=20))
    assert [step.step for step in steps] == list(range(1, 101))
    assert {step.steps for step in steps} == {100}
    assert [step.epoch for step in steps] == [1 + i // STEPS for i in range(100)]
    assert sum(step.rows for step in steps) == 20 * 20
    assert sum(step.loss for step in steps[-STEPS:]) < 0.3 * sum(step.loss for step in steps[:STEPS])
    assert all(one.seconds < other.seconds for one, other in pairwise(steps))


def test_the_weights_of_the_best_epoch_are_kept() -> None:
    scores = [0.2, 0.9, 0.5, 0.9]
    toy = Toy(scores=scores)
    given = settings(epochs=4, weight_decay=0.5)
    steps = train(toy, given)
    after: list[dict[str, torch.Tensor]] = []
    told = []
    for step in steps:
        if step.score is not None:
            told.append(step)
            after.append(toy.weights())
    assert [step.best for step in told] == [True, True, False, False]
    assert told[-1].scores == tuple(scores)
    same(toy.weights(), after[1])
    # What rows of the embedding table shrink by belongs to the same epoch.
    first = Toy(scores=scores)
    for step in train(first, given):
        if step.step == 2 * STEPS:
            break
    rates = [given.rate((i + 0.5) / (4 * STEPS)) for i in range(2 * STEPS)]
    expected = 1.0
    for rate in rates:
        expected *= 1 - 0.05 * rate * 0.5
    assert toy.shrunk == pytest.approx(expected, rel=1e-12)


def test_people_see_the_metric_and_the_value_chooses(tmp_path: Path) -> None:
    class Two(Toy):
        def score(self) -> Score | None:
            given = super().score()
            return None if given is None else Score(given.value, 1 - given.value)

    values = [0.2, 0.9, 0.5]
    last = run(Two(scores=values))[-1]
    assert last.scores == pytest.approx([0.8, 0.1, 0.5])
    assert (last.best_epoch, last.best, last.score) == (2, False, pytest.approx(0.5))


def test_without_a_score_the_last_weights_are_kept() -> None:
    toy = Toy(scored=False)
    assert all(step.score is None and not step.scores for step in run(toy))
    assert not toy.network.training


def test_the_same_seed_ends_with_the_same_weights_and_another_one_does_not() -> None:
    results = []
    for seed in (3, 3, 4):
        toy = Toy(dropout=0.3)
        run(toy, settings(seed=seed))
        results.append(toy.weights())
    same(results[0], results[1])
    assert not torch.equal(results[0]["0.weight"], results[2]["0.weight"])


def test_threads_side_by_side_do_what_one_does() -> None:
    one, two = Toy(rows=18), Toy(rows=18, threads=2)
    told, steps = run(one), run(two)
    same(two.weights(), one.weights(), tolerance=1e-5)
    assert [step.loss for step in steps] == pytest.approx([step.loss for step in told], rel=1e-4)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_torchs_threads_is_as_it_was(threads: int) -> None:
    before = torch.get_num_threads()
    run(Toy(threads=threads))
    next(train(Toy(threads=threads), settings()))
    with pytest.raises(TrainingError):
        run(Toy(threads=threads, memory=0))
    assert torch.get_num_threads() == before


def test_the_network_comes_out_in_fp32_and_ready_to_predict() -> None:
    toy = Toy()
    run(toy, settings(precision="bf16"))
    assert {p.dtype for p in toy.network.parameters()} == {torch.float32}
    assert not toy.network.training
    # The weights are the fp32 ones that were updated, not those that bf16 can hold.
    assert not torch.equal(toy.weights()["0.weight"], toy.weights()["0.weight"].bfloat16().float())


@pytest.mark.parametrize(
    ("precision", "layer_decay", "every"), [("fp32", 1.0, 4), ("fp32", 0.7, 4), ("bf16", 1.0, 5), ("bf16", 0.7, 1)]
)
def test_resuming_from_any_step_ends_with_the_same_weights(
    tmp_path: Path, precision: str, layer_decay: float, every: int
) -> None:
    given = settings(precision=precision, layer_decay=layer_decay, weight_decay=0.3, learning_rate=0.2)
    whole = Toy(dropout=0.3)
    told = run(whole, given, depths=DEPTHS)
    best = [i for i, step in enumerate(told) if step.best]
    for stop in range(1, EPOCHS * STEPS + 1, 1 if every > 1 else 3):
        kept = {"seconds": 1e9, "steps": every}
        stopped = train(Toy(dropout=0.3), given, depths=DEPTHS, checkpoints=checkpoints(tmp_path / f"{stop}", **kept))
        seen = [next(stopped) for _ in range(stop)]
        stopped.close()  # type: ignore[attr-defined]
        torch.manual_seed(99)
        toy = Toy(dropout=0.3)
        rest = run(toy, given, depths=DEPTHS, checkpoints=checkpoints(tmp_path / f"{stop}", **kept))
        same(toy.weights(), whole.weights())
        assert toy.shrunk == whole.shrunk
        assert rest[0].step == (stop - 1) // every * every + 1
        assert rest[-1].scores == told[-1].scores
        together = [*seen[: rest[0].step - 1], *rest]
        assert [i for i, step in enumerate(together) if step.best] == best
        assert [step.loss for step in together] == [step.loss for step in told]
        assert [step.learning_rate for step in together] == [step.learning_rate for step in told]


def test_a_run_that_is_stopped_again_and_again_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole, toy = Toy(dropout=0.3), Toy(dropout=0.3)
    told = run(whole)
    ended = False
    while not ended:
        toy = Toy(dropout=0.3)
        steps = train(toy, settings(), checkpoints=checkpoints(tmp_path))
        ended = True
        for i, _ in enumerate(steps):
            if i == 2:
                ended = False
                break
    same(toy.weights(), whole.weights())
    last = run(Toy(dropout=0.3), checkpoints=checkpoints(tmp_path))[-1]
    assert (last.step, last.scores, last.best) == (15, told[-1].scores, told[-1].best)


def test_a_run_that_was_complete_but_for_its_end_tells_its_last_step_again(tmp_path: Path) -> None:
    whole = Toy()
    told = run(whole, checkpoints=checkpoints(tmp_path))
    toy = Toy()
    assert run(toy, checkpoints=checkpoints(tmp_path)) == told[-1:]
    same(toy.weights(), whole.weights())


def test_without_resuming_training_starts_anew(tmp_path: Path) -> None:
    run(Toy(), checkpoints=checkpoints(tmp_path))
    steps = train(Toy(), settings(), checkpoints=checkpoints(tmp_path, resume=False, seconds=1e9))
    assert next(steps).step == 1
    assert not list(tmp_path.iterdir())


def test_patience_stops_training(tmp_path: Path) -> None:
    toy = Toy(scores=[0.5, 0.6, 0.6, 0.5, 0.9])
    steps = run(toy, settings(epochs=5, patience=2))
    assert steps[-1].step == 4 * STEPS
    assert steps[-1].scores == (0.5, 0.6, 0.6, 0.5)


def test_patience_stops_a_resumed_training_at_the_same_epoch(tmp_path: Path) -> None:
    scores = [0.5, 0.6, 0.6, 0.5, 0.9]
    kept = {"seconds": 1e9, "steps": STEPS}
    for stop in (4, 5, 6, 16, 20):
        given = settings(epochs=5, patience=2)
        stopped = train(Toy(scores=scores), given, checkpoints=checkpoints(tmp_path / f"{stop}", **kept))
        for _ in range(stop):
            next(stopped)
        stopped.close()  # type: ignore[attr-defined]
        toy = Toy(scores=scores[max(0, stop - 1) // STEPS :])
        steps = run(toy, given, checkpoints=checkpoints(tmp_path / f"{stop}", **kept))
        assert steps[-1].step == 4 * STEPS
        assert steps[-1].scores == (0.5, 0.6, 0.6, 0.5)


def test_a_loss_that_is_no_number_is_a_sentence_with_the_step(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"became nan at step 6 of 15 \(epoch 2\).*learning rate, which is 0.05\.$"):
        run(Toy(broken_at=6))
    with pytest.raises(TrainingError, match=r"nan at step 6 .* last good checkpoint is .*step-00000005\.$"):
        run(Toy(broken_at=6), checkpoints=checkpoints(tmp_path))
    whole, toy = Toy(), Toy()
    run(whole)
    assert run(toy, checkpoints=checkpoints(tmp_path))[0].step == 6
    same(toy.weights(), whole.weights())


def test_gradients_that_are_no_numbers_are_a_sentence() -> None:
    toy = Toy()
    toy.network[0].weight.register_hook(lambda gradient: gradient * float("inf"))  # type: ignore[index,union-attr]
    with pytest.raises(TrainingError, match="at step 1 of 15"):
        run(toy)


@pytest.mark.parametrize("memory", [1, 2, 3])
@pytest.mark.parametrize(("parts", "threads"), [(1, 1), (2, 1), (1, 2)])
def test_too_little_memory_for_a_batch_changes_no_weight(memory: int, parts: int, threads: int) -> None:
    whole, toy = Toy(rows=18, batch=8), Toy(rows=18, batch=8, memory=memory, parts=parts, threads=threads)
    told, steps = run(whole), run(toy)
    same(toy.weights(), whole.weights(), tolerance=1e-5)
    assert [step.loss for step in steps] == pytest.approx([step.loss for step in told], rel=1e-4)


def test_too_little_memory_for_one_row_is_a_sentence() -> None:
    with pytest.raises(TrainingError, match=r"Memory does not suffice for step 1, not even text by text .*max_tokens"):
        run(Toy(memory=0))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs to know its own memory")
def test_what_the_cpus_allocator_refuses_is_computed_in_smaller_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    whole, toy = Toy(), Toy()
    run(whole)
    loss, refused = toy.loss, []

    def hungry(rows: Any) -> torch.Tensor:
        """Asks for 4 GB a row, of which nothing is touched."""
        try:
            torch.empty(len(rows) * 2**30)
        except RuntimeError:
            refused.append(len(rows))
            raise
        return loss(rows)

    monkeypatch.setattr(toy, "loss", hungry)
    taken = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + 6 * 2**30, hard))
    try:
        run(toy)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert refused == [4, 2]
    same(toy.weights(), whole.weights(), tolerance=1e-5)


def test_what_memory_sufficed_for_is_not_tried_again() -> None:
    toy = Toy(batch=4, memory=1)
    steps = run(toy)
    assert toy.calls == 2 + len(steps) * 4  # 4 rows, 2 rows, then single ones


def test_an_error_of_the_objective_is_not_taken_for_a_lack_of_memory() -> None:
    toy = Toy()
    toy.x = toy.x[:, :3]
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        run(toy)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_budget_that_suffices_changes_nothing(precision: str) -> None:
    free, bound = Toy(dropout=0.3), Toy(dropout=0.3)
    given = settings(precision=precision)
    told = run(free, given)
    steps = run(bound, settings(precision=precision, budget=3600.0))
    same(bound.weights(), free.weights())
    assert [step.learning_rate for step in steps] == [step.learning_rate for step in told]


class TimedToy(Toy):
    """Time only passes in its steps and scoring: a step takes one second, the first one ``first``, scoring half one."""

    def __init__(self, *, first: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.first, self.now = first, 0.0

    def loss(self, rows: Any) -> torch.Tensor:
        self.now += 1.0 if self.calls else self.first
        return super().loss(rows)

    def score(self) -> Score | None:
        self.now += 0.5
        return super().score()

    def clock(self) -> float:
        return self.now


@pytest.mark.parametrize("budget", [1.0, 7.0, 40.0, 63.0])
@pytest.mark.parametrize("thought", [0.0, 0.1, 1.0])
def test_a_small_budget_ends_in_time_with_a_low_rate_and_a_score(budget: float, thought: float) -> None:
    toy = TimedToy(score_cost=thought)
    steps = run(toy, settings(epochs=20, budget=budget), clock=toy.clock)
    assert 1 <= len(steps) < 100
    assert steps[-1].score is not None
    assert toy.now <= budget + 1.5
    assert steps[-1].learning_rate <= max(2 / max(budget - STEPS * thought, 1), 0.03) * 0.05
    assert all(step.step % STEPS == 0 for step in steps[:-1] if step.score is not None)
    assert max(step.learning_rate for step in steps) <= 0.05


@pytest.mark.parametrize(
    ("first", "budget"), [(1, 100 + 20 * 0.5 + 1), (5, 150)], ids=["just enough", "enough for a slow first step"]
)
def test_a_budget_that_suffices_is_not_felt(first: float, budget: float) -> None:
    free, bound = Toy(), TimedToy(first=first)
    steps = run(free, settings(epochs=20))
    timed = run(bound, settings(epochs=20, budget=budget), clock=bound.clock)
    assert [step.learning_rate for step in timed] == [step.learning_rate for step in steps]
    same(bound.weights(), free.weights())


@pytest.mark.parametrize("stop", [3, 8])
def test_resuming_when_the_budget_is_spent_ends_with_a_score(tmp_path: Path, stop: int) -> None:
    stopped = train(Toy(), settings(), checkpoints=checkpoints(tmp_path))
    for _ in range(stop):
        next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    toy = Toy()
    steps = run(toy, settings(budget=1e-6), checkpoints=checkpoints(tmp_path))
    assert len(steps) == 1
    assert steps[0].step == stop - 1
    assert steps[0].score is not None
    assert {p.dtype for p in toy.network.parameters()} == {torch.float32}


@given(st.integers(2, 5000), st.floats(0, 0.5), st.sampled_from(DECAYS))
def test_the_rate_rises_to_its_peak_and_falls_towards_zero(steps: int, warmup: float, decay: Decay) -> None:
    given = TrainingSettings(epochs=1, learning_rate=1, warmup=warmup, decay=decay)
    rates = [given.rate((step + 0.5) / steps) for step in range(steps)]
    peak = rates.index(max(rates))
    assert all(0 < rate <= 1 for rate in rates)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    if decay != "none" and steps > 100:
        assert rates[-1] < 0.02


def test_small_data_gets_more_epochs() -> None:
    assert [default_epochs(n) for n in (1, 200, 5000)] == [10, 5, 2]
