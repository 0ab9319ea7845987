"""Classifiers that were not made by textgraft: any sequence classifier that ``transformers`` saved."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from textgraft import progress
from textgraft.dataset import FittedOn
from textgraft.encoders.sources import EncoderFiles, resolve
from textgraft.encoders.tokenizer_files import MOST_BYTES, check_tokenizer, plain_tokenizer_files
from textgraft.encoders.tokenizing import TextTokenizer
from textgraft.errors import ArtifactError, EncoderError, SettingError, TextgraftError, listed
from textgraft.hardware import Precision
from textgraft.json_files import read_json
from textgraft.limits import LABELS
from textgraft.methods import FineTunedClassifier
from textgraft.task import Task
from textgraft.tensors import read_header
from textgraft.unicode import quoted
from textgraft.whole import temporary_folder
from textgraft.wording import counted

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerFast

    from textgraft.finetuning.network import EncoderClassifier

PROBES = ["a", "Does it give the same answers here, in a batch with shorter texts, as it does alone?"]
EQUAL, ROUNDED = 1e-4, 0.05  # how far probabilities may differ, in fp32 and below
NEVER_NAMED = re.compile(r"LABEL_\d+")


def load_foreign(
    folder: str | Path, *, labels: Sequence[str] | None = None, precision: Precision = "fp32"
) -> FineTunedClassifier:
    """A sequence classifier that ``transformers`` saved, as a fitted classifier.

    It gives the probabilities of ``transformers.pipeline("text-classification", folder)`` with ``truncation=True``:
    softmax, or the sigmoid of each label where ``problem_type`` is ``multi_label_classification``; long texts are cut.
    A multi-label task has thresholds of 0.5. What it was trained on is not known: ``fitted_on_`` has no rows.

    Args:
        folder: with ``config.json``, safetensors weights and the tokenizer. No code in it is run.
        labels: the names of its labels, in the order of its outputs; None takes those in ``config.json``.
        precision: of the matrix products.

    Raises:
        ArtifactError: it is no classifier, its files are damaged, it has more labels than ``limits.LABELS`` says, or it
            is of a kind that textgraft does not compute as ``transformers`` does.
        EncoderError: weights or tokenizer are missing or damaged, would run code, or do not go together.
        SettingError: ``labels`` are not as many as the model has, or two are the same.
    """
    folder = Path(folder)
    try:
        return _loaded(folder, labels, precision)
    except TextgraftError:
        raise
    except BaseException as error:  # whatever a damaged file makes the libraries trip over, panics of one included
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise ArtifactError(
                f"{folder} cannot be used: its configuration, tokenizer or weights do not go together "
                f"({type(error).__name__}: {str(error)[:200]}). Save it again."
            ) from error
        raise


def _loaded(folder: Path, labels: Sequence[str] | None, precision: Precision) -> FineTunedClassifier:
    files = resolve(str(folder))
    _check(files)
    config, tokenizer = _opened(files)
    task = _task(folder, config, labels)
    model = FineTunedClassifier(str(folder), long="truncate", precision=precision, unicode="none")
    model.task_ = task
    model.classes_ = np.array(task.labels)
    model.label_form_ = "names"
    model.thresholds_ = np.full(len(task), 0.5, np.float32)
    model.fitted_on_ = FittedOn(rows=0, counts=(0,) * len(task), fingerprint="", files=(), columns=None)
    model.notes_ = ()
    if all(NEVER_NAMED.fullmatch(label) for label in task.labels):
        note = (
            f"{folder} does not name its labels (id2label in config.json is {listed(task.labels, 3)}). Give their "
            'names in that order, load(folder, labels=["...", "..."]), or write them into config.json.'
        )
        model.notes_ = (note,)
        progress.say(note)
    classifier = _network(model, _padded(files, config, tokenizer), tokenizer)
    _check_answers(classifier, tokenizer)
    model.network_ = classifier
    model.chosen_ = {"made_by": "transformers", "max_tokens": classifier.max_tokens}
    return model


def _check(files: EncoderFiles) -> None:
    """Checks of the files what would cost much, or lead elsewhere, before transformers reads them."""
    content, folder = files.config, files.folder
    given = [content.get(name) for name in ("id2label", "label2id")]
    named = [names for names in given if isinstance(names, dict)]
    if len(named) < len(given) - given.count(None):
        raise ArtifactError(f"{folder} does not name its labels as it should: id2label or label2id is no object.")
    counts = [len(names) for names in named]
    counts += [count for name in ("num_labels", "_num_labels") if type(count := content.get(name)) is int]
    if sentence := LABELS.exceeded(max(counts, default=0), f"labels of {folder}"):
        raise ArtifactError(sentence)
    _check_vocabulary(files)


def _check_vocabulary(files: EncoderFiles) -> None:
    """Each piece has a row of weights; of millions of others, a tokenizer would be made for minutes."""
    headers = [read_header(path) for path in files.weights()]
    rows = max((entry.shape[0] for header in headers for entry in header.values() if entry.shape), default=0)
    path = files.folder / "tokenizer.json"
    content = read_json(path, most=MOST_BYTES) if path.is_file() else None
    model = content.get("model") if isinstance(content, dict) else None
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, dict | list) and len(vocabulary) > rows:
        raise EncoderError(
            f"The tokenizer of {files.folder} has {len(vocabulary):,} pieces, and no table of its weights more than "
            f"{counted(rows, 'row')}; they do not go together. Save the model again."
        )


def _opened(files: EncoderFiles) -> tuple[PreTrainedConfig, PreTrainedTokenizerFast]:
    """Configuration and tokenizer as ``transformers`` makes them of the files."""
    from textgraft.encoders.loading import SAFELY, quiet_loading

    with quiet_loading(files.name):
        from transformers import AutoConfig, AutoTokenizer

        config = AutoConfig.from_pretrained(str(files.folder), **SAFELY)
        with plain_tokenizer_files(files.folder) as plain:
            tokenizer = AutoTokenizer.from_pretrained(str(plain), **SAFELY)
    if not tokenizer.is_fast:
        raise EncoderError(f"{files.folder} has no fast tokenizer; save it again with tokenizer.json.")
    check_tokenizer(json.loads(tokenizer.backend_tokenizer.to_str()), files.folder)
    return config, tokenizer


def _task(folder: Path, config: PreTrainedConfig, labels: Sequence[str] | None) -> Task:
    if config.is_encoder_decoder:
        raise ArtifactError(
            f"{folder} is a {config.model_type} classifier, which runs a decoder; textgraft runs encoders only. "
            "Fine-tune its encoder half with textgraft instead."
        )
    multi_label = config.problem_type == "multi_label_classification"
    if config.problem_type == "regression" or (config.num_labels == 1 and not multi_label):
        raise ArtifactError(
            f"{folder} gives a number and no label (num_labels is {config.num_labels}, problem_type "
            f"{quoted(config.problem_type)}); textgraft takes classifiers of two labels or more, or multi-label ones."
        )
    if set(config.id2label) != set(range(config.num_labels)):
        raise ArtifactError(f"{folder} does not name its labels as it should: id2label does not count them from 0 on.")
    named = [str(config.id2label[i]) for i in range(config.num_labels)]
    names = named if labels is None else [str(label) for label in labels]
    if len(names) != len(named):
        raise SettingError(f"{folder} has {len(named)} labels ({listed(named)}); labels= names {len(names)}.")
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise SettingError(f"The labels of {folder} must differ from each other; {listed(map(quoted, twice))} is there "
                           "more than once. Give other names with labels=.")  # fmt: skip
    return Task(tuple(names), multi_label)


def _padded(files: EncoderFiles, config: PreTrainedConfig, tokenizer: PreTrainedTokenizerFast) -> EncoderFiles:
    """The files with a padding id.

    Decoders often have none, and their heads take the last token that is not padding. So it is one that no text ends
    with: not the last of those that the tokenizer adds, if it adds any.
    """
    last = tokenizer("a")["input_ids"][-1]
    ids = (config.pad_token_id, tokenizer.pad_token_id)
    others = (i for i in (tokenizer.eos_token_id, 0, 1) if i != last)
    chosen = next(i for i in (*ids, *others) if isinstance(i, int))
    return replace(files, config=files.config | {"pad_token_id": chosen})


def _network(model: FineTunedClassifier, files: EncoderFiles, tokenizer: PreTrainedTokenizerFast) -> EncoderClassifier:
    from textgraft.finetuning.network import EncoderClassifier

    longest = tokenizer.model_max_length
    if type(longest) not in (int, float) or not longest >= 8:
        raise ArtifactError(f"{files.folder} is damaged: model_max_length of its tokenizer is {quoted(longest)}.")
    max_tokens = int(min(longest, files.positions))
    classifier = EncoderClassifier(files, model.task_, max_tokens, "truncate", model.precision, complete=True)
    classifier.network.config.pad_token_id = files.config["pad_token_id"]  # type: ignore[union-attr]
    # transformers may build another tokenizer than tokenizer.json holds (tokenizer_config.json); its own counts.
    with temporary_folder() as built:
        tokenizer.backend_tokenizer.save(str(built / "tokenizer.json"))
        classifier.tokenizer = TextTokenizer(replace(files, folder=built))
    embedding = classifier.network.get_input_embeddings()  # type: ignore[operator]
    classifier.tokenizer.check(max_tokens, len(embedding.weight))
    return classifier


def _check_answers(classifier: EncoderClassifier, tokenizer: PreTrainedTokenizerFast) -> None:
    """Compares two texts of different lengths, of which one is padded here, with what ``transformers`` says of each.

    Families differ in more than can be listed: XLNet's tokenizer numbers the parts of a text and its head takes the
    last token, padding or not.
    """
    import torch

    ours = classifier.probabilities(classifier.windows(PROBES))
    known = signature(classifier.network.forward).parameters
    cut = {"truncation": True, "max_length": classifier.max_tokens}
    with torch.inference_mode():
        inputs = [tokenizer(text, return_tensors="pt", **cut).to(classifier.device) for text in PROBES]
        alone = [classifier.network(**{k: text[k] for k in text if k in known}).logits for text in inputs]
    theirs = classifier.task.probabilities(torch.cat(alone).float().cpu().numpy())
    if not np.allclose(ours, theirs, atol=EQUAL if classifier.dtype == torch.float32 else ROUNDED):
        files, difference = classifier.files, np.abs(ours - theirs).max()
        raise ArtifactError(
            f"{files.folder} is a {files.config.get('model_type')} classifier, to which textgraft gives other answers "
            f"than transformers does (probabilities differ by {difference:.2g}): it treats padding or the parts of a "
            "text in a way of its own. Fine-tune an encoder of another family."
        )
