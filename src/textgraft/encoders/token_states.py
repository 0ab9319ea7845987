"""The token states of a frozen transformer: computed once, kept on disk in half precision, memory-mapped.

The states of a set of texts are a folder in the cache, named by a digest of the encoder, the options and the texts. It
is written beside and renamed, so that a killed run leaves only a hidden folder, which a later run removes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.cache import cache_folder, room
from textgraft.digests import text_digest
from textgraft.encoders.encoder import check_max_tokens, load_encoder
from textgraft.encoders.sources import EncoderFiles
from textgraft.encoders.tokenizing import TextTokenizer
from textgraft.errors import EncoderError
from textgraft.hardware import Precision
from textgraft.runtimes import Runtime, check_output
from textgraft.runtimes.running import BATCH_TOKENS
from textgraft.text.batches import Windows, pad, token_batches
from textgraft.whole import remove_leftovers, whole_folder

Halves = NDArray[np.float16]

MOST_STATES = 20_000_000_000  # bytes on disk, of all sets of texts together
LARGEST = float(np.finfo(np.float16).max)
TEXTS_AT_ONCE = 512  # whose states are held in memory when they are not kept on disk
STATES, LENGTHS, CUT, SUMS = "states.npy", "lengths.npy", "cut.npy", "sums.npy"
FORMAT = 2  # of a folder of states; the first had no sums
AT_ONCE = 1 << 24  # bytes that are summed


class StateEncoder:
    """A frozen encoder that turns texts into the states of their tokens. Its network is loaded when first needed.

    Args:
        files: the encoder.
        max_tokens: where longer texts are cut, special tokens included; None is what the encoder was tuned for.
        precision: of the matrix products.
        runtime: computes the states; None is torch, on the weights in the files.

    Raises:
        ArtifactError: ``runtime`` gives no states of its width.
        SettingError: an option has a value that cannot be used.
    """

    def __init__(
        self,
        files: EncoderFiles,
        max_tokens: int | None = None,
        precision: Precision = "auto",
        runtime: Runtime | None = None,
    ) -> None:
        self.files = files
        self.max_tokens = check_max_tokens(files, max_tokens)
        self.device_type = "cpu"
        if runtime is None:
            from textgraft.runtimes.pytorch import TorchRuntime

            runtime = TorchRuntime(partial(load_encoder, files), _last_states, precision)
            self.device_type = runtime.device.type
        else:
            check_output(runtime, files.width, per_token=True)
        self.runtime = runtime

    @property
    def width(self) -> int:
        """Components of a state."""
        return self.files.width

    def windows(self, texts: Sequence[str]) -> Windows:
        """The token ids of texts, each one cut to one window."""
        return self.tokenizer.windows(texts, self.max_tokens, "truncate")

    def states(self, rows: Sequence[NDArray[np.int32]]) -> list[Halves]:
        """(t, width) float16 states of each row of token ids, computed as one batch.

        States beyond the range of half precision (65504), which a few encoders have in some components, are cut to it.
        """
        states = self.runtime.run(*pad(rows, self.tokenizer.pad_id))
        halves: Halves = np.clip(states, -LARGEST, LARGEST).astype(np.float16)
        return [halves[i, : len(row)] for i, row in enumerate(rows)]

    def encode(self, texts: Sequence[str]) -> Iterator[Halves]:
        """Yields the (t, width) float16 states of each text, in order; nothing is kept on disk."""
        chunks = [texts[start : start + TEXTS_AT_ONCE] for start in range(0, len(texts), TEXTS_AT_ONCE)]
        for chunk in progress.track(chunks, "encoding", float(len(texts)), len):
            windows = self.windows(chunk)
            states: dict[int, Halves] = {}
            for batch in token_batches(windows.lengths, BATCH_TOKENS):
                states |= zip(batch.tolist(), self.states([windows.ids[i] for i in batch]), strict=True)
            yield from (states[i] for i in range(len(chunk)))

    @cached_property
    def tokenizer(self) -> TextTokenizer:
        """The encoder's."""
        return TextTokenizer(self.files)


