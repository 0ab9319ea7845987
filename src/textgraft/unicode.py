"""What of Unicode every room relies on: half characters, and names that can be written and shown."""

from __future__ import annotations


def whole(text: str) -> str:
    """The text with half characters (lone surrogates, which broken JSON can hold) replaced by U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
