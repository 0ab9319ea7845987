"""The peers of ``budget.py``, each in an environment of its own: trained within a time, and what they predict.

    python benchmarks/budget_peers.py '{"do": "fasttext", "seconds": 60, "rows": "rows.json", ...}'

``budget.py`` writes the jobs; this file is of no use alone. Every peer gets what its own guide advises, and where that
would take longer than there is time for, as many steps of it as fit.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from harness import run_job

Job = dict[str, Any]
Figures = dict[str, Any]
RESERVE = 0.9  # of the time, for what is told to end; the rest is for loading and for a last fit on all rows
SEARCHING = 0.8  # of the time, for a search that trains its choice after it
WARM_STEPS = 12  # of a network, by which its speed is measured


class Work:
    """The rows of a job, and the clock that began with it.

    Attributes:
        texts, targets: of training; targets are (n,) indices of labels, or (n, k) 0 or 1.
        tests: texts to predict.
        encoder: the folder of MiniLM.
    """

    def __init__(self, job: Job) -> None:
        self.started = time.perf_counter()
        rows = json.loads(Path(job["rows"]).read_text("utf-8"))
        self.texts, self.tests, self.labels = rows["train"], rows["test"], rows["labels"]
        self.targets = np.array(rows["targets"])
        self.multi_label = self.targets.ndim > 1
        self.seconds, self.encoder, self.out = float(job["seconds"]), rows["encoder"], Path(job["out"])
        self.long = bool(np.mean([len(text) for text in self.texts]) > 500)

    @property
    def left(self) -> float:
        return self.seconds - (time.perf_counter() - self.started)

    def holdout(self, share: float = 0.2) -> tuple[Any, Any]:
        order = np.random.RandomState(0).permutation(len(self.texts))
        return order[int(share * len(order)) :], order[: int(share * len(order))]

    def trained(self) -> float:
        """Seconds since the beginning, said where training ends."""
        return time.perf_counter() - self.started

    def done(self, predicted: Any, seconds: float, **more: Any) -> Figures:
        np.save(self.out, np.asarray(predicted).astype(np.int64))
        return {"train_seconds": seconds, **more}


def fasttext(job: Job) -> Figures:
    """Autotune on a fifth of the rows, then all of them if there is time; texts lowered and split as it advises."""
    import re

    import fasttext as ft

    work = Work(job)

    def clean(text: str) -> str:
        return " ".join(re.sub(r"([.!?,'/()])", r" \1 ", text.lower()).split())

    def file(name: str, at: Any) -> str:
        with Path(folder, name).open("w", encoding="utf-8") as out:
            for i in at:
                own = np.flatnonzero(work.targets[i]) if work.multi_label else [work.targets[i]]
                out.write(" ".join([*(f"__label__{label}" for label in own), clean(work.texts[i])]) + "\n")
        return str(Path(folder, name))

    loss = {"loss": "ova"} if work.multi_label else {}
    with tempfile.TemporaryDirectory() as folder:
        some, held = work.holdout()
        model = ft.train_supervised(
            file("some", some),
            autotuneValidationFile=file("held", held),
            autotuneDuration=(searching := int(SEARCHING * work.left)),
            thread=2,
            verbose=0,
            seed=int(job.get("seed", 0)),
            **loss,
        )
        training = work.trained() - searching  # it trains its choice once more at the end
        found = model.f.getArgs()
        names = ("lr", "dim", "epoch", "wordNgrams", "minn", "maxn", "bucket", "ws", "minCount")
        chosen = {name: getattr(found, name) for name in names}
        if work.left > 1.4 * training:
            everything = range(len(work.texts))
            model = ft.train_supervised(file("all", everything), thread=2, verbose=0, **chosen, **loss)
    seconds = work.trained()
    tests = [clean(text) + "\n" for text in work.tests]
    if not work.multi_label:
        best = [model.f.predict(text, 1, 0.0, "strict") for text in tests]
        usual = int(np.bincount(work.targets).argmax())
        return work.done([int(p[0][1].removeprefix("__label__")) if p else usual for p in best], seconds, **chosen)
    predicted = np.zeros((len(tests), work.targets.shape[1]), int)
    for i, text in enumerate(tests):
        for _, label in model.f.predict(text, -1, 0.5, "strict"):
            predicted[i, int(label.removeprefix("__label__"))] = 1
    return work.done(predicted, seconds, **chosen)


def svm(job: Job) -> Figures:
    """TF-IDF and a linear SVM, a grid cross-validated for as long as there is time; words alone for long texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import cross_val_score
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    work = Work(job)

    def pipeline(least: int, words: tuple[int, int], characters: tuple[int, int] | None, c: float) -> Any:
        parts = [TfidfVectorizer(ngram_range=words, sublinear_tf=True, min_df=least)]
        if characters:
            one = TfidfVectorizer(analyzer="char_wb", ngram_range=characters, sublinear_tf=True, min_df=least)
            parts.append(one)
        head = OneVsRestClassifier(LinearSVC(C=c)) if work.multi_label else LinearSVC(C=c)
        return make_pipeline(make_union(*parts), head)

    def grid() -> Iterator[tuple[Any, ...]]:
        characters = [None] if work.long else [(2, 5), None]
        yield from product((2, 1), ((1, 2), (1, 1)), characters, (1.0, 0.3, 0.1, 3.0))

    scoring = "f1_micro" if work.multi_label else "accuracy"
    best, chosen, longest, tried = -1.0, next(grid()), 0.0, 0
    for setting in grid():
        if tried and work.left < 1.6 * longest:
            break
        start = time.perf_counter()
        score = cross_val_score(pipeline(*setting), work.texts, work.targets, cv=3, scoring=scoring, n_jobs=2).mean()
        longest = max(longest, time.perf_counter() - start)
        tried += 1
        if score > best:
            best, chosen = score, setting
    model = pipeline(*chosen).fit(work.texts, work.targets)
    seconds = work.trained()
    return work.done(model.predict(work.tests), seconds, chosen=str(chosen), tried=tried)


