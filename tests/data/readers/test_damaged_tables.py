"""A table of any format that is damaged anywhere is read, or refused with a sentence: nothing else comes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ...trying import EXAMPLES
from .damaged_tables import FORMATS

ROOT = Path(__file__).parents[3]
CASES = 10 * EXAMPLES  # 20,000 of each format in `make test-all`


@pytest.mark.parametrize("kind", list(FORMATS))
def test_a_damaged_table_is_read_or_refused_in_bounded_memory(kind: str) -> None:
    """In a process of its own, since libraries below can end it; it must write nothing, least of all a warning."""
    cases = CASES // 10 if kind == "runs" else CASES  # these are long
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # files are written by the thousand
    with TemporaryDirectory(dir=memory) as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.data.readers.damaged_tables", kind, "0", str(cases), folder],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        begun = Path(folder, "begun").read_text() if Path(folder, "begun").exists() else "none"
    assert (done.returncode, done.stderr) == (0, ""), f"{kind}, case {begun}: {done.stderr[-5000:]}"
    print(f"\n{kind}: {cases:,} cases, {done.stdout.strip()}")
    found = json.loads(done.stdout)
    assert not found["faults"]
    assert found["counts"].get("refused", 0) > 0
