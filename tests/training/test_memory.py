"""Freed memory that the C library would keep goes back to the system."""

from __future__ import annotations

import platform

import psutil
import pytest

from textgraft.training.memory import Memory, resident

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="needs glibc, the C library that can return memory"
)


def test_freed_memory_is_returned_once_the_process_has_grown() -> None:
    memory = Memory()
    memory.check()
    blocks = [b"x" * 100_000 for _ in range(8_000)]
    kept = blocks[::100]  # they stand between the freed ones and the end of the heap
    del blocks
    before = resident()
    memory.check()
    assert resident() < before - 500_000_000
    assert len(kept) == 80


def test_a_process_that_hardly_grows_is_left_alone() -> None:
    memory = Memory()
    memory.check()
    blocks = [b"x" * 100_000 for _ in range(2_000)]
    kept = blocks[::100]
    del blocks
    before = resident()
    memory.check()
    assert resident() > before - 50_000_000
    assert len(kept) == 20


def test_what_is_resident_is_what_the_system_says() -> None:
    assert resident() == pytest.approx(psutil.Process().memory_info().rss, abs=5_000_000)
