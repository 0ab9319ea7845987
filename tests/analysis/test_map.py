from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from textgraft import FeatureClassifier, FineTunedClassifier, NgramClassifier, StackedClassifier
from textgraft.analysis import map as maps
from textgraft.analysis.hills import hills, typical_words
from textgraft.analysis.layout import nearest, principal_components, to_unit_square, umap
from textgraft.analysis.map import Colouring, map_texts
from textgraft.analysis.text_vectors import text_vectors, word_vectors
from textgraft.errors import DataError, EncoderError, SettingError

TOPICS = {
    "sport": ["goal", "match", "league", "coach", "striker", "cup"],
    "money": ["bank", "rate", "share", "market", "loan", "profit"],
    "film": ["actor", "scene", "plot", "director", "cinema", "role"],
}
HOSTILE = [
    "<script>alert(1)</script></script><!--",
    "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd",
    "\ud800 half a character \x1b[31m",
    "emoji 🤷🏽‍♀️ and nul \x00",
    "long " * 10_000,
    "",
]


def topical(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """n texts of three topics, of words of the topic and common ones."""
    rng = np.random.default_rng(seed)
    labels = [list(TOPICS)[i] for i in rng.integers(0, 3, n)]
    common = ["the", "a", "of", "was", "very", "it", "and"]
    texts = [
        " ".join([*rng.choice(TOPICS[label], 4), *rng.choice(common, 4), f"n{rng.integers(0, 40)}"]) for label in labels
    ]
    return texts, labels


def groups(n: int, k: int, width: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(n, width) points in k groups that are far apart, and the group of each."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, k, n)
    centres = rng.standard_normal((k, width)) * 6
    return (centres[of] + rng.standard_normal((n, width))).astype(np.float32), of


@pytest.mark.parametrize("n", [3, 5, 60])
def test_a_map_has_every_text_once_in_the_unit_square(n: int) -> None:
    texts, labels = topical(n)
    drawn = map_texts(texts, labels, encoder="words", layout="pca")
    content = drawn.to_dict()
    assert content["texts"] == texts
    assert len(content["points"]) == len(content["hill"]) == n == content["of"]
    assert np.isfinite(drawn.points).all()
    assert drawn.points.min() >= 0
    assert drawn.points.max() <= 1
    json.dumps(content, allow_nan=False)


def test_the_same_seed_gives_the_same_map() -> None:
    texts, labels = topical(200)
    first, again, other = (map_texts(texts, labels, encoder="words", layout="pca", seed=seed) for seed in (1, 1, 2))
    assert first.to_dict() == again.to_dict()
    assert np.abs(other.points - first.points).mean() < 0.05  # another seed draws the SVD anew and changes little


def test_of_more_rows_than_are_drawn_a_sample_is_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "MOST_POINTS", 100)
    texts, labels = topical(250)
    cells = [float(i) for i in range(250)]
    drawn = map_texts(texts, labels, encoder="words", layout="pca", columns={"place": cells})
    content = drawn.to_dict()
    places = [int(value) for value in content["colourings"][-1]["values"]]
    assert places == sorted(set(places))
    assert len(places) == 100
    assert content["texts"] == [texts[i] for i in places]
    assert content["number"] == [i + 1 for i in places]
    assert "A random sample of 100 of 250 rows" in content["about"]


def test_hills_of_groups_that_are_apart_are_the_groups_and_have_their_words() -> None:
    texts, labels = topical(600)
    drawn = map_texts(texts, labels, encoder="words", layout="pca")
    assert len(drawn.hills) >= 3
    label = np.array(labels)
    for place, hill in enumerate(drawn.hills[:3]):
        own = label[drawn.hill == place]
        (most, count) = max(((name, int((own == name).sum())) for name in TOPICS), key=lambda each: each[1])
        assert count >= 0.95 * len(own)
        assert set(hill.words) <= set(TOPICS[most])
        assert hill.words


def test_no_words_are_typical_of_hills_that_differ_in_nothing() -> None:
    texts, _ = topical(2_000)
    by_chance = np.random.default_rng(1).integers(-1, 6, len(texts))
    assert typical_words(texts, by_chance) == [()] * 6


def test_a_text_that_repeats_a_word_counts_once_for_it() -> None:
    texts = ["spam " * 5_000, *["quiet words"] * 30, *["other words"] * 30]
    assert typical_words(texts, np.array([0] * 31 + [1] * 30)) == [("quiet",), ("other",)]


@given(st.integers(0, 10_000), st.integers(1, 400))
def test_a_point_is_on_one_hill_or_none_and_hills_come_by_size(seed: int, n: int) -> None:
    points = np.random.default_rng(seed).random((n, 2)).astype(np.float32)
    number = hills(points)
    sizes = np.bincount(number[number >= 0]).tolist()
    assert sizes == sorted(sizes, reverse=True)
    assert all(size >= max(10, n / 100) for size in sizes)
    assert (hills(np.flip(points, axis=0)) == np.flip(number)).all()


@given(st.integers(0, 1_000), st.integers(20, 700), st.booleans())
def test_the_nearest_are_those_of_all_pairs(seed: int, n: int, twins: bool) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    if twins:
        vectors[n // 2 :] = vectors[0]
    places, distances = nearest(vectors, 6)
    away = 1 - vectors @ vectors.T
    np.fill_diagonal(away, -1)
    assert (places[:, 0] == np.arange(n)).all()
    assert all(len(set(row)) == 6 for row in places.tolist())
    np.testing.assert_allclose(distances[:, 1:], np.maximum(np.sort(away, axis=1)[:, 1:6], 0), atol=1e-5)


def test_principal_components_are_those_of_a_singular_value_decomposition() -> None:
    vectors, _ = groups(80, 3, 12, 0)
    found = principal_components(vectors, 4)
    centred = vectors - vectors.mean(axis=0)
    U, S, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(found), np.abs(U[:, :4] * S[:4]), rtol=1e-2, atol=1e-2)
    assert principal_components(vectors[:, :1], 2).shape == (80, 2)
    turned, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((12, 12)))
    np.testing.assert_allclose(principal_components(vectors @ turned.astype(np.float32), 2), found[:, :2], atol=1e-2)


