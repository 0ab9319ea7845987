"""Runs the code of a page as its reader would, from the first block to the last.

The blocks of a page are the files ``docs/code/PAGE/NN_name.py`` and ``NN_name.sh``, in
the order of their names. They run in a new folder that holds ``data/`` and the other
files of ``docs/code/PAGE``: Python blocks in one namespace, as cells of a notebook do,
shell blocks by ``bash -e`` with ``textgraft`` on the path. What a shell block starts in
the background lives until the page is done::

    python docs/code/run.py word-vectors              # on all data
    python docs/code/run.py word-vectors --rows 300   # on a few rows of each file
    python docs/code/run.py word-vectors --write      # keeps what is printed and drawn

What is printed is kept beside the blocks, pictures (files in ``images/``) are copied to
``docs/images/PAGE``. With ``--rows``, TEXTGRAFT_GUIDE_QUICK is 1.

It exits with 1 where data or a package is missing, and says how to get it; with 2 where
a block fails.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

CODE = Path(__file__).resolve().parent
ROOT = CODE.parent.parent
BLOCK = re.compile(r"\d\d_\w+\.(py|sh)")
WIDTH = "100"  # characters of a line in what libraries print
PICTURES = (".svg", ".png", ".gif")


class MissingError(Exception):
    """Data or a package is not there; the sentence says how to get it."""


class BlockError(Exception):
    """A block failed."""


def blocks(page: str) -> list[Path]:
    """The files of the blocks of a page, in reading order."""
    return sorted(
        path for path in (CODE / page).iterdir() if BLOCK.fullmatch(path.name)
    )


def pages() -> list[str]:
    """The names of all pages that have blocks."""
    return sorted(
        folder.name
        for folder in CODE.iterdir()
        if folder.is_dir() and blocks(folder.name)
    )


def data_folder() -> Path:
    """Where data sets are if nobody says: ``data/``, or ``shared/data/`` beside it."""
    return next(
        (
            folder
            for folder in (ROOT / "data", ROOT.parent / "shared" / "data")
            if folder.is_dir()
        ),
        ROOT / "data",
    )


def data_sets(page: str) -> list[str]:
    """The data sets that a page reads: ``imdb`` for ``data/imdb/train.parquet``."""
    return sorted(
        {
            name
            for path in blocks(page)
            for name in re.findall(r"\bdata/(\w+)/", path.read_text("utf-8"))
        }
    )


def lay_data(page: str, source: Path, folder: Path, rows: int | None) -> None:
    """Puts the data sets of a page into ``folder``, linked or cut to ``rows`` rows."""
    for name in data_sets(page):
        if not (source / name).is_dir():
            raise MissingError(
                f"{page} reads data/{name}/, and {source / name} is not there: "
                "docs/guides/data.md says where the data come from; "
                "--data names another folder."
            )
        if rows is None:
            (folder / name).symlink_to(source.resolve() / name)
            continue
        (folder / name).mkdir()
        for path in sorted((source / name).iterdir()):
            cut(path, folder / name / path.name, rows)


# The label in a line of each kind of file, as the data sets of the guides have it.
LABEL: dict[str, Callable[[str], str]] = {
    ".csv": lambda line: line.split(",", 1)[0],
    ".txt": lambda line: line.rsplit(";", 1)[-1],
    ".tsv": lambda line: line.split("\t", 2)[-1],
}


def cut(path: Path, to: Path, rows: int) -> None:
    """Writes ``rows`` rows of a table: of each label its share, in their order."""
    if path.suffix == ".parquet":
        try:
            import pyarrow.parquet as pq
        except ModuleNotFoundError:
            raise MissingError(
                f'{path.name} needs more packages: pip install "textgraft[formats]"'
            ) from None
        table = pq.read_table(path)
        pq.write_table(table.take(spread(table["label"].to_pylist(), rows)), to)
    elif path.suffix in LABEL:
        text = path.read_bytes().decode("utf-8")  # with its ends of lines
        head, *lines = (
            records(text) if path.suffix == ".csv" else text.splitlines(keepends=True)
        )
        chosen = spread([LABEL[path.suffix](line) for line in lines], rows)
        to.write_bytes("".join([head, *(lines[i] for i in chosen)]).encode())
    else:
        shutil.copy(path, to)


def records(text: str) -> list[str]:
    """The rows of a CSV file as they stand; one that ends within quotes goes on."""
    found, open_quote = [""], False
    for line in io.StringIO(text, newline=""):
        found[-1] += line
        open_quote ^= line.count('"') % 2 == 1
        if not open_quote:
            found.append("")
    return [record for record in found if record]


def spread(labels: Sequence[object], rows: int) -> list[int]:
    """The places of ``rows`` rows, of each label its share."""
    by_label = sorted(range(len(labels)), key=lambda i: str(labels[i]))
    return sorted({by_label[i * len(labels) // rows] for i in range(rows)})


@dataclass
class Runner:
    """Runs blocks one after the other, the Python ones in one namespace."""

    folder: Path
    module: ModuleType = field(default_factory=lambda: ModuleType("__main__"))
    started: list[int] = field(default_factory=list)

    def run(self, block: Path) -> str:
        """Runs a block; gives what it printed, without the folder's name."""
        output = self._shell(block) if block.suffix == ".sh" else self._python(block)
        lines = output.replace(f"{self.folder}/", "").splitlines()
        return "".join(f"{line.rstrip()}\n" for line in lines)

    def close(self) -> None:
        """Ends what shell blocks left running."""
        for group in self.started:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGTERM)

    def _python(self, block: Path) -> str:
        printed = io.StringIO()
        code = compile(block.read_text("utf-8"), str(block), "exec", dont_inherit=True)
        try:
            with redirect_stdout(printed):
                exec(code, self.module.__dict__)
        except ImportError as error:
            lost = (error.name or "").split(".")[0]
            if lost == "textgraft" or not (lost or "pip install" in str(error)):
                raise BlockError(traceback.format_exc()) from error
            sentence = (
                str(error)
                if "pip install" in str(error)
                else f"it needs a package: pip install {lost}"
            )
            raise MissingError(f"{name_of(block)}: {sentence}") from error
        except Exception as error:
            raise BlockError(f"{printed.getvalue()}{traceback.format_exc()}") from error
        return printed.getvalue()

    def _shell(self, block: Path) -> str:
        # Into files, since what goes on in the background would keep a pipe open.
        with (
            tempfile.TemporaryFile("w+") as printed,
            tempfile.TemporaryFile("w+") as said,
        ):
            process = subprocess.Popen(
                ["bash", "-e", str(block)],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=said,
                start_new_session=True,
            )
            self.started.append(process.pid)
            code = process.wait()
            printed.seek(0)
            said.seek(0)
            output, errors = printed.read(), said.read()
        sys.stderr.write(errors)
        if code and (
            missing := re.search(
                r'^.*pip install "textgraft\[.*$', errors, re.MULTILINE
            )
        ):
            raise MissingError(f"{name_of(block)}: {missing[0]}")
        if code:
            raise BlockError(f"{output}{errors}It exited with {code}.")
        return output


