"""Damage to model directories, drawn at random: bytes, JSON, headers of safetensors, tensors; and signing them anew."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from ..damaging import MANIFEST, damaged_bytes, damaged_json

Files = dict[str, bytes]
NUMBERS = [float("nan"), float("inf"), 3e38, -1e30]
WHOLE = [0, 1, 2, 3, 5, 8, -1, 100, 2**31 - 1, -(2**31)]
FINITE = [0.0, -0.0, 1.0, -1.0, 1e9, -1e9, 12345.678, 1e-8, 1e-20, 1e-45]


@dataclass(frozen=True)
class Damage:
    """What was done, to which file, and the directory that came of it."""

    kind: str
    file: str
    files: Files


def damage(files: Files, rng: random.Random, *, signed: bool) -> Damage:
    """Damages one file of a model, now and then two.

    Args:
        files: the model's.
        rng: draws everything.
        signed: whether the manifest then gives the new sizes, hashes and tensors; else it is left as it is.
    """
    damaged = dict(files)
    names = sorted(files if signed else files.keys() - {MANIFEST})
    if rng.random() < 0.98:
        names.remove("README.md")  # which nothing reads
    kinds: list[str] = []
    name = ""
    for _ in range(rng.choice((1, 1, 1, 2))):
        name = rng.choice(names)
        ways = [way for way, suffixes in WAYS.items() if name.endswith(suffixes)]
        way = rng.choice([*ways, *(way for way in ways if way is not damaged_bytes)])
        damaged[name] = way(damaged[name], rng)
        kinds.append(way.__name__.strip("_"))
        if signed and name != MANIFEST:
            damaged[MANIFEST] = sign(damaged, name)
    return Damage("+".join(sorted(set(kinds))), name, damaged)


def sign(files: Files, name: str) -> bytes:
    """The manifest with size, hash and tensors of a file as it is; unchanged if it is none any more."""
    content = files[name]
    try:
        manifest = json.loads(files[MANIFEST])
        told = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        if name.endswith(".safetensors"):
            told |= {"tensors": _tensors(content)}
        manifest["files"][name] = told
    except (ValueError, TypeError, KeyError, RecursionError):
        return files[MANIFEST]
    return json.dumps(manifest).encode()


def _tensors(content: bytes) -> dict[str, str]:
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        told = {name: f"{one['dtype']}[{','.join(map(str, one['shape']))}]" for name, one in header.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    return told


def _header(content: bytes, rng: random.Random) -> bytes:
    """Changes the header of a safetensors file, and now and then what is said of its length."""
    length = int.from_bytes(content[:8], "little")
    header = damaged_json(content[8 : 8 + length], rng) if length < len(content) and rng.random() < 0.9 else content[8:]
    said = rng.choice((0, 1, 7, 2**31, 2**63, 2**64 - 1)) if rng.random() < 0.1 else len(header)
    return said.to_bytes(8, "little") + header + content[8 + length :]


def _values(content: bytes, rng: random.Random) -> bytes:
    """Other numbers in the tensors, which are 4 bytes each."""
    import struct

    data = bytearray(content)
    first = 8 + int.from_bytes(content[:8], "little")
    for _ in range(rng.choice((1, 4, 50))):
        if first + 4 > len(data):
            break
        at = first + rng.randrange((len(data) - first) // 4) * 4
        number = rng.choice(FINITE if rng.random() < 0.95 else NUMBERS)
        data[at : at + 4] = struct.pack("<f", number) if rng.random() < 0.8 else struct.pack("<i", rng.choice(WHOLE))
    return bytes(data)


def _shapes(content: bytes, rng: random.Random) -> bytes:
    """A header that goes with the file, but of other names, dtypes or shapes."""
    length = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + length])
        tensors = [name for name in header if name != "__metadata__"]
        one, two = header[rng.choice(tensors)], header[rng.choice(tensors)]
        match rng.randrange(6):
            case 0:
                one["shape"] = one["shape"][::-1]
            case 1:
                one["shape"] = [*one["shape"], 1]
            case 2:
                one["dtype"] = {"F32": "I32", "I32": "F32", "F16": "BF16"}.get(one["dtype"], "F32")
            case 3:
                one["dtype"], one["shape"] = "F16", [*one["shape"][:-1], 2 * one["shape"][-1]]
            case 4:
                header = {("words.pairs.3" if header[name] is one else name): header[name] for name in header}
            case _:
                for key in one:
                    one[key], two[key] = two[key], one[key]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return damaged_bytes(content, rng)
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 8)
    return len(written).to_bytes(8, "little") + written + content[8 + length :]


WAYS: dict[Callable[[bytes, random.Random], bytes], tuple[str, ...]] = {
    damaged_bytes: ("",),
    damaged_json: (".json",),
    _header: (".safetensors",),
    _values: (".safetensors",),
    _shapes: (".safetensors",),
}
