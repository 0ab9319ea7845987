"""The fast form of vectors on disk: made once from a file of any format, opened in no time ever after.

A folder in ``cache_folder()/word-vectors`` for each file, and for each state of it (path, size and time of change)::

    meta.json      what it was made of, its shape, fingerprint and notes
    vectors.f32    (n, d) components, to be memory-mapped; not there where the file itself can be
    words.bin, offsets.npy       the words, see PackedWords
    hashes.npy, places.npy       hashes of the distinct words in order, and their rows: a word is a binary search away

It is written beside and renamed; what is damaged is made anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.cache import cache_folder, room
from textgraft.errors import VectorsError
from textgraft.progress import track
from textgraft.text.hashing import Hashes
from textgraft.text.vectors.fasttext import MAGIC, SubWords
from textgraft.text.vectors.formats import reader_of
from textgraft.text.vectors.origins import Origin
from textgraft.text.vectors.packed import PackedWords
from textgraft.text.vectors.reading import Reader
from textgraft.unicode import quoted
from textgraft.whole import whole_folder

VERSION: Final = 2  # the first had no sums
FOLDER: Final = "word-vectors"
MODEL: Final = "model.bin"
AT_ONCE: Final = 1 << 24  # bytes that are summed


@dataclass(frozen=True)
class Store:
    """Vectors on disk, opened.

    Attributes:
        matrix: (n, d) rows, memory-mapped; of any floating point type.
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
        VectorsError: the file is damaged or of no known format, or there is no room on the disk.
    """
    folder = _folder(origin)
    if (store := _opened(folder, origin)) is not None:
        return store
    root, sentence = room(FOLDER)
    if sentence:
        progress.say(sentence)
        folder = root / folder.name
        if (store := _opened(folder, origin)) is not None:
            return store
    try:
        with whole_folder(folder) as part:
            _make(origin, part)
            for other in folder.parent.glob(f"{folder.name.partition('-')[0]}-*"):  # older states of the file
                if other != folder:
                    shutil.rmtree(other, ignore_errors=True)
    except OSError as error:
        if not folder.is_dir():  # else another process made the same meanwhile
            raise VectorsError(
                f"The fast form of {origin} cannot be written to {folder.parent} ({error.strerror or error}); set "
                "TEXTGRAFT_CACHE to a folder that can be written to and has room."
            ) from None
    return _open(folder, origin)


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


def check_room(folder: Path, needed: int, what: str) -> None:
    """Refuses to begin what the disk has no room for.

    Raises:
        VectorsError: there is too little room; says how much is needed.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise VectorsError(
            f"{what} needs about {needed / 1e9:,.1f} GB in {folder}, where {free / 1e9:,.1f} GB are free; make room, "
            "or set TEXTGRAFT_CACHE to a folder on a larger disk."
        )


def _folder(origin: Origin) -> Path:
    """Named for the file and, after a hyphen, for its state, so that older states can be told."""
    files = [path.resolve() for path in (origin.path, origin.index) if path is not None]
    state = [(path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    name, now = (
        hashlib.sha256(repr(part).encode()).hexdigest()[:16]
        for part in ([*map(str, files), origin.member], [state, VERSION])
    )
    return cache_folder() / FOLDER / f"{name}-{now}"


def _make(origin: Origin, folder: Path) -> None:
    if origin.packing and origin.head(len(MAGIC)) == MAGIC:  # its sub-words are looked up in the file itself
        check_room(folder, origin.size(), f"The model in {origin}")
        reader: Reader = reader_of(origin.unpack(folder / MODEL))
    else:
        reader = reader_of(origin)
    check_room(folder, reader.room, f"The fast form of {origin}")
    words, rows = hashlib.sha256(), hashlib.sha256()
    lengths: list[NDArray[np.int64]] = []
    hashes: list[Hashes] = []
    work = track(reader.blocks(), f"reading {origin.path.name}", reader.size, lambda block: block.read)
    with (folder / "words.bin").open("wb") as words_file, (folder / "vectors.f32").open("wb") as rows_file:
        for block in work:
            words.update(block.words.data.data)
            words_file.write(block.words.data.data)
            rows.update(block.rows.data)
            if reader.in_place is None:
                rows_file.write(block.rows.data)
            lengths.append(block.words.lengths)
            hashes.append(block.words.hashes())
    if not (folder / "words.bin").stat().st_size:
        raise VectorsError(f"{origin} holds no words. Get the file again.")
    if reader.in_place is not None:
        (folder / "vectors.f32").unlink()
    packed = PackedWords.of_lengths(np.memmap(folder / "words.bin", np.uint8, "r"), np.concatenate(lengths))
    distinct, places, repeated = _index(np.concatenate(hashes))
    np.save(folder / "offsets.npy", packed.offsets)
    np.save(folder / "hashes.npy", distinct)
    np.save(folder / "places.npy", places)
    whole = [reader.dimensions, words.hexdigest(), hashlib.sha256(packed.offsets.data).hexdigest(), rows.hexdigest()]
    if reader.subwords is not None:
        whole.append(_digest_of_buckets(folder, origin, reader.subwords))
    meta = {
        "source": str(origin),
        "dimensions": reader.dimensions,
        "in_place": reader.in_place is not None,
        "subwords": reader.subwords,
        "fingerprint": hashlib.sha256(json.dumps(whole).encode()).hexdigest(),
        "notes": _notes(origin, packed, repeated),
    }
    meta["sums"] = {path.name: _sum(path) for path in sorted(folder.iterdir())}
    (folder / "meta.json").write_text(json.dumps(meta), "utf-8")


def _sum(path: Path) -> int:
    """The CRC-32 of a file: of GloVe's 400,000 words a tenth of a second."""
    value = 0
    with path.open("rb") as file:
        while block := file.read(AT_ONCE):
            value = zlib.crc32(block, value)
    return value


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


def _digest_of_buckets(folder: Path, origin: Origin, subwords: dict[str, int]) -> str:
    matrix = SubWords(_model(folder, origin), **subwords).matrix
    digest = hashlib.sha256(json.dumps([subwords["buckets"], subwords["least"], subwords["most"]]).encode())
    for first in range(subwords["words"], len(matrix), 1 << 14):
        digest.update(np.ascontiguousarray(matrix[first : first + (1 << 14)]).data)
    return digest.hexdigest()


def _model(folder: Path, origin: Origin) -> Path:
    """The ``.bin`` model: unpacked here, or the file itself."""
    return folder / MODEL if origin.packing else origin.path


def _open(folder: Path, origin: Origin) -> Store:
    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    if any(_sum(folder / name) != value for name, value in meta["sums"].items()):
        raise ValueError("a file is not as it was written")
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
