"""int8 as processors without VNNI sum it: products of unsigned and signed bytes in pairs, in 16 bits that saturate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from textgraft.runtimes.conversion import Recipe, convert

from .networks import batches

Int8 = NDArray[np.int8]
UInt8 = NDArray[np.uint8]
RECIPES = [Recipe("onnx", "int8"), Recipe("onnx", "int8", calibrated=True), Recipe("openvino", "int8", calibrated=True)]


def saturating(inputs: UInt8, weights: Int8) -> NDArray[np.int32]:
    """(n, m): the product of (n, k) and (k, m) as ``pmaddubsw``, ``pmaddwd`` and ``paddd`` compute it."""
    spare = inputs.shape[1] % 2
    wide, right = np.pad(inputs, ((0, 0), (0, spare))).astype(np.int32), np.pad(weights, ((0, spare), (0, 0)))
    products = wide[:, :, None] * right.astype(np.int32)
    pairs = products[:, ::2] + products[:, 1::2]
    return np.clip(pairs, -(2**15), 2**15 - 1).sum(axis=1, dtype=np.int32)


def exact(inputs: UInt8, weights: Int8) -> NDArray[np.int32]:
    return inputs.astype(np.int32) @ weights.astype(np.int32)


def hostile(weights: Int8) -> UInt8:
    """Inputs that make sums as large as these weights allow: all high, where a column is positive, and at random."""
    rng = np.random.default_rng(0)
    k = weights.shape[0]
    signs = [np.where(column > 0, 255, 0) for column in weights.T[:4]]
    return np.array([np.full(k, 255), *signs, *rng.integers(0, 256, (4, k))]).astype(np.uint8)


def weights_of(path: Path) -> Iterator[Int8]:
    """The int8 weights of all products in an exported file, each as (k, m)."""
    yield from weights_of_onnx(path) if path.suffix == ".onnx" else weights_of_openvino(path)


def weights_of_onnx(path: Path) -> Iterator[Int8]:
    import onnx

    model = onnx.load(path)
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    stored = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    for node in model.graph.node:
        for name in node.input[1:3] if node.op_type == "DynamicQuantizeLSTM" else node.input[1:2]:
            values = tensors.get(stored.get(name, name))
            is_product = node.op_type in ("MatMul", "MatMulInteger", "DynamicQuantizeLSTM")
            if is_product and values is not None and values.dtype == np.int8:
                yield from values.reshape(-1, *values.shape[-2:])


def weights_of_openvino(path: Path) -> Iterator[Int8]:
    for node in openvino_products(path):
        for i, transposed in enumerate(("transpose_a", "transpose_b")):
            side = node.input_value(i).get_node()
            while side.get_type_name() in ("Multiply", "Subtract", "Convert"):
                side = side.input_value(0).get_node()
            if side.get_type_name() == "Constant" and side.data.dtype == np.int8:
                yield side.data.T if node.get_attributes()[transposed] else side.data


def openvino_products(path: Path) -> list[Any]:
    openvino = pytest.importorskip("openvino")
    return [node for node in openvino.Core().read_model(path).get_ordered_ops() if node.get_type_name() == "MatMul"]


@given(
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
    st.sampled_from([[0, 255], [255], list(range(256))]),
    st.sampled_from([[-64, 64], [64], [-64], list(range(-64, 65))]),
)
def test_products_with_weights_of_seven_bits_never_saturate(
    k: int, m: int, seed: int, inputs: list[int], weights: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    left = rng.choice(np.array(inputs, np.uint8), (3, k))
    right = rng.choice(np.array(weights, np.int8), (k, m))
    np.testing.assert_array_equal(saturating(left, right), exact(left, right))


def test_one_step_more_than_seven_bits_saturates() -> None:
    left = np.full((1, 2), 255, np.uint8)
    assert saturating(left, np.array([[64], [64]], np.int8)) == 32640
    assert exact(left, np.array([[65], [65]], np.int8)) == 33150
    assert saturating(left, np.array([[65], [65]], np.int8)) == 32767
    assert saturating(left, np.array([[-127], [-127]], np.int8)) == -32768


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: f"{recipe.runtime}, {recipe.name}")
def test_the_weights_in_a_file_are_multiplied_alike_on_every_processor(
    recipe: Recipe, graph: Path, tmp_path: Path
) -> None:
    for needed in ("onnxruntime", "nncf"):
        pytest.importorskip(needed)
    found = list(weights_of(tmp_path / convert(graph, recipe, tmp_path, batches())[0]))
    assert len(found) >= 18  # six in each of the three layers
    for weights in found:
        assert 32 < np.abs(weights.astype(int)).max() <= 64
        inputs = hostile(weights)
        np.testing.assert_array_equal(saturating(inputs, weights), exact(inputs, weights))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: f"{recipe.runtime}, {recipe.name}")
def test_in_full_range_they_are_not_and_the_recipe_says_what_it_needs(
    recipe: Recipe, graph: Path, tmp_path: Path
) -> None:
    pytest.importorskip("nncf")
    full = Recipe(recipe.runtime, "int8", recipe.calibrated, full_range=True)
    assert (recipe.needs, full.needs) == ((), ("vnni",))
    assert full.name == f"{recipe.name}, full range"
    found = list(weights_of(tmp_path / convert(graph, full, tmp_path, batches())[0]))
    assert max(int(np.abs(weights.astype(int)).max()) for weights in found) == 127
    assert any((saturating(hostile(weights), weights) != exact(hostile(weights), weights)).any() for weights in found)


@pytest.mark.parametrize("recurrent", ["lstm"], indirect=True)
def test_the_weights_of_an_lstm_are_multiplied_alike_on_every_processor(recurrent: Path, tmp_path: Path) -> None:
    for full in (False, True):
        recipe = Recipe("onnx", "int8", full_range=full)
        found = list(weights_of(tmp_path / convert(recurrent, recipe, tmp_path, batches())[0]))
        assert [weights.shape for weights in found] == [(32, 64), (16, 64), (32, 64), (16, 64)]
        assert max(int(np.abs(weights.astype(int)).max()) for weights in found) == (127 if full else 64)
        same = [(saturating(hostile(w), w) == exact(hostile(w), w)).all() for w in found]
        assert all(same) is not full


def test_openvino_quantises_both_sides_of_a_product_in_full_range_only(graph: Path, tmp_path: Path) -> None:
    pytest.importorskip("nncf")
    counts = []
    for full in (False, True):
        recipe = Recipe("openvino", "int8", calibrated=True, full_range=full)
        products = openvino_products(tmp_path / convert(graph, recipe, tmp_path, batches())[0])
        counts.append(sum(all(is_quantised(product.input_value(i)) for i in (0, 1)) for product in products))
    assert counts == [0, 3]  # queries with keys, in three layers


def is_quantised(output: Any) -> bool:
    """Whether values that come from the network's inputs were brought to 256 steps before they stand here."""
    node = output.get_node()
    while node.get_type_name() in ("Reshape", "Transpose", "Multiply", "Convert"):
        node = node.input_value(0).get_node()
    return bool(node.get_type_name() == "FakeQuantize")
