"""A cache may save time and do nothing else: what is damaged is made anew, and where nothing is kept, work goes on.

Full disks are real ones: small file systems in memory, which a process mounts for itself alone.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textgraft import progress
from textgraft.artifact import choosing
from textgraft.cache import cache_folder
from textgraft.encoders.sources import resolve
from textgraft.encoders.token_states import token_states
from textgraft.encoders.vector_store import VectorStore
from textgraft.text.vectors import open_vectors

from .disks import STATES, can_mount, mounted
from .text.vectors import files as formats
from .trying import EXAMPLES

pytest.importorskip("torch")

TEXTS = [f"the film was {word} {i}" for i in range(25) for word in ("good", "bad")]
VECTORS = np.random.default_rng(0).standard_normal((50, 6), np.float32)
WORDS = ["a", "b", "c", "Ça", "a"]
ROWS = np.random.default_rng(1).standard_normal((5, 4), np.float32)


class Heard:
    """A listener that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def start(self, what: str, total: float | None) -> None: ...
    def advance(self, work: object, amount: float, detail: str) -> None: ...
    def finish(self, work: object) -> None: ...
    def say(self, sentence: str) -> None:
        self.said.append(sentence)


Use = Callable[[str], object]  # what comes of a cache under a key


def of_vectors(key: str) -> object:
    """Vectors of an encoder: looked up, or 'encoded' and kept."""
    rows = VECTORS if key == "this" else -VECTORS
    store = VectorStore(key, 6)
    known, found = store.get(TEXTS)
    result = rows.copy()
    if found is not None:
        result[known] = found
    if len(known) < len(TEXTS):
        missing = sorted(set(range(len(TEXTS))) - set(known.tolist()))
        store.put([TEXTS[i] for i in missing], rows[missing])
    return result.tobytes()


def of_states(folder: Path) -> Use:
    def use(key: str) -> object:
        # As many texts and tokens under either key, so that only the key tells their states apart.
        texts = [text.replace("film", "film" if key == "this" else "book") for text in TEXTS]
        stored = token_states(texts, resolve(str(folder)), 16, "fp32")
        return b"".join(np.asarray(stored.table[ids]).tobytes() for ids in stored.windows.ids)

    return use


def of_words(folder: Path, write: Callable[..., Path]) -> Use:
    @cache
    def source(key: str) -> Path:
        (place := folder / key).mkdir(exist_ok=True)
        return write(place, WORDS, ROWS if key == "this" else -ROWS)

    def use(key: str) -> object:
        vectors = open_vectors(source(key))
        found, rows = vectors.find(["a", "Ça", "none", "C"])
        return found.tobytes(), rows.tobytes(), vectors.fingerprint, vectors.notes, vectors.nearest("b")

    return use


def of_speeds(key: str) -> object:
    """Which export is the fastest: as it is remembered, or measured and kept."""
    name = "onnx-fp32" if key == "this" else "onnx-int8"
    memory = choosing._read_memory()
    if key not in memory:
        memory[key] = {"chosen": name, "tokens_per_second": {"onnx-fp32": 7, "onnx-int8": 7}}
        place = cache_folder() / choosing.MEMORY
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            place.write_text(json.dumps({"sum": choosing._sum(memory), "choices": memory}))
    return memory[key]["chosen"]


@pytest.fixture(scope="module")
def uses(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Use]:
    folder = tmp_path_factory.mktemp("vectors")
    found: dict[str, Use] = {"vectors": of_vectors, "states": of_states(tiny_encoder), "speeds": of_speeds}
    for name in ("glove", "numpy_text", "gzipped"):
        (own := folder / name).mkdir()
        found[f"words of {name}"] = of_words(own, getattr(formats, name))
    return found


CACHES = ["vectors", "states", "speeds", "words of glove", "words of numpy_text", "words of gzipped"]


def damage(content: bytes, kind: str, chance: random.Random) -> bytes:
    """The same bytes, but for what chance does to them."""
    at = chance.randrange(len(content))
    if kind == "a bit":
        return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]
    if kind == "zeros":
        return content[:at] + bytes(min(16, len(content) - at)) + content[at + 16 :]
    if kind == "no numbers":
        at -= at % 4
        return content[:at] + np.full(1, np.nan, "<f4").tobytes() + content[at + 4 :]
    if kind == "cut off":
        return content[:at]
    if kind == "longer":
        return content + content[:at] + b"\0"
    return chance.randbytes(len(content))


