"""One layer of an LSTM or GRU over whole sequences, forward and backward in time at once, with its own gradient.

Autograd would record a dozen small operations a step, and ``torch.nn.GRU`` on a CPU does just that. Here the loop over
time holds what depends on the step before and nothing else: one matrix product and a few operations in place. All that
can be is done for all steps in one: the inputs' products before the loop, the derivatives of the gates before the way
back, the weights' gradients after it.

Nothing is masked. Sequences start in the first row and padding follows them, so that it is read after all that counts;
for the backward direction each sequence is reversed at its own length.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, autograd

Cell = Literal["lstm", "gru"]
GATES: dict[Cell, int] = {"lstm": 4, "gru": 3}


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
        low: the type in which the large products are computed, those over all steps.

    Returns:
        (t, b, d * h) states, of both directions in the order of the sequence.
    """
    layer = _Lstm if cell == "lstm" else _Gru
    weights = (input_weight, recurrent_weight, input_bias, recurrent_bias)
    result: Tensor = layer.apply(x, reversed_rows, *weights, low)  # type: ignore[no-untyped-call]
    return result


def product(a: Tensor, b: Tensor, low: torch.dtype) -> Tensor:
    """``a @ b`` in the type of ``a``, computed in ``low``."""
    return (a.to(low) @ b.to(low)).to(a.dtype)


class _Layer(autograd.Function):
    """What both cells share: the products over all steps, and turning the backward direction round."""

    @staticmethod
    def inputs(x: Tensor, reversed_rows: Tensor, weight: Tensor, bias: Tensor, low: torch.dtype) -> Tensor:
        """(d, t, b, g * h) products of inputs and weights, the second direction's reversed in time."""
        steps, batch, width = x.shape
        rows = x.reshape(-1, width)
        parts = []
        for direction, (w, b) in enumerate(zip(weight, bias, strict=True)):
            part = product(rows, w.t(), low).add_(b)
            parts.append(part if direction == 0 else part.index_select(0, reversed_rows))
        return torch.stack(parts).view(len(parts), steps, batch, -1)

    @staticmethod
    def outputs(states: Tensor, reversed_rows: Tensor) -> Tensor:
        """(t, b, d * h) from (t, d, b, h) states, the second direction's turned round again."""
        steps, directions, batch, hidden = states.shape
        if directions == 1:
            return states[:, 0].contiguous()
        second = states[:, 1].reshape(-1, hidden).index_select(0, reversed_rows)
        return torch.cat([states[:, 0], second.view(steps, batch, hidden)], dim=2)

    @staticmethod
    def upstream(gradient: Tensor, reversed_rows: Tensor, directions: int) -> Tensor:
        """(t, d, b, h) gradients of the states from (t, b, d * h) of the outputs."""
        steps, batch, width = gradient.shape
        hidden = width // directions
        result = gradient.new_empty(steps, directions, batch, hidden)
        result[:, 0] = gradient[..., :hidden]
        if directions == 2:
            second = gradient[..., hidden:].reshape(-1, hidden).index_select(0, reversed_rows)
            result[:, 1] = second.view(steps, batch, hidden)
        return result

    @staticmethod
    def weight_gradients(
        x: Tensor,
        reversed_rows: Tensor,
        input_weight: Tensor,
        of_inputs: Tensor,
        of_states: Tensor,
        before: Tensor,
        low: torch.dtype,
        wants_x: bool,
    ) -> tuple[Tensor | None, Tensor, Tensor, Tensor, Tensor]:
        """The gradients of x, input weights, recurrent weights and both biases.

        Args:
            x: as given.
            reversed_rows: as given.
            input_weight: as given.
            of_inputs: (d, t * b, g * h) gradients of the inputs' products, in each direction's own order.
            of_states: (d, t * b, g * h) gradients of the states' products.
            before: (d, t * b, h) the states before each step.
            low: as given.
            wants_x: whether the gradient of x is of use.
        """
        rows = x.reshape(-1, x.shape[2]).to(low)
        input_bias, recurrent_bias = of_inputs.sum(1), of_states.sum(1)
        recurrent_weight = product(of_states.transpose(1, 2), before, low)
        x_gradient, weights = None, []
        for direction, weight in enumerate(input_weight):
            own = of_inputs[direction].to(low)
            if direction:
                own = own.index_select(0, reversed_rows)
            weights.append((own.t() @ rows).to(x.dtype))
            if wants_x:
                part = (own @ weight.to(low)).to(x.dtype)
                x_gradient = part if x_gradient is None else x_gradient.add_(part)
        shaped = None if x_gradient is None else x_gradient.view_as(x)
        return shaped, torch.stack(weights), recurrent_weight, input_bias, recurrent_bias


