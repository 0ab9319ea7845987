"""A frozen encoder: texts in, one vector per text out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.encoders.hidden_states import HiddenStates, hidden_states
from textgraft.encoders.sources import EncoderFiles, resolve
from textgraft.encoders.tokenized import TokenizedText, tokenized
from textgraft.encoders.tokenizing import LONG, OVERLAP, Long, TextTokenizer
from textgraft.encoders.vector_store import VectorStore, through_store
from textgraft.errors import EncoderError, SettingError
from textgraft.given import as_texts
from textgraft.hardware import Precision
from textgraft.runtimes import Runtime, check_output, run_windows
from textgraft.text.batches import Windows
from textgraft.unicode import quoted, quoted_path

if TYPE_CHECKING:
    import torch

Pooling = Literal["mean", "cls", "max"]
POOLINGS: tuple[Pooling, ...] = ("mean", "cls", "max")


class Encoder:
    """A pretrained transformer encoder that turns texts into vectors.

    Args:
        name: an embedded encoder, a folder, or a name on the Hub, see ``textgraft.encoders.resolve``; or its files.
        pooling: how token states become one vector: their mean, the first token's, or the maximum by component
            (Reimers & Gurevych 2019, arXiv:1908.10084).
        max_tokens: the length of a window, special tokens included; by default what the encoder was tuned for.
        long: what happens to longer texts: ``"window"`` pools overlapping windows over the whole text,
            ``"truncate"`` keeps the first window.
        precision: of the matrix products; ``"auto"`` takes bf16 where the hardware has it.
        cache: keeps torch's vectors on disk between calls.
        runtime: computes the pooled vectors; None is torch, on the weights in the files.

    Attributes:
        from_cache: how many texts so far were not encoded but found on disk.

    Raises:
        EncoderError: the encoder is not there or is damaged.
        ArtifactError: ``runtime`` gives no vectors of its width.
        SettingError: an option has a value that cannot be used.
    """

    def __init__(
        self,
        name: str | EncoderFiles = "all-MiniLM-L6-v2",
        *,
        pooling: Pooling = "mean",
        max_tokens: int | None = None,
        long: Long = "window",
        precision: Precision = "auto",
        cache: bool = True,
        runtime: Runtime | None = None,
    ) -> None:
        _check_choice("pooling", pooling, POOLINGS)
        _check_choice("long", long, LONG)
        self.files = resolve(name) if isinstance(name, str) else name
        self.pooling, self.long = pooling, long
        self.max_tokens = check_max_tokens(self.files, max_tokens)
        self.tokenizer = TextTokenizer(self.files)
        self.from_cache = 0
        self._store: VectorStore | None = None  # vectors of an export are not kept: another recipe gives others
        self._own_weights = runtime is None
        if runtime is None:
            from textgraft.runtimes.pytorch import TorchRuntime

            runtime = TorchRuntime(partial(load_encoder, self.files), partial(pooled_states, pooling), precision)
            computed_by = (runtime.precision, runtime.device.type)
            options = (self.files.fingerprint, pooling, self.max_tokens, long, OVERLAP, *computed_by)
            self._store = VectorStore(repr(options), self.files.width) if cache else None
        else:
            check_output(runtime, self.files.width)
        self.runtime: Runtime = runtime

    @property
    def precision(self) -> str:
        """Of the matrix products: ``"fp32"``, ``"bf16"``, ``"fp16"`` or ``"int8"``."""
        return self.runtime.precision

    @property
    def width(self) -> int:
        """Components of a vector."""
        return self.files.width

    @property
    def outside_bytes(self) -> int:
        """The size of its weights; 0 where a runtime has its own."""
        return sum(path.stat().st_size for path in self.files.weights()) if self._own_weights else 0

    @property
    def chosen(self) -> dict[str, Any]:
        """What its defaults came to."""
        return {"max_tokens": self.max_tokens, "precision": self.precision}

    @property
    def identity(self) -> dict[str, Any]:
        """What a model that was trained on its vectors keeps, so that no other is taken for it."""
        return {"fingerprint": self.files.fingerprint, "max_tokens": self.max_tokens, "config": self.files.config}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, width) float32 vectors of n texts, in their order; each distinct text is encoded once."""
        vectors, known = through_store(texts, self.files.width, self._store, self._vectors)
        self.from_cache += known
        return vectors

    def _vectors(self, texts: list[str]) -> NDArray[np.float32]:
        windows = self.windows(texts)
        rows = run_windows(self.runtime, windows, self.tokenizer.pad_id, "encoding")
        return windows.pooled(rows, maximum=self.pooling == "max")

    def windows(self, texts: Sequence[str]) -> Windows:
        """The token ids of texts, as the network takes them."""
        return self.tokenizer.windows(texts, self.max_tokens, self.long)

    def tokenize(
        self, text: str, *, max_tokens: int | None = None, long: Long | None = None, pad: bool = False
    ) -> TokenizedText:
        """What the network sees of a text: its tokens, their ids, and what is cut.

        Args:
            text: one text.
            max_tokens, long: how it is read, see ``Encoder``; None is as this encoder reads.
            pad: whether the last window is filled up to ``max_tokens``.

        Raises:
            SettingError: ``text`` is no string, or an option has a value that cannot be used.
        """
        longest = self.max_tokens if max_tokens is None else check_max_tokens(self.files, max_tokens)
        _check_choice("long", long or self.long, LONG)
        return tokenized(self.tokenizer, self.files.name, text, longest, long or self.long, pad=pad)

    def states(self, texts: Iterable[str]) -> HiddenStates:
        """The states of the last layer for each token of n texts; of a text with several windows for the first one.

        Nothing is kept on disk. For many texts ``encode``, which gives one vector each, takes far less memory.

        Raises:
            DataError: ``texts`` are no texts.
            EncoderError: an export computes the network, which gives vectors only.
            SettingError: memory does not suffice for so many texts.
        """
        from textgraft.runtimes.pytorch import TorchRuntime

        runtime = self.runtime
        if not isinstance(runtime, TorchRuntime):
            raise EncoderError("An export gives vectors and no token states; open the encoder itself: open_encoder.")
        windows = self.tokenizer.windows(as_texts(texts), self.max_tokens, "truncate")
        return hidden_states(partial(runtime.through, last_states), windows, self.tokenizer, self.width)


