"""One recurrent layer: the states and gradients of torch's own packed layers, whatever the padding."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from textgraft.recurrent.cells import by_step, even, run_layer
from textgraft.recurrent.numpy_network import Cell

WIDTH, HIDDEN = 5, 4
LENGTHS = torch.tensor([7, 1, 4, 7, 2])


def reversed_rows(lengths: Tensor, steps: int) -> Tensor:
    """Row numbers written out sequence by sequence."""
    rows = torch.arange(steps * len(lengths)).view(steps, len(lengths))
    for column, length in enumerate(lengths.tolist()):
        rows[:length, column] = rows[:length, column].flip(0)
    return rows.flatten()


def reference(cell: Cell, directions: int) -> nn.LSTM | nn.GRU:
    torch.manual_seed(3)
    kind = nn.LSTM if cell == "lstm" else nn.GRU
    return kind(WIDTH, HIDDEN, bidirectional=directions == 2).double()


def weights_of(layer: nn.LSTM | nn.GRU, directions: int) -> list[Tensor]:
    ends = ["_l0", "_l0_reverse"][:directions]
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return [torch.stack([getattr(layer, name + end) for end in ends]).detach().requires_grad_() for name in names]


def inputs(steps: int = 7) -> Tensor:
    return torch.randn(steps, len(LENGTHS), WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def valid(states: Tensor) -> Tensor:
    """The states with zeros where there is padding."""
    return states * (torch.arange(len(states))[:, None] < LENGTHS)[..., None]


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_states_and_gradients_are_those_of_torchs_packed_layer(cell: Cell, directions: int) -> None:
    layer = reference(cell, directions)
    x = inputs().requires_grad_()
    packed, _ = layer(pack_padded_sequence(x, LENGTHS, enforce_sorted=False))
    expected, _ = pad_packed_sequence(packed, total_length=len(x))
    how = torch.randn(expected.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    (expected * how).sum().backward()

    own_x, weights = inputs().requires_grad_(), weights_of(layer, directions)
    states = valid(run_layer(cell, own_x, reversed_rows(LENGTHS, len(x)), *weights, torch.float64))
    (states * how).sum().backward()

    torch.testing.assert_close(states, expected)
    torch.testing.assert_close(own_x.grad, x.grad)
    for name, own in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), weights, strict=True):
        ends = ["_l0", "_l0_reverse"][:directions]
        torch.testing.assert_close(own.grad, torch.stack([getattr(layer, name + end).grad for end in ends]))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_more_padding_and_what_stands_in_it_change_no_state(cell: Cell) -> None:
    weights = weights_of(reference(cell, 2), 2)
    x = inputs()
    short = run_layer(cell, x, reversed_rows(LENGTHS, 7), *weights, torch.float64)
    longer = torch.cat([x, torch.full((5, len(LENGTHS), WIDTH), 1e6, dtype=torch.float64)])
    for column, length in enumerate(LENGTHS.tolist()):
        longer[length:, column] = -1e6
    long = run_layer(cell, longer, reversed_rows(LENGTHS, 12), *weights, torch.float64)
    torch.testing.assert_close(valid(long[:7]), valid(short))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_bf16_products_come_near(cell: Cell) -> None:
    weights = [w.detach().float() for w in weights_of(reference(cell, 2), 2)]
    x, rows = inputs().float(), reversed_rows(LENGTHS, 7)
    exact = run_layer(cell, x, rows, *weights, torch.float32)
    torch.testing.assert_close(run_layer(cell, x, rows, *weights, torch.bfloat16), exact, atol=0.03, rtol=0.03)


@given(steps=st.integers(1, 3_000), batch=st.integers(1, 64))
def test_rows_of_zeros_are_few_and_follow_the_steps(steps: int, batch: int) -> None:
    x = torch.arange(1.0, 2 * steps * batch + 1).view(2, steps, batch, 1)
    rows = even(x)
    assert torch.equal(by_step(rows, steps, batch), x)
    assert not rows[:, steps * batch :].any()
    assert steps * batch <= rows.shape[1] <= steps * batch * 9 / 8


def test_products_have_few_sizes() -> None:
    sizes = {even(torch.zeros(1, steps, 16, 1)).shape[1] for steps in range(64, 2_049)}
    assert len(sizes) == 1 + 5 * 8  # from 2 ** 10 to 2 ** 15 rows
