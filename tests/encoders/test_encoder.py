from __future__ import annotations

import os
import random
import zlib
from pathlib import Path

import numpy as np
import pytest

from textgraft import progress
from textgraft.cache import cache_folder
from textgraft.encoders import Encoder
from textgraft.encoders.vector_store import VectorStore, without_cache
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


class Heard(Worked):
    """Also what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


FILMS = [f"the film {i}" for i in range(50)]


def flipped(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


DAMAGE = {
    "cut off": lambda content, _: content[:-20],
    "empty": lambda *_: b"",
    "zeros": lambda content, _: bytes(len(content)),
    "a bit": flipped,
    "longer": lambda content, _: content + bytes(4 * 32 + 16),
    "not a number": lambda content, _: content[:-4] + np.float32("nan").tobytes(),
    "not a number, and its sum": lambda content, _: summed(content[4:-4] + np.float32("nan").tobytes()),
    "another order": lambda content, _: content[:4] + content[-4:] + content[4:-4],
}


def summed(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(4, "little") + content


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_vectors_are_encoded_again_and_it_is_said_once(tiny_encoder: Path, damage: str) -> None:
    first, chance, heard = encoder(tiny_encoder, cache=True).encode(FILMS), random.Random(0), Heard()
    for _ in range(20 if damage == "a bit" else 1):
        (file,) = cache_folder().rglob("*.vectors")
        file.write_bytes(DAMAGE[damage](file.read_bytes(), chance))
        heard.said.clear()
        with progress.listening(heard):
            np.testing.assert_array_equal(encoder(tiny_encoder, cache=True).encode(FILMS), first)
            np.testing.assert_array_equal(encoder(tiny_encoder, cache=True).encode(FILMS), first)
        (sentence,) = heard.said
        assert "damaged; those texts are encoded again" in sentence


@pytest.mark.parametrize("state", ["a file", "a file in it", "a link to nothing", "a file of it", "a name too long"])
def test_no_state_of_the_cache_stops_work(
    tiny_encoder: Path, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = encoder(tiny_encoder).encode(FILMS)
    place = tmp_path / ("x" * 300 if "long" in state else "cache")
    if state == "a file":
        place.touch()
    elif state == "a file in it":
        place.mkdir()
        (place / "vectors").touch()
    elif state == "a link to nothing":
        place.mkdir()
        (place / "vectors").symlink_to(tmp_path / "none" / "none")
        (tmp_path / "none").touch()
    elif state == "a file of it":
        monkeypatch.setenv("TEXTGRAFT_CACHE", str(place))
        encoder(tiny_encoder, cache=True).encode(FILMS)
        (file,) = place.rglob("*.vectors")
        file.unlink()
        os.mkfifo(file)
    monkeypatch.setenv("TEXTGRAFT_CACHE", str(place))
    heard = Heard()
    with progress.listening(heard):
        for _ in range(2):
            np.testing.assert_array_equal(encoder(tiny_encoder, cache=True).encode(FILMS), expected)
    assert len(heard.said) == 1


def test_what_is_no_number_is_not_kept() -> None:
    store = VectorStore("x", 3)
    store.put(FILMS, np.full((50, 3), np.inf, np.float32))
    assert store.get(FILMS)[1] is None


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
