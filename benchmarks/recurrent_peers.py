"""The peers of ``recurrent.py``: the loop of the courses in plain torch, and Keras 3 with the same layers.

    python benchmarks/recurrent_peers.py '{"do": "keras versions"}'
    python benchmarks/recurrent_peers.py '{"do": "classic", "arrays": "imdb.npz", "network": {...}, "epochs": 5, ...}'

Both read token ids from the file that ``recurrent_jobs.py`` writes (0 pads, 1 is unknown) and need nothing of
textgraft, so that Keras may live in an environment of its own. The result is a line of JSON.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness import run_job

Job = dict[str, Any]
Figures = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """Texts as token ids, each of at least one, and their labels."""

    ids: list[np.ndarray]
    labels: np.ndarray


def read(job: Job) -> tuple[Part, Part, np.ndarray | None]:
    """The training part, the held-out part, and the (words, width) pretrained vectors, if there are any."""
    with np.load(job["arrays"]) as arrays:
        train, held = (
            Part(np.split(arrays[f"{name}_ids"], arrays[f"{name}_ends"][:-1]), arrays[f"{name}_labels"])
            for name in ("train", "held")
        )
        return train, held, arrays.get("vectors")


def measured(seconds: list[float], accuracies: list[float], rows: int) -> Figures:
    """What every contender reports: seconds of each epoch without validation, and the accuracy after it."""
    return {
        "samples_per_second": rows * len(seconds) / sum(seconds),
        "epoch_seconds": seconds,
        "epoch_accuracies": accuracies,
    }


def classic(job: Job) -> Figures:
    """Random order, padding to the longest of the batch, the last column whatever it is, running accuracy.

    With Adam, or with the courses' SGD: clipped gradients, and a step size that falls to a tenth after each epoch whose
    training accuracy is above that of the validation.
    """
    import torch
    from torch.nn.utils.rnn import pad_sequence
    from torch.utils.data import DataLoader

    torch.manual_seed(job["seed"])
    train, held, vectors = read(job)
    network = classic_network(job, vectors)

    def collate(rows: list[int], part: Part) -> tuple[torch.Tensor, torch.Tensor]:
        ids = [torch.from_numpy(part.ids[i]) for i in rows]
        return pad_sequence(ids, batch_first=True), torch.from_numpy(part.labels[rows])

    def loader(part: Part, *, shuffle: bool) -> DataLoader[Any]:
        rows: Any = range(len(part.ids))
        return DataLoader(rows, job["batch_size"], shuffle=shuffle, collate_fn=lambda some: collate(some, part))

    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    sgd = job["optimizer"] == "sgd"
    optimizer = (torch.optim.SGD if sgd else torch.optim.Adam)(trained, lr=job["learning_rate"])
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1)
    criterion = torch.nn.CrossEntropyLoss()
    seconds, accuracies = [], []
    for _ in range(job["epochs"]):
        start = time.perf_counter()
        network.train()
        right = 0
        for ids, labels in loader(train, shuffle=True):
            optimizer.zero_grad()
            logits = network(ids)
            criterion(logits, labels).backward()
            if sgd:
                torch.nn.utils.clip_grad_norm_(trained, 0.1)
            optimizer.step()
            right += int((logits.argmax(1) == labels).sum())
        seconds.append(time.perf_counter() - start)
        network.eval()
        with torch.no_grad():
            hits = sum(int((network(x).argmax(1) == y).sum()) for x, y in loader(held, shuffle=False))
        accuracies.append(hits / len(held.ids))
        if sgd and right / len(train.ids) > accuracies[-1]:
            schedule.step()
    return measured(seconds, accuracies, len(train.ids))


def classic_network(job: Job, vectors: np.ndarray | None) -> Any:
    import torch
    from torch import nn

    shape = job["network"]

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            if vectors is None:
                self.embedding = nn.Embedding(job["words"], shape["width"])
            else:
                self.embedding = nn.Embedding.from_pretrained(torch.from_numpy(vectors), freeze=True)
            self.rnn = getattr(nn, shape["cell"].upper())(
                self.embedding.embedding_dim,
                shape["hidden"],
                shape["layers"],
                batch_first=True,
                bidirectional=shape["bidirectional"],
                dropout=shape["dropout"],
            )
            self.linear = nn.Linear(shape["hidden"] * (1 + shape["bidirectional"]), job["labels"])

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            states, _ = self.rnn(self.embedding(ids))
            return self.linear(states[:, -1])

    return Network()


def keras(job: Job) -> Figures:
    """Masks, padding to the longest of the batch, random order, Adam with Keras's own step size, ``fit``."""
    choose_backend()
    import keras

    keras.utils.set_random_seed(job["seed"])
    rng = np.random.RandomState(job["seed"])
    train, held, vectors = read(job)

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self, part: Part, *, shuffle: bool) -> None:
            super().__init__()
            self.part, self.shuffle = part, shuffle
            self.on_epoch_end()

        def on_epoch_end(self) -> None:
            rows = len(self.part.ids)
            order = rng.permutation(rows) if self.shuffle else np.arange(rows)
            size = job["batch_size"]
            self.batches = [order[start : start + size] for start in range(0, rows, size)]

        def __len__(self) -> int:
            return len(self.batches)

        def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
            rows = self.batches[i]
            width = max(len(self.part.ids[row]) for row in rows)
            # Keras takes a width that its first two batches share for the width of all; here one is even, one odd.
            padded = np.zeros((len(rows), width + (width + i) % 2), np.int32)
            for line, row in zip(padded, rows, strict=True):
                line[: len(self.part.ids[row])] = self.part.ids[row]
            return padded, self.part.labels[rows]

    network = keras_network(job, vectors)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, metrics=["accuracy"])
    batches, checks = Batches(train, shuffle=True), Batches(held, shuffle=False)
    seconds, accuracies = [], []
    for _ in range(job["epochs"]):
        start = time.perf_counter()
        network.fit(batches, epochs=1, verbose=0)
        seconds.append(time.perf_counter() - start)
        accuracies.append(float(network.evaluate(checks, verbose=0, return_dict=True)["accuracy"]))
    return measured(seconds, accuracies, len(train.ids))


