"""Files of exports that ask for more than a network: refused before a library sees them, though signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import ArtifactError
from textgraft.runtimes import check_output, open_runtime
from textgraft.runtimes.onnx_file import check_onnx
from textgraft.runtimes.openvino_file import check_openvino

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

INT64, FLOAT = TensorProto.INT64, TensorProto.FLOAT
WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3) / 7


def network(width: int = 3, *, inputs: tuple[str, ...] = ("input_ids", "attention_mask"), out: str = "output") -> Any:
    """A small network: the mean of the rows of a table that the ids choose."""
    table = numpy_helper.from_array(np.resize(WEIGHTS, (4, width)), "table")
    axes = numpy_helper.from_array(np.array([1]), "axes")
    nodes = [
        helper.make_node("Unsqueeze", [inputs[1], "last"], ["mask"]),
        helper.make_node("Cast", ["mask"], ["weight"], to=FLOAT),
        helper.make_node("Gather", ["table", inputs[0]], ["rows"]),
        helper.make_node("Mul", ["rows", "weight"], ["product"]),
        helper.make_node("ReduceSum", ["product", "axes"], [out], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, INT64, ["n", "length"]) for name in inputs],
        [helper.make_tensor_value_info(out, FLOAT, ["n", width])],
        [table, axes, numpy_helper.from_array(np.array([2]), "last")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def outside(tensor: Any) -> None:
    """Makes a tensor's numbers those of a file elsewhere."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secret.bin"


def constant(model: Any) -> Any:
    """A tensor in an attribute of a node."""
    node = helper.make_node("Constant", [], ["more"], value=numpy_helper.from_array(WEIGHTS))
    model.graph.node.append(node)
    return model.graph.node[-1].attribute[0]


def inner() -> Any:
    return helper.make_graph([], "inner", [], [], [numpy_helper.from_array(WEIGHTS, "w")])


def loop(model: Any, kind: str = "Loop") -> None:
    model.graph.node.append(helper.make_node(kind, ["a"], ["b"], body=inner()))


def listed_graphs(model: Any) -> None:
    node = helper.make_node("Any", ["a"], ["b"])
    node.attribute.append(helper.make_attribute("branches", [inner()]))
    model.graph.node.append(node)


def listed_tensors(model: Any) -> None:
    tensor = numpy_helper.from_array(WEIGHTS)
    outside(tensor)
    node = helper.make_node("Any", ["a"], ["b"])
    node.attribute.append(helper.make_attribute("many", [tensor]))
    model.graph.node.append(node)


def sparse() -> Any:
    return helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(1, np.float32), "s"), numpy_helper.from_array(np.array([0])), [4]
    )


def foreign(model: Any, domain: str = "com.example") -> None:
    model.graph.node.append(helper.make_node("Reads", ["a"], ["b"], domain=domain))


def function(model: Any) -> None:
    made = helper.make_function("", "F", ["a"], ["b"], [], [helper.make_opsetid("", 17)])
    model.functions.append(made)


