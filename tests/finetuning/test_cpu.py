from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from textgraft.encoders import TextTokenizer, resolve
from textgraft.finetuning.loading import load_with_head
from textgraft.task import Task
from textgraft.text.batches import pad

from ..encoders.families import FAMILIES, save_family

torch = pytest.importorskip("torch")

from textgraft.finetuning import cpu as faster  # noqa: E402
from textgraft.finetuning.cpu import make_faster  # noqa: E402
from textgraft.training import dropout  # noqa: E402
from textgraft.training.dropout import CheapDropout, dropout_mask  # noqa: E402

TASK = Task(("bad", "good", "neither"))
PADDED = ["the film was good", "a bad bad book and a not so good film", "goal", "", "of words"]
EVEN = ["the film was good", "a bad book and", "goal of the game"]


@pytest.fixture(autouse=True)
def _torch_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees what another one's training said that dropout is drawn from."""
    monkeypatch.setattr(dropout, "_drawing", threading.local())


@pytest.fixture(scope="module", params=[name for name in FAMILIES if name not in ("mt5", "umt5")])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_family(request.param, tmp_path_factory.mktemp(request.param))


def loaded(encoder: Path, dropout: float | None = 0.0) -> Any:
    return load_with_head(resolve(str(encoder)), TASK, 0, dropout)


def logits(network: Any, encoder: Path, texts: list[str]) -> Any:
    tokenizer = TextTokenizer(resolve(str(encoder)))
    ids, mask = pad(tokenizer.windows(texts, 64, "truncate").ids, tokenizer.pad_id)
    attention = None if mask is None else torch.from_numpy(mask)
    return network(input_ids=torch.from_numpy(ids), attention_mask=attention).logits


def gradients(network: Any, encoder: Path, texts: list[str]) -> tuple[Any, dict[str, Any]]:
    """Logits, and the gradients of all parameters, zeros for none."""
    out = logits(network.train(), encoder, texts)
    (out.float() ** 2).sum().backward()
    found = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in network.named_parameters()}
    return out.detach(), found


@pytest.mark.parametrize("texts", [PADDED, EVEN, PADDED[:1]], ids=["padded", "even", "single"])
@pytest.mark.parametrize("longest", [384, 4], ids=["short", "long"])
def test_logits_and_gradients_are_those_of_the_plain_network(
    encoder: Path, texts: list[str], longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faster, "LONGEST", longest)
    plain, fast = loaded(encoder), loaded(encoder)
    make_faster(fast)
    expected, theirs = gradients(plain, encoder, texts)
    found, ours = gradients(fast, encoder, texts)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        size = float(gradient.abs().max())
        torch.testing.assert_close(
            ours[name], gradient, rtol=1e-3, atol=1e-5 * max(1.0, size), msg=lambda m, n=name: f"{n}: {m}"
        )


def test_predictions_are_those_of_the_plain_network(encoder: Path) -> None:
    plain, fast = loaded(encoder, None).eval(), loaded(encoder, None).eval()
    make_faster(fast)
    with torch.inference_mode():
        for texts in (PADDED, EVEN):
            torch.testing.assert_close(
                logits(fast, encoder, texts), logits(plain, encoder, texts), rtol=1e-4, atol=1e-5
            )


def test_it_computes_in_bf16_and_with_dropout(encoder: Path) -> None:
    plain, fast = loaded(encoder), loaded(encoder, 0.2)
    make_faster(fast)
    expected = logits(plain.eval(), encoder, PADDED).detach()
    out, found = gradients(fast.bfloat16(), encoder, PADDED)
    assert torch.isfinite(out).all()
    assert all(torch.isfinite(gradient).all() for gradient in found.values())
    assert not torch.equal(out, logits(fast.train(), encoder, PADDED).detach())
    still = logits(fast.eval(), encoder, PADDED).detach().float()
    assert (still - expected).abs().max() < 0.1 * expected.abs().max() + 0.05


