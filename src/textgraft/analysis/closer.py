"""Chapters of a report that take a closer look, for some seconds or, where methods are trained anew, for longer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from textgraft.analysis.curve import LearningCurve, learning_curve
from textgraft.analysis.errors import find_errors
from textgraft.analysis.label_errors import LabelErrors, find_label_errors, judge_labels
from textgraft.analysis.map import map_answers
from textgraft.analysis.robustness import robustness
from textgraft.analysis.rows import kept_rows, log_losses
from textgraft.data.duplicates import Duplicates
from textgraft.dataset import Dataset, Splits
from textgraft.errors import SettingError, did_you_mean
from textgraft.ladder.evaluating import Evaluated
from textgraft.methods import TextClassifier
from textgraft.report import chapters, errors
from textgraft.report.label_errors import label_errors_sections
from textgraft.report.robustness import robustness_sections
from textgraft.report.section import Section
from textgraft.report.story import Chapter, chapter_of
from textgraft.unicode import quoted

CLOSELY: Final = ("slices", "robustness")
FURTHER: Final = (*CLOSELY, "label-errors", "curve", "map")  # what ``further`` may ask for
MOST_CHANGED: Final = 500  # rows, whose texts are changed in ten ways
MOST_COMPARED: Final = 500  # suspected label errors, which are compared with similar texts
FEWEST_JUDGED: Final = 20  # rows, of which labels can be judged
FEWEST_MAPPED: Final = 3
MOST_SUSPECTS: Final = 15  # that are shown of each part
MOST_IN_FIGURES: Final = 200


@dataclass(frozen=True, eq=False)
class Looked:
    """What was looked at more closely.

    Attributes:
        chapters: by name, in reading order.
        commands: that write label errors of the evaluated rows, and of the training rows, to correct.
        suspects: label errors of the evaluated rows; None where too few were not seen in training.
        of_training: label errors of the training rows, if they were looked for.
        curve: of the method, if it was made.
    """

    chapters: dict[str, Chapter]
    commands: tuple[str, str] = ("", "")
    suspects: LabelErrors | None = None
    of_training: LabelErrors | None = None
    curve: LearningCurve | None = None


def check_further(names: Collection[str], who: str = "further=") -> tuple[str, ...]:
    """The names of chapters; ``"all"`` is all of them.

    Raises:
        SettingError: there is no such chapter.
    """
    for name in names:
        if name not in (*FURTHER, "all"):
            raise SettingError(
                f"There is no chapter {quoted(name)} ({who}); there are {', '.join(FURTHER)}, and all for all of them."
                f"{did_you_mean(name, FURTHER)}"
            )
    return FURTHER if "all" in names else tuple(name for name in FURTHER if name in names)


def look_closer(
    model: TextClassifier,
    evaluated: Evaluated,
    further: Collection[str],
    *,
    splits: Splits | None = None,
    in_folds: bool = False,
    texts: bool,
    commands: tuple[str, str] = ("", ""),
    duplicates: Duplicates | None = None,
) -> Looked:
    """The chapters that are asked for, and suspected label errors among the evaluated rows, which cost little.

    Args:
        model: a fitted classifier.
        evaluated: rows, each predicted once by a model that was not trained on it.
        further: see ``check_further``.
        splits: what to train on and test on, for what needs that.
        in_folds: whether the rows are training rows, predicted out of fold.
        texts: whether the chapters may hold texts of the data, and words of them.
        commands: see ``Looked``.
        duplicates: of the texts of the rows, where they are known.
    """
    data = evaluated.data
    found: dict[str, Chapter] = {}
    if "slices" in further:
        found["slices"] = _slices(model, evaluated, duplicates, texts=texts)
    suspects = _suspects(model, evaluated, in_folds=in_folds)
    train = splits.train if splits is not None and not in_folds else None
    of_training = find_label_errors(train) if train is not None and "label-errors" in further else None
    judged = {"evaluated rows": suspects, "training rows": of_training}
    found["label_errors"] = _label_errors(judged, commands, texts=texts)
    if "robustness" in further:
        found["robustness"] = _robustness(model, data, texts=texts)
    curve = None
    if "curve" in further and splits is not None:
        curve = learning_curve([model], splits)
        found["curve"] = chapters.curve(curve, curve.to_dict())
    if "map" in further and len(data) >= FEWEST_MAPPED:
        found["map"] = _map(model, evaluated, texts=texts)
    return Looked(found, commands, suspects, of_training, curve)


def _slices(model: TextClassifier, evaluated: Evaluated, duplicates: Duplicates | None, *, texts: bool) -> Chapter:
    """Rows on which a model is measurably worse."""
    found = find_errors(model, evaluated, most=0, duplicates=duplicates).to_dict()
    sections = [Section(sentences=(errors.verdict(found),)), errors.slices(found["slices"]), errors.tags(found["tags"])]
    if texts:
        sections += [errors.phrases(found["phrases"]), errors.pairs(found["pairs"][: errors.MOST_PAIRS])]
    kept = ("rows", "wrong", "rate", "slices", "tags", *(("phrases", "pairs") if texts else ()))
    return chapter_of("slices", "Where it is worse", sections, {name: found[name] for name in kept})


def _robustness(model: TextClassifier, data: Dataset, *, texts: bool) -> Chapter:
    """Answers under changes that should not matter."""
    changed = robustness(model, data, most_rows=MOST_CHANGED)
    figures = changed.to_dict()
    if not texts:
        figures["outcomes"] = [{**outcome, "examples": []} for outcome in figures["outcomes"]]
    return chapter_of("robustness", "What its answers hang on", robustness_sections(changed, examples=texts), figures)


def _suspects(model: TextClassifier, evaluated: Evaluated, *, in_folds: bool) -> LabelErrors | None:
    """Labels of the evaluated rows that look wrong, by the predictions that are there; of what the model was not given.

    A model repeats the labels that it was trained on, so rows that it has seen say nothing.
    """
    data, predictions = evaluated.data, evaluated.predictions
    if model.seen_ is not None and not in_folds:
        trained, chosen, known = model.seen_.find(data.texts)
        fresh = np.flatnonzero(known & ~trained & ~chosen)
        data, predictions = data.select(fresh), predictions.select(fresh)
    if len(data) < FEWEST_JUDGED or model.is_floor:
        return None
    return judge_labels(data, predictions.probabilities, method=model.method, most_compared=MOST_COMPARED)


def _label_errors(judged: dict[str, LabelErrors | None], commands: tuple[str, str], *, texts: bool) -> Chapter:
    """Suspected label errors of the evaluated rows and, where they were looked for, of the training rows."""
    found = {name: each for name, each in judged.items() if each is not None}
    sections: list[Section] = []
    figures: dict[str, Any] = {}
    for name, each in found.items():
        lead, *others = label_errors_sections(each, most=MOST_SUSPECTS, texts=texts)
        sections += [replace(lead, title=f"In the {name}" if len(found) > 1 else ""), *others]
        figures[name.replace(" ", "_")] = plain = each.to_dict(MOST_IN_FIGURES)
        if not texts:
            plain["suspects"] = [{**suspect, "text": ""} for suspect in plain["suspects"]]
    suspected = [each is not None and bool(each.suspects) for each in judged.values()]
    if able := tuple(dict.fromkeys(line for line, any_ in zip(commands, suspected, strict=True) if line and any_)):
        sections.append(Section("To correct them", sentences=(chapters.CORRECTING,), commands=able))
    return chapter_of("label_errors", "Labels that look wrong", sections, figures or None)


def _map(model: TextClassifier, evaluated: Evaluated, *, texts: bool) -> Chapter:
    """The rows that the report lists, laid out so that similar texts are neighbours."""
    at = kept_rows(log_losses(evaluated.predictions))
    drawn = map_answers(model, evaluated.data.select(at), evaluated.predictions.select(at), texts=texts)
    return chapters.mapped(drawn.to_dict(), drawn.plot_density(), of=len(evaluated.data))
