"""Abstention as sections: what is answered, which labels are possible, what is out of scope."""

from __future__ import annotations

import math
from collections.abc import Iterator

from textgraft.decision import Abstention
from textgraft.evaluation import Evaluation
from textgraft.evaluation.abstaining import about_sureness
from textgraft.evaluation.selective import OfFolds, OutOfScope, Selective
from textgraft.report.section import Section
from textgraft.unicode import quoted
from textgraft.wording import counted, percent

GUARANTEE = "that is on average over texts like those of the choice and over such choices, not for each text"


def chosen_section(abstention: Abstention) -> Section:
    """What was chosen, as sentences."""
    return Section("When it abstains", sentences=tuple(about(abstention)))


def about(abstention: Abstention) -> Iterator[str]:
    """A sentence for each part."""
    if abstention.sureness is not None:
        yield about_sureness(abstention.sureness)
    if (sets := abstention.sets) is not None:
        whose = "the texts of each label" if sets.by_label else "texts"
        held = "it" if sets.by_label else "all that they carry"
        yield (
            f"Of {whose} at least {100 * sets.coverage:g} % have {held} in their set of possible labels (split "
            f"conformal, on {counted(sets.rows, 'held-out row')}): {GUARANTEE}."
        )
        if not all(sets.floors):
            few = sum(floor == 0 for floor in sets.floors)
            yield (
                f"The rows are too few to leave {'any label' if few == len(sets.floors) else counted(few, 'label')} "
                "out of a set with that coverage."
            )
    if (scope := abstention.scope) is not None:
        by = "confidence alone" if scope.familiarity_spread is None else "confidence and likeness to training texts"
        yield (
            f"Texts are called out of scope by {by}, at a score below {scope.threshold:.3f}; of texts in scope that "
            f"happens to {100 * scope.false_alarms:g} % or fewer (by {counted(scope.rows, 'held-out row')})."
        )


def abstaining_sections(evaluation: Evaluation, *, every: bool = False) -> Iterator[Section]:
    """What is answered where the model abstains, or with ``every`` where it might; and what is out of its scope."""
    found = evaluation.selective
    if found is not None and (every or any(abstaining(found))):
        yield selective_section(found)
    if evaluation.out_of_scope is not None:
        yield out_of_scope_section(evaluation.out_of_scope)


def selective_section(found: Selective) -> Section:
    """Coverage and accuracy at the model's threshold, and at fixed coverages; then its sets."""
    rows = [
        (f"{percent(point.coverage.value)}", f"{point.threshold:.3f}", str(point.accuracy)) for point in found.curve
    ]
    return Section(
        "Accuracy of what is answered, the surest texts first (95 % intervals)",
        ("coverage", "confidence from", "accuracy"),
        tuple(rows),
        tuple(abstaining(found)),
        numbers=(0, 1, 2),
    )


def abstaining(found: Selective) -> Iterator[str]:
    """Sentences on what the model's own choices do on these rows."""
    wanted = f"{100 * (found.wanted or 0):g} %"
    if found.of_folds is not None:
        yield from _of_folds(found, found.of_folds, wanted)
    elif (point := found.at_threshold) is not None:
        yield (
            f"With --abstain it answers {percent(point.coverage.value)} of these {counted(found.n, 'row')}, with an "
            f"accuracy of {point.accuracy}; {wanted} was wanted."
        )
    if found.out_of_scope is not None:
        yield f"It calls {percent(found.out_of_scope.value)} of them out of scope."
    if (sets := found.sets) is not None:
        sentence = (
            f"Its sets of possible labels have {sets.size:.2f} labels on average, {percent(sets.of_one)} of them one, "
            f"and hold all that is true in {sets.coverage} of the rows; {100 * sets.wanted:g} % was wanted"
        )
        carried = {label: figure for label, figure in sets.per_label.items() if not math.isnan(figure.value)}
        if carried:
            label, least = min(carried.items(), key=lambda item: item[1].value)
            sentence += f"; of a label's rows it is least for {quoted(label)}, {least}"
        yield f"{sentence}."


def out_of_scope_section(found: OutOfScope) -> Section:
    """How well texts out of scope are told from those in it."""
    rows = [("of confidence alone (maximum probability)", str(found.auroc_of_confidence))]
    if found.wanted is not None:
        rows.insert(0, ("of the model's score", str(found.auroc)))
    sentences = [f"0.5 is chance; {counted(found.n_in, 'row')} in scope and {found.n_out:,} out of it."]
    if found.wanted is None or found.false_alarms is None or found.found is None:
        sentences.append(
            "It has no threshold for its scope: textgraft abstain DIR TABLE --false-alarms 0.05 chooses one."
        )
    else:
        sentences.append(
            f"By its threshold it finds {percent(found.found.value)} of those out of scope, and calls "
            f"{percent(found.false_alarms.value)} of the others that; {100 * found.wanted:g} % was wanted at most."
        )
    title = "Out of scope: ROC-AUC (95 % intervals)"
    return Section(title, ("score", "ROC-AUC"), tuple(rows), tuple(sentences), numbers=(1,))


def at_threshold(found: Selective, abstention: Abstention) -> str:
    """A sentence on test data for a model card; empty where the abstention was not measured, or was another one."""
    point, sureness = found.at_threshold, abstention.sureness
    same = point is not None and sureness is not None and point.threshold == sureness.threshold
    if point is None or not same or (found.out_of_scope is None) != (abstention.scope is None):
        return ""
    if found.of_folds is not None:
        return " ".join(_of_folds(found, found.of_folds, f"{100 * (found.wanted or 0):g} %"))
    coverage = f"{percent(point.coverage.value)} of {counted(found.n, 'row')} of test data"
    return f"It answered {coverage}, with an accuracy of {point.accuracy}."


def _of_folds(found: Selective, folds: OfFolds, wanted: str) -> Iterator[str]:
    """What models of folds answer, each by the threshold that it chose itself."""
    point, share = found.at_threshold, folds.share
    if point is None or folds.lowest is None or folds.highest is None:
        yield (
            f"How it does with --abstain is not known: no model of a fold found a threshold for {wanted} in its part "
            "of the rows."
        )
        return
    rows = f"{counted(found.n, 'row')}" if share == 1 else "rows"
    yield (
        f"Out of fold, with --abstain {percent(point.coverage.value)} of the {rows} are answered, each by the "
        f"threshold that the model of its fold chose itself, with an accuracy of {point.accuracy}; {wanted} was wanted."
        f" These thresholds are from {folds.lowest:.3f} to {folds.highest:.3f}, that of the model is "
        f"{point.threshold:.3f}; the further they lie apart, the less is known of how much it answers itself."
    )
    if share < 1:
        yield f"For {percent(1 - share)} of the rows the model of the fold found no such threshold; they are left out."
