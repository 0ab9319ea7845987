from __future__ import annotations

import subprocess
import sys
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from textgraft.errors import ArtifactError, DataError
from textgraft.recurrent.numpy_network import Cell, Plain, Pooling

torch = pytest.importorskip("torch")

WORDS, WIDTH, HIDDEN, LABELS = 50, 6, 5, 3
CELLS, POOLINGS = get_args(Cell), get_args(Pooling)
LENGTHS = (4, 1, 17, 9, 9, 2, 30, 1)

Tensors = dict[str, NDArray[np.float32]]


def network(cell: str, layers: int, bidirectional: bool, seed: int = 0) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        kind = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell]
        return kind(WIDTH, HIDDEN, layers, batch_first=True, bidirectional=bidirectional)


def tensors_of(recurrent: Any) -> Tensors:
    """The weights of torch's layers, and random ones of an embedding, attention and a head."""
    weights = {name: value.detach().numpy() for name, value in recurrent.named_parameters()}
    ends = ["", "_reverse"][: 1 + recurrent.bidirectional]
    names = {"input": "weight_ih", "recurrent": "weight_hh", "input_bias": "bias_ih", "recurrent_bias": "bias_hh"}
    tensors = {
        f"layers.{i}.{name}": np.stack([weights[f"{theirs}_l{i}{end}"] for end in ends])
        for i in range(recurrent.num_layers)
        for name, theirs in names.items()
    }
    states = HIDDEN * len(ends)
    shapes: dict[str, tuple[int, ...]] = {
        "embedding": (WORDS, WIDTH),
        "attention.weight": (4, states),
        "attention.bias": (4,),
        "attention.query": (4,),
        "head.weight": (LABELS, states),
        "head.bias": (LABELS,),
    }
    rng = np.random.default_rng(1)
    return tensors | {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def sequences(lengths: tuple[int, ...] = LENGTHS, seed: int = 2) -> list[NDArray[np.int32]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, WORDS, length).astype(np.int32) for length in lengths]


def plain(recurrent: Any, tensors: Tensors, pooling: Pooling = "last") -> Plain:
    cell: Cell = "gru" if isinstance(recurrent, torch.nn.GRU) else "lstm"
    return Plain(tensors, cell=cell, layers=recurrent.num_layers, pooling=pooling)


def torch_states(recurrent: Any, tensors: Tensors, ids: list[NDArray[np.int32]]) -> tuple[Any, Any]:
    """The states of each sequence, and what torch calls h_n of the last layer, of all directions: (n, D * H)."""
    rows = [torch.from_numpy(tensors["embedding"][row]) for row in ids]
    packed = torch.nn.utils.rnn.pack_sequence(rows, enforce_sorted=False)
    with torch.no_grad():
        outputs, last = recurrent(packed)
    last = last[0] if isinstance(last, tuple) else last
    padded, lengths = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
    ends = torch.hstack(tuple(last[-(1 + recurrent.bidirectional) :])).numpy()
    return [states[:length].numpy() for states, length in zip(padded, lengths, strict=True)], ends


def pooled(states: NDArray[np.float32], tensors: Tensors, pooling: str) -> NDArray[np.float32]:
    if pooling == "attention":
        scores = [
            tensors["attention.query"] @ np.tanh(tensors["attention.weight"] @ state + tensors["attention.bias"])
            for state in states
        ]
        weights = np.exp(scores) / np.exp(scores).sum()
        return sum(w * state for w, state in zip(weights, states, strict=True))  # type: ignore[no-any-return]
    return states.mean(axis=0) if pooling == "mean" else states.max(axis=0)  # type: ignore[no-any-return]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_logits_are_those_of_torch_on_the_same_weights(cell: str, layers: int, bidirectional: bool) -> None:
    recurrent = network(cell, layers, bidirectional)
    tensors = tensors_of(recurrent)
    _, ends = torch_states(recurrent, tensors, sequences())
    expected = ends @ tensors["head.weight"].T + tensors["head.bias"]
    logits = plain(recurrent, tensors).logits(sequences())
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=1e-5)


