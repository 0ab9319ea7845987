"""The model card ``README.md``: what a model directory says of itself to people, and to the Hugging Face Hub.

Sections after Mitchell et al. 2019, Model Cards for Model Reporting (arXiv:1810.03993). All of it comes from the
manifest and the files beside it, so the same directory gives the same card. The wording is in ``card.md``.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from textgraft import progress
from textgraft.decision import Abstention
from textgraft.encoders.embedded import EMBEDDED
from textgraft.errors import ArtifactError, DataError, listed
from textgraft.evaluation import Evaluation
from textgraft.evaluation.names import COST, metric_name
from textgraft.evaluation.parity import Parity
from textgraft.evaluation.selective import Selective
from textgraft.model_directory.manifest import CARD, Manifest, read_manifest
from textgraft.model_directory.method import MethodFacts
from textgraft.report import Section
from textgraft.report.abstaining import about, at_threshold
from textgraft.report.evaluation import (
    OF_LABELS,
    RANKING,
    confused,
    further_notes,
    headline,
    metrics,
    per_label,
    weakest,
)
from textgraft.report.goals import goals_of_model
from textgraft.report.markdown import code, table, text
from textgraft.unicode import shown_name
from textgraft.wording import counted, decimal, megabytes, percent

FILE = CARD
ENCODER_WEIGHTS = "model.safetensors"  # of a fine-tuned one, which it holds itself
MOST_ROWS = 100  # of a table
MOST_COSTS = 12  # labels whose costs are shown
FEW_ROWS = 50  # of a label in training, below which it is called rare
KNOWN = {  # what textgraft offers by name: its licence, as the Hub writes it, and its name on the Hub
    **{name: (encoder.licence, encoder.hub) for name, encoder in EMBEDDED.items()},
    "glove.6B.50d": ("pddl", ""),
}


def card(manifest: Manifest, facts: MethodFacts, folder: Path, name: str = "", *, earlier_wording: bool = False) -> str:
    """The model card of a directory.

    Args:
        manifest: of the model.
        facts: of its method.
        folder: where its files are.
        name: what the model is called; the folder's name where it is not given.
        earlier_wording: as cards were written before their hash stood in the manifest, with JSON's names of metrics.

    Returns:
        Markdown with a head in YAML.
    """
    name = shown_name(name or folder.name)
    values = {
        "head": _head(manifest, facts),
        "name": text(name),
        "source": json.dumps(name, ensure_ascii=False),
        "gives": "any number of" if manifest.task["multi_label"] else "one of",
        "n_labels": f"{len(manifest.task['labels']):,}",
        "labels": text(listed(manifest.task["labels"], 12)),
        "summary": facts.summary,
        **_reader(manifest, facts, folder),
        **_training_data(manifest, facts),
        "goals": "\n".join(
            f"- {text(sentence)}"
            for sentence in goals_of_model(
                manifest.goals[:MOST_ROWS], manifest.thresholds, manifest.task, manifest.evaluation
            )
        ),
        "abstention": "\n".join(f"- {text(sentence)}" for sentence in _abstention(manifest)),
        **_quality(manifest, earlier_wording),
        **_size(manifest, facts),
        "exports": _exports(manifest, folder, str if earlier_wording else metric_name),
        **_making(manifest),
    }
    return _filled((files("textgraft.model_directory") / "card.md").read_text("utf-8"), values)


def write_card(manifest: Manifest, facts: MethodFacts, folder: Path, name: str, replaced: Iterable[Path]) -> Manifest:
    """Writes the card of a model directory that is being made; one that somebody has edited is taken over.

    Args:
        manifest: of the model.
        facts: of its method.
        folder: where to.
        name: what the model is called.
        replaced: the places of directories that the new one comes from or replaces; the first edited card stays.

    Returns:
        The manifest with the card's hash.
    """
    for place in replaced:
        if _is_edited(place, facts):
            shutil.copyfile(place / FILE, folder / FILE)
            progress.say(f"{place / FILE} is not as textgraft wrote it and stays; delete it to have it written anew.")
            return replace(manifest, card=None)
    content = card(manifest, facts, folder, name)
    (folder / FILE).write_text(content, "utf-8")
    return replace(manifest, card=digest(content))


def is_as_written(manifest: Manifest, facts: MethodFacts, folder: Path) -> bool:
    """Whether the card in a model directory is as textgraft wrote it, whatever the model was called then."""
    if not (folder / FILE).is_file():
        return False
    content = (folder / FILE).read_text("utf-8", errors="replace")
    if manifest.card is not None:
        return digest(content) == manifest.card
    title = re.search(r"^# (.*)$", content, re.MULTILINE)
    name = re.sub(r"\\(.)", r"\1", title.group(1)) if title else ""
    return content == card(manifest, facts, folder, name, earlier_wording=True)


def digest(content: str) -> str:
    """The hash of a card, which does not depend on the line ends of a system."""
    return hashlib.sha256(content.encode("utf-8", errors="replace")).hexdigest()


def file_name(path: str) -> str:
    """The last part of a path, of whatever system."""
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1]


def _is_edited(place: Path, facts: MethodFacts) -> bool:
    if not (place / FILE).is_file():
        return False
    try:
        return not is_as_written(read_manifest(place), facts, place)
    except (ArtifactError, ValueError, LookupError, TypeError):  # of a damaged model nobody knows
        return True


def _filled(template: str, values: dict[str, str]) -> str:
    """A template with ``$name`` as values, and ``<!-- if name -->`` to ``<!-- end -->`` only where there is a value."""

    def chosen(block: re.Match[str]) -> str:
        return block["inner"] if bool(values[block["name"]]) is not bool(block["without"]) else ""

    blocks = re.compile(r"<!-- if (?P<without>not )?(?P<name>\w+) -->\n(?P<inner>.*?)<!-- end -->\n", re.DOTALL)
    filled = Template(blocks.sub(chosen, template)).substitute(values)
    return re.sub(r"\n{3,}", "\n\n", filled)


def _head(manifest: Manifest, facts: MethodFacts) -> str:
    """The card's data for the Hub. What is not known is left out, since the Hub would show it as a fact."""
    tags = ["text-classification", "textgraft", manifest.method]
    if manifest.task["multi_label"]:
        tags.append("multi-label-classification")
    content: dict[str, Any] = {"library_name": "textgraft", "pipeline_tag": "text-classification", "tags": tags}
    encoder = _source(manifest, "encoder")
    if encoder is not None:
        licence, base = _origin(encoder)
        if base:
            content["base_model"] = base
        if licence and facts.is_encoder:  # the others do not hold its weights
            content["license"] = licence
    # JSON's strings and lists are YAML's too.
    return "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in content.items())