def _last_states(network: Any, ids: Any, mask: Any) -> Any:
    """(n, length, width) states of the last layer."""
    return network(input_ids=ids, attention_mask=mask).last_hidden_state


@dataclass(frozen=True)
class TokenStates:
    """The token states of some texts, on disk.

    The ``ids`` of a window are the rows of ``table`` that hold the tokens of its text, special ones included; so the
    table is read as one of word vectors is.
    """

    table: np.memmap[Any, np.dtype[np.float16]]  # (tokens, width)
    windows: Windows  # one per text
    note: str  # for people: how much disk they take, and where
    found: bool  # whether they were on disk already


def token_states(
    texts: Sequence[str],
    files: EncoderFiles,
    max_tokens: int | None,
    precision: Precision,
    announce: Callable[[str], None] = lambda _: None,
) -> TokenStates:
    """The token states of texts; the same texts, in any order, are encoded once.

    Args:
        texts: at least one; repeats share their states.
        files: the encoder.
        max_tokens: where longer texts are cut, special tokens included; None is what the encoder was tuned for.
        precision: of the matrix products; states are kept in half precision, cut to its range.
        announce: is called with ``note`` before anything is written, and not at all where the states are there.

    Raises:
        EncoderError: the states do not fit on the disk, or it cannot be written to.
        SettingError: an option has a value that cannot be used.
    """
    encoder = StateEncoder(files, max_tokens, precision)
    by_digest = {text_digest(text): text for text in texts}
    digests = sorted(by_digest)
    place = cache_folder() / "states" / _key(encoder, digests)
    stored = _read(place, len(digests))
    if stored is None:
        root, sentence = room("states")
        if sentence:
            progress.say(sentence)
            place = root / place.name
            stored = _read(place, len(digests))
    if not (was_stored := stored is not None):
        windows = encoder.windows([by_digest[digest] for digest in digests])
        size = int(windows.lengths.sum()) * encoder.width * 2
        _make_room(place.parent, size, len(texts), encoder.max_tokens)
        announce(_note(len(texts), size, place))
        stored = _compute(place, windows, encoder)
    with suppress(OSError):  # a cache that may only be read is one, too
        os.utime(place)
    table, lengths, cut = stored
    number = {digest: i for i, digest in enumerate(digests)}
    chosen = np.fromiter((number[text_digest(text)] for text in texts), np.int64, len(texts))
    rows = np.split(np.arange(len(table), dtype=np.int32), np.cumsum(lengths)[:-1])
    weight = np.ones(len(texts), np.float32)
    windows = Windows([rows[i] for i in chosen], np.arange(len(texts)), weight, cut[chosen])
    return TokenStates(table, windows, _note(len(texts), table.nbytes, place), was_stored)


def _key(encoder: StateEncoder, digests: list[bytes]) -> str:
    """All that the states depend on; the order of the texts and repeats do not count."""
    options = (FORMAT, encoder.files.fingerprint, encoder.max_tokens, encoder.runtime.precision, encoder.device_type)
    return hashlib.sha256(repr(options).encode() + b"".join(digests)).hexdigest()[:32]


def _note(texts: int, size: int, place: Path) -> str:
    return f"Token states of {texts:,} texts take {_readable(size)} in {place}; they are read by every epoch."


