"""All that is known of a model on some data, gathered once into the story of a report.

Each door takes one kind of result (a model on a table, a training, a comparison, a search) and gives a ``Story``.
A further analysis is one more line in ``_story``.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from textgraft.analysis.actions import Known, actions, command_on, correcting
from textgraft.analysis.closer import CLOSELY, Looked, check_further, look_closer
from textgraft.analysis.rows import rows_of
from textgraft.data.audit import Audit
from textgraft.data.duplicates import Duplicates, find_duplicates
from textgraft.data.inspecting import inspect
from textgraft.data.splits import given_splits
from textgraft.dataset import Dataset, Splits
from textgraft.errors import DataError, SettingError
from textgraft.evaluation import Evaluation, evaluate_predictions
from textgraft.evaluation.calibration import Relation
from textgraft.evaluation.inputs import Predictions, check_predictions
from textgraft.evaluation.names import metric_name
from textgraft.evaluation.reliability import Bin, before_calibration, reliability
from textgraft.evaluation.selective import coverage_risk
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder import Comparison, Search, Trained
from textgraft.ladder.evaluating import Evaluated, evaluated
from textgraft.methods import TextClassifier
from textgraft.model_directory.manifest import versions
from textgraft.report import chapters
from textgraft.report.story import Chapter, Story
from textgraft.training.records import LOG, read_log
from textgraft.unicode import shown_name
from textgraft.wording import counted

FEWER = 200  # resamples, for what is shown beside the evaluation
CALLED = {
    "slices": "slices on which it is worse",
    "robustness": "its answers under changes",
    "label-errors": "label errors of the training rows",
    "curve": "the learning curve",
    "map": "the map",
}
NEEDING_TRAIN = ("label-errors", "curve")
MOST_AUDITED = 50_000  # rows, which take some seconds to compare with each other


@dataclass(frozen=True)
class Origin:
    """Where a report comes from.

    Attributes:
        command: the words of the command line; empty from Python.
        table: those of them that read and divide the table.
        reading: what reads the table that the evaluated rows are of.
        training: what reads the table that the training rows are of.
        directory: of the model.
        seed: of the division and of training.
    """

    command: tuple[str, ...] = ()
    table: tuple[str, ...] = ()
    reading: tuple[str, ...] = ()
    training: tuple[str, ...] = ()
    directory: str | None = None
    seed: int | None = None


@dataclass(frozen=True, eq=False)
class _Subject:
    """What a story is about; see ``_story``."""

    title: str
    evaluation: Evaluation
    model: TextClassifier
    origin: Origin
    further: Collection[str]
    data: Dataset | None = None
    predictions: Predictions | None = None
    splits: Splits | None = None
    to_train: Splits | None = None  # of a model that is there already: what it was trained on, and the evaluated rows
    first: str = ""
    alone: bool = False
    of_model: bool = True  # whether the predictions are the model's, and not those of models of folds
    more: Sequence[Chapter] = ()  # after the data


def model_story(
    model: TextClassifier,
    data: Data | Evaluated,
    labels: Labels | None = None,
    *,
    train: Dataset | None = None,
    texts: bool = True,
    closely: bool = False,
    further: Collection[str] = (),
    origin: Origin | None = None,
) -> Story:
    """A fitted model on labelled rows.

    Args:
        model: a fitted classifier.
        data: rows that it was not trained on, as ``evaluate`` takes them, or what they came to already.
        labels: of the texts.
        train: what it was trained on, of which rows that stand in the data are left out; for the learning curve and
            for label errors of the training rows.
        texts: whether the report may hold texts of the data.
        closely: look for slices and at changes of texts too, which takes some seconds, or minutes for slow models.
        further: chapters that take longer: ``"label-errors"`` (of the training rows), ``"curve"``, ``"map"``; or
            ``"all"``. The first two need ``train``.
        origin: where it comes from.

    Raises:
        DataError: the data cannot be evaluated on, see ``evaluate``, or no row of ``train`` would be left.
        SettingError: there is no such chapter, or one needs ``train``.
    """
    origin, names = origin or Origin(), check_further(further)
    if train is None and "all" not in further and (needing := [name for name in names if name in NEEDING_TRAIN]):
        verb = "needs" if len(needing) == 1 else "need"
        raise SettingError(f"{' and '.join(needing)} {verb} the training table; give it with --train (train=).")
    found = data if isinstance(data, Evaluated) else evaluated(model, data, labels)
    name = f"{model.method} from {origin.directory}" if origin.directory else model.method
    title = f"{name} on {counted(len(found.data), 'row')}"
    splits = None
    if train is not None:
        own = as_dataset(train, who="train", task=model.task_, merged=model.fitted_on_.merged)
        splits = given_splits(own, test=found.data, drop_leaks=True)
    subject = _Subject(
        title,
        found.evaluation,
        model,
        origin,
        {*names, *(CLOSELY if closely else ())},
        found.data,
        found.predictions,
        to_train=splits,
    )
    return _story(subject, texts=texts)


def training_story(
    trained: Trained, *, texts: bool = True, further: Collection[str] = (), origin: Origin | None = None
) -> Story:
    """A method after training, on its test part or out of fold; ``further`` as for ``model_story``, and ``CLOSELY``.

    Raises:
        DataError: nothing was evaluated, so there is nothing to report on.
    """
    splits, found = trained.splits, trained.evaluation
    if found is None:
        raise DataError("Nothing was held out, so there is nothing to report on; give a test table, or a --test-size.")
    rows = splits.test if splits.test is not None else splits.train
    where = "test row" if splits.test is not None else "row"
    by_seed = trained.over_seeds
    subject = _Subject(
        f"{trained.model.method} on {counted(found.n, where)}{'' if splits.test is not None else ', out of fold'}",
        found,
        trained.model,
        origin or Origin(),
        check_further(further),
        rows,
        trained.predictions,
        splits,
        alone=True,
        of_model=splits.test is not None,
        more=() if by_seed is None else (chapters.over_seeds(trained.model.method, by_seed, found),),
    )
    return _story(subject, texts=texts)


def comparison_story(
    comparison: Comparison, *, texts: bool = True, further: Collection[str] = (), origin: Origin | None = None
) -> Story:
    """Methods beside each other, and the one that is recommended, or else the best, looked at closely."""
    found, splits = comparison.recommendation, comparison.splits
    name = found.name or found.best
    result = next((each for each in comparison.results if each.name == name), comparison.results[-1])
    rows = splits.test if splits.test is not None else splits.train
    names = ", ".join(each.name for each in comparison.results)
    chapter = chapters.compared(comparison, comparison.to_dict())
    sentences = chapters.choice(comparison)
    subject = _Subject(
        f"{names} compared on {counted(result.evaluation.n, 'row')}",
        result.evaluation,
        result.model,
        origin or Origin(),
        check_further(further),
        rows,
        result.predictions,
        splits,
        first=sentences,
        of_model=splits.test is not None,
        more=(chapter,),
    )
    return _story(subject, texts=texts)


def search_story(
    search: Search, *, texts: bool = True, further: Collection[str] = (), origin: Origin | None = None
) -> Story:
    """What a search chose, and all that it tried."""
    splits = search.splits
    subject = _Subject(
        f"{search.name}, searched for on {counted(len(splits.train), 'training row')}",
        search.evaluation,
        search.model,
        origin or Origin(),
        check_further(further),
        splits.test,
        search.predictions,
        splits,
        first=search.sentence,
        more=(chapters.searched(search, search.to_dict()),),
    )
    return _story(subject, texts=texts)


def _story(subject: _Subject, *, texts: bool) -> Story:
    evaluation, predictions, data, model = subject.evaluation, subject.predictions, subject.data, subject.model
    splits, origin = subject.splits, subject.origin
    duplicates = None  # looked for once, where the audit and the closer look are at the same rows
    if splits is None and data is not None and data.parts is None and len(data) <= MOST_AUDITED:
        duplicates = find_duplicates(data.texts)
    audit = _audit(splits if splits is not None else data, duplicates, texts=texts)
    all_answers = None
    if predictions is not None and not evaluation.task.multi_label:
        (all_answers,) = reliability(predictions, bins=1)
    looked = _looked(subject, duplicates, texts=texts)
    known = Known(
        evaluation,
        all_answers,
        model.fitted_on_.counts if model.fitted_on_.rows else (),
        getattr(model, "class_weight", None),
        "class_weight" in model.hyperparameters,
        subject.alone,
        audit,
        splits,
        looked,
        origin.table,
        origin.command if origin.command[:1] in (("train",), ("compare",)) else (),
    )
    rows = None
    if predictions is not None and data is not None:
        rows = rows_of(data, predictions, texts=texts)
    leaks = splits.leaks if splits is not None else ()
    told: list[Chapter | None] = [
        chapters.verdict(evaluation, all_answers, subject.first),
        chapters.next_steps(actions(known)),
        chapters.audited(audit, "The data") if audit is not None else None,
        *subject.more,
        chapters.measured(evaluation, leaks),
        chapters.confusion(evaluation, listed=rows is not None),
        chapters.labelled(evaluation),
        _calibration(subject),
        chapters.covered(coverage_risk(predictions), evaluation.selective) if predictions is not None else None,
        _training(model),
        looked.chapters.get("curve"),
        chapters.rows_chapter(holds_texts=texts) if rows is not None else None,
        *(looked.chapters.get(name) for name in ("slices", "label_errors", "robustness", "map")),
        _further(subject, looked) if rows is not None else None,
        _made(subject),
    ]
    return Story(subject.title, tuple(chapter for chapter in told if chapter is not None), rows, texts)


def _looked(subject: _Subject, duplicates: Duplicates | None, *, texts: bool) -> Looked:
    """What takes a closer look at the rows; nothing where none are at hand."""
    data, predictions = subject.data, subject.predictions
    if data is None or predictions is None:
        return Looked({})
    once = predictions.select(np.arange(len(data)))
    return look_closer(
        subject.model,
        Evaluated(data, once, subject.evaluation),
        subject.further,
        splits=subject.splits if subject.splits is not None else subject.to_train,
        in_folds=not subject.of_model,
        texts=texts,
        duplicates=duplicates,
        commands=(correcting(subject.origin.reading), correcting(subject.origin.training)),
    )


def _further(subject: _Subject, looked: Looked) -> Chapter:
    """What else there is to look at, and how it is added to the same report."""
    origin = subject.origin
    of_training = looked.of_training or (looked.suspects if not subject.of_model else None)
    made = {*looked.chapters, *(["label-errors"] if of_training is not None else [])}
    missing = [what for name, what in CALLED.items() if name not in made]
    if not origin.command:
        return chapters.further(missing, "")
    again = origin.command
    if "--with" in again:  # which "all" replaces
        at = again.index("--with")
        again = again[:at] + again[at + 2 :]
    if subject.splits is None:
        train = () if subject.to_train is not None else ("--train", "TRAIN.csv")
        again = ("report", origin.directory or "DIR", *origin.table, *train)
    return chapters.further(missing, command_on(again[0], again[1:], "--with", "all"))


def _audit(data: Splits | Dataset | None, duplicates: Duplicates | None, *, texts: bool) -> Audit | None:
    """What ``inspect`` finds; without the texts that it shows where none may be shown."""
    parts = [data] if isinstance(data, Dataset) else [] if data is None else list(data.parts().values())
    if not parts or sum(map(len, parts)) > MOST_AUDITED:
        return None
    whole = parts[0] if isinstance(data, Splits) and len(parts) == 1 else data
    assert whole is not None
    folds = data.folds.k if isinstance(data, Splits) and data.folds is not None else 0
    audit = replace(inspect(whole, test=0.0, folds=folds, duplicates=duplicates), next=())
    return audit if texts else audit.without_texts()


def _calibration(subject: _Subject) -> Chapter:
    """With calibration and, where the model says how it was, without."""
    evaluation, predictions, model = subject.evaluation, subject.predictions, subject.model
    before: tuple[Bin, ...] = ()
    losses: dict[str, Evaluation] = {"as it answers": evaluation}
    without = _without_calibration(model)
    if predictions is not None and without is not None and subject.of_model:
        p = before_calibration(predictions.probabilities, predictions.task, without)
        plain = replace(
            check_predictions(p, predictions.targets, predictions.task, model.decision), worth=predictions.worth
        )
        before = reliability(plain)
        losses["without calibration"] = evaluate_predictions(plain, resamples=FEWER)
    return chapters.calibrated(evaluation, before, losses)


def _without_calibration(model: TextClassifier) -> Relation | None:
    relation = model.chosen_.get("calibration", {}).get("without")
    if not isinstance(relation, Mapping):
        return None
    return Relation(tuple(relation["scale"]), tuple(relation["shift"]))


def _training(model: TextClassifier) -> Chapter | None:
    """How its training went, where there is a log of it."""
    folder = getattr(model, "folder", None)
    if folder is None or not (Path(folder) / LOG).exists():
        return None
    entries = read_log(Path(folder) / LOG)
    called = "validation score" if model.metric_ is None else f"validation {metric_name(str(model.metric_))}"
    return chapters.trained(entries, called) if entries else None


def _made(subject: _Subject) -> Chapter:
    """How it was made."""
    model, origin, fitted = subject.model, subject.origin, subject.model.fitted_on_
    facts: dict[str, Any] = {
        "method": model.method,
        "model": origin.directory or "",
        "training rows": f"{fitted.rows:,}",
        "training data": ", ".join(map(shown_name, fitted.files[:5])),
        "its sha256": fitted.fingerprint,
        "evaluated rows": f"{subject.evaluation.n:,}",
        "evaluated data": "" if subject.data is None else ", ".join(map(shown_name, subject.data.rows.files[:5])),
        "sha256 of that": "" if subject.data is None else subject.data.fingerprint,
        "seed": "" if origin.seed is None else str(origin.seed),
    }
    params = {name: value for name, value in model.kept_params.items() if value is not None}
    facts["hyperparameters"] = ", ".join(f"{name} {_short(value)}" for name, value in params.items())
    command = shlex.join(map(shown_name, ("textgraft", *origin.command))) if origin.command else ""
    return chapters.made(
        {name: value for name, value in facts.items() if value}, [command] if command else [], versions()
    )


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return str(value)