def _reader(manifest: Manifest, facts: MethodFacts, folder: Path) -> dict[str, str]:
    """Whether ``transformers`` reads the model, and what it does not know of it."""
    read = facts.is_encoder and any(file.endswith(".safetensors") for file in manifest.files)
    config = folder / "config.json"
    kinds = (json.loads(config.read_text("utf-8")).get("architectures") or []) if config.is_file() else []
    whole = any(str(kind).endswith("ForSequenceClassification") for kind in kinds)
    labels = manifest.task["labels"]
    several, equal = manifest.task["multi_label"], len(set(manifest.thresholds)) == 1
    shown = read if several else manifest.costs is None and not equal
    thresholds = listed(
        (f"{text(label)} {t:.2f}" for label, t in zip(labels, manifest.thresholds, strict=True)), MOST_ROWS
    )
    metric = manifest.parameters.get("metric")
    return {
        "read_by_transformers": "yes" if read and whole else "",
        "read_as_t5": "yes" if read and not whole else "",
        "window": str(manifest.chosen.get("max_tokens", "its")),
        "thresholds": thresholds if shown and several else "",
        "relative_thresholds": thresholds if shown and not several else "",
        "metric": "" if metric is None else text(metric_name(metric if isinstance(metric, str) else COST)),
        "costs": "" if manifest.costs is None else _costs(labels, manifest.costs),
    }


def _abstention(manifest: Manifest) -> Iterator[str]:
    """What was chosen, and what it did on test data that was evaluated with it."""
    abstention = Abstention.from_dict(manifest.abstention or {})
    yield from about(abstention)
    with suppress(LookupError, TypeError, ValueError, AttributeError):  # of an older textgraft
        measured = Selective.from_dict((manifest.evaluation or {})["selective"])
        yield from filter(None, [at_threshold(measured, abstention)])


def _costs(labels: list[str], costs: list[list[float]]) -> str:
    rows = tuple((label, *(f"{cost:g}" for cost in row[:MOST_COSTS])) for label, row in zip(labels, costs, strict=True))
    columns = ("", *labels[:MOST_COSTS], *(["..."] if len(labels) > MOST_COSTS else []))
    rows = tuple((*row, "") for row in rows) if len(labels) > MOST_COSTS else rows
    return table(Section("", columns, rows).first(MOST_COSTS))


