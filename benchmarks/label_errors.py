"""Label errors: labels of real tables flipped on purpose, ranked by textgraft and by cleanlab.

    python benchmarks/label_errors.py --peer ../cleanlab/bin/python
    python benchmarks/label_errors.py --tables ag_news --rates 0.05 --peer ../cleanlab/bin/python

Flips 5 % and 20 % of the labels, to any other label or to the one that it is confused with most, and predicts all rows
out of fold with n-grams. On the same probabilities: textgraft's ranking; sorting by the loss, which is cleanlab's
self-confidence; cleanlab's other rankings; and Datalab's scores. Average precision is of finding the flipped rows; the
labels that are wrong in the table itself count as false finds for everybody. Precision and recall are of the rows that
each calls errors. Then seconds and memory of 200,000 rows with 100 labels, probabilities alone. ``--peer`` is a Python
that has cleanlab with its ``datalab`` extra. The exit code is 1 if a bound was not met or a process failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from harness import Bench, Bounds, Figures, head, places_of_files, report, run_job, some_of

TABLES = {"ag_news": "train.csv", "emotion": "train.txt", "climate": "tweets.csv"}
KINDS = ("random", "confusable")
BOUNDED = ("ag_news",)
SCALE: Bounds = {"peak_mb": ("<=", 4_000), "ranking_s": ("<=", 30)}
RANKINGS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
FOLDS = 5
NOTE = """\
Average precision of finding the flipped rows. What counts of rates and votes was chosen on AG News and emotion; climate
played no part in it. Labels that are wrong in the tables themselves count as false finds for everybody."""


class OfTwoPythons(Bench):
    """Runs what cleanlab does in the Python that has it."""

    peer = sys.executable

    def command(self, job: dict[str, Any]) -> list[str]:
        return [self.peer if job["do"].startswith("cleanlab") else sys.executable, str(self.script)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=some_of(TABLES), default=list(TABLES))
    parser.add_argument("--rates", type=lambda given: [float(rate) for rate in given.split(",")], default=[0.05, 0.2])
    parser.add_argument("--rows", type=int, default=10_000, help="the first so many of each table")
    parser.add_argument("--peer", help="a Python with cleanlab; without it there is nothing to compare with")
    places_of_files(parser)
    options = parser.parse_args()
    bench = OfTwoPythons("label_errors.py", options.log)
    bench.peer = options.peer or bench.peer
    lines = [*head(f"Flipped labels in the first {options.rows:,} rows, n-grams in {FOLDS} folds"), *_header()]
    verdicts = []
    with tempfile.TemporaryDirectory() as scratch:
        for table, rate, kind in product(options.tables, options.rates, KINDS):
            place = str(Path(scratch) / "probabilities.npz")
            path = str(options.data.resolve() / table / TABLES[table])
            job = {"data": path, "rows": options.rows, "rate": rate, "kind": kind, "place": place}
            ours = bench.process({"do": "flipped"} | job)
            peer = bench.process({"do": "cleanlab"} | job) if options.peer and ours else None
            if ours:
                lines.append(_line(f"{table}, {rate:.0%} {kind}", ours, peer or {}))
            if ours and peer and table in BOUNDED:
                best = max(peer[name] for name in (*RANKINGS, "datalab")) - 0.0005  # three digits are shown
                verdicts.append(bench.bounds(f"{table}, {rate:.0%} {kind}", {"ap": (">=", best)}, ours))
    lines += ["", "200,000 rows, 100 labels", "", "| | ranking s | peak MB |", "|---|--:|--:|"]
    for name, do in (("textgraft", "scale"), *((("cleanlab", "cleanlab scale"),) if options.peer else ())):
        if figures := bench.process({"do": do}):
            lines.append(f"| {name} | {figures['ranking_s']:.1f} | {figures['peak_mb']:,.0f} |")
            verdicts += [bench.bounds("200,000 x 100", SCALE, figures)] if do == "scale" else []
    report([*lines, "", NOTE, "", *verdicts], options.out, bench)


def _header() -> list[str]:
    columns = ["textgraft", "loss", *(name.replace("_", " ") for name in RANKINGS), "Datalab"]
    columns += ["textgraft: precision, recall", "cleanlab: precision, recall"]
    return [f"| | {' | '.join(columns)} |", f"|---|{'--:|' * len(columns)}"]


def _line(name: str, ours: Figures, peer: Figures) -> str:
    cells = [f"{ours['ap']:.3f}", f"{ours['loss']:.3f}"]
    cells += [f"{peer[ranking]:.3f}" if ranking in peer else "" for ranking in (*RANKINGS, "datalab")]
    cells += [f"{each['precision']:.3f}, {each['recall']:.3f}" if each else "" for each in (ours, peer)]
    return f"| {name} | {' | '.join(cells)} |"


def average_precision(suspicion: Any, wrong: Any) -> float:
    """Of finding the rows that are wrong, from the most suspicious one on."""
    found = wrong[np.argsort(-np.asarray(suspicion), kind="stable")]
    return float((np.cumsum(found) / np.arange(1, len(found) + 1))[found].mean())


def of_finds(rows: Any, wrong: Any) -> dict[str, float]:
    """Precision and recall of rows that are called errors."""
    return {"precision": float(wrong[rows].mean()), "recall": float(wrong[rows].sum() / wrong.sum())}


def do_flipped(job: dict[str, Any]) -> Figures:
    from dataclasses import replace

    from textgraft.analysis.label_errors import judge_labels
    from textgraft.data import read_table
    from textgraft.data.folds import make_folds
    from textgraft.ladder.cross_validating import out_of_fold
    from textgraft.methods import NgramClassifier

    data = read_table(job["data"])
    data = data.select(np.arange(min(job["rows"], len(data))))
    folds, true, k = make_folds(data, FOLDS), np.asarray(data.targets), len(data.task)
    rng = np.random.default_rng(0)
    chosen = rng.random(len(true)) < job["rate"]
    if job["kind"] == "random":
        other = (true + rng.integers(1, k, len(true))) % k
    else:
        clean = out_of_fold(NgramClassifier(), data, folds).probabilities.argmax(axis=1)
        confused = np.bincount(true * k + clean, minlength=k * k).reshape(k, k)
        np.fill_diagonal(confused, -1)
        other = confused.argmax(axis=1)[true]
    given = np.where(chosen, other, true)
    flipped, wrong = replace(data, targets=given), given != true
    p = out_of_fold(NgramClassifier(), flipped, folds).probabilities
    np.savez(job["place"], p=p, given=given, wrong=wrong)
    started = time.perf_counter()
    found = judge_labels(flipped, p, method="ngrams", folds=FOLDS)
    seconds = time.perf_counter() - started
    suspicion = np.empty(len(wrong))
    suspicion[found.order] = -np.arange(len(wrong))
    finds = of_finds(np.array([suspect.row for suspect in found.suspects]), wrong)
    loss = -np.log(np.maximum(p[np.arange(len(given)), given], 1e-12))
    return {
        "ap": average_precision(suspicion, wrong),
        "loss": average_precision(loss, wrong),
        "judging_s": seconds,
    } | finds


def do_cleanlab(job: dict[str, Any]) -> Figures:
    from cleanlab import Datalab
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    held = np.load(job["place"])
    p, given, wrong = held["p"], held["given"], held["wrong"]
    figures = {name: average_precision(-get_label_quality_scores(given, p, method=name), wrong) for name in RANKINGS}
    lab = Datalab({"label": given}, label_name="label", verbosity=0)
    lab.find_issues(pred_probs=p, issue_types={"label": {}})
    figures["datalab"] = average_precision(-lab.get_issues("label")["label_score"].to_numpy(), wrong)
    return figures | of_finds(find_label_issues(given, p), wrong)


def _many() -> tuple[Any, Any]:
    """Probabilities of 200,000 rows and 100 labels, and labels drawn from them."""
    rng = np.random.default_rng(0)
    p = rng.standard_exponential((200_000, 100), np.float32)
    p **= 4
    p /= p.sum(axis=1, keepdims=True)
    given = np.array([row.searchsorted(u) for row, u in zip(p.cumsum(axis=1), rng.random(len(p)) * 0.999, strict=True)])
    return p, np.minimum(given, 99)


def do_scale(_: dict[str, Any]) -> Figures:
    from textgraft.analysis.confident import confident_joint, given_rates, right_chances

    p, given = _many()
    started = time.perf_counter()
    joint = confident_joint(p, given)
    right, likeliest = right_chances(p, given, given_rates(p, given))
    order = np.argsort(right, kind="stable")
    return {
        "ranking_s": time.perf_counter() - started,
        "suspected": int((likeliest[order] != given[order]).sum()),
        "joint": joint.wrong,
    }


def do_cleanlab_scale(_: dict[str, Any]) -> Figures:
    from cleanlab.filter import find_label_issues

    p, given = _many()
    started = time.perf_counter()
    ranked = find_label_issues(given, p, return_indices_ranked_by="self_confidence", n_jobs=1)
    return {"ranking_s": time.perf_counter() - started, "suspected": len(ranked)}


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        ours = {"flipped": do_flipped, "scale": do_scale}
        run_job(ours | {"cleanlab": do_cleanlab, "cleanlab scale": do_cleanlab_scale})
    else:
        main()
