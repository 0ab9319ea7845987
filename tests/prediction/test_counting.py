"""No row is lost unseen: rows are counted where they are read and in the finished file; sources stay as they are."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft import NgramClassifier, load, predict_table
from textgraft.errors import SettingError, TextgraftError
from textgraft.prediction import TEXTS_AT_ONCE, Texts, counting, predict_stream, processes, streaming, write_predictions
from textgraft.prediction.counting import rows_in
from textgraft.prediction.writing import Layout, writing

from .streams import MODEL, TEXTS

ROWS = 7 * TEXTS_AT_ONCE  # more than are read ahead
WINDOWS = 7


@given(
    st.lists(st.text(st.one_of(st.sampled_from("\",\n\r\t;{}\\'="), st.characters(codec="utf-8"))), max_size=30),
    st.sampled_from(["csv", "tsv", "jsonl", "parquet"]),
    st.integers(1, 9),
)
def test_the_rows_of_a_file_are_counted_whatever_stands_in_them(texts: list[str], form: str, at_once: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(counting, "AT_ONCE", at_once)
        place = Path(folder, f"p.{form}")
        with writing(place, Layout(MODEL.task_), read=lambda: len(texts)) as out:
            pieces = [Texts(texts, "f", range(1, len(texts) + 1), {'a "key"\n': texts})] if texts else []
            for prediction in predict_stream(MODEL, pieces):
                out.write(prediction)
        assert rows_in(place, form) == len(texts)


def windows() -> list[Texts]:
    return [Texts(TEXTS[:4] * (TEXTS_AT_ONCE // 4), f"f{i}", range(1, TEXTS_AT_ONCE + 1)) for i in range(WINDOWS)]


def lose_a_window(patched: pytest.MonkeyPatch) -> None:
    whole = streaming._windows

    def some(*given: object) -> object:
        return (window for i, window in enumerate(whole(*given)) if i != 3)  # type: ignore[arg-type]

    patched.setattr(streaming, "_windows", some)


def lose_an_answer(patched: pytest.MonkeyPatch) -> None:
    whole = processes.Processes.predict

    def some(*given: object) -> object:
        return (answer for i, answer in enumerate(whole(*given)) if i != 3)  # type: ignore[arg-type]

    patched.setattr(processes.Processes, "predict", some)


def lose_a_piece_before_the_file(patched: pytest.MonkeyPatch) -> None:
    whole = Layout.columns
    calls: list[int] = []

    def some(layout: Layout, prediction: object) -> object:
        calls.append(1)
        columns = whole(layout, prediction)  # type: ignore[arg-type]
        return {name: values[:0] for name, values in columns.items()} if len(calls) == 4 else columns

    patched.setattr(Layout, "columns", some)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", None])
@pytest.mark.parametrize("lose", [lose_a_window, lose_an_answer, lose_a_piece_before_the_file])
def test_rows_that_are_lost_on_the_way_are_an_error_with_both_numbers(
    lose: Callable[[pytest.MonkeyPatch], None], ending: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = 2 if lose is lose_an_answer else 1
    reopen = partial(load, MODEL.save(tmp_path / "m"))
    (tmp_path / "out").mkdir()
    output = None if ending is None else tmp_path / "out" / f"p.{ending}"
    lose(monkeypatch)
    with pytest.raises(TextgraftError, match=r"57,344 rows that were read, .* has 49,152, so it is not kept\. Run it"):
        write_predictions(MODEL, windows(), output, jobs=jobs, reopen=reopen)
    assert not list((tmp_path / "out").iterdir())


AGAIN = """
from multiprocessing.connection import Connection
send, sent = Connection.send, []
def again(connection, answer):
    sent.append(answer)
    send(connection, sent[0])
