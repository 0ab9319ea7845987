"""Chapters of a report that take a closer look, for some seconds: where errors gather, and what answers hang on."""

from __future__ import annotations

from textgraft.analysis.errors import find_errors
from textgraft.analysis.robustness import robustness
from textgraft.ladder.evaluating import Evaluated
from textgraft.methods import TextClassifier
from textgraft.report import errors
from textgraft.report.robustness import robustness_sections
from textgraft.report.section import Section
from textgraft.report.story import Chapter, chapter_of

MOST_CHANGED = 500  # rows, whose texts are changed in ten ways


def closer_chapters(model: TextClassifier, evaluated: Evaluated, *, texts: bool) -> tuple[Chapter, ...]:
    """Slices of rows on which a model is measurably worse, and its answers under changes that should not matter.

    Args:
        model: a fitted classifier.
        evaluated: rows that it was not trained on, with what it predicts of them.
        texts: whether the chapters may hold texts of the data, and words of them.
    """
    found = find_errors(model, evaluated, most=0).to_dict()
    sections = [Section(sentences=(errors.verdict(found),)), errors.slices(found["slices"]), errors.tags(found["tags"])]
    if texts:
        sections += [errors.phrases(found["phrases"]), errors.pairs(found["pairs"][: errors.MOST_PAIRS])]
    kept = ("rows", "wrong", "rate", "slices", "tags", *(("phrases", "pairs") if texts else ()))
    changed = robustness(model, evaluated.data, most_rows=MOST_CHANGED)
    figures = changed.to_dict()
    if not texts:
        figures["outcomes"] = [{**outcome, "examples": []} for outcome in figures["outcomes"]]
    return (
        chapter_of("slices", "Where it is worse", sections, {name: found[name] for name in kept}),
        chapter_of("robustness", "What its answers hang on", robustness_sections(changed, examples=texts), figures),
    )