@pytest.mark.parametrize("name", CACHES)
def test_what_is_damaged_in_any_way_is_made_anew_with_one_remark(
    name: str, uses: dict[str, Use], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use, examples = uses[name], max(10, EXAMPLES // (4 if name == "states" else 1))
    place = tmp_path / "cache"
    monkeypatch.setenv("TEXTGRAFT_CACHE", str(place))
    expected = use("this")
    whole = tmp_path / "whole"
    shutil.copytree(place, whole)

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(["a bit", "zeros", "no numbers", "cut off", "longer", "noise"]), st.integers(0, 1 << 40))
    def tried(kind: str, seed: int) -> None:
        shutil.rmtree(place)
        shutil.copytree(whole, place)
        chance = random.Random(seed)
        file = chance.choice(sorted(path for path in place.rglob("*") if path.is_file()))
        before, after = file.read_bytes(), damage(file.read_bytes(), kind, chance)
        file.write_bytes(after)
        heard = Heard()
        with progress.listening(heard):
            assert use("this") == expected
            assert use("this") == expected
        assert sum("damaged" in sentence for sentence in heard.said) == (after != before), heard.said

    tried()


@pytest.mark.parametrize("name", CACHES)
@pytest.mark.parametrize("how", ["another's file", "a folder", "a pipe", "gone", "a link to nothing"])
def test_another_file_in_the_place_of_what_was_kept_is_not_taken_for_it(
    name: str, how: str, uses: dict[str, Use], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use, place = uses[name], tmp_path / "cache"
    monkeypatch.setenv("TEXTGRAFT_CACHE", str(place))
    expected = use("this")
    files = sorted(path.relative_to(place) for path in place.rglob("*") if path.is_file())
    shutil.copytree(place, tmp_path / "whole")
    for path in files:
        shutil.rmtree(place)
        if how == "another's file":
            use("other")
            (other,) = place.rglob(path.name) if name != "vectors" else place.rglob("*.vectors")
            content = other.read_bytes()
            shutil.rmtree(place)
        shutil.copytree(tmp_path / "whole", place)
        (place / path).unlink()
        if how == "another's file":
            (place / path).write_bytes(content)
        elif how == "a folder":
            (place / path).mkdir()
        elif how == "a pipe":
            os.mkfifo(place / path)
        elif how == "a link to nothing":
            (place / path).symlink_to(tmp_path / "nothing")
        assert use("this") == expected
        assert use("this") == expected


@pytest.mark.parametrize("name", ["vectors", "states", "words of glove"])
def test_a_whole_folder_of_another_key_is_not_taken_for_it(
    name: str, uses: dict[str, Use], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use, place = uses[name], tmp_path / "cache"
    monkeypatch.setenv("TEXTGRAFT_CACHE", str(place))
    expected = use("this")
    (mine,) = (path for path in (place / os.listdir(place)[0]).iterdir() if path.is_dir())  # noqa: PTH208
    use("other")
    (theirs,) = (path for path in mine.parent.iterdir() if path != mine)
    shutil.rmtree(mine)
    shutil.copytree(theirs, mine)
    heard = Heard()
    with progress.listening(heard):
        assert use("this") == expected
    assert ["damaged" in sentence for sentence in heard.said].count(True) == 1


WORK = """
import hashlib, sys
from pathlib import Path
import numpy as np
from textgraft import RecurrentClassifier, FeatureClassifier, progress

class Heard:
    def start(self, what, total): ...
    def advance(self, work, amount, detail): ...
    def finish(self, work): ...
    def say(self, sentence):
        print("said", sentence, flush=True)

method, encoder, vectors = sys.argv[1:4]
texts = [f"the {noun} was {how} {i}" for noun in ("film", "book") for i in range(20) for how in ("good", "bad")]
labels = ["up", "down"] * 40
with progress.listening(Heard()):
    if method == "features":
        model = FeatureClassifier(encoder=encoder)
    else:
        more = {"encoder": encoder} if method == "states" else {"vectors": vectors}
        model = RecurrentClassifier("lstm", hidden=8, layers=1, epochs=2, **more)
    model.fit(texts, labels)
    print("answer", hashlib.sha256(model.predict_proba(texts[:10]).tobytes()).hexdigest())
"""


def run_on(state: str | None, words: list[object], folder: Path, script: str = WORK) -> tuple[str, list[str]]:
    """The answer of a process whose cache is on a disk in some state, and the remarks that it made about it."""
    cache_place, temporary = folder / "cache", folder / "temporary"
    for place in (cache_place, temporary):
        place.mkdir(exist_ok=True)
    command = [sys.executable, "-c", script, *map(str, words)]
    if state is not None:
        command = mounted(STATES[state].format(cache=cache_place, temporary=temporary), command)
    environment = os.environ | {"TEXTGRAFT_CACHE": str(cache_place), "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    (answer,) = (line for line in lines if line.startswith("answer"))
    assert not list(temporary.iterdir()), "left among temporary files"
    return answer, [line for line in lines if line.startswith("said") and "TEXTGRAFT_CACHE" in line]


@pytest.fixture(scope="module")
def learned(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[list[object], str]]:
    """For each method what to run, and its answer where everything can be kept."""
    folder = tmp_path_factory.mktemp("learned")
    vectors = formats.glove(folder, ["good", "bad", "film", "book", "was"], np.eye(5, 6, dtype=np.float32))

    @cache
    def of(method: str) -> tuple[list[object], str]:
        words: list[object] = [method, tiny_encoder, vectors]
        (folder / method).mkdir()
        answer, said = run_on(None, words, folder / method)
        assert not said
        return words, answer

    return of


FAST = [("states", "nothing anywhere"), ("words", "full")]  # the others take minutes together
EVERY = [(method, state) for method in ("states", "words", "features") for state in STATES]


@pytest.mark.parametrize(
    ("method", "state"), [pytest.param(*each, marks=[pytest.mark.slow] * (each not in FAST)) for each in EVERY]
)
def test_no_disk_stops_a_training_and_what_is_learned_is_the_same(
    method: str, state: str, learned: Callable[[str], tuple[list[object], str]], tmp_path: Path
) -> None:
    if not can_mount():
        pytest.skip("needs Linux and file systems of one's own")
    words, expected = learned(method)
    answer, said = run_on(state, words, tmp_path)
    assert answer == expected
    assert len(said) == 1, said