HARMFUL: dict[str, tuple[Callable[[Any], object], str]] = {
    "weights elsewhere": (lambda m: outside(m.graph.initializer[0]), "weights are in another file"),
    "weights said to be elsewhere": (
        lambda m: setattr(m.graph.initializer[0], "data_location", TensorProto.EXTERNAL),
        "weights are in another file",
    ),
    "a constant elsewhere": (lambda m: outside(constant(m).t), "weights are in another file"),
    "constants elsewhere": (listed_tensors, "weights are in another file"),
    "a loop": (loop, "'Loop' runs a network of its own"),
    "a scan": (lambda m: loop(m, "Scan"), "'Scan' runs a network of its own"),
    "branches": (listed_graphs, "runs a network of its own"),
    "sparse weights": (lambda m: m.graph.sparse_initializer.append(sparse()), "sparse weights"),
    "a sparse constant": (
        lambda m: m.graph.node.append(helper.make_node("Constant", [], ["s"], sparse_value=sparse())),
        "sparse weights",
    ),
    "a function": (function, "holds functions"),
    "training": (lambda m: m.training_info.add(), "unknown field 20"),
    "an operator of another maker": (foreign, "'Reads' of 'com.example'"),
    "a context of a processor": (lambda m: foreign(m, "com.microsoft"), "'Reads' of 'com.microsoft'"),
    "operators of another maker": (
        lambda m: m.opset_import.append(helper.make_opsetid("com.example", 1)),
        "operators of 'com.example'",
    ),
    "more numbers than there are": (lambda m: m.graph.initializer[0].dims.insert(0, 10**9), "has 48 bytes"),
    "text": (lambda m: m.graph.initializer.append(numpy_helper.from_array(np.array(["a"], object))), "unknown field 6"),
    "no network": (lambda m: m.ClearField("graph"), "holds 0 networks"),
    "ONNX Runtime's own format": (lambda m: None, "own format"),
}


