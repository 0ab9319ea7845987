"""Fine-tuning: a pretrained encoder with a classification head, trained on the task."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.encoders.choosing import choose_encoder
from textgraft.encoders.encoder import check_max_tokens
from textgraft.encoders.reading import TextReader
from textgraft.encoders.sources import EncoderFiles, resolve
from textgraft.encoders.tokenizing import LONG, Long
from textgraft.errors import ArtifactError
from textgraft.finetuning.network import EncoderClassifier, RuntimeClassifier, read_classifier
from textgraft.finetuning.trainable import Trained, check_trained, choose_trained, depths, merge_adapters
from textgraft.given import as_texts
from textgraft.json_files import is_whole, read_json, read_object
from textgraft.methods.attributing import Attributed, Attribution
from textgraft.methods.constraints import ENCODER, Checked, Choice, Number, number_or_word, refuse
from textgraft.methods.estimator import check_fitted
from textgraft.methods.features import FeatureClassifier
from textgraft.methods.hyperparameters import fitted, hyperparameter, hyperparameters, redeclared
from textgraft.methods.network import NetworkClassifier
from textgraft.methods.preparing import Prepared
from textgraft.model_directory import MethodFacts
from textgraft.runtimes import Batch, Runtime, padded_batches
from textgraft.text.batches import Windows
from textgraft.training.batches import Reader
from textgraft.unicode import in_form, quoted

if TYPE_CHECKING:
    from textgraft.runtimes.conversion import Graph

FILE = "finetune.json"


@hyperparameters
class FineTunedClassifier(NetworkClassifier):
    """A pretrained encoder fine-tuned for the task; validation data chooses the epoch and calibrates probabilities.

    Devlin et al. 2019 (arXiv:1810.04805), with AdamW, a learning rate that rises and falls, and batches of similar
    length. Where no validation data is given, a tenth of the training data is held out. ``chosen_`` says what the
    defaults came to.
    """

    method = "finetune"
    rung = 40
    facts: ClassVar[MethodFacts] = MethodFacts("a fine-tuned encoder", is_encoder=True)

    encoder: str = hyperparameter(ENCODER, f"{ENCODER.allowed}.", default="all-MiniLM-L6-v2", kw_only=False)
    trained: Trained = hyperparameter(
        Checked(check_trained, number_or_word),
        '``"all"``, the number of last layers, only the ``"head"``, or ``"lora"``: small adapters in all layers (Hu et '
        "al. 2021, arXiv:2106.09685), which are folded into the weights at the end. The head always is.",
        default="all",
        option="all, head, lora, or how many of the last layers are trained",
    )
    learning_rate: float | None = redeclared(
        NetworkClassifier,
        "learning_rate",
        'the peak; None is 2e-4, in a multi-label task 1e-4, with ``"lora"`` 1e-3, with ``"head"`` 1e-2.',
        default=None,
    )
    layer_decay: float = hyperparameter(
        Number(0.01, 1), "the learning rate of each layer is this times that of the one above.", default=1.0
    )
    long: Long = redeclared(
        FeatureClassifier,
        "long",
        '``"window"`` reads long texts in overlapping windows, whose logits are averaged, in training as in '
        'prediction; ``"truncate"`` cuts them.',
        default="window",
    )
    max_tokens: int | None = redeclared(FeatureClassifier, "max_tokens", default=None)

    network_: EncoderClassifier | RuntimeClassifier = fitted()

    def _prepare(self, data: Dataset, valid: Dataset | None) -> Prepared:
        data, valid = self._begin(data, valid)
        files = resolve(self._choose_encoder(self.encoder, data))
        max_tokens = check_max_tokens(files, self.max_tokens)
        classifier = EncoderClassifier(
            files, self.task_, max_tokens, self.long, self.precision, self.seed, self.dropout
        )
        classifier.network = choose_trained(classifier.network, self.trained, files.name, seed=self.seed)
        classifier.network.to(classifier.device)
        windows, valid_windows = classifier.windows(data.texts), classifier.windows(valid.texts)
        most = f"max_tokens (--max-tokens) goes up to {files.positions}"
        self._say_cut(windows.cut, max_tokens, f"{most}, and long='window' (--long window) reads all of them.")
        rate = {"head": 1e-2, "lora": 1e-3}.get(str(self.trained), 1e-4 if self.task_.multi_label else 2e-4)
        return Prepared(classifier, windows, data, valid_windows, valid, rate, {"encoder": files.fingerprint})

    def windows_of(self, prepared: Prepared, texts: list[str]) -> Windows:  # noqa: D102
        return self._being_trained(prepared).windows(texts)

    def _fit(self, data: Dataset, valid: Dataset | None) -> None:
        prepared = self._prepare(data, valid)
        classifier = self._being_trained(prepared)
        from textgraft.finetuning.trimming import TrimmedVocabulary

        seen = [*prepared.windows.ids, *prepared.valid_windows.ids]
        vocabulary = TrimmedVocabulary(classifier.network, seen, classifier.tokenizer.pad_id)

        def finish(shrunk: float) -> None:
            classifier.draw_from(None)
            vocabulary.restore(shrunk)
            classifier.network = merge_adapters(classifier.network)

        trimmed, valid_trimmed = map(vocabulary.trimmed, (prepared.windows, prepared.valid_windows))
        self._train(
            replace(prepared, windows=trimmed, valid_windows=valid_trimmed),
            finish=finish,
            computed=self.precision,
            depths=depths(classifier.network) if self.layer_decay != 1 else None,
        )
        self._conclude(prepared)

    def _conclude(self, prepared: Prepared) -> None:
        from textgraft.finetuning.head import fold, last_linear

        classifier = self._being_trained(prepared)
        classifier.network = merge_adapters(classifier.network)
        head = last_linear(classifier.network)
        logits = classifier.logits_of_all(prepared.valid_windows, shared=True)
        fold(self._calibrate(logits, prepared.data, prepared.valid, shifts=head.bias is not None), head)
        self.network_ = classifier

    @staticmethod
    def _being_trained(prepared: Prepared) -> EncoderClassifier:
        assert isinstance(prepared.classifier, EncoderClassifier)
        return prepared.classifier

    def _reader(self, texts: Sequence[str]) -> Reader:
        if self.__sklearn_is_fitted__():
            return TextReader(self.network_.tokenizer, self.network_.max_tokens, self.network_.long)
        name, _ = choose_encoder(self.encoder, texts, with_network=True)
        return TextReader.of(resolve(name), self.max_tokens, self.long)

    def _proba(self, texts: list[str]) -> NDArray[np.float32]:
        return self.network_.probabilities(self.network_.windows(texts))

    @property
    def attribution(self) -> Attribution | None:
        """Integrated gradients, unless an export without gradients computes the network."""
        return "gradients" if self.runtime_ is None else None

    def _attribute(self, text: str, label: int) -> Attributed:
        from textgraft.finetuning.gradients import integrated_gradients

        return Attributed(*integrated_gradients(self._classifier, text, label))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """(n, width) means of the last states of n texts, as the encoder has them after fine-tuning; None of an export.

        An export gives logits alone.
        """
        check_fitted(self)
        network = self.network_
        if not isinstance(network, EncoderClassifier):
            return None
        return network.vectors(network.windows(in_form(as_texts(texts), self.unicode)))

    def graph(self) -> Graph:  # noqa: D102
        from textgraft.encoders.graphs import logits_graph

        classifier = self._classifier
        return logits_graph(classifier.network, classifier.tokenizer.pad_id, classifier.files.name)

    @property
    def cuts_at(self) -> int | None:  # noqa: D102
        return self.network_.max_tokens if self.network_.long == "truncate" else None

    def _cut(self, texts: list[str]) -> NDArray[np.bool_]:
        return self.network_.windows(texts).cut

    def graph_inputs(self, texts: list[str]) -> Iterator[Batch]:  # noqa: D102
        return padded_batches(self.network_.windows(texts), self.network_.tokenizer.pad_id)

    def for_web(self) -> dict[str, Any]:  # noqa: D102
        network = self.network_
        windows = {"max_tokens": network.max_tokens, "long": network.long, "maximum": False}
        return network.tokenizer.for_web() | windows

    def _use(self, runtime: Runtime) -> None:
        old = self.network_
        self.network_ = RuntimeClassifier(old.files, runtime, self.task_, old.max_tokens, old.long)

    @property
    def _classifier(self) -> EncoderClassifier:
        assert isinstance(self.network_, EncoderClassifier)  # nothing that needs weights is asked of an export
        return self.network_

    def write_state(self, folder: Path) -> None:  # noqa: D102
        self._classifier.save(folder)
        content = {"max_tokens": self.network_.max_tokens, "long": self.network_.long}
        (folder / FILE).write_text(json.dumps(content), "utf-8")

    def read_state(self, folder: Path, runtime: Runtime | None = None) -> None:  # noqa: D102
        content = read_object(folder / FILE, {"max_tokens"}, {"long"})
        # Models from before there were windows cut their texts.
        self.long, longest = content.get("long", "truncate"), content["max_tokens"]
        refuse(Choice(*LONG).faults("long", self.long))
        config = read_json(folder / "config.json")
        files = EncoderFiles(str(folder), folder, "", config if isinstance(config, dict) else {})
        if not is_whole(longest, 1, files.positions + 1):
            raise ArtifactError(
                f"{folder / FILE} is damaged: max_tokens is {quoted(longest)}, at most {files.positions}."
            )
        if (folder / "adapter_config.json").exists():  # transformers would load what it names
            raise ArtifactError(f"{folder} is damaged: no fine-tuned model has adapters beside its weights.")
        if runtime is None:
            self.network_ = read_classifier(folder, self.task_, longest, self.long, self.precision)
        else:
            self.network_ = RuntimeClassifier(files, runtime, self.task_, longest, self.long)
            self.network_.tokenizer.check(longest, files.config.get("vocab_size"))
