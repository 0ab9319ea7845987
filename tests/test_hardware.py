from __future__ import annotations

import importlib
import platform
import sys

import pytest

from textgraft.hardware import VNNI, X86, features, lacking, sums_bytes_exactly


def test_what_saturates_is_x86_without_vnni() -> None:
    assert not sums_bytes_exactly("x86_64", {"sse4_2", "avx2", "avx512f"})
    assert not sums_bytes_exactly("AMD64", {"AVX2", "AVX512F"})
    assert sums_bytes_exactly("x86_64", {"avx2", "avx512_vnni"})
    assert sums_bytes_exactly("x86_64", {"avx2", "avx_vnni"})
    assert sums_bytes_exactly("AMD64", {"AVX2", "AVX512VNNI"})
    assert sums_bytes_exactly("arm64", set())
    assert sums_bytes_exactly("aarch64", {"asimd"})


@pytest.mark.parametrize("limit", ["AVX2", "AVX512_CORE", "avx2"])
def test_what_onednn_is_kept_from_using_is_lacking(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert lacking(["vnni"]) == ["vnni"]
    assert lacking([]) == []


def test_without_a_limit_this_processor_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("", "ALL"):
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
        assert bool(lacking(["vnni"])) is not sums_bytes_exactly(platform.machine(), features())
    assert lacking(["something newer"]) == ["something newer"]


@pytest.mark.skipif(platform.machine().lower() not in X86, reason="of x86")
def test_numpy_tells_what_it_is_asked_for_outside_linux() -> None:
    told = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    assert "AVX512VNNI" in told
    if sys.platform == "linux":
        assert told["AVX512VNNI"] is ("avx512_vnni" in features())
        assert not VNNI.isdisjoint(features()) or not told["AVX512VNNI"]