def _readable(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


_Stored = tuple["np.memmap[Any, np.dtype[np.float16]]", NDArray[np.int64], NDArray[np.bool_]]
# Tables that this process uses, by their folder and their identity, since several may be of one folder.
_in_use: WeakValueDictionary[tuple[Path, int], np.memmap[Any, Any]] = WeakValueDictionary()


def _read(place: Path, texts: int) -> _Stored | None:
    """States, the tokens of each text, and whether it was cut; None where they are not there or are damaged."""
    try:
        table: Any = np.load(place / STATES, mmap_mode="r", allow_pickle=False)
        lengths, cut, sums = (np.load(place / name, allow_pickle=False) for name in (LENGTHS, CUT, SUMS))
        right = table.dtype == np.float16 and table.ndim == 2 and lengths.shape == cut.shape == (texts,)
        right = right and len(table) == lengths.sum() and np.array_equal(sums, _sums(place))
    except (OSError, ValueError, EOFError):
        right = False
    if not right:
        if place.exists():
            progress.say(f"The token states that were kept in {place} are damaged; they are computed again.")
        return None
    _in_use[place, id(table)] = table
    return table, lengths, cut


def _sums(folder: Path) -> NDArray[np.uint32]:
    """The CRC-32 of each file; it takes what reading them takes, a small part of an epoch."""
    sums = []
    for name in (STATES, LENGTHS, CUT):
        value = 0
        with (folder / name).open("rb") as file:
            while block := file.read(AT_ONCE):
                value = zlib.crc32(block, value)
        sums.append(value)
    return np.array(sums, np.uint32)


def _compute(place: Path, windows: Windows, encoder: StateEncoder) -> _Stored:
    """Encodes windows into a new folder that then becomes ``place``.

    Raises:
        EncoderError: the disk cannot be written to, or what was written cannot be read.
    """
    try:
        with whole_folder(place) as folder:
            np.save(folder / LENGTHS, windows.lengths)
            np.save(folder / CUT, windows.cut)
            _write_states(folder / STATES, windows, encoder)
            np.save(folder / SUMS, _sums(folder))
    except OSError as error:
        raise _unwritable(place, error) from error
    stored = _read(place, len(windows.ids))
    if stored is None:
        raise EncoderError(f"The token states that were written to {place} cannot be read; look after that disk.")
    return stored


def _write_states(path: Path, windows: Windows, encoder: StateEncoder) -> None:
    lengths = windows.lengths
    starts = np.cumsum(lengths) - lengths
    shape = (int(lengths.sum()), encoder.width)
    batches = token_batches(lengths, BATCH_TOKENS)
    # Written, not mapped: mapped pages would count as memory of this process, and a full disk would kill it.
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
        first = file.tell()
        work = progress.track(batches, "encoding", float(lengths.sum()), lambda batch: float(lengths[batch].sum()))
        for batch in work:
            for i, states in zip(batch, encoder.states([windows.ids[i] for i in batch]), strict=True):
                file.seek(first + int(starts[i]) * encoder.width * 2)
                file.write(states.data)


def _unwritable(place: Path, error: OSError) -> EncoderError:
    return EncoderError(
        f"Token states cannot be written to {place}: {error.strerror or error}. Set TEXTGRAFT_CACHE to a folder that "
        "can be written to and has the space."
    )


def _make_room(root: Path, size: int, texts: int, max_tokens: int) -> None:
    """Makes ``size`` bytes of new states fit into the folder of all states, or raises EncoderError and deletes none.

    What killed runs left goes, and older states, those first that were used longest ago.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(root, error) from error
    remove_leftovers(root)
    dated = []
    for path in root.iterdir():
        with suppress(FileNotFoundError, NotADirectoryError):  # other processes delete, too
            if not path.name.startswith("."):
                bytes_of = sum(file.stat().st_size for file in path.iterdir())
                dated.append((path.stat().st_mtime_ns, path, bytes_of))
    sizes = {path: bytes_of for _, path, bytes_of in sorted(dated)}
    free = shutil.disk_usage(root).free
    used = {path for path, _ in _in_use}
    spare = [path for path in sizes if path not in used]
    needed = size * 1.05 + 200e6
    if needed > free + sum(sizes[path] for path in spare):
        raise EncoderError(
            f"The token states of {texts:,} texts take {_readable(size)} and need {_readable(needed)} free to be safe, "
            f"but {root} has {_readable(free)} free. Lower max_tokens (now {max_tokens}), give fewer rows, or set "
            "TEXTGRAFT_CACHE to a folder on another disk."
        )
    excess = max(sum(sizes.values()) + size - MOST_STATES, needed - free)
    for path in spare:
        if excess <= 0:
            return
        shutil.rmtree(path, ignore_errors=True)
        excess -= sizes[path]
