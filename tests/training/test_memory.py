"""Freed memory that the C library would keep goes back to the system."""

from __future__ import annotations

import platform

import psutil
import pytest

from textgraft.training import memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc, the C library that can return memory")
def test_what_lies_freed_between_things_in_use_is_returned() -> None:
    process = psutil.Process()
    blocks = [b"x" * 100_000 for _ in range(2_000)]
    kept = blocks[::100]  # they stand between the freed ones and the end of the heap
    del blocks
    before = process.memory_info().rss
    memory.give_back()
    assert process.memory_info().rss < before - 100_000_000
    assert len(kept) == 20
