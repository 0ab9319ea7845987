"""What a served model needs: the base installation, without SciPy, scikit-learn, PyArrow, PyTorch and their like."""

from __future__ import annotations

import csv
import json
import os
import re
import sqlite3
import subprocess
import sys
import venv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from textgraft.methods import MajorityClassifier, NgramClassifier, RecurrentClassifier, TextClassifier

ROOT = Path(__file__).resolve().parent.parent
MOST_MEGABYTES = 350
SPORT = ["a great goal in the match", "the game was a goal", "match after match", "a game of goals"]
MONEY = ["the rate of the bank", "banks and rates", "a bank is a bank", "what a rate"]
TEXTS = (SPORT + MONEY) * 6
LABELS = (["sport"] * 4 + ["money"] * 4) * 6
NEW = ["the goal of the game", "rates, banks and 3% more", "", "Wörter 語 never seen"]

HEAVY = {
    "datasets", "huggingface_hub", "joblib", "matplotlib", "nncf", "onnx", "onnxruntime", "onnxscript", "openvino",
    "pandas", "peft", "polars", "pyarrow", "scipy", "sklearn", "spacy", "tensorboard", "tokenizers", "torch",
    "transformers",
}  # fmt: skip

# Python runs a `sitecustomize` on its path at every start, so that a command line is the real one.
NOT_INSTALLED = f"""
import sys


class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, NotInstalled())
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs Python in a process where nothing but the base dependencies can be imported."""
    folder = tmp_path_factory.mktemp("light")
    (folder / "sitecustomize.py").write_text(NOT_INSTALLED, "utf-8")

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(folder)}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)

    return run


