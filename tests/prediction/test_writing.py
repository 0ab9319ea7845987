"""Predictions in files: what is in them, and that a file is whole, or gone on with to the same bytes."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft import NgramClassifier
from textgraft.data import ReadOptions
from textgraft.errors import DataError, SettingError
from textgraft.methods import TextClassifier
from textgraft.prediction import Texts, parquet, part_file, predict_stream
from textgraft.prediction.origin import Origin
from textgraft.prediction.part_file import resumable_rows
from textgraft.prediction.writing import Layout, writing

TEXTS = ["good film", "bad film", "fine book", "dull book"] * 6
MODEL = NgramClassifier().fit(TEXTS, ["yes", "no"] * 12)
SEVERAL = NgramClassifier().fit(TEXTS, [{"good", "film"}, {"film"}, {"good"}, set()] * 6)
ORIGIN = Origin("model", "input", {"--keep": None})


def pieces(sizes: list[int]) -> list[Texts]:
    return [
        Texts(
            [TEXTS[(i + j) % 4] + f" {j}" for j in range(size)], f"file{i}", range(1, size + 1), {"id": ["é\n"] * size}
        )
        for i, size in enumerate(sizes)
        if size
    ]


@pytest.mark.parametrize("model", [MODEL, SEVERAL])
def test_all_formats_say_the_same(model: TextClassifier, tmp_path: Path) -> None:
    layout = Layout(model.task_, every=True, with_file=True)
    for ending in ("csv", "jsonl", "parquet"):
        with writing(tmp_path / f"p.{ending}", layout) as writer:
            for prediction in predict_stream(model, pieces([3, 5])):
                writer.write(prediction)
    with (tmp_path / "p.csv").open(newline="") as file:
        by_csv = list(csv.DictReader(file))
    by_parquet = pq.read_table(tmp_path / "p.parquet").to_pylist()
    by_json = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert len(by_csv) == len(by_parquet) == len(by_json) == 8
    for c, p, j in zip(by_csv, by_parquet, by_json, strict=True):
        assert c["file"] == p["file"] == j["file"]
        assert int(c["row"]) == p["row"] == j["row"]
        assert c["label"] == p["label"] == (j["label"] if "label" in j else ";".join(j["labels"]))
        for name in model.task_.labels:
            assert float(c[f"p({name})"]) == p[f"p({name})"] == j["probabilities"][name]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.sampled_from([",", "\t"]))
def test_no_cell_of_a_safe_csv_is_a_formula_and_no_text_is_lost(text: str, delimiter: str) -> None:
    ending = "csv" if delimiter == "," else "tsv"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, f"p.{ending}")
        with writing(place, Layout(MODEL.task_, safe_csv=True)) as writer:
            for prediction in predict_stream(MODEL, [Texts([text], "f", range(1, 2), {text or "id": [text]})]):
                writer.write(prediction)
        content = place.read_bytes().decode()
    names, row = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
    for cell in (*names, *row):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or re.fullmatch(
            r"[-+]?[\d.]+([eE][-+]?\d+)?", cell
        )
    assert row[names.index("text")].removeprefix("'") == text.removeprefix("'")


def test_a_label_with_a_semicolon_stays_one_label(tmp_path: Path) -> None:
    model = NgramClassifier().fit(TEXTS, [{"a;b"}, {"a;b"}, {"a;b"}, set()] * 6)
    with writing(tmp_path / "p.jsonl", Layout(model.task_)) as writer:
        writer.write(next(predict_stream(model, [Texts(["good film"], "", [1])])))
    assert json.loads((tmp_path / "p.jsonl").read_text())["labels"] == ["a;b"]


def test_a_kept_column_named_like_one_of_ours_stays_under_another_name(tmp_path: Path) -> None:
    kept = {"label": ["old"], "row": [77], "id": [5]}
    with writing(tmp_path / "p.csv", Layout(MODEL.task_)) as writer:
        writer.write(next(predict_stream(MODEL, [Texts(["good film"], "", [1], kept)])))
    with (tmp_path / "p.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["row"], row["input.row"], row["input.label"], row["id"]) == ("1", "77", "old", "5")
    assert row["label"] in {"yes", "no"}


def test_a_kept_column_that_changes_its_type_is_a_sentence_in_parquet(tmp_path: Path) -> None:
    pieces_of = [Texts(["good film"], "t.csv", [i], {"id": [value]}) for i, value in ((1, 5), (2, "x"))]

    def write() -> None:
        with writing(tmp_path / "p.parquet", Layout(MODEL.task_)) as writer:
            for prediction in predict_stream(MODEL, pieces_of):
                writer.write(prediction)

    with pytest.raises(DataError, match=r"changes its type between rows 2 and 2 of t\.csv"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_leaves_no_file(tmp_path: Path) -> None:
    def fails() -> None:
        with writing(tmp_path / "p.csv", Layout(MODEL.task_)) as writer:
            writer.write(next(predict_stream(MODEL, pieces([3]))))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert list(tmp_path.iterdir()) == []


class KilledError(BaseException):
    """Stands for the end of the process."""


def write(path: Path, sizes: list[int], *, origin: Origin | None, stop: int | None = None) -> int:
    """Predicts and writes, and is killed after ``stop`` pieces; where it went on."""
    with writing(path, Layout(SEVERAL.task_, every=True, with_file=True), origin) as out:
        with closing(predict_stream(SEVERAL, pieces(sizes), after=out.rows)) as predictions:
            for i, prediction in enumerate(predictions):
                if i == stop:
                    raise KilledError
                out.write(prediction)
        return out.rows


@settings(max_examples=30)
@given(
    st.sampled_from(["csv", "tsv", "jsonl", "parquet"]),
    st.lists(st.integers(0, 40), min_size=1, max_size=12),
    st.lists(st.integers(0, 6), max_size=4),
    st.binary(max_size=50),
)
def test_a_run_that_is_interrupted_again_and_again_ends_with_the_same_bytes(
    ending: str, sizes: list[int], stops: list[int], torn: bytes
) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(part_file, "COMMIT_SECONDS", 0)
        patch.setattr(parquet, "ROWS", 50)
        path = Path(folder) / f"p.{ending}"
        write(path, sizes, origin=None)
        whole = path.read_bytes()
        path.unlink()
        kept = 0
        for stop in stops:
            try:
                went_on = write(path, sizes, origin=ORIGIN, stop=stop)
            except KilledError:
                assert resumable_rows(path) >= kept
            else:
                assert went_on >= kept
                path.unlink()
            kept = resumable_rows(path)
            if kept:  # a killed process leaves a row half-written, and more than was said to be whole
                with (Path(folder) / f".p.{ending}.part").open("ab") as part:
                    part.write(torn)
        assert write(path, sizes, origin=ORIGIN) == kept
        assert path.read_bytes() == whole
        assert [file.name for file in Path(folder).iterdir()] == [path.name]


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of which 30 rows at least are kept."""
    monkeypatch.setattr(part_file, "COMMIT_SECONDS", 0)
    path = tmp_path / "p.csv"
    with pytest.raises(KilledError):
        write(path, [30] * 9, origin=ORIGIN, stop=5)  # two pieces may still wait for the writer
    assert resumable_rows(path) >= 30
    return path


