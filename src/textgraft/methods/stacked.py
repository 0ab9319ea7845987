"""Several methods as one: the weighted sum of their log odds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.decision import Decision
from textgraft.errors import ArtifactError, DataError, ExportError, SettingError, listed
from textgraft.evaluation.calibration import Calibration, calibrate, score_columns
from textgraft.evaluation.pooling import fit_weights, pooled
from textgraft.linear.fitting import ClassWeight
from textgraft.methods.answering import Familiarity
from textgraft.methods.base import TextClassifier
from textgraft.methods.constraints import SEED, Choice, Constraint, refuse
from textgraft.methods.deciding import Deciding
from textgraft.methods.estimator import check_fitted, clone
from textgraft.methods.graphs import GraphClassifier
from textgraft.methods.hyperparameters import fitted, hyperparameter, hyperparameters
from textgraft.methods.rungs import RUNGS
from textgraft.model_directory import MethodFacts
from textgraft.progress import track
from textgraft.runtimes import Batch, Runtime
from textgraft.tensors import Tensors
from textgraft.unicode import in_form

if TYPE_CHECKING:
    from textgraft.runtimes.conversion import Graph

Floats = NDArray[np.float32]
Member = TextClassifier | str | Mapping[str, Any]
FILE = "stack"
ENOUGH = 200  # rows, to fit a weight for each member and a calibration to
MOST_FOLDED, FOLDS = 10_000, 5  # rows that are all predicted out of fold; of more a tenth is held out once
MOST_FOLDED_LONG, FOLDS_LONG = 2_000, 3  # where training is long
MOST_SCORES = 1 << 26  # probabilities of a member, out of fold; 256 MB


class Members(Constraint):
    """Two or more methods that stand alone, all different."""

    words: tuple[str, ...] = tuple(name for name, cls in RUNGS.items() if not cls.is_floor)
    allowed: str = f"two or more of {', '.join(words)}, each once"

    def accepts(self, value: Any) -> bool:  # noqa: D102
        if isinstance(value, str) or not isinstance(value, Sequence):
            return False
        names = [_name(member) for member in value]
        return len(names) > 1 and all(names.count(name) == 1 and name in self.words for name in names)

    def faults(self, name: str, value: object) -> list[str]:
        """Also those of the members' own hyperparameters."""
        if not self.accepts(value) or not isinstance(value, Sequence):
            return super().faults(name, value)
        try:
            return [fault for member in value for fault in member_of(member).faults()]
        except SettingError as error:
            return [str(error)]

    def read(self, text: str) -> Any:  # noqa: D102
        return tuple(name.strip() for name in text.split(",") if name.strip())


def _name(member: Any) -> Any:
    """The method of a member in any form; what has none of these forms as it is."""
    if isinstance(member, Mapping):
        return member["method"] if member.keys() == {"method", "parameters"} else None
    return member.method if isinstance(member, TextClassifier) else member


def _kept(member: Mapping[str, Any]) -> TextClassifier:
    """A member as a model keeps it; it has no metric of its own, which might be a file."""
    parameters = {name: value for name, value in member["parameters"].items() if name != "metric"}
    return RUNGS[member["method"]]().set_kept(parameters)


def member_of(given: Member) -> TextClassifier:
    """An unfitted classifier: a copy of the one given, or made of a method's name, or of name and ``parameters``."""
    if isinstance(given, TextClassifier):
        return clone(given)
    if isinstance(given, str):
        return RUNGS[given]()
    return RUNGS[given["method"]]().set_params(**given["parameters"])


