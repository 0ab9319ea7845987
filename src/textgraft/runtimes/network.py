"""A network as operators one behind the other, and what it takes at most: worked out from sizes, nothing computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from textgraft.limits import ACTIVATIONS
from textgraft.runtimes import shapes
from textgraft.runtimes.shapes import MOST_DIMENSIONS, Tensor
from textgraft.runtimes.sizes import NOTHING, TOKENS, Size, UnboundedError
from textgraft.unicode import quoted

LIGHT_WORK: Final = 10**12  # multiplications that any network may take for a batch: seconds


@dataclass(frozen=True)
class Node:
    """An operator.

    Attributes:
        kind: its name.
        inputs: names of tensors; an empty one is left out.
        outputs: names of tensors that it makes.
        attributes: whole numbers, texts, lists of them, and tensors.
    """

    kind: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    attributes: Mapping[str, Any] = field(default_factory=dict)


Made = tuple[Sequence[Tensor], Size]  # what an operator makes, and the multiplications that it takes
Operator = Callable[[Node, Sequence[Tensor]], Made]
NO_TENSOR: Final = Tensor(())  # in place of an input that is left out


def by_name(operators: Mapping[str, Operator]) -> dict[str, Operator]:
    """A table in which several names stand before what is true of all of them, taken apart."""
    return {name: operator for names, operator in operators.items() for name in names.split()}


def _counted(node: Node, inputs: Sequence[Tensor]) -> Made:
    return [shapes.counted(node.kind, *inputs)], NOTHING


def _tiled(node: Node, inputs: Sequence[Tensor]) -> Made:
    return [shapes.tiled(inputs[0], shapes.sizes_in(inputs[1], node.kind))], NOTHING


def _like_ids(_node: Node, inputs: Sequence[Tensor]) -> Made:
    return [Tensor(inputs[1].shape)], NOTHING


SHARED: Final[dict[str, Operator]] = {"Range": _counted, "Tile": _tiled, "GatherElements": _like_ids}
"""Operators of which all formats say the same in the same way."""


def check_sizes(
    nodes: Iterable[Node], tensors: Mapping[str, Tensor], operators: Mapping[str, Operator], file_bytes: int
) -> None:
    """Checks that all operators are known, and that a batch takes bounded memory and time.

    Args:
        nodes: each behind those that make what it reads.
        tensors: those that are there before: inputs and constants.
        operators: what is known, by name.
        file_bytes: of the file, to which weights that are unpacked, and products with them, are in proportion.

    Raises:
        UnboundedError: for anything else.
    """
    nodes = list(nodes)
    last = {name: i for i, node in enumerate(nodes) for name in node.inputs}
    there, alive = dict(tensors), dict[str, int]()
    fixed = work = held = peak = 0
    for i, node in enumerate(nodes):
        made, multiplications = _made(node, there, operators)
        work += multiplications.most
        for name, tensor in zip(node.outputs, made, strict=False):
            _check_shape(node.kind, tensor)
            if name in there:
                raise UnboundedError(f"the name {quoted(name[:80])} is given twice")
            if not name:
                continue
            there[name] = tensor
            most = tensor.numbers.most
            if tensor.numbers.constant is None:
                alive[name], held = most, held + most
            else:
                fixed += most
        peak = max(peak, held)
        for name in {*node.inputs, *node.outputs} & alive.keys():
            if last.get(name, i) <= i:
                held -= alive.pop(name)
    _check_sums(fixed, peak, work, file_bytes)


def _made(node: Node, there: Mapping[str, Tensor], operators: Mapping[str, Operator]) -> Made:
    if node.kind not in operators:
        raise UnboundedError(f"it has the operator {quoted(node.kind[:80])}, which no export has")
    if unknown := [name for name in node.inputs if name and name not in there]:
        raise UnboundedError(
            f"the operator {quoted(node.kind)} reads {quoted(unknown[0][:80])}, which nothing before it makes"
        )
    made, work = operators[node.kind](node, [there[name] if name else NO_TENSOR for name in node.inputs])
    if len(made) < len(node.outputs):
        raise UnboundedError(f"the operator {quoted(node.kind)} has {len(node.outputs)} outputs")
    return made, work


def _check_shape(kind: str, tensor: Tensor) -> None:
    powers = tensor.numbers.terms
    if len(tensor.shape) > MOST_DIMENSIONS or any(n > 1 or length > 2 for n, length in powers):
        raise UnboundedError(
            f"the operator {quoted(kind)} makes {len(tensor.shape)} dimensions of ({tensor.numbers}) numbers; no "
            "network of an export takes more than in proportion to the texts and to the square of their length"
        )


def _check_sums(fixed: int, peak: int, work: int, file_bytes: int) -> None:
    unpacked = max(0, fixed - 4 * file_bytes)
    if sentence := ACTIVATIONS.exceeded(max(peak, unpacked), f"numbers that it holds for {TOKENS:,} tokens"):
        raise UnboundedError(sentence.rstrip("."))
    if work > LIGHT_WORK + TOKENS * file_bytes:
        raise UnboundedError(
            f"it takes {work:,} multiplications for {TOKENS:,} tokens, far more than go with its {file_bytes:,} bytes"
        )