def minilm(job: Job) -> Figures:
    """Vectors of MiniLM by sentence-transformers, and a logistic regression; its C by folds where there is time."""
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.multiclass import OneVsRestClassifier

    work = Work(job)
    encoder = SentenceTransformer(work.encoder, device="cpu")
    x = encoder.encode(work.texts, batch_size=32)
    one = LogisticRegression(max_iter=1000)
    grid: dict[str, Any] = {"C": [1.0, 10.0, 0.1, 100.0]}
    if work.multi_label:
        one, grid = OneVsRestClassifier(one), {"estimator__C": grid["C"]}
    start = time.perf_counter()
    model = one.fit(x, work.targets)
    if work.left > 5 * 4 * (time.perf_counter() - start):  # as many fits as a search makes
        scoring = "f1_micro" if work.multi_label else "accuracy"
        model = GridSearchCV(one, grid, scoring=scoring, cv=5).fit(x, work.targets)
    seconds = work.trained()
    return work.done(model.predict(encoder.encode(work.tests, batch_size=32)), seconds)


def setfit(job: Job) -> Figures:
    """SetFit's default head and pairs, 20 for each text as in its paper, or as many of them as there is time for."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    work = Work(job)
    more = {"multi_target_strategy": "one-vs-rest"} if work.multi_label else {}
    data = Dataset.from_dict({"text": work.texts, "label": work.targets.tolist()})

    def trained(steps: int, begun: float) -> tuple[Any, float]:
        model = SetFitModel.from_pretrained(work.encoder, **more)
        arguments = TrainingArguments(
            batch_size=16, num_iterations=20, max_steps=steps, report_to="none", save_strategy="no", seed=0
        )
        trainer = Trainer(model=model, args=arguments, train_dataset=data)
        start = time.perf_counter()
        if steps == WARM_STEPS:  # the body alone, whose steps are timed
            trainer.train_embeddings(*trainer.dataset_to_parameters(data), args=arguments)
        else:
            trainer.train()
        return model, time.perf_counter() - min(start, begun or start)

    def head() -> float:
        start = time.perf_counter()
        SetFitModel.from_pretrained(work.encoder, **more).encode(work.texts[:256])
        return (time.perf_counter() - start) * len(work.texts) / min(256, len(work.texts))

    _, warm = trained(WARM_STEPS, 0.0)
    fit = int((work.left - 1.2 * head()) * RESERVE / (warm / WARM_STEPS))
    everything = 2 * 20 * len(work.texts) // 16
    if fit < WARM_STEPS:
        raise TimeoutError("too slow for the time")
    model, _ = trained(min(fit, everything), 0.0)
    seconds = work.trained()
    predicted = model.predict(work.tests, batch_size=32)
    return work.done(np.asarray(predicted), seconds, steps=min(fit, everything), all_steps=everything)


def autointent(job: Job) -> Figures:
    """AutoIntent's preset for CPUs with MiniLM as its embedder, and the time as the limit of its search."""
    from autointent import Dataset, Pipeline
    from autointent._presets import __file__ as presets
    from autointent.configs import DataConfig, HPOConfig, SentenceTransformerEmbeddingConfig

    work = Work(job)
    import yaml

    own = [row.astype(int).tolist() if work.multi_label else int(row) for row in work.targets]
    rows = [
        {"utterance": text, "label": label}
        for text, label in zip(work.texts, own, strict=True)
        if not work.multi_label or any(label)  # rows without a label are refused
    ]
    data = Dataset.from_dict({"train": rows, "intents": [{"id": i} for i in range(len(work.labels))]})
    preset = yaml.safe_load(Path(presets).with_name("classic-light.yaml").read_text("utf-8"))
    pipeline = Pipeline.from_search_space(preset["search_space"], seed=0)
    pipeline.set_config(SentenceTransformerEmbeddingConfig(model_name=work.encoder, batch_size=32, device="cpu"))
    pipeline.set_config(DataConfig(scheme="ho", validation_size=0.2))
    pipeline.set_config(HPOConfig(**preset["hpo_config"] | {"timeout": RESERVE * work.left}))
    pipeline.fit(data, refit_after=True)
    seconds = work.trained()
    predicted = pipeline.predict(work.tests)
    usual = 0 if work.multi_label else int(np.bincount(work.targets).argmax())
    if work.multi_label:
        nothing = [0] * work.targets.shape[1]
        return work.done([nothing if one is None else one for one in predicted], seconds)
    return work.done([usual if one is None else one for one in predicted], seconds)


