"""Loading weights through transformers: without its chatter, and with its errors translated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from textgraft.errors import EncoderError, MissingExtraError


@contextmanager
def quiet_loading(name: str) -> Iterator[None]:
    """Silences transformers' bars and load reports inside the block.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        EncoderError: whatever transformers or safetensors found wrong with the files.
    """
    try:
        import torch  # noqa: F401
        from transformers.utils import logging
    except ImportError:
        raise MissingExtraError("Using a transformer encoder", "transformers") from None
    from safetensors import SafetensorError

    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EncoderError(f"The encoder {name!r} could not be loaded: {reason}") from error
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
