"""Tables of every format, damaged at random and read: run as a module it is a process of its own, which may end badly.

``python -m tests.data.readers.damaged_tables FORMAT FIRST LAST FOLDER`` reads the cases from FIRST to before LAST. It
writes the number of the case that it begins, so that whoever started it knows which one ended it, and at the end how
often what came of them.
"""

from __future__ import annotations

import faulthandler
import io
import json
import random
import resource
import shutil
import sqlite3
import sys
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import datasets
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import textgraft as tg
from textgraft.data.tables.texts import read_texts
from textgraft.errors import TextgraftError

from ...damaging import damaged_bytes, damaged_json
from .file_forms import PACKINGS
from .json_forms import FORMS

Files = dict[str, bytes]
ROWS = [
    (f"a {word} film, no. {i}", ("pos", "neg", "so so")[i % 3]) for i, word in enumerate(["good", "bad", "odd"] * 5)
]
NAMES = ["pos", "neg", "so so"]
RUNS = [bytes((i,)) for i in (*range(32, 127), *b"\t\n\r")] + [
    b"aA",
    b"a_",
    b"a ",
    b'" ',
    b'""',
    b"<!---->",
    b"__label__a ",
    b"1,",
]
MOST_GROWTH = 500 << 20  # bytes of memory
PATIENCE = 60  # seconds


def delimited() -> Iterator[Files]:
    for delimiter, name in ((",", "t.csv"), ("\t", "t.tsv"), (";", "t.txt")):
        for quote in ("", '"'):
            lines = [delimiter.join(f"{quote}{cell}{quote}" for cell in row) for row in [("text", "label"), *ROWS]]
            yield {name: ("\n".join(lines) + "\n").encode()}
    yield {"t.csv": 'text;label\r\n"naïve ""x""\r\n";pos\r\nplain;neg\r\n'.encode("cp1252")}
    yield {"t.csv": "text,label\nnaïve 🙃,pos\nplain,neg\n".encode("utf-16")}
    yield {"t.csv": b'sep=;\ntext;label\n"a \\"b\\" c";pos\n\\N;neg\n;\n'}


def json_lines() -> Iterator[Files]:
    for form in ("pandas lines", "polars lines", "lines of arrays"):
        yield {"t.jsonl": FORMS[form](ROWS).encode()}
    yield {"t.ndjson": b'{"text": {"body": "a"}, "label": ["x", "y"]}\n{"text": {"body": "b"}, "label": ["y"]}\n'}


def json_documents() -> Iterator[Files]:
    for written in FORMS.values():
        yield {"t.json": written(ROWS).encode()}


def fasttext() -> Iterator[Files]:
    yield {"t.txt": "\n".join(f"__label__{label.split()[0]} {text}" for text, label in ROWS).encode()}
    yield {"t.txt": "\n".join(f"{text} __label__a __label__{label.split()[0]}" for text, label in ROWS).encode()}
    yield {"t.txt": "\n".join(f"__label__{label},{text}" for text, label in ROWS).encode()}


def frame() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=["text", "label"], index=range(3, 3 + len(ROWS)))


def arrow_tables() -> Iterator[pa.Table]:
    texts, labels = zip(*ROWS, strict=True)
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=NAMES)})
    several = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.List(datasets.ClassLabel(names=NAMES))}
    )
    numbers = [NAMES.index(label) for label in labels]
    yield pa.Table.from_pandas(frame())
    yield datasets.Dataset.from_dict({"text": texts, "label": numbers}, features=features).data.table
    yield datasets.Dataset.from_dict({"text": texts, "label": [[n, 0] for n in numbers]}, features=several).data.table
    yield pa.table({"text": pa.array(texts).dictionary_encode(), "label": pa.array(labels).cast(pa.large_string())})
    yield pa.table(
        {
            "text": pa.array(texts, pa.string_view()),
            "label": pa.array(labels).cast(pa.binary()),
            "seen": pa.array([None, *range(len(ROWS) - 1)], pa.timestamp("us", "UTC")),
            "more": [{"a": [1.5, None], "b": {"c": True}}] * len(ROWS),
        }
    )


def parquet() -> Iterator[Files]:
    for table in arrow_tables():
        for options in (
            {"compression": "none"},
            {"compression": "zstd", "data_page_version": "2.0"},
            {"use_dictionary": False},
        ):
            yield {"t.parquet": parquet_of(table, **options)}


def parquet_of(table: pa.Table, **options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream, **options)
    return stream.getvalue()


def arrow_of(table: pa.Table, *, stream: bool, compression: str | None = None) -> bytes:
    target = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(target, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=8)
    return target.getvalue()


