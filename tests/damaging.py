"""Damage to files, drawn at random: to any bytes, and to the values and keys of JSON."""

from __future__ import annotations

import json
import random
import re
from typing import Any

MANIFEST = "textgraft.json"
# What JSON cannot be made to hold by Python's writer: written in place of these strings.
RAW = {
    '"@deep"': "[" * 5000 + "]" * 5000,
    '"@deeper"': '{"a":' * 100_000 + "1" + "}" * 100_000,
    '"@digits"': "7" * 6000,
    '"@infinite"': "1e999",
    '"@open"': '{"a": [1, 2',
}
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 0.5, -0.0, 1e-300, 1e300, 2**31, 2**53, 2**63, 2**64, 10**19, 10**30,
    float("nan"), float("inf"), "", "a", "0", "\x00", "\ud800", "../x", "/etc/passwd", "C:\\x", "a/b", ".", "..",
    "x" * 5000, MANIFEST, "README.md", [], {}, [[]], [None], [1, 2, 3], ["a", "a"], {"a": 1}, [0] * 1000, *RAW,
]  # fmt: skip
EXTREMES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]
DIGITS = [b"-1", b"0", b"4294967295", b"9223372036854775808", b"9" * 400, b"1e999", b"NaN"]
_NUMBER = re.compile(rb"[0-9]+")


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """Flips, inserts, cuts, repeats, splices, zeros, and numbers in place of others."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(data) + 1)
        stop = min(len(data), at + rng.choice((1, 4, 8, 100, 10_000)))
        match rng.randrange(10):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(data):
                data[at] = rng.randrange(256)
            case 2:
                data[at:at] = rng.randbytes(rng.choice((1, 3, 8, 64)))
            case 3:
                del data[at:stop]
            case 4:
                data[at:at] = data[at:stop]
            case 5:
                data[at:stop] = bytes(stop - at)
            case 6:
                other = rng.randrange(len(data) + 1)
                data[other:other] = data[at:stop] * rng.choice((1, 1, 2, 50))
            case 7:
                size = rng.choice((1, 2, 4, 8))
                number = rng.choice(EXTREMES) % (1 << 8 * size)
                data[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))
            case 8 if found := _NUMBER.search(data, at):
                data[found.start() : found.end()] = rng.choice(DIGITS)
            case _:
                del data[rng.choice((0, at)) :]
    return bytes(data)


def damaged_json(content: bytes, rng: random.Random) -> bytes:
    """Changes values and keys somewhere in the tree."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return damaged_bytes(content, rng)
    return _written(_changed(tree, rng), rng)


def _changed(tree: Any, rng: random.Random) -> Any:
    """A tree with one value or key changed, the deeper the rarer; it is changed in place where it can be."""
    if not isinstance(tree, dict | list) or not tree or rng.random() < 0.05:
        return _other(tree, rng)
    key = rng.choice(list(tree)) if isinstance(tree, dict) else rng.randrange(len(tree))
    if isinstance(tree[key], dict | list) and rng.random() < 0.8:
        tree[key] = _changed(tree[key], rng)
        return tree
    match rng.randrange(6):
        case 0:
            del tree[key]
        case 1 if isinstance(tree, dict):
            tree[rng.choice(("", "x", "../x", "__proto__", "shape", "auto_map", "\x00", "a/b"))] = rng.choice(ODD)
        case 1:
            tree.insert(key, rng.choice([*ODD, tree[key]]))
        case 2 if isinstance(tree, dict):
            tree[rng.choice(("", "x", "../x", MANIFEST))] = tree.pop(key)
        case 2:
            tree[key] = rng.choice(tree)
        case _:
            tree[key] = _other(tree[key], rng)
    return tree


def _other(value: Any, rng: random.Random) -> Any:
    if isinstance(value, str) and len(value) > 1 and rng.random() < 0.3:
        return value[: rng.randrange(len(value))]
    if type(value) in (int, float) and rng.random() < 0.6:
        return rng.choice((value + 1, value - 1, -value, value * 2, value * 1000, value // 2, str(value), [value]))
    return rng.choice(ODD)


def _written(tree: Any, rng: random.Random) -> bytes:
    text = json.dumps(tree)
    for mark, raw in RAW.items():
        text = text.replace(mark, raw) if mark in text else text
    if rng.random() < 0.03 and text.startswith("{") and len(text) > 2:
        text = "{" + text[1:-1] + ", " + text[1:]  # every key twice
    return text.encode("utf-8", "surrogatepass")
