"""The chapters of a story that show what an evaluation, a comparison, a search, a training and an audit found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from textgraft import charts
from textgraft.charts import Picture
from textgraft.data.audit import Audit
from textgraft.evaluation import Evaluation, Interval, Recommendation
from textgraft.evaluation.confusion import Confusion
from textgraft.evaluation.names import metric_name
from textgraft.evaluation.reliability import Bin
from textgraft.evaluation.seeds import OverSeeds
from textgraft.evaluation.selective import Answered, Selective
from textgraft.report.abstaining import abstaining
from textgraft.report.audit import audit_report
from textgraft.report.comparison import Comparison, comparison_report
from textgraft.report.curve import Curves, curve_sections
from textgraft.report.evaluation import OF_LABELS, confused, further_notes, headline, metrics, per_label
from textgraft.report.goals import goals_sections
from textgraft.report.map import map_report
from textgraft.report.search import Search, search_report
from textgraft.report.section import Section
from textgraft.report.seeds import seeds_of_one
from textgraft.report.story import (
    Action,
    Actions,
    Block,
    Chapter,
    Figure,
    Folded,
    Lead,
    MapSheet,
    Matrix,
    PerLabel,
    RowList,
)
from textgraft.wording import counted, decimal, percent

MOST_LABELS = 200  # in a table
IN_ROWS = ("texts", "lengths", "files", "file", "number")  # of a map: the list of rows has them
CORRECTING = "This writes all suspected rows of the table as a CSV to correct; apply-corrections reads it back."
CLICK = "Click on a count, or press Enter on it, to list its texts."


def verdict(evaluation: Evaluation, confidence: Bin | None, first: str = "") -> Chapter:
    """How good it is, in two sentences: the figure with what stands behind it, and what to trust."""
    sentences = (first or headline(evaluation), " ".join(_trust(evaluation, confidence)))
    said = [sentence for sentence in sentences if sentence]
    return Chapter("verdict", "In short", tuple(map(Lead, said)), said)


def next_steps(actions: Sequence[Action]) -> Chapter:
    """What to do next."""
    nothing = Section(sentences=("No rule found anything that the figures would support doing.",))
    blocks: tuple[Block, ...] = (Actions(tuple(actions)),) if actions else (nothing,)
    return Chapter("actions", "What to do next", blocks, [dict(vars(action)) for action in actions])


def audited(audit: Audit, called: str) -> Chapter:
    """What is in the table."""
    sections = [section for section in audit_report(called, audit).sections if not section.is_empty]
    told = tuple(section for section in sections if section.columns)
    todo = tuple(replace(section, title="") for section in sections if section.title == "What to do")
    rows = ", ".join(
        f"{counted(part.rows, 'row')}{f' of {name}' * (name != 'all')}" for name, part in audit.parts.items()
    )
    about = Section(sentences=(f"{rows}; {counted(len(audit.task), 'label')}.",))
    return Chapter("audit", "The data", (about, *todo, Folded("All that was found", told)), audit.to_dict())


def compared(comparison: Comparison, figures: Mapping[str, Any]) -> Chapter:
    """The methods beside each other: how good, and at what cost."""
    found = comparison.recommendation
    called = found.called
    rows = []
    for method in comparison.results:
        figure = method.evaluation.metrics[found.metric]
        rows.append(_whisker(method.name, figure, found.name) | {"cost": method.train_seconds})
    bars = (m.evaluation.metrics[found.metric].value for m in comparison.results if m.model.is_floor)
    bar = next((value for value in bars if not math.isnan(value)), None)
    table, *others = [section for section in comparison_report(comparison).sections[1:] if not section.is_empty]
    blocks: list[Block] = []
    if drawn := [row for row in rows if row["value"] is not None][: charts.MOST_DRAWN]:
        quality = charts.whiskers(drawn, called, bar)
        cost = charts.cost_quality(drawn, called)
        blocks += [
            Figure(quality, f"{_upper(called)} of each method with its 95 % interval{_in_colour(found)}."),
            Figure(cost, f"{_upper(called)} against the seconds that training took."),
        ]
    return Chapter("comparison", "The methods", (*blocks, table, *others), dict(figures))


def choice(comparison: Comparison) -> str:
    """What to take, and what to expect of it."""
    return " ".join(comparison_report(comparison).sections[0].sentences)


def searched(search: Search, figures: Mapping[str, Any]) -> Chapter:
    """All that a search tried."""
    tried = [each for each in search.tried if each.value is not None][: charts.MOST_DRAWN]
    rows = [_whisker(each.name, each.value, search.name) for each in tried if each.value is not None]
    table = next(section for section in search_report(search).sections if section.columns)
    caption = f"{_upper(search.called)}, out of fold, of what was scored at full size; the choice in colour."
    blocks: tuple[Block, ...] = (table,)
    if rows:
        blocks = (Figure(charts.whiskers(rows, search.called), caption), table)
    return Chapter("search", "What was tried", blocks, dict(figures))


def measured(evaluation: Evaluation, leaks: Sequence[str]) -> Chapter:
    """All metrics, and what to keep in mind with them."""
    remarks = Section("Keep in mind", sentences=(*(f"Leak: {leak}" for leak in leaks), *further_notes(evaluation)))
    blocks = [section for section in (metrics(evaluation, every=True), remarks) if not section.is_empty]
    return Chapter("metrics", "The figures", tuple(blocks), evaluation.to_dict())


def confusion(evaluation: Evaluation, *, listed: bool) -> Chapter:
    """Which labels are taken for which; ``listed`` says whether there are rows to list."""
    labels = evaluation.task.labels
    how = Section(sentences=(CLICK,)) if listed else None
    if not isinstance(evaluation.confused, Confusion):
        counts = tuple((int(t[1, 1]), int(t[1, 0]), int(t[0, 1])) for t in evaluation.confused)
        blocks = (PerLabel(labels, counts), how)
        figures: Any = [dict(zip(("label", "hits", "misses", "false_alarms"), row, strict=True)) for row in
                        ((label, *each) for label, each in zip(labels, counts, strict=True))]  # fmt: skip
        return Chapter("confusion", "Hits and misses", tuple(filter(None, blocks)), figures)
    pairs = evaluation.confused
    cells = tuple(zip(pairs.true.tolist(), pairs.predicted.tolist(), pairs.rows.tolist(), strict=True))
    totals = tuple(int(evaluation.per_label[label]["support"]) for label in labels)  # type: ignore[arg-type]
    said = Section(sentences=tuple(confused(evaluation)))
    shades = "Rows are the true labels, columns the predicted ones; the darker, the larger the share of the row."
    about = Section(sentences=(f"{shades} {CLICK if listed else ''}".strip(),))
    return Chapter("confusion", "What is taken for what", (about, Matrix(labels, cells, totals), said), pairs.plain())


def labelled(evaluation: Evaluation) -> Chapter:
    """Precision, recall and F1 of each label."""
    blocks: list[Block] = []
    if any(figures["support"] for figures in evaluation.per_label.values()):
        more = f"; the first {charts.MOST_DRAWN} labels" if len(evaluation.per_label) > charts.MOST_DRAWN else ""
        blocks.append(Figure(evaluation.plot_labels(), f"With 95 % intervals{more}."))
    blocks.append(per_label(evaluation, OF_LABELS, most=MOST_LABELS, intervals=True))
    blocks.extend(goals_sections(evaluation))
    return Chapter("labels", "Each label", tuple(blocks))


def calibrated(evaluation: Evaluation, before: Sequence[Bin], losses: Mapping[str, Evaluation]) -> Chapter:
    """Whether probabilities can be taken at their word, with calibration and without.

    Args:
        evaluation: of the answers as they are given.
        before: the bins without calibration; empty where that is not known.
        losses: evaluations to show scores of, by name: as it answers and, where that is known, without calibration.
    """
    bins = [dict(vars(each)) for each in evaluation.reliability]
    if not bins:
        return Chapter("calibration", "Probabilities", ())
    of = "Of a label, each" if evaluation.task.multi_label else "Each"
    caption = (
        f"{of} dot: answers of about the same probability, and the share of them that is right with its 95 % interval. "
        "On the line, probabilities can be taken at their word; below it they are too high."
    )
    table = Section(
        "Answers by probability",
        ("stated", "right (95 % interval)", "answers"),
        tuple(
            (decimal(b["stated"]), f"{b['right']:.3f} [{b['low']:.3f}, {b['high']:.3f}]", f"{b['rows']:,}")
            for b in bins
        ),
        numbers=(0, 1, 2),
    )
    drawn = charts.reliability(bins, [dict(vars(each)) for each in before])
    names = [name for name in ("log_loss", "brier_score_loss", "ece") if name in evaluation.metrics]
    scores = Section(
        "Lower is better",
        ("", *map(metric_name, names)),
        tuple((called, *(str(each.metrics[name]) for name in names)) for called, each in losses.items()),
        numbers=tuple(range(1, len(names) + 1)),
    )
    figures = {"bins": bins, "bins_without_calibration": [dict(vars(each)) for each in before]} | {
        "without_calibration": {name: each.to_dict() for name, each in losses["without calibration"].metrics.items()}
        if "without calibration" in losses
        else None
    }
    return Chapter("calibration", "Can the probabilities be trusted?", (Figure(drawn, caption, table), scores), figures)


def over_seeds(method: str, found: OverSeeds, evaluation: Evaluation) -> Chapter:
    """What the seed of the training changes."""
    return Chapter("seeds", "Other seeds", (seeds_of_one(method, found, evaluation),), found.to_dict())


def covered(points: Sequence[Answered], found: Selective | None = None) -> Chapter:
    """What answering only where it is sure would bring, and what the model's own threshold brings."""
    rows = [
        {"threshold": each.threshold, "coverage": each.coverage.value}
        | {"right": each.accuracy.value, "low": each.accuracy.low, "high": each.accuracy.high}
        for each in points
    ]
    table = Section(
        "Thresholds",
        ("from a probability of", "answered", "right of these (95 % interval)"),
        tuple(
            (decimal(p["threshold"]), percent(p["coverage"]), f"{p['right']:.3f} [{p['low']:.3f}, {p['high']:.3f}]")
            for p in rows[:: max(1, len(rows) // 20)]
        ),
        numbers=(0, 1, 2),
    )
    caption = (
        "If only the surest answers are given and the others left to people: how many are right, against how many are "
        "answered. A threshold that is read off here is chosen on these rows; check it on others."
    )
    own = [Section(sentences=said)] if found is not None and (said := tuple(abstaining(found))) else []
    return Chapter(
        "coverage", "Answering only where it is sure", (Figure(charts.coverage_risk(rows), caption, table), *own), rows
    )


def trained(entries: Sequence[Mapping[str, Any]], called: str) -> Chapter:
    """How a training went."""
    best = [entry for entry in entries if entry.get("best")]
    caption = f"{len(entries):,} steps"
    if best:
        caption += f"; the best {called} is {best[-1]['score']:.3f}, of epoch {best[-1].get('epoch')}"
    scored = [{k: e[k] for k in ("epoch", "step", "score") if k in e} for e in entries if e.get("score") is not None]
    picture = charts.learning_curve(entries, called)
    return Chapter("training", "The training", (Figure(picture, f"{caption}."),), scored)


def curve(found: Curves, figures: Mapping[str, Any]) -> Chapter:
    """What more rows of training would bring."""
    lead, *others = curve_sections(found)
    more = " The dashed lines and bands are forecasts." if any(each.forecasts for each in found.curves) else ""
    caption = f"{_upper(found.metric)} on {found.tested_on} against the rows of training, with 95 % intervals.{more}"
    picture = charts.score_curve(figures["curves"], found.metric)
    return Chapter("curve", "What more rows would bring", (lead, Figure(picture, caption), *others), dict(figures))


def mapped(content: Mapping[str, Any], density: Picture, *, of: int) -> Chapter:
    """The rows laid out so that similar texts are neighbours; ``of`` is how many there are."""
    n = len(content["points"])
    sample = [f"They are {n:,} of {of:,} rows: the highest losses and rows drawn evenly."] if of > n else []
    about = Section(sentences=(" ".join([content["about"], *sample, *content["notes"]]),))
    own = {name: value for name, value in content.items() if name not in IN_ROWS}
    (table,) = map_report(content).sections
    caption = "How dense each label lies: the darkest hexagon of each is its densest one."
    blocks = (about, MapSheet(own), replace(table, sentences=table.sentences[1 + len(content["notes"]) :]))
    return Chapter("map", "The map", (*blocks, Figure(density, caption)), own)


def further(missing: Sequence[str], command: str) -> Chapter:
    """What else the report could have, and the command that adds it."""
    if not missing:
        return Chapter("further", "What else could be looked at", ())
    said = f"Left out, since it takes longer: {', '.join(missing)}."
    section = Section(sentences=(said,), commands=(command,) if command else ())
    return Chapter("further", "What else could be looked at", (section,))


def rows_chapter(*, holds_texts: bool) -> Chapter:
    """The list of rows."""
    title = "Read the errors" if holds_texts else "The rows"
    return Chapter("texts", title, (RowList(),))


def made(facts: Mapping[str, str], commands: Sequence[str], versions: Mapping[str, str]) -> Chapter:
    """How it was made, so that it can be made again."""
    table = Section("", ("", "value"), tuple(facts.items()))
    again = Section("To make it again", commands=tuple(commands))
    libraries = Section("With", sentences=(", ".join(f"{name} {version}" for name, version in versions.items()),))
    blocks = tuple(section for section in (table, again, libraries) if not section.is_empty)
    figures = {"facts": dict(facts), "commands": list(commands), "versions": dict(versions)}
    return Chapter("made", "How it was made", blocks, figures)


def _trust(evaluation: Evaluation, confidence: Bin | None) -> Iterator[str]:
    worst = next(iter(confused(evaluation)), "")
    if worst:
        yield f"Most often wrong: {worst[0].lower()}{worst[1:]}" if worst[0].isalpha() else f"Most often wrong: {worst}"
    if confidence is not None:
        right = f"{confidence.right:.3f} [{confidence.low:.3f}, {confidence.high:.3f}]"
        stated = f"it states {confidence.stated:.3f} on average and is right in {right}"
        if confidence.stated > confidence.high:
            yield f"Its probabilities are too high: {stated}."
        elif confidence.stated < confidence.low:
            yield f"Its probabilities are too low: {stated}."
        else:
            yield f"On average its probabilities can be taken at their word: {stated}."


def _whisker(name: str, figure: Interval, chosen: str | None = None) -> dict[str, Any]:
    return {"name": name, "chosen": name == chosen} | figure.to_dict()


def _in_colour(found: Recommendation) -> str:
    return "" if found.name is None else f"; {found.name}, which is recommended, in colour"


def _upper(called: str) -> str:
    return called[0].upper() + called[1:]
