"""Addresses, stores and data sets of the Hub: what is read, what is refused, and that nothing secret is shown."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import textgraft as tg
from textgraft import MajorityClassifier, predict_table
from textgraft.data.sources.remote import file_behind
from textgraft.errors import DataError, TextgraftError
from textgraft.wording import notes_about, source_name

from ...artifact.hub_server import TOKEN, Hub, Repository, running_hub
from .servers import Page, Web, running_web

TABLE = b"text,label\nIt works well,good\nIt broke at once,bad\nStill works,good\n"


@pytest.fixture
def web() -> Iterator[Web]:
    with running_web() as running:
        yield running


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (Page(b"<html>no</html>", 404), "{url} cannot be downloaded: there is no such page (404)."),
        (Page(status=403), "{url} cannot be downloaded: it may not be read from here; it may need a login or a signed"),
        (
            Page(status=401),
            "{url} cannot be downloaded: it wants a user and a password: https://USER:PASSWORD@... (401).",
        ),
        (Page(status=503), "{url} cannot be downloaded: the server answered 503 Service Unavailable."),
        (Page(TABLE, sent=30), "{url} cannot be downloaded: it broke off after 30 of 68 bytes."),
        (
            Page(b"\n<!-- hi --><!DOCTYPE html><html>log in"),
            "{url} is an HTML page, not a table; the address may want",
        ),
        (Page(b""), "There are no rows to read. {url} is empty."),
    ],
)
def test_an_address_that_gives_no_table_is_a_sentence(web: Web, page: Page, sentence: str) -> None:
    web.pages["/t.csv?token=secret"] = page
    with pytest.raises(DataError) as refusal:
        tg.read_table(f"{web.url}/t.csv?token=secret")
    assert sentence.format(url=f"{web.url}/t.csv") in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_server_that_is_not_there_or_does_not_answer_is_a_sentence(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"http://127\.0\.0\.1:9/t\.csv cannot be downloaded: Connection refused\."):
        tg.read_table("http://127.0.0.1:9/t.csv")
    with pytest.raises(DataError, match=r"http://host\.invalid/t\.csv cannot be downloaded: "):
        tg.read_table("http://host.invalid/t.csv")
    monkeypatch.setattr("textgraft.data.sources.remote.PATIENCE", 0.2)
    web.pages["/t.csv"] = Page(TABLE, sent=9, stalls=True)
    with pytest.raises(DataError, match=r"/t\.csv cannot be downloaded: no answer within 0\.2 seconds\."):
        tg.read_table(f"{web.url}/t.csv")


def test_user_and_password_are_sent_and_not_shown_nor_sent_on(web: Web) -> None:
    with running_web() as elsewhere:
        elsewhere.pages["/t.csv"] = Page(TABLE)
        web.pages["/t.csv"] = Page(status=302, headers={"Location": f"{elsewhere.url}/t.csv"})
        data = tg.read_table(f"{web.url.replace('//', '//ada:s%40cret@')}/t.csv")
        assert "Authorization" not in elsewhere.asked[0]
    assert web.asked[0]["Authorization"] == "Basic YWRhOnNAY3JldA=="
    assert data.rows.files == (f"{web.url}/t.csv",)


def test_names_of_any_language_and_what_the_server_calls_the_file(web: Web) -> None:
    web.pages["/gr%C3%B6%C3%9Fe%20.csv"] = Page(TABLE)
    assert len(tg.read_table(f"{web.url}/größe .csv")) == 3
    web.pages["/export?format=tsv"] = Page(
        b"It works, well\tgood\nIt broke, once\tbad\nSo, so\tgood\n",
        headers={"Content-Disposition": 'attachment; filename="t.tsv"'},
    )
    assert tg.read_table(f"{web.url}/export?format=tsv").texts[0] == "It works, well"


@pytest.mark.parametrize(
    ("page", "file"),
    [
        ("https://github.com/a/b/blob/main/x/t.csv", "https://raw.githubusercontent.com/a/b/main/x/t.csv"),
        ("https://github.com/a/b/blob/main/t.csv?raw=true", None),
        ("https://github.com/a/b/raw/main/t.csv", None),
        ("https://gist.github.com/ada/0f1e", "https://gist.github.com/ada/0f1e/raw"),
        ("https://gitlab.com/a/b/-/blob/main/t.csv", "https://gitlab.com/a/b/-/raw/main/t.csv"),
        (
            "https://huggingface.co/datasets/a/b/blob/main/t.csv",
            "https://huggingface.co/datasets/a/b/resolve/main/t.csv",
        ),
        ("https://huggingface.co/datasets/a/b", "hf://datasets/a/b"),
        ("https://huggingface.co/datasets/a/b/resolve/main/t.csv", None),
        (
            "https://docs.google.com/spreadsheets/d/1aB/edit?usp=sharing#gid=5",
            "https://docs.google.com/spreadsheets/d/1aB/export?format=csv&gid=5",
        ),
        (
            "https://docs.google.com/spreadsheets/d/1aB/edit",
            "https://docs.google.com/spreadsheets/d/1aB/export?format=csv",
        ),
        ("https://docs.google.com/spreadsheets/d/1aB/export?format=csv", None),
        ("https://drive.google.com/file/d/1aB/view?usp=sharing", "https://drive.google.com/uc?export=download&id=1aB"),
        ("https://www.dropbox.com/s/x/t.csv?dl=0", "the same with dl=1 at its end in place of dl=0"),
        ("https://example.org/blob/t.csv", None),
    ],
)
def test_the_page_of_a_file_is_refused_with_the_address_of_the_file(page: str, file: str | None) -> None:
    assert file_behind(page) == file
    if file:
        with pytest.raises(DataError, match="is a page that shows a file, not the file; give "):
            tg.read_table(page)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("-", "standard input"),
        ("data/a?b#c.csv", "data/a?b#c.csv"),
        ("C:\\data\\t.csv", "C:\\data\\t.csv"),
        ("https://ada:pw@host:80/a/t.csv?sig=x#y", "https://host:80/a/t.csv"),
        ("https://token@host/t.csv", "https://host/t.csv"),
        ("s3://key:pw@bucket/part-?.csv", "s3://bucket/part-?.csv"),
        ("s3://bucket/t.csv?versionId=7", "s3://bucket/t.csv"),
        ("abfs://container@account/t.csv", "abfs://container@account/t.csv"),
        ("zip://*.csv::https://ada:pw@host/t.zip?sig=x", "zip://*.csv::https://host/t.zip"),
    ],
)
def test_what_a_source_is_called_holds_nothing_secret(source: str, name: str) -> None:
    assert source_name(source) == name
    assert not {"pw", "sig=x"} & set(notes_about(source, ["Read."])[0].split())


def test_nothing_secret_is_kept_with_a_model_or_with_half_of_its_predictions(web: Web, tmp_path: Path) -> None:
    source = f"{web.url.replace('//', '//ada:hush@')}/t.csv?sig=hush"
    web.pages["/t.csv?sig=hush"] = Page(TABLE)
    model = MajorityClassifier().fit(tg.read_table(source)).save(tmp_path / "m")
    code = (
        "import sys, textgraft.prediction.part_file as h; h.COMMIT_SECONDS = 0\n"
        "from textgraft.prediction import writing\n"
        "from textgraft import predict_table\n"
        "import textgraft.prediction.table as t; t._pieces, given = None, t._pieces\n"
        "def pieces(*a):\n"
        "    yield from given(*a)\n"
        "    import os; os._exit(7)\n"
        "t._pieces = pieces; t.TEXTS_AT_ONCE = 1\n"
        "predict_table(*sys.argv[1:], resume=True)\n"
    )
    output = tmp_path / "p.csv"
    subprocess.run([sys.executable, "-c", code, str(model), source, str(output)], check=False)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"hush" not in path.read_bytes()
    predict_table(model, source, output, resume=True)
    assert output.read_text("utf-8").splitlines()[1].startswith(f"{web.url}/t.csv,1,")


def test_going_on_with_an_address_needs_the_same_content(web: Web, tmp_path: Path) -> None:
    from textgraft import ReadOptions
    from textgraft.prediction.origin import Origin

    model = MajorityClassifier().fit(["a b", "c d"], ["x", "y"]).save(tmp_path / "m")
    origins = []
    for content in (TABLE, TABLE, TABLE + b"So so,bad\n"):
        web.pages["/t.csv"] = Page(content)
        origins.append(Origin.of(model, f"{web.url}/t.csv", ReadOptions(), {}))
    assert origins[0] == origins[1]
    assert origins[0].differences(origins[2]) == ["another input, or one that has changed since"]


def test_files_of_a_store_are_read_by_pattern_in_order_of_their_names() -> None:
    store = pytest.importorskip("fsspec").filesystem("memory")
    store.pipe({"/many/b.csv": TABLE, "/many/a.csv": TABLE})
    data = tg.read_table("memory://many/*.csv")
    assert data.rows.files == ("memory:///many/a.csv", "memory:///many/b.csv")
    for address, sentence in (
        ("memory://many/c.csv", r"There is no file memory://many/c\.csv\."),
        ("memory://many/*.tsv", r"No file matches 'memory://many/\*\.tsv'\."),
        ("memory://many", r"memory://many is a folder; name a file of it, or several with a pattern such as "),
        ("foo://many", "foo:// is no kind of address that is known here"),
    ):
        with pytest.raises(DataError, match=sentence):
            tg.read_table(address)


def test_a_path_of_pathlib_may_be_an_address_and_a_file_address_a_path(web: Web, tmp_path: Path) -> None:
    web.pages["/t.csv"] = Page(TABLE)
    assert len(tg.read_table(Path(f"{web.url}/t.csv"))) == 3
    (tmp_path / "t t.csv").write_bytes(TABLE)
    data = tg.read_table(f"file://{urllib.request.pathname2url(str(tmp_path / 't t.csv'))}")
    assert data.rows.files == (str(tmp_path / "t t.csv"),)


def test_a_web_page_in_a_file_is_no_table_unless_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("<!doctype html>,label\n<p>so good</p>,pos\n<p>so bad</p>,neg\n")
    with pytest.raises(DataError, match=r"is an HTML page, not a table; save its table as CSV"):
        tg.read_table(path)
    assert len(tg.read_table(path, options=tg.ReadOptions(format="csv", header=True))) == 2


constants = pytest.importorskip("huggingface_hub.constants")
CARD = """---
configs:
- config_name: en
  data_files:
  - split: train
    path: en/train-*
  - split: test
    path: [en/test.tsv]
