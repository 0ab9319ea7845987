"""An encoder with a classification head: the network that fine-tuning trains."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.encoders.encoder import pool
from textgraft.encoders.loading import without_chatter
from textgraft.encoders.sources import EncoderFiles, resolve
from textgraft.encoders.tokenizing import Long, TextTokenizer
from textgraft.errors import EncoderError
from textgraft.finetuning.loading import load_with_head
from textgraft.hardware import Precision, best_device, matmul_dtype
from textgraft.runtimes import Runtime, check_output, run_windows
from textgraft.runtimes.running import BATCH_TOKENS
from textgraft.task import Task
from textgraft.text.batches import Windows, pad, token_batches
from textgraft.training.classifying import WindowClassifier

if TYPE_CHECKING:
    import torch

CPU_STEP, GPU_STEP = 16384, 262144  # tokens between two backward passes
CPU_TOKENS, GPU_TOKENS = 2048, 32768  # of a pass in training; more does not make a CPU faster
PROBES = ("a", "One text is longer than the other, and no multiple of it.")
SPECIAL_TOKENS = ("unk_token", "pad_token", "cls_token", "sep_token", "mask_token", "bos_token", "eos_token")


class EncoderClassifier(WindowClassifier):
    """A sequence classifier in the form that ``transformers`` saves and loads, with its tokenizer.

    Args:
        files: the encoder, or a saved EncoderClassifier.
        task: the labels; they are written into the network's configuration.
        max_tokens: the length of a window, special tokens included.
        long: ``"window"`` reads all of a long text, ``"truncate"`` its first window.
        precision: of the matrix products in prediction.
        head_seed: of the head's first weights, where ``files`` has no head.
        dropout: in training; None is what the encoder's configuration says.
        complete: ``files`` must have a head for the task, since it will not be trained.
    """

    def __init__(
        self,
        files: EncoderFiles,
        task: Task,
        max_tokens: int,
        long: Long,
        precision: Precision,
        head_seed: int = 0,
        dropout: float | None = None,
        *,
        complete: bool = False,
    ) -> None:
        self.files, self.task, self.max_tokens, self.long = files, task, max_tokens, long
        self.device = best_device()
        self.dtype = matmul_dtype(precision, self.device)
        self.tokenizer = TextTokenizer(files)
        self.network: torch.nn.Module = load_with_head(files, task, head_seed, dropout, complete=complete)
        self._faster = False
        if self.device.type == "cpu":
            from textgraft.finetuning.cpu import make_faster

            self._faster = make_faster(self.network)
        self.network.to(self.device)
        self.step_tokens = CPU_STEP if self.device.type in ("cpu", "mps") else GPU_STEP
        self.train_tokens = CPU_TOKENS if self.device.type == "cpu" else GPU_TOKENS
        self.predict_tokens = BATCH_TOKENS

    def windows(self, texts: Sequence[str]) -> Windows:
        """The token ids of texts, as the network takes them."""
        return self.tokenizer.windows(texts, self.max_tokens, self.long)

    @property
    def threads(self) -> int:
        """How many threads may compute losses at once: two, on a CPU with bf16.

        The fp32 library sets its number of threads for the whole process, and dropout that torch draws is one sequence
        for all threads.
        """
        import torch

        return min(2, torch.get_num_threads()) if self._faster and self.dtype == torch.bfloat16 else 1

    def draw_from(self, key: Sequence[int] | None) -> None:  # noqa: D102
        if self._faster:
            from textgraft.training.dropout import draw_from

            draw_from(key)

    def forward(self, rows: Sequence[NDArray[np.int32]]) -> torch.Tensor:  # noqa: D102
        output, _ = self._through(self.network, rows)
        return output.logits.float()  # type: ignore[no-any-return]

    def vectors(self, windows: Windows) -> NDArray[np.float32]:
        """(texts, width) means of the last states of the encoder below the head; of a long text over its windows."""
        import torch

        from textgraft.finetuning.cpu import all_states

        encoder = self.network.base_model
        vectors: NDArray[np.float32] | None = None
        batches, lengths = token_batches(windows.lengths, self.predict_tokens), windows.lengths
        self.network.eval()
        with torch.inference_mode(), all_states(self.network):
            for batch in progress.track(batches, "encoding", float(lengths.sum()), lambda b: float(lengths[b].sum())):
                output, mask = self._through(encoder, [windows.ids[i] for i in batch])
                pooled = pool(output.last_hidden_state.float(), mask, "mean").cpu().numpy()
                if vectors is None:
                    vectors = np.empty((len(lengths), pooled.shape[1]), np.float32)
                vectors[batch] = pooled
        assert vectors is not None
        return windows.pooled(vectors)

    def _through(self, network: Any, rows: Sequence[NDArray[np.int32]]) -> tuple[Any, torch.Tensor | None]:
        """What a network, or a part of it, gives of one batch; and the mask, None where nothing is padded."""
        import torch

        ids, mask = pad(rows, self.tokenizer.pad_id)
        attention = None if mask is None else torch.from_numpy(mask).to(self.device)
        # In training the weights have the lower precision themselves.
        low = self.dtype != torch.float32 and next(self.network.parameters()).dtype == torch.float32
        with torch.autocast(self.device.type, self.dtype, enabled=low):
            output = network(input_ids=torch.from_numpy(ids).to(self.device), attention_mask=attention)
        return output, attention

    def save(self, folder: Path) -> None:
        """Writes network and tokenizer as a folder that ``transformers`` and ``EncoderClassifier`` read."""
        with without_chatter():
            self.network.save_pretrained(folder)  # type: ignore[operator]
        self.tokenizer.save(folder / "tokenizer.json")
        (folder / "tokenizer_config.json").write_text(json.dumps(self._tokenizer_config(), indent=2) + "\n", "utf-8")

    def _tokenizer_config(self) -> dict[str, Any]:
        """What ``transformers`` has to know to make the same ids of a text as ``TextTokenizer`` does.

        The class that reads ``tokenizer.json`` as it is, since others build a tokenizer of their own from its words;
        and no token types, which are 0 for one text whether given or not, and which not every network takes.
        """
        known, padding = self.tokenizer._tokenizer, self.network.config.pad_token_id  # type: ignore[union-attr]
        special = {"pad_token": known.id_to_token(padding)} if isinstance(padding, int) else {}
        special |= _special_tokens(self.files.folder)
        return {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": self.max_tokens,
            "model_input_names": ["input_ids", "attention_mask"],
            "clean_up_tokenization_spaces": False,
        } | {name: token for name, token in special.items() if token and known.token_to_id(token) is not None}


def read_classifier(folder: Path, task: Task, max_tokens: int, long: Long, precision: Precision) -> EncoderClassifier:
    """The EncoderClassifier that ``save`` wrote into ``folder``.

    Raises:
        EncoderError: its files are damaged or do not go together.
    """
    classifier = EncoderClassifier(resolve(str(folder)), task, max_tokens, long, precision, complete=True)
    import torch

    embedding = classifier.network.get_input_embeddings()  # type: ignore[operator]
    classifier.tokenizer.check(max_tokens, len(embedding.weight))
    for ids in classifier.windows(PROBES).ids:  # not all that a configuration may say can be checked
        with torch.inference_mode():
            logits = classifier.forward([ids])
        if logits.shape != (1, len(task)) or not torch.isfinite(logits).all():
            raise EncoderError(
                f"The network in {classifier.files.folder} gives no numbers for its {len(task)} labels; its weights or "
                "its configuration are damaged. Copy them again."
            )
    return classifier


def _special_tokens(folder: Path) -> dict[str, str]:
    """The names of the special tokens, ``pad_token`` and the like, as far as the encoder's files say them."""
    tokens: dict[str, str] = {}
    for file in ("special_tokens_map.json", "tokenizer_config.json"):
        content = json.loads((folder / file).read_text("utf-8")) if (folder / file).is_file() else {}
        for name in SPECIAL_TOKENS:
            token = content.get(name)
            token = token.get("content") if isinstance(token, dict) else token
            if isinstance(token, str):
                tokens[name] = token
    return tokens


class RuntimeClassifier:
    """A sequence classifier that a runtime computes; it needs the tokenizer and no torch.

    The arguments are those of ``EncoderClassifier``, as which ``files`` were saved; the weights in them are not read.

    Raises:
        ArtifactError: ``runtime`` gives no logits of the task.
    """

    def __init__(self, files: EncoderFiles, runtime: Runtime, task: Task, max_tokens: int, long: Long) -> None:
        check_output(runtime, len(task))
        self.files, self.runtime, self.task = files, runtime, task
        self.max_tokens, self.long = max_tokens, long
        self.tokenizer = TextTokenizer(files)

    def windows(self, texts: Sequence[str]) -> Windows:
        """The token ids of texts, as the network takes them."""
        return self.tokenizer.windows(texts, self.max_tokens, self.long)

    def probabilities(self, windows: Windows) -> NDArray[np.float32]:
        """(texts, k) float32 probabilities; the logits of a long text are the weighted mean of its windows'."""
        logits = run_windows(self.runtime, windows, self.tokenizer.pad_id, "predicting")
        return self.task.probabilities(windows.pooled(logits))
