"""Recurrent networks: an LSTM or GRU on word vectors, or on the token states of a frozen transformer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.encoders.runtimes import Batch, Runtime, padded_batches, run_windows
from textgraft.errors import ArtifactError, DataError, SettingError, listed
from textgraft.hardware import Precision
from textgraft.json_files import is_whole, read_object
from textgraft.methods.inputs import check_at_least, check_choice
from textgraft.methods.network import NetworkClassifier
from textgraft.methods.objective import ClassificationObjective
from textgraft.methods.thresholds import Thresholds, tune_thresholds
from textgraft.recurrent.plain import Plain
from textgraft.task import Dataset
from textgraft.tensors import Tensors
from textgraft.text.batches import Windows
from textgraft.text.tokenizers import tokenizer
from textgraft.text.vocabulary import PAD, SPECIALS, UNKNOWN, Vocabulary
from textgraft.training import Decay, processes

if TYPE_CHECKING:
    from textgraft.encoders.conversion import Graph
    from textgraft.encoders.states import StateEncoder
    from textgraft.recurrent.network import Shape, Table

Floats = NDArray[np.float32]
TrainVectors = Literal["frozen", "tuned", "scratch"]
Unknown = Literal["zero", "mean", "normal"]
FILE = "recurrent"
CHUNK = 512  # texts whose token states are held in memory at once


class RecurrentClassifier(NetworkClassifier):
    """An LSTM or GRU that reads texts word by word, trained with the best epoch chosen on validation data.

    Word vectors are learned with it, or come from GloVe, word2vec or fastText and stay as they are or are tuned; or the
    network reads the token states of a frozen transformer, which are computed once and kept on disk. Prediction on
    words needs NumPy alone. Where no validation data is given, a tenth of the training data is held out.

    Args:
        cell: ``"gru"`` (Cho et al. 2014, arXiv:1406.1078) or ``"lstm"`` (Hochreiter & Schmidhuber 1997).
        layers: how many of them, each on the states of the one below.
        hidden: units of a layer, in each direction.
        bidirectional: whether texts are read from both ends (Schuster & Paliwal 1997).
        pooling: of the last layer's states: a mean weighted by ``"attention"`` (Yang et al. 2016), the ``"max"`` or the
            ``"mean"`` by component, or the ``"last"`` of each direction. Padding never counts.
        vectors: pretrained word vectors: a name such as ``"glove.6B.50d"``, a file, or a URL with a checksum; None
            learns vectors of the words of the training texts.
        train_vectors: ``"frozen"``, ``"tuned"``, or ``"scratch"`` where there are no vectors; None is frozen where
            there are.
        width: components of vectors that are learned from scratch.
        unknown: what words without a pretrained vector get: ``"zero"``, the ``"mean"`` of the others, or a draw from
            their ``"normal"`` distribution.
        tokenizer: ``"treebank"`` (of any language; English contractions are taken apart, as in GloVe), ``"unicode"``
            (not taken apart), ``"basic_english"``, or ``"spacy:en"`` and other languages of spaCy.
        max_size: most words in the vocabulary.
        min_count: how often a word must occur; None is once with pretrained vectors and twice without.
        encoder: an embedded encoder, a folder, or a name on the Hub, whose token states are read in place of words.
        max_tokens: longer texts are cut there; with an encoder None is what that was tuned for.
        epochs: passes over the data; None chooses 4 to 10, more for small data.
        batch_size: texts per step, and per process where there are several.
        learning_rate: the peak; None is 2e-3.
        warmup: share of the training in which the learning rate rises.
        decay: how it falls after that: ``"linear"``, ``"cosine"`` or ``"none"``.
        weight_decay: on weight matrices; not on biases.
        clip: largest norm of the gradients.
        dropout: of the inputs, between layers, and before the head.
        label_smoothing: share of each target that is spread over all labels.
        class_weight: ``"balanced"`` weighs rare labels up, so that each label counts the same in the loss; a mapping
            gives weights by label. In a multi-label task they weigh the texts that carry the label.
        thresholds: of a multi-label task: ``"label"`` tunes one for each label on the validation data, ``"global"``
            one for all; a number is taken as it is.
        patience: stop after so many epochs without a better validation score; None never does.
        budget: at most so long, in seconds or as ``"90s"``, ``"10m"``, ``"1h"``: the learning rate then falls with the
            clock.
        precision: of the matrix products; ``"auto"`` takes what the hardware has. Updated weights are fp32 always, and
            so is what a GRU passes from step to step; an LSTM is computed in it as a whole.
        folder: where to keep the log, the learning curves and the checkpoints of the training; None keeps none.
        resume: go on from the last checkpoint in ``folder``; without one, start. On a CPU, with as many threads, the
            weights are the very same as those of a training that was never interrupted.
        checkpoint_seconds: between two checkpoints.
        tensorboard: also write ``folder/tensorboard``.
        seed: of the first weights, dropout and the order of the batches.
    """

    method = "recurrent"
    rung = 20

    vocabulary_: Vocabulary | None
    plain_: Plain
    _encoder_: StateEncoder | None = None

    def __init__(
        self,
        cell: Literal["gru", "lstm"] = "gru",
        *,
        layers: int = 2,
        hidden: int = 128,
        bidirectional: bool = True,
        pooling: Literal["last", "mean", "max", "attention"] = "attention",
        vectors: str | None = None,
        train_vectors: TrainVectors | None = None,
        width: int = 100,
        unknown: Unknown = "normal",
        tokenizer: str = "treebank",
        max_size: int = 50_000,
        min_count: int | None = None,
        encoder: str | None = None,
        max_tokens: int | None = None,
        epochs: int | None = None,
        batch_size: int = 64,
        learning_rate: float | None = None,
        warmup: float = 0.1,
        decay: Decay = "linear",
        weight_decay: float = 0.01,
        clip: float = 1.0,
        dropout: float = 0.3,
        label_smoothing: float = 0.0,
        class_weight: Literal["balanced"] | Mapping[str, float] | None = None,
        thresholds: Thresholds = "label",
        patience: int | None = None,
        budget: float | str | None = None,
        precision: Precision = "auto",
        folder: str | Path | None = None,
        resume: bool = False,
        checkpoint_seconds: float = 120.0,
        tensorboard: bool = False,
        seed: int = 0,
    ) -> None:
        self.cell = cell
        self.layers = layers
        self.hidden = hidden
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.vectors = vectors
        self.train_vectors = train_vectors
        self.width = width
        self.unknown = unknown
        self.tokenizer = tokenizer
        self.max_size = max_size
        self.min_count = min_count
        self.encoder = encoder
        self.max_tokens = max_tokens
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.warmup = warmup
        self.decay = decay
        self.weight_decay = weight_decay
        self.clip = clip
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.thresholds = thresholds
        self.patience = patience
        self.budget = budget
        self.precision = precision
        self.folder = folder
        self.resume = resume
        self.checkpoint_seconds = checkpoint_seconds
        self.tensorboard = tensorboard
        self.seed = seed

    def __getstate__(self) -> dict[str, Any]:
        # torch's encoder is opened again where it is needed; a runtime sees to itself.
        dropped = {"_encoder_"} if self.runtime_ is None else set()
        return {name: value for name, value in vars(self).items() if name not in dropped}

    def _check_settings(self) -> None:
        super()._check_settings()
        check_choice("cell", self.cell, ("gru", "lstm"))
        check_choice("pooling", self.pooling, ("last", "mean", "max", "attention"))
        check_choice("unknown", self.unknown, ("zero", "mean", "normal"))
        check_choice("train_vectors", self.train_vectors, (None, "frozen", "tuned", "scratch"))
        for name in ("layers", "hidden", "width", "max_size"):
            check_at_least(name, getattr(self, name), 1, whole=True)
        check_at_least("min_count", 1 if self.min_count is None else self.min_count, 1, whole=True)
        check_at_least("max_tokens", 1 if self.max_tokens is None else self.max_tokens, 1, whole=True)
        check_choice("bidirectional", self.bidirectional, (True, False))
        tokenizer(self.tokenizer)
        if self.encoder is not None and self.vectors is not None:
            raise SettingError(
                "A recurrent network reads word vectors or an encoder's states; give one of vectors and encoder."
            )
        if self.encoder is not None and self.train_vectors is not None:
            raise SettingError("train_vectors is for word vectors; an encoder's states stay as they are. Leave it out.")
        if self.vectors is None and self.train_vectors in ("frozen", "tuned"):
            raise SettingError(f"train_vectors={self.train_vectors!r} needs vectors (--vectors), such as glove.6B.50d.")
        if self.vectors is not None and self.train_vectors == "scratch":
            raise SettingError("train_vectors='scratch' learns vectors anew; leave out vectors, or take 'tuned'.")

    @property
    def _shape(self) -> Shape:
        from textgraft.recurrent.network import Shape

        return Shape(self.cell, self.layers, self.hidden, self.bidirectional, self.dropout or 0.0, self.pooling)

    def _fit(self, data: Dataset, valid: Dataset | None) -> None:
        data, valid = self._begin(data, valid)
        table, windows, identity = (self._words if self.encoder is None else self._states)(data, valid)
        from textgraft.recurrent.network import SequenceClassifier

        train_table = self.encoder is None and (self.vectors is None or self.train_vectors == "tuned")
        network = SequenceClassifier(
            self._shape, self.task_, table, train_table=train_table, precision=self.precision, seed=self.seed
        )
        train_windows, valid_windows = _part(windows, 0, len(data)), _part(windows, len(data), len(windows.cut))
        objective = ClassificationObjective(
            network,
            train_windows,
            data,
            valid_windows,
            valid,
            batch_size=self.batch_size,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
            seed=self.seed,
            finish=lambda _: network.draw_from(None),
        )
        self._say_cut(train_windows.cut)
        same = {"cell", "layers", "hidden", "bidirectional", "pooling", "train_vectors", "width", "unknown"}
        identity |= {name: getattr(self, name) for name in sorted(same)}
        self._train(
            objective,
            data,
            valid,
            usual_rate=2e-3,
            usual_epochs=(4, 10),
            computed="fp32",
            identity=identity | {"max_tokens": self._longest},
        )
        tensors = network.tensors()
        if self.encoder is None and not train_table:
            tensors["embedding"] = np.asarray(table, np.float32)
        self._build(tensors)
        if self.task_.multi_label:
            rows: list[NDArray[Any]] = list(valid_windows.ids)
            if self.encoder is not None:  # a text's states are neighbours
                rows = [table[ids[0] : ids[-1] + 1] for ids in valid_windows.ids]
            found = self.task_.probabilities(self.plain_.logits(rows))
            self.thresholds_ = tune_thresholds(found, valid.targets, self.thresholds)

    def _words(self, data: Dataset, valid: Dataset) -> tuple[Table, Windows, dict[str, Any]]:
        """The vectors of the training texts' words, all texts as rows of them, and what both depend on."""
        tokenize = tokenizer(self.tokenizer)
        least = self.min_count or (2 if self.vectors is None else 1)
        self.vocabulary_ = Vocabulary.count(data.texts, tokenize, max_size=self.max_size, min_count=least)
        self._longest = self.max_tokens
        identity: dict[str, Any] = {"tokenizer": self.tokenizer, "max_size": self.max_size, "min_count": least}
        words, first = self.vocabulary_.words, len(SPECIALS)
        self.chosen_ = {"words": len(words) - first}
        if len(words) == first:
            raise DataError(
                f"No word occurs {least} times in the training texts, so all texts look alike; lower min_count "
                "(--min-count) or give more texts."
            )
        if self.vectors is None:
            rng = np.random.default_rng(self.seed)
            # Small, so that what is learned soon outweighs what was drawn.
            table = rng.uniform(-0.05, 0.05, (len(words), self.width)).astype(np.float32)
            table[[PAD, UNKNOWN]] = 0
        else:
            from textgraft.text.vectors import coverage, embedding_matrix, open_vectors

            # The others find on disk what the first one has downloaded and read.
            processes.first_does(lambda: open_vectors(str(self.vectors)).fingerprint)
            vectors = open_vectors(str(self.vectors))
            table = embedding_matrix(words, vectors, unknown=self.unknown, seed=self.seed)
            # The texts that are trained on may hold no word of which nothing is known; later ones do.
            table[PAD] = 0
            table[UNKNOWN] = 0 if self.unknown == "zero" else table[first:].mean(axis=0)
            found = coverage(words[first:], self.vocabulary_.frequencies[first:], vectors)
            identity["vectors"] = vectors.fingerprint
            self.chosen_ |= {
                "vectors": vectors.name,
                "words_with_vector": round(found.share_of_words, 4),
                "tokens_with_vector": round(found.share_of_tokens, 4),
            }
            without = (
                f" Most frequent without one: {listed(word for word, _ in found.missing)}." if found.missing else ""
            )
            said = found.warning is not None and progress.say(f"Warning: {found.warning}")
            self.notes_ = vectors.notes if said else (*vectors.notes, found.warning or f"{found}{without}")
        return table, self._numbered([*data.texts, *valid.texts]), identity

    def _numbered(self, texts: Sequence[str]) -> Windows:
        assert self.vocabulary_ is not None
        return self.vocabulary_.numericalise(texts, tokenizer(self.tokenizer), self._longest)

    def _states(self, data: Dataset, valid: Dataset) -> tuple[Table, Windows, dict[str, Any]]:
        """The frozen encoder's token states of all texts, on disk, and what they depend on."""
        from textgraft.encoders.encoder import check_max_tokens
        from textgraft.encoders.sources import resolve
        from textgraft.encoders.states import TokenStates, token_states

        assert self.encoder is not None
        self.vocabulary_ = None
        files = resolve(self.encoder)
        self._longest = check_max_tokens(files, self.max_tokens)
        self._encoder_ = None
        heard: list[bool] = []

        def stored() -> TokenStates:
            return token_states(
                [*data.texts, *valid.texts],
                files,
                self._longest,
                self.precision,
                announce=lambda note: heard.append(progress.say(note)),
            )

        # The others wait, and find the states on disk: a memory map cannot be sent.
        found = processes.first_does(lambda: stored().found)
        states = stored()
        if found:
            self.notes_ = ("The token states were on disk already; without them training takes longer than it did.",)
        elif not any(heard):
            self.notes_ = (states.note,)
        return states.table, states.windows, {"encoder": files.fingerprint}

    def _say_cut(self, cut: NDArray[np.bool_]) -> None:
        self.chosen_ |= {"max_tokens": self._longest, "texts_cut": round(float(cut.mean()), 4)}
        if cut.any():
            self.notes_ = (
                *self.notes_,
                f"{cut.mean():.1%} of the training texts are longer than {self._longest} tokens and were cut there; "
                "raise max_tokens (--max-tokens) to read more of them.",
            )

    def _build(self, tensors: dict[str, Floats]) -> None:
        self.tensors_ = tensors
        self.plain_ = Plain(tensors, cell=self.cell, layers=self.layers, pooling=self.pooling)

    def _proba(self, texts: list[str]) -> Floats:
        if self.encoder is None:
            windows = self._numbered(texts)
            if self.runtime_ is not None:
                logits = run_windows(self.runtime_, windows, PAD, "predicting")
            else:
                logits = self.plain_.logits(windows.ids)
        else:
            chunks = (texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK))
            logits = np.concatenate([self.plain_.logits(list(self._state_encoder().encode(part))) for part in chunks])
        return self.task_.probabilities(logits)

    def _state_encoder(self) -> StateEncoder:
        """Opened at the first use, and kept."""
        if self._encoder_ is None:
            from textgraft.encoders.sources import resolve
            from textgraft.encoders.states import StateEncoder

            assert self.encoder is not None
            self._encoder_ = StateEncoder(resolve(self.encoder), self._longest, self.precision)
        return self._encoder_

    @property
    def outside_bytes(self) -> int:
        """The size of the encoder's files, which a model directory names but does not hold."""
        if self.encoder is None or self.runtime_ is not None:
            return 0
        return sum(path.stat().st_size for path in self._state_encoder().files.weights())

    def _graph(self) -> Graph:
        if self.encoder is None:
            from textgraft.recurrent.graph import RecurrentGraph

            return RecurrentGraph(self.tensors_, cell=self.cell, layers=self.layers, pooling=self.pooling)
        from textgraft.encoders.conversion import states_graph
        from textgraft.encoders.encoder import load_encoder

        encoder = self._state_encoder()
        return states_graph(load_encoder(encoder.files), encoder.pad_id, encoder.files.name)

    def _batches(self, texts: list[str]) -> Iterator[Batch]:
        if self.encoder is None:
            return padded_batches(self._numbered(texts), PAD)
        return padded_batches(self._state_encoder().windows(texts), self._state_encoder().pad_id)

    def _use(self, runtime: Runtime) -> None:
        self.runtime_ = runtime
        if self.encoder is not None:
            from textgraft.encoders.states import StateEncoder

            self._encoder_ = StateEncoder(self._state_encoder().files, self._longest, self.precision, runtime)

    def _write_for_runtime(self, folder: Path) -> None:
        if self.encoder is not None:
            self._state_encoder().save_tokenizer(folder / "tokenizer.json")

    def _write(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        tensors = {name: np.ascontiguousarray(value) for name, value in self.tensors_.items()}
        save_file(tensors, folder / f"{FILE}.safetensors")
        content: dict[str, Any] = {"max_tokens": self._longest}
        if self.vocabulary_ is not None:
            self.vocabulary_.save(folder / "vocabulary.json")
        if self.encoder is not None:
            files = self._state_encoder().files
            content |= {"fingerprint": files.fingerprint, "config": files.config}
        (folder / f"{FILE}.json").write_text(json.dumps(content), "utf-8")

    def _read(self, folder: Path, runtime: Runtime | None = None) -> None:
        path = folder / f"{FILE}.json"
        tensors = Tensors.read(folder / f"{FILE}.safetensors")
        tensors("head.bias", len(self.task_))
        if self.encoder is None:
            self._longest = read_object(path, {"max_tokens"})["max_tokens"]
            if not (self._longest is None or is_whole(self._longest, 1)):
                raise ArtifactError(f"{path} is damaged: max_tokens is {self._longest!r}.")
            self.vocabulary_ = Vocabulary.read(folder / "vocabulary.json")
            tensors("embedding", len(self.vocabulary_), None, dtypes=("float32", "float16"))
        else:
            self._read_encoder(folder, read_object(path, {"max_tokens", "fingerprint"}, {"config"}), tensors, runtime)
        self._build(tensors.tensors)
        if self.encoder is None and runtime is not None:
            self._use(runtime)

    def _read_encoder(self, folder: Path, content: dict[str, Any], tensors: Tensors, runtime: Runtime | None) -> None:
        from textgraft.encoders.sources import named_encoder
        from textgraft.encoders.states import StateEncoder

        assert self.encoder is not None
        self.vocabulary_ = None
        self._longest = content["max_tokens"]
        files = named_encoder(self.encoder, content, folder, at_hand=runtime is None)
        if "embedding" in tensors:
            raise ArtifactError(f"{folder} is damaged: it holds word vectors, but reads the states of an encoder.")
        tensors("layers.0.input", None, None, files.width)
        self._encoder_ = StateEncoder(files, self._longest, self.precision, runtime)


def _part(windows: Windows, start: int, stop: int) -> Windows:
    """The windows of some of the texts, each of which has one."""
    return Windows(
        windows.ids[start:stop],
        np.arange(stop - start),
        np.ones(stop - start, np.float32),
        windows.cut[start:stop],
    )