def _training_data(manifest: Manifest, facts: MethodFacts) -> dict[str, str]:
    data = manifest.fitted_on
    known = bool(data["rows"])
    columns = [*data["columns"]["text"], *data["columns"]["label"]] if known and data.get("columns") else []
    counts = zip(manifest.task["labels"], data["counts"], strict=True) if known else ()
    rows = tuple((label, f"{count:,}", percent(count / data["rows"])) for label, count in counts)
    return {
        "rows": f"{data['rows']:,}" if known else "",
        "files": listed((code(file_name(file)) for file in data["files"]), 10),
        "fingerprint": data["fingerprint"],
        "columns": listed(map(code, columns), MOST_ROWS),
        "weights": " to ".join(f"{weight:g}" for weight in data.get("weights") or ()),
        "holds_of_texts": facts.holds_of_texts if known else "",
        "vectors_kept": f"{vectors:,}" if (vectors := manifest.chosen.get("vectors_kept")) else "",
        "label_counts": table(Section("", ("label", "texts", "share"), rows).first(MOST_ROWS)) if known else "",
    }


def _quality(manifest: Manifest, earlier_wording: bool) -> dict[str, str]:
    """Figures on test data, and where it is weak."""
    evaluation = None
    if manifest.evaluation is not None:
        with suppress(DataError):  # of an older textgraft
            evaluation = Evaluation.from_dict(manifest.evaluation)
    spots = list(_weak_spots(manifest, evaluation, earlier_wording))
    values = dict.fromkeys(("headline", "metrics", "per_label", "calibration_error"), "")
    values["weak_spots"] = "\n".join(f"- {text(spot)}" for spot in spots)
    if evaluation is None:
        return values
    first, overall, labels = (
        _earlier_figures(evaluation)
        if earlier_wording
        else (
            text(headline(evaluation)),
            metrics(evaluation, every=True),
            per_label(evaluation, (*OF_LABELS, *RANKING), most=MOST_ROWS, intervals=True),
        )
    )
    return values | {
        "headline": first,
        "metrics": table(overall.first(MOST_ROWS)),
        "per_label": table(labels.first(MOST_ROWS)),
        "calibration_error": str(evaluation.metrics.get("ece", "")),
    }


def _earlier_figures(evaluation: Evaluation) -> tuple[str, Section, Section]:
    """The figures as cards had them whose hash does not stand in the manifest."""
    name, floor = evaluation.headline, evaluation.floor
    majority = f"; always giving the majority of the training data: {floor[name]}" if floor else ""
    every = [(name, str(figure), str(floor.get(name, ""))) for name, figure in evaluation.metrics.items()]
    of_labels = (*OF_LABELS, *RANKING)
    labels = [
        (label, f"{figures['support']:,}", *(str(figures.get(name, "")) for name in of_labels))
        for label, figures in evaluation.per_label.items()
    ]
    return (
        f"On {evaluation.n:,} rows of test data: {name} {evaluation.metrics[name]}{majority}.",
        Section("", ("metric", "value", "always the majority"), tuple(every)),
        Section("", ("label", "rows", *of_labels), tuple(labels)),
    )


def _weak_spots(manifest: Manifest, evaluation: Evaluation | None, earlier_wording: bool) -> Iterator[str]:
    if evaluation is None:
        yield "How it does on each label is not known, since it was not evaluated."
    else:
        yield from weakest(evaluation)
        yield from confused(evaluation)
        yield from evaluation.notes if earlier_wording else further_notes(evaluation)
        if not earlier_wording:
            yield from (f"Leak: {leak}" for leak in (manifest.evaluation or {}).get("leaks", ()))
    if manifest.fitted_on["rows"]:
        counts = zip(manifest.task["labels"], manifest.fitted_on["counts"], strict=True)
        rare = [f"{label} ({count:,})" for label, count in counts if count < FEW_ROWS]
        if rare:
            yield f"Fewer than {FEW_ROWS} training texts carry {listed(rare, 10)}."
    if cut := manifest.chosen.get("texts_cut"):
        yield f"{percent(cut)} of the training texts are longer than what it reads; what stands behind is not seen."


