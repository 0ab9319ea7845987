"""A model that is served, once for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .running import Running, saved, serving


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("served") / "news")


@pytest.fixture(scope="module")
def service(model: Path) -> Iterator[Running]:
    with serving(model, f"other={model}", "--max-body-bytes", "200000", "--max-texts", "50") as running:
        yield running
