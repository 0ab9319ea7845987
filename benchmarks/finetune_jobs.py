"""What the processes of ``finetune.py`` do: one contender's training, one quality run, or the machine's peak.

    python benchmarks/finetune_jobs.py '{"do": "peak"}'
    python benchmarks/finetune_jobs.py '{"do": "default", "data": "emotion", "rows": 256, ..., "seed": 0}'

The result is a line of JSON. ``finetune.py`` writes the jobs; this file is of no use alone.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

import textgraft as tg
from harness import run_job
from textgraft.encoders.sources import resolve
from textgraft.encoders.tokenizing import TextTokenizer
from textgraft.hardware import best_device, matmul_dtype
from textgraft.progress import listening

Job = dict[str, Any]
Figures = dict[str, Any]


def now() -> float:
    """Seconds, once a GPU has done all that it was asked for."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


class Stopwatch:
    """Listens to textgraft's progress; ``own`` is the seconds of each work without the works inside it."""

    def __init__(self) -> None:
        self.own: dict[str, float] = defaultdict(float)
        self._open: list[tuple[str, float]] = []

    def start(self, what: str, total: float | None) -> str:  # noqa: ARG002
        self._open.append((what, now()))
        return what

    def advance(self, work: object, amount: float, detail: str) -> None:
        pass

    def finish(self, work: object) -> None:  # noqa: ARG002
        what, started = self._open.pop()
        seconds = now() - started
        self.own[what] += seconds
        if self._open:
            self.own[self._open[-1][0]] -= seconds

    def say(self, sentence: str) -> None:
        pass


def speed_data(job: Job) -> tuple[tg.Dataset, tg.Dataset]:
    """The first rows of emotion's files; of IMDB's training file, which is sorted by label, a shuffled part."""
    folder = Path(job["folder"])
    if job["data"] == "emotion":
        train, valid = (tg.read_table(str(folder / "emotion" / name)) for name in ("train.txt", "val.txt"))
        return train.select(range(min(job["rows"], len(train)))), valid.select(range(min(job["valid"], len(valid))))
    reviews = tg.read_table(str(folder / "imdb/train.parquet"))
    order = np.random.RandomState(0).permutation(len(reviews))
    return reviews.select(order[: job["rows"]]), reviews.select(order[job["rows"] :][: job["valid"]])


def speed(job: Job) -> Figures:
    """Trains one contender and adds what is counted in the same way for all."""
    train, valid = speed_data(job)
    figures = (textgraft if job["do"] == "textgraft" else hugging_face)(job, train, valid)
    files = resolve(job["encoder"])
    tokens = int(TextTokenizer(files).counts(train.texts).clip(max=job["max_tokens"]).sum()) * job["epochs"]
    figures["samples_per_second"] = len(train) * job["epochs"] / figures["train_seconds"]
    figures["gflops"] = 6 * layer_weights(files.config) * tokens / figures["train_seconds"] / 1e9
    return figures


def layer_weights(config: dict[str, Any]) -> int:
    """Entries of the weight matrices of all layers: four h x h of attention and two h x i of the feed-forward part."""
    h, i = config["hidden_size"], config["intermediate_size"]
    return int(config["num_hidden_layers"] * (4 * h * h + 2 * h * i))


def textgraft(job: Job, train: tg.Dataset, valid: tg.Dataset) -> Figures:
    shared = {name: job[name] for name in ("encoder", "epochs", "batch_size", "learning_rate", "max_tokens", "seed")}
    # Cut as the peer's texts are, not read in windows to their end.
    model = tg.FineTunedClassifier(warmup=job["warmup"], long="truncate").set_params(**shared | job["set"])
    watch = Stopwatch()
    with listening(watch):
        model.fit(train, valid=valid)
    scores = model.chosen_["valid_scores"]
    if len(scores) != job["epochs"]:
        raise RuntimeError(f"textgraft trained {len(scores)} epochs, not {job['epochs']}: not comparable")
    right = model.predict_proba(valid.texts).argmax(axis=1) == valid.targets
    return {
        "train_seconds": watch.own["training"],
        "accuracy": float(right.mean()),
        "epoch_accuracies": scores,
        "chosen": model.chosen_,
    }