Connection.send = again
"""


def test_an_answer_for_other_texts_is_an_error(tmp_path: Path) -> None:
    reopen = partial(
        eval, "exec(AGAIN) or load(PLACE)", {"AGAIN": AGAIN, "PLACE": MODEL.save(tmp_path / "m"), "load": load}
    )
    with pytest.raises(TextgraftError, match=r"lost texts: it was asked for window 3 and"):
        list(predict_stream(MODEL, windows(), jobs=2, reopen=reopen))


def test_too_few_answers_are_an_error() -> None:
    class Short(NgramClassifier):
        def predict_proba(self, texts: object) -> object:  # type: ignore[override]
            return super().predict_proba(texts)[1:]  # type: ignore[arg-type]

    model = Short().fit(TEXTS, ["yes", "no"] * 12)
    with pytest.raises(TextgraftError, match="The model gave 3 answers for 4 texts"):
        list(predict_stream(model, [Texts(TEXTS[:4], "f", range(1, 5))]))


def table(folder: Path, form: str) -> Path:
    path = folder / f"t.{form}"
    texts = [f"good film {i}" for i in range(ROWS)]
    if form == "csv":
        path.write_text("text\n" + "".join(f"{text}\n" for text in texts))
    elif form == "jsonl":
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    elif form == "parquet":
        pq.write_table(pa.table({"text": texts}), path, row_group_size=TEXTS_AT_ONCE)
    elif form == "arrow":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, pa.schema([("text", pa.string())])) as writer:
            writer.write_table(pa.table({"text": texts}), TEXTS_AT_ONCE)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE t (text TEXT)")
            connection.executemany("INSERT INTO t VALUES (?)", [(text,) for text in texts])
        connection.close()
    return path


def appended(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more\n")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def edited(path: Path) -> None:
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        file.write(b"#")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def replaced(path: Path) -> None:
    (path.parent / "other").write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    (path.parent / "other").replace(path)


CHANGES = [appended, cut, edited, replaced, Path.unlink]


class Changing(NgramClassifier):
    """Changes the table when it predicts for the first time."""

    def predict_proba(self, texts: object) -> object:  # type: ignore[override]
        change, path = self.__dict__.pop("later", (None, None))
        if change is not None:
            change(path)
        return super().predict_proba(texts)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def changing() -> Changing:
    return Changing().fit(TEXTS, ["yes", "no"] * 12)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "arrow", "sqlite"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_table_that_changes_while_it_is_read_is_an_error(
    form: str, change: Callable[[Path], None], tmp_path: Path, changing: Changing
) -> None:
    path = table(tmp_path, form)
    (tmp_path / "out").mkdir()
    changing.__dict__["later"] = change, path
    with pytest.raises(TextgraftError) as error:
        predict_table(changing, path, tmp_path / "out" / "p.csv", text="text")
    assert "changed while it was read: " in str(error.value) or path.name in str(error.value)
    assert not list((tmp_path / "out").iterdir())


def test_a_table_in_a_folder_that_changes_is_named(tmp_path: Path, changing: Changing) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for i in range(5 * 4096):
        (folder / f"{i}.txt").write_text("good film")
    changing.__dict__["later"] = appended, folder / "77.txt"
    with pytest.raises(TextgraftError, match=r"texts \(77\.txt\) changed while it was read: 9 bytes before and 14"):
        predict_table(changing, folder, tmp_path / "p.csv")


def test_what_changed_between_a_run_and_its_resume_is_said_even_where_size_and_time_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from textgraft.prediction import part_file

    monkeypatch.setattr(part_file, "COMMIT_SECONDS", 0)
    path, saved, output = table(tmp_path, "csv"), MODEL.save(tmp_path / "m"), tmp_path / "p.csv"
    real = NgramClassifier.predict_proba
    calls: list[int] = []

    def stopped(model: NgramClassifier, texts: object) -> object:
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(model, texts)  # type: ignore[arg-type]

    monkeypatch.setattr(NgramClassifier, "predict_proba", stopped)
    with pytest.raises(KeyboardInterrupt, match="rows are kept"):
        predict_table(saved, path, output, resume=True)
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(50)
        file.write(b"bad!")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    with pytest.raises(SettingError, match="another input, or one that has changed since"):
        predict_table(saved, path, output, resume=True)
