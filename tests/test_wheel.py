"""What ``pip install textgraft`` gives: the wheel, the source archive, and the command in an environment of its own."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "textgraft"
TEXTS = ["a great goal", "the goal", "a match", "the bank", "a rate", "rates of a bank"]
LABELS = ["sport"] * 3 + ["money"] * 3


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, capture_output=True, check=True
    )
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of an environment with the wheel, and with the libraries of this one."""
    pytest.importorskip("pip")
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    [wheel] = built.glob("*.whl")
    python = scripts / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True)
    of_venv = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    purelib = subprocess.run(of_venv, capture_output=True, text=True, check=True).stdout.strip()
    Path(purelib, "others.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    return scripts


def run(scripts: Path, *words: object, folder: Path) -> str:
    """Standard output of a program of that environment, which sees nothing of the checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(scripts / str(words[0])), *map(str, words[1:])]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def package_files() -> set[str]:
    """All files of the package, as names below ``textgraft/``."""
    paths = (path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(SOURCE.parent).as_posix() for path in paths}


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [metadata] = [archive.read(name).decode() for name in names if name.endswith(".dist-info/METADATA")]
        [entries] = [archive.read(name).decode() for name in names if name.endswith(".dist-info/entry_points.txt")]
    held = {name for name in names if ".dist-info/" not in name}
    assert held == package_files()
    assert {Path(name).suffix for name in held} >= {".py", ".typed", ".css", ".html", ".js", ".svg", ".md"}
    assert "textgraft = textgraft.__main__:run" in entries
    assert "License-Expression: Apache-2.0" in metadata
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_source_archive_builds_the_same(built: Path, tmp_path: Path) -> None:
    [archive] = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    [folder] = tmp_path.iterdir()
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=folder,
        capture_output=True,
        check=True,
    )
    [again], [wheel] = tmp_path.glob("*.whl"), built.glob("*.whl")
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(wheel) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


def test_the_installed_command_trains_reports_and_predicts(installed: Path, tmp_path: Path) -> None:
    where = run(installed, "python", "-c", "import textgraft; print(textgraft.__file__)", folder=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    with (tmp_path / "table.csv").open("w", newline="") as file:
        rows = [(f"{text} {i}", label) for i in range(6) for text, label in zip(TEXTS, LABELS, strict=True)]
        csv.writer(file).writerows([("text", "label"), *rows])
    assert run(installed, "textgraft", "--version", folder=tmp_path).startswith("textgraft ")
    pytest.importorskip("scipy")
    run(installed, "textgraft", "train", "table.csv", "--out", "model", "--folds", 0, folder=tmp_path)
    assert (tmp_path / "model" / "README.md").is_file()
    if (tmp_path / "model.report.html").exists():
        assert "<style>" in (tmp_path / "model.report.html").read_text("utf-8")
    assert "sport" in run(installed, "textgraft", "predict", "model", "what a goal", folder=tmp_path)


@pytest.mark.slow
def test_the_types_of_everything_public_are_known(installed: Path, tmp_path: Path) -> None:
    pyright = shutil.which("pyright")
    if pyright is None:
        pytest.skip("needs pyright on the PATH")
    environment = os.environ | {"PATH": f"{installed}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    command = [
        pyright,
        "--pythonpath",
        str(installed / "python"),
        "--verifytypes",
        "textgraft",
        "--ignoreexternal",
        "--outputjson",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["typeCompleteness"]
    unknown = [symbol["name"] for symbol in found["symbols"] if symbol["isExported"] and not symbol["isTypeKnown"]]
    assert unknown == []
    assert found["completenessScore"] == 1
