"""Texts that tokenizers trip over: of many scripts, of characters that only a newer Unicode knows, and markup."""

from __future__ import annotations

import random

BLOCKS = (
    (0x20, 0x7F), (0, 0x20), (0x80, 0x250), (0x300, 0x370), (0x370, 0x400), (0x400, 0x500), (0x590, 0x700),
    (0x900, 0xD80), (0xE00, 0xF00), (0x1100, 0x1200), (0x1E00, 0x2000), (0x2000, 0x2C00), (0x3000, 0x3400),
    (0x4E00, 0xA000), (0xAC00, 0xD7A4), (0xF900, 0x10000), (0x10000, 0x20000), (0x20000, 0x30000), (0, 0x110000),
)  # fmt: skip
PIECES = (
    "don't", "it's", "I'll", "we've", "can’t", "o'n't", "don't've", "n't", "'tis", "a_b", "[MASK]", "[SEP]", "<b>",
    "<br />", "</p", "< a>", "<!--", "...", "....", "--", "---", ":)", "!!!", "ΟΔΟΣ", "İstanbul", "straße", "ﬁn",
    "e\u0301", "o\u0328\u0304", "가나", "\u1100\u1161", "naïve", "中文字", "ไทย", "हिन्दी", "👩\u200d👩\u200d👧", "👍🏽",
    "🇩🇪",
    "Ǆ", "ᾳ", "ẞ", "１２３", "½", "…", "\ufeff", "\u200b", "\xad", "\x00", "\ufffd", "x" * 120, "the film was good",
)  # fmt: skip


def texts(n: int, seed: int = 0) -> list[str]:
    """n texts and one for each block; no half characters, which no text that is read has."""
    draw = random.Random(seed)

    def characters() -> str:
        first, end = draw.choice(BLOCKS)
        drawn = (draw.randrange(first, end) for _ in range(draw.choice((1, 1, 3))))
        return "".join(chr(code) for code in drawn if not 0xD800 <= code < 0xE000)

    def text() -> str:
        pieces = (
            (draw.choice(PIECES) if draw.random() < 0.4 else characters()) + draw.choice(("", " ", " ", "\n"))
            for _ in range(draw.choice((0, 1, 2, 5, 10, 30)))
        )
        return "".join(pieces)

    whole = [
        [code for code in range(first, min(first + 300, end)) if not 0xD800 <= code < 0xE000] for first, end in BLOCKS
    ]
    return [*(text() for _ in range(n)), *("".join(map(chr, codes)) for codes in whole)]
