from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from textgraft import NgramClassifier, evaluate, load
from textgraft.data.folding import fold
from textgraft.errors import ArtifactError
from textgraft.model_directory import save, seen
from textgraft.model_directory.seen import FILE, SeenTexts

TEXTS = [f"{how} film number {i}" for i in range(40) for how in ("a good", "a bad")]
LABELS = ["yes", "no"] * 40
NEW = [f"{how} book of {i} pages" for i in range(30) for how in ("a good", "a bad")]
texts = st.lists(st.text(max_size=12), max_size=15)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return NgramClassifier().fit(TEXTS, LABELS).save(tmp_path_factory.mktemp("models") / "m")


def without_hashes(folder: Path) -> Path:
    """A model as earlier releases wrote it."""
    (folder / FILE).unlink()
    manifest = folder / "textgraft.json"
    content = json.loads(manifest.read_text("utf-8"))
    del content["files"][FILE]
    manifest.write_text(json.dumps(content), "utf-8")
    return folder


@given(texts, texts, texts)
def test_texts_are_found_exactly_where_they_stand_after_folding(a: list[str], b: list[str], asked: list[str]) -> None:
    trained, chosen, known = SeenTexts.of(a, b).find([*asked, *a, *b])
    folded = [fold(text) for text in [*asked, *a, *b]]
    in_a, in_b = {fold(text) for text in a}, {fold(text) for text in b}
    assert trained.tolist() == [text in in_a for text in folded]
    assert chosen.tolist() == [text in in_b and text not in in_a for text in folded]
    assert known.all()


@given(texts, st.randoms())
def test_the_order_and_number_of_rows_play_no_part(rows: list[str], random: object) -> None:
    kept = SeenTexts.of(rows).trained
    shuffled = [*rows, *rows[:3]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(SeenTexts.of(shuffled).trained, kept)
    assert (kept[1:] > kept[:-1]).all()


@given(texts, texts)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, a: list[str], b: list[str]) -> None:
    folder = tmp_path_factory.mktemp("m")
    SeenTexts.of(a, b).write(folder)
    read = SeenTexts.read(folder)
    assert read is not None
    assert read.find([*a, *b, "x"])[0].tolist() == SeenTexts.of(a, b).find([*a, *b, "x"])[0].tolist()


def test_case_and_white_space_do_not_hide_a_text() -> None:
    trained, _, _ = SeenTexts.of(["A good Film", "RT @ada: see http://x.y now"]).find(
        ["a GOOD  film\n", "see @bob now", "a good filme"]
    )
    assert trained.tolist() == [True, True, False]


def test_of_very_many_texts_a_share_is_known_and_gives_the_share_of_those_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "MOST", 1_000)
    kept = SeenTexts.of([f"text {i}" for i in range(4_000)])
    assert len(kept.trained) == 1_000
    trained, _, known = kept.find([f"text {i}" for i in range(2_000, 6_000)])
    assert 800 < known.sum() < 1_200
    assert 0.44 < trained.sum() / known.sum() < 0.56
    assert not (trained & ~known).any()
    again, _, _ = kept.find([f"text {i}" for i in range(4_000)])
    assert again.sum() == 1_000


def test_a_loaded_model_tells_the_rows_that_it_was_given_from_the_others(saved: Path) -> None:
    model = load(saved)
    mixed = evaluate(model, [*TEXTS[:20], *NEW], [*LABELS[:20], *["yes", "no"] * 30])
    assert mixed.seen is not None
    assert (mixed.seen.trained, mixed.seen.chosen, mixed.seen.known) == (20, 0, 80)
    assert mixed.seen.unseen == evaluate(model, NEW, ["yes", "no"] * 30).metrics["accuracy"]
    every = evaluate(model, [text.upper() for text in TEXTS], LABELS)
    assert every.seen is not None
    assert (every.seen.trained, every.seen.unseen) == (80, None)
    none = evaluate(model, NEW, ["yes", "no"] * 30)
    assert none.seen is not None
    assert (none.seen.trained, none.seen.others, none.seen.unseen) == (0, 60, None)
    assert type(mixed).from_dict(json.loads(json.dumps(mixed.to_dict()))).seen == mixed.seen


def test_rows_that_were_given_for_choices_are_told_apart() -> None:
    model = NgramClassifier().fit(TEXTS, LABELS, valid=(NEW[:20], ["yes", "no"] * 10))
    found = evaluate(model, [*TEXTS[:4], *NEW], [*LABELS[:4], *["yes", "no"] * 30]).seen
    assert found is not None
    assert (found.trained, found.chosen, found.others) == (4, 20, 40)


def test_texts_of_weight_nothing_were_not_given() -> None:
    model = NgramClassifier().fit([*TEXTS, "never seen"], [*LABELS, "no"], sample_weight=[1] * 80 + [0])
    assert model.seen_ is not None
    assert model.seen_.find(["never seen", TEXTS[0]])[0].tolist() == [False, True]


def test_a_model_without_hashes_loads_and_knows_its_training_data_as_a_whole(saved: Path, tmp_path: Path) -> None:
    model = load(without_hashes(Path(shutil.copytree(saved, tmp_path / "m"))))
    assert model.seen_ is None
    whole = evaluate(model, TEXTS, LABELS).seen
    assert whole is not None
    assert whole.trained == whole.known == 80
    part = evaluate(model, TEXTS[:60], LABELS[:60])
    assert part.seen is None
    assert any("trained on some of these rows is not known" in note for note in part.notes)
    assert not (model.save(tmp_path / "again") / FILE).exists()


def test_hashes_go_where_the_sample_goes(tmp_path: Path) -> None:
    model = NgramClassifier().fit(TEXTS, LABELS)
    assert (save(model, tmp_path / "with") / FILE).exists()
    bare = {path.name for path in save(model, tmp_path / "without", keep_sample=False).iterdir()}
    assert not bare & {FILE, "sample.jsonl"}
    assert (load(tmp_path / "with").save(tmp_path / "again") / FILE).read_bytes() == (
        tmp_path / "with" / FILE
    ).read_bytes()


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ({"trained": [2, 1], "chosen": []}, "are not in ascending order"),
        ({"trained": [], "chosen": [1, 1]}, "are not in ascending order"),
        ({"trained": [1]}, "its tensor 'chosen' is missing"),
        ({"trained": [[1]], "chosen": []}, "has the shape"),
        ({"trained": range(251), "chosen": []}, "it has 251 hashes of a kind, at most 250"),
    ],
)
def test_a_damaged_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tensors: dict[str, list[int]], sentence: str
) -> None:
    monkeypatch.setattr(seen, "MOST", 250)
    save_file({name: np.array(values, np.int64) for name, values in tensors.items()}, tmp_path / FILE)
    with pytest.raises(ArtifactError, match=sentence):
        SeenTexts.read(tmp_path)


def test_other_numbers_than_whole_ones_are_refused(tmp_path: Path) -> None:
    save_file({"trained": np.zeros(2, np.float32), "chosen": np.zeros(0, np.int64)}, tmp_path / FILE)
    with pytest.raises(ArtifactError, match="of float32, not int64"):
        SeenTexts.read(tmp_path)