def keras_network(job: Job, vectors: np.ndarray | None) -> Any:
    from keras import Input, Sequential, layers

    shape = job["network"]
    width = shape["width"] if vectors is None else vectors.shape[1]
    cell = {"gru": layers.GRU, "lstm": layers.LSTM}[shape["cell"]]
    embedding = layers.Embedding(job["words"], width, mask_zero=True, trainable=vectors is None)
    stack: list[Any] = [Input((None,), dtype="int32"), embedding]
    for layer in range(shape["layers"]):
        if layer and shape["dropout"]:
            stack.append(layers.Dropout(shape["dropout"]))  # where torch's has it: between the layers
        one = cell(shape["hidden"], return_sequences=layer < shape["layers"] - 1)
        stack.append(layers.Bidirectional(one) if shape["bidirectional"] else one)
    network = Sequential([*stack, layers.Dense(job["labels"])])
    if vectors is not None:
        embedding.set_weights([vectors])
    return network


def choose_backend() -> str:
    """TensorFlow where it is installed, else torch; must come before the import of Keras."""
    backend = "tensorflow" if importlib.util.find_spec("tensorflow") else "torch"
    os.environ |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return backend


def keras_versions(_: Job) -> Figures:
    """Fails where there is no Keras 3."""
    version = importlib.metadata.version("keras")
    if int(version.split(".")[0]) < 3:
        raise RuntimeError(f"Keras {version} is not Keras 3")
    backend = choose_backend()
    names = ("tensorflow", "tensorflow-cpu") if backend == "tensorflow" else ("torch",)
    found = {importlib.metadata.version(name) for name in names if installed(name)}
    return {"keras": version, "backend": f"{backend} {' '.join(found)}"}


def installed(package: str) -> bool:
    return any(importlib.metadata.distributions(name=package))


if __name__ == "__main__":
    run_job({"classic": classic, "keras": keras, "keras versions": keras_versions})
