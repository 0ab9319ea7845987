from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from textgraft import progress
from textgraft.encoders import Encoder
from textgraft.encoders.vector_store import without_cache
from textgraft.errors import SettingError

pytest.importorskip("torch")

TEXTS = ["the film was good", "a very very bad book", "goal", "", "the match was not great and the game was awful"]
LONG = "the film was very good and the book was not bad " * 12


def encoder(folder: Path, **options: object) -> Encoder:
    return Encoder(str(folder), **({"precision": "fp32", "cache": False} | options))  # type: ignore[arg-type]


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_a_text_has_the_same_vector_whatever_its_neighbours(tiny_encoder: Path, pooling: str) -> None:
    one = encoder(tiny_encoder, pooling=pooling)
    together = one.encode([*TEXTS, LONG])
    alone = np.concatenate([one.encode([text]) for text in [*TEXTS, LONG]])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_vectors_come_in_the_order_of_the_texts_and_repeats_share_one(tiny_encoder: Path) -> None:
    one = encoder(tiny_encoder)
    vectors = one.encode(TEXTS)
    order = [3, 0, 0, 4, 2, 1, 3]
    np.testing.assert_allclose(one.encode([TEXTS[i] for i in order]), vectors[order], atol=1e-5)


def test_mean_pooling_is_the_mean_of_the_states_that_transformers_gives(tiny_encoder: Path) -> None:
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(str(tiny_encoder)).eval()
    one = encoder(tiny_encoder)
    ids = one.tokenizer.windows([TEXTS[0]], 64, "truncate").ids[0]
    with torch.no_grad():
        states = model(input_ids=torch.tensor(ids[None].astype(np.int64))).last_hidden_state[0]
    np.testing.assert_allclose(one.encode([TEXTS[0]])[0], states.mean(0).numpy(), atol=1e-5)


def test_truncating_sees_only_the_start_and_windows_see_the_end(tiny_encoder: Path) -> None:
    changed = LONG + "awful awful awful"
    cut, whole = encoder(tiny_encoder, max_tokens=16, long="truncate"), encoder(tiny_encoder, max_tokens=16)
    np.testing.assert_array_equal(cut.encode([LONG]), cut.encode([changed]))
    assert np.abs(whole.encode([LONG]) - whole.encode([changed])).max() > 1e-3


def test_a_text_is_encoded_once_and_then_read_from_disk(tiny_encoder: Path) -> None:
    texts = [
        f"the {a} was {b}" for a in ("film", "book", "game") for b in ["good", "bad", "great", "awful", "very", "not"]
    ] * 3
    texts += [f"{t} and {t}" for t in texts]
    first = encoder(tiny_encoder, cache=True).encode(texts)
    worked = Worked()
    with progress.listening(worked):
        again = encoder(tiny_encoder, cache=True).encode(texts)
        assert worked.steps == 0
        with without_cache():
            encoder(tiny_encoder, cache=True).encode(texts)
    assert worked.steps > 0
    np.testing.assert_array_equal(first, again)


def test_other_options_do_not_share_vectors(tiny_encoder: Path) -> None:
    texts = [f"{w} film {i} good" for i in range(40) for w in ("the", "a")]
    mean = encoder(tiny_encoder, cache=True).encode(texts)
    assert np.abs(mean - encoder(tiny_encoder, cache=True, pooling="cls").encode(texts)).max() > 1e-3


def test_a_damaged_cache_file_is_encoded_again(tiny_encoder: Path) -> None:
    import os

    texts = [f"the film {i}" for i in range(50)]
    first = encoder(tiny_encoder, cache=True).encode(texts)
    files = list(Path(os.environ["TEXTGRAFT_CACHE"]).rglob("*.safetensors"))
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:-20])
    np.testing.assert_array_equal(encoder(tiny_encoder, cache=True).encode(texts), first)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"pooling": "median"}, "pooling must be one of 'mean', 'cls', 'max'; got 'median'"),
        ({"long": "drop"}, "long must be one of 'truncate', 'window'"),
        ({"max_tokens": 100}, "max_tokens must be between 8 and 64"),
        ({"precision": "int3"}, "precision must be one of"),
    ],
)
def test_options_that_cannot_be_used_are_named(tiny_encoder: Path, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        encoder(tiny_encoder, **options)


class Worked:
    """Counts the steps of all work."""

    def __init__(self) -> None:
        self.steps = 0

    def start(self, what: str, total: float | None) -> object:
        return what

    def advance(self, work: object, amount: float, detail: str) -> None:
        self.steps += 1

    def finish(self, work: object) -> None:
        pass

    def say(self, sentence: str) -> None:
        pass
