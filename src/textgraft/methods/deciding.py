"""The hyperparameters that every method has: the metric that matters, thresholds, how right its answers shall be."""

from __future__ import annotations

from typing import Any

from textgraft.evaluation.metric import check_metric, read_metric
from textgraft.evaluation.wanted import Thresholds, check_thresholds, read_thresholds
from textgraft.methods.constraints import Checked, Share
from textgraft.methods.estimator import Estimator
from textgraft.methods.hyperparameters import hyperparameter, hyperparameters


@hyperparameters
class Deciding(Estimator):
    """What labels are given, and when none is."""

    metric: Any | None = hyperparameter(
        Checked(check_metric, read_metric),
        "the metric that matters, which decisions and the headline follow; None is accuracy, or micro-F1 of a "
        'multi-label task. The name of one, such as ``"f1_macro"`` or ``"log_loss"``; of one label ``"f1:LABEL"``, '
        '``"average_precision:LABEL"`` and the like; ``"recall:LABEL@0.9"``, its recall at a precision of 0.9 or '
        "more; or costs, as a CSV file with a row for each true and a column for each predicted label, "
        "``{true: {predicted: cost}}``, a frame of that form, or (k, k) numbers in the order of the labels.",
        default=None,
        option="the metric that matters: accuracy, macro-F1, log_loss, ...; of one label f1:LABEL, "
        "average_precision:LABEL, recall:LABEL@0.9 (at a precision); or a CSV file of costs (true label first)",
    )
    thresholds: Thresholds | None = hyperparameter(
        Checked(check_thresholds, read_thresholds),
        'from where on labels are predicted. ``"precision 0.9"`` or ``"recall 0.9"`` is reached with a chance of 95 % '
        "by a threshold that is chosen on held-out rows, of each label of a multi-label task; of some labels, or the "
        'one that it can be where a text has one, ``{"spam": "precision 0.95"}``. Of a multi-label task ``"label"`` '
        'tunes one for each label, ``"global"`` one for all, and a number is taken as it is. None is the most probable '
        "label, or all from one half on.",
        default=None,
        option="a wanted precision or recall, as 'precision 0.9', of one label spam='recall 0.9'; of a multi-label "
        "task also label and global, which are tuned, or a number such as 0.5",
        trains=False,
    )
    abstain: float | None = hyperparameter(
        Share(),
        "the accuracy that answers shall have; then a threshold on confidence is chosen on held-out rows, below which "
        "``answers`` gives none. None chooses none; see ``textgraft.abstain``.",
        default=None,
        option="wanted accuracy of answers, as 0.97: predict --abstain then gives none below a confidence",
        trains=False,
    )
