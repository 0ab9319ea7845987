from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from textgraft.encoders import resolve
from textgraft.encoders.encoder import Pooling, load_encoder, pool
from textgraft.encoders.graphs import logits_graph, states_graph, vectors_graph
from textgraft.errors import ExportError
from textgraft.finetuning.loading import load_with_head
from textgraft.runtimes import Runtime, open_runtime
from textgraft.runtimes.conversion import TorchGraph, convert, recipes
from textgraft.task import Task

from .families import FAMILIES, save_family

torch = pytest.importorskip("torch")
for needed in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(needed)

from textgraft.finetuning.cpu import make_faster  # noqa: E402

TASK = Task(("bad", "good", "neither"))
LONGEST = 64
SHAPES = [(3, 9), (4, 16), (1, 5), (1, 1), (3, 1), (2, LONGEST)]
OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in FAMILIES if name != "bert"]

Ids = NDArray[np.int64]


def batch(rows: int, length: int, pad_id: int = 0) -> tuple[Ids, Ids]:
    """All lengths from ``length`` down to 1."""
    rng = np.random.default_rng(rows * length)
    ids = rng.integers(5, 15, (rows, length))
    mask = (np.arange(length) < np.maximum(length - np.arange(rows)[:, None] * 3, 1)).astype(np.int64)
    return np.where(mask == 1, ids, pad_id), mask


def fine_tuned(name: str, folder: Path) -> Any:
    """A network as it is after training on a CPU: changed by ``make_faster``, and in training mode."""
    save_family(name, folder)
    network = load_with_head(resolve(str(folder)), TASK, 0)
    make_faster(network)
    return network.train()


def pad_of(network: Any) -> int:
    return int(network.config.pad_token_id)


def written(graph: TorchGraph, folder: Path) -> Path:
    graph.write_onnx(folder / "graph.onnx")
    return folder / "graph.onnx"


def runtimes(path: Path, folder: Path) -> list[Runtime]:
    found = []
    for name in ("onnx", "openvino"):
        if name == "openvino":
            pytest.importorskip("openvino")
        recipe = next(recipes(name, "fp32", path, []))
        found.append(open_runtime(name, "fp32", folder, convert(path, recipe, folder, [])))
    return found


def tensors(ids: Ids, mask: Ids) -> dict[str, Any]:
    return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}