def name_of(block: Path) -> str:
    """``docs/code/PAGE/NN_name.py``."""
    return block.relative_to(ROOT).as_posix()


def run_page(
    page: str, *, data: Path, work: Path, rows: int | None = None, write: bool = False
) -> None:
    """Runs all blocks of a page in the empty folder ``work`` and shows what they print.

    Args:
        page: the name of a folder in ``docs/code``.
        data: the folder of the data sets.
        work: where the blocks run.
        rows: how many rows of each file they get; None is all.
        write: whether what they print and draw is kept for the page.

    Raises:
        MissingError: data or a package is not there.
        BlockError: a block failed.
    """
    for path in (CODE / page).iterdir():
        if path.is_file() and path.suffix != ".out" and path not in blocks(page):
            shutil.copy(path, work)
    (work / "data").mkdir()
    (work / "images").mkdir()
    lay_data(page, data, work / "data", rows)
    runner = Runner(work)
    prepare(runner, quick=rows is not None)
    try:
        for block in blocks(page):
            start = time.monotonic()
            try:
                output = runner.run(block)
            except BlockError as error:
                raise BlockError(f"{name_of(block)} failed.\n{error}") from error
            print(
                f"{name_of(block)}: {time.monotonic() - start:.1f} s",
                file=sys.stderr,
                flush=True,
            )
            print(output, end="", flush=True)
            if write:
                keep(block.with_suffix(".out"), output)
    finally:
        runner.close()
    if write:
        keep_pictures(work / "images", ROOT / "docs" / "images" / page)


def prepare(runner: Runner, *, quick: bool) -> None:
    """Makes this process one where blocks run as in a notebook."""
    os.chdir(runner.folder)
    sys.path[0] = str(runner.folder)
    sys.argv = [""]
    sys.modules["__main__"] = runner.module
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    os.environ |= {"PATH": path, "COLUMNS": WIDTH, "NO_COLOR": "1", "MPLBACKEND": "Agg"}
    if quick:
        os.environ["TEXTGRAFT_GUIDE_QUICK"] = "1"


def keep(path: Path, output: str) -> None:
    """Writes what a block printed; nothing is no file."""
    if output:
        path.write_text(output, "utf-8")
    else:
        path.unlink(missing_ok=True)


def keep_pictures(drawn: Path, folder: Path) -> None:
    """Copies the pictures that blocks drew."""
    for path in sorted(path for path in drawn.iterdir() if path.suffix in PICTURES):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder)


def main() -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        description="Runs the code of a page of the documentation."
    )
    parser.add_argument(
        "page", choices=pages(), metavar="PAGE", help="a folder of docs/code"
    )
    parser.add_argument(
        "--data", type=Path, default=data_folder(), help="the folder of the data sets"
    )
    parser.add_argument("--rows", type=int, help="cuts every file to so many rows")
    parser.add_argument(
        "--write",
        action="store_true",
        help="keeps what is printed and drawn for the page",
    )
    parser.add_argument("--work", type=Path, help="a new folder to run in, which stays")
    options = parser.parse_args()
    if options.write and options.rows:
        parser.error("--write keeps figures of all rows: leave out --rows.")
    work = (
        options.work.resolve()
        if options.work
        else Path(tempfile.mkdtemp(prefix="textgraft-")).resolve()
    )
    try:
        work.mkdir(parents=True, exist_ok=not options.work)
        run_page(
            options.page,
            data=options.data.resolve(),
            work=work,
            rows=options.rows,
            write=options.write,
        )
    except (MissingError, BlockError) as error:
        print(error, file=sys.stderr)
        return 1 if isinstance(error, MissingError) else 2
    finally:
        os.chdir(ROOT)
        if not options.work:
            shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