def trainer(job: Job) -> Figures:
    """``Trainer`` as its guide for text classification has it, on MiniLM; as many epochs as fit, 20 at most."""
    from torch.utils.data import Dataset as Rows
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    work = Work(job)
    tokenizer = AutoTokenizer.from_pretrained(work.encoder)
    kind = {"problem_type": "multi_label_classification"} if work.multi_label else {}

    class Encoded(Rows):  # type: ignore[type-arg]
        def __init__(self, texts: list[str], targets: Any) -> None:
            self.encoded = tokenizer(texts, truncation=True, max_length=256)["input_ids"]
            self.targets = targets

        def __len__(self) -> int:
            return len(self.encoded)

        def __getitem__(self, at: int) -> dict[str, Any]:
            own = self.targets[at]
            label = own.astype(float).tolist() if work.multi_label else int(own)
            return {"input_ids": self.encoded[at], "labels": label}

    data = Encoded(work.texts, work.targets)

    def trained(steps: int) -> tuple[Any, float]:
        set_seed(0)
        model = AutoModelForSequenceClassification.from_pretrained(work.encoder, num_labels=len(work.labels), **kind)
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=16,
            per_device_eval_batch_size=32,
            learning_rate=2e-5,
            weight_decay=0.01,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
        )
        one = Trainer(model, arguments, DataCollatorWithPadding(tokenizer), data, processing_class=tokenizer)
        start = time.perf_counter()
        one.train()
        return one, time.perf_counter() - start

    with tempfile.TemporaryDirectory() as folder:
        _, warm = trained(WARM_STEPS)
        per_epoch = -(-len(data) // 16)
        fit = min(int(RESERVE * work.left / (warm / WARM_STEPS)), 20 * per_epoch)
        if fit < WARM_STEPS:
            raise TimeoutError("too slow for the time")
        one, _ = trained(fit)
        seconds = work.trained()
        some = np.zeros((len(work.tests), *work.targets.shape[1:]), int)
        logits = one.predict(Encoded(work.tests, some)).predictions
    predicted = logits > 0 if work.multi_label else logits.argmax(axis=1)
    return work.done(predicted, seconds, steps=fit, epochs=fit / per_epoch)


if __name__ == "__main__":
    peers = (fasttext, svm, minilm, setfit, autointent, trainer)
    run_job({peer.__name__: peer for peer in peers})