@pytest.fixture(scope="module", params=["ngrams", "recurrent"])
def model(request: pytest.FixtureRequest) -> TextClassifier:
    """A fitted classifier that predicts with NumPy alone."""
    if request.param == "ngrams":
        return NgramClassifier().fit(TEXTS, LABELS)
    pytest.importorskip("torch")  # to train it
    return RecurrentClassifier(epochs=4, batch_size=8, hidden=8, min_count=1).fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def directory(model: TextClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model directory of ``model``."""
    return model.save(tmp_path_factory.mktemp("model") / model.method)


def test_the_heavy_libraries_are_out_of_reach(light: Run) -> None:
    assert light("-c", "import numpy, safetensors, typer, rich, textgraft").returncode == 0
    for name in ("scipy.sparse", "sklearn", "pyarrow.parquet", "torch"):
        assert f"No module named '{name.partition('.')[0]}" in light("-c", f"import {name}").stderr


def test_a_saved_model_predicts_the_same(light: Run, model: TextClassifier, directory: Path) -> None:
    code = f"""
import json
import textgraft
model = textgraft.load({str(directory)!r})
print(json.dumps([model.predict({NEW!r}).tolist(), model.predict_proba({NEW!r}).tolist()]))
"""
    done = light("-c", code)
    assert done.stderr == ""
    labels, probabilities = json.loads(done.stdout)
    assert labels == model.predict(NEW).tolist()  # type: ignore[union-attr]
    np.testing.assert_array_equal(np.array(probabilities, np.float32), model.predict_proba(NEW))


def test_nothing_is_loaded_that_prediction_does_not_need(directory: Path) -> None:
    code = f"""
import sys
import textgraft
textgraft.load({str(directory)!r}).predict({NEW!r})
print(*sorted(sys.modules))
"""
    # With all that is installed for these tests: what is there is not loaded either.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    unwanted = {
        "scipy",
        "rich",
        "typer",
        "importlib.metadata",
        "textgraft.ladder",
        "textgraft.prediction",
        "textgraft.data",
    }
    assert not set(done.stdout.split()) & (unwanted | HEAVY)


def test_the_command_line_predicts_a_table(light: Run, model: TextClassifier, directory: Path, tmp_path: Path) -> None:
    source, output = written(tmp_path / "new.csv"), tmp_path / "labels.csv"
    done = light("-m", "textgraft", "predict", directory, "--input", source, "--output", output)
    assert done.returncode == 0, done.stderr
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["text"] for row in rows]
    assert texts == SPORT + MONEY
    assert [row["label"] for row in rows] == model.predict(texts).tolist()  # type: ignore[union-attr]


def test_tables_of_every_other_kind_are_read(light: Run, tmp_path: Path) -> None:
    paths = [str(written(tmp_path / f"new.{kind}")) for kind in ("csv", "jsonl", "sqlite", "folder")]
    code = f"""
import json
from textgraft.data import read_texts
print(json.dumps([[text for texts, _ in read_texts(path) for text in texts] for path in {paths!r}]))
"""
    for texts in json.loads(light("-c", code).stdout):
        assert sorted(texts) == sorted(SPORT + MONEY)


def test_parquet_and_arrow_end_in_one_sentence_that_says_what_to_install(light: Run, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    directory = MajorityClassifier().fit(TEXTS, LABELS).save(tmp_path / "model")
    table = pa.table({"text": NEW})
    parquet.write_table(table, tmp_path / "new.parquet")
    feather.write_feather(table, tmp_path / "new.arrow")
    (tmp_path / "new.csv").write_text("text\na goal\n", "utf-8")
    for source, output, wish in (
        ("new.parquet", "labels.csv", "Reading Parquet"),
        ("new.arrow", "labels.csv", "Reading Arrow files"),
        ("new.csv", "labels.parquet", "Writing Parquet"),
    ):
        paths = ["--input", tmp_path / source, "--output", tmp_path / output]
        done = light("-m", "textgraft", "predict", directory, *paths)
        assert done.returncode == 1
        assert done.stderr == f'Error: {wish} needs more packages: pip install "textgraft[formats]"\n'
        assert not list(tmp_path.glob("*labels*"))


@pytest.mark.parametrize(
    ("command", "wish"),
    [
        ("train TABLE --out MODEL", "Training"),
        ("evaluate MODEL TABLE", "Evaluating with intervals"),
        ("compare TABLE --methods majority,ngrams", "Comparing methods"),
        ("inspect TABLE", "Inspecting a table"),
    ],
)
def test_training_and_evaluating_end_in_one_sentence_that_says_what_to_install(
    light: Run, tmp_path: Path, command: str, wish: str
) -> None:
    MajorityClassifier().fit(TEXTS, LABELS).save(tmp_path / "model")
    before = (tmp_path / "model" / "textgraft.json").read_bytes()
    table = tmp_path / "all.csv"
    rows = [f"{text} {i},{label}\n" for i, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))]
    table.write_text("text,label\n" + "".join(rows), "utf-8")
    places = {"TABLE": table, "MODEL": tmp_path / "model"}
    done = light("-m", "textgraft", *(places.get(word, word) for word in command.split()))
    assert done.returncode == 1
    assert done.stderr == f'Error: {wish} needs more packages: pip install "textgraft[train]"\n'
    assert done.stdout == ""
    assert {path.name for path in tmp_path.iterdir()} == {"model", "all.csv"}
    assert (tmp_path / "model" / "textgraft.json").read_bytes() == before


def test_fitting_and_evaluating_in_python_say_the_same(light: Run, tmp_path: Path) -> None:
    table = written(tmp_path / "folder")  # texts in a folder for each label
    for code, wish in (
        (f"textgraft.NgramClassifier().fit({TEXTS!r}, {LABELS!r})", "Training n-grams"),
        ("textgraft.evaluate(textgraft.MajorityClassifier().fit(data), data)", "Evaluating with intervals"),
    ):
        done = light("-c", f"import textgraft; data = textgraft.read_table({str(table)!r}); {code}")
        install = 'needs more packages: pip install "textgraft[train]"'
        assert done.stderr.strip().splitlines()[-1] == f"textgraft.errors.MissingExtraError: {wish} {install}"


def test_a_method_that_needs_pytorch_says_what_to_install(light: Run, tiny_encoder: Path) -> None:
    encoder = f"encoder={str(tiny_encoder)!r}"
    for make in (f"FeatureClassifier({encoder})", f"FineTunedClassifier({encoder})", "RecurrentClassifier()"):
        code = f"import textgraft; textgraft.{make}.fit({TEXTS!r}, {LABELS!r})"
        sentence = light("-c", code).stderr.strip().splitlines()[-1]
        assert re.fullmatch(
            r'textgraft\.errors\.MissingExtraError: .+: pip install "textgraft\[transformers\]"', sentence
        )


def test_word_vectors_are_read_without_pyarrow(light: Run, tmp_path: Path) -> None:
    from textgraft.text.vectors.opening import open_vectors

    vectors = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    words = ["goal", "bank", "a", "rate"]
    lines = [f"{word} {' '.join(map(str, row.tolist()))}\n" for word, row in zip(words, vectors, strict=True)]
    (tmp_path / "vectors.txt").write_text("".join(lines), "utf-8")
    code = f"""
import json
from textgraft.text.vectors.opening import open_vectors
print(json.dumps(open_vectors({str(tmp_path / "vectors.txt")!r}).find({words!r})[1].tolist()))
"""
    done = light("-c", code)
    np.testing.assert_array_equal(np.array(json.loads(done.stdout), np.float32), vectors, done.stderr)
    np.testing.assert_array_equal(open_vectors(tmp_path / "vectors.txt").find(words)[1], vectors)


def test_words_in_a_parquet_file_need_pyarrow_and_the_error_says_so(light: Run, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    np.save(tmp_path / "words.npy", np.eye(3, dtype=np.float32))
    parquet.write_table(pa.table({"word": ["goal", "bank", "rate"]}), tmp_path / "words.parquet")
    code = f"""
from textgraft.text.vectors.opening import open_vectors
open_vectors({str(tmp_path / "words.npy")!r}).find(["goal"])
"""
    assert light("-c", code).stderr.endswith(
        'Reading the words of vectors from words.parquet needs more packages: pip install "textgraft[formats]"\n'
    )


def written(path: Path) -> Path:
    """The eight texts as a table of the kind that the ending of ``path`` says, without PyArrow."""
    texts = SPORT + MONEY
    if path.suffix == ".csv":
        path.write_text("text\n" + "".join(f'"{text}"\n' for text in texts), "utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    elif path.suffix == ".sqlite":
        database = sqlite3.connect(path)
        database.execute("create table new (text)")
        database.executemany("insert into new values (?)", [(text,) for text in texts])
        database.commit()
        database.close()
    else:
        for i, text in enumerate(texts):
            folder = path / ("sport" if text in SPORT else "money")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{i}.txt").write_text(text, "utf-8")
    return path


@dataclass(frozen=True)
class Installed:
    """A virtual environment with textgraft as a served model needs it: ``textgraft[runtime]``."""

    folder: Path

    @property
    def site_packages(self) -> Path:
        """Where its packages lie."""
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def python(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Runs its Python, with nothing of this process's own path."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [str(self.folder / "bin" / "python"), *map(str, arguments)]
        return subprocess.run(
            command, env=environment, cwd=self.folder, capture_output=True, encoding="utf-8", check=False
        )

    def megabytes(self) -> Counter[str]:
        """The size of each installed package with its compiled files and shared libraries; without those of pip."""
        sizes: Counter[str] = Counter()
        for path in self.site_packages.rglob("*"):
            name = path.relative_to(self.site_packages).parts[0]
            package = re.split(r"\.libs$|-\d|\.py$", name)[0]
            if path.is_file() and package not in {"pip", "setuptools", "pkg_resources", "_distutils_hack"}:
                sizes[package] += path.stat().st_size
        return Counter({package: size / 1e6 for package, size in sizes.items()})


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A real environment with only the base dependencies and the extra ``runtime``, from this checkout."""
    folder = tmp_path_factory.mktemp("installed") / "env"
    venv.create(folder, with_pip=True)
    made = Installed(folder)
    wanted = ["-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", f"{ROOT}[runtime]"]
    done = made.python(*wanted)
    assert done.returncode == 0, done.stderr
    return made


@pytest.mark.slow
def test_the_installation_of_a_served_model_is_small(installed: Installed) -> None:
    sizes = installed.megabytes()
    total = sum(sizes.values())
    told = "\n".join(f"{size:8.1f} MB  {package}" for package, size in sizes.most_common(20))
    print(f"{told}\n{total:8.1f} MB  in all")
    assert not set(sizes) & {"scipy", "sklearn", "pyarrow", "torch", "transformers", "pandas", "openvino", "onnx"}
    assert total <= MOST_MEGABYTES, told


@pytest.mark.slow
def test_a_saved_model_predicts_there_on_the_command_line(
    installed: Installed, model: TextClassifier, directory: Path
) -> None:
    done = installed.python("-m", "textgraft", "predict", directory, "the goal of the game", "rates of the bank")
    assert done.returncode == 0, done.stderr
    for label in model.predict(["the goal of the game", "rates of the bank"]):
        assert str(label) in done.stdout
    assert done.stderr == ""
