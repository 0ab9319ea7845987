"""Whether answers are as right as was wanted, sets hold what they should, and texts of a class never seen are found.

    python benchmarks/abstention.py                                   all of it
    python benchmarks/abstention.py --methods ngrams --rows 3000      a part

Emotion: a method is trained on the training file with the validation file; the threshold for 97 % is chosen on that,
and measured on the test file. Then the rows of both are shuffled and halved 200 times: chosen on one half, measured on
the other. AG News: one class is left out of training; the scope is chosen on training rows that were held out, and test
rows of the class are told from the others, beside the maximum probability alone. The exit code is 1 where a bound is
not met: the wanted accuracy is at most the upper end of the interval on emotion's test file, and the mean ROC-AUC of
the four classes is above that of the maximum probability alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import textgraft as tg
from harness import DATA
from textgraft.dataset import Dataset
from textgraft.evaluation.abstaining import choose_sets, choose_sureness
from textgraft.evaluation.inputs import check_predictions
from textgraft.methods import METHODS, TextClassifier

WANTED, COVERAGE, FALSE_ALARMS, HALVES = 0.97, 0.95, 0.05, 200


def emotion(folder: Path, model: TextClassifier) -> bool:
    """Prints what the threshold and the sets do on the test file; whether the interval holds the wanted accuracy."""
    train, valid, test = (tg.read_table(str(folder / "emotion" / f"{name}.txt")) for name in ("train", "val", "test"))
    model.set_params(abstain=WANTED).fit(train, valid=valid)
    found = tg.evaluate(model, test).selective
    if found is None or found.at_threshold is None:
        print(f"emotion, {model.method}: {model.notes_[-1]}")
        return False
    point = found.at_threshold
    of_all = found.curve[0].accuracy
    print(f"emotion, {model.method}: coverage {point.coverage}, accuracy {point.accuracy}, of all {of_all}")
    p = np.concatenate([model.predict_proba(data.texts) for data in (valid, test)])
    targets = np.concatenate([np.asarray(data.targets) for data in (valid, test)])
    rows = check_predictions(p, targets, model.task_, model.decision)
    rng, below, accuracies, coverages, held, sizes = np.random.default_rng(0), 0, [], [], [], []
    for _ in range(HALVES):
        order = rng.permutation(len(rows))
        here, there = (rows.select(half) for half in np.array_split(order, 2))
        sets = choose_sets(here, COVERAGE)
        members = sets.members(there.probabilities, there.predicted)
        held.append(members[np.arange(len(there)), there.targets].mean())
        sizes.append(members.sum(axis=1).mean())
        if (sureness := choose_sureness(here, WANTED)) is not None:
            answered = there.probabilities.max(axis=1) >= sureness.threshold
            accuracies.append((there.predicted == there.targets)[answered].mean())
            coverages.append(answered.mean())
            below += accuracies[-1] < WANTED
    print(
        f"  {HALVES} halves: chosen in {len(accuracies)}, accuracy {np.mean(accuracies):.4f} on average and below "
        f"{WANTED} in {below / HALVES:.1%}, coverage {np.mean(coverages):.3f}; sets hold {np.mean(held):.4f} with "
        f"{np.mean(sizes):.2f} labels"
    )
    return point.accuracy.high >= WANTED


def ag_news(folder: Path, method: str, rows: int) -> bool:
    """Prints ROC-AUC for each class left out; whether the mean is above that of the maximum probability alone."""
    train, test = (tg.read_table(str(folder / "ag_news" / f"{name}.csv")) for name in ("train", "test"))
    rng, ours, alone = np.random.default_rng(0), [], []

    def some(data: Dataset, label: int, most: int, *, of_it: bool) -> tuple[list[str], list[str]]:
        targets = np.asarray(data.targets)
        at = rng.permutation(np.flatnonzero((targets == label) == of_it))[:most]
        return [data.texts[i] for i in at], [data.task.labels[targets[i]] for i in at]

    for label, name in enumerate(train.task.labels):
        texts, labels = some(train, label, rows + 700, of_it=False)
        model = METHODS[method]().fit(texts[:rows], labels[:rows])
        tg.abstain(model, texts[rows:], labels[rows:], false_alarms=FALSE_ALARMS)
        outside = some(test, label, 600, of_it=True)[0]
        found = tg.evaluate(model, *some(test, label, 900, of_it=False), out_of_scope=outside).out_of_scope
        assert found is not None
        ours.append(found.auroc.value)
        alone.append(found.auroc_of_confidence.value)
        print(
            f"AG News without {name}, {method}, {rows:,} rows: ROC-AUC {found.auroc}, of the maximum probability alone "
            f"{found.auroc_of_confidence}; found {found.found}, false alarms {found.false_alarms}",
            flush=True,
        )
    print(f"AG News, {method}: mean {np.mean(ours):.3f}, of the maximum probability alone {np.mean(alone):.3f}")
    return float(np.mean(ours)) > float(np.mean(alone))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--methods", default="ngrams,features")
    parser.add_argument("--parts", default="emotion,ag_news")
    parser.add_argument("--rows", type=int, default=2000, help="of AG News to train on")
    given = parser.parse_args()
    met = []
    for method in given.methods.split(","):
        if "emotion" in given.parts:
            met.append(emotion(given.data, METHODS[method]()))
        if "ag_news" in given.parts:
            met.append(ag_news(given.data, method, given.rows))
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
