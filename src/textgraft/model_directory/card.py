"""The model card ``README.md``: what a model directory says of itself to people, and to the Hugging Face Hub.

Sections after Mitchell et al. 2019, Model Cards for Model Reporting (arXiv:1810.03993). All of it comes from the
manifest and the files beside it, so the same directory gives the same card.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textgraft.encoders.sources import EMBEDDED
from textgraft.errors import ArtifactError, DataError, listed
from textgraft.evaluation import Evaluation, Interval
from textgraft.evaluation.parity import Parity
from textgraft.model_directory.manifest import CARD, Manifest
from textgraft.model_directory.method import MethodFacts

FILE = CARD
MOST_LABELS = 100  # in a table
FEW_ROWS = 50  # of a label in training, below which it is called rare
KNOWN = {  # what textgraft offers by name: its licence, as the Hub writes it, and its name on the Hub
    "all-MiniLM-L6-v2": ("apache-2.0", "sentence-transformers/all-MiniLM-L6-v2"),
    "glove.6B.50d": ("pddl", ""),
}
FIGURES = ("precision", "recall", "f1", "roc_auc", "average_precision")


def card(manifest: Manifest, facts: MethodFacts, folder: Path, name: str = "") -> str:
    """The model card of a directory.

    Args:
        manifest: of the model.
        facts: of its method.
        folder: where its files are.
        name: what the model is called; the folder's name where it is not given.

    Returns:
        Markdown with a head in YAML.
    """
    name = name or folder.name
    evaluation = _evaluation(manifest)
    sections = [
        ("", _intended(manifest, facts)),
        ("How to use it", _usage(manifest, facts, folder, name)),
        ("Training data", _training_data(manifest, facts)),
        ("How good it is", _quality(evaluation)),
        ("Calibration", _calibration(evaluation)),
        ("Weak spots", _weak_spots(manifest, evaluation)),
        ("Size and speed", _sizes(manifest, facts)),
        ("Exports", _exports(manifest, folder)),
        ("How it was made", _making(manifest)),
        ("Licences", _licences(manifest)),
    ]
    body = []
    for title, lines in sections:
        text = "\n".join(lines).strip()
        if text:
            body.append(f"## {title}\n\n{text}" if title else text)
    return f"{_head(manifest, facts)}\n\n# {_plain(name)}\n\n" + "\n\n".join(body) + "\n"


def write_card(
    manifest: Manifest, facts: MethodFacts, folder: Path, name: str = "", *, earlier: Manifest | None = None
) -> None:
    """Writes the card into a model directory; one that somebody has edited stays.

    Args:
        manifest: what the directory holds now.
        facts: of its method.
        folder: where to.
        name: see ``card``.
        earlier: what it held when the card in it was written.
    """
    path = folder / FILE
    if path.exists() and (earlier is None or not is_as_written(earlier, facts, folder)):
        return
    path.write_text(card(manifest, facts, folder, name), "utf-8")


def is_as_written(manifest: Manifest, facts: MethodFacts, folder: Path) -> bool:
    """Whether the card in a model directory is the one that ``card`` gives, by whatever name of the model."""
    path = folder / FILE
    if not path.is_file():
        return False
    text = path.read_text("utf-8", errors="replace")
    title = re.search(r"^# (.*)$", text, re.MULTILINE)
    return title is not None and text == card(manifest, facts, folder, title.group(1))


def file_name(path: str) -> str:
    """The last part of a path, of whatever system."""
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1]


def _head(manifest: Manifest, facts: MethodFacts) -> str:
    """The card's data for the Hub. What is not known is left out, since the Hub would show it as a fact."""
    tags = ["text-classification", "textgraft", manifest.method]
    if manifest.task["multi_label"]:
        tags.append("multi-label-classification")
    content: dict[str, Any] = {"library_name": "textgraft", "pipeline_tag": "text-classification", "tags": tags}
    encoder = manifest.parameters.get("encoder")
    if isinstance(encoder, str):
        licence, base = _origin(encoder)
        if base:
            content["base_model"] = base
        if licence and facts.is_encoder:  # the others do not hold its weights
            content["license"] = licence
    # JSON's strings and lists are YAML's too.
    return "\n".join(
        ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in content.items()), "---"]
    )


