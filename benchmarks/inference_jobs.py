"""What the processes of ``encode.py``, ``predict.py`` and ``parity.py`` do, the peers excepted.

    python benchmarks/inference_jobs.py '{"do": "peak"}'
    python benchmarks/inference_jobs.py '{"do": "export", "model": "m", "to": "m-onnx", "exports": [["onnx", "int8"]]}'

The result is a line of JSON. The three benchmarks write the jobs; this file is of no use alone.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import finetune_jobs
import textgraft as tg
from finetune_jobs import FILES, layer_weights
from harness import run_job
from inference_peers import TOKENS, calls, encoding, rate, read
from textgraft.encoders.sources import resolve
from textgraft.encoders.tokenizing import TextTokenizer
from textgraft.encoders.vector_store import without_cache
from textgraft.errors import ExportError, SettingError
from textgraft.given import as_dataset
from textgraft.hardware import short

Job = dict[str, Any]
Figures = dict[str, Any]
ENCODER = "all-MiniLM-L6-v2"
WARM = 64  # texts before the clock starts
VALID = 600  # a model keeps 512 of them, by which its exports are calibrated and checked
CUT = {"encoder": ENCODER, "long": "truncate", "max_tokens": TOKENS}  # as the peers do
METHODS: dict[str, dict[str, Any]] = {
    "majority": {},
    "ngrams": {},
    "recurrent-gru": {"cell": "gru"},
    "recurrent-lstm": {"cell": "lstm"},
    "recurrent-encoder": {"encoder": ENCODER, "hidden": 64, "layers": 1},
    "features": CUT,
    "finetune": CUT,
}
ALLOWED = (tg.MajorityClassifier, tg.NgramClassifier, tg.RecurrentClassifier, tg.FeatureClassifier,
           tg.FineTunedClassifier)  # fmt: skip


def peak(job: Job) -> Figures:
    """GFLOP/s of the best square product in bf16 and fp32, and of ``torch._int_mm`` (oneDNN), int8 into int32."""
    import torch

    best = 0.0
    for size in (512, 1024, 2048):
        x, weight = (torch.randint(-127, 128, (size, size), dtype=torch.int8) for _ in range(2))
        torch._int_mm(x, weight)
        began = time.perf_counter()
        while time.perf_counter() - began < 0.3:
            start = time.perf_counter()
            torch._int_mm(x, weight)
            best = max(best, 2 * size**3 / (time.perf_counter() - start) / 1e9)
    return finetune_jobs.peak(job) | {"int8": best}


def table(job: Job, names: Sequence[str], *, shuffled: bool = False) -> tuple[list[str], list[str]]:
    """The distinct texts of files, in their order or in one of random, with the label of their first row."""
    labels: dict[str, str] = {}
    for name in names:
        data = tg.read_table(str(Path(job["folder"]) / name))
        order = np.random.RandomState(0).permutation(len(data)) if shuffled else np.arange(len(data))
        part = data.select(order)
        for text, label in zip(part.texts, part.task.decode(part.targets), strict=True):
            labels.setdefault(text, str(label))
    return list(labels), list(labels.values())


def texts(job: Job) -> Figures:
    """Writes distinct texts to be timed, judged besides, and trained on, and copies the encoder for the peers."""
    name = job["data"]
    train, valid, test = FILES[name]
    texts, labels = table(job, [file for file in (test, valid, train) if file], shuffled=name == "imdb")
    sizes = {"timed": job["timed"], "judged": job["judged"], "warm": WARM, "valid": VALID, "train": job["train"]}
    if sum(sizes.values()) > len(texts):
        raise ValueError(f"{name} has {len(texts):,} distinct texts; time, judge or train on fewer")
    content, start = {}, 0
    for part, size in sizes.items():
        stop = start + size
        content[part] = {"texts": texts[start:stop], "labels": labels[start:stop]}
        start = stop
    Path(job["texts"]).write_text(json.dumps(content), "utf-8")
    files = resolve(ENCODER)
    tokens = TextTokenizer(files).counts(content["timed"]["texts"]).clip(max=TOKENS)
    copy = Path(job["encoder"])
    if not copy.exists():
        shutil.copytree(files.folder, copy)
    return {
        "tokens_a_text": float(tokens.mean()),
        "operations": 2 * layer_weights(files.config) * int(tokens.sum()) / len(tokens),
    }


def features(job: Job) -> Figures:
    """A classifier on the encoder; exports of it are checked on its validation texts."""
    content = read(job["texts"])
    train, valid = (
        as_dataset(content[part]["texts"], content[part]["labels"], who=part) for part in ("train", "valid")
    )
    model = tg.FeatureClassifier(**CUT).fit(train, valid=valid)
    model.save(job["model"])
    return {"chosen": model.chosen_}


def export(job: Job) -> Figures:
    """A copy of a model with exports, none of them timed; what was done for each, or why it was refused."""
    from textgraft.artifact.exporting import export
    from textgraft.evaluation.parity import Tolerance

    shutil.copytree(job["model"], job["to"])
    told = []
    for runtime, precision in job["exports"]:
        start = time.perf_counter()
        try:
            outcome = export(
                job["to"], runtime=runtime, precision=precision, tolerance=Tolerance(**job.get("tolerance", {}))
            ).to_dict()
        except (ExportError, SettingError) as error:
            outcome = {"refused": str(error)}
        told.append(outcome | {"asked_runtime": runtime, "asked": precision, "took": time.perf_counter() - start})
    return {"exports": told}


def ship(job: Job) -> Figures:
    """A directory to be shipped, with nothing but one export; its size."""
    from textgraft.artifact.exporting import export
    from textgraft.model_directory.files import directory_bytes

    outcome = export(job["model"], runtime="onnx", precision=job["precision"], to=job["to"])
    return {"recipe": outcome.recipe, "megabytes": directory_bytes(Path(job["to"])) / 1e6}


def reference(job: Job) -> Figures:
    """The vectors of all texts by torch in fp32: what cosines and accuracies are compared with."""
    encoder = tg.Encoder(ENCODER, max_tokens=TOKENS, long="truncate", precision="fp32", cache=False)
    content = read(job["texts"])
    np.savez(job["vectors"], **{part: encoder.encode(content[part]["texts"]) for part in ("train", "timed", "judged")})
    return {}


def encode(job: Job) -> Figures:
    """Texts a second of a model's encoder, and its vectors; loading and compiling are not timed."""
    model = tg.load(job["model"], runtime=job["runtime"])
    assert isinstance(model, tg.FeatureClassifier)
    encoder = model.encoder_
    with without_cache():
        figures = encoding(encoder.encode, job)
    return figures | {"runtime": encoder.runtime.name, "precision": encoder.precision, "note": " ".join(model.notes_)}


