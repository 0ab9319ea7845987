"""One text as an encoder's network sees it, to be looked at in a terminal and in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from textgraft.errors import SettingError
from textgraft.unicode import quoted, quoted_path, shown, whole
from textgraft.wording import counted

if TYPE_CHECKING:
    from textgraft.encoders.tokenizing import Long, TextTokenizer

WIDTH: Final = 88  # columns of a terminal
MOST_IN_TOKEN: Final = 24  # characters
MOST_OF_CUT: Final = 200
_BOX: Final = "display:inline-block;margin:2px;padding:1px 5px;border:1px solid;border-radius:4px;text-align:center"
_LOOKS: Final = {"word": "", "special": ";opacity:.65;font-style:italic", "padding": ";opacity:.3"}


@dataclass(frozen=True, eq=False)
class TokenizedText:
    """What an encoder's network sees of a text.

    All but ``text`` and ``cut`` go over the t tokens of all windows, one window after the other.

    Attributes:
        text: the text itself.
        tokens: as the tokenizer writes them, special tokens and padding included.
        ids: (t,) int64 their numbers, which the network takes.
        mask: (t,) int64 1 at a token, 0 at padding, which attention passes over.
        special: (t,) bool, whether a token is none of the text: ``[CLS]``, ``[SEP]`` and the like, and padding.
        spans: (t, 2) int64 where each token starts and stops in the text; 0 and 0 where it is special.
        windows: where each window stands: one, or several if a long text is read in overlapping windows.
        cut: the end of the text, which no window holds; empty where all of it is read.
        encoder: the name of the encoder.
        max_tokens: the length of a window, special tokens included.
    """

    text: str
    tokens: list[str]
    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    special: NDArray[np.bool_]
    spans: NDArray[np.int64]
    windows: tuple[slice, ...]
    cut: str
    encoder: str
    max_tokens: int

    def __len__(self) -> int:
        """Places, padding included."""
        return len(self.tokens)

    @property
    def about(self) -> str:
        """How many tokens, in one sentence, and what is cut, in another."""
        real = int(self.mask.sum())
        said = f"{counted(real, 'token')} of {quoted_path(self.encoder)}, which reads up to {self.max_tokens} at once"
        if len(self.windows) > 1:
            said += f", so in {len(self.windows)} windows that overlap"
        if real < len(self):
            said += f"; {len(self) - real} of {len(self)} places are padding"
        if self.cut:
            said += f". The last {counted(len(self.cut), 'character')} are cut off"
        return f"{said}."

    def __str__(self) -> str:
        lines = [self.about]
        for number, window in enumerate(self.windows, 1):
            lines += ["", *([f"window {number}"] if len(self.windows) > 1 else []), *self._drawn(window)]
        if self.cut:
            lines += ["", f"cut off: {quoted(self.cut, MOST_OF_CUT)}"]
        return "\n".join(lines)

    def _drawn(self, window: slice) -> Iterator[str]:
        """Lines of tokens with their ids and mask below, broken so that they fit a terminal."""
        rows = [
            list(map(_token, self.tokens[window])),
            *(map(str, of[window].tolist()) for of in (self.ids, self.mask)),
        ]
        columns = [("token", "id", "mask"), *zip(*rows, strict=True)]
        head, *rest = columns
        while rest:
            line, room = [head], WIDTH - max(map(cell_len, head))
            while rest and (len(line) == 1 or room >= max(map(cell_len, rest[0])) + 2):
                room -= max(map(cell_len, rest[0])) + 2
                line.append(rest.pop(0))
            wide = [max(map(cell_len, column)) for column in line]
            for row in zip(*line, strict=True):
                first, *others = (
                    _filled(cell, n, left=i == 0) for i, (cell, n) in enumerate(zip(row, wide, strict=True))
                )
                yield "  ".join((first, *others))
            if rest:
                yield ""

    def _repr_html_(self) -> str:
        """For notebooks: every token in a box over its number, what is special or padding paler, what is cut struck."""
        blocks = []
        for window in self.windows:
            parts = zip(
                self.tokens[window], *(of[window].tolist() for of in (self.ids, self.mask, self.special)), strict=True
            )
            boxes = [
                f'<span style="{_BOX}{_LOOKS["padding" if not seen else "special" if special else "word"]}">'
                f"{escape(_token(token))}<br><small>{number}</small></span>"
                for token, number, seen, special in parts
            ]
            blocks.append(f"<div>{''.join(boxes)}</div>")
        cut = f'<p style="opacity:.6"><s>{escape(_token(self.cut, MOST_OF_CUT))}</s></p>' if self.cut else ""
        return f"<p>{escape(shown(self.about))}</p>{''.join(blocks)}{cut}"


def tokenized(
    tokenizer: TextTokenizer, encoder: str, text: str, max_tokens: int, long: Long, *, pad: bool
) -> TokenizedText:
    """What a network sees of a text; see ``Encoder.tokenize``.

    Raises:
        SettingError: ``text`` is no string.
    """
    if not isinstance(text, str):
        raise SettingError(f"tokenize shows one text; got {quoted(text)}. Call it for each of several texts.")
    text = whole(text)
    read = tokenizer.windows([text], max_tokens, long)
    offsets = tokenizer.offsets(text)
    pieces = tokenizer.pieces(len(offsets), max_tokens, long)
    ids, spans, special = [], [], []
    for row, (start, stop) in zip(read.ids, pieces, strict=True):
        place = np.arange(len(row)) - tokenizer.before + start
        inside = (place >= start) & (place < stop)
        span = np.zeros((len(row), 2), np.int64)
        span[inside] = offsets[place[inside]]
        ids.append(row.astype(np.int64))
        spans.append(span)
        special.append(~inside)
    missing = max(0, max_tokens - len(ids[-1])) if pad else 0
    ids[-1] = np.pad(ids[-1], (0, missing), constant_values=tokenizer.pad_id)
    spans[-1] = np.pad(spans[-1], ((0, missing), (0, 0)))
    special[-1] = np.pad(special[-1], (0, missing), constant_values=True)
    every = np.concatenate(ids)
    ends = np.cumsum(list(map(len, ids))).tolist()
    mask = (np.arange(len(every)) < len(every) - missing).astype(np.int64)
    windows = tuple(slice(end - len(row), end) for end, row in zip(ends, ids, strict=True))
    cut = text[int(offsets[pieces[-1][1], 0]) :] if read.cut[0] else ""
    return TokenizedText(
        text, tokenizer.names(every), every, mask, np.concatenate(special), np.concatenate(spans), windows, cut,
        encoder, max_tokens,
    )  # fmt: skip


def _token(token: str, most: int = MOST_IN_TOKEN) -> str:
    """A token in one line; what a terminal obeys is escaped."""
    seen = shown(whole(token)).replace("\n", "\\n").replace("\t", "\\t")
    return seen if len(seen) <= most else f"{seen[: most - 1]}…"


def _filled(cell: str, width: int, *, left: bool) -> str:
    blank = " " * (width - cell_len(cell))
    return cell + blank if left else blank + cell
