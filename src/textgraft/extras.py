"""Libraries that only some wishes need: imported when one is made, and told by the install line where they are not."""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textgraft.errors import MissingExtraError

_TELEMETRY = "openvino_telemetry"


def library(name: str, wish: str, extra: str) -> Any:
    """A module of a library that is not part of the base installation.

    OpenVINO and NNCF report to their makers when they are imported; here they do not find the package they do it with.

    Args:
        name: of the module, such as ``"onnx"``.
        wish: what it is needed for, such as ``"Exporting to ONNX"``.
        extra: of this package, that brings it.

    Raises:
        MissingExtraError: it is not installed.
    """
    if (found := sys.modules.get(name)) is not None:  # None stands there for what must not be found
        return found
    known = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        with unheard():
            return importlib.import_module(name)
    except ImportError:
        raise MissingExtraError(wish, extra) from None
    finally:
        del sys.modules[_TELEMETRY]
        if known is not None:
            sys.modules[_TELEMETRY] = known


@contextmanager
def unheard() -> Iterator[None]:
    """Silences warnings and loggers inside the block."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(action="ignore"):
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)


def import_scipy(wish: str) -> Any:
    """SciPy, which training, comparing and evaluating need, and predicting does not.

    Raises:
        MissingExtraError: it is not installed; the message says that ``wish``, such as "Training n-grams", needs it.
    """
    return _with_parts("scipy", ("optimize", "sparse.csgraph", "special"), wish, "train")


def import_pyarrow(wish: str) -> Any:
    """PyArrow, with its Parquet part.

    Raises:
        MissingExtraError: it is not installed; the message says that ``wish``, such as "Reading Parquet", needs it.
    """
    return _with_parts("pyarrow", ("parquet",), wish, "formats")


def _with_parts(name: str, parts: tuple[str, ...], wish: str, extra: str) -> Any:
    for part in parts:
        library(f"{name}.{part}", wish, extra)
    return library(name, wish, extra)