def arrow() -> Iterator[Files]:
    for table in arrow_tables():
        for compression in (None, "lz4", "zstd"):
            yield {"t.arrow": arrow_of(table, stream=False, compression=compression)}
            yield {"t.arrow": arrow_of(table, stream=True, compression=compression)}


def metadata() -> Iterator[Files]:
    """Files whose schemas say more than their types; ``damaged_metadata`` changes just that."""
    for table in arrow_tables():
        if table.schema.metadata:
            yield {"t.parquet": parquet_of(table)}
            yield {"t.arrow": arrow_of(table, stream=True)}


def excel() -> Iterator[Files]:
    book = openpyxl.Workbook()
    for row in [("text", "label"), *ROWS]:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    yield {"t.xlsx": stream.getvalue()}
    second = book.create_sheet("two")
    for cell in ("text", 3, 2.5, True, None, "=1/0"):
        second.append([cell, cell])
    stream = io.BytesIO()
    book.save(stream)
    yield {"t.xlsx": stream.getvalue()}
    yield {"t.ods": open_document()}


def open_document() -> bytes:
    def row(cells: tuple[str, ...]) -> str:
        inner = "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in cells
        )
        return f'<table:table-row table:number-rows-repeated="1">{inner}</table:table-row>'

    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    rows = "".join(map(row, [("text", "label"), *ROWS]))
    content = (
        f'<?xml version="1.0"?><office:document-content{names}><office:body><office:spreadsheet>'
        f'<table:table table:name="one">{rows}</table:table></office:spreadsheet></office:body>'
        f"</office:document-content>"
    )
    manifest = b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    return zip_of({"mimetype": kind, "content.xml": content.encode(), "META-INF/manifest.xml": manifest})


def zip_of(members: Files) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def sqlite() -> Iterator[Files]:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (text TEXT, label TEXT)")
        database.executemany("INSERT INTO t VALUES (?, ?)", ROWS * 4)
        database.commit()
        yield {"t.sqlite": database.serialize()}
        database.execute("CREATE INDEX i ON t (label)")
        database.execute("ALTER TABLE t ADD COLUMN more BLOB DEFAULT x'00'")
        database.executemany("INSERT INTO t VALUES (?, ?, ?)", [("word " * 2000, "neg", b"x" * i) for i in range(9)])
        database.commit()
        yield {"t.db": database.serialize()}


def folders() -> Iterator[Files]:
    yield {f"{label}/{i}.txt": text.encode() for i, (text, label) in enumerate(ROWS[:6])}
    yield {
        f"{part}/{label}/{i}.txt": text.encode()
        for part in ("train", "test")
        for i, (text, label) in enumerate(ROWS[:3])
    }
    yield {f"{i}.txt": text.encode() for i, (text, _) in enumerate(ROWS[:3])}


def saved() -> Iterator[Files]:
    for table in list(arrow_tables())[1:3]:
        data = arrow_of(table, stream=True)
        info = {"builder_name": "x", "features": json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]}
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_fingerprint": "0", "_split": None}
        one = {
            "state.json": json.dumps(state).encode(),
            "dataset_info.json": json.dumps(info).encode(),
            "data-00000-of-00001.arrow": data,
        }
        yield one
        parts = {f"{part}/{name}": content for part in ("train", "test") for name, content in one.items()}
        yield {"dataset_dict.json": b'{"splits": ["train", "test"]}', **parts}


def packed() -> Iterator[Files]:
    [(name, content)] = next(delimited()).items()
    for ending, pack in PACKINGS.items():
        if ending:
            yield {name + ending: pack(content)}


def runs() -> Iterator[Files]:
    """Texts into which ``damage`` puts one character or a few again and again: no pattern may take long over them."""
    for texts in (delimited, json_lines, fasttext):
        yield from texts()
    yield {"t.txt": b"%a\n@relation a\n"}
    yield {"t.txt": b"<?xml version='1.0'?><!-- a --><html>"}
    yield {"t.txt": b"| text | label |\n|---|---|\n| a | b |\n"}


FORMATS: dict[str, Callable[[], Iterator[Files]]] = {
    "delimited": delimited,
    "json_lines": json_lines,
    "json_documents": json_documents,
    "fasttext": fasttext,
    "parquet": parquet,
    "arrow": arrow,
    "metadata": metadata,
    "excel": excel,
    "sqlite": sqlite,
    "folders": folders,
    "datasets": saved,
    "packed": packed,
    "runs": runs,
}