@pytest.mark.parametrize(
    ("origin", "sentence"),
    [
        (Origin("other", "input", {"--keep": None}), "made with another model; run as it was begun, or without --res"),
        (Origin("model", "other", {"--keep": None}), "made with another input, or one that has changed since"),
        (Origin("model", "input", {"--keep": "id", "--all": True}), r"made with other options \(--all, --keep\);"),
        (Origin("x", "y", {"a": 1}), r"another model and with another input.* and with other options \(a\);"),
    ],
)
def test_nothing_is_added_to_predictions_of_another_origin(interrupted: Path, origin: Origin, sentence: str) -> None:
    before = {path.name: path.read_bytes() for path in interrupted.parent.iterdir()}
    with pytest.raises(SettingError, match=sentence):
        write(interrupted, [30] * 9, origin=origin)
    assert {path.name: path.read_bytes() for path in interrupted.parent.iterdir()} == before


def test_without_an_origin_what_is_kept_is_replaced(interrupted: Path) -> None:
    assert write(interrupted, [30] * 9, origin=None) == 0
    assert [path.name for path in interrupted.parent.iterdir()] == ["p.csv"]
    with interrupted.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 270


@pytest.mark.parametrize("damage", ["{", "[]", '{"rows": 3}', "\x00"])
def test_a_damaged_note_of_what_is_whole_is_to_start_over(interrupted: Path, damage: str) -> None:
    interrupted.with_name(".p.csv.part.json").write_text(damage)
    assert write(interrupted, [30] * 9, origin=ORIGIN) == 0


