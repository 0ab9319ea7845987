"""Files of a tokenizer, looked at before a library reads them: they name no others, and texts do not grow without end.

What a text is replaced by may be longer than it, and by several steps one behind the other it grows to any size; the
library takes the memory for it, or ends the process. So growth is worked out from the file.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from textgraft.errors import EncoderError
from textgraft.json_files import is_whole, read_json
from textgraft.unicode import quoted
from textgraft.whole import link, temporary_folder

GROWTH = 100  # characters at most that one becomes; Unicode's own normal forms, up to 18, aside
UNICODE = 33  # bytes at most that Unicode's normal forms make of one character
LONGEST_AFFIX = 100  # characters of what marks the parts of a word
LONGEST_WORD = 1_000  # characters that are searched in all their parts; the time grows with their cube
LONGEST_PIECE = 256  # characters of a piece, of which each place of a text is searched for those of every length
MOST_SPECIAL = 1_000  # tokens around a text
MOST_STEPS = 100  # one behind the other, of which each goes over all of a text
MOST_ADDED = 20_000  # tokens besides the vocabulary, which a text is searched for one by one when they are read
MOST_BYTES = 1 << 28  # of a file
FILES = ("*.json", "*.txt", "*.model", "*.jinja")  # that transformers makes a tokenizer of
CONFIGURATION = "tokenizer_config.json"
MOST_DIGITS = 31  # transformers writes "no limit" as 10^30, or as near to it as a float comes
ADDING = (CONFIGURATION, "special_tokens_map.json", "added_tokens.json")  # files that name further tokens


def check_tokenizer(content: Any, source: Path | str) -> None:
    """Checks the content of a ``tokenizer.json``.

    Raises:
        EncoderError: a text could grow more than a hundredfold, or tokenising it would take far too long, or would not
            give the same tokens each time.
    """
    if not isinstance(content, dict):
        raise EncoderError(f"The tokenizer in {source} is damaged: it does not hold an object.")
    try:
        growth = _growth(content.get("normalizer")) * _growth(content.get("pre_tokenizer"))
        special = sum(1 for _ in islice(_special(content.get("post_processor")), MOST_SPECIAL + 1))
        steps = sum(_steps(content.get(name)) for name in ("normalizer", "pre_tokenizer", "post_processor"))
        clause = _of_model(content.get("model"))
    except (TypeError, ValueError, AttributeError, LookupError, RecursionError, OverflowError) as error:
        raise EncoderError(f"The tokenizer in {source} is damaged: {type(error).__name__}: {error}.") from None
    added = content.get("added_tokens")
    if isinstance(added, list) and len(added) > MOST_ADDED:
        clause = f"it adds {len(added):,} tokens to its vocabulary, at most {MOST_ADDED:,} are taken"
    elif growth > GROWTH:
        clause = f"its replacements can make a text {min(growth, 1e9):,.0f} times as long, at most {GROWTH} are taken"
    elif special > MOST_SPECIAL:
        clause = f"it puts more than {MOST_SPECIAL:,} special tokens around a text"
    elif steps > MOST_STEPS:
        clause = f"it goes over a text in {steps:,} steps, at most {MOST_STEPS} are taken"
    if clause:
        raise EncoderError(f"The tokenizer in {source} is not used: {clause}. Take a tokenizer that its maker tested.")


def _growth(step: Any) -> float:
    """How many characters one character can become at most."""
    match step:
        case {"type": "Sequence", "normalizers": steps} | {"type": "Sequence", "pretokenizers": steps}:
            return math.prod(min(_growth(each), 1e100) for each in steps[:10_000])
        case {"type": "Replace", "pattern": {"String": str(pattern)}, "content": str(replacement)} if pattern:
            return max(1.0, len(replacement) / len(pattern))
        case {"type": "Replace", "content": str(replacement)}:  # of a pattern that may match nothing, between all
            return 1.0 + len(replacement)
        case {"type": "Prepend", "prepend": str(prefix)}:
            return max(1.0, len(prefix))
        case {"type": "Precompiled", "precompiled_charsmap": str(charsmap)}:
            return max(1.0, _longest(charsmap) / UNICODE)
        case {"type": "ByteLevel"}:
            return 2.0
        case {"type": "BertNormalizer"}:  # spaces around Chinese characters
            return 3.0
    return 1.0


def _steps(step: Any) -> int:
    """How many steps a part of a tokenizer takes one behind the other; what holds steps is one too, so depth counts."""
    if not isinstance(step, dict) or step.get("type") != "Sequence":
        return 1
    names = ("normalizers", "pretokenizers", "processors")
    return 1 + sum(_steps(inner) for name in names for inner in step.get(name, ()))


def _longest(charsmap: str) -> int:
    """The longest of what SentencePiece's table writes for a character: a trie, its size before it, and the texts."""
    try:
        table = base64.b64decode(charsmap)
    except binascii.Error as error:
        raise ValueError(f"a table of characters is damaged ({error})") from None
    texts = table[4 + int.from_bytes(table[:4], "little") :]
    return max(map(len, texts.split(b"\0")), default=0)


