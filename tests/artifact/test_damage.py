"""Model directories that were damaged, or made to do harm: refused with a sentence, or they predict. Nothing is run."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import random
import shutil
import struct
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from textgraft import load
from textgraft.artifact import read_manifest
from textgraft.errors import ArtifactError, EncoderError, TextgraftError
from textgraft.methods import METHODS, TextClassifier
from textgraft.model_directory.seen import FILE as SEEN
from textgraft.tensors import read_header
from textgraft.text.ngrams import WordNgrams

from ..stacks import small_members
from .damaging import MANIFEST, Damage, Files, damage, sign

LABELS = {"good film": "yes", "bad film": "no", "bank rate": "no", "great goal": "maybe"}
TEXTS = [f"{text} {more}" for text in LABELS for more in ("", "the", "a book", "not very", "of the match", "is")]
TARGETS = [label for label in LABELS.values() for _ in range(6)]
PAIRS = [{"yes", "no"} if i % 3 else {"maybe"} for i in range(len(TEXTS))]
TWO = ["no" if target == "maybe" else target for target in TARGETS]
NEW = ["the film was good", "", "bank rate ☃ Wörter 語", "\n \t", "a " * 300, "not a great goal, is it?"]

Make = Callable[[str], TextClassifier]
RECURRENT = {"epochs": 1, "hidden": 3, "width": 4, "layers": 1, "min_count": 1, "batch_size": 8, "precision": "fp32"}
ARTEFACTS: dict[str, tuple[Make, object]] = {
    "majority": (lambda _: METHODS["majority"](), TARGETS),
    "words": (lambda _: METHODS["ngrams"](words=(1, 3), characters=None), TARGETS),
    "characters": (lambda _: METHODS["ngrams"](), TWO),
    "gru": (lambda _: METHODS["recurrent"]("gru", **RECURRENT), PAIRS),
    "lstm": (lambda _: METHODS["recurrent"]("lstm", **RECURRENT | {"layers": 2, "pooling": "last"}), TARGETS),
    "features": (lambda encoder: METHODS["features"](encoder, precision="fp32"), TARGETS),
    "finetune": (lambda encoder: METHODS["finetune"](encoder, epochs=1, precision="fp32"), PAIRS),
    "stack": (lambda encoder: METHODS["stack"](small_members(Path(encoder))), TARGETS),
}
QUICK = {
    "majority": 1000,
    "words": 800,
    "characters": 600,
    "gru": 500,
    "lstm": 400,
    "features": 150,
    "finetune": 50,
    "stack": 100,
}
MANY = {
    "majority": 20_000, "words": 22_000, "characters": 18_000, "gru": 16_000, "lstm": 15_000,
    "features": 5_000, "finetune": 4_000, "stack": 4_000,
}  # fmt: skip
OURS = (TextgraftError, type(None))


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged name of an encoder is looked for on the Hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Callable[[str], Path]:
    """A saved model by name, trained when it is first asked for."""
    folder = tmp_path_factory.mktemp("models")

    def saved(name: str) -> Path:
        if not (folder / name).exists():
            make, targets = ARTEFACTS[name]
            make(str(tiny_encoder)).fit(TEXTS, targets).save(folder / name)  # type: ignore[arg-type]
        return folder / name

    return saved


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is such a file system, since files are written by the thousand."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def model(models: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a saved model that a test may damage."""
    return lambda name: Path(shutil.copytree(models(name), tmp_path / name))


def read(folder: Path) -> Files:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def signed(folder: Path, name: str, content: bytes | None = None) -> None:
    """Writes a file of a model, or takes it as it is, and tells the manifest of it."""
    if content is not None:
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_bytes(sign(read(folder), name))


def changed(folder: Path, name: str, change: Callable[[dict], object]) -> None:  # type: ignore[type-arg]
    """Changes a JSON file of a model and signs it."""
    content = json.loads((folder / name).read_text("utf-8"))
    change(content)
    (folder / name).write_text(json.dumps(content))
    if name != MANIFEST:
        signed(folder, name)


