"""An encoder with a classification head: the network that fine-tuning trains."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.encoders.batches import pad, token_batches
from textgraft.encoders.encoder import BATCH_TOKENS
from textgraft.encoders.loading import check_complete, quiet_loading
from textgraft.encoders.sources import EncoderFiles, resolve
from textgraft.encoders.tokenizing import TextTokenizer
from textgraft.hardware import Precision, best_device, matmul_dtype
from textgraft.task import Task

if TYPE_CHECKING:
    import torch

TokenIds = list[NDArray[np.int32]]


class HeadedEncoder:
    """A sequence classifier in the form that ``transformers`` saves and loads, with its tokenizer.

    Args:
        files: the encoder, or a saved HeadedEncoder.
        task: the labels; they are written into the network's configuration.
        max_tokens: texts are cut here, special tokens included.
        precision: of the matrix products in prediction.
        head_seed: of the head's first weights, where ``files`` has no head.
    """

    def __init__(self, files: EncoderFiles, task: Task, max_tokens: int, precision: Precision, head_seed: int = 0):
        self.files = files
        self.task = task
        self.max_tokens = max_tokens
        self.device = best_device()
        self.dtype = matmul_dtype(precision, self.device)
        self.tokenizer = TextTokenizer(files)
        self.network = _load_with_head(files, task, head_seed).to(self.device)

    def cut(self, texts: Sequence[str]) -> tuple[TokenIds, NDArray[np.bool_]]:
        """The token ids of n texts, and (n,) whether a text was longer than ``max_tokens`` and cut there."""
        windows = self.tokenizer.windows(texts, self.max_tokens + 1, "truncate")
        cut = windows.lengths > self.max_tokens
        ids = windows.ids
        for i in np.flatnonzero(cut):
            # The last token before the closing special ones is the one too many.
            ids[i] = np.delete(ids[i], -1 - self.tokenizer.closing)
        return ids, cut

    def logits(self, rows: Sequence[NDArray[np.int32]]) -> torch.Tensor:
        """(n, k) logits of one batch of token ids."""
        import torch

        ids, mask = pad(rows, self.tokenizer.pad_id)
        attention = None if mask is None else torch.from_numpy(mask).to(self.device)
        result: torch.Tensor = self.network(
            input_ids=torch.from_numpy(ids).to(self.device), attention_mask=attention
        ).logits
        return result

    def probabilities(self, rows: TokenIds) -> NDArray[np.float32]:
        """(n, k) float32 probabilities of n texts given as token ids."""
        import torch

        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        result = np.empty((len(rows), len(self.task)), np.float32)
        batches = token_batches(lengths, BATCH_TOKENS)
        reduced = torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)
        self.network.eval()
        with torch.inference_mode(), reduced:
            total = float(lengths.sum())
            for batch in progress.track(batches, "predicting", total, lambda b: float(lengths[b].sum())):
                logits = self.logits([rows[i] for i in batch]).float()
                batch_result = logits.sigmoid() if self.task.multi_label else logits.softmax(dim=1)
                result[batch] = batch_result.cpu().numpy()
        return result

    def save(self, folder: Path) -> None:
        """Writes network and tokenizer as a folder that ``transformers`` and ``HeadedEncoder`` read."""
        self.network.save_pretrained(folder)  # type: ignore[operator]
        self.tokenizer.save(folder / "tokenizer.json")
        settings = self.files.folder / "tokenizer_config.json"
        if settings.is_file():
            shutil.copyfile(settings, folder / settings.name)


def read_headed(folder: Path, task: Task, max_tokens: int, precision: Precision) -> HeadedEncoder:
    """The HeadedEncoder that ``save`` wrote into ``folder``."""
    return HeadedEncoder(resolve(str(folder)), task, max_tokens, precision)


def _load_with_head(files: EncoderFiles, task: Task, seed: int) -> torch.nn.Module:
    with quiet_loading(files.name):
        import torch
        from transformers import AutoModelForSequenceClassification

        labels: dict[str, Any] = {
            "num_labels": len(task),
            "id2label": dict(enumerate(task.labels)),
            "label2id": {name: i for i, name in enumerate(task.labels)},
            "problem_type": "multi_label_classification" if task.multi_label else "single_label_classification",
        }
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network, report = AutoModelForSequenceClassification.from_pretrained(
                str(files.folder),
                local_files_only=True,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
                **labels,
            )
    check_complete(files.name, report, of=f"{network.base_model_prefix}.")
    headed: torch.nn.Module = network
    return headed