@pytest.mark.parametrize("pooling", [name for name in POOLINGS if name != "last"])
@pytest.mark.parametrize("cell", CELLS)
def test_poolings_go_over_all_tokens_of_a_sequence_and_no_others(cell: str, pooling: Pooling) -> None:
    recurrent = network(cell, 2, True)
    tensors = tensors_of(recurrent)
    states, _ = torch_states(recurrent, tensors, sequences())
    vectors = np.stack([pooled(one, tensors, pooling) for one in states])
    expected = vectors @ tensors["head.weight"].T + tensors["head.bias"]
    np.testing.assert_allclose(plain(recurrent, tensors, pooling).logits(sequences()), expected, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_sequences_beside_one_change_nothing(cell: str, pooling: Pooling) -> None:
    recurrent = network(cell, 2, True)
    model = plain(recurrent, tensors_of(recurrent), pooling)
    lengths = np.random.default_rng(3).integers(1, 120, 400)  # more than one batch
    rows = sequences(tuple(lengths))
    together = model.logits(rows)
    alone = np.concatenate([model.logits([row]) for row in rows[:40]])
    np.testing.assert_allclose(together[:40], alone, atol=1e-5)
    np.testing.assert_allclose(model.logits(rows[::-1])[::-1], together, atol=1e-5)


def test_one_token_goes_through_one_step_in_both_directions() -> None:
    def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 / (1 + np.exp(-x))

    recurrent = network("gru", 1, True)
    tensors = tensors_of(recurrent)
    ends = []
    for direction in (0, 1):
        given, bias = (tensors[f"layers.0.{name}"][direction].astype(np.float64) for name in ("input", "input_bias"))
        again = tensors["layers.0.recurrent_bias"][direction].astype(np.float64)
        r, z, n = np.split(given @ tensors["embedding"][7] + bias, 3)
        b_r, b_z, b_n = np.split(again, 3)
        ends.append((1 - sigmoid(z + b_z)) * np.tanh(n + sigmoid(r + b_r) * b_n))
    expected = np.concatenate(ends) @ tensors["head.weight"].T + tensors["head.bias"]
    logits = plain(recurrent, tensors).logits([np.array([7], np.int32)])
    np.testing.assert_allclose(logits, expected[None], atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_vectors_in_place_of_word_numbers_give_the_same(dtype: type[np.floating[Any]]) -> None:
    recurrent = network("lstm", 2, True)
    tensors = tensors_of(recurrent)
    tensors["embedding"] = tensors["embedding"].astype(dtype).astype(np.float32)
    vectors = [tensors["embedding"][row].astype(dtype) for row in sequences()]
    without = {name: value for name, value in tensors.items() if name != "embedding"}
    np.testing.assert_allclose(
        plain(recurrent, without).logits(vectors), plain(recurrent, tensors).logits(sequences()), atol=1e-6
    )


@pytest.mark.parametrize("cell", CELLS)
def test_huge_weights_neither_overflow_nor_warn(cell: str) -> None:
    recurrent = network(cell, 1, True)
    with torch.no_grad():
        for parameter in recurrent.parameters():
            parameter.mul_(1e4)
    tensors = tensors_of(recurrent)
    _, ends = torch_states(recurrent, tensors, sequences())
    expected = ends @ tensors["head.weight"].T + tensors["head.bias"]
    np.testing.assert_allclose(plain(recurrent, tensors).logits(sequences()), expected, atol=1e-4)


def test_attention_scores_of_any_size_give_finite_logits() -> None:
    recurrent = network("gru", 1, False)
    tensors = tensors_of(recurrent)
    tensors["attention.query"] *= 1e6
    assert np.isfinite(plain(recurrent, tensors, "attention").logits(sequences())).all()


def test_no_sequences_give_no_logits() -> None:
    recurrent = network("gru", 1, True)
    assert plain(recurrent, tensors_of(recurrent)).logits([]).shape == (0, LABELS)


def test_a_sequence_without_tokens_is_named() -> None:
    recurrent = network("gru", 1, True)
    with pytest.raises(DataError, match="Sequence 2 "):
        plain(recurrent, tensors_of(recurrent)).logits(sequences((3, 1, 0, 2)))


def test_missing_and_misshapen_tensors_are_named() -> None:
    recurrent = network("lstm", 2, True)
    tensors = tensors_of(recurrent)
    for name in sorted(set(tensors) - {"embedding"}):
        with pytest.raises(ArtifactError, match=f"'{name}'"):
            plain(recurrent, {key: value for key, value in tensors.items() if key != name}, "attention")
        with pytest.raises(ArtifactError, match="has the shape"):
            plain(recurrent, tensors | {name: tensors[name][..., None]}, "attention")
    with pytest.raises(ArtifactError, match="has the shape"):
        plain(recurrent, tensors | {"embedding": tensors["embedding"][:, 1:]})


def test_prediction_needs_no_torch() -> None:
    code = "import sys, textgraft.recurrent.numpy_network; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