def test_a_half_written_file_that_lost_its_end_is_to_start_over(interrupted: Path) -> None:
    with interrupted.with_name(".p.csv.part").open("r+b") as file:
        file.truncate(20)
    assert write(interrupted, [30] * 9, origin=ORIGIN) == 0


@pytest.mark.parametrize("resume", [False, True])
def test_row_groups_of_parquet_have_a_fixed_number_of_rows(
    resume: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS", 50)
    write(tmp_path / "p.parquet", [30, 1, 99, 7], origin=ORIGIN if resume else None)
    metadata = pq.read_metadata(tmp_path / "p.parquet")
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [50, 50, 37]


def test_a_finished_parquet_whose_run_was_killed_right_after_is_finished_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_file, "COMMIT_SECONDS", 0)
    place = tmp_path / "p.parquet"
    write(place, [30] * 3, origin=None)
    expected = place.read_bytes()
    place.unlink()

    def killed(self: Path, missing_ok: bool = False) -> None:
        if self.name == ".p.parquet.part":
            raise KilledError
        unlink(self, missing_ok=missing_ok)

    unlink = Path.unlink
    with monkeypatch.context() as kills:
        kills.setattr(Path, "unlink", killed)
        with pytest.raises(KilledError):
            write(place, [30] * 3, origin=ORIGIN)
    assert place.read_bytes() == expected
    assert write(place, [30] * 3, origin=ORIGIN) == 90
    assert place.read_bytes() == expected
    assert [path.name for path in tmp_path.iterdir()] == [place.name]


HOLD = """
import sys
from pathlib import Path
from textgraft.prediction.writing import Layout, writing
from textgraft.task import Task
with writing(Path(sys.argv[1]), Layout(Task(("no", "yes"), False))):
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "writing\n"
        with pytest.raises(SettingError, match=r"Another process is writing .*p\.csv; wait for it, or end it"):
            write(path, [3], origin=None)
        other.kill()
    write(path, [3], origin=None)
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]


def test_what_a_model_an_input_and_options_are_is_seen(tmp_path: Path) -> None:
    folder, table = MODEL.save(tmp_path / "m"), tmp_path / "t.csv"
    table.write_text("text\ngood film\n")

    def origin(**options: object) -> Origin:
        return Origin.of(folder, str(table), ReadOptions(), options)

    first = origin(keep="id")
    assert origin(keep="id") == first
    assert first.differences(origin(keep="other")) == ["other options (--keep)"]
    table.write_text("text\ngood films\n")
    assert first.differences(origin(keep="id")) == ["another input, or one that has changed since"]
    SEVERAL.save(folder)
    assert "another model" in first.differences(origin(keep="id"))
    (folder / "textgraft.json").unlink()  # as of a model that another library has written
    assert origin() == origin()
    with pytest.raises(SettingError, match="the model must be in a folder; got owner/name"):
        Origin.of(Path("owner/name"), str(table), ReadOptions(), {})
