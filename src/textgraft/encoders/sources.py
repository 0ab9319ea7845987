"""Where pretrained encoders come from: an installed package, a local folder, or the Hugging Face Hub."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

from textgraft import progress
from textgraft.digests import known_sha256
from textgraft.encoders.embedded import EMBEDDED, embedded_folder
from textgraft.encoders.tensorflow import HUB_FILES as TENSORFLOW_FILES
from textgraft.encoders.tensorflow import converted, weights_file
from textgraft.errors import ArtifactError, EncoderError, did_you_mean
from textgraft.json_files import is_whole, read_json
from textgraft.limits import MODEL_BYTES
from textgraft.unicode import quoted_path

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
COUNT_FROM_PADDING = {
    "roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer", "data2vec-text", "xmod", "ibert",
}  # fmt: skip
FINGERPRINTED = {".json", ".txt", ".safetensors", ".model"}
MOST_CONFIG = 1 << 25  # bytes of config.json
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", re.ASCII)
FILE_ENDING = re.compile(
    r"\.(zip|tar|gz|tgz|bz2|xz|zst|7z|safetensors|onnx|bin|pt|pth|ckpt|pkl|h5|np[yz]|vec|model|jsonl?|xml|ya?ml|toml|csv|"
    r"tsv|txt|md|html?|parquet|arrow|feather|xlsx?|db|sqlite|py|ipynb|log)",
    re.IGNORECASE,
)
HUB_FILES = ["*.json", "*.safetensors", "vocab.txt", "merges.txt", "*.model"]


@dataclass(frozen=True)
class EncoderFiles:
    """A pretrained encoder on disk.

    Attributes:
        name: as the user gave it.
        folder: holds ``config.json``, safetensors weights and the tokenizer.
        fingerprint: sha256 over the weights and everything that changes their output, in hex.
        config: the content of ``config.json``.
    """

    name: str
    folder: Path
    fingerprint: str
    config: dict[str, Any]

    def weights(self) -> list[Path]:
        """The safetensors files; a pipe of such a name is none."""
        return sorted(path for path in self.folder.glob("*.safetensors") if path.is_file())

    @property
    def width(self) -> int:
        """Components of a token state.

        Raises:
            EncoderError: the configuration does not say it.
        """
        for name in ("hidden_size", "dim", "d_model", "n_embd"):
            if isinstance(self.config.get(name), int):
                return int(self.config[name])
        raise EncoderError(
            f"The config.json of {quoted_path(self.name)} does not say how wide its states are (hidden_size)."
        )

    @property
    def positions(self) -> int:
        """The most tokens the model takes at once, or 512 where its configuration does not say."""
        positions = self.config.get("max_position_embeddings") or self.config.get("n_positions") or 512
        if not is_whole(positions):
            raise EncoderError(
                f"The config.json of {quoted_path(self.name)} does not say how many positions there are."
            )
        # RoBERTa and its kin count positions from the padding id on, so two of them are never used.
        return max(positions - 2 if self.config.get("model_type") in COUNT_FROM_PADDING else positions, 8)

    @property
    def default_tokens(self) -> int:
        """How many tokens a text is cut or windowed at: what the encoder was tuned for if it says so, at most 512."""
        path = self.folder / "sentence_bert_config.json"
        content = read_json(path) if path.is_file() else {}
        length = content.get("max_seq_length") if isinstance(content, dict) else None
        return min(length if is_whole(length, 8) else 512, self.positions, 512)


def resolve(name: str) -> EncoderFiles:
    """Finds the encoder that ``name`` means.

    Args:
        name: an embedded encoder (``"all-MiniLM-L6-v2"``), a local folder, or ``owner/model`` on the Hub.

    Raises:
        EncoderError: it is not there, too large, has no weights as safetensors (or, of BERT and DistilBERT, of
            TensorFlow), has adapters, or an embedded one has the wrong hash, or no network.
    """
    if name in EMBEDDED:
        if not EMBEDDED[name].has_network:
            raise EncoderError(
                f"The encoder {quoted_path(name)} gives one vector per text and has no layers to train and no token "
                "states; take the method 'features' (FeatureClassifier), or another encoder."
            )
        return _folder(name, embedded_folder(name))
    if Path(name).is_dir():
        return _folder(name, Path(name))
    return _folder(name, _from_hub(name))


def may_be_on_hub(name: str) -> bool:
    """Whether ``name`` can be that of a model on the Hub, ``"owner/model"`` or ``"model"``, and looks like no path.

    What begins with ``.``, ``/`` or ``~``, has a backslash, ends as a file does, or lies in a folder that is here, is a
    path, whether or not there is something: what was moved away must not come from a stranger.
    """
    is_path = ("/" in name and Path(name).parent.exists()) or FILE_ENDING.fullmatch(Path(name).suffix) is not None
    return HUB_NAME.fullmatch(name) is not None and not is_path


def named_encoder(name: str, content: dict[str, Any], folder: Path, *, at_hand: bool) -> EncoderFiles:
    """The encoder that a model in ``folder`` names and does not hold.

    Args:
        name: of the encoder.
        content: what the model's JSON says of it: ``fingerprint``, ``max_tokens`` and ``config``.
        folder: of the model.
        at_hand: whether its weights are needed; else ``folder`` holds an export and a tokenizer in their place.

    Raises:
        ArtifactError: the JSON says something else; or another version of the encoder is here.
        EncoderError: see ``resolve``.
    """
    fingerprint, longest, config = content["fingerprint"], content.get("max_tokens"), content.get("config")
    right = isinstance(name, str) and isinstance(fingerprint, str) and is_whole(longest, 1)
    if not right or not isinstance(config, dict | (NoneType if at_hand else dict)):
        raise ArtifactError(f"{folder} is damaged: it does not say which encoder it was trained on, and how.")
    if not at_hand:
        return EncoderFiles(name, folder, fingerprint, config or {})
    files = resolve(name)
    check_version(name, files.fingerprint, fingerprint, folder)
    return files


def check_version(name: str, here: str, fingerprint: object, folder: Path) -> None:
    """Raises ArtifactError where a model in ``folder`` was trained on other files of an encoder than are here."""
    if here != fingerprint:
        raise ArtifactError(
            f"{folder} was trained on another version of the encoder {quoted_path(name)}: the weights, tokenizer or "
            "configuration here differ from those it was trained on. Install that version, or train again."
        )


def _folder(name: str, folder: Path) -> EncoderFiles:
    config = folder / "config.json"
    if not config.is_file():
        raise EncoderError(f"The folder {folder} is not an encoder: it has no config.json.")
    if not _has_weights(folder):
        if (other := weights_file(folder)) is not None:
            return _folder(name, converted(name, other))
        raise EncoderError(
            f"The encoder {quoted_path(name)} has no model.safetensors in {folder}; other weight formats can run code "
            "when they are loaded and are not read. Save it again with safe_serialization."
        )
    if os.path.lexists(folder / "adapter_config.json"):  # transformers would load them, and the weights that they name
        raise EncoderError(
            f"{folder} has adapters beside its weights, which are not read; merge them into the weights."
        )
    held = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in FINGERPRINTED and path.is_file())
    if sentence := MODEL_BYTES.exceeded(held, f"bytes of {folder}"):
        raise EncoderError(sentence)
    # All files that decide what the encoder makes of a text; a README does not.
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix in FINGERPRINTED]
    digest = hashlib.sha256("".join(f"{path.name}:{known_sha256(path)}" for path in files).encode()).hexdigest()
    try:
        content = read_json(config, most=MOST_CONFIG)
    except ArtifactError as error:
        raise EncoderError(str(error)) from None
    if not isinstance(content, dict):
        raise EncoderError(f"{config} is not the configuration of an encoder: it does not hold an object.")
    if asked := _asked_to_run(content):
        raise EncoderError(
            f"{config} asks to run code that comes with the encoder ({asked}), which textgraft never does; take an "
            "encoder of an architecture that transformers knows."
        )
    if quantised := sorted({"quantization_config", "compression_config"} & content.keys()):
        raise EncoderError(
            f"{config} says that the weights are quantised ({quantised[0]}); further libraries, and kernels that they "
            "fetch, would read them. Take the encoder as it was before that."
        )
    _check_shards(folder)
    return EncoderFiles(name, folder, digest, content)


def _has_weights(folder: Path) -> bool:
    return any((folder / file).is_file() for file in WEIGHTS)


def _asked_to_run(config: dict[str, Any]) -> str | None:
    """The key of a configuration, or of one in it, by which transformers would load code or further weights.

    Besides ``auto_map`` these are kernels from the Hub, ``"attn_implementation": "owner/kernel"``, and weights files
    that nothing here has looked at.
    """
    for key, value in config.items():
        built_in = value is None or (isinstance(value, str) and value.isidentifier())
        kernel = key.endswith(("attn_implementation", "experts_implementation")) and not built_in
        if kernel or key in {"auto_map", "transformers_weights"}:
            return key
        if isinstance(value, dict) and (asked := _asked_to_run(value)):
            return asked
    return None


def _check_shards(folder: Path) -> None:
    """Weights in several files are safetensors files of the folder; transformers reads whatever the index names."""
    index = folder / WEIGHTS[1]
    if (folder / WEIGHTS[0]).is_file() or not index.is_file():
        return
    content = read_json(index)
    shards = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(shards, dict) or not all(map(_is_shard, shards.values())):
        raise EncoderError(f"{index} names weights that are not safetensors files beside it; save the encoder again.")


def _is_shard(name: object) -> bool:
    return isinstance(name, str) and name.endswith(".safetensors") and not re.search(r"[\\/:\0]", name)


def _from_hub(name: str) -> Path:
    """Downloads (or finds in the local Hub cache) the files of a Hub model."""
    offline = f"Here without a download: {', '.join(EMBEDDED)}, or the folder of a saved encoder."
    if not may_be_on_hub(name):
        raise EncoderError(f"There is no encoder folder {quoted_path(name)}.{did_you_mean(name, EMBEDDED)} {offline}")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
    except ImportError:
        raise EncoderError(
            f"{quoted_path(name)} is not an encoder known here, and looking on the Hugging Face Hub needs more "
            "packages: "
            f'pip install "textgraft[transformers]". {offline}'
        ) from None
    progress.say(f"There is no folder {name} here; looking for the encoder {name} on the Hugging Face Hub.")
    try:
        folder = Path(snapshot_download(name, allow_patterns=HUB_FILES))
        if not _has_weights(folder):  # only then, since many have all formats, each as large
            folder = Path(snapshot_download(name, allow_patterns=[*HUB_FILES, *TENSORFLOW_FILES]))
        return folder
    except RepositoryNotFoundError:
        raise EncoderError(
            f"The Hugging Face Hub has no model {quoted_path(name)} (or it is private).{did_you_mean(name, EMBEDDED)} "
            f"{offline}"
        ) from None
    except (OSError, HfHubHTTPError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EncoderError(
            f"The encoder {quoted_path(name)} is not here, and the Hugging Face Hub could not be reached ({reason})."
            f"{did_you_mean(name, EMBEDDED)} {offline}"
        ) from None
