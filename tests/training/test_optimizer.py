from __future__ import annotations

from typing import Any

import pytest

from textgraft.training import TrainingSettings

torch = pytest.importorskip("torch")

from textgraft.training.optimizer import FIRST_SCALE, GROW_AFTER, MasterAdamW  # noqa: E402

from .toys import DEPTHS, Toy, same  # noqa: E402

PEAK = 0.05


def settings(**given: Any) -> TrainingSettings:
    return TrainingSettings(epochs=1, learning_rate=PEAK, **({"weight_decay": 0.1} | given))


def add(optimizer: MasterAdamW, loss: torch.Tensor) -> None:
    optimizer.gather(optimizer.gradients(loss))


def step(optimizer: MasterAdamW, toy: Toy, number: int, parts: int = 1, rate: float = 1.0) -> bool:
    rows = toy.epoch(number)[0]
    for i in range(parts):
        add(optimizer, toy.loss(rows[i::parts]))
    return optimizer.step(rate, toy.weight(rows), optimizer.norm(toy.weight(rows)))


@pytest.mark.parametrize("clip", [1e9, 1.0, 0.01])
@pytest.mark.parametrize("layer_decay", [1.0, 0.5])
def test_it_is_adamw_with_clipped_gradients(clip: float, layer_decay: float) -> None:
    ours, theirs = Toy(), Toy()
    optimizer = MasterAdamW(ours.network, settings(clip=clip, layer_decay=layer_decay), torch.float32, DEPTHS)
    groups = [
        {
            "params": [parameter],
            "weight_decay": 0.1 if parameter.ndim > 1 else 0.0,
            "share": layer_decay ** DEPTHS[name],
        }
        for name, parameter in theirs.network.named_parameters()
    ]
    adamw = torch.optim.AdamW(groups, lr=PEAK)
    for number in range(20):
        rate = 1 - number / 20
        step(optimizer, ours, number, rate=rate)
        rows = theirs.epoch(number)[0]
        adamw.zero_grad()
        (theirs.loss(rows) / len(rows)).backward()
        torch.nn.utils.clip_grad_norm_(theirs.network.parameters(), clip)
        for group in adamw.param_groups:
            group["lr"] = PEAK * rate * group["share"]
        adamw.step()
    optimizer.put_back(optimizer.weights)
    same(ours.weights(), theirs.weights(), tolerance=2e-5 if clip < 1 else 1e-6)


def test_the_norm_is_that_of_the_mean_gradient() -> None:
    ours, theirs = Toy(), Toy()
    optimizer = MasterAdamW(ours.network, settings(), torch.float32)
    rows = ours.epoch(0)[0]
    add(optimizer, ours.loss(rows))
    (theirs.loss(rows) / len(rows)).backward()
    expected = torch.nn.utils.get_total_norm([p.grad for p in theirs.network.parameters() if p.grad is not None])
    assert optimizer.norm(len(rows)) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_step_in_parts_is_one_step(dtype: torch.dtype) -> None:
    whole, parted = Toy(), Toy()
    for toy, parts in ((whole, 1), (parted, 4)):
        optimizer = MasterAdamW(toy.network, settings(), dtype)
        for number in range(3):
            step(optimizer, toy, number, parts)
        optimizer.put_back(optimizer.weights)
    same(parted.weights(), whole.weights(), tolerance=1e-6 if dtype == torch.float32 else 0.02)


def test_gradients_are_those_of_this_step_only() -> None:
    toy = Toy()
    optimizer = MasterAdamW(toy.network, settings(), torch.float32)
    rows = toy.epoch(0)[0]
    add(optimizer, toy.loss(rows))
    once = optimizer.gradient.clone()
    add(optimizer, toy.loss(rows))
    torch.testing.assert_close(optimizer.gradient, 2 * once)
    optimizer.restart()
    add(optimizer, toy.loss(rows))
    torch.testing.assert_close(optimizer.gradient, once)
    optimizer.step(0.0, 1.0, 1.0)
    assert not optimizer.gradient.any()  # a process without rows in the next step adds nothing to the others'