def hugging_face(job: Job, train: tg.Dataset, valid: tg.Dataset) -> Figures:
    """``Trainer`` as the tutorials write it, or with bf16 and batches of similar length; padding to the batch in both.

    The optimizer is AdamW, fused, in both: the default of ``TrainingArguments``.
    """
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
        set_seed,
    )

    folder = resolve(job["encoder"]).folder
    set_seed(job["seed"])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(train.task))
    collate = DataCollatorWithPadding(tokenizer)

    def rows(data: tg.Dataset) -> list[dict[str, Any]]:
        encoded = tokenizer(data.texts, truncation=True, padding=False, max_length=job["max_tokens"])
        return [
            {name: values[i] for name, values in encoded.items()} | {"labels": int(label)}
            for i, label in enumerate(data.targets)
        ]

    held = sorted(rows(valid), key=lambda row: len(row["input_ids"]))

    def accuracy() -> float:
        # In textgraft's precision for all, so that the default is not kept waiting for fp32 validation.
        device = next(model.parameters()).device
        dtype = matmul_dtype("auto", device)
        model.eval()
        right = 0
        with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            for start in range(0, len(held), 64):
                batch = collate(held[start : start + 64]).to(device)
                labels = batch.pop("labels")
                right += int((model(**batch).logits.argmax(dim=1) == labels).sum())
        return right / len(held)

    class Clock(TrainerCallback):  # type: ignore[misc]
        """Seconds of the epochs alone, and the validation accuracy after each."""

        def __init__(self) -> None:
            self.started = self.seconds = 0.0
            self.accuracies: list[float] = []

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.started = now()

        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            self.seconds += now() - self.started
            self.accuracies.append(accuracy())
            self.started = now()

    tuned: dict[str, Any] = {"bf16": True, "train_sampling_strategy": "group_by_length"}
    if not torch.cuda.is_available():
        tuned["use_cpu"] = True  # else bf16 is refused
    clock = Clock()
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch,
            num_train_epochs=job["epochs"],
            per_device_train_batch_size=job["batch_size"],
            learning_rate=job["learning_rate"],
            warmup_steps=job["warmup"],  # a share, since it is below 1
            seed=job["seed"],
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            **(tuned if job["do"] == "tuned" else {}),
        )
        Trainer(model, arguments, collate, rows(train), processing_class=tokenizer, callbacks=[clock]).train()
    return {
        "train_seconds": clock.seconds,
        "accuracy": max(clock.accuracies),
        "epoch_accuracies": clock.accuracies,
        "precision": arguments.mixed_precision,
    }


def peak(_: Job) -> Figures:
    """GFLOP/s of the best square matrix product, in bf16 and in fp32; the fastest repetition counts."""
    import torch

    device = best_device()
    sizes = (512, 1024, 2048, 4096, 8192) if device.type == "cuda" else (512, 1024, 2048)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    figures: Figures = {"device": name, "threads": torch.get_num_threads()}
    for dtype in (torch.bfloat16, torch.float32):
        best = 0.0
        for size in sizes:
            x, weight = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
            torch.nn.functional.linear(x, weight)
            began = now()
            while now() - began < 0.3:
                start = now()
                torch.nn.functional.linear(x, weight)
                best = max(best, 2 * size**3 / (now() - start) / 1e9)
        figures[str(dtype).removeprefix("torch.")] = best
    return figures


def quality_data(job: Job) -> tg.Splits:
    """The parts as their authors give them; climate, which has none, divided without leaks by ``tg.split``."""
    folder = Path(job["folder"])
    if job["data"] == "climate":
        return tg.split(tg.read_table(str(folder / "climate/tweets.csv")), seed=0)
    train, valid, test = (tg.read_table(str(folder / name)) if name else None for name in FILES[job["data"]])
    assert train is not None
    return tg.Splits(train, valid, test)


FILES = {
    "emotion": ("emotion/train.txt", "emotion/val.txt", "emotion/test.txt"),
    "ag_news": ("ag_news/train.csv", None, "ag_news/test.csv"),
    "semeval": ("semeval2018_ec/train.tsv", None, "semeval2018_ec/dev.tsv"),
    "imdb": ("imdb/train.parquet", None, "imdb/test.parquet"),
}
SINGLE = ("accuracy", "f1_weighted", "f1_macro")
MULTI = ("f1_micro", "f1_macro", "subset_accuracy", "roc_auc_macro")


def quality(job: Job) -> Figures:
    """One training and its metrics on the test part; without a validation part ``fit`` holds a tenth out itself."""
    splits = quality_data(job)
    train, valid, test = splits.train, splits.valid, splits.test
    assert test is not None
    if job["rows"]:
        train, test = (part.select(range(min(job["rows"], len(part)))) for part in (train, test))
    model = tg.NgramClassifier() if job["method"] == "ngrams" else tg.FineTunedClassifier(seed=job["seed"])
    settings = job["set"] if job["method"] == "finetune" else {}
    if splits.task.multi_label and "thresholds" in model.get_params():
        settings = {"thresholds": "label"} | settings
    model.set_params(**settings)
    start = now()
    model.fit(train, valid=valid)
    seconds = now() - start
    found = tg.evaluate(model, test).metrics
    scores = {name: found[name].value for name in (MULTI if splits.task.multi_label else SINGLE)}
    return scores | {"train_seconds": seconds, "rows": len(train), "chosen": model.chosen_, "set": settings}


if __name__ == "__main__":
    contenders = dict.fromkeys(("default", "tuned", "textgraft"), speed)
    run_job({"peak": peak, "quality": quality} | contenders)
