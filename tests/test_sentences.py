"""All that is said when something is wrong has one form, whatever is wrong: in the source, and at the command line."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import textgraft

from .cli.commands import textgraft as run

SOURCE = Path(textgraft.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
GAP = "\x00"  # a value in a sentence


def named(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


def literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The strings of a module but its docstrings, with a gap for each value in them, and their lines."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and isinstance(node.body[0], ast.Expr)
    }
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
            parts = (part.value if isinstance(part, ast.Constant) else GAP for part in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs | inner:
            yield node.lineno, node.value


def raised(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The strings that are handed to the errors of textgraft."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and re.fullmatch(r"\w+Error", getattr(node.func, "id", "")):
            for argument in node.args[:1]:
                yield from literals(argument)


@pytest.mark.parametrize("file", FILES, ids=named)
def test_no_value_stands_in_a_sentence_at_its_full_length(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    exempt = [node for node in ast.walk(tree) if getattr(node, "name", "") in ("__repr__", "__getattr__")]
    allowed = {id(inner) for node in exempt for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue) and node.conversion == ord("r") and id(node) not in allowed:
            pytest.fail(f"{named(file)}:{node.lineno} says quoted(...) in place of !r")
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "map":
            assert getattr(node.args[0], "id", "") != "repr", f"{named(file)}:{node.lineno} says map(quoted, ...)"


@pytest.mark.parametrize("file", FILES, ids=named)
def test_sentences_are_written_alike(file: Path) -> None:
    for line, sentence in raised(ast.parse(file.read_text("utf-8"))):
        place = f"{named(file)}:{line} {sentence!r}"
        assert "  " not in sentence, place
        assert "\n" not in sentence.strip(), place
        assert not re.search(r"[^.]\.\.(?!\.|/)", sentence), place
        assert not re.search(r"(?<!\w)('{2}|\"{2})(?!\w)", sentence), place
        assert not re.search(r"(?<![\w/])1 (rows|labels|texts|files|columns)\b", sentence), place
        assert not re.search(r" [,.;:](?![\w.])", sentence), place


LONG = "long " * 1_000
WRONG: dict[str, list[object]] = {
    "no command": ["trian"],
    "a long command": [LONG],
    "no option": ["inspect", "t.csv", "--lable", "x"],
    "a long option": ["inspect", "t.csv", f"--{LONG}"],
    "no number": ["train", "t.csv", "--seed", "x", "--out", "m"],
    "a long number": ["train", "t.csv", "--seed", LONG, "--out", "m"],
    "a negative seed": ["train", "t.csv", "--seed", "-1", "--out", "m"],
    "a large share": ["train", "t.csv", "--test-size", "1.5", "--out", "m"],
    "no argument": ["inspect"],
    "no method": ["train", "t.csv", "--method", "ngarms", "--out", "m"],
    "a long method": ["train", "t.csv", "--method", LONG, "--out", "m"],
    "no methods": ["compare", "t.csv", "--methods", "majority,,x"],
    "no file": ["inspect", "gone.csv"],
    "a long file": ["inspect", LONG],
    "a deep file": ["inspect", "/".join(["d" * 200] * 15)],
    "no pattern": ["inspect", "*.gone"],
    "an empty name": ["inspect", ""],
    "a folder of tables": ["inspect", "folder"],
    "an empty folder": ["inspect", "empty"],
    "an empty file": ["inspect", "empty.csv"],
    "a header alone": ["inspect", "header.csv"],
    "one row": ["inspect", "one.csv"],
    "one label": ["train", "alone.csv", "--out", "m"],
    "texts for labels": ["train", "texts.csv", "--out", "m"],
    "no column": ["inspect", "t.csv", "--text", "txt"],
    "a long column": ["inspect", "t.csv", "--label", LONG],
    "two long columns": ["inspect", "t.csv", "--text", LONG, "--label", LONG + "x"],
    "a long name of a column": ["inspect", "wide.csv", "--text", "x"],
    "one column for both": ["inspect", "t.csv", "--text", "text", "--label", "text"],
    "no label form": ["inspect", "t.csv", "--merge-labels", LONG],
    "no split column": ["train", "t.csv", "--split", "part", "--out", "m"],
    "no format": ["inspect", "t.csv", "--format", LONG],
    "no encoding": ["inspect", "t.csv", "--encoding", LONG],
    "no delimiter": ["inspect", "t.csv", "--delimiter", LONG],
    "no JSON": ["inspect", "t.csv", "--format", "json"],
    "no Parquet": ["inspect", "t.csv", "--format", "parquet"],
    "damaged Parquet": ["inspect", "damaged.parquet"],
    "a damaged workbook": ["inspect", "damaged.xlsx"],
    "a damaged database": ["inspect", "damaged.sqlite"],
    "damaged JSON": ["inspect", "damaged.json"],
    "a number in JSON": ["inspect", "number.json"],
    "a key twice in a line": ["inspect", "twice.jsonl"],
    "a key twice in an array": ["inspect", "twice.json"],
    "a key twice in a document": ["inspect", "document.json"],
    "bad rows": ["inspect", "bad.csv"],
    "long bad rows": ["inspect", "long.csv"],
    "no archive": ["inspect", "damaged.zip"],
    "an address of nothing": ["inspect", "https://127.0.0.1:9/t.csv"],
    "an unknown address": ["inspect", f"gone://{LONG}"],
    "no data set": ["inspect", "hf://models/x"],
    "no model": ["predict", "gone", "a text"],
    "a long model": ["predict", LONG, "a text"],
    "a folder that is no model": ["predict", "empty", "a text"],
    "a damaged model": ["predict", "damaged", "a text"],
    "a key twice in a model": ["predict", "doubled", "a text"],
    "a model and no rows": ["predict", "model", "--input", "gone.csv"],
    "no ending": ["predict", "model", "--input", "t.csv", "--output", LONG[:200]],
    "no column of texts": ["predict", "model", "--input", "t.csv", "--text", LONG],
    "no runtime": ["predict", "model", "a text", "--runtime", LONG],
    "a runtime for what needs none": ["predict", "model", "a text", "--runtime", "onnx"],
    "another one": ["predict", "model", "a text", "--runtime", "openvino"],
    "an export of what needs none": ["export", "model"],
    "an export for nothing": ["export", "model", "--runtime", LONG],
    "other labels": ["evaluate", "model", "other.csv"],
    "an evaluation without labels": ["evaluate", "model", "texts-alone.csv"],
    "no name of the Hub": ["push", "model", LONG],
    "no vectors": ["vectors", "nearest", "film", "--vectors", LONG],
    "no checksum": ["vectors", "nearest", "film", "--vectors", f"t.csv#sha256={LONG}"],
    "vectors that are none": ["vectors", "nearest", "film", "--vectors", "t.csv"],
    "no tokenizer": ["vectors", "coverage", "t.csv", "t.csv", "--tokenizer", LONG],
    "a model where a table is": ["train", "t.csv", "--out", "t.csv"],
    "no encoder": ["train", "t.csv", "--method", "features", "--encoder", f"./{LONG}", "--out", "m"],
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of what the wrong commands name."""
    folder = tmp_path_factory.mktemp("inputs")
    rows = [f"a {'good' if i % 2 else 'bad'} film {i},l{i % 2}" for i in range(40)]
    twice = '{"text": "a", "label": "x", "text": "b"}'
    wide = ",".join(f"{LONG}{i}" for i in range(4))
    files = {
        "t.csv": "\n".join(["text,label", *rows]),
        "other.csv": "\n".join(["text,label", *(row + LONG for row in rows)]),
        "texts-alone.csv": "\n".join(["text", *(row.split(",")[0] for row in rows)]),
        "texts.csv": "\n".join(["text,label", *(f"{row.split(',')[0]},{LONG * 200}{row}" for row in rows[:4] * 3)]),
        "folder/t.csv": "text,label\na,b\n",
        "empty.csv": "",
        "header.csv": "text,label\n",
        "one.csv": "text,label\na film,x\n",
        "alone.csv": "text,label\n" + "a film,x\n" * 5,
        "wide.csv": f"{wide}\n" + "a,b,c,d\n" * 9,
        "bad.csv": "text,label\n" + 'a film,x\n"a "film,y,z\n' * 5,
        "long.csv": "text,label\n" + f"a film,x\n{LONG},{LONG},{LONG}\n" * 5,
        "twice.jsonl": f"{twice}\n" * 5,
        "twice.json": f"[{', '.join([twice] * 5)}]",
        "document.json": f'{{"data": [{twice}], "data": []}}',
        "damaged.json": '{"text": [',
        "number.json": "3",
        "damaged/textgraft.json": "{",
        "damaged.parquet": "PAR1 and nothing PAR1",
        "damaged.sqlite": "SQLite format 3\0 and nothing",
        "damaged.xlsx": "PK\3\4 and nothing",
        "damaged.zip": "PK\3\4 and nothing",
    }
    (folder / "empty").mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    data = textgraft.read_table(folder / "t.csv")
    textgraft.NgramClassifier().fit(data).save(folder / "model")
    model = (folder / "model" / "textgraft.json").read_text("utf-8")
    assert json.loads(model)
    (folder / "doubled").mkdir()
    (folder / "doubled" / "textgraft.json").write_text(model.replace("{", '{"method": "ngrams",', 1), "utf-8")
    return folder


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_in_one_line(wrong: str, inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inputs)
    ended = run(*WRONG[wrong])
    assert ended.returncode in (1, 2)
    assert "Traceback" not in ended.stderr
    assert "fault here" not in ended.stderr
    if ended.returncode == 2:  # of a command that is written wrongly; typer draws a box around what it says
        assert "─ Error ─" in ended.stderr
        assert len(ended.stderr) < 12_000
        return
    *remarks, line = ended.stderr.splitlines()
    assert line.startswith("Error: ")
    assert all("Error: " not in remark for remark in remarks)
    assert re.search(r"(?<![.?!])[.?]$", line), line[-80:]
    assert len(line) < 3_200
    assert "  " not in line
    assert not re.search(r"[^.]\.\.(?![./])", line)
    assert not re.search(r"(?<![\w/])1 (rows|labels|texts|files|columns)\b", line)
    assert not re.search(r"(?<!got )(?<!file )('{2}|\"{2})", line)
    # Each value is shortened where it stands, the sentence nowhere: what is between two values is all there.
    assert all(len(value) < 700 for value in re.split(r"\([\d,]+ characters left out\)", line)[1:-1])
    assert not re.search(r".{1500}\([\d,]+ characters left out\).{700}$", line)
    if "key twice" in wrong:
        assert "twice" in line
    if "needs none" in wrong:
        assert "needs no export" in line
        assert "Make it" not in line