def test_weights_without_a_gradient_only_decay() -> None:
    toy = Toy()
    before = toy.weights()
    optimizer = MasterAdamW(toy.network, settings(), torch.float32)
    rates = (1.0, 0.5, 0.25)
    for rate in rates:
        add(optimizer, toy.network[4].bias.sum())  # type: ignore[index,union-attr,operator]
        optimizer.step(rate, 1.0, optimizer.norm(1.0))
    optimizer.put_back(optimizer.weights)
    after = toy.weights()
    shrunk = 1.0
    for rate in rates:
        shrunk *= 1 - PEAK * rate * 0.1
    assert optimizer.decay == pytest.approx(shrunk, rel=1e-12)
    for name in before:
        if name != "4.bias":
            factor = shrunk if name in ("0.weight", "4.weight") else 1.0
            torch.testing.assert_close(after[name], before[name] * factor, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_what_is_not_trained_comes_out_as_it_went_in(dtype: torch.dtype) -> None:
    toy = Toy()
    before = toy.weights()
    for name, parameter in toy.network.named_parameters():
        parameter.requires_grad_(name.startswith("4."))
    optimizer = MasterAdamW(toy.network, settings(), dtype)
    assert {p.dtype for p in toy.network.parameters()} == {dtype}
    assert len(optimizer.weights) == 9
    for number in range(10):
        step(optimizer, toy, number)
    optimizer.put_back(optimizer.weights)
    after = toy.weights()
    same({n: after[n] for n in after if n[0] != "4"}, {n: before[n] for n in before if n[0] != "4"})
    assert not torch.equal(after["4.weight"], before["4.weight"])
    assert {p.dtype for p in toy.network.parameters()} == {torch.float32}


def test_small_updates_are_not_lost_in_low_precision() -> None:
    toy = Toy()
    before = toy.weights()["0.weight"]
    optimizer = MasterAdamW(toy.network, settings(weight_decay=0.0), torch.bfloat16)
    for number in range(20):
        step(optimizer, toy, number, rate=1e-3)
    optimizer.put_back(optimizer.weights)
    moved = (toy.weights()["0.weight"] - before).abs()
    assert 0 < moved.max() <= 20 * PEAK * 1e-3 * 1.001


def test_weights_put_back_are_a_copy() -> None:
    toy = Toy()
    optimizer = MasterAdamW(toy.network, settings(), torch.float32)
    best = optimizer.weights.clone()
    optimizer.put_back(best)
    before = toy.weights()
    best.zero_()
    optimizer.weights.zero_()
    same(toy.weights(), before)


def test_fp16_leaves_out_steps_that_overflow_and_recovers() -> None:
    toy = Toy()
    toy.y = toy.y * 3000  # gradients of 10,000, times the scale, are more than fp16 can hold
    optimizer = MasterAdamW(toy.network, settings(), torch.float16)
    before = optimizer.weights.clone()
    done = [step(optimizer, toy, 0)]
    assert torch.equal(optimizer.weights, before)
    assert optimizer.scale == FIRST_SCALE / 2
    assert optimizer.decay == 1
    done += [step(optimizer, toy, number) for number in range(1, 40)]
    assert done[0] is False
    assert all(done[-10:])
    assert optimizer.scale == FIRST_SCALE / 2 ** done.count(False)
    assert torch.isfinite(optimizer.weights).all()
    assert not torch.equal(optimizer.weights, before)


def test_fp16_scales_up_again_after_many_good_steps() -> None:
    toy = Toy()
    optimizer = MasterAdamW(toy.network, settings(), torch.float16)
    optimizer.scale = 8.0
    assert all(step(optimizer, toy, number, rate=0.01) for number in range(GROW_AFTER))
    assert optimizer.scale == 16


def test_fp16_computes_about_what_fp32_does() -> None:
    results = []
    for dtype in (torch.float32, torch.float16):
        toy = Toy()
        optimizer = MasterAdamW(toy.network, settings(), dtype)
        optimizer.scale = 1.0 if dtype == torch.float32 else 64.0
        assert all(step(optimizer, toy, number, rate=0.1) for number in range(5))
        results.append(optimizer.weights)
    torch.testing.assert_close(results[1], results[0], rtol=0, atol=0.005)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_it_goes_on_from_what_was_kept(dtype: torch.dtype, after: int) -> None:
    toy, other = Toy(), Toy()
    toy.y, other.y = toy.y * 3000, other.y * 3000  # in fp16 the first steps overflow, and there is no state yet
    optimizer = MasterAdamW(toy.network, settings(), dtype)
    for number in range(after):
        step(optimizer, toy, number)
    kept = {name: tensor.clone() for name, tensor in optimizer.tensors().items()}
    numbers = dict(optimizer.numbers())
    again = MasterAdamW(other.network, settings(), dtype)
    again.load(kept, numbers)
    for number in range(after, after + 12):
        assert step(optimizer, toy, number) == step(again, other, number)
    assert torch.equal(optimizer.weights, again.weights)
    assert optimizer.numbers() == again.numbers()