@hyperparameters
class StackedClassifier(GraphClassifier):
    """Several methods as one: ``softmax`` (or a sigmoid per label) of the weighted sum of their log odds.

    Each has one weight of 0 or above, fitted, like the calibration after it, on rows that no member was trained on:
    validation data where that has 200 rows, or else rows of the training data, out of fold. Then the members are fitted
    to all of it. See ``evaluation.pooling``.

    Attributes:
        members_: the fitted members.
        weights_: (M,) float32, 0 or above.
    """

    method = "stack"
    facts: ClassVar[MethodFacts] = MethodFacts(
        "a weighted sum of the log odds of several models",
        holds_of_texts="words and character sequences (where n-grams or a recurrent network are among its members)",
    )

    members: Sequence[Member] = hyperparameter(
        Members(),
        "the methods that it is made of, each once: by their names, as classifiers, or as mappings of ``method`` and "
        "``parameters``.",
        default=("ngrams", "features"),
        kw_only=False,
        option="the methods that it is made of, separated by commas",
    )
    class_weight: ClassWeight = hyperparameter(
        Choice(None, "balanced"), '``"balanced"`` weighs rare labels up, in its members and in decisions.', default=None
    )
    seed: int = hyperparameter(SEED, "of the folds, and of members given by name.", default=0, option="")

    members_: tuple[TextClassifier, ...] = fitted()
    weights_: Floats = fitted()
    calibration_: Calibration = fitted()

    _known_: tuple[NDArray[np.int64], Sequence[Floats]] | None = fitted(default=None)

    @property
    def rung(self) -> int:
        """Just above its dearest member."""
        return max(member.rung for member in self._unfitted()) + 1

    @property
    def most_folds(self) -> int:
        """Few, since each trains the members several times."""
        return max(5, min(member.most_folds for member in self._unfitted()) // 2)

    @property
    def has_graph(self) -> bool:
        """Whether a member has one."""
        return any(member.has_graph for member in self._unfitted())

    def configure(self, settings: Mapping[str, Any], *, beside: bool = False) -> Self:
        """Sets hyperparameters of its own, and of its members those by the same names."""
        super().configure(settings, beside=beside)
        refuse(self.hyperparameters["members"].faults("members", self.members))
        self.members = tuple(member_of(member).configure(settings, beside=True) for member in self.members)
        return self

    def configurable(self) -> set[str]:
        """Those of the members, too."""
        return super().configurable().union(*(member.configurable() for member in self._unfitted()))

    def set_kept(self, parameters: Mapping[str, Any]) -> Self:
        """Sets hyperparameters as a model keeps them, those of the members as the release had them that saved it."""
        members = parameters.get("members")
        if isinstance(members, Sequence) and self.hyperparameters["members"].constraint.accepts(members):
            members = [_kept(member) if isinstance(member, Mapping) else member for member in members]
        return super().set_kept({**parameters, "members": members})

    @property
    def kept_params(self) -> dict[str, Any]:
        """The members by their methods and hyperparameters."""
        members = self.members_ if hasattr(self, "members_") else self._unfitted()
        # They decide nothing, so that they have no metric of their own.
        decide = Deciding.hyperparameters
        kept = [(each.method, {k: v for k, v in each.kept_params.items() if k not in decide}) for each in members]
        return super().kept_params | {"members": [{"method": name, "parameters": given} for name, given in kept]}

    def parts(self) -> tuple[TextClassifier, ...]:
        """Its fitted members."""
        return self.members_

    @property
    def outside_bytes(self) -> int:  # noqa: D102
        return sum(member.outside_bytes for member in self.members_)

    @property
    def cuts_at(self) -> int | None:  # noqa: D102
        return min((member.cuts_at for member in self.members_ if member.cuts_at is not None), default=None)

    def _cut(self, texts: list[str]) -> NDArray[np.bool_]:
        return np.asarray(np.any([member.cut(texts) for member in self.members_], axis=0), np.bool_)

    def _unfitted(self) -> list[TextClassifier]:
        """The members as they are to be fitted: what they do not say themselves, they do as the whole."""
        refuse(self.hyperparameters["members"].faults("members", self.members))
        members = [member_of(member) for member in self.members]
        for given, member in zip(self.members, members, strict=True):
            own = {name: getattr(self, name) for name in ("metric", "class_weight") if name in member.hyperparameters}
            own = {name: value for name, value in own.items() if getattr(member, name) is None}
            if isinstance(given, str) and "seed" in member.hyperparameters:
                own["seed"] = self.seed
            member.set_params(**own)
        return members

    def weighed_by(self, rows: NDArray[np.int64], probabilities: Sequence[Floats]) -> Self:
        """Lets the next ``fit`` weigh the members by what is known of them, and predict nothing out of fold.

        Args:
            rows: (n,) places in the training data, none of a weight of 0.
            probabilities: of each member (n, k), by models like it that were not fitted to these rows.
        """
        self._known_ = rows, probabilities
        return self

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        members = track(self._unfitted(), "fitting members", total=len(self.members))
        self.members_ = tuple(member.fit(train, valid=valid) for member in members)
        self.notes_ += tuple(note for member in self.members_ for note in member.notes_)
        self._weigh_decision(train, self.class_weight)
        self._weigh(self._predicted(train, valid))

    def _predicted(self, train: Dataset, valid: Dataset | None) -> tuple[Dataset, list[Floats]] | None:
        """Rows that are new to the members, and their probabilities of these; None where too few can stand apart."""
        # The room of tables, which a model that predicts does without.
        from textgraft.data.splits import hold_out_rows

        known, self._known_ = self._known_, None
        if known is None and valid is not None and len(valid) >= ENOUGH:
            return valid, [member.predict_proba(valid.texts) for member in self.members_]
        if valid is None:
            self._held_out(train, hold_out_rows(train, seed=self.seed)[1])
        if known is not None:
            return train.select(known[0]), list(known[1])
        held = self._held(train)
        if held is None:
            return None
        rows = train.select(np.concatenate([of_fold for _, of_fold in held]))
        return rows, [self._out_of_fold(member, train, held, valid) for member in self._unfitted()]

    def _held(self, train: Dataset) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]] | None:
        """Rows to fit to and rows that are predicted then, for each fold; None where too few can stand apart."""
        from textgraft.data.folds import USUAL_FOLDS, fold_of_row
        from textgraft.data.splits import hold_out_rows

        long = min(member.most_folds for member in self.members_) < USUAL_FOLDS
        most, k = (MOST_FOLDED_LONG, FOLDS_LONG) if long else (MOST_FOLDED, FOLDS)
        with suppress(DataError):
            if len(train) > most or len(train) * len(train.task) > MOST_SCORES:
                rest, held = hold_out_rows(train, seed=self.seed)
                fewer = max(1, MOST_SCORES // len(train.task))
                return [(rest, held[np.linspace(0, len(held) - 1, min(len(held), fewer)).astype(np.int64)])]
            fold = fold_of_row(train, k, self.seed)
            return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]
        return None

    def _out_of_fold(
        self,
        member: TextClassifier,
        train: Dataset,
        held: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
        valid: Dataset | None,
    ) -> Floats:
        """(n, k) probabilities of the held rows, fold by fold."""
        parts = []
        for rest, of_fold in track(held, f"stacking {member.method}", total=len(held)):
            twin = member.twin().fit(train.select(rest), valid=valid)
            parts.append(twin.predict_proba([train.texts[i] for i in of_fold.tolist()]))
        return np.concatenate(parts)

    def _weigh(self, predicted: tuple[Dataset, list[Floats]] | None) -> None:
        """Sets weights, calibration and decision by what the members predict of rows that are new to them."""
        names = [member.method for member in self.members_]
        if predicted is None:
            self.weights_ = np.full(len(names), 1 / len(names), np.float32)
            self.calibration_ = Calibration.usual(self.task_, score_columns(self.task_))
            self.notes_: tuple[str, ...] = (
                *self.notes_,
                f"The rows are too few to weigh the members ({listed(names)}) by; each counts the same.",
            )
            self.chosen_ = {"weights": dict(zip(names, self.weights_.tolist(), strict=True))}
            return
        rows, probabilities = predicted
        self.weights_ = fit_weights(probabilities, rows.targets, self.task_, rows.weights)
        scores = pooled(probabilities, self.weights_, self.task_)
        calibrated = calibrate(scores, rows.targets, self.task_, weights=rows.weights)
        self.calibration_ = calibrated.calibration
        self._choose_decision(self.calibration_.probabilities(scores, self.task_), rows)
        self.chosen_: dict[str, Any] = {
            "weights": {name: round(w, 4) for name, w in zip(names, self.weights_.tolist(), strict=True)},
            "weighed_on_rows": len(rows),
            "calibration": calibrated.to_dict(),
            "members": {member.method: member.chosen_ for member in self.members_},
        }

    def _proba(self, texts: list[str]) -> Floats:
        scores = pooled([member.predict_proba(texts) for member in self.members_], self.weights_, self.task_)
        return self.calibration_.probabilities(scores, self.task_)

    def _scored(self, texts: list[str]) -> tuple[Floats, Familiarity]:
        """Familiarity is that of the highest member on the ladder that knows it."""
        found = [member.scored(texts, familiar=True) for member in self.members_]
        scores = pooled([probabilities for probabilities, _ in found], self.weights_, self.task_)
        pairs = zip(self.members_, found, strict=True)
        known = {member.rung: familiarity for member, (_, familiarity) in pairs if familiarity is not None}
        return self.calibration_.probabilities(scores, self.task_), known[max(known)] if known else None

    def _familiarity_left_out(self) -> Familiarity:
        """That of the highest member on the ladder that knows it."""
        members = sorted(self.members_, key=lambda member: -member.rung)
        return next((left for member in members if (left := member._familiarity_left_out()) is not None), None)

    def encode(self, texts: Sequence[str]) -> Floats | None:
        """(n, width) vectors of n texts by the encoder of the first member that has one."""
        check_fitted(self)
        found = (member.encode(texts) for member in self.members_)
        return next((vectors for vectors in found if vectors is not None), None)

    def _network(self) -> GraphClassifier:
        """The member with a network.

        Raises:
            ExportError: there are several, and an export has one graph.
        """
        networks = [member for member in self.members_ if isinstance(member, GraphClassifier) and member.has_graph]
        if len(networks) != 1:
            raise ExportError(
                f"An export holds one network, and this stack has {listed(member.method for member in networks)}. "
                "Train a stack with one of them (--members, members=)."
            )
        return networks[0]

    def graph(self) -> Graph:  # noqa: D102
        return self._network().graph()

    def graph_inputs(self, texts: list[str]) -> Iterator[Batch]:  # noqa: D102
        network = self._network()
        return network.graph_inputs(in_form(texts, network.unicode))

    def write_for_runtime(self, folder: Path) -> None:  # noqa: D102
        self._network().write_for_runtime(folder)

    def for_web(self) -> dict[str, Any]:
        """Also its members from the highest on the ladder down, whose familiarity counts in this order."""
        order = sorted(range(len(self.members_)), key=lambda i: -self.members_[i].rung)
        return {"members": [member.for_web() for member in self.members_], "by_familiarity": order}

    def _use(self, runtime: Runtime) -> None:
        network = self._network()
        self.members_ = tuple(network.through(runtime) if each is network else each for each in self.members_)

    def saved(self) -> None:  # noqa: D102
        for member in self.members_:
            member.saved()

    def write_state(self, folder: Path) -> None:  # noqa: D102
        from safetensors.numpy import save_file

        for member in self.members_:
            member.write_state(folder)
        calibration = {"scale": self.calibration_.scale, "shift": self.calibration_.shift}
        tensors = {"weights": self.weights_, **{f"calibration.{name}": each for name, each in calibration.items()}}
        save_file({name: np.ascontiguousarray(each) for name, each in tensors.items()}, folder / f"{FILE}.safetensors")

    def read_state(self, folder: Path, runtime: Runtime | None = None) -> None:  # noqa: D102
        tensors = Tensors.read(folder / f"{FILE}.safetensors")
        self.weights_ = tensors("weights", len(self.members))
        if not ((self.weights_ >= 0).all() and self.weights_.any()):
            raise ArtifactError(f"{folder} is damaged: a member of the stack has a weight below 0, or all have 0.")
        self.calibration_ = Calibration.restored(tensors, self.task_, "calibration.")
        self.members_ = tuple(self._unfitted())
        for member in self.members_:
            member.task_, member.classes_, member.label_form_ = self.task_, self.classes_, self.label_form_
            member.fitted_on_, member.notes_ = self.fitted_on_, ()
            member.chosen_ = {}
            member.thresholds_ = Decision.usual(self.task_).thresholds
            member.read_state(folder, runtime if member.has_graph else None)
