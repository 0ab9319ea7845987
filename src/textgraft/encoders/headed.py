"""An encoder with a classification head: the network that fine-tuning trains."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from textgraft.encoders.encoder import BATCH_TOKENS
from textgraft.encoders.heads import load_with_head
from textgraft.encoders.loading import without_chatter
from textgraft.encoders.sources import EncoderFiles, resolve
from textgraft.encoders.tokenizing import Long, TextTokenizer
from textgraft.hardware import Precision, best_device, matmul_dtype
from textgraft.task import Task
from textgraft.text.batches import Windows, pad
from textgraft.training.classifying import WindowClassifier

if TYPE_CHECKING:
    import torch

CPU_STEP, GPU_STEP = 16384, 262144  # tokens between two backward passes
CPU_TOKENS, GPU_TOKENS = 2048, 32768  # of a pass in training; more does not make a CPU faster


class HeadedEncoder(WindowClassifier):
    """A sequence classifier in the form that ``transformers`` saves and loads, with its tokenizer.

    Args:
        files: the encoder, or a saved HeadedEncoder.
        task: the labels; they are written into the network's configuration.
        max_tokens: the length of a window, special tokens included.
        long: ``"window"`` reads all of a long text, ``"truncate"`` its first window.
        precision: of the matrix products in prediction.
        head_seed: of the head's first weights, where ``files`` has no head.
        dropout: in training; None is what the encoder's configuration says.
    """

    def __init__(
        self,
        files: EncoderFiles,
        task: Task,
        max_tokens: int,
        long: Long,
        precision: Precision,
        head_seed: int = 0,
        dropout: float | None = None,
    ) -> None:
        self.files = files
        self.task = task
        self.max_tokens = max_tokens
        self.long = long
        self.device = best_device()
        self.dtype = matmul_dtype(precision, self.device)
        self.tokenizer = TextTokenizer(files)
        self.network: torch.nn.Module = load_with_head(files, task, head_seed, dropout)
        self._faster = False
        if self.device.type == "cpu":
            from textgraft.encoders.faster import make_faster

            self._faster = make_faster(self.network)
        self.network.to(self.device)
        self.step_tokens = CPU_STEP if self.device.type in ("cpu", "mps") else GPU_STEP
        self.train_tokens = CPU_TOKENS if self.device.type == "cpu" else GPU_TOKENS
        self.predict_tokens = BATCH_TOKENS

    def windows(self, texts: Sequence[str]) -> Windows:
        """The token ids of texts, as the network takes them."""
        return self.tokenizer.windows(texts, self.max_tokens, self.long)

    @property
    def threads(self) -> int:
        """How many threads may compute losses at once: two, on a CPU with bf16.

        The fp32 library sets its number of threads for the whole process, and dropout that torch draws is one sequence
        for all threads.
        """
        import torch

        return min(2, torch.get_num_threads()) if self._faster and self.dtype == torch.bfloat16 else 1

    def draw_from(self, key: Sequence[int] | None) -> None:
        """Makes the dropout of the next logits in this thread depend on ``key`` alone, where that can be."""
        if self._faster:
            from textgraft.training.dropout import draw_from

            draw_from(key)

    def forward(self, rows: Sequence[NDArray[np.int32]]) -> torch.Tensor:
        """(n, k) float32 logits of one batch of windows."""
        import torch

        ids, mask = pad(rows, self.tokenizer.pad_id)
        attention = None if mask is None else torch.from_numpy(mask).to(self.device)
        # In training the weights have the lower precision themselves.
        low = self.dtype != torch.float32 and next(self.network.parameters()).dtype == torch.float32
        with torch.autocast(self.device.type, self.dtype, enabled=low):
            result: torch.Tensor = self.network(
                input_ids=torch.from_numpy(ids).to(self.device), attention_mask=attention
            ).logits
        return result.float()

    def save(self, folder: Path) -> None:
        """Writes network and tokenizer as a folder that ``transformers`` and ``HeadedEncoder`` read."""
        with without_chatter():
            self.network.save_pretrained(folder)  # type: ignore[operator]
        self.tokenizer.save(folder / "tokenizer.json")
        settings = self.files.folder / "tokenizer_config.json"
        if settings.is_file():
            shutil.copyfile(settings, folder / settings.name)


def read_headed(folder: Path, task: Task, max_tokens: int, long: Long, precision: Precision) -> HeadedEncoder:
    """The HeadedEncoder that ``save`` wrote into ``folder``."""
    return HeadedEncoder(resolve(str(folder)), task, max_tokens, long, precision)