def judge(job: Job) -> Figures:
    """For each contender: cosines to fp32, and the accuracy of a logistic regression trained on the fp32 vectors.

    All vectors are first scaled to length 1, as sentence-transformers scales them.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    content = read(job["texts"])
    with np.load(job["reference"]) as arrays:
        exact = {part: unit(arrays[part]) for part in ("train", "timed", "judged")}
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    model.fit(exact["train"], content["train"]["labels"])

    def right(vectors: dict[str, np.ndarray]) -> np.ndarray:
        parts = [model.predict(found) == np.array(content[part]["labels"]) for part, found in vectors.items()]
        return np.concatenate(parts)

    judged: Figures = {}
    for contender, path in job["contenders"].items():
        with np.load(path) as arrays:
            found = {part: unit(arrays[part]) for part in ("timed", "judged") if len(arrays[part])}
        cosines = np.concatenate([(vectors * exact[part]).sum(axis=1) for part, vectors in found.items()])
        before, after = right({part: exact[part] for part in found}), right(found)
        judged[contender] = {
            "texts": len(after),
            "cosine": float(cosines.mean()),
            "least_cosine": float(cosines.min()),
            "accuracy": float(after.mean()),
            "points": 100 * float(after.mean() - before.mean()),
            "changed": int((before != after).sum()),
        }
    return {"judged": judged}


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    long = vectors.astype(np.float64)
    return long / np.linalg.norm(long, axis=1, keepdims=True).clip(1e-12)


def train(job: Job) -> Figures:
    """A model of one method on the first rows of a table, saved."""
    training, valid, test = (
        tg.read_table(str(Path(job["folder"]) / name)) if name else None for name in FILES[job["data"]]
    )
    assert training is not None
    assert test is not None
    if job["rows"]:
        training = training.select(range(min(job["rows"], len(training))))
    model = classifier(job["method"], job.get("epochs"))
    start = time.perf_counter()
    model.fit(training, valid=None if valid is None else valid.with_task(training.task))
    seconds = time.perf_counter() - start
    model.save(job["model"])
    headline = "f1_micro" if training.task.multi_label else "accuracy"
    value = tg.evaluate(model, test.with_task(training.task)).metrics[headline].value
    return {"train_seconds": seconds, headline: value, "rows": len(training)}


def classifier(method: str, epochs: int | None) -> Any:
    """An unfitted classifier with its settings; texts are cut where the peers cut them."""
    kind = next(one for one in ALLOWED if one.method == method.partition("-")[0])
    model = kind().set_params(**METHODS[method])
    return model.set_params(epochs=epochs) if epochs and "epochs" in model.get_params() else model


def sensitive(job: Job) -> Figures:
    """A fine-tuned model with outliers, as large encoders have them, which answers in fp32 as it did before.

    Every eighth channel of each layer's attention values is multiplied by a large number, and the weights that read it
    divided by it. In int8 the other channels of such a tensor are left with few steps, or none.
    """
    import torch

    model = fp32(Path(job["model"]))
    network = model._classifier.network
    some = model.checked_on_.texts
    layers = [module for name, module in network.named_modules() if name.endswith(".attention")]
    answers = model.predict_proba(some)
    with torch.no_grad():
        for layer in layers:
            value, out = layer.self.value, layer.output.dense
            scale = torch.ones(len(value.weight))
            scale[::8] = job["factor"]
            value.weight *= scale[:, None]
            value.bias *= scale
            out.weight /= scale
    model.save(job["to"])
    again = fp32(Path(job["to"])).predict_proba(some)
    return {"layers": len(layers), "difference": float(np.abs(again - answers).max())}


def answers(job: Job) -> Figures:
    """How exports answer to the whole test file, of which the gate saw nothing, beside the model in fp32."""
    from textgraft.evaluation.parity import measure

    folder = Path(job["model"])
    _, _, name = FILES[job["data"]]
    model = fp32(folder)
    test = tg.read_table(str(Path(job["folder"]) / str(name))).with_task(model.task_)
    if job["most"]:
        test = test.select(range(min(job["most"], len(test))))
    found: Figures = {}
    with without_cache():
        exact, speed = clocked(model, test.texts)
        for runtime, precision in job["exports"]:
            proba, fast = clocked(tg.load(only(folder, runtime, precision), runtime=runtime), test.texts)
            parity = measure(
                exact, proba, model.task_, model.thresholds_, test.targets, speed_before=speed, speed_after=fast
            )
            found[f"{runtime} {precision}"] = parity.to_dict()
    return {"answers": found}


def fp32(folder: Path) -> Any:
    """The model on its own weights, in fp32 whatever it was trained in."""
    model = tg.load(folder, runtime="torch")
    if "precision" in model.get_params():
        model.set_params(precision="fp32")
        model.read_state(folder)
    return model


def only(folder: Path, runtime: str, precision: str) -> Path:
    """A copy of a model that lists one export alone, so that loading takes that one."""
    copy = folder.parent / f"{folder.name}-{runtime}-{precision}"
    if copy.exists():
        return copy
    shutil.copytree(folder, copy)
    manifest = json.loads((copy / "textgraft.json").read_text("utf-8"))
    manifest["exports"] = [
        one for one in manifest["exports"] if (one["runtime"], one["precision"]) == (runtime, precision)
    ]
    (copy / "textgraft.json").write_text(json.dumps(manifest), "utf-8")
    return copy


def clocked(model: Any, texts: list[str]) -> tuple[np.ndarray, float]:
    """(n, k) probabilities and texts a second, the first call aside."""
    model.predict_proba(texts[:1])
    start = time.perf_counter()
    found = model.predict_proba(texts)
    return found, len(texts) / (time.perf_counter() - start)


def same(job: Job) -> Figures:
    """A model that needs no export: whether it answers, loaded anew, as it did when it was trained."""
    model = tg.load(job["model"])
    _, _, name = FILES[job["data"]]
    test = tg.read_table(str(Path(job["folder"]) / str(name))).with_task(model.task_)
    _, speed = clocked(model, test.texts)
    headline = "f1_micro" if model.task_.multi_label else "accuracy"
    return {headline: tg.evaluate(model, test).metrics[headline].value, "texts_per_second": speed}


def short_texts(job: Job) -> Figures:
    """Writes what ``predict.py`` reads: all of emotion's texts, and single texts for latencies, short and long."""
    train, valid, test = FILES["emotion"]
    content = {
        part: dict(zip(("texts", "labels"), table(job, [name]), strict=True))
        for part, name in (("train", str(train)), ("test", str(test)))
    }
    every, _ = table(job, [str(test), str(valid), str(train)])
    some = every[: job["most"]] if job["most"] else every
    rest = {"timed": some, "warm": every[-1000:]}
    Path(job["rates"]).write_text(json.dumps(content | rest), "utf-8")
    reviews, _ = table(job, ["imdb/test.parquet"], shuffled=True)
    single = {
        kind: {"warm": texts[-job["warm"] :], "timed": texts[: job["calls"]]}
        for kind, texts in (("short", every), ("long", reviews))
    }
    Path(job["single"]).write_text(json.dumps(single), "utf-8")
    rows = {name: content["train"][name][:500] for name in ("texts", "labels")}
    Path(job["labelled"]).write_text(json.dumps(rows), "utf-8")
    if not Path(job["encoder"]).exists():
        shutil.copytree(resolve(ENCODER).folder, job["encoder"])
    return {"texts": len(some)}


