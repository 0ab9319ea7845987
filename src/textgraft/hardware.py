"""Which device and which precision this machine really has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from textgraft.errors import SettingError

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "fp32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("auto", "fp32", "bf16")


def best_device() -> torch.device:
    """The first CUDA or Apple GPU, else the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def matmul_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The type for matrix products: bf16 where asked for, or by ``"auto"`` where the hardware multiplies it natively.

    Elsewhere bf16 is emulated and slower than fp32, which is why it is not the default everywhere.
    """
    import torch

    if precision not in PRECISIONS:
        raise SettingError(f"precision must be one of {', '.join(map(repr, PRECISIONS))}; got {precision!r}.")
    if precision == "auto":
        if device.type == "cuda":
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        else:
            # Older releases of torch cannot tell; fp32 is right everywhere.
            tell = getattr(torch.cpu, "get_capabilities", dict)
            capabilities: dict[str, object] = tell() if device.type == "cpu" else {}
            native = any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "arm_bf16"))
        precision = "bf16" if native else "fp32"
    return torch.bfloat16 if precision == "bf16" else torch.float32
