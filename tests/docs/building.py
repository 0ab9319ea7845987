"""The documentation site, built once for all tests."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def built(temporary: pytest.TempPathFactory, worker: str) -> Path:
    """The folder of the site, built strictly by the first worker that asks for it."""
    if not importlib.util.find_spec("zensical"):
        pytest.skip("needs zensical: pip install --group docs")
    base = temporary.getbasetemp()
    if worker != "master":
        base = base.parent
    site, claim = base / "site", base / "site-claimed"
    try:
        claim.mkdir()
    except FileExistsError:
        while not (said := base / "site-said").is_file():
            time.sleep(0.2)
    else:
        command = [sys.executable, "docs/site/make.py", "--to", site, "--work", base / "site-sources"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        said = base / "site-said"
        (base / "site-saying").write_text(f"{done.stdout}{done.stderr}" if done.returncode else "")
        (base / "site-saying").rename(said)
    assert not said.read_text(), said.read_text()
    return site