def _intended(manifest: Manifest, facts: MethodFacts) -> Iterator[str]:
    labels = manifest.task["labels"]
    gives = "any number of" if manifest.task["multi_label"] else "one of"
    yield (
        f"Gives a text {gives} {len(labels):,} labels ({_plain(listed(labels, 12))}), each with a probability. It is "
        f"{facts.summary}, made with textgraft."
    )
    yield ""
    yield (
        "It is meant for texts of the kind that it was trained on. Texts of another kind, language or time get labels "
        "all the same, and nothing here says how good these are: label some of them and evaluate."
    )


def _usage(manifest: Manifest, facts: MethodFacts, folder: Path, name: str) -> Iterator[str]:
    source = json.dumps(name, ensure_ascii=False)
    yield from ("```python", "import textgraft", "", f"model = textgraft.load({source})")
    yield from ('model.predict(["a text"])', 'model.predict_proba(["a text"])  # columns: model.classes_', "```")
    if not facts.is_encoder or not any(file.endswith(".safetensors") for file in manifest.files):
        return
    yield ""
    if _read_by_transformers(folder):
        yield from ("```python", "from transformers import pipeline", "")
        yield from (
            f'classify = pipeline("text-classification", {source}, top_k=None)',
            'classify("a text", truncation=True)',
        )
        yield "```"
        yield ""
        window = manifest.chosen.get("max_tokens", "its")
        yield (
            f"Both give the same probabilities, but for rounding, of a text that fits a window ({window} tokens). "
            "`transformers` cuts a longer one there."
        )
    else:
        yield (
            "`transformers` has no class for a classifier on the encoder half of T5: it would read this directory as a "
            "model with a decoder and a random head. Load it with textgraft."
        )
    if manifest.task["multi_label"]:
        told = ", ".join(
            f"{_plain(label)} {t:.2f}" for label, t in _pairs(manifest.task["labels"], manifest.thresholds)
        )
        yield f"\nA label is given from its threshold on: {told}. `transformers` does not know these."


def _training_data(manifest: Manifest, facts: MethodFacts) -> Iterator[str]:
    told = manifest.fitted_on
    if not told["rows"]:
        yield "Not known: the model was not trained by textgraft, but loaded from what `transformers` had saved."
        return
    files = listed((_code(file_name(file)) for file in told["files"]), 10)
    yield f"{told['rows']:,} texts from {files}, not included here. Their fingerprint is `{told['fingerprint']}`."
    if columns := told.get("columns"):
        names = [*columns["text"], *columns["label"]]
        yield f"Columns: {', '.join(map(_code, names))}."
    if facts.holds_of_texts:
        held = facts.holds_of_texts
        yield f"The model's files hold {held} that occur in these texts, which whoever has them can read."
    yield ""
    rows = [(label, f"{count:,}", f"{count / told['rows']:.1%}") for label, count in
            _pairs(manifest.task["labels"], told["counts"])]  # fmt: skip
    yield from _table(("label", "texts", "share"), rows)


def _quality(evaluation: Evaluation | None) -> Iterator[str]:
    if evaluation is None:
        yield "It was not evaluated on test data when it was saved. `textgraft evaluate` does that."
        return
    headline, floor = evaluation.headline, evaluation.floor
    beside = f"; always giving the majority of the training data: {floor[headline]}" if floor else ""
    yield f"On {evaluation.n:,} rows of test data: {headline} {evaluation.metrics[headline]}{beside}."
    yield "In brackets 95 % intervals."
    yield ""
    rows = [(metric, str(figure), _value(floor.get(metric))) for metric, figure in evaluation.metrics.items()]
    yield from _table(("metric", "value", "always the majority"), rows)
    yield ""
    per_label = [
        (label, f"{figures['support']:,}", *(_value(figures.get(name)) for name in FIGURES))
        for label, figures in evaluation.per_label.items()
    ]
    yield from _table(("label", "rows", *FIGURES), per_label)