def check_equal(found: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5 * float(np.abs(expected).max()))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A network after training, and its ONNX file."""
    folder = tmp_path_factory.mktemp("bert")
    network = fine_tuned("bert", folder / "encoder")
    return network, written(logits_graph(network, 0, "bert"), folder)


@pytest.mark.parametrize("family", ["bert", *OTHERS])
def test_a_fine_tuned_network_answers_the_same_in_every_runtime(
    family: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if family == "bert":
        network, path = request.getfixturevalue("bert")
    else:
        network = fine_tuned(family, tmp_path / "encoder")
        path = written(logits_graph(network, pad_of(network), family), tmp_path)
    network = copy.deepcopy(network).eval()
    for runtime in runtimes(path, tmp_path):
        for rows, length in SHAPES:
            ids, mask = batch(rows, length, pad_of(network))
            with torch.no_grad():
                expected = network(**tensors(ids, mask)).logits.numpy()
            check_equal(runtime.run(ids, mask), expected)
            alone = [runtime.run(row[None, : own.sum()], None) for row, own in zip(ids, mask, strict=True)]
            check_equal(np.concatenate(alone), expected)


@pytest.mark.slow
@pytest.mark.parametrize("pooling", get_args(Pooling))
@pytest.mark.parametrize("family", ["bert", "modernbert", "t5"])
def test_pooled_vectors_are_the_same_in_every_runtime(family: str, pooling: Pooling, tmp_path: Path) -> None:
    encoder = load_encoder(resolve(str(save_family(family, tmp_path / "encoder")))).eval()
    path = written(vectors_graph(encoder, pooling, pad_of(encoder), family), tmp_path)
    for runtime in runtimes(path, tmp_path):
        for rows, length in SHAPES:
            ids, mask = batch(rows, length, pad_of(encoder))
            with torch.no_grad():
                states = encoder(**tensors(ids, mask)).last_hidden_state
                expected = pool(states, torch.from_numpy(mask), pooling).numpy()
            check_equal(runtime.run(ids, mask), expected)


@pytest.mark.slow
def test_token_states_are_the_same_in_every_runtime(tmp_path: Path) -> None:
    encoder = load_encoder(resolve(str(save_family("bert", tmp_path / "encoder")))).eval()
    ids, mask = batch(4, 16)
    with torch.no_grad():
        expected = encoder(**tensors(ids, mask)).last_hidden_state.numpy()
    for runtime in runtimes(written(states_graph(encoder, 0, "bert"), tmp_path), tmp_path):
        there = mask.astype(bool)
        check_equal(runtime.run(ids, mask)[there], expected[there])


@settings(max_examples=15)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=5), st.integers(0, 14), st.integers(0, 9))
def test_padding_and_neighbours_change_nothing(
    bert: tuple[Any, Path], lengths: list[int], fill: int, more: int
) -> None:
    runtime = open_runtime("onnx", "fp32", bert[1].parent, [bert[1].name])
    rng = np.random.default_rng(sum(lengths))
    rows = [rng.integers(5, 15, (1, length)) for length in lengths]
    alone = np.concatenate([runtime.run(row, None) for row in rows])
    ids = np.full((len(rows), max(lengths) + more), fill)
    mask = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : row.size], mask[i, : row.size] = row[0], 1
    check_equal(runtime.run(ids, mask), alone)


def test_exporting_again_gives_the_same_bytes_says_nothing_and_changes_nothing(
    bert: tuple[Any, Path], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    network, path = bert
    before = {name: value.clone() for name, value in network.state_dict().items()}
    attention, modules = network.config._attn_implementation, {name: id(m) for name, m in network.named_modules()}
    capfd.readouterr()
    logits_graph(network, 0, "bert").write_onnx(tmp_path / "graph.onnx")
    assert capfd.readouterr() == ("", "")
    assert (tmp_path / "graph.onnx").read_bytes() == path.read_bytes()
    assert network.training
    assert network.config._attn_implementation == attention
    assert modules == {name: id(module) for name, module in network.named_modules()}
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_file_names_products_by_their_module_and_no_path(bert: tuple[Any, Path]) -> None:
    import onnx

    names = [node.name for node in onnx.load(bert[1]).graph.node]
    assert len(names) == len(set(names))
    assert "bert.encoder.layer.1.output.dense/MatMul" in names
    assert b".py" not in bert[1].read_bytes()


@pytest.mark.slow
def test_a_network_in_bf16_is_computed_in_fp32_to_its_last_layer(tmp_path: Path) -> None:
    network = fine_tuned("distilbert", tmp_path / "encoder").to(torch.bfloat16)
    written(logits_graph(network, 0, "distilbert"), tmp_path)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.bfloat16}
    runtime = open_runtime("onnx", "fp32", tmp_path, ["graph.onnx"])
    ids, mask = batch(3, 9)
    with torch.no_grad():
        check_equal(runtime.run(ids, mask), network.float().eval()(**tensors(ids, mask)).logits.numpy())


def test_an_operator_that_onnx_lacks_is_named(tmp_path: Path) -> None:
    class Odd(torch.nn.Module):  # type: ignore[name-defined,misc]
        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return torch.special.airy_ai(input_ids.float() * attention_mask)

    with pytest.raises(ExportError, match=r"'odd' cannot be .*special_airy_ai.* runtime 'torch'"):
        TorchGraph(Odd(), 0, "odd").write_onnx(tmp_path / "graph.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_network_too_large_for_one_file_is_refused(tmp_path: Path) -> None:
    with torch.device("meta"):
        network = torch.nn.Linear(1 << 15, 1 << 15)
    with pytest.raises(ExportError, match=r"4\.3 GB of weights .* at most 2 GB"):
        TorchGraph(network, 0, "huge").write_onnx(tmp_path / "graph.onnx")
