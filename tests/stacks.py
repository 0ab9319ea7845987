"""Stacks that are small enough for a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def small_members(encoder: Path | str) -> tuple[dict[str, Any], ...]:
    """Members in a form that can be compared."""
    features = {"method": "features", "parameters": {"encoder": str(encoder), "precision": "fp32"}}
    return {"method": "ngrams", "parameters": {"min_count": 1}}, features
