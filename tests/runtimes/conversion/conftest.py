"""Tiny networks in ONNX: a BERT of three layers, and recurrent networks on words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from textgraft.recurrent.onnx_graph import RecurrentGraph
from textgraft.task import Task

from ...encoders.families import save_family


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    pytest.importorskip("torch")
    from textgraft.encoders import resolve
    from textgraft.encoders.graphs import logits_graph
    from textgraft.finetuning.loading import load_with_head

    save_family("bert", folder / "encoder")
    network = load_with_head(resolve(str(folder / "encoder")), Task(("a", "b", "c")), 0)
    logits_graph(network, 0, "bert").write_onnx(folder / "graph.onnx")
    return folder / "graph.onnx"


@pytest.fixture
def recurrent(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    rng = np.random.default_rng(0)
    cell, gates = request.param, {"gru": 3, "lstm": 4}[request.param]
    shapes = {
        "embedding": (3000, 32),
        "layers.0.input": (2, gates * 16, 32),
        "layers.0.recurrent": (2, gates * 16, 16),
        "layers.0.input_bias": (2, gates * 16),
        "layers.0.recurrent_bias": (2, gates * 16),
        "head.weight": (3, 32),
        "head.bias": (3,),
    }
    tensors = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    RecurrentGraph(tensors, cell=cell, layers=1, pooling="mean").write_onnx(tmp_path / "graph.onnx")
    return tmp_path / "graph.onnx"