def _check_choice(option: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise SettingError(f"{option} must be one of {', '.join(map(quoted, allowed))}; got {quoted(value)}.")


def last_states(network: Any, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """(n, length, width) states of the last layer."""
    return network(input_ids=ids, attention_mask=mask).last_hidden_state  # type: ignore[no-any-return]


def pooled_states(pooling: Pooling, network: Any, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """(n, width) vectors of one batch."""
    return pool(last_states(network, ids, mask).float(), mask, pooling)


def pool(states: torch.Tensor, mask: torch.Tensor | None, pooling: Pooling) -> torch.Tensor:
    """(n, width) vectors from (n, length, width) token states; padding, where ``mask`` is 0, does not count."""
    if pooling == "cls":
        return states[:, 0]
    if mask is None:
        return states.mean(dim=1) if pooling == "mean" else states.amax(dim=1)
    if pooling == "max":
        return states.masked_fill(mask[..., None] == 0, float("-inf")).amax(dim=1)
    weights = mask[..., None].to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1)


def load_encoder(files: EncoderFiles) -> torch.nn.Module:
    """The encoder's network in fp32, without a head; of an encoder-decoder its encoder half.

    Raises:
        EncoderError: the weights do not go with the configuration; the network would be partly random.
    """
    from textgraft.encoders.loading import ENCODER_HALVES, SAFELY, check_complete, check_sizes, quiet_loading

    with quiet_loading(files.name):
        from transformers import AutoConfig, AutoModel, AutoModelForTextEncoding

        kind = AutoModelForTextEncoding if files.config.get("model_type") in ENCODER_HALVES else AutoModel
        check_sizes(files, AutoConfig.from_pretrained(str(files.folder), **SAFELY), kind.from_config)
        network, report = kind.from_pretrained(
            str(files.folder), use_safetensors=True, output_loading_info=True, **SAFELY
        )
    check_complete(files.name, report, of="")
    encoder: torch.nn.Module = network
    if files.config.get("is_encoder_decoder") and kind is AutoModel:
        encoder = network.get_encoder()
    return encoder


def check_max_tokens(files: EncoderFiles, max_tokens: int | None) -> int:
    """The window length to use.

    Raises:
        SettingError: fewer than 8 tokens, or more than the encoder has positions for.
    """
    if max_tokens is None:
        return files.default_tokens
    if not 8 <= max_tokens <= files.positions:
        raise SettingError(
            f"max_tokens must be between 8 and {files.positions}, which is what {quoted_path(files.name)} takes; got "
            f"{max_tokens}."
        )
    return int(max_tokens)
