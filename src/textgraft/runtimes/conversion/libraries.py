"""Opening the libraries that convert, and keeping them quiet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from textgraft import extras


def library(name: str, wish: str) -> Any:
    """A module of onnx, onnxruntime, openvino, nncf or torch; see ``textgraft.extras.library``.

    Raises:
        MissingExtraError: it is not installed; the extra ``export`` brings all of them.
    """
    return extras.library(name, wish, "export")


@contextmanager
def quiet() -> Iterator[None]:
    """Silences warnings, loggers and what is printed inside the block; standard errors are left to progress bars."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), extras.unheard():
        yield
