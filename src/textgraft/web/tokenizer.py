"""The tokenizer of an encoder as tables: what becomes of each character, asked of the tokenizer itself.

BERT's normaliser and pre-tokenizer go by single characters, and by older tables of Unicode than any browser has. So
each character is put to them, and a browser needs no Unicode of its own.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import ExportError
from textgraft.unicode import quoted, quoted_path
from textgraft.web.characters import runs

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SAME, DROPPED, BLANK, APART, DECOMPOSED = range(5)  # forms; any other is listed
WITHIN, BETWEEN, ALONE = range(3)  # roles: of a word, white space, a word by itself
KINDS: Final = {"normalizer": "BertNormalizer", "pre_tokenizer": "BertPreTokenizer", "model": "WordPiece"}
_SINGLE = (range(0x30000), range(0xE0000, 0xE0200))  # elsewhere the first of 256 characters speaks for all of them
_BLOCK = 256


def wordpiece_tables(tokenizer: Tokenizer, name: str) -> dict[str, Any]:
    """The forms and roles of all characters.

    Args:
        tokenizer: of an encoder.
        name: the encoder's, for messages.

    Raises:
        ExportError: it is no WordPiece after BERT's normaliser, or adds a token that is found as a whole word only.
    """
    content = json.loads(tokenizer.to_str())
    for part, kind in KINDS.items():
        if (found := (content[part] or {}).get("type")) != kind:
            raise ExportError(
                f"A browser reads texts with the tokenizer of BERT, and the {part} of {quoted_path(name)} is "
                f"{quoted(found)}, not {quoted(kind)}; train with an encoder such as all-MiniLM-L6-v2 (--encoder, "
                "encoder=), or an n-gram model."
            )
    if whole := [token["content"] for token in content["added_tokens"] if token["single_word"]]:
        raise ExportError(
            f"A browser does not find {quoted(whole[0])} as a whole word, as the tokenizer of {quoted_path(name)} "
            "does; train with another encoder (--encoder, encoder=)."
        )
    listed: dict[str, str] = {}

    def form(character: str) -> int:
        normal = tokenizer.normalizer.normalize_str(character)
        forms = {character: SAME, "": DROPPED, " ": BLANK, f" {character} ": APART}
        if normal in forms:
            return forms[normal]
        if normal == unicodedata.normalize("NFD", character) and "\uac00" <= character <= "\ud7a3":
            return DECOMPOSED  # syllables of Hangul, by a rule that is fixed for ever
        listed[character] = normal
        return SAME

    def role(character: str) -> int:
        pieces = tokenizer.pre_tokenizer.pre_tokenize_str(f"a{character}a")
        return {1: WITHIN, 2: BETWEEN, 3: ALONE}[len(pieces)]

    forms, roles = _of_all(form), _of_all(role)
    return {"forms": runs(forms), "listed": listed, "roles": runs(roles)}


def _of_all(ask: Callable[[str], int]) -> NDArray[np.uint8]:
    """The answer for every code point; half characters stand in no text."""
    answers = np.zeros(sys.maxunicode + 1, np.uint8)
    for start in range(0, len(answers), _BLOCK):
        single = any(start in codes for codes in _SINGLE)
        for code in range(start, start + _BLOCK if single else start + 1):
            if not 0xD800 <= code <= 0xDFFF:
                answers[code : code + 1 if single else start + _BLOCK] = ask(chr(code))
    return answers
