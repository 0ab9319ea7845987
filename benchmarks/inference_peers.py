"""The peers of ``encode.py`` and ``predict.py``: sentence-transformers, transformers' pipelines, SetFit, fastText.

    python benchmarks/inference_peers.py '{"do": "has"}'                      which of them this Python can run
    python benchmarks/inference_peers.py '{"do": "encode", "contender": "st", "encoder": "folder", "texts": "t.json"}'

They read texts from files that ``inference_jobs.py`` writes and need nothing of textgraft, so that they may live in
environments of their own. The result is a line of JSON.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from harness import run_job

Job = dict[str, Any]
Figures = dict[str, Any]
Encode = Callable[[list[str]], np.ndarray]
# The packages of each contender.
NEEDS = {
    "st": ("sentence-transformers", "transformers", "torch"),
    "st-bf16": ("sentence-transformers", "transformers", "torch"),
    "st-onnx": ("sentence-transformers", "transformers", "optimum-onnx", "onnxruntime"),
    "st-onnx-int8": ("sentence-transformers", "transformers", "optimum-onnx", "onnxruntime"),
    "st-openvino": ("sentence-transformers", "transformers", "optimum-intel", "openvino"),
    "st-openvino-int8": ("sentence-transformers", "transformers", "optimum-intel", "openvino", "nncf", "datasets"),
    "pipeline": ("transformers", "torch"),
    "setfit": ("setfit", "sentence-transformers", "transformers", "torch"),
    "fasttext": ("fasttext-wheel",),
}
TOKENS = 256


def has(_: Job) -> Figures:
    """The contenders that this Python can run, with the versions of their packages."""
    found: Figures = {}
    for contender, packages in NEEDS.items():
        try:
            versions = [f"{package} {importlib.metadata.version(package)}" for package in packages]
        except importlib.metadata.PackageNotFoundError:
            continue
        found[contender] = ", ".join(versions)
    return found


def encode(job: Job) -> Figures:
    """Texts a second of one contender, and its vectors."""
    if job["contender"] == "pipeline":
        return encoding(extracting_pipeline(job), job) | {"precision": "fp32"}
    run, precision = sentence_transformers(job)
    return encoding(run, job) | {"precision": precision}


def encoding(encode: Encode, job: Job) -> Figures:
    """Encodes texts once, after some others; writes the vectors, those of further texts too where that is asked for."""
    texts = read(job["texts"])
    encode(texts["warm"]["texts"])
    start = time.perf_counter()
    vectors = encode(texts["timed"]["texts"])
    seconds = time.perf_counter() - start
    if job["vectors"]:
        more = encode(texts["judged"]["texts"]) if job["judged"] and texts["judged"]["texts"] else vectors[:0]
        np.savez(job["vectors"], timed=vectors, judged=more)
    return {"texts_per_second": len(vectors) / seconds, "encode_seconds": seconds}


def read(path: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    return content


def sentence_transformers(job: Job) -> tuple[Encode, str]:
    """``SentenceTransformer(...).encode`` as its manual has it, with its own batches of 32, sorted by length.

    Also the precision that it computes in: OpenVINO takes bf16 by itself where the processor has it.
    """
    from sentence_transformers import SentenceTransformer

    contender, folder = job["contender"], job["encoder"]
    if contender in ("st", "st-bf16"):
        import torch

        settings = {"torch_dtype": torch.bfloat16} if contender == "st-bf16" else {}
        model = SentenceTransformer(folder, device="cpu", model_kwargs=settings)
        precision = "bf16" if settings else "fp32"
    else:
        _, backend, *int8 = contender.split("-")
        # An export is written beside the weights, and for each contender into a folder of its own.
        own = Path(job["scratch"]) / contender
        if not own.exists():
            shutil.copytree(folder, own)
        file = {"file_name": quantised(own, backend, job)} if int8 else {}
        model = SentenceTransformer(str(own), backend=backend, device="cpu", model_kwargs=file)
        precision = "int8" if int8 else "fp32"
        if backend == "openvino" and not int8:
            network: Any = model[0].auto_model
            network.compile()
            hint = network.request.get_property("INFERENCE_PRECISION_HINT").get_type_name()
            precision = {"f32": "fp32", "f16": "fp16"}.get(hint, hint)
    model.max_seq_length = TOKENS
    return partial(model.encode, show_progress_bar=False, convert_to_numpy=True), precision


def quantised(folder: Path, backend: str, job: Job) -> str:
    """The int8 file in ``folder``, which sentence-transformers' own function writes where it is not there yet."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.backend import (
        export_dynamic_quantized_onnx_model,
        export_static_quantized_openvino_model,
    )

    ending = {"onnx": "*qint8*.onnx", "openvino": "*qint8*.xml"}[backend]
    if not list(folder.rglob(ending)):
        model = SentenceTransformer(str(folder), backend=backend)
        if backend == "onnx":
            export_dynamic_quantized_onnx_model(model, "avx512_vnni", str(folder))
        else:
            with tempfile.TemporaryDirectory() as data:
                rows = (json.dumps({"text": text}) for text in read(job["texts"])["train"]["texts"][:300])
                (Path(data) / "train.jsonl").write_text("\n".join(rows), "utf-8")
                texts = {"dataset_config_name": "default", "dataset_split": "train", "column_name": "text"}
                export_static_quantized_openvino_model(model, None, str(folder), dataset_name=data, **texts)
    (found,) = folder.rglob(ending)
    return str(found.relative_to(folder))