def test_what_is_saved_is_the_plain_network(encoder: Path, tmp_path: Path) -> None:
    fast = loaded(encoder, None)
    names = set(fast.state_dict())
    make_faster(fast)
    assert set(fast.state_dict()) == names
    fast.save_pretrained(tmp_path)
    assert faster.ATTENTION not in (tmp_path / "config.json").read_text("utf-8")


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9, 0.0001, 0.999])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_mask_drops_the_share_it_should_and_keeps_the_mean(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    n = 2_000_000
    mask = dropout_mask(torch.Size((n // 8, 8)), p, dtype)
    assert mask.dtype == dtype
    assert mask.shape == (n // 8, 8)
    rounded = min(255, max(1, round(p * 256))) / 256
    dropped = float((mask == 0).double().mean())
    assert dropped == pytest.approx(rounded, abs=4 * (rounded * (1 - rounded) / n) ** 0.5)
    assert len(mask.unique()) == 2
    # bf16 keeps 8 bits of the scale.
    assert float(mask.max()) == pytest.approx(1 / (1 - rounded), rel=2**-8)
    assert float(mask.double().mean()) == pytest.approx(1, abs=0.005 + 4 * (rounded / (1 - rounded) / n) ** 0.5)


def test_every_place_is_dropped_equally_often_and_independently_of_its_neighbours() -> None:
    torch.manual_seed(0)
    zero = (dropout_mask(torch.Size((250_000, 16)), 0.25, torch.float32) == 0).double()
    assert (zero.mean(0) - 0.25).abs().max() < 4 * (0.25 * 0.75 / 250_000) ** 0.5
    together = torch.corrcoef(zero.T) - torch.eye(16)
    assert together.abs().max() < 5 / 250_000**0.5


@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (3, 5, 1), (8, 2)])
def test_masks_have_any_shape_and_depend_on_the_seed_alone(shape: tuple[int, ...]) -> None:
    torch.manual_seed(5)
    first = [dropout_mask(torch.Size(shape), 0.5, torch.float32) for _ in range(9)]
    torch.manual_seed(5)
    again = [dropout_mask(torch.Size(shape), 0.5, torch.float32) for _ in range(9)]
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert {mask.shape for mask in first} == {torch.Size(shape)}


def test_masks_can_be_drawn_from_a_key_whatever_else_is_drawn() -> None:
    dropout.draw_from((0, 1, 2))
    first = [dropout_mask(torch.Size((64,)), 0.5, torch.float32) for _ in range(2)]
    torch.manual_seed(1)
    dropout.draw_from((0, 1, 2))
    again = [dropout_mask(torch.Size((64,)), 0.5, torch.float32) for _ in range(2)]
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    dropout.draw_from((0, 1, 3))
    assert not torch.equal(first[0], dropout_mask(torch.Size((64,)), 0.5, torch.float32))
    assert not torch.equal(first[0], first[1])


def test_cheap_dropout_drops_in_training_only_and_in_the_gradient_too() -> None:
    layer = CheapDropout(0.5)
    x = torch.randn(100, 100, requires_grad=True)
    out = layer(x)
    out.sum().backward()
    assert x.grad is not None
    assert torch.equal(out == 0, x.grad == 0)
    assert 0.45 < float((out == 0).float().mean()) < 0.55
    assert layer.eval()(x) is x
    assert CheapDropout(0.0)(x) is x


def test_a_network_with_cheap_dropout_learns() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(4, 32), torch.nn.Dropout(0.1), torch.nn.Linear(32, 1))
    faster._cheap_dropout(network)
    assert isinstance(network[1], CheapDropout)
    x = torch.randn(256, 4)
    y = x.sum(1, keepdim=True)
    adamw = torch.optim.AdamW(network.parameters(), lr=0.01)
    for _ in range(100):
        adamw.zero_grad()
        torch.nn.functional.mse_loss(network(x), y).backward()
        adamw.step()
    assert torch.nn.functional.mse_loss(network.eval()(x), y).item() < 0.1


def test_dropped_attention_has_the_gradient_of_what_it_computed() -> None:
    def attention(q: Any, k: Any, v: Any) -> Any:
        torch.manual_seed(3)
        return faster._Attention.apply(q, k, v, None, 0.5, 0.25)

    inputs = [torch.randn(2, 2, 5, 3, dtype=torch.float64).float().requires_grad_() for _ in range(3)]
    q, k, v = inputs
    torch.manual_seed(3)
    mask = dropout_mask(torch.Size((4, 5, 5)), 0.25, torch.float32).view(2, 2, 5, 5)
    plain = (torch.softmax(q @ k.transpose(2, 3) * 0.5, -1) * mask) @ v
    upstream = torch.randn_like(plain)
    expected = torch.autograd.grad(plain, inputs, upstream)
    out = attention(*inputs)
    torch.testing.assert_close(out, plain)
    torch.testing.assert_close(torch.autograd.grad(out, inputs, upstream), expected)
