"""One layer of an LSTM or GRU over whole sequences, forward and backward in time.

Nothing is masked. Sequences start in the first row and padding follows them, so that it is read after all that counts;
for the backward direction each sequence is reversed at its own length.

The LSTM is torch's, which on a CPU is oneDNN's; on a GPU so is the GRU. On a CPU there is no such GRU: torch records a
dozen small operations a step. So it has its own gradient here. The loop over time holds what depends on the step
before; the rest is computed for a few steps at once while they are in the cache, and the large products for all steps
in one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, autograd

from textgraft.recurrent.numpy_network import Cell

GATES: dict[Cell, int] = {"lstm": 4, "gru": 3}
BLOCK = 4  # steps whose gates are prepared together


def run_layer(
    cell: Cell,
    x: Tensor,
    reversed_rows: Tensor,
    input_weight: Tensor,
    recurrent_weight: Tensor,
    input_bias: Tensor,
    recurrent_bias: Tensor,
    low: torch.dtype,
) -> Tensor:
    """The states of one layer; the formulas and the order of the gates are those of ``torch.nn.LSTM`` and ``GRU``.

    Args:
        cell: what kind.
        x: (t, b, n) inputs of t steps; those of padding must be finite.
        reversed_rows: (t * b,) for each step and sequence, in which row of ``x`` (as a matrix) it stands once every
            sequence is reversed at its own length.
        input_weight: (d, g * h, n) for g gates, h hidden units and one or two directions d.
        recurrent_weight: (d, g * h, h).
        input_bias: (d, g * h).
        recurrent_bias: (d, g * h).
        low: the type in which large products are computed; in an LSTM all of it, in a GRU those over all steps.

    Returns:
        (t, b, d * h) states, of both directions in the order of the sequence.
    """

    def turned(x: Tensor) -> Tensor:
        return x.flatten(0, 1).index_select(0, reversed_rows).view_as(x)

    weights = (input_weight, recurrent_weight, input_bias, recurrent_bias)
    given = x.to(low)
    ways = given[None] if len(input_weight) == 1 else torch.stack([given, turned(given)])
    if cell == "gru" and x.device.type == "cpu":
        states: Tensor = _Gru.apply(ways, *weights, low)  # type: ignore[no-untyped-call]
    else:
        start = ways.new_zeros(1, x.shape[1], recurrent_weight.shape[2])
        how = (True, 1, 0.0, True, False, False)  # biases, one layer, no dropout, in training, one way, time first
        outputs = []
        for i, way in enumerate(ways):
            parameters = [weight[i].to(low) for weight in weights]
            if cell == "lstm":
                outputs.append(torch.lstm(way, (start, start), parameters, *how)[0])
            else:
                outputs.append(torch.gru(way, start, parameters, *how)[0])
        states = torch.stack(outputs).to(x.dtype)
    return states[0] if len(states) == 1 else torch.cat([states[0], turned(states[1])], dim=2)


class _Gru(autograd.Function):
    """Cho et al. 2014 (arXiv:1406.1078), with the reset gate after the product as in cuDNN.

    On a CPU the sigmoid is five times as fast as tanh, so tanh(a) is computed as 2 sigmoid(2a) - 1.
    """

    @staticmethod
    def forward(ctx: Any, xs: Tensor, wx: Tensor, wh: Tensor, bx: Tensor, bh: Tensor, low: torch.dtype) -> Tensor:
        """(d, t, b, h) states from (d, t, b, n) inputs in ``low``, in each direction's own order."""
        directions, steps, batch, _ = xs.shape
        hidden = wh.shape[2]
        # The candidate's products are doubled, see above.
        doubled = torch.cat([wh.new_ones(2 * hidden), wh.new_full((hidden,), 2.0)])
        rows = even(xs)
        inputs = by_step(torch.bmm(rows, (wx * doubled[:, None]).to(low).transpose(1, 2)), steps, batch)
        turned = (wh * doubled[:, None]).transpose(1, 2).contiguous()
        given, bias = (bx * doubled)[:, None, None], (bh * doubled)[:, None]
        gates = wh.new_empty(steps, directions, batch, 2 * hidden)  # reset, update
        fresh = wh.new_empty(steps, directions, batch, hidden)  # the candidate states
        candidates = wh.new_empty(steps, directions, batch, hidden)  # what the reset gate is multiplied with, doubled
        states = wh.new_empty(steps + 1, directions, batch, hidden)
        states[0] = 0
        products = wh.new_empty(directions, batch, 3 * hidden)
        first, last = products[..., : 2 * hidden], products[..., 2 * hidden :]
        before = states[0]
        for start in range(0, steps, BLOCK):
            block = slice(start, start + BLOCK)
            now = (inputs[:, block] + given).transpose(0, 1)
            each = zip(
                now[..., : 2 * hidden].unbind(), now[..., 2 * hidden :].unbind(), gates[block].unbind(),
                gates[block, ..., :hidden].unbind(), gates[block, ..., hidden:].unbind(), fresh[block].unbind(),
                candidates[block].unbind(), states[start + 1 : start + 1 + BLOCK].unbind(), strict=True,
            )  # fmt: skip
            for x_gates, x_fresh, both, reset, update, new, through, after in each:
                torch.baddbmm(bias, before, turned, out=products)
                torch.add(x_gates, first, out=both).sigmoid_()
                through.copy_(last)
                torch.addcmul(x_fresh, reset, last, out=new).sigmoid_()
                new.mul_(2).sub_(1)
                torch.lerp(new, before, update, out=after)
                before = after
        ctx.save_for_backward(rows, wx, wh, gates, fresh, candidates, states)
        ctx.low = low
        return states[1:].transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Backpropagation through time; the state's gradient is carried from step to step in ``carried``."""
        rows, wx, wh, gates, fresh, candidates, states = ctx.saved_tensors
        low, upstream = ctx.low, gradients[0].transpose(0, 1)
        steps, directions, batch, hidden = fresh.shape
        # Of the products of the two gates, of the candidate's input and of its state: the first two lie together.
        of_gates, of_input, of_state = (
            rows.new_zeros(directions, rows.shape[1], width) for width in (2 * hidden, hidden, hidden)
        )
        parts = [
            (by_step(part, steps, batch), first)
            for part, first in ((of_gates, hidden), (of_input, 0), (of_state, 3 * hidden))
        ]
        carried, scratch = wh.new_zeros(directions, batch, hidden), wh.new_empty(directions, batch, hidden)
        for start in range((steps - 1) // BLOCK * BLOCK, -1, -BLOCK):
            block = slice(start, start + BLOCK)
            reset, update, new = gates[block, ..., :hidden], gates[block, ..., hidden:], fresh[block]
            # A state's gradient times these is that of the products.
            slope = wh.new_empty(*new.shape[:3], 4, hidden)
            left = 1 - update
            torch.mul(left, 1 - new * new, out=slope[..., 0, :])
            torch.mul(slope[..., 0, :], reset, out=slope[..., 3, :])
            torch.mul((candidates[block] * 0.5).mul_(1 - reset), slope[..., 3, :], out=slope[..., 1, :])
            torch.mul((states[block][: len(new)] - new).mul_(update), left, out=slope[..., 2, :])
            flat = slope.flatten(3)
            grad = upstream[block].clone(memory_format=torch.contiguous_format)
            each = zip(
                grad.unbind(), grad.unsqueeze(3).unbind(), slope.unbind(), flat[..., hidden:].unbind(), update.unbind(),
                strict=True,
            )  # fmt: skip
            for gradient, spread, factors, products, passed in reversed(list(each)):
                gradient.add_(carried)
                factors.mul_(spread)
                torch.mul(gradient, passed, out=scratch)
                torch.baddbmm(scratch, products, wh, out=carried)
            for part, first in parts:
                part[:, block] = flat[..., first : first + part.shape[3]].transpose(0, 1)
        before = even(states[:-1].transpose(0, 1).to(low))
        of_wx = [torch.bmm(part.transpose(1, 2), rows) for part in (of_gates, of_input)]
        of_wh = [torch.bmm(part.transpose(1, 2), before) for part in (of_gates, of_state)]
        of_xs = None
        if ctx.needs_input_grad[0]:
            weight = wx.to(low)
            of_xs = torch.bmm(of_gates, weight[:, : 2 * hidden])
            of_xs = by_step(of_xs.baddbmm_(of_input, weight[:, 2 * hidden :]), steps, batch)
        ones = rows.new_ones(directions, 1, rows.shape[1])  # a product is faster than a sum over rows
        gate, grad, state = (torch.bmm(ones, part)[:, 0] for part in (of_gates, of_input, of_state))
        totals = (torch.cat(of_wx, 1), torch.cat(of_wh, 1), torch.cat([gate, grad], 1), torch.cat([gate, state], 1))
        return of_xs, *(gradient.to(wh.dtype) for gradient in totals), None


def even(x: Tensor) -> Tensor:
    """(d, rows, n) from (d, t, b, n): the steps below each other, and some rows of zeros.

    There are only eight numbers of rows between one power of two and the next. oneDNN makes a program for each that it
    meets and keeps it; with one for each batch, a training held a gigabyte more.
    """
    directions, steps, batch, width = x.shape
    grain = 1 << max(0, (steps * batch - 1).bit_length() - 4)
    rows = x.new_zeros(directions, -(-steps * batch // grain) * grain, width)
    by_step(rows, steps, batch).copy_(x)
    return rows


def by_step(rows: Tensor, steps: int, batch: int) -> Tensor:
    """(d, t, b, n): the steps that (d, rows, n) rows start with."""
    return rows[:, : steps * batch].view(len(rows), steps, batch, -1)
