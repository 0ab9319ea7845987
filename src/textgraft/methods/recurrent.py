"""Recurrent networks: an LSTM or GRU on word vectors, or on the token states of a frozen transformer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.errors import ExportError, SettingError
from textgraft.hardware import Precision
from textgraft.methods.base import unicode_form
from textgraft.methods.constraints import COUNT, ENCODER, YES_OR_NO, Checked, Choice, Text
from textgraft.methods.hyperparameters import fitted, hyperparameter, hyperparameters, redeclared
from textgraft.methods.network import NetworkClassifier
from textgraft.methods.preparing import Prepared
from textgraft.model_directory import MethodFacts
from textgraft.recurrent.material import Material
from textgraft.recurrent.numpy_network import Cell, Plain, Pooling
from textgraft.recurrent.word_reader import Unknown, WordReader
from textgraft.runtimes import Batch, Runtime
from textgraft.tensors import Tensors
from textgraft.text.batches import Windows
from textgraft.text.tokenizers import tokenizer
from textgraft.text.vocabulary import Vocabulary
from textgraft.training.batches import Reader
from textgraft.unicode import Form, quoted

if TYPE_CHECKING:
    from textgraft.recurrent.network import Shape
    from textgraft.recurrent.state_reader import StateReader
    from textgraft.runtimes.conversion import Graph

Floats = NDArray[np.float32]
TrainVectors = Literal["frozen", "tuned", "scratch"]
FILE = "recurrent"


@hyperparameters
class RecurrentClassifier(NetworkClassifier):
    """An LSTM or GRU that reads texts word by word, the best epoch and the calibration chosen on validation data.

    Word vectors are learned with it, or come from GloVe, word2vec or fastText and stay as they are or are tuned; or the
    network reads the token states of a frozen transformer, which are computed once and kept on disk. Prediction on
    words needs NumPy alone. Where no validation data is given, a tenth of the training data is held out.
    """

    method = "recurrent"
    rung = 20
    facts = MethodFacts("a recurrent network", holds_of_texts="words")

    cell: Cell = hyperparameter(
        Choice("gru", "lstm"),
        '``"gru"`` (Cho et al. 2014, arXiv:1406.1078) or ``"lstm"`` (Hochreiter & Schmidhuber 1997).',
        default="gru",
        kw_only=False,
        option="gru or lstm",
    )
    layers: int = hyperparameter(COUNT, "how many of them, each on the states of the one below.", default=2)
    hidden: int = hyperparameter(COUNT, "units of a layer, in each direction.", default=128)
    bidirectional: bool = hyperparameter(
        YES_OR_NO, "whether texts are read from both ends (Schuster & Paliwal 1997).", default=True, off="one-direction"
    )
    pooling: Pooling = hyperparameter(
        Choice("last", "mean", "max", "attention"),
        'of the last layer\'s states: a mean weighted by ``"attention"`` (Yang et al. 2016), the ``"max"`` or the '
        '``"mean"`` by component, or the ``"last"`` of each direction. Padding never counts.',
        default="attention",
        option="last, mean, max or attention",
    )
    vectors: str | None = hyperparameter(
        Text("a name such as 'glove.6B.50d', a file, or a URL with a checksum"),
        'pretrained word vectors: a name such as ``"glove.6B.50d"``, a file, or a URL with a checksum '
        "(``#sha256=...``); None learns vectors of the words of the training texts.",
        default=None,
    )
    train_vectors: TrainVectors | None = hyperparameter(
        Choice(None, "frozen", "tuned", "scratch"),
        '``"frozen"``, ``"tuned"``, or ``"scratch"`` where there are no vectors; None is frozen where there are.',
        default=None,
    )
    width: int = hyperparameter(COUNT, "components of vectors that are learned from scratch.", default=100)
    unknown: Unknown = hyperparameter(
        Choice("zero", "mean", "normal"),
        'what words without a pretrained vector get: ``"zero"``, the ``"mean"`` of the others, or a draw from their '
        '``"normal"`` distribution.',
        default="normal",
    )
    tokenizer: str = hyperparameter(
        Checked(tokenizer),
        '``"treebank"`` (of any language; English contractions are taken apart, as in GloVe), ``"unicode"`` (not taken '
        'apart), ``"basic_english"``, or ``"spacy:en"`` and other languages of spaCy.',
        default="treebank",
        option="treebank, unicode, basic_english or spacy:en",
    )
    max_size: int = hyperparameter(COUNT, "most words in the vocabulary.", default=50_000)
    min_count: int | None = hyperparameter(
        COUNT, "how often a word must occur; None is once with pretrained vectors and twice without.", default=None
    )
    encoder: str | None = hyperparameter(
        ENCODER,
        f"{ENCODER.allowed}; its token states are read in place of words.",
        default=None,
        option="an encoder whose token states are read in place of words",
        alone=True,
    )
    max_tokens: int | None = hyperparameter(
        COUNT,
        "longer texts are cut there; with an encoder None is what that was tuned for.",
        default=None,
        option="length of a window or of a cut text",
    )
    epochs: int | None = redeclared(
        NetworkClassifier, "epochs", "passes over the data; None chooses 6 to 10, more for small data.", default=None
    )
    batch_size: int = redeclared(NetworkClassifier, "batch_size", default=64)
    learning_rate: float | None = redeclared(
        NetworkClassifier, "learning_rate", "the peak; None is 2e-3.", default=None
    )
    dropout: float | None = redeclared(
        NetworkClassifier, "dropout", "of the inputs, between layers, and before the head.", default=0.3
    )
    precision: Precision = redeclared(
        NetworkClassifier,
        "precision",
        'of the matrix products; ``"auto"`` takes what the hardware has. Updated weights are fp32 always, and so is '
        "what a GRU passes from step to step; an LSTM is computed in it as a whole.",
        default="auto",
    )

    unicode: Form = unicode_form("nfkc", "NFKC, as for n-grams, since a word is known only as it is written.")

    reader_: WordReader | StateReader = fitted()
    tensors_: dict[str, Floats] = fitted()
    plain_: Plain = fitted()

    def _conflicts(self) -> Iterator[str]:
        yield from super()._conflicts()
        if self.encoder is not None and self.vectors is not None:
            yield "A recurrent network reads word vectors or an encoder's states; give one of vectors and encoder."
        if self.encoder is not None and self.train_vectors is not None:
            yield "train_vectors is for word vectors; an encoder's states stay as they are. Leave it out."
        if self.vectors is None and self.train_vectors in ("frozen", "tuned"):
            yield f"train_vectors={quoted(self.train_vectors)} needs vectors (--vectors), such as glove.6B.50d."
        if self.vectors is not None and self.train_vectors == "scratch":
            yield "train_vectors='scratch' learns vectors anew; leave out vectors, or take 'tuned'."

    @property
    def _shape(self) -> Shape:
        from textgraft.recurrent.network import Shape

        return Shape(self.cell, self.layers, self.hidden, self.bidirectional, self.dropout or 0.0, self.pooling)

    @property
    def vocabulary_(self) -> Vocabulary | None:
        """The words that it knows; None on the states of an encoder."""
        return self.reader_.vocabulary if isinstance(self.reader_, WordReader) else None

    def _prepare(self, data: Dataset, valid: Dataset | None) -> Prepared:
        data, valid = self._begin(data, valid)
        material = (self._words if self.encoder is None else self._states)(data, valid)
        from textgraft.recurrent.network import SequenceClassifier

        network = SequenceClassifier(
            self._shape,
            self.task_,
            material.table,
            train_table=self._trains_table,
            precision=self.precision,
            seed=self.seed,
        )
        windows, valid_windows = material.split(len(data))
        self.chosen_, self.notes_ = dict(material.chosen), (*self.notes_, *material.notes)
        longest = self.reader_.max_tokens
        self._say_cut(windows.cut, longest, "raise max_tokens (--max-tokens) to read more of them.")
        identity = {**material.identity, "max_tokens": longest}
        return Prepared(network, windows, data, valid_windows, valid, 2e-3, identity, (6, 10))

    def windows_of(self, prepared: Prepared, texts: list[str]) -> Windows:  # noqa: ARG002, D102
        if not isinstance(self.reader_, WordReader):
            raise SettingError(
                "A recurrent network on an encoder's states trains on states that are computed once, of the training "
                "and the validation texts; other texts are predicted when it is fitted."
            )
        return self.reader_.windows(texts)

    def _fit(self, data: Dataset, valid: Dataset | None) -> None:
        prepared = self._prepare(data, valid)
        self._train(prepared, finish=lambda _: prepared.classifier.draw_from(None), computed="fp32")
        self._conclude(prepared)

    def _conclude(self, prepared: Prepared) -> None:
        from textgraft.recurrent.network import SequenceClassifier

        network = prepared.classifier
        assert isinstance(network, SequenceClassifier)
        tensors = network.tensors()
        if self.encoder is None and not self._trains_table:
            tensors["embedding"] = np.asarray(network.table, np.float32)
        self._build(tensors)
        logits = self.plain_.logits(self.reader_.inputs(network.table, prepared.valid_windows))
        calibration = self._calibrate(logits, prepared.data, prepared.valid)
        # The head of calibrated logits is a linear layer as well.
        tensors["head.weight"] = tensors["head.weight"] * calibration.scale[:, None]
        tensors["head.bias"] = tensors["head.bias"] * calibration.scale + calibration.shift
        self._build(tensors)

    @property
    def _trains_table(self) -> bool:
        """Whether word vectors are trained with the network."""
        return self.encoder is None and (self.vectors is None or self.train_vectors == "tuned")

    def _words(self, data: Dataset, valid: Dataset) -> Material:
        self.reader_ = self._word_reader(data.texts)
        texts = [*data.texts, *valid.texts]
        if self.vectors is None:
            material = self.reader_.scratch(texts, width=self.width, seed=self.seed)
        else:
            material = self.reader_.pretrained(texts, self.vectors, unknown=self.unknown, seed=self.seed)
        return replace(material, identity={"min_count": self._least} | material.identity)

    @property
    def _least(self) -> int:
        """How often a word must occur."""
        return self.min_count or (2 if self.vectors is None else 1)

    def _word_reader(self, texts: Sequence[str]) -> WordReader:
        """One that knows the words of some texts."""
        return WordReader.of(texts, self.tokenizer, self.max_tokens, max_size=self.max_size, min_count=self._least)

    def _reader(self, texts: Sequence[str]) -> Reader:
        if self.encoder is None:
            words = self.reader_ if self.__sklearn_is_fitted__() else self._word_reader(texts)
            assert isinstance(words, WordReader)  # of a model on words
            return words
        from textgraft.encoders.choosing import choose_encoder
        from textgraft.encoders.reading import TextReader
        from textgraft.encoders.sources import resolve
        from textgraft.recurrent.state_reader import StateReader

        if self.__sklearn_is_fitted__():
            assert isinstance(self.reader_, StateReader)
            return TextReader(self.reader_.encoder.tokenizer, self.reader_.encoder.max_tokens, "truncate")
        name, _ = choose_encoder(self.encoder, texts, with_network=True)
        return TextReader.of(resolve(name), self.max_tokens, "truncate")

    def _states(self, data: Dataset, valid: Dataset) -> Material:
        from textgraft.encoders.sources import resolve
        from textgraft.recurrent.state_reader import StateReader

        assert self.encoder is not None
        self.reader_ = StateReader(resolve(self._choose_encoder(self.encoder, data)), self.max_tokens, self.precision)
        material = self.reader_.stored([*data.texts, *valid.texts])
        nothing_to_them = dict.fromkeys(("tokenizer", "max_size", "min_count"))
        return replace(material, identity=nothing_to_them | material.identity)

    def _build(self, tensors: dict[str, Floats]) -> None:
        self.tensors_ = tensors
        self.plain_ = Plain(tensors, cell=self.cell, layers=self.layers, pooling=self.pooling)

    def _proba(self, texts: list[str]) -> Floats:
        return self.task_.probabilities(self.reader_.logits(self.plain_, texts))

    @property
    def outside_bytes(self) -> int:
        """The size of the encoder's files, which a model directory names but does not hold."""
        return 0 if self.runtime_ is not None else self.reader_.outside_bytes

    def graph(self) -> Graph:  # noqa: D102
        if not isinstance(self.reader_, WordReader):
            return self.reader_.graph()
        from textgraft.recurrent.onnx_graph import RecurrentGraph

        return RecurrentGraph(self.tensors_, cell=self.cell, layers=self.layers, pooling=self.pooling)

    @property
    def cuts_at(self) -> int | None:  # noqa: D102
        return self.reader_.max_tokens

    def _cut(self, texts: list[str]) -> NDArray[np.bool_]:
        return self.reader_.windows(texts).cut

    def graph_inputs(self, texts: list[str]) -> Iterator[Batch]:  # noqa: D102
        return self.reader_.batches(texts)

    def for_web(self) -> dict[str, Any]:  # noqa: D102
        if not isinstance(self.reader_, WordReader):
            raise ExportError(
                "A page cannot compute a recurrent network on an encoder's states; train one on words, without "
                "--encoder (encoder=), or a features model with that encoder."
            )
        from textgraft.web import word_tables

        return word_tables(self.reader_.tokenizer_name) | {"max_tokens": self.reader_.max_tokens}

    def _use(self, runtime: Runtime) -> None:
        self.reader_ = self.reader_.through(runtime, len(self.task_))

    def write_for_runtime(self, folder: Path) -> None:  # noqa: D102
        self.reader_.write_for_runtime(folder)

    def write_state(self, folder: Path) -> None:  # noqa: D102
        from safetensors.numpy import save_file

        tensors = {name: np.ascontiguousarray(value) for name, value in self.tensors_.items()}
        save_file(tensors, folder / f"{FILE}.safetensors")
        (folder / f"{FILE}.json").write_text(json.dumps(self.reader_.write(folder)), "utf-8")

    def read_state(self, folder: Path, runtime: Runtime | None = None) -> None:  # noqa: D102
        path = folder / f"{FILE}.json"
        tensors = Tensors.read(folder / f"{FILE}.safetensors")
        tensors("head.bias", len(self.task_))
        if self.encoder is None:
            words = WordReader.read(path, self.tokenizer, tensors)
            self.reader_ = words if runtime is None else words.through(runtime, len(self.task_))
        else:
            from textgraft.recurrent.state_reader import StateReader

            self.reader_ = StateReader.read(path, self.encoder, tensors, self.precision, runtime)
        self._build(tensors.tensors)
