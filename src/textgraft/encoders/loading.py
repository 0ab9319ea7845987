"""Loading weights through transformers: without its chatter, and with its errors translated."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from textgraft.encoders.sources import EncoderFiles
from textgraft.errors import ArtifactError, EncoderError, MissingExtraError, TextgraftError, listed
from textgraft.tensors import read_header
from textgraft.unicode import quoted_path

if TYPE_CHECKING:
    import torch

# Of these the encoder half is used; what transformers loads for them otherwise runs the decoder as well.
ENCODER_HALVES = {"t5", "mt5", "umt5"}
# How everything is loaded through transformers: nothing is fetched, and no code that comes with a model is run.
SAFELY = {"local_files_only": True, "trust_remote_code": False}
SPARE = 1_000_000  # numbers, 4 MB; heads and poolers may be new


@contextmanager
def quiet_loading(name: str) -> Iterator[None]:
    """Silences transformers' bars and reports inside the block that loads the encoder ``name``.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        EncoderError: whatever transformers or safetensors found wrong with the files.
    """
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError:
        raise MissingExtraError("Using a transformer encoder", "transformers") from None
    with without_chatter():
        try:
            yield
        except ArtifactError as error:  # of a header of weights
            raise EncoderError(f"The encoder {quoted_path(name)} could not be loaded: {error}") from error
        except TextgraftError:
            raise
        except Exception as error:  # whatever a damaged configuration makes transformers trip over
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise EncoderError(f"The encoder {quoted_path(name)} could not be loaded: {reason}") from error


@contextmanager
def without_chatter() -> Iterator[None]:
    """Silences transformers' bars and reports inside the block."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def check_sizes(files: EncoderFiles, config: Any, make: Callable[[Any], torch.nn.Module]) -> None:
    """Refuses the network that ``make`` would make if it were far larger than its files, before memory is taken for it.

    Raises:
        EncoderError: ``config`` asks for more than twice the numbers that the files hold.
    """
    import torch

    held = [entry for path in files.weights() for entry in read_header(path).values()]
    numbers = sum(math.prod(entry.shape) for entry in held)
    named = {name: value for name, value in files.config.items() if "layer" in name and type(value) is int}
    # Each layer has weights; and a million of them would take forever to make.
    if max(named.values(), default=0) <= len(held):
        with torch.device("meta"):
            network = make(config)
        if sum(parameter.numel() for parameter in network.parameters()) <= 2 * numbers + SPARE:
            return
    raise EncoderError(
        f"The weights of {quoted_path(files.name)} do not go with its config.json: it asks for a network far larger "
        f"than the {numbers:,} numbers that the files hold. Save the encoder again."
    )


def check_complete(name: str, report: dict[str, Any], *, of: str) -> None:
    """Refuses an encoder whose files do not hold all of its weights, since the rest would be random.

    Args:
        name: the encoder's, for the message.
        report: what ``from_pretrained`` says with ``output_loading_info``.
        of: the prefix of the encoder's own weights; a head beside them may be new.

    Raises:
        EncoderError: weights are missing or of another shape. A pooler does not count: many encoders come without.
    """
    wrong = sorted(
        key
        for key in [*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])]
        if key.startswith(of) and not key.removeprefix(of).startswith("pooler.")
    )
    if wrong:
        raise EncoderError(
            f"The weights of {quoted_path(name)} do not go with its config.json: {listed(wrong, 3)} missing or of "
            "another shape. Save the encoder again."
        )
