"""How large an export becomes: worked out from its file, and more than a library makes of it, never less."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft.errors import ArtifactError
from textgraft.runtimes import network as networks
from textgraft.runtimes import open_runtime
from textgraft.runtimes.onnx_file import check_onnx
from textgraft.runtimes.shapes import Tensor
from textgraft.runtimes.sizes import Size

from ..trying import EXAMPLES

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from onnx import helper, numpy_helper  # noqa: E402

from .test_files_of_exports import FLOAT, INT64, network  # noqa: E402


def constant(model: Any, *numbers: int, single: bool = False) -> str:
    name = f"c{len(model.graph.initializer)}"
    array = np.array(numbers[0] if single else numbers, np.int64)
    model.graph.initializer.append(numpy_helper.from_array(array, name))
    return name


def node(model: Any, kind: str, *inputs: str, **attributes: Any) -> str:
    name = f"v{len(model.graph.node)}"
    model.graph.node.append(helper.make_node(kind, list(inputs), [name], **attributes))
    return name


def shape_of(model: Any, name: str = "input_ids") -> str:
    return node(model, "Shape", name)


def doubled(model: Any, times: int = 40) -> None:
    name = "rows"
    for _ in range(times):
        name = node(model, "Concat", name, name, axis=0)


def squared(model: Any) -> None:
    """(n, length) to (n, n), though each step is a usual one."""
    flat = node(model, "Cast", "input_ids", to=FLOAT)
    node(model, "MatMul", flat, node(model, "Transpose", flat, perm=[1, 0]))


def cubed(model: Any) -> None:
    count = node(model, "Gather", shape_of(model), constant(model, 1))
    node(model, "Expand", "weight", node(model, "Concat", count, count, count, axis=0))


def of_ids(model: Any) -> str:
    """A number that the texts decide."""
    return node(model, "ReduceMax", "input_ids", keepdims=0)


def less_and_more(model: Any) -> None:
    """10^9 more than a size, and 10^9 less, where 32 bits keep neither."""
    size = node(model, "Mul", shape_of(model), constant(model, 1 << 31, 1 << 31))
    short = node(model, "Cast", node(model, "Cast", size, to=6), to=INT64)
    node(model, "Expand", "weight", node(model, "Sub", size, short))


def products(model: Any) -> None:
    many = node(model, "ConstantOfShape", constant(model, 10**4, 10**4))
    for _ in range(3):
        node(model, "MatMul", many, many)


def one_length(model: Any) -> None:
    """A size that is small for every length but one."""
    count = node(model, "Gather", shape_of(model), constant(model, 1))
    here = node(model, "Equal", count, constant(model, 77))
    node(model, "Expand", "weight", node(model, "Where", here, constant(model, 10**9), count))


GROWING: dict[str, tuple[Callable[[Any], object], str]] = {
    "joined to itself forty times": (doubled, "more than the 500,000,000"),
    "Expand": (lambda m: node(m, "Expand", "weight", constant(m, 10**12)), "more than the 500,000,000"),
    "Tile": (lambda m: node(m, "Tile", "rows", constant(m, 10**4, 10**4, 1)), "more than the 500,000,000"),
    "ConstantOfShape": (lambda m: node(m, "ConstantOfShape", constant(m, 10**6, 10**6)), "more than the 500,000,000"),
    "many of a shape": (
        lambda m: [node(m, "ConstantOfShape", constant(m, 10**8)) for _ in range(9)],
        "899,99[0-9],[0-9]+ numbers that it holds",
    ),
    "Pad": (lambda m: node(m, "Pad", "input_ids", constant(m, 0, 0, 0, 10**9)), "more than the 500,000,000"),
    "Range": (
        lambda m: node(m, "Range", *(constant(m, n, single=True) for n in (0, 10**12, 1))),
        "more than the 500,000,000",
    ),
    "Range of what is read": (
        lambda m: node(m, "Range", constant(m, 0, single=True), of_ids(m), constant(m, 1, single=True)),
        "'Range'|Range makes a size of numbers that are not known",
    ),
    "steps of nothing": (
        lambda m: node(m, "Range", *(constant(m, n, single=True) for n in (0, 9, 0))),
        "counts in steps that are not known",
    ),
    "Expand of what is read": (
        lambda m: node(m, "Expand", "weight", node(m, "Unsqueeze", of_ids(m), constant(m, 0))),
        "Expand makes a size of numbers that are not known",
    ),
    "texts by texts": (squared, "'MatMul' makes 2 dimensions of .1 n n. numbers"),
    "the cube of the length": (cubed, "no network of an export takes more than"),
    "what 32 bits cut off": (less_and_more, "Expand makes a size of numbers that are not known"),
    "one length": (one_length, "more than the 500,000,000"),
    "a name twice": (lambda m: m.graph.node.append(m.graph.node[-1]), "the name 'output' is given twice"),
    "a circle": (
        lambda m: m.graph.node.append(helper.make_node("Relu", ["later"], ["later"])),
        "reads 'later', which nothing before it makes",
    ),
    "long products": (products, "multiplications for 2,048 tokens, far more than go with its"),
    **{
        kind: (lambda m, kind=kind: node(m, kind, "rows"), f"the operator '{kind}', which no export has")
        for kind in ("NonZero", "Resize", "OneHot", "RandomNormalLike", "Unique", "StringNormalizer", "Det", "Upsample")
    },
}


@pytest.mark.parametrize("what", GROWING)
def test_a_network_that_grows_is_refused_before_a_library_sees_it(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, sentence = GROWING[what]
    model = network()
    change(model)
    monkeypatch.setattr("onnxruntime.InferenceSession", lambda *_, **__: pytest.fail("the library saw it"))
    onnx.save(model, tmp_path / "x.onnx")
    with pytest.raises(ArtifactError, match=f"x.onnx is not read: .*({sentence})"):
        open_runtime("onnx", "fp32", tmp_path, ["x.onnx"])


def test_a_larger_network_is_taken_by_who_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network()
    node(model, "ConstantOfShape", constant(model, 700_000_000))
    with pytest.raises(ArtifactError, match=r"TEXTGRAFT_MOST_ACTIVATIONS=(\d+) raises that"):
        check_onnx(model.SerializeToString(), "x.onnx")
    monkeypatch.setenv("TEXTGRAFT_MOST_ACTIVATIONS", "700000000")
    check_onnx(model.SerializeToString(), "x.onnx")


def tile(ids: Any, ops: Any) -> Any:
    return ops.tile(ids, np.array([10**5, 10**5]))


def broadcast(ids: Any, ops: Any) -> Any:
    return ops.broadcast(ops.constant(np.int64(1)), np.array([10**6, 10**6]))


def counted(ids: Any, ops: Any) -> Any:
    most = ops.reduce_max(ids, np.array([0, 1]), False)
    return ops.range(ops.constant(np.int64(0)), most, ops.constant(np.int64(1)), "i64")


def joined(ids: Any, ops: Any) -> Any:
    for _ in range(40):
        ids = ops.concat([ids, ids], 0)
    return ids


def hot(ids: Any, ops: Any) -> Any:
    return ops.one_hot(ids, ops.constant(np.int64(10**9)), ops.constant(1.0), ops.constant(0.0), -1)


@pytest.mark.parametrize(
    ("grow", "sentence"),
    [
        (tile, "more than the 500,000,000"),
        (broadcast, "more than the 500,000,000"),
        (counted, "Range makes a size of numbers that are not known"),
        (joined, "more than the 500,000,000"),
        (hot, "the operator 'OneHot', which no export has"),
    ],
)
def test_an_openvino_network_that_grows_is_refused(grow: Callable[[Any, Any], Any], sentence: str, tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    openvino = pytest.importorskip("openvino")
    ops = openvino.opset13
    ids, mask = (ops.parameter([-1, -1], np.int64, name) for name in ("input_ids", "attention_mask"))
    for part, name in ((ids, "input_ids"), (mask, "attention_mask")):
        part.output(0).set_names({name})
    openvino.save_model(openvino.Model([grow(ids, ops)], [ids, mask], "x"), tmp_path / "x.xml")
    monkeypatch.setattr("openvino.Core", lambda *_: pytest.fail("the library saw it"))
    with pytest.raises(ArtifactError, match=f"x.xml is not read: .*{sentence}"):
        open_runtime("openvino", "fp32", tmp_path, ["x.xml", "x.bin"])


def worked_out(model: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """What was worked out of each tensor, by name."""
    found: dict[str, Tensor] = {}
    made = networks._made

    def kept(one: Any, there: Any, operators: Any) -> Any:
        result = made(one, there, operators)
        found.update(zip(one.outputs, result[0], strict=False))
        return result

    with monkeypatch.context() as patch:
        patch.setattr(networks, "_made", kept)
        check_onnx(model.SerializeToString(), "x.onnx")
    return found


def value(size: Size, n: int, length: int) -> int:
    return sum(factor * n**a * length**b for (a, b), factor in size.terms.items())


def check_bounds(model: Any, found: dict[str, Tensor], n: int, length: int) -> int:
    """Compares all sizes, and the numbers that were followed, with what ONNX Runtime makes; gives how many."""
    import onnxruntime

    more = onnx.ModelProto()
    more.CopyFrom(model)
    names = [name for one in model.graph.node for name in one.output if name and name != "output"]
    more.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(more.SerializeToString(), options, providers=["CPUExecutionProvider"])
    ids = np.ones((n, length), np.int64)
    outputs = session.run(names, {"input_ids": ids, "attention_mask": ids})
    for name, output in zip(names, outputs, strict=True):
        tensor = found[name]
        assert len(tensor.shape) == output.ndim, name
        for size, actual in zip(tensor.shape, output.shape, strict=True):
            assert value(size, n, length) == actual if size.exact else value(size, n, length) >= actual, name
        if tensor.values is not None:
            for followed, actual in zip(tensor.values, output.ravel().tolist(), strict=True):
                if followed is not None:
                    most = value(followed, n, length)
                    assert most == actual if followed.exact else most >= actual >= 0, name
    return len(names)


@pytest.mark.parametrize("batch", [(1, 1), (1, 9), (3, 5), (2, 16)])
def test_what_is_worked_out_of_a_real_network_holds(
    batch: tuple[int, int], exported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_bounds(exported, worked_out(exported, monkeypatch), *batch) > 100


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from textgraft.encoders import resolve
    from textgraft.encoders.graphs import logits_graph
    from textgraft.finetuning.loading import load_with_head
    from textgraft.task import Task

    from ..encoders.families import save_family

    folder = tmp_path_factory.mktemp("exported")
    files = resolve(str(save_family("bert", folder / "encoder")))
    logits_graph(load_with_head(files, Task(("a", "b", "c")), 0), 0, "bert").write_onnx(folder / "graph.onnx")
    return onnx.load(folder / "graph.onnx")


class Drawn:
    """A network of random arithmetic on shapes, and tensors of shapes that it makes."""

    def __init__(self, data: st.DataObject) -> None:
        self.data, self.model = data, network()
        self.numbers = [shape_of(self.model), constant(self.model, 1, 2)]
        self.tensors = ["rows", "weight"]

    def step(self) -> None:
        kind = self.data.draw(st.sampled_from([*["Add", "Sub", "Mul", "Div", "Min", "Max"], *STEPS]))
        if kind in STEPS:
            STEPS[kind](self)
        else:
            self.numbers.append(node(self.model, kind, self.number(), self.number()))

    def number(self) -> str:
        return self.data.draw(st.sampled_from(self.numbers))

    def tensor(self) -> str:
        return self.data.draw(st.sampled_from(self.tensors))

    def small(self, *, single: bool = False) -> str:
        return constant(self.model, self.data.draw(st.integers(-3, 6)), single=single)

    def choice(self) -> None:
        same = node(self.model, "Equal", self.number(), self.number())
        self.numbers.append(node(self.model, "Where", same, self.number(), self.number()))

    def joined(self) -> None:
        self.numbers.append(node(self.model, "Concat", self.number(), self.number(), axis=0))

    def short(self) -> None:
        self.numbers.append(node(self.model, "Cast", node(self.model, "Cast", self.number(), to=6), to=INT64))

    def several(self) -> None:
        self.numbers.append(constant(self.model, *self.data.draw(st.lists(st.integers(-3, 6), min_size=1, max_size=3))))

    def shape(self) -> None:
        self.numbers.append(shape_of(self.model, self.tensor()))

    def part(self) -> None:
        last = self.data.draw(st.sampled_from([-1, 0, 1, 2, (1 << 63) - 1]))
        self.numbers.append(node(self.model, "Slice", self.number(), self.small(), constant(self.model, last)))

    def range(self) -> None:
        first = constant(self.model, 0, single=True)
        start, stop = (node(self.model, "Gather", self.number(), first) for _ in range(2))
        step = constant(self.model, self.data.draw(st.sampled_from([-2, -1, 1, 2])), single=True)
        self.tensors.append(node(self.model, "Range", start, stop, step))

    def filled(self) -> None:
        self.tensors.append(node(self.model, "ConstantOfShape", self.number()))

    def shaped(self) -> None:
        kind = self.data.draw(st.sampled_from(["Expand", "Reshape", "Tile"]))
        self.tensors.append(node(self.model, kind, self.tensor(), self.number()))

    def cut(self) -> None:
        last = self.data.draw(st.sampled_from([self.number(), self.small()]))
        self.tensors.append(node(self.model, "Slice", self.tensor(), self.small(), last, constant(self.model, 0)))

    def turned(self) -> None:
        self.tensors.append(node(self.model, "Transpose", self.tensor()))

    def padded(self) -> None:
        more = constant(self.model, 0, 0, 0, self.data.draw(st.integers(-1, 5)))
        self.tensors.append(node(self.model, "Pad", "input_ids", more))


STEPS: dict[str, Callable[[Drawn], None]] = {
    step.__name__: step
    for step in (Drawn.choice, Drawn.joined, Drawn.short, Drawn.several, Drawn.shape, Drawn.part, Drawn.range,
                 Drawn.filled, Drawn.shaped, Drawn.cut, Drawn.turned, Drawn.padded)
}  # fmt: skip


@given(st.data())
@settings(max_examples=EXAMPLES * 4)
def test_whatever_sizes_a_network_makes_they_are_bounded_or_it_is_refused(data: st.DataObject) -> None:
    """What is worked out holds for every batch that ONNX Runtime computes."""
    drawn = Drawn(data)
    for _ in range(data.draw(st.integers(1, 8))):
        drawn.step()
    with pytest.MonkeyPatch.context() as patch:
        try:
            found = worked_out(drawn.model, patch)
        except ArtifactError:
            return
    for batch in ((1, 1), (2, 3), (5, 4)):
        try:
            check_bounds(drawn.model, found, *batch)
        except AssertionError:
            raise
        except Exception as error:  # what ONNX Runtime cannot compute takes nothing
            assert "onnxruntime" in type(error).__module__  # noqa: PT017
