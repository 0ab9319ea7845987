from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft import FeatureClassifier, MajorityClassifier, NgramClassifier, StackedClassifier, explain
from textgraft.analysis.explaining import MOST_LEFT_OUT, Explanation, affordable, grouped, units
from textgraft.errors import SettingError
from textgraft.methods import TextClassifier
from textgraft.report.explanation import explanation_report
from textgraft.report.html import page
from textgraft.report.terminal import as_text
from textgraft.unicode import FORMS, in_form, pieces_in_form

TEXTS = [
    "a great goal in the match",
    "the game was a goal!",
    "match after match",
    "it's the rate of the bank",
    "banks and rates",
    "what a rate :)",
    "Wörter und ﬁne Worte",
    "mehr Wörter hier, bitte",
] * 3
ONE = (["sport"] * 3 + ["money"] * 3 + ["other"] * 2) * 3
TWO = ["sport" if label == "sport" else "not" for label in ONE]
SEVERAL = [("sport", "fun") if label == "sport" else (label,) for label in ONE]
# Words that are known, words that are not, repeated ones, markup, accents apart, ligatures, full width, emoji.
PIECES = [
    "goal",
    "the",
    "bank ",
    "banks",
    "Wörter",
    "wo\u0308rter",
    "ﬁne",
    "½",
    "ｂａｎｋ",
    "<br />",
    " ",
    "!",
    ":)",
    "🙂",
    "zzz",
    "각",
    "x",
    "\n",
]
ANY_TEXT = st.lists(
    st.sampled_from(PIECES) | st.text(max_size=5).map(lambda s: "".join(c for c in s if c.isprintable()))
).map("".join)


@pytest.fixture(scope="module", params=[ONE, TWO, SEVERAL], ids=["several labels", "two labels", "multi-label"])
def labels(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module", params=["auto", (1, 3), None], ids=str)
def model(request: pytest.FixtureRequest, labels: Any) -> NgramClassifier:
    return NgramClassifier(characters=request.param).fit(TEXTS, labels)


@cache
def fitted() -> NgramClassifier:
    return NgramClassifier().fit(TEXTS, TWO)


def probability(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


@given(text=ANY_TEXT)
@settings(max_examples=60)
def test_contributions_of_ngrams_sum_to_the_log_odds_of_each_label(model: NgramClassifier, text: str) -> None:
    p = model.predict_proba([text])[0]
    for place, label in enumerate(model.task_.labels):
        found = explain(model, text, label=label)
        assert found.how == "contributions"
        assert found.base is not None
        assert found.base + sum(span.weight for span in found.spans) == pytest.approx(found.log_odds, abs=1e-6)
        assert probability(found.log_odds) == pytest.approx(p[place], abs=2e-5)


def test_contributions_are_those_of_the_ngrams_that_a_character_is_in() -> None:
    model = NgramClassifier(words=(1, 2), characters=None).fit(TEXTS, TWO)
    known = dict(zip(model.words_.grams(), model.words_.idf * model.model_.weights[:, 0], strict=True))
    idf = dict(zip(model.words_.grams(), model.words_.idf, strict=True))
    grams = ["the", "bank", "the bank"]
    length = np.sqrt(sum(idf.get(gram, 0.0) ** 2 for gram in grams))
    weights = {gram: known.get(gram, 0.0) / length * model.calibration_.scale[0] for gram in grams}
    found = explain(model, "the bank", label=model.task_.labels[1])
    assert [span.weight for span in found.spans] == pytest.approx(
        [weights["the"] + weights["the bank"] * 3 / 7, weights["bank"] + weights["the bank"] * 4 / 7], rel=1e-4
    )


@given(text=ANY_TEXT)
@settings(max_examples=60)
def test_spans_are_in_order_and_apart_and_lie_on_the_text_as_it_was_given(text: str) -> None:
    model = fitted()
    for by in ("words", "sentences"):
        for how in ("auto", "occlusion"):
            borders = [
                border for span in explain(model, text, how=how, by=by).spans for border in (span.start, span.end)
            ]
            assert borders == sorted(borders)
            assert all(0 <= border <= len(text) for border in borders)


def test_a_repeated_word_shares_what_it_adds() -> None:
    model = NgramClassifier(characters=None, words=(1, 1)).fit(TEXTS, TWO)
    first, other, second = explain(model, "goal bank goal").spans
    assert first.weight == pytest.approx(second.weight)
    assert first.weight * other.weight < 0


@given(text=st.text(), form=st.sampled_from(FORMS))
def test_pieces_make_up_a_text_and_its_normal_form(text: str, form: Any) -> None:
    pieces = pieces_in_form(text, form)
    assert "".join(piece for piece, _ in pieces) == text
    assert "".join(read for _, read in pieces) == in_form([text], form)[0]


def test_pieces_of_a_text_are_small() -> None:
    assert pieces_in_form("aﬁe\u0301각", "nfkc") == [("a", "a"), ("ﬁ", "fi"), ("e\u0301", "é"), ("각", "각")]


def test_occlusion_is_what_the_log_odds_lose_without_the_word() -> None:
    model = fitted()
    whole, without = (
        explain(model, text, label="sport", how="occlusion") for text in ("the goal of a bank", "the  of a bank")
    )
    assert whole.spans[1].weight == pytest.approx(whole.log_odds - without.log_odds, abs=1e-5)
    assert whole.base is None


def test_a_method_that_reads_nothing_weighs_nothing() -> None:
    assert {span.weight for span in explain(MajorityClassifier().fit(TEXTS, ONE), "the goal").spans} == {0.0}


def test_a_stack_is_explained_by_leaving_words_out(tiny_encoder: Path) -> None:
    pytest.importorskip("torch")
    members = ["ngrams", FeatureClassifier(str(tiny_encoder))]
    found = explain(StackedClassifier(members=members).fit(TEXTS, TWO), "the goal")
    assert found.how == "occlusion"
    assert len(found.spans) == 2


def test_a_long_text_is_explained_with_few_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted()
    given: list[int] = []
    predict = NgramClassifier._proba
    monkeypatch.setattr(
        NgramClassifier, "_proba", lambda self, texts: (given.append(len(texts)), predict(self, texts))[1]
    )
    found = explain(model, "the goal of " * 4_200, how="occlusion")
    assert sum(given) <= affordable(50_400) + 2
    assert len(found.spans) <= affordable(50_400)
    assert f"group of up to {found.together} words" in found.meaning


@given(n=st.integers(0, 2_000), most=st.integers(1, MOST_LEFT_OUT))
def test_groups_hold_every_part_once(n: int, most: int) -> None:
    parts = [(2 * i, 2 * i + 1) for i in range(n)]
    joined, size = grouped(parts, most)
    assert len(joined) <= most
    assert sum(1 for a, b in joined for start, end in parts if a <= start and end <= b) == n
    assert all(sum(a <= start < b for start, _ in parts) <= size for a, b in joined)


def test_sentences_end_where_readers_end_them() -> None:
    text = 'It cost 3.5 euros. "Really?" she said...\n\nYes!! 你好。再见'
    assert [text[a:b] for a, b in units(text, "sentences")] == [
        "It cost 3.5 euros.", '"Really?"', "she said...", "Yes!!", "你好。", "再见",
    ]  # fmt: skip
    assert units("." * 50_000 + "a", "sentences") == [(0, 50_001)]
    assert units("a" + " " * 50_000, "sentences") == [(0, 1)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"how": "gradients"}, "'gradients' cannot explain this ngrams model, contributions, occlusion can"),
        ({"how": "shap"}, "--how (how=) must be one of auto, contributions, gradients, occlusion; got 'shap'"),
        ({"by": "word"}, "got 'word'. Did you mean 'words'"),
        ({"label": "sports"}, "There is no label 'sports', only not, sport. Did you mean 'sport'?"),
    ],
)
def test_what_cannot_be_explained_is_said(given: dict[str, Any], said: str) -> None:
    model = fitted()
    with pytest.raises(SettingError) as caught:
        explain(model, "the goal", **given)
    assert said in str(caught.value)