def rates(job: Job) -> Figures:
    """Texts a second of n-grams; also how many labels differ when the texts come one by one."""
    content = read(job["texts"])
    model = tg.load(job["model"])
    figures = rate(lambda texts: np.asarray(model.predict(texts)), content)
    some = content["timed"][:500]
    alone = [str(model.predict([text])[0]) for text in some]
    return figures | {"differing": int((np.asarray(model.predict(some)) != np.array(alone)).sum())}


def latency(job: Job) -> Figures:
    """Single texts through ``predict``, nothing from the cache."""
    model = tg.load(job["model"], runtime=job["runtime"])
    with without_cache():
        figures = calls(lambda text: model.predict([text]), job)
    runtime = model.runtime_
    return figures | {"computed": f"{runtime.name} {runtime.precision}" if runtime else own(model)}


def own(model: Any) -> str:
    """What computes a model without an export."""
    if model.method == "features":
        return f"torch {model.encoder_.precision}"
    return f"torch {short(model.network_.dtype)}" if model.method == "finetune" else "NumPy"


def write_table(job: Job) -> Figures:
    """Short texts over and over as CSV, each with its number, for the command line."""
    import csv

    texts = read(job["texts"])["timed"]
    with Path(job["table"]).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([f"{texts[i % len(texts)]} {i}"] for i in range(job["rows"]))
    return {}


if __name__ == "__main__":
    run_job(
        {
            "peak": peak,
            "texts": texts,
            "features": features,
            "export": export,
            "ship": ship,
            "reference": reference,
            "encode": encode,
            "judge": judge,
            "train": train,
            "sensitive": sensitive,
            "answers": answers,
            "same": same,
            "short texts": short_texts,
            "rates": rates,
            "latency": latency,
            "table": write_table,
        }
    )
