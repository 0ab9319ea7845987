from __future__ import annotations

import gc
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from textgraft import progress
from textgraft.cache import cache_folder
from textgraft.encoders import EncoderFiles, TextTokenizer, resolve
from textgraft.encoders import token_states as states
from textgraft.encoders.token_states import StateEncoder, TokenStates, token_states
from textgraft.errors import SettingError

from .families import WORDS

torch = pytest.importorskip("torch")

LONG = "the film was very good and the book was not bad " * 12
TEXTS = ["the film was good", "a very very bad book", "goal", "", LONG, "the match was not great"]


@pytest.fixture
def files(tiny_encoder: Path, tmp_path: Path) -> EncoderFiles:
    """A tiny encoder in a folder of this test's own."""
    return resolve(str(shutil.copytree(tiny_encoder, tmp_path / "encoder")))


def kept(texts: list[str], files: EncoderFiles, max_tokens: int = 32, **more: Any) -> TokenStates:
    return token_states(texts, files, max_tokens, "fp32", **more)


def of_text(stored: TokenStates, i: int) -> NDArray[np.float16]:
    return stored.table[stored.windows.ids[i]]


def folders() -> set[str]:
    return {path.name for path in (cache_folder() / "states").iterdir()}


class Steps:
    """A listener that does something after each step and counts them."""

    def __init__(self, act: Callable[[], object] = lambda: None, said: list[str] | None = None) -> None:
        self.act = act
        self.said = [] if said is None else said
        self.count = 0

    def start(self, what: str, total: float | None) -> object:
        return what

    def advance(self, work: object, amount: float, detail: str) -> None:
        self.count += 1
        self.act()

    def finish(self, work: object) -> None:
        pass

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def test_states_are_those_of_the_encoder_run_text_by_text(files: EncoderFiles) -> None:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(str(files.folder)).eval()
    stored = kept(TEXTS, files)
    ids = TextTokenizer(files).windows(TEXTS, 32, "truncate").ids
    for i, row in enumerate(ids):
        with torch.no_grad():
            expected = model(input_ids=torch.tensor(row[None].astype(np.int64))).last_hidden_state[0].numpy()
        np.testing.assert_allclose(of_text(stored, i), expected, rtol=1e-3, atol=1e-4)


def test_texts_are_cut_at_max_tokens_and_it_is_said_which(files: EncoderFiles) -> None:
    stored = kept(TEXTS, files, 16)
    assert [len(ids) for ids in stored.windows.ids] == [6, 7, 3, 2, 16, 7]
    assert stored.windows.cut.tolist() == [text == LONG for text in TEXTS]
    assert stored.table.dtype == np.float16
    assert isinstance(stored.table, np.memmap)


def test_the_same_texts_in_any_order_are_encoded_once(files: EncoderFiles) -> None:
    first = kept(TEXTS, files)
    for name in ("model.safetensors", "tokenizer.json"):
        (files.folder / name).unlink()  # what is not there cannot be run
    order = [4, 2, 2, 0, 5, 1, 3, 4]
    again = kept([TEXTS[i] for i in order], files)
    assert (first.found, again.found) == (False, True)
    assert again.windows.cut.tolist() == first.windows.cut[order].tolist()
    for place, i in enumerate(order):
        np.testing.assert_array_equal(of_text(again, place), of_text(first, i))


def test_other_texts_and_options_do_not_share_states(files: EncoderFiles) -> None:
    kept(TEXTS, files)
    assert not kept(TEXTS[1:], files).found
    assert not kept(TEXTS, files, 16).found
    assert not token_states(TEXTS, files, 32, "bf16").found


def test_the_disk_use_is_said_before_work_begins_and_never_when_there_is_none(files: EncoderFiles) -> None:
    said: list[str] = []
    steps = Steps()
    with progress.listening(steps):
        stored = kept(TEXTS, files, announce=lambda note: said.append(f"{note} {steps.count}"))
        assert said == [f"{stored.note} 0"]
        assert f"{len(TEXTS)} texts take " in stored.note
        done = steps.count
        assert kept(TEXTS, files, announce=said.append).note == stored.note
    assert len(said) == 1
    assert steps.count == done > 0


@pytest.mark.parametrize("memory", [10**9, 0], ids=["in memory", "computed anew"])
def test_what_fits_no_disk_is_held_in_memory_or_computed_again(
    files: EncoderFiles, monkeypatch: pytest.MonkeyPatch, memory: int
) -> None:
    texts = [*TEXTS, TEXTS[0]]
    expected = kept(texts, files)
    shutil.rmtree(cache_folder() / "states")
    said: list[str] = []
    with monkeypatch.context() as patched, progress.listening(Steps(said=said)):
        patched.setattr(shutil, "disk_usage", lambda _: Disk(10**9, 9 * 10**8, 10**8))
        patched.setattr(states, "free_memory", lambda: memory)
        stored = kept(texts, files)
        rows = [np.array([[5, 0], [6, 4]]), slice(*stored.windows.ids[4][[0, -1]]), *stored.windows.ids]
        found = [np.asarray(stored.table[row]) for row in rows]
    assert not folders()
    assert stored.table.shape == expected.table.shape
    assert not stored.found
    assert said == [stored.note]
    assert "200.0 MB, and 100.0 MB are free), so they are " in stored.note
    for row, states_of_row in zip(rows, found, strict=True):
        np.testing.assert_allclose(states_of_row, expected.table[row], rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["states.npy", "lengths.npy", "cut.npy"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "empty", "a bit"])
