"""Texts to token ids for a pretrained encoder: special tokens, truncation, and windows over long texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.encoders.sources import EncoderFiles
from textgraft.encoders.tokenizer_files import MOST_BYTES, check_tokenizer, plain_tokenizer_files
from textgraft.encoders.word_counts import WordCounts, stops_at_blanks
from textgraft.errors import EncoderError, MissingExtraError, TextgraftError
from textgraft.json_files import is_whole, read_json
from textgraft.text.batches import Windows
from textgraft.unicode import quoted, quoted_path

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

Long = Literal["truncate", "window"]
LONG: tuple[Long, ...] = ("truncate", "window")
OVERLAP = 0.125  # of a window is seen again by the next one, so that no phrase is only ever seen cut in two


class TextTokenizer:
    """The tokenizer that belongs to an encoder."""

    def __init__(self, files: EncoderFiles) -> None:
        self._name = files.name
        self._tokenizer = _load(files)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        padding = files.config.get("pad_token_id") or 0
        if not is_whole(padding):
            raise EncoderError(
                f"The pad_token_id in the config.json of {quoted_path(files.name)} is {quoted(padding)} and no token."
            )
        self.pad_id = padding  # fills up shorter rows of a batch
        with _explained(self._name):
            encoded = self._tokenizer.encode("a")
        inside = [i for i, special in enumerate(encoded.special_tokens_mask) if not special]
        if not inside:
            raise EncoderError("The encoder's tokenizer turns the text 'a' into no token; its files are damaged.")
        # The special ids around every text: ``[CLS]`` and ``[SEP]`` of BERT, say.
        self._before, self._after = encoded.ids[: inside[0]], encoded.ids[inside[-1] + 1 :]
        self._word_counts = WordCounts(self._encoded) if stops_at_blanks(self._tokenizer) else None

    def check(self, max_tokens: int, rows: object) -> None:
        """Checks that every window can be computed.

        Args:
            max_tokens: the length of a window, special tokens included.
            rows: how many tokens the network knows, or what a configuration says of that.

        Raises:
            EncoderError: an id is not below ``rows``, or the special tokens leave no room for a text.
        """
        special = [*self._before, *self._after]
        highest = max([*self._tokenizer.get_vocab(with_added_tokens=True).values(), *special, self.pad_id])
        if not is_whole(rows) or not 0 <= self.pad_id <= highest < rows:
            raise EncoderError(
                f"The tokenizer does not go with the network: its ids go to {highest}, of {quoted(rows)} rows."
            )
        if max_tokens <= len(special):
            raise EncoderError(
                f"A window of {max_tokens} tokens has no room for a text beside {len(special)} special ones."
            )

    def for_web(self) -> dict[str, Any]:
        """What a page must know to make the same ids, besides the file that ``save`` writes; plain data.

        Raises:
            ExportError: a browser cannot.
        """
        from textgraft.web import wordpiece_tables

        around = {"before": list(self._before), "after": list(self._after), "pad": self.pad_id}
        return wordpiece_tables(self._tokenizer, self._name) | around

    def save(self, path: Path) -> None:
        """Writes the tokenizer as one ``tokenizer.json``."""
        self._tokenizer.save(str(path))

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Token ids of each text, whole and without special tokens."""
        return [np.array(encoding.ids, np.int32) for encoding in self._encoded(texts)]

    def offsets(self, text: str) -> NDArray[np.int64]:
        """(t, 2) where each token that ``encode`` makes of a text starts and stops in it."""
        with _explained(self._name):
            encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return np.array(encoding.offsets, np.int64).reshape(-1, 2)

    def names(self, ids: Sequence[int] | NDArray[np.integer]) -> list[str]:
        """The tokens of ids as the tokenizer writes them, such as ``##ing``; of an unknown id ``<id>``."""
        return [self._tokenizer.id_to_token(int(each)) or f"<{each}>" for each in ids]

    def counts(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """(n,) tokens of each text, special tokens included."""
        special = len(self._before) + len(self._after)
        if self._word_counts is not None:
            return self._word_counts(texts) + special
        return np.array([len(encoding) + special for encoding in self._encoded(texts)], np.int64)

    def _encoded(self, texts: Sequence[str]) -> list[Encoding]:
        with _explained(self._name):
            return list(self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False))

    def pieces(self, tokens: int, max_tokens: int, long: Long) -> list[tuple[int, int]]:
        """The first token and the end of each window of a text of so many tokens; see ``windows``."""
        room = max_tokens - len(self._before) - len(self._after)
        step = room - int(room * OVERLAP)
        starts = range(0, max(tokens - room, 0) + step, step) if long == "window" else (0,)
        return [(start, min(start + room, tokens)) for start in starts]

    @property
    def before(self) -> int:
        """How many special tokens stand before those of a window."""
        return len(self._before)

    def windows(self, texts: Sequence[str], max_tokens: int, long: Long) -> Windows:
        """Cuts texts to windows of at most ``max_tokens`` tokens, special tokens included.

        ``"truncate"`` keeps the first window of each text; ``"window"`` goes on to its end, an eighth of each window
        overlapping the one before.
        """
        ids: list[NDArray[np.int32]] = []
        text: list[int] = []
        weight: list[float] = []
        cut: list[bool] = []
        for i, tokens in enumerate(self.encode(texts)):
            pieces = self.pieces(len(tokens), max_tokens, long)
            ends = [end for _, end in pieces]
            total = max(ends[-1], 1)
            cut.append(ends[-1] < len(tokens))
            for (start, end), seen in zip(pieces, [0, *ends], strict=False):
                # A network needs at least one token, and a tokenizer without special ones has none for an empty text.
                piece = [*self._before, *tokens[start:end], *self._after] or [self.pad_id]
                ids.append(np.array(piece, np.int32))
                text.append(i)
                weight.append((end - seen) / total if ends[-1] else 1.0)
        return Windows(ids, np.array(text, np.int64), np.array(weight, np.float32), np.array(cut, np.bool_))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Translates what the tokenizers library raises: its errors are plain exceptions, and its panics not even that."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise EncoderError(
                f"The tokenizer of {quoted_path(name)} is damaged: {error}. Save the encoder again."
            ) from error
        raise


def _load(files: EncoderFiles) -> Tokenizer:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingExtraError("Tokenising for an encoder", "transformers") from None
    path = files.folder / "tokenizer.json"
    if path.is_file():
        check_tokenizer(read_json(path, most=MOST_BYTES), path)
        with _explained(files.name):
            return Tokenizer.from_file(str(path))
    # Older models ship vocabulary files only; transformers knows how to turn them into a fast tokenizer.
    from transformers import AutoTokenizer

    from textgraft.encoders.loading import SAFELY

    try:
        with plain_tokenizer_files(files.folder) as folder:
            tokenizer = AutoTokenizer.from_pretrained(str(folder), **SAFELY)
    except TextgraftError:
        raise
    except Exception as error:  # whatever a damaged file makes transformers trip over
        raise EncoderError(
            f"The encoder {quoted_path(files.name)} has no tokenizer that can be read: {error}"
        ) from None
    if not getattr(tokenizer, "is_fast", False):
        raise EncoderError(
            f"The encoder {quoted_path(files.name)} has no fast tokenizer; save it again with tokenizer.json."
        )
    loaded: Tokenizer = tokenizer.backend_tokenizer
    return loaded
