"""The token states of a frozen transformer: computed once, kept on disk in half precision, memory-mapped.

The states of a set of texts are a folder in the cache, named by a digest of the encoder, the options and the texts. It
is written beside and renamed, so that a killed run leaves only a hidden folder, which a later run removes. Where the
cache has no room, they are kept among temporary files; where these have none either, in memory; and where they are too
large for that, they are computed anew for each batch, which is slow, but goes on.
"""

from __future__ import annotations

import hashlib
import os
import shutil
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
from textgraft.cache import REMEDY, check_seal, made, no_room, readable, reason, seal
from textgraft.digests import text_digest
from textgraft.encoders.encoder import check_max_tokens, last_states, load_encoder
from textgraft.encoders.sources import EncoderFiles
from textgraft.encoders.tokenizing import TextTokenizer
from textgraft.hardware import Precision, free_memory
from textgraft.runtimes import Runtime, check_output
from textgraft.runtimes.running import BATCH_TOKENS
from textgraft.text.batches import Windows, pad, token_batches
from textgraft.whole import remove_leftovers, whole_folder
from textgraft.wording import counted

Halves = NDArray[np.float16]

MOST_STATES = 20_000_000_000  # bytes on disk, of all sets of texts together
LARGEST = float(np.finfo(np.float16).max)
SAFE = 200e6  # bytes that stay free
TEXTS_AT_ONCE = 512  # whose states are held in memory when they are not kept on disk
STATES, LENGTHS, CUT = "states.npy", "lengths.npy", "cut.npy"
FORMAT = 4  # of a folder of states; the first had no sums, and those after it had sums of their own
FOLDER = "states"


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

            runtime = TorchRuntime(partial(load_encoder, files), last_states, precision)
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


class ComputedStates:
    """A (tokens, width) table of states that are nowhere: what is asked for is computed, text by text."""

    dtype = np.dtype(np.float16)

    def __init__(self, windows: Windows, encoder: StateEncoder) -> None:
        self._windows, self._encoder = windows, encoder
        self._ends = np.cumsum(windows.lengths)
        self.shape = (int(self._ends[-1]), encoder.width)
        self.nbytes = 0

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: NDArray[np.integer] | slice) -> Halves:
        """The states of rows, in an array of the shape of ``rows`` and their width."""
        wanted = np.arange(len(self))[rows] if isinstance(rows, slice) else np.asarray(rows)
        texts, place = np.unique(np.searchsorted(self._ends, wanted, "right"), return_inverse=True)
        lengths = self._windows.lengths[texts]
        firsts = self._ends[texts] - lengths
        states = np.empty((int(lengths.sum()), self.shape[1]), np.float16)
        starts = np.cumsum(lengths) - lengths
        for batch in token_batches(lengths, BATCH_TOKENS):
            for i, some in zip(batch, self._encoder.states([self._windows.ids[texts[i]] for i in batch]), strict=True):
                states[starts[i] : starts[i] + lengths[i]] = some
        found: Halves = states[wanted + (starts - firsts)[place.reshape(wanted.shape)]]
        return found


Table = NDArray[np.float16] | ComputedStates


