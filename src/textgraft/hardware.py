"""Which cores, device and precision this machine really has."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Collection
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textgraft.errors import MissingExtraError, SettingError
from textgraft.unicode import quoted

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "fp32", "bf16", "fp16"]
PRECISIONS: tuple[Precision, ...] = ("auto", "fp32", "bf16", "fp16")
INSTRUCTIONS = ("vnni",)  # that an export may need
X86 = frozenset({"x86_64", "amd64", "i386", "i686", "x86"})
BELOW_AVX512 = ("SSE41", "AVX", "AVX2")  # limits of oneDNN
VNNI = frozenset({"avx512_vnni", "avx_vnni", "AVX512VNNI"})  # as Linux and NumPy call it


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory() -> int:
    """Bytes of memory that can be taken, about; a billion where the system does not say."""
    free = []
    with suppress(OSError, ValueError):
        found = re.search(r"^MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text("ascii"), re.MULTILINE)
        free += [int(found[1]) << 10] if found else []
    with suppress(OSError, ValueError):  # of a container; the word "max" is no number
        most, now = (Path("/sys/fs/cgroup", name).read_text("ascii") for name in ("memory.max", "memory.current"))
        free.append(max(0, int(most) - int(now)))
    return min(free, default=10**9)


def threads() -> int:
    """How many threads a runtime may take: the cores of this process, or what ``OMP_NUM_THREADS`` says."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    return int(wish) if wish.isdigit() and int(wish) > 0 else cores()


def best_device() -> torch.device:
    """The first CUDA or Apple GPU, else the CPU.

    Raises:
        MissingExtraError: torch is not installed.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtraError("Running a network", "transformers") from None

    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def matmul_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The type for matrix products: the one asked for, or by ``"auto"`` what the hardware multiplies natively.

    That is bf16 where there is hardware for it (AVX-512 bf16, AMX, Arm bf16, NVIDIA from Ampere on), fp16 on older
    NVIDIA GPUs, else fp32: emulated bf16 is slower than fp32.
    """
    import torch

    if precision not in PRECISIONS:
        raise SettingError(f"precision must be one of {', '.join(map(quoted, PRECISIONS))}; got {quoted(precision)}.")
    if precision != "auto":
        return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16 if device.type == "cpu" and native_bf16() else torch.float32


def native_bf16() -> str | None:
    """The name of the processor's instructions that multiply bf16, if it has any."""
    import torch

    # Older releases of torch cannot tell; fp32 is right everywhere.
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    names = {"amx_bf16": "AMX", "avx512_bf16": "AVX-512 bf16", "arm_bf16": "Arm bf16"}
    return next((name for key, name in names.items() if capabilities.get(key)), None)


def lacking(needs: Collection[str]) -> list[str]:
    """Those of the instructions that are needed which this processor would have to have, and has not.

    Args:
        needs: names out of ``INSTRUCTIONS``. ``"vnni"``, of x86, sums products of bytes in 32 bits; without it pairs of
            them are summed in 16 bits, and what does not fit is cut off. Other processors, Arm among them, cut nothing
            off and lack nothing. What cannot be found out is lacking, and so is what oneDNN is kept from using.
    """
    exact = sums_bytes_exactly(platform.machine(), features()) and onednn_limit() not in ("AVX512_CORE", *BELOW_AVX512)
    return [name for name in needs if name != "vnni" or not exact]


def sums_bytes_exactly(machine: str, names: Collection[str]) -> bool:
    """Whether a processor, by its architecture and what ``features`` says of it, sums products of any bytes exactly."""
    return machine.lower() not in X86 or not VNNI.isdisjoint(names)


def onednn_limit() -> str:
    """What oneDNN, which computes for torch and OpenVINO, may use at most: ``"AVX2"``; empty where all of it."""
    return os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()


@cache
def features() -> frozenset[str]:
    """What this processor can, in the words of Linux or, elsewhere, of NumPy, which knows no AVX-VNNI."""
    try:
        flags = re.search(r"^flags\s*:(.*)", Path("/proc/cpuinfo").read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        flags = None
    if flags:
        return frozenset(flags[1].split())
    try:
        known = import_module("numpy._core._multiarray_umath").__cpu_features__
    except (ImportError, AttributeError):  # it is NumPy's own affair where they stand
        known = {}
    return frozenset(name for name, has in known.items() if has)


def short(dtype: torch.dtype) -> Precision:
    """What a type is called in the settings."""
    names: dict[str, Precision] = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
    return names[str(dtype).removeprefix("torch.")]


def described(dtype: torch.dtype, device: torch.device) -> str:
    """One line for people: what is computed on, in which precision, and why."""
    import torch

    name = short(dtype)
    if device.type == "cuda":
        return f"{name} on {torch.cuda.get_device_name(device)}"
    if device.type != "cpu":
        return f"{name} on {device.type}"
    threads = torch.get_num_threads()
    has = native_bf16()
    why = f"the processor has {has}" if has else "the processor has no bf16 instructions"
    return f"{name} on {threads} CPU thread{'s' * (threads > 1)}; {why}"