@pytest.mark.parametrize("what", HARMFUL)
def test_an_onnx_file_that_asks_for_more_is_refused(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change, sentence = HARMFUL[what]
    model = network()
    change(model)
    content = model.SerializeToString()
    if what.startswith("ONNX Runtime"):
        content = b"\x12\x06\x00\x00ORTM" + content  # it begins with the name of its maker
    monkeypatch.setattr("onnxruntime.InferenceSession", lambda *_, **__: pytest.fail("the library saw it"))
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(ArtifactError, match=f"x.onnx is not read: .*{sentence}.*Export the model again"):
        open_runtime("onnx", "fp32", tmp_path, ["x.onnx"])


@given(st.data())
def test_whatever_an_onnx_file_holds_it_is_taken_or_refused(data: st.DataObject) -> None:
    content = bytearray(network().SerializeToString())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    try:
        check_onnx(bytes(content[: data.draw(st.integers(0, len(content)))]), "x.onnx")
    except ArtifactError as error:
        assert "x.onnx is not read" in str(error)  # noqa: PT017


@pytest.mark.parametrize("wire", [b"", b"\x00", b"\xff" * 20, b"<?xml", b"\x3a\xff\xff\xff\xff\x0f", b"\x0b\x0c"])
def test_what_is_no_onnx_is_refused(wire: bytes) -> None:
    with pytest.raises(ArtifactError, match="is not read"):
        check_onnx(wire, "x.onnx")


XML = b"""<?xml version="1.0"?>
<net name="x" version="11">
	<layers>
		<layer id="0" name="a" type="Const" version="opset1"><data element_type="f32" shape="2" offset="0" size="8"/>
		<output><port id="0" precision="FP32"><dim>2</dim></port></output></layer>
	</layers>
	<edges/>
	<rt_info><info value="{}"/></rt_info>
</net>
"""
WRONG: dict[str, tuple[bytes, str]] = {
    "ONNX": (network().SerializeToString(), "does not begin as"),
    "ONNX behind spaces": (b"  " + XML, "does not begin as"),
    "another encoding": (XML.decode().encode("utf-16"), "does not begin as"),
    "a mark of its encoding": (b"\xef\xbb\xbf" + XML, "does not begin as"),
    "an element of another form": (XML.replace(b"<net ", b"<model "), "does not begin as"),
    "entities": (
        XML.replace(b"\n<net", b'\n<!DOCTYPE net [<!ENTITY a "b">]>\n<net', 1),
        "does not begin as",
    ),
    "entities further down": (XML + b'<!DOCTYPE net [<!ENTITY a "b">]>', "junk after"),
    "a loop": (XML.replace(b"<data ", b"<body/><data ", 1), "the element 'body'"),
    "a mean in a file": (XML.replace(b"<edges/>", b'<pre-process mean="x"/>'), "the element 'pre-process'"),
    "a layer of an extension": (XML.replace(b"opset1", b"extension"), "'Const' of 'extension'"),
    "a layer of a library": (XML.replace(b"opset1", b"x.so"), "'Const' of 'x.so'"),
    "weights behind the end": (XML.replace(b'offset="0"', b'offset="4"'), "has '8' bytes from '4' on, of 8"),
    "weights before the start": (XML.replace(b'offset="0"', b'offset="-4"'), "from '-4' on"),
    "weights without end": (XML.replace(b'size="8"', b'size="99999999999999999999"'), "a constant has"),
    "fewer weights than it says": (XML.replace(b'shape="2"', b'shape="2,1000000000"'), "has 8 bytes"),
    "weights of strings": (XML.replace(b'"f32"', b'"string"'), "a constant of 'string'"),
    "a path of weights": (XML.replace(b"<info value", b"<__weights_path value"), "the note '__weights_path'"),
    "depth": (XML.replace(b"<info", b"<a>" * 50 + b"<info"), "nested too deeply"),
    "an end that is missing": (XML[:-8], "no element found|unclosed"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_openvino_file_that_asks_for_more_is_refused(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    content, sentence = WRONG[what]
    monkeypatch.setattr("openvino.Core", lambda *_: pytest.fail("the library saw it"))
    (tmp_path / "x.xml").write_bytes(content)
    (tmp_path / "x.bin").write_bytes(bytes(8))
    with pytest.raises(ArtifactError, match=f"x.xml is not read: .*({sentence}).*Export the model again"):
        open_runtime("openvino", "fp32", tmp_path, ["x.xml", "x.bin"])


def test_what_openvino_writes_is_taken() -> None:
    check_openvino(XML, bytes(8), "x.xml")


def written(folder: Path, model: Any, name: str) -> Any:
    """The runtime of a network, in the form that it reads."""
    onnx.save(model, folder / "x.onnx")
    if name == "openvino":
        openvino = pytest.importorskip("openvino")
        openvino.save_model(openvino.Core().read_model(folder / "x.onnx"), folder / "x.xml", compress_to_fp16=False)
    return open_runtime(name, "fp32", folder, ["x.onnx"] if name == "onnx" else ["x.xml", "x.bin"])


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_an_output_of_another_width_or_of_no_numbers_is_refused(name: str, tmp_path: Path) -> None:
    runtime = written(tmp_path, network(), name)
    check_output(runtime, 3)
    for width, per_token in ((2, False), (4, False), (3, True)):
        with pytest.raises(ArtifactError, match=r"no export of this model.*of the shape \(1, 3\), not \(1, "):
            check_output(runtime, width, per_token=per_token)
    model = network()
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((4, 3), np.nan, np.float32), "table"))
    with pytest.raises(ArtifactError, match="numbers that are none"):
        check_output(written(tmp_path, model, name), 3)


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_other_names_and_types_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no export of a model.*has ids of int64, attention_mask of int64"):
        written(tmp_path, network(inputs=("ids", "attention_mask")), name)
    with pytest.raises(ArtifactError, match=r"and has .*logits of float32"):
        written(tmp_path, network(out="logits"), name)
    model = network()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT32
    with pytest.raises(ArtifactError, match=r"input_ids of (int32|tensor.int32.|i32)"):
        written(tmp_path, model, name)


def test_what_a_library_cannot_compute_is_a_sentence(tmp_path: Path) -> None:
    runtime = written(tmp_path, network(), "onnx")
    with pytest.raises(ArtifactError, match=r"ONNX Runtime cannot compute .*x\.onnx"):
        runtime.run(np.full((1, 2), 10**6), None)


def test_a_file_that_is_larger_than_its_format_allows_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.onnx").open("wb") as file:
        file.truncate(40 << 30)
    with pytest.raises(ArtifactError, match=r"has 42,949,672,960 bytes; such a file has at most 2,147,483,647"):
        open_runtime("onnx", "fp32", tmp_path, ["x.onnx"])