@dataclass(frozen=True)
class TokenStates:
    """The token states of some texts.

    The ``ids`` of a window are the rows of ``table`` that hold the tokens of its text, special ones included; so the
    table is read as one of word vectors is.
    """

    table: Table  # (tokens, width); memory-mapped where it is on disk
    windows: Windows  # one per text
    note: str  # for people: how much room they take, and where
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
        SettingError: an option has a value that cannot be used.
    """
    encoder = StateEncoder(files, max_tokens, precision)
    by_digest = {text_digest(text): text for text in texts}
    digests = sorted(by_digest)
    made_of = _MadeOf(_key(encoder, digests), [by_digest[digest] for digest in digests], encoder, len(texts), announce)
    try:
        stored, sentence = made(FOLDER, made_of.on_disk)
    except OSError as error:
        stored, sentence = made_of.without_disk(reason(error))
    if sentence:
        progress.say(sentence)
    number = {digest: i for i, digest in enumerate(digests)}
    chosen = np.fromiter((number[text_digest(text)] for text in texts), np.int64, len(texts))
    rows = np.split(np.arange(len(stored.table), dtype=np.int32), np.cumsum(stored.lengths)[:-1])
    weight = np.ones(len(texts), np.float32)
    windows = Windows([rows[i] for i in chosen], np.arange(len(texts)), weight, stored.cut[chosen])
    note = _note(len(texts), stored.table.nbytes, stored.place) if stored.place is not None else sentence
    return TokenStates(stored.table, windows, note, not made_of.computed)


@dataclass(frozen=True)
class _Stored:
    """States, the tokens of each text, whether it was cut, and the folder in which they are, if they are in one."""

    table: Table
    lengths: NDArray[np.int64]
    cut: NDArray[np.bool_]
    place: Path | None = None


@dataclass
class _MadeOf:
    """What states are made of, for a folder of some name: different texts in the order of their digests."""

    name: str
    texts: list[str]
    encoder: StateEncoder
    count: int  # of the texts with their repeats
    announce: Callable[[str], None]
    computed: bool = False

    @cached_property
    def windows(self) -> Windows:
        return self.encoder.windows(self.texts)

    @cached_property
    def size(self) -> int:
        return int(self.windows.lengths.sum()) * self.encoder.width * 2

    def on_disk(self, root: Path) -> _Stored:
        """The states in a folder of ``root``, computed now if they are not there; raises OSError where they cannot."""
        place = root / self.name
        stored = _read(place, len(self.texts))
        if stored is None:
            _make_room(root, self.size)
            self.announce(_note(self.count, self.size, place))
            self.computed = True
            _compute(place, self.windows, self.encoder)
            stored = _read(place, len(self.texts))
        if stored is None:
            raise OSError(f"what is written to {place} cannot be read")
        with suppress(OSError):  # a cache that may only be read is one, too
            os.utime(place)
        return stored

    def without_disk(self, why: str) -> tuple[_Stored, str]:
        """The states in memory, or, where they are too large for it, computed whenever they are asked for."""
        self.computed = True
        what = f"Token states of {counted(self.count, 'text')} ({readable(self.size)})"
        start = f"{what} can be kept on no disk ({why}), so they"
        if 2 * self.size <= free_memory():
            table: Table = _held(self.windows, self.encoder)
            end = "are kept in memory until this process ends"
        else:
            table = ComputedStates(self.windows, self.encoder)
            end = "are computed anew in every epoch, which takes long"
        return _Stored(table, self.windows.lengths, self.windows.cut), f"{start} {end}; {REMEDY}."


def _key(encoder: StateEncoder, digests: list[bytes]) -> str:
    """All that the states depend on; the order of the texts and repeats do not count."""
    options = (FORMAT, encoder.files.fingerprint, encoder.max_tokens, encoder.runtime.precision, encoder.device_type)
    return hashlib.sha256(repr(options).encode() + b"".join(digests)).hexdigest()[:32]


def _note(texts: int, size: int, place: Path) -> str:
    return f"Token states of {counted(texts, 'text')} take {readable(size)} in {place}; they are read by every epoch."


# Tables that this process uses, by their folder and their identity, since several may be of one folder.
_in_use: WeakValueDictionary[tuple[Path, int], np.memmap[Any, Any]] = WeakValueDictionary()


def _read(place: Path, texts: int) -> _Stored | None:
    """What is in a folder; None where nothing is, or it is damaged or another's."""
    try:
        check_seal(place)
        table: Any = np.load(place / STATES, mmap_mode="r", allow_pickle=False)
        lengths, cut = (np.load(place / name, allow_pickle=False) for name in (LENGTHS, CUT))
        if table.ndim != 2 or not len(lengths) == len(cut) == texts or len(table) != lengths.sum():
            raise ValueError("its parts do not fit together")
    except (OSError, ValueError, EOFError):
        if os.path.lexists(place):
            progress.say(f"The token states that were kept in {place} are damaged; they are computed again.")
        return None
    _in_use[place, id(table)] = table
    return _Stored(table, lengths, cut, place)


def _compute(place: Path, windows: Windows, encoder: StateEncoder) -> None:
    """Encodes windows into a new folder that then becomes ``place``; raises OSError where it cannot be written."""
    with whole_folder(place) as folder:
        np.save(folder / LENGTHS, windows.lengths)
        np.save(folder / CUT, windows.cut)
        shape = (int(windows.lengths.sum()), encoder.width)
        # Written, not mapped: mapped pages would count as memory of this process, and a full disk would kill it.
        with (folder / STATES).open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
            start = file.tell()
            for first, states in _each_text(windows, encoder):
                file.seek(start + first * encoder.width * 2)
                file.write(states.data)
        seal(folder, place.name)


def _held(windows: Windows, encoder: StateEncoder) -> Halves:
    """All states in memory."""
    table = np.empty((int(windows.lengths.sum()), encoder.width), np.float16)
    for first, states in _each_text(windows, encoder):
        table[first : first + len(states)] = states
    return table


def _each_text(windows: Windows, encoder: StateEncoder) -> Iterator[tuple[int, Halves]]:
    """Where in the table the states of each text start, and these; texts of similar length come together."""
    lengths = windows.lengths
    starts = np.cumsum(lengths) - lengths
    batches = token_batches(lengths, BATCH_TOKENS)
    for batch in progress.track(batches, "encoding", float(lengths.sum()), lambda batch: float(lengths[batch].sum())):
        for i, states in zip(batch, encoder.states([windows.ids[i] for i in batch]), strict=True):
            yield int(starts[i]), states


def _make_room(root: Path, size: int) -> None:
    """Makes ``size`` bytes of new states fit into the folder of all states, or raises OSError and deletes none.

    What killed runs left goes, and older states, those first that were used longest ago.
    """
    root.mkdir(parents=True, exist_ok=True)
    remove_leftovers(root)
    dated = []
    for path in root.iterdir():
        with suppress(FileNotFoundError, NotADirectoryError):  # other processes delete, too
            if not path.name.startswith("."):
                bytes_of = sum(file.stat().st_size for file in path.iterdir())
                dated.append((path.stat().st_mtime_ns, path, bytes_of))
    sizes = {path: bytes_of for _, path, bytes_of in sorted(dated)}
    used = {path for path, _ in _in_use}
    spare = {path: bytes_of for path, bytes_of in sizes.items() if path not in used}
    needed = int(size * 1.05 + SAFE)
    if (full := no_room(root, needed - sum(spare.values()))) is not None:
        raise full
    excess = max(sum(sizes.values()) + size - MOST_STATES, needed - shutil.disk_usage(root).free)
    for path, bytes_of in spare.items():
        if excess <= 0:
            return
        shutil.rmtree(path, ignore_errors=True)
        excess -= bytes_of
