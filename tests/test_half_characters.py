"""Half characters, control characters and names that are not UTF-8, wherever a user's data can hold them."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.data import read_table, read_texts
from textgraft.model_directory.manifest import FILE
from textgraft.report import Report, Section
from textgraft.report.html import page
from textgraft.report.markdown import table as markdown
from textgraft.report.terminal import as_text
from textgraft.unicode import escaped_in_json, shown, shown_name, whole, whole_value

from .cli.commands import textgraft
from .trying import EXAMPLES

HALVES = st.characters(categories=["Cs"])
CONTROLS = st.characters(categories=["Cc"], exclude_characters="\0")
ANY = st.text(HALVES | CONTROLS | st.sampled_from("aé中😀\u202e,\"';| $`\\"), min_size=1, max_size=6)
NAMES = ANY.map(lambda text: f"x{text}y").filter(lambda name: not {"/", "\0"} & set(name))


def is_utf8(text: str) -> bool:
    return whole(text) == text


@settings(max_examples=EXAMPLES, deadline=None)
@given(ANY)
def test_any_string_is_made_whole_once_and_shown_without_anything_that_acts(text: str) -> None:
    assert is_utf8(whole(text))
    assert whole(whole(text)) == whole(text)
    assert whole_value({text: [text, (text, 1)]}) == {whole(text): [whole(text), (whole(text), 1)]}
    assert is_utf8(shown(text))
    assert not {c for c in shown(text) if ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e"} - {"\n", "\t"}
    assert "\n" not in shown_name(text)
    assert shown(shown(text)) == shown(text)
    content = escaped_in_json(json.dumps([text], ensure_ascii=False))
    assert is_utf8(content)
    assert whole_value(json.loads(content)) == [whole(text)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(NAMES, NAMES, NAMES, NAMES, st.sampled_from(["json", "jsonl", "list", "frame"]))
def test_any_string_is_read_whole_as_text_label_group_and_name_of_a_column(
    text: str, label: str, column: str, group: str, form: str
) -> None:
    column = (
        re.sub(r"\s*[\r\n]+\s*", " ", whole(column)) if form == "frame" else column
    )  # pandas has no halves; names are a line
    rows = [{"text": f"a text {text}", column: label, "who": group}, {"text": "another", column: "other", "who": "b"}]
    with tempfile.TemporaryDirectory() as folder:
        source: object = (
            rows
            if form == "list"
            else pd.DataFrame(rows, dtype=object)
            if form == "frame"
            else Path(folder, f"t.{form}")
        )
        if isinstance(source, Path):
            lines = [json.dumps(row) for row in rows]
            source.write_text("\n".join(lines) if form == "jsonl" else f"[{','.join(lines)}]", "utf-8")
        data = read_table(source, text="text", label=[column], group="who")
    assert data.texts[0] == whole(f"a text {text}")
    assert whole(label).strip() in data.task.labels
    assert data.columns is not None
    assert data.columns.label == (whole(column),)
    assert data.groups is not None
    assert data.groups.tolist() == [whole(group), "b"]
    assert all(map(is_utf8, data.notes))


@pytest.fixture(scope="module")
def model() -> tg.MajorityClassifier:
    return tg.MajorityClassifier().fit(["one text", "another text", "a third"], ["yes", "no", "yes"])


@settings(max_examples=EXAMPLES, deadline=None)
@given(NAMES, NAMES, st.sampled_from(["csv", "tsv", "jsonl", "parquet"]))
def test_any_string_is_kept_in_every_format_of_predictions(
    model: tg.MajorityClassifier, column: str, value: str, ending: str
) -> None:
    kept = {column: value, "deep": {column: [value]}}
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "in.jsonl"), Path(folder, f"out.{ending}")
        source.write_text(json.dumps({"text": f"a text {value}", **kept}) + "\n", "utf-8")
        tg.predict_table(model, source, output, text="text", keep=[column, "deep"], every=True)
        if ending == "parquet":
            (row,) = pq.read_table(output).to_pylist()
        elif ending == "jsonl":
            row = json.loads(output.read_text("utf-8"))
        else:
            text = io.StringIO(output.read_bytes().decode("utf-8"), newline="")
            (row,) = csv.DictReader(text, delimiter="\t" if ending == "tsv" else ",")
    assert row["text"] == whole(f"a text {value}")
    assert row[whole(column)] == whole(value)
    assert row["label"] == "yes"


@settings(max_examples=EXAMPLES, deadline=None)
@given(ANY, ANY)
def test_any_string_can_stand_in_every_form_of_a_report(name: str, value: str) -> None:
    report = Report(name, (Section(name, (name, "b"), ((value, "1"),), (f"a sentence {value}",), commands=(value,)),))
    for written in (as_text(report), page(report), markdown(report.sections[0])):
        assert is_utf8(written)
        assert "\x1b" not in written


def table(place: Path, label: str = "pos", more: str = "") -> Path:
    place.write_text(
        "".join(
            json.dumps({"text": f"{word} film number {i} was {word}{more}", "label": name, "id": f"{i}{more}"}) + "\n"
            for i in range(12)
            for word, name in (("fine", label), ("poor", "neg"))
        ),
        "utf-8",
    )
    return place


@settings(max_examples=max(2, EXAMPLES // 100), deadline=None, phases=(Phase.generate,))
@given(NAMES, NAMES)
def test_any_string_goes_through_every_command(label: str, value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        data = table(place / "t.jsonl", label, value)
        out, page_of, written = place / "model", place / "page.html", place / "out.csv"
        words = (data, "--text", "text", "--label", "label")
        for command in (
            ("train", *words, "--out", out),
            ("evaluate", out, data, "--html", page_of, "--json"),
            ("inspect", *words, "--html", page_of, "--json"),
            ("inspect", *words),
            ("predict", out, "--input", data, "--keep", "id", "--output", written, "--all"),
            ("predict", out, "--input", data, "--keep", "id"),
        ):
            ended = textgraft(*command)
            assert ended.returncode == 0, ended.stderr
            assert "\x1b" not in ended.stderr
        for path in place.rglob("*"):
            if path.is_file() and path.suffix != ".safetensors":
                path.read_bytes().decode("utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes on Linux alone")
@pytest.mark.parametrize(
    ("name", "said"),
    [(b"caf\xe9", "caf\\xe9"), (b"a\x1b[31mb", "a\\x1b[31mb"), (b"two\nlines", "two\\nlines"), (b"a b'c", "a b'c")],
)
def test_a_file_and_a_folder_may_have_any_name(name: bytes, said: str, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))  # noqa: PTH118 - a name in bytes
    folder.mkdir()
    data = table(folder / f"{folder.name}.jsonl")
    out, written = folder / "model", folder / "out.csv"
    for words in (
        ("train", data, "--out", out),
        ("evaluate", out, data, "--html", folder / "page.html"),
        ("inspect", data, "--json"),
        ("predict", out, "--input", data, "--output", written, "--resume"),
    ):
        ended = textgraft(*map(str, words))
        assert ended.returncode == 0, ended.stderr
        if words[0] == "evaluate" and b"\n" not in name:  # a page's lines may end where the name's do
            assert said in f"{ended.stdout} {ended.stderr}"
        assert "\x1b" not in f"{ended.stdout} {ended.stderr}"
    with written.open(encoding="utf-8") as file:
        assert next(csv.DictReader(file))["file"].endswith(f"{said}/{said}.jsonl")
    assert said in (out / FILE).read_text("utf-8").replace("\\\\", "\\")


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes on Linux alone")
def test_the_commands_that_inspect_ends_with_can_be_pasted(tmp_path: Path) -> None:
    place = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), b"it's caf\xe9\x1b \\n $x.jsonl")))  # noqa: PTH118
    ended = textgraft("inspect", table(place), "--json", "--label", "label")
    command = next(line for line in json.loads(ended.stdout)["next"] if " compare " in line)
    words = subprocess.run(
        ["bash", "-c", command.replace("textgraft compare", "printf '%s\\0'")], capture_output=True, check=True
    ).stdout.split(b"\0")
    assert words == [os.fsencode(place), b"--label", b"label", b""]


def test_what_the_encoding_of_the_output_lacks_is_escaped(tmp_path: Path) -> None:
    data = table(tmp_path / "t.jsonl", "中😀é")
    code = "from textgraft.cli import main; main()"
    for words in (("inspect", str(data)), ("inspect", str(data), "--json")):
        ended = subprocess.run(
            [sys.executable, "-c", code, *words],
            capture_output=True,
            check=False,
            env=os.environ | {"PYTHONIOENCODING": "latin-1"},
        )
        assert ended.returncode == 0, ended.stderr
        if "--json" in words:
            assert "中😀é" in json.loads(ended.stdout.decode("latin-1"))["task"]["labels"]


def test_errors_show_what_they_name() -> None:
    with pytest.raises(tg.TextgraftError, match=r"\\x1b\[31m"):
        read_table("no\x1b[31mfile.csv")
    with pytest.raises(tg.TextgraftError, match="half characters only"):
        read_table([{"text": "a", "x\ud83d": "b", f"x{chr(0xD83E)}": "c"}])


def test_texts_to_predict_are_whole() -> None:
    texts = [text for some, _ in read_texts([{"text": "half \ud83d", "id": 1}]) for text in some]
    assert texts == ["half \ufffd"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_predictions_in_a_terminal_do_not_act(model: tg.MajorityClassifier, tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text(json.dumps({"text": "a \x1b[31m text"}))
    for output, acts in ((Terminal(), False), (io.StringIO(), True)):
        with contextlib.redirect_stdout(output):
            tg.predict_table(model, table, None)
        assert ("\x1b" in output.getvalue()) is acts
