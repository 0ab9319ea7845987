"""A table is the same from a path, a pipe, standard input, an address or a store; and nothing is left behind."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.data.sources import spool
from textgraft.dataset import Dataset
from textgraft.errors import TextgraftError

from ...trying import EXAMPLES
from .servers import Page, Web, running_web

fsspec = pytest.importorskip("fsspec")

WORDS = ["the", "film", "was", "good", "bad,", "long;", '"short"', "é", "好", "and\nvery", "so"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=3, max_size=8).map(" ".join)
ROWS = st.lists(st.tuples(TEXTS, st.sampled_from(("pos", "neg"))), min_size=4, max_size=30).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def as_csv(rows: list[tuple[str, str]], delimiter: str = ",") -> bytes:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows([("text", "label"), *rows])
    return file.getvalue().encode()


def as_json(rows: list[tuple[str, str]]) -> bytes:
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows).encode()


def as_parquet(rows: list[tuple[str, str]]) -> bytes:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(pa.table({"text": [text for text, _ in rows], "label": [label for _, label in rows]}), file)
    return file.getvalue()


FORMATS = {".csv": as_csv, ".tsv": lambda rows: as_csv(rows, "\t"), ".jsonl": as_json, ".parquet": as_parquet}


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with running_web() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder for temporary files, which is empty again after every test."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        yield folder


def through(path: str, content: bytes, how: str, web: Web, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The table that some bytes are, read in one of the ways."""
    if how == "address":
        web.pages[f"/{path}?key=secret"] = Page(content)
        return tg.read_table(f"{web.url}/{path}?key=secret")
    if how == "store":
        fsspec.filesystem("memory").pipe(f"/{path}", content)
        return tg.read_table(f"memory://{path}")
    end, start = os.pipe()

    def write() -> None:
        with os.fdopen(start, "wb") as pipe:
            pipe.write(content)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        if how == "pipe":
            return tg.read_table(f"/dev/fd/{end}")
        with os.fdopen(os.dup(end), encoding="utf-8") as stream, monkeypatch.context() as patched:
            patched.setattr(sys, "stdin", stream)
            return tg.read_table("-")
    finally:
        os.close(end)
        writer.join()


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="needs /dev/fd")
@settings(max_examples=EXAMPLES)
@given(
    rows=ROWS,
    ending=st.sampled_from(list(FORMATS)),
    packed=st.booleans(),
    how=st.sampled_from(("address", "store", "pipe", "standard input")),
)
def test_a_table_is_the_same_wherever_it_is_read_from(
    web: Web, temporary: Path, rows: list[tuple[str, str]], ending: str, packed: bool, how: str
) -> None:
    content, name = FORMATS[ending](rows), f"reviews{ending}"
    if packed and ending != ".parquet":
        content, name = gzip.compress(content), f"{name}.gz"
    with tempfile.TemporaryDirectory(dir=temporary.parent) as folder, pytest.MonkeyPatch.context() as monkeypatch:
        path = Path(folder, name)
        path.write_bytes(content)
        expected = tg.read_table(str(path))
        data = through(name, content, how, web, monkeypatch)
    assert list(data.texts) == list(expected.texts)
    assert data.task == expected.task
    assert data.targets.tolist() == expected.targets.tolist()
    assert data.rows.number.tolist() == expected.rows.number.tolist()
    (called,) = data.rows.files
    known = {"address": f"{web.url}/{name}", "store": f"memory://{name}", "standard input": "standard input"}
    assert called.startswith(known.get(how, "/dev/fd/"))
    assert "secret" not in called
    assert not list(temporary.iterdir())


@settings(max_examples=EXAMPLES)
@given(content=st.one_of(st.binary(max_size=200), st.just(b"<!doctype html><html>log in</html>")))
def test_nothing_is_left_whatever_is_read(web: Web, temporary: Path, content: bytes) -> None:
    web.pages["/any.csv"] = Page(content)
    with suppress(TextgraftError):
        tg.read_table(f"{web.url}/any.csv")
    assert not list(temporary.iterdir())


COMMAND = [sys.executable, "-c", "from textgraft.cli import main; main()"]


def environment(temporary: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(temporary)}


def test_ctrl_c_while_a_pipe_is_read_leaves_nothing(temporary: Path) -> None:
    command = [*COMMAND, "inspect", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(temporary)) as run:
        assert run.stdin is not None
        run.stdin.write(b"text,label\n" + b"so good,pos\nso bad,neg\n" * 1000)
        run.stdin.flush()
        while not list(temporary.glob(".textgraft.*/1/table")):
            assert run.poll() is None
        run.send_signal(2)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert errors.decode().splitlines() == ["Stopped."]
    assert not list(temporary.iterdir())


def test_ctrl_c_while_an_address_is_read_leaves_nothing(temporary: Path) -> None:
    with running_web() as web:
        web.pages["/slow.csv"] = Page(b"text,label\n" + b"so good,pos\n" * 200_000, sent=2_000_000, stalls=True)
        command = [*COMMAND, "inspect", f"{web.url}/slow.csv"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment(temporary)) as run:
            assert web.stalled.wait(60)
            run.send_signal(2)
            _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert errors.decode().splitlines() == ["Stopped."]
    assert not list(temporary.iterdir())


def test_what_a_killed_run_leaves_goes_with_the_next(temporary: Path) -> None:
    command = [*COMMAND, "inspect", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment(temporary)) as run:
        assert run.stdin is not None
        run.stdin.write(b"text,label\n")
        run.stdin.flush()
        while not list(temporary.glob(".textgraft.*/1/table")):
            assert run.poll() is None
        run.kill()
    assert list(temporary.iterdir())
    fsspec.filesystem("memory").pipe("/next.csv", as_csv([("so good", "pos"), ("so bad", "neg")]))
    tg.read_table("memory://next.csv")
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full", "/dev/urandom"])
def test_a_device_without_end_is_no_table(device: str, temporary: Path) -> None:
    if not Path(device).is_char_device():
        pytest.skip(f"there is no {device} here")
    with pytest.raises(TextgraftError, match=rf"^{device} is a device, which holds no table"):
        tg.read_table(device)
    with Path(device).open("rb") as given:
        ended = subprocess.run([*COMMAND, "inspect", "-"], stdin=given, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: Standard input is a device, which holds no table")
    assert not list(temporary.iterdir())


def test_a_pipe_without_end_does_not_fill_the_disk(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "LEFT", shutil.disk_usage(temporary).total)
    monkeypatch.setattr(spool, "LOOKED", 1 << 20)
    (endless := temporary.parent / "endless").unlink(missing_ok=True)
    os.mkfifo(endless)

    def write() -> None:
        with suppress(BrokenPipeError), endless.open("wb", buffering=0) as pipe:
            while True:
                pipe.write(b"so good,pos\n" * 10_000)

    threading.Thread(target=write, daemon=True).start()
    with pytest.raises(TextgraftError, match=r"the copy cannot be written to .* \(it needs about .* are free\)"):
        tg.read_table(endless)
    assert not list(temporary.iterdir())
    endless.unlink()