def damaged_zip(content: bytes, rng: random.Random) -> bytes:
    """A zip that is whole, with damage to one of its members."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # it is damaged already
        return damaged_bytes(content, rng)
    name = rng.choice([name for name in members if "theme" not in name])
    members[name] = damaged_bytes(members[name], rng)
    return zip_of(members)


def damaged_packing(content: bytes, rng: random.Random, ending: str) -> bytes:
    """A packing that is whole, of a file that is not."""
    plain = next(iter(next(delimited()).values()))
    return PACKINGS[ending](damaged_bytes(plain, rng))


def damaged_metadata(content: bytes, rng: random.Random) -> bytes:
    """A table that is whole, with damage to the JSON that its schema holds."""
    stream = not content.startswith(b"PAR1")
    table = pa.ipc.open_stream(content).read_all() if stream else pq.read_table(io.BytesIO(content))
    noted = dict(table.schema.metadata)
    key = rng.choice(sorted(noted))
    noted[key] = damaged_json(noted[key], rng)
    table = table.replace_schema_metadata(noted)
    return arrow_of(table, stream=True) if stream else parquet_of(table)


def damage(kind: str, files: Files, rng: random.Random) -> Files:
    """The files of a table, one of them damaged, now and then two or twice; with its name or another one."""
    files = dict(files)
    for _ in range(rng.choice((1, 1, 1, 2))):
        name = rng.choice(sorted(files))
        content, way = files[name], rng.random()
        if kind == "runs":
            place = rng.randrange(len(content) + 1)
            run = rng.choice(RUNS) * rng.choice((30, 3_000, 300_000))
            files[name] = content[:place] + run + content[place:]
        elif kind == "metadata":
            files[name] = damaged_metadata(content, rng)
        elif name.endswith((".xlsx", ".ods")) and way < 0.8:
            files[name] = damaged_zip(content, rng)
        elif kind == "packed" and way < 0.3:
            files[name] = damaged_packing(content, rng, Path(name).suffix)
        elif name.endswith(".json") and way < 0.7:
            files[name] = damaged_json(content, rng)
        elif name.endswith((".jsonl", ".ndjson")) and way < 0.7:
            lines = content.split(b"\n")
            place = rng.randrange(len(lines))
            lines[place] = damaged_json(lines[place], rng)
            files[name] = b"\n".join(lines)
        else:
            files[name] = damaged_bytes(content, rng)
    return files


def outcome(path: Path) -> str:
    """``"read"`` or ``"refused"``, of both ways in: the table of ``inspect`` and the texts of ``predict``."""
    ended = ["refused", "refused"]
    for i, read in enumerate((lambda: tg.read_table(path), lambda: sum(1 for _ in read_texts(path)))):
        try:
            read()
            ended[i] = "read"
        except TextgraftError as refusal:
            if isinstance(refusal.__cause__, MemoryError) or not str(refusal).endswith((".", "?", ")")):
                raise RuntimeError(f"This is no sentence that was meant: {refusal}") from refusal
    return " and ".join(dict.fromkeys(ended))


def main(kind: str, first: int, last: int, folder: Path) -> None:
    """Reads the cases; see the module."""
    warnings.simplefilter("error")
    samples = list(FORMATS[kind]())
    for i, files in enumerate(samples):  # what is imported lazily is imported now, and all whole samples are read
        outcome(write(files, folder / "whole" / str(i)))
    usual = peak = peak_memory()
    resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, -1))
    counts: Counter[str] = Counter()
    faults: dict[str, str] = {}
    slowest = 0.0
    for case in range(first, last):
        (folder / "begun").write_text(str(case))
        rng = random.Random(f"{kind} {case}")
        path = write(damage(kind, rng.choice(samples), rng), folder / "damaged")
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        start = time.perf_counter()
        try:
            counts[outcome(path)] += 1
        except BaseException as error:  # of Rust as well
            place = traceback.extract_tb(error.__traceback__)[-1]
            counts["fault"] += 1
            faults.setdefault(f"{error!r:.300} at {place.filename}:{place.lineno}", f"case {case}")
        slowest = max(slowest, time.perf_counter() - start)
        faulthandler.cancel_dump_traceback_later()
        grown = peak_memory() - peak
        peak += grown
        if grown > MOST_GROWTH / 4:
            faults[f"{grown:,} more bytes of memory"] = f"case {case}"
    if peak - usual > MOST_GROWTH:
        faults[f"{peak - usual:,} more bytes of memory"] = "in all"
    print(json.dumps({"counts": counts, "slowest": round(slowest, 2), "grown": peak - usual, "faults": faults}))


def peak_memory() -> int:
    """The most memory that this process has held, in bytes; of the system's own count a part is the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        [peak] = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(peak) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def write(files: Files, folder: Path) -> Path:
    """Writes a table into a new folder; gives its file, or the folder where it has several."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    alone = len(files) == 1 and "/" not in next(iter(files))
    return folder / next(iter(files)) if alone else folder


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
