"""The operators of ONNX that exports have, and the sizes of what they make (onnx.ai/onnx/operators)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textgraft.runtimes import shapes, sizes
from textgraft.runtimes.network import NO_TENSOR, SHARED, Made, Node, Operator, by_name
from textgraft.runtimes.shapes import Tensor
from textgraft.runtimes.sizes import NOTHING, Operation, UnboundedError, whole
from textgraft.unicode import quoted

WHOLE_NUMBERS: Final = {6, 7}  # int32 and int64, of which values are followed

Inputs = Sequence[Tensor]


def _given(inputs: Inputs, i: int) -> Tensor | None:
    return inputs[i] if i < len(inputs) and inputs[i] is not NO_TENSOR else None


def _numbers(node: Node, inputs: Inputs, i: int, name: str) -> list[int] | None:
    """Whole numbers that are an attribute or, since later releases of ONNX, an input."""
    tensor = _given(inputs, i)
    return shapes.constants_in(tensor, node.kind) if tensor is not None else node.attributes.get(name)


def _elements(operation: Operation | None = None) -> Operator:
    return lambda _, inputs: ([shapes.elementwise([x for x in inputs if x is not NO_TENSOR], operation)], NOTHING)


def _same(node: Node, inputs: Inputs) -> Made:
    return [inputs[0]] if node.kind == "Identity" else [Tensor(inputs[0].shape)] * len(node.outputs), NOTHING


def _cast(node: Node, inputs: Inputs) -> Made:
    return [shapes.converted(inputs[0], keeps=node.attributes.get("to") in WHOLE_NUMBERS)], NOTHING


def _constant(node: Node, _inputs: Inputs) -> Made:
    value = node.attributes.get("value", node.attributes.get("value_ints", node.attributes.get("value_int")))
    if isinstance(value, int):
        return [Tensor((), (whole(value),))], NOTHING
    if isinstance(value, list):
        return [Tensor((whole(len(value)),), tuple(map(whole, value)))], NOTHING
    if not isinstance(value, Tensor):
        raise UnboundedError("a constant holds no tensor")
    return [value], NOTHING


def _shape(node: Node, inputs: Inputs) -> Made:
    part = inputs[0].shape[node.attributes.get("start", 0) : node.attributes.get("end")]
    return [Tensor((whole(len(part)),), part)], NOTHING


def _gather(node: Node, inputs: Inputs) -> Made:
    return [shapes.gathered(inputs[0], inputs[1], node.attributes.get("axis", 0))], NOTHING


def _squeeze(node: Node, inputs: Inputs) -> Made:
    return [shapes.squeezed(inputs[0], _numbers(node, inputs, 1, "axes"))], NOTHING


def _unsqueeze(node: Node, inputs: Inputs) -> Made:
    return [shapes.unsqueezed(inputs[0], _numbers(node, inputs, 1, "axes") or [])], NOTHING


def _concat(node: Node, inputs: Inputs) -> Made:
    return [shapes.concatenated(inputs, node.attributes["axis"])], NOTHING


def _slice(node: Node, inputs: Inputs) -> Made:
    data, starts, ends = inputs[0], inputs[1], inputs[2]
    count = len(starts.values or ())
    axes, steps = _numbers(node, inputs, 3, "axes"), _numbers(node, inputs, 4, "steps")
    if starts.values is None or ends.values is None or not count == len(ends.values):
        raise UnboundedError("Slice reads starts and ends that are not followed")
    for axis, start, end, step in zip(
        axes or range(count), starts.values, ends.values, steps or [1] * count, strict=True
    ):
        data = shapes.sliced(data, axis, start, end, step)
    return [data], NOTHING


def _split(node: Node, inputs: Inputs) -> Made:
    parts = _numbers(node, inputs, 1, "split") or len(node.outputs)
    return shapes.split(inputs[0], node.attributes.get("axis", 0), parts), NOTHING


def _reshape(node: Node, inputs: Inputs) -> Made:
    return [shapes.reshaped(inputs[0], inputs[1], zero_copies=not node.attributes.get("allowzero", 0))], NOTHING


def _expand(node: Node, inputs: Inputs) -> Made:
    return [Tensor(shapes.broadcast([inputs[0].shape, tuple(shapes.sizes_in(inputs[1], node.kind))]))], NOTHING


def _filled(node: Node, inputs: Inputs) -> Made:
    fill = node.attributes.get("value")
    return [
        shapes.filled(tuple(shapes.sizes_in(inputs[0], node.kind)), fill if isinstance(fill, Tensor) else NO_TENSOR)
    ], NOTHING


def _transpose(node: Node, inputs: Inputs) -> Made:
    return [shapes.transposed(inputs[0], node.attributes.get("perm", []))], NOTHING


def _reduce(node: Node, inputs: Inputs) -> Made:
    axes = _numbers(node, inputs, 1, "axes") or (None if not node.attributes.get("noop_with_empty_axes", 0) else [])
    return [shapes.reduced(inputs[0], axes, keep=bool(node.attributes.get("keepdims", 1)))], NOTHING


def _arg(node: Node, inputs: Inputs) -> Made:
    keep = bool(node.attributes.get("keepdims", 1))
    return [shapes.reduced(inputs[0], [node.attributes.get("axis", 0)], keep=keep)], NOTHING


def _product(_node: Node, inputs: Inputs) -> Made:
    made, work = shapes.product(inputs[0], inputs[1])
    return [made], work


def _gemm(node: Node, inputs: Inputs) -> Made:
    turn = bool(node.attributes.get("transA", 0)), bool(node.attributes.get("transB", 0))
    made, work = shapes.product(inputs[0], inputs[1], turn=turn)
    return [shapes.elementwise([made, *inputs[2:3]])], work


def _gather_nd(node: Node, inputs: Inputs) -> Made:
    return [shapes.gathered_elements(inputs[0], inputs[1], node.attributes.get("batch_dims", 0))], NOTHING


def _quantised(_node: Node, inputs: Inputs) -> Made:
    return [Tensor(inputs[0].shape), Tensor(()), Tensor(())], NOTHING


def _pad(node: Node, inputs: Inputs) -> Made:
    pads = _numbers(node, inputs, 1, "pads") or []
    axes = _numbers(node, inputs, 3, "axes") or list(range(len(pads) // 2))
    return [shapes.padded(inputs[0], pads[: len(axes)], pads[len(axes) :], axes)], NOTHING


def _conv(node: Node, inputs: Inputs) -> Made:
    if node.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise UnboundedError("a convolution pads as it likes")
    kernel = inputs[1].shape
    options = {name: node.attributes.get(given, ()) for name, given in
               (("pads", "pads"), ("strides", "strides"), ("steps", "dilations"))}  # fmt: skip
    made, work = shapes.convolved(inputs[0], kernel[1:], kernel[0], **options)
    return [made], work


def _recurrent(node: Node, inputs: Inputs) -> Made:
    length, texts, width = inputs[0].shape
    hidden, directions = node.attributes.get("hidden_size"), inputs[1].shape[0].constant
    if not isinstance(hidden, int) or hidden < 1 or directions not in (1, 2) or node.attributes.get("layout", 0):
        raise UnboundedError(f"the operator {quoted(node.kind)} does not say how many states it has")
    states, each = whole(hidden), whole(4 * directions * hidden)
    end = Tensor((whole(directions), texts, states))
    return [Tensor((length, *end.shape)), end, end], length * texts * (width + states) * each


def _layer_norm(_node: Node, inputs: Inputs) -> Made:
    return [Tensor(inputs[0].shape)] * 3, NOTHING


def _fourier(node: Node, inputs: Inputs) -> Made:
    if node.attributes.get("onesided", 0) or _given(inputs, 1):
        raise UnboundedError("DFT gives another length")
    return [Tensor((*inputs[0].shape[:-1], whole(2)))], NOTHING


OPERATORS: Final = by_name(
    SHARED
    | {
        "Add": _elements(sizes.ADD),
        "Sub": _elements(sizes.SUBTRACT),
        "Mul": _elements(sizes.MULTIPLY),
        "Div": _elements(sizes.DIVIDE),
        "Min": _elements(sizes.MINIMUM),
        "Max": _elements(sizes.MAXIMUM),
        "Equal": _elements(sizes.EQUAL),
        "Where": _elements(sizes.chosen),
        "And Or Xor Greater GreaterOrEqual Less LessOrEqual Pow Mod PRelu BitShift BitwiseAnd BitwiseOr": _elements(),
        "Identity Abs Ceil Clip Cos Elu Erf Exp Floor Gelu HardSigmoid HardSwish IsNaN LeakyRelu Log Neg Not "
        "Reciprocal Relu Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt Tanh Trilu CumSum Softmax LogSoftmax "
        "Dropout ReverseSequence QuantizeLinear DequantizeLinear BatchNormalization InstanceNormalization": _same,
        "LayerNormalization": _layer_norm,
        "Cast": _cast,
        "Constant": _constant,
        "Shape": _shape,
        "Gather": _gather,
        "GatherND": _gather_nd,
        "Squeeze": _squeeze,
        "Unsqueeze": _unsqueeze,
        "Concat": _concat,
        "Slice": _slice,
        "Split": _split,
        "Reshape": _reshape,
        "Expand": _expand,
        "ConstantOfShape": _filled,
        "Transpose": _transpose,
        "ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare": _reduce,
        "ArgMax ArgMin": _arg,
        "MatMul MatMulInteger": _product,
        "Gemm": _gemm,
        "DynamicQuantizeLinear": _quantised,
        "DFT": _fourier,
        "Pad": _pad,
        "Conv": _conv,
        "GRU LSTM DynamicQuantizeLSTM": _recurrent,
    }
)