def outcome(folder: Path, *, own: bool) -> str:
    """``"refused"`` or ``"loaded"``; anything but our own error and sound probabilities fails.

    With ``own`` no other error may be behind it: all files are read by textgraft, and it knows what to say of each.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            loaded = load(folder)
            probabilities = loaded.predict_proba(NEW)
        except TextgraftError as error:
            if isinstance(error.__cause__, MemoryError) or (own and not isinstance(error.__cause__, OURS)):
                raise RuntimeError("This was read before it was checked.") from error
            return "refused"
        assert probabilities.shape == (len(NEW), len(loaded.task_))
        assert probabilities.dtype == np.float32
        assert ((probabilities >= 0) & (probabilities <= 1)).all()
        if not loaded.task_.multi_label:
            np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=2e-3)
        assert len(loaded.predict(NEW)) == len(NEW)
    return "loaded"


def check_damaged(name: str, source: Path, work: Path, cases: range) -> Counter[tuple[str, str, str]]:
    """Damages, loads, predicts; gives how often what ended how."""
    files, counts = read(source), Counter[tuple[str, str, str]]()
    shutil.copytree(source, work)
    before: Files = files
    for i in cases:
        is_signed = i % 2 == 1
        done = damage(files, random.Random(f"{name} {i}"), signed=is_signed)
        for file in files:
            if done.files[file] != before[file]:
                (work / file).write_bytes(done.files[file])
        before = done.files
        ended = checked(work, name, i, done)
        touched = {file for file in files if done.files[file] != files[file]} - {"README.md"}
        assert is_signed or ended == ("refused" if touched else "loaded"), told(name, i, done)
        counts["signed" if is_signed else "left alone", done.kind, ended] += 1
    return counts


def checked(work: Path, name: str, case: int, done: Damage) -> str:
    try:
        return outcome(work, own=name != "finetune")
    except BaseException as error:
        raise AssertionError(told(name, case, done)) from error


def told(name: str, case: int, done: Damage) -> str:
    return f"{name}, case {case}: {done.kind} in {done.file}"


@pytest.mark.parametrize("name", list(ARTEFACTS))
def test_a_damaged_model_is_refused_or_predicts(models: Callable[[str], Path], work: Path, name: str) -> None:
    counts = check_damaged(name, models(name), work / name, range(QUICK[name]))
    ended = Counter(ended for _, _, ended in counts.elements())
    assert ended["refused"] > ended["loaded"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ARTEFACTS))
def test_a_hundred_thousand_damaged_models(models: Callable[[str], Path], work: Path, name: str) -> None:
    counts = check_damaged(name, models(name), work / name, range(10**6, 10**6 + MANY[name]))
    print(f"\n{name}:")
    for (how, kind, ended), count in sorted(counts.items()):
        print(f"  {how:<10} {kind:<20} {ended:<8} {count:>6,}")


@pytest.mark.parametrize(
    "name",
    [
        *("../x.json", "/etc/passwd", "a/b.json", "C:\\x.json", "\x00", "x\x00.json", "..", ".", "", "~", " a"),
        *("x" * 300, MANIFEST, "TEXTGRAFT.json", "\ud800"),
    ],
)
def test_a_name_that_leads_out_of_the_directory_is_refused(model: Callable[[str], Path], name: str) -> None:
    folder = model("majority")
    (folder.parent / "x.json").write_text("{}")
    changed(folder, MANIFEST, lambda told: told["files"].update({name: told["files"]["majority.json"]}))
    with pytest.raises(ArtifactError, match="is not the name of a file in it"):
        load(folder)


@pytest.mark.parametrize("file", [MANIFEST, "majority.json"])
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_plain_file_is_refused(model: Callable[[str], Path], file: str, kind: str) -> None:
    folder = model("majority")
    path = folder / file
    if kind == "link":
        path.rename(folder.parent / "elsewhere")
        path.symlink_to(folder.parent / "elsewhere")
    else:
        path.unlink()
        os.mkfifo(path) if kind == "pipe" else path.mkdir()
    with pytest.raises(ArtifactError):
        load(folder)


def test_a_file_that_changes_while_it_is_read_is_refused(
    model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model("words")
    restored = WordNgrams.restored

    def meanwhile(*args: object) -> WordNgrams:
        (folder / "ngrams.json").write_bytes((folder / "ngrams.json").read_bytes() + b" ")
        return restored(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(WordNgrams, "restored", meanwhile)
    with pytest.raises(ArtifactError, match="was changed while it was read"):
        load(folder)


def test_tensors_are_compared_with_the_manifest(model: Callable[[str], Path]) -> None:
    folder = model("words")
    told = read_manifest(folder).files["ngrams.safetensors"]["tensors"]
    assert told["bias"] == "F32[3]"
    assert told["words.pairs.2"].startswith("I32[")
    changed(folder, MANIFEST, lambda c: c["files"]["ngrams.safetensors"]["tensors"].update(bias="F32[1000000]"))
    with pytest.raises(ArtifactError, match=r"ngrams\.safetensors is not the file that was saved"):
        load(folder)


@pytest.mark.parametrize("name", ["words", "gru"])
def test_a_model_from_before_the_manifest_told_of_tensors_loads(model: Callable[[str], Path], name: str) -> None:
    folder = model(name)
    expected = load(folder).predict_proba(NEW)

    def forget(content: dict) -> None:  # type: ignore[type-arg]
        for told in content["files"].values():
            told.pop("tensors", None)

    changed(folder, MANIFEST, forget)
    np.testing.assert_array_equal(load(folder).predict_proba(NEW), expected)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: c["parameters"].update(depth=3), "has no hyperparameter 'depth'"),
        (lambda c: c["parameters"].update(characters=[9, 2]), "characters must be two whole numbers"),
        (lambda c: c["thresholds"].__setitem__(0, 1.5), "thresholds are not numbers from 0 to 1"),
        (lambda c: c["thresholds"].__setitem__(0, True), "thresholds are not numbers from 0 to 1"),
        (lambda c: c.update(costs=[[0, 1], [1, 0]]), "costs are not 3 rows of 3 numbers of 0 or more"),
        (lambda c: c.update(costs=[[0, 1, 1], [1, 0, -1], [1, 1, 0]]), "costs are not 3 rows of 3 numbers"),
        (lambda c: c.update(costs=[[0, 1, 1], [1, 0, True], [1, 1, 0]]), "costs are not 3 rows of 3 numbers"),
        (lambda c: c.update(costs=[[0, 1, 1], 7, [1, 1, 0]]), "costs are not 3 rows of 3 numbers"),
        (lambda c: c.update(costs=[[0, 1, 1e301], [1, 0, 1], [1, 1, 0]]), "costs are not 3 rows of 3 numbers"),
        (lambda c: c.update(costs="costs.csv"), "of the wrong type costs"),
        (lambda c: c["parameters"].update(metric="/etc/costs.csv"), "nothing else is read for a model"),
        (lambda c: c["parameters"].update(metric=[[0, 1], [1, 0]]), "nothing else is read for a model"),
        (lambda c: c["parameters"].update(metric="f1:nobody"), "of a label that the task does not have"),
        (lambda c: c["task"]["labels"].__setitem__(0, "yes"), "labels are not 2 or more different strings"),
        (lambda c: c["task"]["labels"].__setitem__(0, 7), "labels are not 2 or more different strings"),
        (lambda c: c["task"].update(multi_label="no"), "its task is not labels and multi_label"),
        (lambda c: c["task"]["labels"].__setitem__(0, "\ud800"), "a label is not Unicode"),
        (lambda c: c["classes"].update(dtype="(9,9)f8"), "of a type that no model has"),
        (lambda c: c["classes"].update(values=[[1], [2], [3]]), "of a type that no model has"),
        (lambda c: c["classes"].update(values=["a", "b", "c"], dtype="<i8"), "of a type that no model has"),
        (lambda c: c["fitted_on"].update(rows=-1), "fitted_on does not say"),
        (lambda c: c["fitted_on"].update(columns={"text": "abc", "label": []}), "fitted_on does not say"),
        (lambda c: c["fitted_on"].update(columns={"text": [], "label": [], "merged": ["size"]}), "fitted_on does not"),
        (lambda c: c["files"].update({"ngrams.json": {"bytes": -1, "sha256": ""}}), "does not say what 'ngrams.json'"),
        (lambda c: c.update(label_form="other"), "label_form is 'other'"),
        (lambda c: c.update(versions={"python": 3}), "its versions are not strings"),
        (lambda c: c.update(method="__class__"), "method '__class__'"),
    ],
)
def test_a_manifest_of_wrong_values_is_refused(
    model: Callable[[str], Path],
    change: Callable[[dict], object],
    sentence: str,  # type: ignore[type-arg]
) -> None:
    folder = model("words")
    changed(folder, MANIFEST, change)
    with pytest.raises(ArtifactError, match=sentence):
        load(folder)


@pytest.mark.parametrize(
    ("name", "file", "change", "sentence"),
    [
        ("words", "ngrams.json", lambda c: c["words"].pop(), "words.pairs.2 is of n-grams that are not there"),
        ("words", "ngrams.json", lambda c: c["words"].__setitem__(0, c["words"][1]), "not a list of different strings"),
        ("characters", "ngrams.json", lambda c: c["characters"].update(sizes=[3, 10**9]), "their sizes are"),
        ("characters", "ngrams.json", lambda c: c["characters"]["grams"].pop(), "has the shape"),
        ("gru", "vocabulary.json", lambda c: [c[key].pop() for key in c], "tensor 'embedding' has the shape"),
        ("gru", "recurrent.json", lambda c: c.update(max_tokens=0), "max_tokens is 0"),
        ("features", "features.json", lambda c: c.update(max_tokens=10**6), "max_tokens must be between"),
        ("features", "features.json", lambda c: c.update(fingerprint="0" * 64), "another version of the encoder"),
        ("finetune", "finetune.json", lambda c: c.update(max_tokens=10**6), "max_tokens is 1000000"),
        ("finetune", "finetune.json", lambda c: c.update(long="tear"), "long must be one of"),
        ("finetune", "config.json", lambda c: c.update(hidden_size=10**7), "far larger than the .* numbers"),
        ("finetune", "config.json", lambda c: c.update(num_hidden_layers=10**9), "far larger than the .* numbers"),
        ("finetune", "config.json", lambda c: c.update(layer_norm_eps=-9.0), "gives no numbers"),
        ("finetune", "tokenizer.json", lambda c: c["model"]["vocab"].update(goal=999), "does not go with the network"),
    ],
)
def test_files_that_do_not_go_together_are_refused_though_signed(
    model: Callable[[str], Path],
    name: str,
    file: str,
    change: Callable[[dict], object],
    sentence: str,  # type: ignore[type-arg]
) -> None:
    folder = model(name)
    changed(folder, file, change)
    with pytest.raises((ArtifactError, EncoderError), match=sentence):
        load(folder)


@pytest.mark.parametrize("name", ["words", "features", "lstm"])
def test_weights_that_are_not_finite_are_refused(model: Callable[[str], Path], name: str) -> None:
    folder = model(name)
    path = next(path for path in folder.glob("*.safetensors") if path.name != SEEN)
    content = bytearray(path.read_bytes())
    first = next(entry.start for entry in read_header(path).values() if entry.dtype == "F32")
    at = 8 + int.from_bytes(content[:8], "little") + first
    content[at : at + 4] = struct.pack("<f", float("nan"))
    signed(folder, path.name, bytes(content))
    with pytest.raises(ArtifactError, match="not finite"):
        load(folder)


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.place),)


WEIGHTS = ["pytorch_model.bin", "model.pt", "weights.pkl", "arrays.npy", "adapter_model.bin", "training_args.bin"]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("file", WEIGHTS)
def test_a_pickle_in_a_model_is_never_loaded(model: Callable[[str], Path], file: str, named: bool) -> None:
    folder, harmed = model("finetune"), Path(model("majority")) / "harmed"
    (folder / file).write_bytes(pickle.dumps(Bomb(harmed)))
    if named:
        signed(folder, file)
        load(folder).predict_proba(NEW)
    else:
        with pytest.raises(ArtifactError, match="holds files that are not of the model"):
            load(folder)
    assert not harmed.exists()


def test_pickled_weights_in_place_of_safetensors_are_never_loaded(model: Callable[[str], Path]) -> None:
    folder, harmed = model("finetune"), Path(model("majority")) / "harmed"
    bomb = pickle.dumps(Bomb(harmed))
    (folder / "pytorch_model.bin").write_bytes(bomb)
    signed(folder, "model.safetensors", bomb)
    signed(folder, "pytorch_model.bin")
    with pytest.raises(ArtifactError):
        load(folder)
    (folder / "model.safetensors").unlink()
    changed(folder, MANIFEST, lambda content: content["files"].pop("model.safetensors"))
    with pytest.raises(EncoderError, match=r"has no model\.safetensors"):
        load(folder)
    index = {"metadata": {}, "weight_map": {"classifier.weight": "pytorch_model.bin"}}
    signed(folder, "model.safetensors.index.json", json.dumps(index).encode())
    with pytest.raises(EncoderError, match="names weights that are not safetensors files beside it"):
        load(folder)
    assert not harmed.exists()


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config.json", {"auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}}),
        ("config.json", {"attn_implementation": "someone/kernels"}),
        ("config.json", {"_attn_implementation": {"": "someone/kernels"}}),
        ("config.json", {"transformers_weights": "adapter_model.bin"}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil.Tokenizer", None]}}),
        ("adapter_config.json", {"peft_type": "LORA", "base_model_name_or_path": ".", "auto_mapping": None}),
    ],
)
def test_code_that_comes_with_a_model_is_never_run(
    model: Callable[[str], Path], file: str, values: dict[str, object]
) -> None:
    folder, harmed = model("finetune"), Path(model("majority")) / "harmed"
    signed(folder, "evil.py", f"import os\nos.mkdir({str(harmed)!r})\n".encode())
    content = json.loads((folder / file).read_text("utf-8")) if (folder / file).exists() else {}
    signed(folder, file, json.dumps(content | values).encode())
    if file == "tokenizer_config.json":  # which is for transformers alone
        load(folder).predict_proba(NEW)
    else:
        with pytest.raises((ArtifactError, EncoderError)):
            load(folder)
    assert not harmed.exists()


CALLS = """
import sys, textgraft

