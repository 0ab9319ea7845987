"""How many tokens texts have, from those of their words: most words recur, and each is tokenised once."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MOST_WORDS = 1 << 17  # whose tokens are remembered


def stops_at_blanks(tokenizer: Tokenizer) -> bool:
    """Whether nothing that stands beyond a blank changes how a word is divided, as with BERT and its kin.

    Normalising works on characters, words are cut at blanks and then each by itself; and no added token has a blank.
    """
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    return (
        isinstance(tokenizer.model, WordPiece)
        and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
        and (tokenizer.normalizer is None or isinstance(tokenizer.normalizer, BertNormalizer))
        and all(content.isascii() and content.isprintable() and " " not in content for content in added)
    )


class WordCounts:
    """Counts the tokens of texts for a tokenizer that ``stops_at_blanks``.

    Args:
        encode: gives what has the length of the tokens of each text, without special ones.
    """

    def __init__(self, encode: Callable[[list[str]], Sequence[Sized]]) -> None:
        self._encode = encode
        self._known: dict[str, int] = {}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """(n,) tokens of each text, without special ones."""
        words = [text.split(" ") for text in texts]
        new = list(set[str]().union(*words) - self._known.keys())
        sizes = dict(zip(new, map(len, self._encode(new)), strict=True))
        if len(self._known) < MOST_WORDS:
            self._known |= sizes
            sizes = self._known
        else:
            sizes |= {word: self._known[word] for of_text in words for word in of_text if word in self._known}
        return np.array([sum(map(sizes.__getitem__, of_text)) for of_text in words], np.int64)
