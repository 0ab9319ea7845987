"""Texts as a browser reads them, in Node: the same spelling, words and token ids as in Python."""

from __future__ import annotations

import json

import pytest

from textgraft.errors import ExportError
from textgraft.text.tokenizers import tokenizer
from textgraft.unicode import in_form
from textgraft.web import word_tables, wordpiece_tables
from textgraft.web.characters import unassigned

from . import hostile
from .pages import in_node, node

TEXTS = hostile.texts(400)


@in_node
@pytest.mark.parametrize("form", ["nfc", "nfkc", "none"])
def test_a_text_has_the_same_spelling(form: str) -> None:
    script = """
    import { normaliser } from "SOURCE/text.js";
    const normal = normaliser(given.unassigned);
    console.log(JSON.stringify(given.texts.map((text) => normal(text, given.form))));
    """
    found = node(script, {"unassigned": unassigned(), "texts": TEXTS, "form": form})
    assert found == in_form(TEXTS, form)  # type: ignore[arg-type]


@in_node
@pytest.mark.parametrize("name", ["unicode", "treebank"])
def test_a_text_is_cut_into_the_same_words(name: str) -> None:
    script = """
    import { wordCutter } from "SOURCE/text.js";
    console.log(JSON.stringify(given.texts.map(wordCutter(given.tables))));
    """
    found = node(script, {"tables": word_tables(name), "texts": TEXTS})
    for text, words in zip(TEXTS, found, strict=True):
        tokens = tokenizer(name)([text])
        assert words == [] if not len(tokens) else tokens.strings(range(len(tokens)))  # type: ignore[arg-type]


@in_node
@pytest.mark.parametrize("cased", [False, True])
def test_a_text_has_the_same_token_ids(cased: bool) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    # Whatever a tokenizer may make of these texts is in its vocabulary, by single characters and by some pairs.
    normal = tokenizers.normalizers.BertNormalizer(lowercase=not cased)
    characters = sorted({character for text in TEXTS[::2] for character in normal.normalize_str(text)} - {" "})
    pairs = [a + b for a, b in zip(characters, characters[7:], strict=False)]
    words = [
        "[PAD]",
        "[UNK]",
        "[SEP]",
        "[MASK]",
        *characters,
        *(f"##{each}" for each in [*characters, *pairs]),
        "the",
        "##ood",
    ]
    made = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]")
    )
    made.normalizer, made.pre_tokenizer = normal, tokenizers.pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(["[PAD]", "[SEP]", tokenizers.AddedToken("[MASK]", lstrip=True)])
    made.add_tokens(["naïve", "FILM", "..."])
    script = """
    import { tokenizerOf } from "SOURCE/tokenizer.js";
    console.log(JSON.stringify(given.texts.map(tokenizerOf(given.content, given.tables))));
    """
    tables = wordpiece_tables(made, "made here")
    found = node(script, {"content": json.loads(made.to_str()), "tables": tables, "texts": TEXTS})
    wanted = [each.ids for each in made.encode_batch(TEXTS, add_special_tokens=False)]
    assert found == wanted
    assert len({i for ids in wanted for i in ids}) > 500


def test_tokenizers_that_a_browser_does_not_have_are_refused() -> None:
    with pytest.raises(ExportError, match=r"no tokenizer 'spacy:en', only 'unicode' and 'treebank'"):
        word_tables("spacy:en")
    tokenizers = pytest.importorskip("tokenizers")
    with pytest.raises(ExportError, match=r"the normalizer of 'here' is None, not 'BertNormalizer'"):
        wordpiece_tables(tokenizers.Tokenizer(tokenizers.models.BPE()), "here")
    whole = tokenizers.Tokenizer(tokenizers.models.WordPiece({"a": 0}, unk_token="a"))
    whole.normalizer, whole.pre_tokenizer = (
        tokenizers.normalizers.BertNormalizer(),
        tokenizers.pre_tokenizers.BertPreTokenizer(),
    )
    whole.add_tokens([tokenizers.AddedToken("film", single_word=True)])
    with pytest.raises(ExportError, match=r"does not find 'film' as a whole word"):
        wordpiece_tables(whole, "here")
