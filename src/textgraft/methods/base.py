"""What every rung of the ladder shares: scikit-learn's contract on top of ``_fit`` and ``_proba``.

A method says how it is fitted to a Dataset, how it turns texts into probabilities, and how its fitted state is
written to and read from a folder. All else (labels from probabilities, plain lists as input, saving) is here, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.class_weights import ClassWeight, label_weights, weighted_thresholds
from textgraft.dataset import Dataset, FittedOn
from textgraft.decision import Abstention, Decision, Goal
from textgraft.errors import DataError
from textgraft.evaluation.metric import Metric
from textgraft.evaluation.wanted import wanted_of_labels
from textgraft.given import Data, Labels, as_dataset, as_given, as_texts, label_array
from textgraft.methods.attributing import Attributing
from textgraft.methods.choosing import Choosing
from textgraft.methods.constraints import Choice, refuse
from textgraft.methods.estimator import accuracy, check_fitted, clone
from textgraft.methods.hyperparameters import hyperparameter
from textgraft.methods.sketching import Sketching
from textgraft.methods.weights import with_weights
from textgraft.model_directory import MethodFacts, save
from textgraft.model_directory.manifest import MOST_OF_LABELS
from textgraft.model_directory.seen import SeenTexts
from textgraft.runtimes import Runtime
from textgraft.task import Task
from textgraft.text.ngrams import WordNgrams
from textgraft.unicode import FORMS, Form, in_form, quoted


def unicode_form(default: Form, because: str) -> Any:
    """Declares the hyperparameter ``unicode`` of a method that reads texts."""
    return hyperparameter(
        Choice(*FORMS),
        'the normal form in which texts are read: ``"nfc"`` makes one of composed and decomposed accents, ``"nfkc"`` '
        f'also of full-width and plain letters, ligatures and their letters, ``"none"`` of nothing. {because}',
        default=default,
        option="nfc, nfkc or none: the normal form of Unicode in which texts are read",
        earlier="none",
    )


class TextClassifier(Choosing, Sketching, Attributing, ABC):
    """Base of the methods: ``fit``, ``predict_proba``, ``predict``, ``score`` and ``save``.

    Attributes:
        method: the name on the command line and in the model directory.
        facts: what is true of all its models, for their cards.
        family: what the command line calls this method and those like it; empty for one like no other.
        unicode: the normal form of Unicode in which it reads texts, fitting as predicting; see ``unicode.in_form``. All
            that ``_fit`` and ``_proba`` get is in this form; what is shown of texts elsewhere is as they are.
        reads: whether most of its training is what ``read`` does beforehand.
        is_floor: whether it looks at no text, so that it is what others are held against and never recommended.
        unsaved: hyperparameters that say where and how long ``fit`` runs here; they are not kept with the model.
        task_: the fitted task.
        classes_: (k,) labels as they were given to ``fit``.
        thresholds_: (k,) float32; see ``Decision``.
        goals_: the precisions and recalls for which thresholds were chosen.
        costs_: (k, k) float64 or None; see ``Decision``.
        abstention_: when no answer is given, and which labels are possible besides; see ``answers``.
        metric_: the metric that matters, of the task; None where none was given.
        chosen_: what ``fit`` chose for itself, for people and for the model directory.
        resolved_: hyperparameters whose value ``fit`` found out, such as an encoder that was to be chosen; a model
            keeps these values.
        notes_: sentences about the last ``fit`` that a user should see; not saved.
        fitted_on_: what it was trained on, without the texts.
        checked_on_: the validation data, given or held out; of it a sample is kept with the model, so that an export
            can be checked later.
        seen_: hashes of the texts that ``fit`` was given, so that an evaluation can tell them; None of a model that
            does not keep them.
        runtime_: what computes its network where that is not torch: the runtime of an export; else None.
        export_: the name of that export in the model directory, such as ``"openvino-int8"``.
        label_form_: whether a multi-label ``predict`` answers with names or with a 0/1 matrix, as ``fit`` was given.
    """

    metric_: Metric | None
    goals_: tuple[Goal, ...]
    costs_: NDArray[np.float64] | None
    abstention_: Abstention
    method: ClassVar[str]
    facts: ClassVar[MethodFacts]
    family: ClassVar[str] = ""
    reads: ClassVar[bool] = False
    is_floor: ClassVar[bool] = False
    unsaved: ClassVar[frozenset[str]] = frozenset()

    task_: Task
    classes_: NDArray[Any]
    thresholds_: NDArray[np.float32]
    chosen_: dict[str, Any]
    resolved_: Mapping[str, Any] = MappingProxyType({})
    notes_: tuple[str, ...]
    fitted_on_: FittedOn
    label_form_: Literal["names", "indicator"]
    checked_on_: Dataset | None = None
    seen_: SeenTexts | None = None
    runtime_: Runtime | None = None
    export_: str | None = None
    _places: NDArray[np.int64]  # of the rows that ``_fit`` gets, among those that ``fit`` was given

    def fit(
        self,
        texts: Data,
        labels: Labels | None = None,
        *,
        valid: Data | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fits the classifier.

        Args:
            texts: a Dataset; or n texts; or n (text, label) pairs.
            labels: with plain texts, n labels: one name or number each; or, for a multi-label task, an (n, k) 0/1
                matrix or a collection of names for each text.
            valid: data for the choices that the method makes (regularisation, calibration, epochs); it is never
                trained on. A Dataset, (text, label) pairs or a tuple of texts and labels. Without it a part of the
                training data is held out where a choice is to be made.
            sample_weight: (n,) what each text counts, 0 or above; None is 1 each. A text of weight 0 is as if it were
                not there. Weights multiply losses and the weights of labels, and count in all choices on held-out data;
                words and n-grams are counted without them, as in scikit-learn's pipelines. Only their proportions
                matter, but to a C that is given, as in scikit-learn: twice the weights are twice the C.

        Raises:
            DataError: texts, labels and weights do not go together, or fewer than two labels have a weight above 0.
            SettingError: a hyperparameter has a value that cannot be used, or the metric is none of this task.
        """
        rows, data, choosing = self._start(texts, labels, valid, sample_weight)
        try:
            self._fit(data, choosing)
        except BaseException:
            del self.task_  # so that what was begun does not pass for fitted
            raise
        return self._end(rows)

    def _start(
        self, texts: Data, labels: Labels | None, valid: Data | None, sample_weight: ArrayLike | None
    ) -> tuple[Dataset, Dataset, Dataset | None]:
        """What ``fit`` does before ``_fit``: the rows as they were given, and what ``_fit`` gets."""
        given = as_given(texts, labels, who="fit")
        rows = with_weights(given.data, sample_weight)
        data = self._as_read(rows)
        if np.count_nonzero(data.counts) < (1 if data.task.multi_label else 2):
            texts_here = f"{len(data):,} training texts{' of a weight above 0' * (rows.weights is not None)}"
            raise DataError(
                f"A classifier needs at least two labels to tell apart; all {texts_here} carry "
                f"{', '.join(quoted(data.task.labels[i]) for i in np.flatnonzero(data.counts)) or 'no label'}."
            )
        if (length := sum(len(name.encode()) for name in data.task.labels)) > MOST_OF_LABELS:
            raise DataError(
                f"The names of the {len(data.task):,} labels have {length:,} bytes together, of which a model holds at "
                f"most {MOST_OF_LABELS:,}: they may be texts. Say which column holds the labels with --label (label=), "
                "or shorten them."
            )
        self.check_settings()
        self.metric_ = None if self.metric is None else Metric.read(self.metric, data.task)
        by_costs = self.metric_ is not None and self.metric_.costs is not None
        wanted_of_labels(self.thresholds, data.task, by_costs=by_costs)
        self.task_ = data.task
        self.classes_ = given.classes
        self.label_form_ = given.form
        self.fitted_on_ = FittedOn.of(rows)
        self._places = np.arange(len(rows)) if rows.weights is None else np.flatnonzero(rows.weights)
        self.thresholds_, self.goals_ = Decision.usual(data.task).thresholds, ()
        self.costs_ = None if self.metric_ is None else self.metric_.costs
        self.abstention_ = Abstention()
        self.chosen_, self.resolved_, self._said_of_decision, self._said_of_abstention = {}, {}, "", ""
        self._answered = ()
        self.notes_ = () if given.data is texts else given.data.notes
        self.runtime_ = self.export_ = None
        self.checked_on_ = None if valid is None else as_dataset(valid, who="valid", task=data.task)
        choosing = None if self.checked_on_ is None else self._as_read(self.checked_on_)
        self.seen_ = SeenTexts.of(data.texts, () if choosing is None else choosing.texts)
        return rows, data, choosing

    def _end(self, rows: Dataset) -> Self:
        """What ``fit`` does after ``_fit``."""
        self._sketch_later(rows.texts, self._places)
        self.chosen_ = {**self.resolved_, **self.chosen_}
        self._say_what_was_not_chosen()
        for name, said in (("decision", self._said_of_decision), ("abstention", self._said_of_abstention)):
            if said:
                self.chosen_ = {**self.chosen_, name: said}
                self.notes_ = (*self.notes_, said)
        return self

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """(n, k) float32 probabilities, columns in the order of ``classes_``.

        The rows of a single-label task sum to one; those of a multi-label task need not.
        """
        check_fitted(self)
        texts = in_form(as_texts(texts), self.unicode)
        return self._proba(texts) if texts else np.zeros((0, len(self.task_)), np.float32)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32] | None:  # noqa: ARG002
        """(n, width) vectors of n texts by its own encoder; None where it has none at hand."""
        return None

    def predict(self, texts: Iterable[str]) -> NDArray[Any] | list[tuple[Any, ...]]:
        """The labels of n texts, in the form that ``fit`` was given.

        Returns:
            (n,) labels; for a multi-label task an (n, k) 0/1 matrix if ``fit`` was given one, else n tuples of labels.
        """
        targets = self._decided(texts)
        if not self.task_.multi_label:
            labels: NDArray[Any] = self.classes_[targets]
            return labels
        if self.label_form_ == "indicator":
            return targets.astype(np.int64)
        return [tuple(self.classes_[row].tolist()) for row in targets]

    def score(self, texts: Iterable[str], labels: Labels, sample_weight: NDArray[np.float64] | None = None) -> float:
        """Accuracy; for a multi-label task the share of texts whose labels are all right (subset accuracy)."""
        texts = as_texts(texts)
        predicted = self._decided(texts)
        if self.task_.multi_label:
            truth = as_dataset(texts, labels, who="score", task=self.task_).targets
            return accuracy(truth, predicted, sample_weight)
        names = np.array(self.task_.labels, dtype=object)  # by them, labels in other types than those of fit compare
        return accuracy(label_array(labels), names[predicted], sample_weight)

    def save(self, directory: str | Path) -> Path:
        """Writes the fitted classifier as a model directory; see ``textgraft.save``."""
        return save(self, directory)

    @property
    @abstractmethod
    def rung(self) -> int:
        """The place on the ladder; a lower one is cheaper."""

    @property
    def most_folds(self) -> int:
        """How many folds its cross-validation has, where nobody says how many; fewer where training is long."""
        return 20

    def is_drawn(self, valid: Dataset | None) -> bool:  # noqa: ARG002
        """Whether its seed has a say in what ``fit`` finds."""
        return "seed" in self.hyperparameters

    def passes(self, rows: int) -> float:  # noqa: ARG002
        """How often training goes over so many rows, as far as that is known beforehand."""
        return 1.0

    def read(self, texts: Sequence[str]) -> None:
        """Does what ``fit`` and ``predict`` do to each text on its own and keep on disk; most have nothing to do."""

    @property
    def known_words(self) -> WordNgrams | None:
        """The words that it was trained on, where it keeps them; None of a method that reads pieces of words."""
        return None

    @property
    def has_graph(self) -> bool:
        """Whether it predicts through a network that another runtime can compute."""
        return False

    def for_web(self) -> dict[str, Any]:
        """What a page must know to compute it in a browser, besides its files; raises ExportError where none can."""
        return {}

    @property
    def decision(self) -> Decision:
        """How its labels follow from its probabilities."""
        return Decision(self.thresholds_, self.costs_)

    @property
    def kept_params(self) -> dict[str, Any]:
        """The hyperparameters that are kept with the model; costs by the names of the labels, wherever they were."""
        params = {name: value for name, value in self.get_params(deep=False).items() if name not in self.unsaved}
        metric = None if self.metric_ is None else self.metric_.plain()
        return {**params, **self.resolved_, "metric": metric}

    @property
    def outside_bytes(self) -> int:
        """The size of files that a fitted classifier needs but that its model directory does not hold."""
        return 0

    @abstractmethod
    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        """Fits to ``train``; ``valid``, if given, has the same task and is for choices only."""

    @abstractmethod
    def _proba(self, texts: list[str]) -> NDArray[np.float32]:
        """(n, k) float32 probabilities of n >= 1 texts."""

    @abstractmethod
    def write_state(self, folder: Path) -> None:
        """Writes the fitted state into an existing folder, as JSON, safetensors and the like; never pickle."""

    @abstractmethod
    def read_state(self, folder: Path, runtime: Runtime | None = None) -> None:
        """Restores what ``write_state`` wrote; the task, classes, thresholds and choices are set already.

        With ``runtime``, of an export in the same folder, nothing is read that needs torch.
        """

    def parts(self) -> tuple[TextClassifier, ...]:
        """The fitted classifiers whose files are in its model directory: itself, or its members."""
        return (self,)

    def twin(self) -> Self:
        """An unfitted copy for a part of the rows, which keeps no log and no checkpoints."""
        return clone(self)

    def configure(self, settings: Mapping[str, Any], *, beside: bool = False) -> Self:
        """Sets those of some hyperparameters that it has.

        Args:
            settings: by name; text is read as on the command line.
            beside: whether they are for several methods, so that what means something else here is left out.

        Raises:
            SettingError: a text cannot be read.
        """
        declared = {name: each for name, each in self.hyperparameters.items() if not (beside and each.alone)}
        read = {
            name: declared[name].constraint.read(value) if isinstance(value, str) else value
            for name, value in settings.items()
            if name in declared
        }
        return self.set_params(**read)

    def configurable(self) -> set[str]:
        """The hyperparameters that ``configure`` sets."""
        return set(self.hyperparameters)

    def set_kept(self, parameters: Mapping[str, Any]) -> Self:
        """Sets hyperparameters as a model directory keeps them, of an earlier release too.

        Raises:
            SettingError: one of them is unknown, or cannot be used.
        """
        # JSON has lists only; a hyperparameter is a number, a name or a tuple.
        given = {name: tuple(v) if isinstance(v, list) else v for name, v in parameters.items()}
        earlier = {name: each.earlier for name, each in self.hyperparameters.items() if each.earlier is not None}
        self.set_params(**{name: v for name, v in (earlier | given).items() if name not in self.unsaved})
        self.check_settings()
        return self

    def check_settings(self) -> None:
        """Raises SettingError for all hyperparameters that cannot be used, before any work is done."""
        refuse(self.faults())

    def faults(self) -> list[str]:
        """A sentence for each hyperparameter that cannot be used: its name, what is allowed, what was given."""
        declared = self.hyperparameters.items()
        single = [fault for name, each in declared for fault in each.faults(name, getattr(self, name))]
        return [*single, *self._conflicts()]

    def _decided(self, texts: Iterable[str]) -> NDArray[Any]:
        """The targets that are predicted of n texts; see ``Decision``."""
        probabilities = self.predict_proba(texts)
        return self.decision.targets(probabilities, self.task_)

    def _as_read(self, data: Dataset) -> Dataset:
        """What is fitted to or chosen on: texts in their normal form, without rows of weight 0."""
        data = replace(data, texts=in_form(data.texts, self.unicode))
        if data.weights is not None and not data.weights.all():
            data = with_weights(data.select(data.weights > 0), None)
        return data

    def _weigh_decision(self, train: Dataset, class_weight: ClassWeight) -> None:
        """A label that counts more in the loss counts more in decisions: probabilities go by the real shares.

        Where a text has one of several labels: the label is predicted whose probability times its weight is largest.
        """
        weights = label_weights(train, class_weight)
        if weights is not None and not self.task_.multi_label:
            self.thresholds_ = weighted_thresholds(weights)

    def _held_out(self, train: Dataset, rows: NDArray[np.int64] | None) -> None:
        """Remembers the rows of the training data that served as validation data; None where that was given."""
        if rows is not None:
            self.checked_on_ = train.select(rows)

    def saved(self) -> None:
        """Called when the fitted classifier is safe in a model directory."""

    def _conflicts(self) -> Iterator[str]:
        """Sentences about hyperparameters that do not go together, whatever their values."""
        yield from ()
