"""A pretrained encoder with a new classification head: as transformers builds it, or on the encoder half of T5."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from textgraft.encoders.encoder import pool
from textgraft.encoders.loading import ENCODER_HALVES, SAFELY, check_complete, check_sizes, quiet_loading
from textgraft.encoders.sources import EncoderFiles
from textgraft.errors import SettingError
from textgraft.task import Task
from textgraft.unicode import quoted

if TYPE_CHECKING:
    import torch


def load_with_head(
    files: EncoderFiles, task: Task, seed: int, dropout: float | None = None, *, complete: bool = False
) -> torch.nn.Module:
    """The network that fine-tuning trains: ``network(input_ids=, attention_mask=).logits`` is (n, k) for n texts.

    Args:
        files: an encoder, saved bare or under any head, or a network that was loaded here, trained and saved.
        task: the labels; they are written into the network's configuration.
        seed: of the weights that the files do not have: the head's, and the pooler's of many encoders.
        dropout: of all dropout layers, in [0, 1); None keeps what the encoder's configuration says.
        complete: the head must be in the files too, as it is in those of a classifier.

    Returns:
        A ``PreTrainedModel`` in fp32. A head in the files is taken over if it has the same shape.

    Raises:
        SettingError: ``dropout`` is not in [0, 1).
        EncoderError: the files do not hold all of the weights, or transformers cannot read them.
    """
    if dropout is not None and not 0 <= dropout < 1:
        raise SettingError(
            f"dropout must be at least 0 and below 1, or None for the encoder's own; got {quoted(dropout)}."
        )
    with quiet_loading(files.name):
        import torch
        from transformers import AutoConfig, AutoModelForSequenceClassification

        config = AutoConfig.from_pretrained(
            str(files.folder),
            num_labels=len(task),
            id2label=dict(enumerate(task.labels)),
            label2id={name: i for i, name in enumerate(task.labels)},
            problem_type="multi_label_classification" if task.multi_label else "single_label_classification",
            **SAFELY,
        )
        # Every family has its own names (hidden_dropout_prob, seq_classif_dropout, dropout_rate), all with this word.
        for name in config.to_dict() if dropout is not None else ():
            if "dropout" in name:
                setattr(config, name, dropout)
        kind = _encoder_with_head() if config.model_type in ENCODER_HALVES else AutoModelForSequenceClassification
        check_sizes(files, config, getattr(kind, "from_config", kind))
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network, report = kind.from_pretrained(
                str(files.folder),
                config=config,
                use_safetensors=True,
                dtype=torch.float32,
                # A head for other labels gives way to a new one; check_complete sees to the encoder's own weights.
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **SAFELY,
            )
    check_complete(files.name, report, of="" if complete else f"{network.base_model_prefix}.")
    classifier: torch.nn.Module = network
    return classifier


@cache
def _encoder_with_head() -> type[Any]:
    """The class of a T5 classifier; it cannot be defined before torch is imported."""
    import torch
    from transformers import AutoModelForTextEncoding, PreTrainedModel
    from transformers.modeling_outputs import SequenceClassifierOutput

    class EncoderWithHead(PreTrainedModel):  # type: ignore[misc]
        """The encoder half, the mean of its states over the text's tokens, and a linear layer.

        Mean pooling is the best of the ways that Ni et al. 2022 (Sentence-T5, arXiv:2108.08877) compared; the encoder
        has no token like ``[CLS]`` that was trained to stand for the text.
        """

        base_model_prefix = "transformer"
        supports_gradient_checkpointing = True
        _supports_sdpa = True

        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.transformer = AutoModelForTextEncoding.from_config(config)
            self.dropout = torch.nn.Dropout(config.classifier_dropout)
            self.classifier = torch.nn.Linear(config.d_model, config.num_labels)
            self.post_init()

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> Any:
            states = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            logits = self.classifier(self.dropout(pool(states, attention_mask, "mean")))
            return SequenceClassifierOutput(logits=logits)

    return EncoderWithHead
