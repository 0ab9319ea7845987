from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from textgraft.errors import ArtifactError, ExportError
from textgraft.recurrent.numpy_network import Cell, Plain, Pooling
from textgraft.recurrent.onnx_graph import RecurrentGraph
from textgraft.runtimes.conversion.libraries import library
from textgraft.text.batches import pad

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

WORDS, WIDTH, HIDDEN, LABELS = 50, 6, 5, 3
CELLS, POOLINGS = get_args(Cell), get_args(Pooling)
LENGTHS = [(4, 1, 17, 9, 9, 2, 30, 1), (6, 6), (1,), (1, 1, 1), (300,)]

Tensors = dict[str, NDArray[np.float32]]
Run = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]


def tensors_of(cell: str, layers: int, directions: int, seed: int = 0) -> Tensors:
    rng = np.random.default_rng(seed)
    rows, states = {"gru": 3, "lstm": 4}[cell] * HIDDEN, HIDDEN * directions
    shapes: dict[str, tuple[int, ...]] = {
        "embedding": (WORDS, WIDTH),
        "attention.weight": (4, states),
        "attention.bias": (4,),
        "attention.query": (4,),
        "head.weight": (LABELS, states),
        "head.bias": (LABELS,),
    }
    for i in range(layers):
        shapes[f"layers.{i}.input"] = (directions, rows, states if i else WIDTH)
        shapes[f"layers.{i}.recurrent"] = (directions, rows, HIDDEN)
        shapes[f"layers.{i}.input_bias"] = shapes[f"layers.{i}.recurrent_bias"] = (directions, rows)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def batch(lengths: tuple[int, ...], seed: int = 1) -> list[NDArray[np.int32]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, WORDS, length).astype(np.int32) for length in lengths]


def padded(rows: list[NDArray[np.int32]], fill: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ids, mask = pad(rows, fill)
    return ids, np.ones_like(ids) if mask is None else mask


def onnx_runner(path: Path) -> Run:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(["output"], {"input_ids": ids, "attention_mask": mask})[0]  # type: ignore[no-any-return]


def openvino_runner(path: Path) -> Run:
    openvino = library("openvino", "this test")
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    return lambda ids, mask: compiled({"input_ids": ids, "attention_mask": mask})["output"].copy()  # type: ignore[no-any-return]


def written(folder: Path, tensors: Tensors, **shape: Any) -> tuple[Plain, Path]:
    path = folder / "network.onnx"
    RecurrentGraph(tensors, **shape).write_onnx(path)
    return Plain(tensors, **shape), path


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_the_graph_answers_as_numpy_does(
    tmp_path: Path, cell: Cell, layers: int, directions: int, pooling: Pooling
) -> None:
    plain, path = written(tmp_path, tensors_of(cell, layers, directions), cell=cell, layers=layers, pooling=pooling)
    for run in (onnx_runner(path), openvino_runner(path)):
        for lengths in LENGTHS:
            rows = batch(lengths)
            found = run(*padded(rows))
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, plain.logits(rows), atol=1e-5)


@pytest.mark.parametrize("runner", [onnx_runner, openvino_runner])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_padding_and_neighbours_change_nothing(
    tmp_path: Path, cell: Cell, pooling: Pooling, runner: Callable[[Path], Run]
) -> None:
    _, path = written(tmp_path, tensors_of(cell, 2, 2), cell=cell, layers=2, pooling=pooling)
    run = runner(path)

    @settings(max_examples=15)
    @given(st.lists(st.integers(1, 12), min_size=1, max_size=5), st.integers(0, WORDS - 1), st.integers(0, 9))
    def check(lengths: list[int], fill: int, more: int) -> None:
        rows = batch(tuple(lengths))
        ids, mask = padded(rows, fill)
        ids = np.pad(ids, ((0, 0), (0, more)), constant_values=fill)
        mask = np.pad(mask, ((0, 0), (0, more)))
        alone = np.concatenate([run(*padded([row])) for row in rows])
        np.testing.assert_allclose(run(ids, mask), alone, atol=1e-5)

    check()


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    graph = RecurrentGraph(tensors_of("gru", 1, 2), cell="gru", layers=1, pooling="mean")
    graph.write_onnx(tmp_path / "a.onnx")
    graph.write_onnx(tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "b.onnx"]


def test_half_precision_vectors_are_written_in_full(tmp_path: Path) -> None:
    tensors = tensors_of("lstm", 1, 1)
    tensors["embedding"] = tensors["embedding"].astype(np.float16)  # type: ignore[assignment]
    plain, path = written(tmp_path, tensors, cell="lstm", layers=1, pooling="max")
    rows = batch((3, 8))
    np.testing.assert_allclose(onnx_runner(path)(*padded(rows)), plain.logits(rows), atol=1e-5)


def test_a_network_without_word_vectors_is_refused() -> None:
    tensors = tensors_of("gru", 1, 1)
    del tensors["embedding"]
    with pytest.raises(ExportError, match="encoder's states"):
        RecurrentGraph(tensors, cell="gru", layers=1, pooling="last")


def test_a_misshapen_tensor_is_named() -> None:
    tensors = tensors_of("gru", 1, 1) | {"head.bias": np.zeros(LABELS + 1, np.float32)}
    with pytest.raises(ArtifactError, match=r"head\.bias"):
        RecurrentGraph(tensors, cell="gru", layers=1, pooling="last")