def _calibration(evaluation: Evaluation | None) -> Iterator[str]:
    error = evaluation.metrics.get("ece") if evaluation else None
    if error is None:
        yield "Not measured: how far the probabilities can be believed is not known."
        return
    yield (
        f"The expected calibration error is {error}: by so much a probability is off on average. 0 is perfect; texts "
        "of another kind than the test data may be off by more."
    )


def _weak_spots(manifest: Manifest, evaluation: Evaluation | None) -> Iterator[str]:
    labels, told = manifest.task["labels"], manifest.fitted_on
    if evaluation is None:
        yield "- How it does on each label is not known, since it was not evaluated."
    else:
        yield from _weakest(evaluation)
        yield from _confused(evaluation)
        yield from (f"- {_plain(note)}" for note in evaluation.notes)
    if told["rows"]:
        rare = [f"{label} ({count:,})" for label, count in _pairs(labels, told["counts"]) if count < FEW_ROWS]
        if rare:
            yield f"- Fewer than {FEW_ROWS} training texts carry {_plain(listed(rare, 10))}."
    if cut := manifest.chosen.get("texts_cut"):
        yield f"- {cut:.1%} of the training texts are longer than what it reads; what stands behind is not seen."


def _weakest(evaluation: Evaluation) -> Iterator[str]:
    """Up to three labels with the lowest F1, of those that test rows carry."""
    scored = [
        (figure.value, label, figure)
        for label, figures in evaluation.per_label.items()
        if figures["support"] and isinstance(figure := figures.get("f1"), Interval) and figure.value < 1
    ]
    worst = sorted(scored, key=lambda one: one[:2])[:3]
    if worst:
        yield f"- The lowest F1: {_plain(', '.join(f'{label} {figure}' for _, label, figure in worst))}."


def _confused(evaluation: Evaluation) -> Iterator[str]:
    """Up to three pairs of labels that are most often taken for each other."""
    if evaluation.task.multi_label:
        return
    counts = evaluation.confusion - np.diag(np.diag(evaluation.confusion))
    rows, labels = evaluation.confusion.sum(axis=1), evaluation.task.labels
    order = [divmod(int(i), len(labels)) for i in np.argsort(-counts, axis=None, kind="stable")[:3]]
    for true, given in order:
        if counts[true, given]:
            yield (
                f"- {counts[true, given]:,} of {rows[true]:,} rows of {_plain(labels[true])} are taken for "
                f"{_plain(labels[given])}."
            )


def _sizes(manifest: Manifest, facts: MethodFacts) -> Iterator[str]:
    files = {file: told["bytes"] for file, told in manifest.files.items() if file != FILE}
    yield f"{_megabytes(sum(files.values()))} in all."
    encoder = manifest.parameters.get("encoder")
    if not facts.is_encoder and isinstance(encoder, str) and manifest.weights:
        yield f"The encoder {_plain(file_name(encoder))} is read besides; it is not in the directory."
    if speed := manifest.chosen.get("texts_per_second"):
        yield f"It was trained at {speed:,} texts a second ({_plain(str(manifest.chosen.get('device', '')))})."
    yield ""
    yield from _table(("file", "size"), [(file, _megabytes(size)) for file, size in sorted(files.items())])


def _exports(manifest: Manifest, folder: Path) -> Iterator[str]:
    exports = manifest.exported()
    if not exports:
        return
    yield "Its network is computed without PyTorch by these, each compared with the model on the same texts:"
    yield ""
    columns = ("runtime", "precision", "made as", "size", "largest difference", "equal labels", "metric", "texts/s")
    measured, rows = _measured(folder), []
    for export in exports:
        size = sum(manifest.files[file]["bytes"] for file in export.files)
        parity = measured.get((export.runtime, export.precision))
        figures = _parity_figures(parity) if parity else ("not known",) * 4
        rows.append((export.runtime, export.precision, export.recipe, _megabytes(size), *figures))
    yield from _table(columns, rows)


def _measured(folder: Path) -> dict[tuple[str, str], Parity]:
    """What ``parity.json`` says of each export, by runtime and precision."""
    try:
        told = json.loads((folder / "parity.json").read_text("utf-8"))["exports"]
        return {(one["runtime"], one["precision"]): Parity.from_dict(one["attempts"][-1]["parity"]) for one in told}
    except (OSError, ValueError, LookupError, TypeError, ArtifactError):
        return {}


