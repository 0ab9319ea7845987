"""Integrated gradients: what tokens add to the log odds of a label (Sundararajan, Taly and Yan, ICML 2017).

The embeddings of a text's tokens are moved in a straight line from that of the padding, special tokens left as they
are; what the gradients along the way say of each token sums to the change of the log odds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.finetuning.network import EncoderClassifier
from textgraft.text.batches import Windows

if TYPE_CHECKING:
    import torch

Doubles = NDArray[np.float64]

NODES: Final = (16, 32, 64, 128)  # along the way; more are taken until the sum is right
CLOSE: Final = 0.02  # of the change of the log odds, or so much of one
MOST_PASSES: Final = 512  # of windows, for texts of many
_TOKENS: Final = 4096  # that are computed at once


def integrated_gradients(classifier: EncoderClassifier, text: str, label: int) -> tuple[Doubles, float]:
    """(c,) what each character of a text adds to the log odds of a label, and the log odds of a text of padding.

    What a token adds is divided equally among its characters. Computed in fp32.

    Args:
        classifier: fine-tuned.
        text: in the form in which it is read.
        label: its place in the task.
    """
    offsets = classifier.tokenizer.offsets(text)
    windows = classifier.windows([text])
    pieces = classifier.tokenizer.pieces(len(offsets), classifier.max_tokens, classifier.long)
    path = _Path(classifier, windows, [end - start for start, end in pieces], label)
    base, full = path.log_odds(0.0), path.log_odds(1.0)
    affordable = [n for n in NODES if n * len(pieces) <= MOST_PASSES] or [max(4, MOST_PASSES // len(pieces))]
    of_windows: list[Doubles] = []
    for n in affordable:
        of_windows = path.integrated(n)
        if abs(sum(each.sum() for each in of_windows) - (full - base)) <= CLOSE * max(1.0, abs(full - base)):
            break
    of_tokens = np.zeros(len(offsets))
    for (start, end), added in zip(pieces, of_windows, strict=True):
        of_tokens[start:end] += added
    weights = np.zeros(len(text))
    for (start, stop), value in zip(offsets.tolist(), of_tokens.tolist(), strict=True):
        first = max(0, min(start, len(text) - 1))  # a token of no characters counts for the one where it stands
        weights[first : max(stop, first + 1)] += value / max(stop - first, 1)
    return weights, base


class _Path:
    """The way from padding to a text, all windows at once."""

    def __init__(self, classifier: EncoderClassifier, windows: Windows, lengths: Sequence[int], label: int) -> None:
        self._classifier, self._label, self._windows = classifier, label, windows
        self._lengths = lengths
        classifier.network.eval()

    def log_odds(self, at: float) -> float:
        """Those of the text at a place from 0 (padding) to 1 (the text)."""
        import torch

        with torch.no_grad():
            logits = [self._logits(i, torch.tensor([at]))[0] for i in range(len(self._lengths))]
            return float(self._of_pooled(self._pooled(logits)))

    def integrated(self, n: int) -> list[Doubles]:
        """For each window what its tokens add, special ones left out, by n nodes of a Gauss-Legendre quadrature."""
        import torch

        nodes, shares = np.polynomial.legendre.leggauss(n)
        at, share = (torch.tensor(x / 2, dtype=torch.float32) for x in (nodes + 1, shares))
        with torch.no_grad():
            pooled = self._pooled([self._logits(i, at)[0] for i in range(len(self._lengths))])
        pooled.requires_grad_()
        [slopes] = torch.autograd.grad((self._of_pooled(pooled) * share.to(pooled.device)).sum(), [pooled])
        added = []
        for i, (length, weight) in enumerate(zip(self._lengths, self._windows.weight.tolist(), strict=True)):
            of_tokens = self._logits(i, at, slopes * weight)[1].cpu().numpy().astype(np.float64)
            before = self._classifier.tokenizer.before
            added.append(of_tokens[before : before + length])
        return added

    def _pooled(self, logits: list[torch.Tensor]) -> torch.Tensor:
        import torch

        weights = torch.from_numpy(self._windows.weight).to(logits[0].device)
        return (torch.stack(logits) * weights[:, None, None]).sum(dim=0)

    def _of_pooled(self, logits: torch.Tensor) -> torch.Tensor:
        """(n,) log odds of (n, k) logits."""
        own = logits[:, self._label]
        if self._classifier.task.multi_label:
            return own
        others = [j for j in range(logits.shape[1]) if j != self._label]
        return own - logits[:, others].logsumexp(dim=1)

    def _logits(
        self, window: int, at: torch.Tensor, slopes: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, k) logits of a window at n places of the way; with their ``slopes`` what each token adds."""
        import torch

        classifier = self._classifier
        ids = torch.from_numpy(self._windows.ids[window].astype(np.int64)).to(classifier.device)
        inner = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
        inner[classifier.tokenizer.before : classifier.tokenizer.before + self._lengths[window]] = True
        bare = torch.where(inner, classifier.tokenizer.pad_id, ids)
        embed = classifier.network.get_input_embeddings()  # type: ignore[operator]
        with torch.no_grad():
            start, way = embed(bare), embed(ids) - embed(bare)
        logits, added = [], torch.zeros(len(ids), device=ids.device)
        size = max(1, _TOKENS // len(ids))
        for part in range(0, len(at), size):
            places = at[part : part + size].to(ids.device)
            points = start + places[:, None, None] * way
            points.requires_grad_(slopes is not None)
            with _embedded(embed, points):
                output = classifier.network(input_ids=ids.expand(len(places), -1)).logits.float()
            if slopes is not None:
                [gradient] = torch.autograd.grad((output * slopes[part : part + size]).sum(), [points])
                added += (gradient * way).sum(dim=(0, 2))
            logits.append(output.detach())
        return torch.cat(logits), added


@contextmanager
def _embedded(embed: Any, points: torch.Tensor) -> Iterator[None]:
    """The network reads these embeddings, whatever its ids."""
    hook = embed.register_forward_hook(lambda *_: points)
    try:
        yield
    finally:
        hook.remove()