def test_vectors_of_words_keep_the_cosines_of_tf_idf() -> None:
    texts, labels = topical(400)
    vectors = word_vectors(texts, 0)
    assert vectors.shape == (400, 50)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    same = np.array(labels)[:, None] == np.array(labels)
    assert (unit @ unit.T)[same].mean() > 3 * (unit @ unit.T)[~same].mean()


def test_hostile_texts_are_laid_out_and_can_be_written() -> None:
    texts = [*HOSTILE, *topical(30)[0]]
    labels = ["<b>one</b>" if i % 2 else "\u202etwo" for i in range(len(texts))]
    for given_texts in (texts, [""] * 12 + ["!!"] * 12, ["same"] * 24):
        drawn = map_texts(given_texts, (labels * 2)[: len(given_texts)], encoder="words", layout="pca")
        content = json.dumps(drawn.to_dict(), ensure_ascii=False, allow_nan=False)
        content.encode("utf-8")
        assert np.isfinite(drawn.points).all()
        assert all(len(text) <= 200 for text in drawn.to_dict()["texts"])


def test_without_texts_there_are_none_and_no_words_of_them() -> None:
    texts, labels = topical(300)
    content = map_texts(texts, labels, encoder="words", layout="pca", texts=False).to_dict()
    plain = json.dumps(content)
    assert not any(word in plain for words in TOPICS.values() for word in words)
    assert content["has_texts"] is False


def test_a_column_is_numbers_or_categories_and_missing_cells_are_neither_lost_nor_zero() -> None:
    numbers = Colouring.of([None, *map(str, range(20))])
    assert not numbers.categories
    assert np.isnan(numbers.values[0])
    few = Colouring.of(["1", "2", "2", None])
    assert few.categories == ("2", "1", "(none)")
    many = Colouring.of([f"id {i % 50}" for i in range(200)])
    assert len(many.categories) == 31
    assert many.categories[-1] == "(20 others)"


def test_a_model_says_what_it_predicts_of_each_point() -> None:
    texts, labels = topical(200)
    model = NgramClassifier().fit(texts[:100], labels[:100])
    drawn = map_texts(texts[100:], labels[100:], model=model, layout="pca")
    assert list(drawn.colourings) == list(maps.COLOURINGS)
    predicted = drawn.colourings["predicted"]
    assert [predicted.categories[i] for i in predicted.values] == model.predict(texts[100:]).tolist()
    assert any("no encoder" in note for note in drawn.notes)


def test_several_labels_are_one_colour_of_their_own() -> None:
    texts, labels = topical(60)
    both = [(label, "x") if i % 3 else () for i, label in enumerate(labels)]
    drawn = map_texts(texts, both, model=NgramClassifier().fit(texts, both), layout="pca")
    names = drawn.colourings["label"].categories
    assert "no label" in names
    assert f"{labels[1]} + x" in names
    assert set(drawn.colourings["right"].categories) <= {"right", "wrong"}


