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
MISSING, FAILED = 1, 2  # exit codes: where data or a package is not there; where a block fails


def run(script: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def pages() -> list[str]:
    return sorted(folder.name for folder in RUN.parent.iterdir() if any(folder.glob("[0-9][0-9]_*.[ps][yh]")))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a page that reads data, and one that fails; gives its runner."""
    code = tmp_path / "repository" / "docs" / "code"
    blocks = {
        "reading/01_read.py": "import textgraft as t\nrows=t.read_table('data/emotion/train.txt')\nprint(len(rows))\n",
        "reading/02_labels.py": "print(*rows.task.labels)  \n",
        "reading/03_table.sh": "echo $TEXTGRAFT_GUIDE_QUICK; head -n 1 reviews.csv; sleep 600 &\n",
        "reading/04_picture.py": "import os\n\nopen('images/a.svg', 'w').write('<svg/>')\nprint(os.getcwd() + '/x')\n",
        "reading/reviews.csv": "text,label\n",
        "broken/01_name.py": "name = 1\n",
        "broken/02_fails.py": "print('so far'); name / 0\n",
        "lacking/01_import.py": "import a_package_that_nobody_has\n",
    }
    for name, text in blocks.items():
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text(text)
    return Path(shutil.copy(RUN, code))


@pytest.mark.slow
@pytest.mark.parametrize("page", pages())
def test_the_code_of_a_page_runs(page: str, tmp_path: Path) -> None:
    done = run(RUN, page, "--rows", ROWS, "--work", tmp_path / "work")
    if done.returncode == MISSING:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr


def test_blocks_share_their_names_and_see_few_rows_of_every_label(repository: Path, shared_data: Path) -> None:
    done = run(repository, "reading", "--rows", 60, "--data", shared_data)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "60\nanger fear joy love sadness surprise\n1\ntext,label\nx\n"
    assert "docs/code/reading/03_table.sh: " in done.stderr
    assert not list(repository.parent.glob("*/*.out"))


def test_what_is_printed_and_drawn_is_kept_for_the_page(repository: Path, shared_data: Path) -> None:
    done = run(repository, "reading", "--write", "--data", shared_data)
    assert done.returncode == 0, done.stderr
    kept = {path.name: path.read_text() for path in (repository.parent / "reading").glob("*.out")}
    assert kept["01_read.out"] == "16000\n"
    assert kept["02_labels.out"] == "anger fear joy love sadness surprise\n"
    assert (repository.parents[1] / "images" / "reading" / "a.svg").read_text() == "<svg/>"


def test_a_block_that_fails_is_named(repository: Path) -> None:
    done = run(repository, "broken")
    assert done.returncode == FAILED
    assert "docs/code/broken/02_fails.py failed.\nso far\n" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_it_says_how_to_get_what_is_missing(repository: Path, tmp_path: Path) -> None:
    done = run(repository, "reading", "--data", tmp_path)
    assert done.returncode == MISSING
    assert done.stderr.startswith("reading reads data/emotion/, and ")
    assert "docs/guides/data.md" in done.stderr
    done = run(repository, "lacking")
    assert done.returncode == MISSING
    assert "pip install a_package_that_nobody_has" in done.stderr