def _size(manifest: Manifest, facts: MethodFacts) -> dict[str, str]:
    sizes = {file: described["bytes"] for file, described in manifest.files.items() if file != FILE}
    rows = tuple((file, megabytes(size)) for file, size in sorted(sizes.items()))
    encoder = _source(manifest, "encoder")
    outside = encoder is not None and manifest.weights and ENCODER_WEIGHTS not in sizes and not facts.is_encoder
    speed = manifest.chosen.get("texts_per_second")
    return {
        "size": megabytes(sum(sizes.values())),
        "outside_encoder": text(file_name(str(encoder))) if outside else "",
        "speed": f"{speed:,}" if speed else "",
        "device": text(str(manifest.chosen.get("device", ""))),
        "file_sizes": table(Section("", ("file", "size"), rows).first(MOST_ROWS)),
    }


def _exports(manifest: Manifest, folder: Path, called: Callable[[str], str]) -> str:
    columns = ("runtime", "precision", "made as", "size", "largest difference", "equal labels", "metric", "texts/s")
    measured, rows = _measured(folder), []
    for export in manifest.exported():
        size = sum(manifest.files[file]["bytes"] for file in export.files)
        parity = measured.get((export.runtime, export.precision))
        figures = _parity_figures(parity, called) if parity else ("not known",) * 4
        rows.append((export.runtime, export.precision, export.recipe, megabytes(size), *figures))
    return table(Section("", columns, tuple(rows)).first(MOST_ROWS)) if rows else ""


def _measured(folder: Path) -> dict[tuple[str, str], Parity]:
    """What ``parity.json`` says of each export, by runtime and precision."""
    try:
        exports = json.loads((folder / "parity.json").read_text("utf-8"))["exports"]
        return {(e["runtime"], e["precision"]): Parity.from_dict(e["attempts"][-1]["parity"]) for e in exports}
    except (OSError, ValueError, LookupError, TypeError, ArtifactError):
        return {}


def _parity_figures(parity: Parity, called: Callable[[str], str]) -> tuple[str, str, str, str]:
    before, after, metric, speed = parity.before, parity.after, "", ""
    if before and after:
        metric = f"{called(parity.metric)} {decimal(before.value)}, exported {decimal(after.value)}"
    if parity.speed_before and parity.speed_after:
        speed = f"{parity.speed_after:,.0f}, torch in fp32 {parity.speed_before:,.0f}"
    equal = f"{percent(parity.equal_labels)} of {counted(parity.texts, 'text')}"
    return f"{parity.largest_difference:.2g}", equal, metric, speed


def _making(manifest: Manifest) -> dict[str, str]:
    given = {name: value for name, value in sorted(manifest.parameters.items()) if value is not None}
    licences = {}
    for part in ("encoder", "vectors"):
        source = _source(manifest, part)
        licences[f"{part}_licence"] = "" if source is None else _licence(source)
    return {
        "settings": ", ".join(code(f"{name}={_shown(name, value)}") for name, value in given.items()) or "none",
        "versions": ", ".join(f"{name} {version}" for name, version in manifest.versions.items()),
        **licences,
    }


def _source(manifest: Manifest, part: str) -> str | None:
    """The encoder or the vectors that it, or the first member of it, was made with."""
    members = manifest.parameters.get("members") or ()
    given = [manifest.parameters, *(member["parameters"] for member in members if isinstance(member, dict))]
    return next((each[part] for each in given if isinstance(each.get(part), str)), None)


def _licence(source: str) -> str:
    licence, base = _origin(source)
    return f"{text(base or file_name(source))}: {text(licence) if licence else 'unknown; look at its page'}"


def _origin(source: str) -> tuple[str, str]:
    """The licence of an encoder or of vectors, and its name on the Hub; empty where they are not known."""
    if source in KNOWN:
        return KNOWN[source]
    if Path(source).is_dir():
        return _licence_in(Path(source) / FILE), ""
    return "", source if re.fullmatch(r"[\w-]+/[\w.-]+", source) else ""


def _licence_in(readme: Path) -> str:
    """What the head of a model card says under ``license``."""
    if not readme.is_file():
        return ""
    head = re.match(r"---\n(.*?)\n---", readme.read_text("utf-8", errors="replace"), re.DOTALL)
    licence = re.search(r"^license:\s*[\"']?([\w.-]+)", head.group(1), re.MULTILINE) if head else None
    return licence.group(1) if licence else ""


def _shown(name: str, value: object) -> str:
    """A hyperparameter; of a path only its end, and of costs only that there are some."""
    if name == "metric" and not isinstance(value, str):
        return "costs"
    if name == "members" and isinstance(value, list):
        return ",".join(str(member["method"] if isinstance(member, dict) else member) for member in value)
    if isinstance(value, str):
        return file_name(value) if name in ("encoder", "vectors") and not _origin(value)[1] else value
    return json.dumps(value, ensure_ascii=False)