def _parity_figures(parity: Parity) -> tuple[str, str, str, str]:
    metric = f"{parity.metric} {parity.before.value:.3f}, exported {parity.after.value:.3f}" if (
        parity.before and parity.after
    ) else ""  # fmt: skip
    speed = f"{parity.speed_after:,.0f}, torch in fp32 {parity.speed_before:,.0f}" if (
        parity.speed_before and parity.speed_after
    ) else ""  # fmt: skip
    equal = f"{parity.equal_labels:.1%} of {parity.texts:,} texts"
    return f"{parity.largest_difference:.2g}", equal, metric, speed


def _making(manifest: Manifest) -> Iterator[str]:
    given = {name: value for name, value in sorted(manifest.parameters.items()) if value is not None}
    settings = [_code(f"{name}={_shown(name, value)}") for name, value in given.items()]
    yield f"Settings: {', '.join(settings) or 'none'}."
    yield ""
    yield f"Versions: {', '.join(f'{name} {version}' for name, version in manifest.versions.items())}."


def _licences(manifest: Manifest) -> Iterator[str]:
    for part in ("encoder", "vectors"):
        source = manifest.parameters.get(part)
        if isinstance(source, str):
            licence, base = _origin(source)
            shown = _plain(base or file_name(source))
            yield f"- The {part} {shown}: {_plain(licence) if licence else 'unknown; look at its page'}."
    yield "- This model: whoever publishes it says so, as `license:` at the top of this file."


def _origin(source: str) -> tuple[str, str]:
    """The licence of an encoder or of vectors, and its name on the Hub; empty where they are not known."""
    if source in KNOWN:
        return KNOWN[source]
    if Path(source).is_dir():
        return _licence_in(Path(source) / FILE), ""
    return "", source if source not in EMBEDDED and re.fullmatch(r"[\w-]+/[\w.-]+", source) else ""


def _licence_in(readme: Path) -> str:
    """What the head of a model card says under ``license``."""
    if not readme.is_file():
        return ""
    head = re.match(r"---\n(.*?)\n---", readme.read_text("utf-8", errors="replace"), re.DOTALL)
    told = re.search(r"^license:\s*[\"']?([\w.-]+)", head.group(1), re.MULTILINE) if head else None
    return told.group(1) if told else ""


def _read_by_transformers(folder: Path) -> bool:
    config = folder / "config.json"
    kinds = (json.loads(config.read_text("utf-8")).get("architectures") or []) if config.is_file() else []
    return any(str(kind).endswith("ForSequenceClassification") for kind in kinds)


def _evaluation(manifest: Manifest) -> Evaluation | None:
    if manifest.evaluation is None:
        return None
    try:
        return Evaluation.from_dict(manifest.evaluation)
    except DataError:  # of an older textgraft
        return None


def _shown(name: str, value: object) -> str:
    """A hyperparameter; of a path only its end."""
    if isinstance(value, str):
        return file_name(value) if name in ("encoder", "vectors") and not _origin(value)[1] else value
    return json.dumps(value, ensure_ascii=False)


def _pairs(labels: Sequence[str], values: Sequence[Any]) -> list[tuple[str, Any]]:
    return list(zip(labels, values, strict=True))


def _value(figure: Interval | int | None) -> str:
    return "" if figure is None else str(figure)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table of Markdown; long ones end with how much was left out."""
    yield f"| {' | '.join(columns)} |"
    yield f"|---{'|--:' * (len(columns) - 1)}|"
    every = list(rows)
    for row in every[:MOST_LABELS]:
        yield f"| {' | '.join(map(_plain, row))} |"
    if len(every) > MOST_LABELS:
        yield f"\nand {len(every) - MOST_LABELS:,} more."


def _plain(text: str) -> str:
    """Text that Markdown takes for text: names of labels and files may hold anything."""
    return re.sub(r"([\\`*<>|]|(?<=\])\()", r"\\\1", " ".join(str(text).split()))


def _code(text: str) -> str:
    return f"`{' '.join(str(text).replace('`', chr(39)).split())}`"
