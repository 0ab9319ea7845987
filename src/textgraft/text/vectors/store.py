"""The fast form of vectors on disk: made once from a file of any format, opened in no time ever after.

A folder in ``cache_folder()/word-vectors`` for each file, and for each state of it (path, size and time of change)::

    meta.json      what it was made of, its shape, fingerprint and notes
    vectors.f32    (n, d) components, to be memory-mapped; not there where the file itself can be
    words.bin, offsets.npy       the words, see PackedWords
    hashes.npy, places.npy       hashes of the distinct words in order, and their rows: a word is a binary search away

    sums.json      checksums of all these, each of this folder alone

It is written beside and renamed; what is damaged is made anew. Where it can be written nowhere, it is held in memory.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.cache import REMEDY, check_seal, made, no_room, readable, reason, seal
from textgraft.errors import VectorsError
from textgraft.hardware import free_memory
from textgraft.progress import track
from textgraft.text.hashing import Hashes
from textgraft.text.vectors.fasttext import MAGIC, SubWords
from textgraft.text.vectors.formats import reader_of
from textgraft.text.vectors.origins import Origin
from textgraft.text.vectors.packed import PackedWords
from textgraft.text.vectors.reading import Reader
from textgraft.unicode import quoted
from textgraft.whole import whole_folder

VERSION: Final = 3  # the first had no sums, the second none of meta.json
FOLDER: Final = "word-vectors"
MODEL: Final = "model.bin"


@dataclass(frozen=True)
class Store:
    """Vectors on disk, opened.

    Attributes:
        matrix: (n, d) rows, memory-mapped where they are on disk; of any floating point type.
        words: the n words of the rows.
        hashes: (m,) hashes of the distinct words, ascending.
        places: (m,) their rows.
        subwords: vectors for other words, where the file has them.
        fingerprint: sha256 over words and components, whatever the format they came in.
        notes: sentences about the file.
    """

    matrix: NDArray[np.floating[Any]]
    words: PackedWords
    hashes: Hashes
    places: NDArray[np.int32]
    subwords: SubWords | None
    fingerprint: str
    notes: tuple[str, ...]


def stored(origin: Origin) -> Store:
    """The fast form of a file, made now if it is not there.

    Raises:
        VectorsError: the file is damaged or of no known format, or there is no room for it on a disk or in memory.
    """
    try:
        store, sentence = made(FOLDER, lambda root: _made(root / _name(origin), origin))
    except OSError as error:
        store = _in_memory(origin, reason(error))
        sentence = (
            f"The fast form of {origin} can be written nowhere ({reason(error)}), so it is made in memory each time; "
            f"{REMEDY}."
        )
    if sentence:
        progress.say(sentence)
    return store


def _made(folder: Path, origin: Origin) -> Store:
    """What is kept in a folder, or is written there now; raises OSError where it cannot be."""
    if (store := _opened(folder, origin)) is not None:
        return store
    with whole_folder(folder) as part:
        _make(origin, part, folder.name)
        for other in folder.parent.glob(f"{folder.name.partition('-')[0]}-*"):  # older states of the file
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
    if (store := _opened(folder, origin)) is None:
        raise OSError(f"what is written to {folder} cannot be read")
    return store


def _opened(folder: Path, origin: Origin) -> Store | None:
    """What is kept in a folder; None where there is none, or it is damaged, in which case it is deleted."""
    if not folder.is_dir():
        return None
    try:
        return _open(folder, origin)
    except (OSError, ValueError, LookupError, TypeError, EOFError):
        progress.say(f"The fast form of {origin} in {folder} is damaged; it is made anew.")
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _name(origin: Origin) -> str:
    """Of the folder: for the file and, after a hyphen, for its state, so that older states can be told."""
    files = [path.resolve() for path in (origin.path, origin.index) if path is not None]
    state = [(path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    name, now = (
        hashlib.sha256(repr(part).encode()).hexdigest()[:16]
        for part in ([*map(str, files), origin.member], [state, VERSION])
    )
    return f"{name}-{now}"


def _make(origin: Origin, folder: Path, name: str) -> None:
    """Writes the fast form into ``folder``, which will have another name."""
    if _is_packed_model(origin):  # its sub-words are looked up in the file itself
        _check_room(folder, origin.size())
        reader: Reader = reader_of(origin.unpack(folder / MODEL))
    else:
        reader = reader_of(origin)
    _check_room(folder, reader.room)
    with (folder / "words.bin").open("wb") as words, (folder / "vectors.f32").open("wb") as rows:
        read = _read(origin, reader, words.write, rows.write)
    if reader.in_place is not None:
        (folder / "vectors.f32").unlink()
    packed = PackedWords.of_lengths(np.memmap(folder / "words.bin", np.uint8, "r"), read.lengths)
    distinct, places, repeated = _index(read.hashes)
    np.save(folder / "offsets.npy", packed.offsets)
    np.save(folder / "hashes.npy", distinct)
    np.save(folder / "places.npy", places)
    meta = {
        "source": str(origin),
        "dimensions": reader.dimensions,
        "in_place": reader.in_place is not None,
        "subwords": reader.subwords,
        "fingerprint": _fingerprint(read, packed, reader, _model(folder, origin)),
        "notes": _notes(origin, packed, repeated),
    }
    (folder / "meta.json").write_text(json.dumps(meta), "utf-8")
    seal(folder, name)


def _in_memory(origin: Origin, why: str) -> Store:
    """The fast form without a disk.

    Raises:
        VectorsError: there is too little memory, or it is a packed model whose sub-words must be on a disk.
    """
    if _is_packed_model(origin):
        raise VectorsError(f"{origin} is unpacked to be read, and there is no place for it ({why}): {REMEDY}.")
    reader = reader_of(origin)
    if 2 * reader.room > (free := free_memory()):
        raise VectorsError(
            f"The fast form of {origin} takes about {readable(reader.room)}. No disk takes it ({why}), and "
            f"{readable(free)} of memory are free: {REMEDY}."
        )
    words, rows = BytesIO(), BytesIO()
    read = _read(origin, reader, words.write, rows.write if reader.in_place is None else lambda _: 0)
    packed = PackedWords.of_lengths(np.frombuffer(words.getbuffer(), np.uint8), read.lengths)
    distinct, places, repeated = _index(read.hashes)
    matrix: NDArray[np.floating[Any]] = (
        np.frombuffer(rows.getbuffer(), np.float32).reshape(-1, reader.dimensions)
        if reader.in_place is None
        else np.load(reader.in_place, mmap_mode="r", allow_pickle=False)
    )
    subwords = SubWords(origin.path, **reader.subwords) if reader.subwords is not None else None
    fingerprint = _fingerprint(read, packed, reader, origin.path)
    notes = tuple(_notes(origin, packed, repeated))
    return Store(matrix, packed, distinct, places, subwords, fingerprint, notes)


@dataclass(frozen=True)
class _Read:
    """What is known of a file that was read: lengths and hashes of its words, digests of all words and of all rows."""

    lengths: NDArray[np.int64]
    hashes: Hashes
    words: str
    rows: str


def _read(origin: Origin, reader: Reader, keep_words: Callable[[Any], int], keep_rows: Callable[[Any], int]) -> _Read:
    """Reads a file and hands on the bytes of its words and of its rows."""
    words, rows = hashlib.sha256(), hashlib.sha256()
    lengths: list[NDArray[np.int64]] = []
    hashes: list[Hashes] = []
    for block in track(reader.blocks(), f"reading {origin.path.name}", reader.size, lambda block: block.read):
        words.update(block.words.data.data)
        keep_words(block.words.data.data)
        rows.update(block.rows.data)
        if reader.in_place is None:
            keep_rows(block.rows.data)
        lengths.append(block.words.lengths)
        hashes.append(block.words.hashes())
    if not sum(int(part.sum()) for part in lengths):
        raise VectorsError(f"{origin} holds no words. Get the file again.")
    return _Read(np.concatenate(lengths), np.concatenate(hashes), words.hexdigest(), rows.hexdigest())


def _fingerprint(read: _Read, packed: PackedWords, reader: Reader, model: Path) -> str:
    whole = [reader.dimensions, read.words, hashlib.sha256(packed.offsets.data).hexdigest(), read.rows]
    if reader.subwords is not None:
        whole.append(_digest_of_buckets(model, reader.subwords))
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def _is_packed_model(origin: Origin) -> bool:
    return bool(origin.packing) and origin.head(len(MAGIC)) == MAGIC


def _check_room(folder: Path, needed: int) -> None:
    """Raises OSError before anything is begun that the disk has no room for."""
    if (full := no_room(folder, needed)) is not None:
        raise full


def _index(hashes: Hashes) -> tuple[Hashes, NDArray[np.int32], NDArray[np.int64]]:
    """Hashes in order with their first rows, and the rows of those that had come before."""
    order = np.argsort(hashes, kind="stable")
    ascending = hashes[order]
    new = np.append(True, ascending[1:] != ascending[:-1])
    return ascending[new], order[new].astype(np.int32), np.sort(order[~new])


def _notes(origin: Origin, words: PackedWords, repeated: NDArray[np.int64]) -> list[str]:
    if not len(repeated):
        return []
    times = "1 row repeats a word" if len(repeated) == 1 else f"{len(repeated):,} rows repeat words"
    return [
        f"{origin}: {times}, the first of them {quoted(words[int(repeated[0])])} in row {int(repeated[0]) + 1:,}; the "
        "first vector of a word is taken."
    ]


def _digest_of_buckets(model: Path, subwords: dict[str, int]) -> str:
    matrix = SubWords(model, **subwords).matrix
    digest = hashlib.sha256(json.dumps([subwords["buckets"], subwords["least"], subwords["most"]]).encode())
    for first in range(subwords["words"], len(matrix), 1 << 14):
        digest.update(np.ascontiguousarray(matrix[first : first + (1 << 14)]).data)
    return digest.hexdigest()


def _model(folder: Path, origin: Origin) -> Path:
    """The ``.bin`` model: unpacked here, or the file itself."""
    return folder / MODEL if origin.packing else origin.path


def _open(folder: Path, origin: Origin) -> Store:
    check_seal(folder)
    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    names = ("offsets.npy", "hashes.npy", "places.npy")
    offsets, hashes, places = (np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in names)
    n, subwords = len(offsets) - 1, meta["subwords"]
    matrix: NDArray[np.floating[Any]] = (
        np.load(origin.path, mmap_mode="r", allow_pickle=False)
        if meta["in_place"]
        else np.memmap(folder / "vectors.f32", np.float32, "r", 0, (n, meta["dimensions"]))
    )
    words = np.memmap(folder / "words.bin", np.uint8, "r")
    if (len(words), len(matrix), len(hashes)) != (offsets[-1], n, len(places)):
        raise ValueError("its parts do not fit together")
    model = SubWords(_model(folder, origin), **subwords) if subwords is not None else None
    packed, notes = PackedWords(words, offsets), tuple(meta["notes"])
    return Store(matrix, packed, hashes, places, model, meta["fingerprint"], notes)