def test_vectors_are_those_of_the_models_own_encoder(tiny_encoder: Path, tmp_path: Path) -> None:
    texts = [f"a {word} film was {end}" for word in ("good", "bad", "great", "awful") for end in ("good", "not", "bad")]
    labels = ["up", "down"] * 6
    features = FeatureClassifier(str(tiny_encoder), neighbour_share=0).fit(texts, labels)
    np.testing.assert_array_equal(features.encode(texts), features.encoder_.encode(texts))
    tuned = FineTunedClassifier(str(tiny_encoder), epochs=1, learning_rate=1e-2).fit(texts, labels)
    own = tuned.encode(texts)
    assert own is not None
    assert own.shape == (12, 32)
    assert np.abs(own - features.encode(texts)).max() > 1e-3  # it was trained
    tuned.save(tmp_path / "model")
    from textgraft import load

    again = load(tmp_path / "model")
    np.testing.assert_allclose(again.encode(texts), own, atol=1e-4)
    np.testing.assert_array_equal(own[[3]].shape, tuned.encode(texts[3:4]).shape)  # type: ignore[union-attr]
    stack = StackedClassifier(("ngrams", features)).fit(texts, labels)
    np.testing.assert_allclose(stack.encode(texts), features.encode(texts), atol=1e-5)
    assert "own encoder" in text_vectors(texts, stack).of


@pytest.mark.parametrize(
    ("asked", "error", "sentence"),
    [
        ({"layout": "tsne"}, SettingError, "layout (--layout) must be one of umap, pca, auto; got 'tsne'."),
        ({"columns": {"a": [1]}}, DataError, "Column 'a' has 1 values for 9 texts."),
        ({"encoder": "no/such encoder"}, EncoderError, "no/such encoder"),
    ],
)
def test_what_cannot_be_is_said(asked: dict[str, object], error: type[Exception], sentence: str) -> None:
    texts, labels = topical(9)
    with pytest.raises(error) as raised:
        map_texts(texts, labels, **({"layout": "pca"} | asked))  # type: ignore[arg-type]
    assert sentence in str(raised.value)


def test_two_texts_are_no_map() -> None:
    with pytest.raises(DataError, match="at least three texts; got 2 texts"):
        map_texts(["one", "two"], ["a", "b"])


def test_points_are_scaled_alike_in_both_directions() -> None:
    points = to_unit_square(np.array([[0, 0], [10, 5], [5, 2.5]], np.float32))
    np.testing.assert_allclose(points, [[0, 0.25], [1, 0.75], [0.5, 0.5]], atol=1e-6)


@pytest.mark.slow
def test_umap_keeps_neighbours_better_than_two_components_and_is_the_same_for_a_seed() -> None:
    pytest.importorskip("umap")
    from sklearn.manifold import trustworthiness

    vectors, of = groups(400, 8, 20, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, again = umap(vectors, 3), umap(vectors, 3)
    np.testing.assert_array_equal(first, again)
    assert trustworthiness(vectors, first) >= trustworthiness(vectors, principal_components(vectors, 2))
    away = ((first[:, None] - first) ** 2).sum(axis=2)
    places = np.argsort(away, axis=1)[:, :10]
    assert (of[places] == of[:, None]).mean() > 0.99


@pytest.mark.parametrize("n", [3, 60])
def test_texts_are_laid_out_by_vectors_of_ones_own_and_hexagons_hold_each_once(n: int) -> None:
    texts, labels = topical(n)
    vectors, _ = groups(n, 3, 8, 0)
    drawn = map_texts(texts, labels, vectors=vectors.tolist(), layout="pca")
    again = map_texts(texts, labels, vectors=vectors.astype(np.float64), layout="pca")
    np.testing.assert_array_equal(drawn.points, again.points)
    assert "vectors that were given" in drawn.about
    found = drawn.hexagons()
    for label in set(labels):
        assert sum(each["rows"] for each in found if each["name"] == label) == labels.count(label)
    assert all(-0.1 < each["x"] < 1.1 and -0.1 < each["y"] < 1.1 for each in found)


def test_vectors_that_cannot_place_texts_are_refused() -> None:
    texts, labels = topical(5)
    for wrong, told in (
        (np.zeros((4, 2)), "each of 5 texts"),
        (np.zeros(5), "shape"),
        (np.full((5, 2), np.nan), "NaN"),
    ):
        with pytest.raises(DataError, match=told):
            map_texts(texts, labels, vectors=wrong)
    with pytest.raises(SettingError, match="one of vectors= and encoder="):
        map_texts(texts, labels, vectors=np.zeros((5, 2)), encoder="words")
