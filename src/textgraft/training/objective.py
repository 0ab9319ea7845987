"""What a network that classifies texts is trained for: batches of texts, the loss on them, the score on others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from textgraft.class_weights import ClassWeight, label_weights, weighted_thresholds
from textgraft.dataset import Dataset
from textgraft.decision import Decision
from textgraft.evaluation.calibration import Calibration, fit_calibration
from textgraft.evaluation.metric import Metric
from textgraft.text.batches import Windows
from textgraft.training import processes
from textgraft.training.classifying import WindowClassifier
from textgraft.training.loop import Score
from textgraft.training.sampling import MOST_WINDOWS, Sampler

if TYPE_CHECKING:
    import torch

LEAST_WEIGHT = 1e-30  # of a row, by the mean of all
BACKWARD_COST = 3  # a training step takes about three forward passes


class ClassificationObjective:
    """Cross-entropy, or binary cross-entropy of each label in a multi-label task; see ``training.Objective``.

    Args:
        classifier: what is trained.
        windows, data: the token ids of the training texts, and their targets and weights, which are above 0.
        valid_windows, valid: those of the validation texts.
        batch_size: texts per step and process.
        label_smoothing: share of the target that is spread over all labels (Szegedy et al. 2016, arXiv:1512.00567).
        class_weight: see ``label_weights``.
        seed: of the order of the texts.
        finish: see ``training.Objective``.
        metric: by which the best epoch is chosen; None is the usual one of the task.
    """

    def __init__(
        self,
        classifier: WindowClassifier,
        windows: Windows,
        data: Dataset,
        valid_windows: Windows,
        valid: Dataset,
        *,
        batch_size: int,
        label_smoothing: float,
        class_weight: ClassWeight,
        seed: int,
        finish: Callable[[float], None],
        metric: Metric | None = None,
    ) -> None:
        import torch

        self.classifier, self.data, self.valid = classifier, data, valid
        self.windows, self.valid_windows = windows, valid_windows
        self.network, self.threads = classifier.network, classifier.threads
        self.multi_label = data.task.multi_label
        self.batch_size = batch_size
        self.label_smoothing = label_smoothing
        self.sampler = Sampler(windows, seed)
        self.seed, self.tokens = self.sampler.seed, self.sampler.tokens
        self.finish = finish
        self.score_cost = float(valid_windows.lengths.sum() / BACKWARD_COST / max(1, self.tokens.sum()))
        self.number = 0
        self.label_weights = weights = label_weights(data, class_weight)
        self.metric = Metric.read(metric, data.task)
        self.decision = self.metric.decision()
        if self.decision.costs is None and weights is not None and not self.multi_label:
            self.decision = Decision(weighted_thresholds(weights))
        # A row's weight is its own times its label's; labels of a multi-label row are weighted where they are right.
        self.row_weights = np.ones(len(data)) if weights is None or self.multi_label else weights[data.targets]
        self.sample_weights: torch.Tensor | None = None
        if data.weights is not None:
            # Only proportions matter; float32 has these, and no step is divided by 0.
            of_samples = np.maximum(data.weights / data.weights.mean(), LEAST_WEIGHT)
            self.row_weights = self.row_weights * of_samples
            self.sample_weights = torch.from_numpy(of_samples.astype(np.float32)).to(classifier.device)
        self.weights = None if weights is None else torch.from_numpy(weights.astype(np.float32)).to(classifier.device)

    def epoch(self, number: int) -> Sequence[NDArray[np.intp]]:
        """Shuffled batches of similar length."""
        self.number = number
        return self.sampler.epoch(number, self.batch_size * processes.count())

    def parts(self, rows: NDArray[np.intp]) -> Sequence[NDArray[np.intp]]:
        """As many rows at once as hold ``step_tokens`` tokens, and at least one."""
        most = self.classifier.step_tokens
        ends = np.cumsum(np.minimum(self.tokens[rows], MOST_WINDOWS * self.sampler.longest[rows]))
        return [part for part in np.split(rows, np.flatnonzero(np.diff((ends - 1) // most)) + 1) if len(part)]

    def loss(self, rows: NDArray[np.intp]) -> torch.Tensor:  # noqa: D102
        import torch

        rows = np.sort(rows)
        self.classifier.draw_from((self.seed, self.number, int(rows[0])))
        logits = self.classifier.logits(self.windows, self.sampler.windows_of(rows, self.number))
        kind = torch.float32 if self.multi_label else torch.int64
        targets = torch.from_numpy(np.asarray(self.data.targets[rows])).to(logits.device, kind)
        smoothing, weights = self.label_smoothing, self.sample_weights
        functional, reduction = torch.nn.functional, "sum" if weights is None else "none"
        if not self.multi_label:
            loss = functional.cross_entropy(
                logits, targets, self.weights, reduction=reduction, label_smoothing=smoothing
            )
        else:
            smooth = targets * (1 - smoothing) + smoothing / 2
            loss = functional.binary_cross_entropy_with_logits(
                logits, smooth, reduction=reduction, pos_weight=self.weights
            )
            loss = loss.sum(dim=-1) / logits.shape[1]
        return loss if weights is None else (loss * weights[torch.from_numpy(rows).to(weights.device)]).sum()

    def weight(self, rows: NDArray[np.intp]) -> float:  # noqa: D102
        return float(self.row_weights[rows].sum())

    def score(self) -> Score:
        """The metric on the validation texts; less the log loss it chooses the epoch.

        Both are after calibration, as the network will be used: that it has become too sure of itself costs an epoch
        nothing, that it tells less does. On few texts many epochs share a metric, which the log loss tells apart.
        """
        valid, k = self.valid, len(self.valid.task)
        logits = self.classifier.logits_of_all(self.valid_windows, shared=True)
        usual = Calibration.usual(valid.task, k, label_weights=self.label_weights)
        calibration, loss = fit_calibration(logits, valid.targets, valid.task, usual=usual, weights=valid.weights)
        probabilities = calibration.probabilities(logits, valid.task)
        metric = self.metric.value(probabilities, valid.targets, self.decision, valid.weights)
        return Score(self.metric.as_score(metric) - loss / (k if self.multi_label else 1), metric)