def _special(step: Any) -> Iterator[Any]:
    """What a post-processor puts around a text."""
    match step:
        case {"type": "Sequence", "processors": steps}:
            for each in steps:
                yield from _special(each)
        case {"type": "TemplateProcessing", "single": pieces, "special_tokens": tokens}:
            for piece in pieces:
                name = piece.get("SpecialToken", {}).get("id")
                yield from (tokens[name]["ids"] if name in tokens else [piece])


def _of_model(model: Any) -> str:
    """What of the model is too long, as a clause."""
    if not isinstance(model, dict):
        raise TypeError("it has no model")
    for name in ("continuing_subword_prefix", "end_of_word_suffix"):
        affix = model.get(name)
        if isinstance(affix, str) and len(affix) > LONGEST_AFFIX:
            return f"its {name} has {len(affix):,} characters, at most {LONGEST_AFFIX} are taken"
    if model.get("dropout"):
        by_chance = f"it splits words by chance (dropout is {quoted(model['dropout'])})"
        return f"{by_chance}, so that a text would have no one answer"
    pieces = [len(piece) for piece, _ in model["vocab"]] if model.get("type") == "Unigram" else []
    if max(pieces, default=0) > LONGEST_PIECE:
        return f"a piece of its vocabulary has {max(pieces):,} characters, at most {LONGEST_PIECE} are taken"
    longest = model.get("max_input_chars_per_word", 0)
    if not is_whole(longest, 0, LONGEST_WORD + 1):
        return f"max_input_chars_per_word is {quoted(longest)}, at most {LONGEST_WORD:,} are taken"
    return ""


@contextmanager
def plain_tokenizer_files(folder: Path) -> Iterator[Path]:
    """A folder of the tokenizer's files alone, whose configuration names no files, for ``transformers``.

    Raises:
        EncoderError: a file is too large, or asks to run code; or see ``check_tokenizer``.
        ArtifactError: a JSON file is damaged.
    """
    with temporary_folder() as place:
        for path in sorted({path for pattern in FILES for path in folder.glob(pattern)}):
            if not path.is_file():
                continue
            if (size := path.stat().st_size) > MOST_BYTES:
                raise EncoderError(
                    f"{path} has {size:,} bytes; of a tokenizer's files at most {MOST_BYTES:,} are read."
                )
            if path.name == "tokenizer.json":
                check_tokenizer(read_json(path, most=MOST_BYTES), path)
            if path.name in ADDING:
                added = _most(read_json(path, most=MOST_BYTES, digits=MOST_DIGITS))
                if added > MOST_ADDED:
                    raise EncoderError(f"{path} names {added:,} tokens, at most {MOST_ADDED:,} are taken.")
            if path.name == CONFIGURATION:
                (place / path.name).write_text(json.dumps(_without_files(path)), "utf-8")
            else:
                link(path.resolve(), place / path.name)
        yield place


def _most(content: Any) -> int:
    """The length of the longest list or object."""
    if not isinstance(content, dict | list):
        return 0
    return max(len(content), *map(_most, content.values() if isinstance(content, dict) else content), 0)


def _without_files(path: Path) -> dict[str, Any]:
    """The configuration of a tokenizer without names of files, which are those of whoever saved it."""
    content = read_json(path, most=MOST_BYTES, digits=MOST_DIGITS)
    if not isinstance(content, dict):
        raise EncoderError(f"{path} is damaged: it does not hold an object.")
    if "auto_map" in content:
        raise EncoderError(
            f"{path} asks to run code that comes with the model (auto_map), which textgraft never does; save it with a "
            "tokenizer that transformers knows."
        )
    return {name: value for name, value in content.items() if not name.endswith(("_file", "_files", "init_inputs"))}
