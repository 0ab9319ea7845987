"""Frozen features: a pretrained encoder as it is, and a head on its vectors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.encoders.choosing import choose_encoder
from textgraft.encoders.encoder import POOLINGS, Encoder, Pooling, load_encoder
from textgraft.encoders.opening import Reading, TextEncoder, has_network, open_encoder, reopen_encoder
from textgraft.encoders.tokenizing import LONG, Long
from textgraft.errors import ExportError, SettingError
from textgraft.given import as_texts
from textgraft.hardware import PRECISIONS, Precision
from textgraft.heads import Head, HeadKind, Neighbour, NeighbourShare, fit_head
from textgraft.heads.distances import evenly
from textgraft.heads.kernel import MOST_LANDMARKS
from textgraft.json_files import read_object
from textgraft.linear import ClassWeight
from textgraft.linear.choosing import fits_for
from textgraft.methods.answering import Familiarity
from textgraft.methods.base import unicode_form
from textgraft.methods.constraints import COUNT, ENCODER, SEED, Choice, Number, Regularisation, refuse
from textgraft.methods.estimator import check_fitted
from textgraft.methods.graphs import GraphClassifier
from textgraft.methods.hyperparameters import fitted, hyperparameter, hyperparameters
from textgraft.model_directory import MethodFacts
from textgraft.runtimes import Batch, Runtime, padded_batches
from textgraft.tensors import Tensors
from textgraft.unicode import Form, in_form, quoted

if TYPE_CHECKING:
    from textgraft.runtimes.conversion import Graph

Floats = NDArray[np.float32]
FILE = "features"
_MOST_LEFT_OUT = 2_000  # training texts, each held against all others that are kept
HEADS: tuple[HeadKind, ...] = ("auto", "linear", "kernel")


@hyperparameters
class FeatureClassifier(GraphClassifier):
    """Logistic regression on the vectors of a frozen encoder, linear or with an RBF kernel, and votes of neighbours.

    Head, regularisation and the neighbours' share are chosen, and the probabilities calibrated, on validation data;
    where none is given, on a tenth held out of the training data, or of less than 2,000 texts out of fold. The model is
    then fitted to all of it.

    Attributes:
        head_: what makes probabilities of vectors.
    """

    method = "features"
    reads = True
    rung = 30
    facts: ClassVar[MethodFacts] = MethodFacts("a classifier on the vectors of a frozen encoder")

    encoder: str = hyperparameter(ENCODER, f"{ENCODER.allowed}.", default="all-MiniLM-L6-v2", kw_only=False)
    pooling: Pooling = hyperparameter(
        Choice(*POOLINGS), '``"mean"``, ``"cls"`` or ``"max"`` of the token states.', default="mean"
    )
    long: Long = hyperparameter(
        Choice(*LONG),
        '``"window"`` pools overlapping windows of long texts, ``"truncate"`` keeps the first one.',
        default="window",
        option="window reads long texts to the end, truncate cuts them",
    )
    max_tokens: int | None = hyperparameter(
        Number(whole=True),
        "the length of a window, special tokens included; None is what the encoder was tuned for.",
        default=None,
        option="length of a window or of a cut text",
    )
    head: HeadKind = hyperparameter(
        Choice(*HEADS),
        '``"linear"`` is a linear model on standardised vectors, ``"kernel"`` one with an RBF kernel, whose landmarks '
        'are up to 4,096 of the training texts; ``"auto"`` takes the one of the lower log loss on rows held out.',
        default="auto",
        option="auto, linear or kernel: the model on the vectors",
        earlier="linear",
    )
    neighbour_share: NeighbourShare = hyperparameter(
        Number(0, 0.95, words=("auto",)),
        'what the votes of similar training texts count beside the model\'s probabilities; 0 is nothing, ``"auto"`` is '
        "chosen by the log loss on rows held out. The model then keeps vectors of up to 20,000 training texts.",
        default="auto",
        option="share of the votes of similar training texts, or auto",
        earlier=0.0,
    )
    C: float | Sequence[float] | Literal["auto"] = hyperparameter(
        Regularisation(),
        'inverse strength of the regularisation, several to choose from, or ``"auto"``.',
        default="auto",
        option="",
    )
    class_weight: ClassWeight = hyperparameter(
        Choice(None, "balanced"), '``"balanced"`` weighs rare labels up.', default=None
    )
    precision: Precision = hyperparameter(
        Choice(*PRECISIONS),
        'of the encoder; ``"auto"`` takes bf16 where the hardware has it.',
        default="auto",
        option="auto, fp32, bf16 or fp16",
    )
    unicode: Form = unicode_form("nfc", "NFC, since the encoder's own tokenizer does what else is to be done.")
    seed: int = hyperparameter(SEED, "of the part held out.", default=0, option="")

    encoder_: TextEncoder = fitted()
    head_: Head = fitted()
    _opened_: tuple[tuple[Any, ...], TextEncoder] | None = fitted(default=None)

    @property
    def has_graph(self) -> bool:
        """Whether the encoder is a network; one that is yet to be chosen may be."""
        return has_network(self.resolved_.get("encoder", self.encoder))

    def _conflicts(self) -> Iterator[str]:
        for name, value in [] if has_network(self.encoder) else self._of_networks:
            yield (
                f"{name} is for encoders that are networks of transformers, and {quoted(self.encoder)} has one way to "
                f"read texts; got {quoted(value)}. Leave out --{name.replace('_', '-')} ({name}=)."
            )

    @property
    def _of_networks(self) -> list[tuple[str, Any]]:
        """What is set of how a network reads texts, and is not the default."""
        values = [(name, getattr(self, name)) for name in ("pooling", "long", "max_tokens", "precision")]
        return [(name, value) for name, value in values if value != self.hyperparameters[name].default]

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        name = self._choose_encoder(self.encoder, train, with_network=bool(self._of_networks))
        self.encoder_ = self._opened(name)
        self.encoder_.from_cache = 0
        X = self.encoder_.encode(train.texts)
        checks = None if valid is None else (self.encoder_.encode(valid.texts), valid)
        found = fit_head(
            X,
            train,
            checks,
            kind=self.head,
            neighbour_share=self.neighbour_share,
            C=self.C,
            class_weight=self.class_weight,
            seed=self.seed,
        )
        self.head_ = found.head.renumbered(self._places)
        self.notes_ += found.notes
        self._held_out(train, found.held)
        self._weigh_decision(train, self.class_weight)
        self._choose_decision(found.probabilities, found.checks)
        self.chosen_: dict[str, Any] = {**found.chosen, **self.encoder_.chosen}
        if self.encoder_.from_cache:
            self.notes_: tuple[str, ...] = (
                *self.notes_,
                f"The vectors of {self.encoder_.from_cache:,} texts were on disk already; without them training takes "
                "longer than it did.",
            )

    def passes(self, rows: int) -> float:  # noqa: D102
        # A kernel has as many features as landmarks, which are the rows up to a number of them.
        return fits_for(rows) * (1 + min(rows, MOST_LANDMARKS) / MOST_LANDMARKS * (self.head != "linear"))

    def read(self, texts: Sequence[str]) -> None:  # noqa: D102
        texts = in_form(as_texts(texts), self.unicode)
        name, _ = choose_encoder(self.encoder, texts, with_network=bool(self._of_networks))
        self._opened(name).encode(texts)

    def _opened(self, name: str) -> TextEncoder:
        """The encoder as it is to read, which is opened once."""
        how = (name, self.max_tokens, *self._reading.values())
        if self._opened_ is None or self._opened_[0] != how:
            self._opened_ = how, open_encoder(name, self.max_tokens, **self._reading)
        return self._opened_[1]

    @property
    def _reading(self) -> Reading:
        return {"pooling": self.pooling, "long": self.long, "precision": self.precision}

    @property
    def _network(self) -> Encoder:
        assert isinstance(self.encoder_, Encoder)  # of no other a graph is asked
        return self.encoder_

    def _proba(self, texts: list[str]) -> Floats:
        return self.head_.probabilities(self.encoder_.encode(texts), self.task_)

    def _scored(self, texts: list[str]) -> tuple[Floats, Familiarity]:
        X = self.encoder_.encode(texts)
        kept = self.head_.kept
        return self.head_.probabilities(X, self.task_), None if kept is None else kept.familiarity(X)

    def _familiarity_left_out(self) -> Familiarity:
        kept = self.head_.kept
        if kept is None:
            return None
        some = evenly(len(kept), _MOST_LEFT_OUT)
        return kept.familiarity(kept.vectors[some], some)

    def encode(self, texts: Sequence[str]) -> Floats:  # noqa: D102
        check_fitted(self)
        return self.encoder_.encode(in_form(as_texts(texts), self.unicode))

    @property
    def cuts_at(self) -> int | None:  # noqa: D102
        cuts = self.long == "truncate" and isinstance(self.encoder_, Encoder)
        return self._network.max_tokens if cuts else None

    def _cut(self, texts: list[str]) -> NDArray[np.bool_]:
        return self._network.windows(texts).cut

    @property
    def keeps_neighbours(self) -> bool:  # noqa: D102
        return self.head_.kept is not None

    def neighbours(self, texts: Iterable[str], n: int = 5) -> list[list[Neighbour]]:
        """For each text the n most similar training texts, the most similar first, of those that the model keeps.

        A ``Neighbour`` is the text's place among those that ``fit`` was given (0 is the first), the cosine of the two
        vectors, and the names of its labels. The texts themselves are not in the model.

        Raises:
            SettingError: n is not a whole number of at least 1, or the model keeps no vectors of training texts.
        """
        check_fitted(self)
        refuse(COUNT.faults("n", n))
        if self.head_.kept is None:
            raise SettingError(
                "This model keeps no vectors of its training texts, so it cannot say which are similar; train one with "
                "--neighbour-share 0.1 (neighbour_share=0.1), or with --head kernel (head='kernel')."
            )
        texts = in_form(as_texts(texts), self.unicode)
        return self.head_.kept.nearest(self.encoder_.encode(texts), n, self.task_.labels) if texts else []

    @property
    def outside_bytes(self) -> int:
        """The size of the encoder's files, which a model directory names but does not hold."""
        return self.encoder_.outside_bytes

    def graph(self) -> Graph:  # noqa: D102
        from textgraft.encoders.graphs import vectors_graph

        encoder = self._network
        return vectors_graph(load_encoder(encoder.files), self.pooling, encoder.tokenizer.pad_id, encoder.files.name)

    def graph_inputs(self, texts: list[str]) -> Iterator[Batch]:  # noqa: D102
        return padded_batches(self._network.windows(texts), self._network.tokenizer.pad_id)

    def for_web(self) -> dict[str, Any]:  # noqa: D102
        encoder = self.encoder_
        if not isinstance(encoder, Encoder):
            raise ExportError(
                f"A page cannot compute the encoder {quoted(self.encoder)}; train with one that is a network, such as "
                "all-MiniLM-L6-v2 (--encoder, encoder=), or an n-gram model."
            )
        windows = {"max_tokens": encoder.max_tokens, "long": encoder.long, "maximum": encoder.pooling == "max"}
        return encoder.tokenizer.for_web() | windows

    def _use(self, runtime: Runtime) -> None:
        encoder = self._network
        self.encoder_ = Encoder(encoder.files, max_tokens=encoder.max_tokens, runtime=runtime, **self._reading)

    def write_for_runtime(self, folder: Path) -> None:  # noqa: D102
        self._network.tokenizer.save(folder / "tokenizer.json")

    def write_state(self, folder: Path) -> None:  # noqa: D102
        from safetensors.numpy import save_file

        save_file(self.head_.tensors(), folder / f"{FILE}.safetensors")
        (folder / f"{FILE}.json").write_text(json.dumps(self.encoder_.identity), "utf-8")

    def read_state(self, folder: Path, runtime: Runtime | None = None) -> None:  # noqa: D102
        content = read_object(folder / f"{FILE}.json", {"fingerprint"}, {"max_tokens", "config"})
        self.encoder_ = reopen_encoder(self.encoder, content, folder, runtime, **self._reading)
        tensors = Tensors.read(folder / f"{FILE}.safetensors")
        self.head_ = Head.restored(tensors, self.encoder_.width, self.task_)
