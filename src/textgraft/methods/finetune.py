"""Fine-tuning: a pretrained encoder with a classification head, all of it trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.encoders.batches import shuffled_batches
from textgraft.encoders.encoder import check_max_tokens
from textgraft.encoders.headed import HeadedEncoder, TokenIds, read_headed
from textgraft.encoders.sources import resolve
from textgraft.hardware import PRECISIONS, Precision
from textgraft.methods.base import TextClassifier, headline_score
from textgraft.methods.inputs import check_at_least, check_choice
from textgraft.task import Dataset
from textgraft.training import Progress, TrainingSettings, default_epochs, train

if TYPE_CHECKING:
    import torch


class FineTunedClassifier(TextClassifier):
    """A pretrained encoder fine-tuned for the task, with the best epoch chosen on validation data.

    Devlin et al. 2019 (arXiv:1810.04805), with AdamW, linear warm-up and decay, and batches of similar length. Texts
    longer than ``max_tokens`` are cut there; ``chosen_["texts_cut"]`` says which share of the training texts was.

    Args:
        encoder: an embedded encoder, a folder, or a name on the Hub.
        epochs: passes over the data; None chooses 3 to 10, more for small data.
        batch_size: texts per step.
        learning_rate: the peak.
        warmup: share of the steps in which the learning rate rises.
        weight_decay: on weight matrices.
        max_tokens: texts are cut here, special tokens included; None is what the encoder was tuned for.
        class_weight: ``"balanced"`` weighs rare labels up, so that each label counts the same in the loss.
        precision: of the matrix products; ``"auto"`` takes bf16 where the hardware has it.
        seed: of the head's first weights, dropout and the order of the batches.
    """

    method = "finetune"
    rung = 40

    network_: HeadedEncoder

    def __init__(
        self,
        encoder: str = "all-MiniLM-L6-v2",
        *,
        epochs: int | None = None,
        batch_size: int = 32,
        learning_rate: float = 1e-4,
        warmup: float = 0.1,
        weight_decay: float = 0.01,
        max_tokens: int | None = None,
        class_weight: Literal["balanced"] | None = None,
        precision: Precision = "auto",
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.max_tokens = max_tokens
        self.class_weight = class_weight
        self.precision = precision
        self.seed = seed

    def _check_settings(self) -> None:
        check_at_least("epochs", 1 if self.epochs is None else self.epochs, 1, whole=True)
        check_at_least("batch_size", self.batch_size, 1, whole=True)
        check_at_least("learning_rate", self.learning_rate, 1e-12)
        check_at_least("warmup", self.warmup, 0)
        check_at_least("weight_decay", self.weight_decay, 0)
        check_choice("class_weight", self.class_weight, (None, "balanced"))
        check_choice("precision", self.precision, PRECISIONS)

    def _fit(self, data: Dataset, valid: Dataset | None) -> None:
        if valid is None or not len(valid):
            from textgraft.data.splits import hold_out

            data, valid = hold_out(data, seed=self.seed)
        files = resolve(self.encoder)
        max_tokens = check_max_tokens(files, self.max_tokens)
        self.network_ = HeadedEncoder(files, self.task_, max_tokens, self.precision, head_seed=self.seed)
        tokens, cut = self.network_.cut(data.texts)
        settings = self._settings(len(tokens))
        scores = [step.score for step in self._train(tokens, data, valid, settings) if step.score is not None]
        self.chosen_ = {
            "epochs": settings.epochs,
            "best_epoch": int(np.argmax(scores)) + 1 if scores else settings.epochs,
            "valid_scores": [round(score, 4) for score in scores],
            "max_tokens": max_tokens,
            "texts_cut": round(float(cut.mean()), 4),
            "precision": str(self.network_.dtype).removeprefix("torch."),
        }
        if cut.any():
            self.notes_ = (
                f"{cut.mean():.1%} of the training texts are longer than {max_tokens} tokens and were cut there; "
                f"max_tokens (--max-tokens) goes up to {files.positions}.",
            )

    def _settings(self, rows: int) -> TrainingSettings:
        return TrainingSettings(
            epochs=self.epochs or default_epochs(-(-rows // self.batch_size)),
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            weight_decay=self.weight_decay,
            precision=self.precision,
            seed=self.seed,
        )

    def _train(self, tokens: TokenIds, data: Dataset, valid: Dataset, settings: TrainingSettings) -> list[Progress]:
        import torch

        device = self.network_.device
        lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
        targets = torch.from_numpy(data.targets).to(device, torch.float32 if data.task.multi_label else torch.int64)
        criterion = self._criterion(data)
        valid_tokens, _ = self.network_.cut(valid.texts)

        def loss(batch: NDArray[np.intp]) -> torch.Tensor:
            logits = self.network_.logits([tokens[i] for i in batch])
            return criterion(logits.float(), targets[torch.from_numpy(batch).to(device)])

        def batches(epoch: int) -> list[NDArray[np.intp]]:
            order = np.random.RandomState((self.seed * 1009 + epoch) % 2**32)
            return shuffled_batches(lengths, self.batch_size, order)

        def score() -> float:
            return headline_score(self.network_.probabilities(valid_tokens), valid, self.thresholds_)

        with torch.random.fork_rng():
            steps = train(self.network_.network, loss, batches, settings, score)
            total = settings.epochs * -(-len(tokens) // self.batch_size)
            return list(progress.track(steps, "fine-tuning", total, detail=str))

    def _criterion(self, data: Dataset) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Cross-entropy, or binary cross-entropy per label; weighed if asked for."""
        import torch

        counts = np.maximum(data.counts, 1)
        weights: torch.Tensor | None = None
        if self.class_weight == "balanced":
            # As in scikit-learn: n / (k * count); for the labels of a multi-label task negatives per positive.
            balance = (len(data) - counts) / counts if data.task.multi_label else len(data) / (len(counts) * counts)
            weights = torch.from_numpy(np.maximum(balance, 1e-3).astype(np.float32)).to(self.network_.device)
        if data.task.multi_label:
            return torch.nn.BCEWithLogitsLoss(pos_weight=weights)
        return torch.nn.CrossEntropyLoss(weight=weights)

    def _proba(self, texts: list[str]) -> NDArray[np.float32]:
        tokens, _ = self.network_.cut(texts)
        return self.network_.probabilities(tokens)

    def _write(self, folder: Path) -> None:
        self.network_.save(folder)
        (folder / "finetune.json").write_text(json.dumps({"max_tokens": self.network_.max_tokens}), "utf-8")

    def _read(self, folder: Path) -> None:
        max_tokens = json.loads((folder / "finetune.json").read_text("utf-8"))["max_tokens"]
        self.network_ = read_headed(folder, self.task_, max_tokens, self.precision)
