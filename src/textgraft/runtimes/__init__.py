"""What computes the outputs of a network: torch, or ONNX Runtime and OpenVINO from an exported file.

Token ids go in, one float32 array comes out: vectors, logits or token states. Whatever is done before and after
(tokenising, windows, pooling of windows, calibration, thresholds) is the same for all, so that they answer alike.
"""

from textgraft.runtimes.opening import RUNTIMES, RuntimeName, check_runtime, installed, open_runtime
from textgraft.runtimes.running import Batch, Runtime, check_output, padded_batches, run_windows

__all__ = [
    "RUNTIMES",
    "Batch",
    "Runtime",
    "RuntimeName",
    "check_output",
    "check_runtime",
    "installed",
    "open_runtime",
    "padded_batches",
    "run_windows",
]