def extracting_pipeline(job: Job) -> Encode:
    """``pipeline("feature-extraction")``, one text at a time as is its default, and the mean of the token states."""
    from transformers import pipeline

    extract = pipeline("feature-extraction", model=job["encoder"], device="cpu")
    cut = {"truncation": True, "max_length": TOKENS}

    def run(texts: list[str]) -> np.ndarray:
        found = extract(texts, return_tensors=True, tokenize_kwargs=cut)
        return np.stack([states[0].float().mean(dim=0).numpy() for states in found])

    return run


def latency(job: Job) -> Figures:
    """Single texts through a pipeline on the fine-tuned model directory, or through SetFit on the same encoder."""
    predict = {"pipeline": classifying_pipeline, "setfit": setfit}[job["contender"]](job)
    return calls(predict, job)


def calls(predict: Callable[[str], object], job: Job) -> Figures:
    """Milliseconds of single calls, each with a text of its own, after some others: median and 99th percentile."""
    figures: Figures = {}
    for kind, texts in read(job["texts"]).items():
        for text in texts["warm"]:
            predict(text)
        taken = []
        for text in texts["timed"]:
            start = time.perf_counter()
            predict(text)
            taken.append(1000 * (time.perf_counter() - start))
        figures |= {f"{kind}_p50": float(np.percentile(taken, 50)), f"{kind}_p99": float(np.percentile(taken, 99))}
    return figures


def classifying_pipeline(job: Job) -> Callable[[str], object]:
    from transformers import pipeline

    classify = pipeline("text-classification", model=job["finetuned"], device="cpu")
    return partial(classify, truncation=True, max_length=TOKENS)


def setfit(job: Job) -> Callable[[str], object]:
    """Its body as it is, and its head trained on a few texts: that decides the labels, not the time."""
    from setfit import SetFitModel

    model = SetFitModel.from_pretrained(job["encoder"], device="cpu")
    model.model_body.max_seq_length = TOKENS
    some = read(job["labelled"])
    model.model_head.fit(model.model_body.encode(some["texts"], show_progress_bar=False), some["labels"])
    return lambda text: model.predict([text])


def fasttext(job: Job) -> Figures:
    """Trained with the settings of ``peers.py``; all texts in one call, which its C++ then predicts one by one."""
    import fasttext as ft

    content = read(job["texts"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        rows = zip(content["train"]["texts"], content["train"]["labels"], strict=True)
        path.write_text("".join(f"__label__{label} {' '.join(text.split())}\n" for text, label in rows), "utf-8")
        model = ft.train_supervised(str(path), wordNgrams=2, epoch=10, lr=0.5, thread=2, verbose=0)

    def predict(texts: list[str]) -> list[str]:
        lines = [" ".join(text.split()) + "\n" for text in texts]
        labels, _ = model.f.multilinePredict(lines, 1, 0.0, "strict")
        return [one[0].removeprefix("__label__") for one in labels]

    return rate(predict, content)


def rate(predict: Callable[[list[str]], Any], content: dict[str, Any]) -> Figures:
    """Texts a second of one call, and the accuracy on the texts of the test file."""
    predict(content["warm"])
    start = time.perf_counter()
    predict(content["timed"])
    seconds = time.perf_counter() - start
    right = np.asarray(predict(content["test"]["texts"])) == np.asarray(content["test"]["labels"])
    return {"texts_per_second": len(content["timed"]) / seconds, "accuracy": float(right.mean())}


if __name__ == "__main__":
    run_job({"has": has, "encode": encode, "latency": latency, "fasttext": fasttext})