FORBIDDEN = {"pickle.find_class", "marshal.loads", "exec", "os.system", "os.posix_spawn", "subprocess.Popen"}
for model in sys.argv[1:]:
    textgraft.load(model).predict_proba(["a"])  # what is imported lazily is imported now
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args)) if event in FORBIDDEN else None)
for model in sys.argv[1:]:
    textgraft.load(model).predict_proba(["a"])
print(seen)
"""


@pytest.mark.parametrize(
    "names",
    [["majority", "characters", "lstm"], pytest.param(["features", "finetune"], marks=pytest.mark.slow)],
    ids=["numpy", "torch"],
)
def test_loading_a_model_unpickles_and_runs_nothing(models: Callable[[str], Path], names: list[str]) -> None:
    """As Python's own audit events tell."""
    folders = [str(models(name)) for name in names]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CALLS, *folders], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr + done.stdout


def test_every_way_to_read_what_can_run_code_is_closed() -> None:
    """``numpy.load`` unpickles where it may, and transformers runs code where it is trusted; both say so by a word."""
    root = Path(inspect.getfile(METHODS["majority"])).parents[1]
    source = "\n".join(path.read_text("utf-8") for path in sorted(root.rglob("*.py")))
    assert "torch.load" not in source
    assert "trust_remote_code=True" not in source
    assert "allow_pickle=True" not in source
    assert source.count("np.load(") == source.count("allow_pickle=False")
