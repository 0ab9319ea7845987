"""Every block of code in the documentation runs, on a few rows of the data that it reads."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "docs" / "code" / "run.py"
ROWS = "300"
MISSING = 1  # the exit code where data or a package is not there


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(RUN), *arguments], capture_output=True, text=True, check=False)


def pages() -> list[str]:
    return sorted(folder.name for folder in RUN.parent.iterdir() if any(folder.glob("[0-9][0-9]_*.[ps][yh]")))


@pytest.mark.parametrize("page", pages())
def test_the_code_of_a_page_runs(page: str, tmp_path: Path) -> None:
    done = run(page, "--rows", ROWS, "--work", str(tmp_path / "work"))
    if done.returncode == MISSING:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr


def test_blocks_share_their_names_and_see_the_data(shared_data: Path, tmp_path: Path) -> None:
    done = run("example", "--rows", "60", "--data", str(shared_data), "--work", str(tmp_path / "work"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("60 texts, labelled anger, fear, joy, love, sadness, surprise\n")
    assert "docs/code/example/03_version.sh" in done.stderr


def test_a_block_that_fails_is_named(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "code" / "broken"
    page.mkdir(parents=True)
    (page / "01_name.py").write_text("name = 1\n")
    (page / "02_fails.py").write_text("print('so far'); name / 0\n")
    shutil.copy(RUN, page.parent)
    done = subprocess.run(
        [sys.executable, page.parent / RUN.name, "broken"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "docs/code/broken/02_fails.py failed.\nso far\n" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_it_says_where_missing_data_come_from(tmp_path: Path) -> None:
    done = run("example", "--data", str(tmp_path))
    assert done.returncode == MISSING
    assert done.stderr.startswith("example reads data/emotion/, and ")
    assert "docs/guides/data.md" in done.stderr