def _by_direction(values: Tensor) -> Tensor:
    """(d, t * b, n) from (t, d, b, n)."""
    return values.transpose(0, 1).reshape(values.shape[1], -1, values.shape[3])


class _Gru(_Layer):
    """Cho et al. 2014 (arXiv:1406.1078), with the reset gate after the product as in cuDNN."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, reversed_rows: Tensor, wx: Tensor, wh: Tensor, bx: Tensor, bh: Tensor, low: torch.dtype
    ) -> Tensor:
        steps, batch, _ = x.shape
        directions, _, hidden = wh.shape
        inputs = _Layer.inputs(x, reversed_rows, wx, bx, low).transpose(0, 1)
        gates = x.new_empty(steps, directions, batch, 2 * hidden)  # reset, update
        fresh = x.new_empty(steps, directions, batch, hidden)  # the candidate states
        kept = x.new_empty(steps, directions, batch, hidden)  # what the reset gate lets through or not
        states = x.new_zeros(steps + 1, directions, batch, hidden)
        turned, bias, products = (
            wh.transpose(1, 2).contiguous(),
            bh[:, None],
            x.new_empty(directions, batch, 3 * hidden),
        )
        first, last = products[..., : 2 * hidden], products[..., 2 * hidden :]
        each = zip(
            inputs[..., : 2 * hidden].unbind(), inputs[..., 2 * hidden :].unbind(), gates.unbind(),
            gates[..., :hidden].unbind(), gates[..., hidden:].unbind(), fresh.unbind(), kept.unbind(),
            states[:-1].unbind(), states[1:].unbind(), strict=True,
        )  # fmt: skip
        for x_gates, x_fresh, both, reset, update, new, through, before, after in each:
            torch.baddbmm(bias, before, turned, out=products)
            torch.add(x_gates, first, out=both).sigmoid_()
            through.copy_(last)
            torch.addcmul(x_fresh, reset, last, out=new).tanh_()
            torch.lerp(new, before, update, out=after)
        ctx.save_for_backward(x, reversed_rows, wx, wh, gates, fresh, kept, states)
        ctx.low = low
        return _Layer.outputs(states[1:], reversed_rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, reversed_rows, wx, wh, gates, fresh, kept, states = ctx.saved_tensors
        directions, _, hidden = wh.shape
        reset, update = gates[..., :hidden], gates[..., hidden:]
        # A state's gradient times these is that of the three products of the states before.
        slope = x.new_empty(*gates.shape[:3], 3 * hidden)
        to_fresh = (1 - update).mul_(1 - fresh.square())
        torch.mul(to_fresh, reset, out=slope[..., 2 * hidden :])
        torch.mul(kept, (1 - reset).mul_(slope[..., 2 * hidden :]), out=slope[..., :hidden])
        torch.mul(states[:-1] - fresh, (1 - update).mul_(update), out=slope[..., hidden : 2 * hidden])
        upstream = _Layer.upstream(gradients[0], reversed_rows, directions)
        by_gate = slope.view(*fresh.shape[:3], 3, hidden)
        scratch = torch.empty_like(upstream[0])
        steps = list(zip(upstream.unbind(), upstream.unsqueeze(3).unbind(), update.unbind(), by_gate.unbind(),
                         slope.unbind(), strict=True))  # fmt: skip
        for i in range(len(steps) - 1, -1, -1):
            above, spread, passed, factors, flat = steps[i]
            factors.mul_(spread)
            if i:
                below = steps[i - 1][0]
                torch.addcmul(below, above, passed, out=scratch)
                torch.baddbmm(scratch, flat, wh, out=below)
        of_states = _by_direction(slope)
        of_inputs = of_states.clone()
        torch.mul(_by_direction(upstream), _by_direction(to_fresh), out=of_inputs[..., 2 * hidden :])
        found = _Layer.weight_gradients(
            x, reversed_rows, wx, of_inputs, of_states, _by_direction(states[:-1]), ctx.low, ctx.needs_input_grad[0]
        )
        return (found[0], None, *found[1:], None)


class _Lstm(_Layer):
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, reversed_rows: Tensor, wx: Tensor, wh: Tensor, bx: Tensor, bh: Tensor, low: torch.dtype
    ) -> Tensor:
        steps, batch, _ = x.shape
        directions, _, hidden = wh.shape
        inputs = _Layer.inputs(x, reversed_rows, wx, bx + bh, low).transpose(0, 1)
        gates = x.new_empty(steps, directions, batch, 4 * hidden)  # input, forget, candidate, output
        cells = x.new_zeros(steps + 1, directions, batch, hidden)
        shown = x.new_empty(steps, directions, batch, hidden)  # tanh of the cells
        states = x.new_zeros(steps + 1, directions, batch, hidden)
        turned = wh.transpose(1, 2).contiguous()
        enter, forget, new, out = (gates[..., i * hidden : (i + 1) * hidden] for i in range(4))
        each = zip(
            inputs.unbind(), gates.unbind(), gates[..., : 2 * hidden].unbind(), enter.unbind(), forget.unbind(),
            new.unbind(), out.unbind(), cells[:-1].unbind(), cells[1:].unbind(), shown.unbind(),
            states[:-1].unbind(), states[1:].unbind(), strict=True,
        )  # fmt: skip
        for given, every, both, i, f, g, o, held, holds, tanh, before, after in each:
            torch.baddbmm(given, before, turned, out=every)
            both.sigmoid_()
            g.tanh_()
            o.sigmoid_()
            torch.mul(f, held, out=holds).addcmul_(i, g)
            torch.tanh(holds, out=tanh)
            torch.mul(o, tanh, out=after)
        ctx.save_for_backward(x, reversed_rows, wx, wh, gates, cells, shown, states)
        ctx.low = low
        return _Layer.outputs(states[1:], reversed_rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, reversed_rows, wx, wh, gates, cells, shown, states = ctx.saved_tensors
        directions, _, hidden = wh.shape
        enter, forget, new, out = (gates[..., i * hidden : (i + 1) * hidden] for i in range(4))
        slope = x.new_empty(*gates.shape)
        by_gate = slope.view(*shown.shape[:3], 4, hidden)
        # A cell's gradient times the first three, and a state's times the last, is that of the gates' products.
        torch.mul(new, enter * (1 - enter), out=by_gate[..., 0, :])
        torch.mul(cells[:-1], forget * (1 - forget), out=by_gate[..., 1, :])
        torch.mul(enter, 1 - new.square(), out=by_gate[..., 2, :])
        torch.mul(shown, out * (1 - out), out=by_gate[..., 3, :])
        to_cell = out * (1 - shown.square())
        upstream = _Layer.upstream(gradients[0], reversed_rows, directions)
        cell = torch.zeros_like(upstream[0])
        spread = cell.unsqueeze(2)
        steps = list(zip(upstream.unbind(), to_cell.unbind(), forget.unbind(), by_gate[..., :3, :].unbind(),
                         by_gate[..., 3, :].unbind(), slope.unbind(), strict=True))  # fmt: skip
        for i in range(len(steps) - 1, -1, -1):
            above, into, f, first, last, flat = steps[i]
            cell.addcmul_(above, into)
            first.mul_(spread)
            last.mul_(above)
            if i:
                cell.mul_(f)
                below = steps[i - 1][0]
                torch.baddbmm(below, flat, wh, out=below)
        every = _by_direction(slope)
        found = _Layer.weight_gradients(
            x, reversed_rows, wx, every, every, _by_direction(states[:-1]), ctx.low, ctx.needs_input_grad[0]
        )
        return (found[0], None, *found[1:], None)
