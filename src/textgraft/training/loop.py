"""The one training loop: a generator that yields after every step, so that callers draw, log or stop as they like."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from textgraft.errors import TrainingError
from textgraft.hardware import matmul_dtype
from textgraft.training.settings import TrainingSettings

if TYPE_CHECKING:
    import torch

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Progress:
    """Where training is after a step.

    Attributes:
        step: 1-based, over all epochs, of ``steps``.
        epoch: 1-based.
        loss: of this step's batch, before the update.
        score: on the validation data, at the last step of an epoch; else None.
        best: whether ``score`` is the best so far.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    score: float | None = None
    best: bool = False

    def __str__(self) -> str:
        score = f" · valid {self.score:.3f}" if self.score is not None else ""
        return f"epoch {self.epoch} · loss {self.loss:.3f}{score}"


def train(
    network: torch.nn.Module,
    loss: Callable[[Batch], torch.Tensor],
    batches: Callable[[int], Sequence[Batch]],
    settings: TrainingSettings,
    score: Callable[[], float] | None = None,
) -> Iterator[Progress]:
    """Trains ``network`` in place and leaves it with the weights of its best epoch.

    Args:
        network: the module whose parameters with ``requires_grad`` are trained.
        loss: the scalar mean loss of a batch; runs under autocast.
        batches: the batches of an epoch, 0-based; every epoch has equally many.
        settings: how to train.
        score: of the network as it is, on data that is not trained on; higher is better. Without it the last
            epoch counts as best.

    Yields:
        Progress after every step.

    Raises:
        TrainingError: the loss is no longer a finite number.
    """
    import torch

    device = next(network.parameters()).device
    dtype = matmul_dtype(settings.precision, device)
    optimizer = _adamw(network, settings)
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    torch.manual_seed(settings.seed)
    best_score, best_weights = -math.inf, None
    step, steps = 0, settings.epochs * len(batches(0))
    for epoch in range(settings.epochs):
        network.train()
        todo = batches(epoch)
        for i, batch in enumerate(todo):
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * settings.rate(step, steps)
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                value = loss(batch)
            number = value.item()
            if not math.isfinite(number):
                raise TrainingError(
                    f"The loss became {number} at step {step + 1} of {steps} (epoch {epoch + 1}); training diverged. "
                    f"Lower the learning rate, which is {settings.learning_rate:g}."
                )
            torch.autograd.backward(value)
            torch.nn.utils.clip_grad_norm_(trained, settings.clip)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            if i + 1 < len(todo) or score is None:
                yield Progress(step, steps, epoch + 1, number)
        if score is not None:
            network.eval()
            reached = score()
            better = reached > best_score
            if better:
                best_score = reached
                best_weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
            yield Progress(step, steps, epoch + 1, number, reached, better)
    if best_weights is not None:
        network.load_state_dict(best_weights)
    network.eval()


def _adamw(network: torch.nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """AdamW, fused, with weight decay on matrices only: biases and norm scales are vectors."""
    import torch

    trained = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