- config_name: fr
  data_files: fr/*.csv
---
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A Hub on loopback with the data set ada/films."""
    with running_hub() as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", running.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        running.repositories["ada/films"] = Repository(private=False)
        yield running


def parts_of(source: str) -> dict[str, int]:
    """How many rows each part has."""
    data = tg.read_table(source)
    parts = [None] * len(data) if data.parts is None else data.parts.tolist()
    return {str(part): parts.count(part) for part in dict.fromkeys(parts)}


SPLITS = {
    "data/train-00000-of-00001.csv": TABLE,
    "data/validation-00000-of-00001.csv": TABLE[: TABLE.index(b"Still")],
}


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        (SPLITS, {"train": 3, "valid": 2}),
        ({"train.csv": TABLE, "my_test_file.csv": TABLE, "README.md": b"# Films\n"}, {"train": 3, "test": 3}),
        (
            {"train/a.csv": TABLE, "train/b.csv": TABLE, "dev/a.csv": TABLE, "sources.csv": b"a\n1\n"},
            {"train": 6, "valid": 3},
        ),
        ({"reviews.csv": TABLE, "dataset_infos.json": b"{}", ".gitattributes": b""}, {"None": 3}),
    ],
)
def test_the_files_of_a_data_set_say_their_split(hub: Hub, files: dict[str, bytes], parts: dict[str, int]) -> None:
    hub.repositories["ada/films"].commit(files)
    assert parts_of("hf://datasets/ada/films") == parts


def test_the_card_says_which_files_a_configuration_is(hub: Hub) -> None:
    tabbed = TABLE.replace(b",", b"\t")
    repository = hub.repositories["ada/films"]
    first = repository.commit({"t.csv": TABLE})
    repository.commit({"README.md": CARD.encode(), "en/train-a.csv": TABLE, "en/test.tsv": tabbed, "fr/x.csv": TABLE})
    assert parts_of("hf://datasets/ada/films:en") == {"train": 3, "test": 3}
    assert parts_of("hf://datasets/ada/films:fr") == {"None": 3}
    assert parts_of("hf://datasets/ada/films/en/*.tsv") == {"None": 3}  # all of one split
    assert parts_of("hf://datasets/ada/films/en/train-a.csv") == {"None": 3}
    assert parts_of(f"hf://datasets/ada/films@{first}") == {"None": 3}
    repository.branches["refs/convert/parquet"] = first
    assert parts_of("hf://datasets/ada/films@refs/convert/parquet/t.csv") == {"None": 3}
    for source, sentence in {
        "hf://datasets/ada/films": r"has 2 configurations \(en, fr\); say which, as in hf://datasets/ada/films:en\.",
        "hf://datasets/ada/films:eng": r"has no configuration 'eng'; it has en, fr\. Did you mean 'en'\?",
        "hf://datasets/ada/films/en/t.csv": r"has no file 'en/t\.csv'\.",
        "hf://datasets/ada/none": "The Hub has no data set 'ada/none', or it is private",
        "hf://datasets/ada/films@nope": "The data set 'ada/films' has no such branch, tag or commit",
        "hf://ada/films": "these are named as hf://datasets/OWNER/NAME",
    }.items():
        with pytest.raises(DataError, match=sentence):
            tg.read_table(source)
    repository.commit(
        {"README.md": CARD.replace("config_name: en", "config_name: en\n  default: true").encode()} | repository.files
    )
    repository.gated = True
    with pytest.raises(DataError, match="its owner wants its terms accepted"):
        tg.read_table("hf://datasets/ada/films:en")


def test_a_private_data_set_needs_a_token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repositories["ada/films"].private = True
    hub.repositories["ada/films"].commit(SPLITS)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(DataError, match="or it is private: then set HF_TOKEN"):
        tg.read_table("hf://datasets/ada/films")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert parts_of("hf://datasets/ada/films") == {"train": 3, "valid": 2}


def test_class_labels_of_a_data_set_are_their_names(hub: Hub) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    features = {
        "label": {"_type": "ClassLabel", "names": ["bad", "good"]},
        "text": {"_type": "Value", "dtype": "string"},
    }
    table = pa.table({"text": ["so good", "so bad"], "label": [1, 0]})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink)
    hub.repositories["ada/films"].commit({"data/train-00000-of-00001.parquet": sink.getvalue().to_pybytes()})
    data = tg.read_table("hf://datasets/ada/films")
    assert data.task.labels == ("bad", "good")
    assert data.targets.tolist() == [1, 0]


def test_what_was_downloaded_is_read_without_a_connection_and_that_is_said(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories["ada/films"].commit(SPLITS)
    assert parts_of("hf://datasets/ada/films") == {"train": 3, "valid": 2}
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert parts_of("hf://datasets/ada/films") == {"train": 3, "valid": 2}
    assert "The Hub cannot be asked; these are copies" in " ".join(tg.read_table("hf://datasets/ada/films").notes)
    with pytest.raises(TextgraftError, match=r"hf://datasets/ada/other cannot be read from the Hub: "):
        tg.read_table("hf://datasets/ada/other")


def test_files_of_several_formats_are_refused_with_their_names(hub: Hub) -> None:
    hub.repositories["ada/films"].commit({"train.csv": TABLE, "train.jsonl": b"{}\n"})
    with pytest.raises(
        DataError, match=r"has files of 2 formats \(train\.csv, train\.jsonl\); name those to read, as in "
    ):
        tg.read_table("hf://datasets/ada/films")
    hub.repositories["ada/films"].commit({"films.py": b""})
    with pytest.raises(
        DataError, match=r"no table that is read here: it has films\.py\. The Hub may have it as Parquet: "
    ):
        tg.read_table("hf://datasets/ada/films")
