"""The layers of OpenVINO that exports have, and the sizes of what they make (docs.openvino.ai, "Operation Sets")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from textgraft.runtimes import shapes, sizes
from textgraft.runtimes.network import SHARED, Made, Node, Operator, by_name
from textgraft.runtimes.shapes import Tensor
from textgraft.runtimes.sizes import NOTHING, Operation, UnboundedError, whole
from textgraft.unicode import quoted

WHOLE_NUMBERS: Final = {"i32", "i64"}  # types of which values are followed

Inputs = Sequence[Tensor]


def _is(node: Node, name: str) -> bool:
    return str(node.attributes.get(name, "false")).lower() in ("true", "1")


def _number(node: Node, name: str, usual: int | None = None) -> int:
    value = node.attributes.get(name, usual)
    if value is None:
        raise UnboundedError(f"the operator {quoted(node.kind)} does not say its {name}")
    return int(value)


def _several(node: Node, name: str) -> list[int]:
    return [int(number) for number in node.attributes.get(name, "").split(",") if number.strip()]


def _axis(node: Node, inputs: Inputs, i: int) -> int:
    (axis,) = shapes.constants_in(inputs[i], node.kind)
    return axis


def _elements(operation: Operation | None = None) -> Operator:
    def apply(node: Node, inputs: Inputs) -> Made:
        if node.attributes.get("auto_broadcast", "numpy") != "numpy":
            raise UnboundedError(f"the operator {quoted(node.kind)} aligns shapes in a way of its own")
        return [shapes.elementwise(inputs, operation)], NOTHING

    return apply


def _same(_node: Node, inputs: Inputs) -> Made:
    return [Tensor(inputs[0].shape)], NOTHING


def _convert(node: Node, inputs: Inputs) -> Made:
    return [shapes.converted(inputs[0], keeps=node.attributes.get("destination_type") in WHOLE_NUMBERS)], NOTHING


def _shape(_node: Node, inputs: Inputs) -> Made:
    return [Tensor((whole(len(inputs[0].shape)),), inputs[0].shape)], NOTHING


def _gather(node: Node, inputs: Inputs) -> Made:
    batch = _number(node, "batch_dims", 0)
    return [
        shapes.gathered(inputs[0], inputs[1], _axis(node, inputs, 2), batch % max(len(inputs[1].shape), 1))
    ], NOTHING


def _gather_nd(node: Node, inputs: Inputs) -> Made:
    return [shapes.gathered_elements(inputs[0], inputs[1], _number(node, "batch_dims", 0))], NOTHING


def _squeeze(node: Node, inputs: Inputs) -> Made:
    return [shapes.squeezed(inputs[0], shapes.constants_in(inputs[1], node.kind) if len(inputs) > 1 else None)], NOTHING


def _unsqueeze(node: Node, inputs: Inputs) -> Made:
    return [shapes.unsqueezed(inputs[0], shapes.constants_in(inputs[1], node.kind))], NOTHING


def _concat(node: Node, inputs: Inputs) -> Made:
    return [shapes.concatenated(inputs, _number(node, "axis"))], NOTHING


def _slice(node: Node, inputs: Inputs) -> Made:
    data, starts, ends = inputs[0], inputs[1].values, inputs[2].values
    if starts is None or ends is None:
        raise UnboundedError("Slice reads starts and ends that are not followed")
    steps = shapes.constants_in(inputs[3], node.kind)
    axes = shapes.constants_in(inputs[4], node.kind) if len(inputs) > 4 else range(len(starts))
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        data = shapes.sliced(data, axis, start, end, step)
    return [data], NOTHING


def _split(node: Node, inputs: Inputs) -> Made:
    count = _number(node, "num_splits")
    if not 0 < count <= len(node.outputs):
        raise UnboundedError("Split makes more parts than it has outputs")
    return shapes.split(inputs[0], _axis(node, inputs, 1), count), NOTHING


def _variadic_split(node: Node, inputs: Inputs) -> Made:
    return shapes.split(inputs[0], _axis(node, inputs, 1), shapes.constants_in(inputs[2], node.kind)), NOTHING


def _reshape(node: Node, inputs: Inputs) -> Made:
    return [shapes.reshaped(inputs[0], inputs[1], zero_copies=_is(node, "special_zero"))], NOTHING


def _broadcast(node: Node, inputs: Inputs) -> Made:
    target = tuple(shapes.sizes_in(inputs[1], node.kind))
    if node.attributes.get("mode", "numpy") not in ("numpy", "bidirectional"):
        raise UnboundedError("Broadcast aligns shapes in a way of its own")
    return [shapes.filled(shapes.broadcast([inputs[0].shape, target]), inputs[0])], NOTHING


def _transpose(node: Node, inputs: Inputs) -> Made:
    return [shapes.transposed(inputs[0], shapes.constants_in(inputs[1], node.kind))], NOTHING


def _reduce(node: Node, inputs: Inputs) -> Made:
    return [shapes.reduced(inputs[0], shapes.constants_in(inputs[1], node.kind), keep=_is(node, "keep_dims"))], NOTHING


def _product(node: Node, inputs: Inputs) -> Made:
    made, work = shapes.product(inputs[0], inputs[1], turn=(_is(node, "transpose_a"), _is(node, "transpose_b")))
    return [made], work


def _top(node: Node, inputs: Inputs) -> Made:
    (count,) = shapes.sizes_in(inputs[1], node.kind)
    shape = list(inputs[0].shape)
    shape[shapes.axis_of(_number(node, "axis"), len(shape))] = count
    return [Tensor(tuple(shape))] * 2, NOTHING


def _pad(node: Node, inputs: Inputs) -> Made:
    before, behind = (shapes.constants_in(part, node.kind) for part in inputs[1:3])
    return [shapes.padded(inputs[0], before, behind, range(len(before)))], NOTHING


def _convolution(node: Node, inputs: Inputs) -> Made:
    kernel = inputs[1].shape
    if node.attributes.get("auto_pad", "explicit") not in ("explicit", "valid"):
        raise UnboundedError("a convolution pads as it likes")
    channels = kernel[0]
    if node.kind == "GroupConvolution":  # (groups, outputs, inputs, sizes ...)
        channels, kernel = kernel[0] * kernel[1], kernel[1:]
    options: dict[str, Any] = {"strides": _several(node, "strides"), "steps": _several(node, "dilations")}
    pads = _several(node, "pads_begin") + _several(node, "pads_end")
    made, work = shapes.convolved(inputs[0], kernel[1:], channels, pads=pads, **options)
    return [made], work


def _recurrent(node: Node, inputs: Inputs) -> Made:
    texts, length, width = inputs[0].shape
    hidden = _number(node, "hidden_size")
    if not 0 < hidden < sizes.WHOLE or node.attributes.get("direction", "forward") not in ("forward", "reverse"):
        raise UnboundedError(f"the operator {quoted(node.kind)} does not say how many states it has")
    states = whole(hidden)
    end = Tensor((texts, sizes.ONE, states))
    return [Tensor((texts, sizes.ONE, length, states)), end, end], length * texts * (width + states) * whole(4 * hidden)


def _result(_node: Node, _inputs: Inputs) -> Made:
    return [], NOTHING


OPERATORS: Final = by_name(
    SHARED
    | {
        "Add": _elements(sizes.ADD),
        "Subtract": _elements(sizes.SUBTRACT),
        "Multiply": _elements(sizes.MULTIPLY),
        "Divide": _elements(sizes.DIVIDE),
        "Minimum": _elements(sizes.MINIMUM),
        "Maximum": _elements(sizes.MAXIMUM),
        "Equal": _elements(sizes.EQUAL),
        "Select": _elements(sizes.chosen),
        "NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr LogicalXor Power Mod FloorMod PRelu "
        "SquaredDifference FakeQuantize": _elements(),
        "Abs Ceiling Clamp Cos CumSum DFT Elu Erf Exp Floor Gelu HSigmoid HSwish Log LogicalNot LogSoftmax Mish MVN "
        "Negative ReLU ReverseSequence Round Selu Sigmoid Sign Sin SoftMax SoftPlus Softsign Sqrt Swish Tanh": _same,
        "Convert": _convert,
        "ShapeOf": _shape,
        "Gather": _gather,
        "GatherND": _gather_nd,
        "Squeeze": _squeeze,
        "Unsqueeze": _unsqueeze,
        "Concat": _concat,
        "Slice": _slice,
        "Split": _split,
        "VariadicSplit": _variadic_split,
        "Reshape": _reshape,
        "Broadcast": _broadcast,
        "Transpose": _transpose,
        "ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum": _reduce,
        "MatMul": _product,
        "TopK": _top,
        "Pad": _pad,
        "Convolution GroupConvolution": _convolution,
        "GRUSequence LSTMSequence": _recurrent,
        "Result": _result,
    }
)
