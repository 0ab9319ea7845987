from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.encoders import word_counts
from textgraft.encoders.word_counts import WordCounts, stops_at_blanks

tokenizers = pytest.importorskip("tokenizers")
PIECES = ["a", "b", "c", "##a", "##b", "##c", "ab", "##bc", "手", "-", ".", "é", "##e"]
PARTS = [
    *"abcAé .-\t\n\0手机ß",
    " ",
    " ",
    "  ",
    "\u0301",
    "İ",
    "\u00a0",
    "\u3000",
    "\ufffd",
    "[SEP]",
    "[UNK]",
    "a" * 101,
]


def bert(lowercase: bool = True) -> tokenizers.Tokenizer:
    from tokenizers import models, normalizers, pre_tokenizers

    vocabulary = {piece: i for i, piece in enumerate(["[UNK]", "[SEP]", *PIECES])}
    tokenizer = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[UNK]", "[SEP]"])
    return tokenizer


@given(st.lists(st.lists(st.sampled_from(PARTS)).map("".join) | st.text(), max_size=6), st.booleans(), st.booleans())
def test_the_tokens_of_words_are_those_of_the_text(texts: list[str], lowercase: bool, forgets: bool) -> None:
    tokenizer = bert(lowercase)
    count = WordCounts(tokenizer.encode_batch_fast)
    with pytest.MonkeyPatch.context() as patch:
        if forgets:
            patch.setattr(word_counts, "MOST_WORDS", 2)
        found = [count(texts).tolist() for _ in range(2)]
    assert found == [[len(tokenizer.encode(text).ids) for text in texts]] * 2


def test_only_tokenizers_that_look_at_words_alone_are_counted_by_words() -> None:
    from tokenizers import normalizers, pre_tokenizers

    assert stops_at_blanks(bert())
    with_blanks, in_bytes, replacing = bert(), bert(), bert()
    with_blanks.add_tokens(["a b"])
    in_bytes.pre_tokenizer = pre_tokenizers.ByteLevel()
    replacing.normalizer = normalizers.Replace("a b", "c")
    assert not any(map(stops_at_blanks, (with_blanks, in_bytes, replacing)))