def test_damaged_states_are_computed_again(files: EncoderFiles, name: str, damage: str) -> None:
    first = kept(TEXTS, files)
    expected = np.array(of_text(first, 4))
    del first
    (folder,) = (cache_folder() / "states").iterdir()
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    if damage == "a bit":
        (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage != "missing":
        (folder / name).write_bytes(content[: -3 if damage == "truncated" else 0])
    again = kept(TEXTS, files)
    assert not again.found
    np.testing.assert_array_equal(of_text(again, 4), expected)
    assert kept(TEXTS, files).found


def test_a_killed_run_leaves_nothing_visible_and_the_next_one_tidies_up(files: EncoderFiles) -> None:
    code = """
import os, signal
from pathlib import Path
import numpy as np
from textgraft.cache import cache_folder
from textgraft.encoders.token_states import _compute
from textgraft.text.batches import Windows

class Killed:
    width = 4
    def states(self, rows):
        os.kill(os.getpid(), signal.SIGKILL)

place = cache_folder() / "states" / "name"
place.parent.mkdir(parents=True)
windows = Windows([np.arange(3, dtype=np.int32)], np.zeros(1, np.int64), np.ones(1, np.float32), np.zeros(1, bool))
_compute(place, windows, Killed())
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert [name[0] for name in folders()] == ["."]
    kept(TEXTS[:2], files)
    assert [name[0] for name in folders()] != ["."]
    assert len(folders()) == 1
    assert not kept(TEXTS, files).found


def test_what_a_run_is_still_writing_is_left_alone(files: EncoderFiles) -> None:
    with progress.listening(Steps(lambda: kept([TEXTS[0]], files) if len(folders()) == 1 else None)):
        stored = kept(TEXTS, files)
    assert len(stored.table) == stored.windows.lengths.sum()
    assert kept(TEXTS, files).found


def test_states_used_longest_ago_make_room_but_never_those_in_use(
    files: EncoderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = kept(TEXTS[:1], files)
    for text in TEXTS[1:4]:
        kept([text], files)
    kept(TEXTS[1:2], files)  # now those of text 2 were used longest ago
    gc.collect()
    size = sum(path.stat().st_size for path in (cache_folder() / "states").glob("*/*"))
    monkeypatch.setattr(states, "MOST_STATES", size - 1)
    kept(TEXTS[5:], files)
    assert [kept([TEXTS[i]], files).found for i in (0, 5, 1)] == [True] * 3
    assert not kept([TEXTS[2]], files).found
    monkeypatch.setattr(states, "MOST_STATES", 0)
    kept(TEXTS, files)
    gc.collect()
    assert kept(TEXTS[:1], files).found
    assert used.table.size


def test_states_beyond_half_precision_are_cut_to_its_range(files: EncoderFiles) -> None:
    from safetensors.numpy import load_file, save_file

    path = files.folder / "model.safetensors"
    weights = load_file(path)
    weights["encoder.layer.1.output.LayerNorm.weight"] = np.full(32, 1e6, np.float32)
    save_file(weights, path, {"format": "pt"})
    table = kept(TEXTS, resolve(str(files.folder))).table
    assert np.isfinite(table).all()
    assert {table.min(), table.max()} == {np.float16(-65504), np.float16(65504)}


def test_states_that_are_not_kept_come_in_order_and_are_the_same(files: EncoderFiles) -> None:
    texts = [f"{'good ' * (i % 7)}{WORDS[i % len(WORDS)]}" for i in range(600)]
    stored = kept(texts, files)
    there = folders()
    streamed = list(StateEncoder(files, 32, "fp32").encode(texts))
    assert len(streamed) == len(texts) > states.TEXTS_AT_ONCE
    for i, one in enumerate(streamed):
        np.testing.assert_allclose(one, of_text(stored, i), rtol=2e-3, atol=1e-3)
    assert folders() == there


def test_where_nothing_can_be_kept_states_are_kept_until_the_end(
    files: EncoderFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = np.array(of_text(kept(TEXTS, files), 4))
    place = tmp_path / "file"
    place.write_text("")
    monkeypatch.setenv("TEXTGRAFT_CACHE", str(place))
    said: list[str] = []
    with progress.listening(Steps(lambda: None, said)):
        stored = kept(TEXTS, files)
        assert kept(TEXTS, files).found
    np.testing.assert_array_equal(of_text(stored, 4), expected)
    assert f"Nothing can be kept in {place / 'states'}" in said[0]


def test_more_tokens_than_the_encoder_takes_are_refused(files: EncoderFiles) -> None:
    with pytest.raises(SettingError, match="64"):
        StateEncoder(files, 65)