def shown(model: TextClassifier, text: str) -> tuple[Explanation, str, str]:
    explanation = explain(model, text)
    report = explanation_report("a model", [explanation])
    return explanation, as_text(report), page(report)


def test_what_is_shown_says_what_it_is_and_marks_words_on_both_sides() -> None:
    explanation, text, html = shown(fitted(), "the goal of a bank <script>alert(1)</script>")
    assert explanation.meaning in text
    assert 'class="for-' in html
    assert 'class="against-' in html
    assert any(f'-3">{word}</mark>' in html for word in ("goal", "bank", "script", "alert"))
    assert "<script>" not in html


@pytest.mark.parametrize("text", ["", "   ", "\n" * 100])
def test_a_text_without_words_has_an_explanation(text: str) -> None:
    explanation, said, _ = shown(fitted(), text)
    assert explanation.spans == ()
    assert "The text has no words" in said


@pytest.mark.parametrize("several", [False, True])
def test_integrated_gradients_sum_to_the_change_of_the_log_odds(tiny_encoder: Path, several: bool) -> None:
    pytest.importorskip("torch")
    from textgraft import FineTunedClassifier

    texts = [f"the {what} was {how}" for what in ("film", "book") for how in ("good", "great", "bad", "awful")] * 2
    labels: Any = ["good", "good", "bad", "bad"] * 4
    if several:
        labels = [(label, "x") if label == "good" else (label,) for label in labels]
    settings = {"precision": "fp32", "learning_rate": 1e-2, "epochs": 4, "batch_size": 4, "max_tokens": 16}
    model = FineTunedClassifier(str(tiny_encoder), **settings).fit(texts, labels)  # type: ignore[arg-type]
    # One window, several, none, and accents apart.
    for text in ("The film was not good", "the film was bad and " * 12, "", "wo\u0308rter a film"):
        found = explain(model, text, label="good")
        assert found.how == "gradients"
        assert probability(found.log_odds) == pytest.approx(found.probability, abs=0.02)
        occluded = explain(model, text, label="good", how="occlusion")
        assert [(span.start, span.end) for span in occluded.spans] == [(span.start, span.end) for span in found.spans]


def test_a_model_that_cannot_attribute_says_what_can_be_done() -> None:
    model = MajorityClassifier().fit(["a", "b", "c"], ["x", "y", "x"])
    with pytest.raises(SettingError, match="leaves words out instead"):
        model.attribute("a", 0)
