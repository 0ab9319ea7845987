"""Rows counted at both ends of the way, where they are read and in the finished file, so that none is lost unseen."""

from __future__ import annotations

from pathlib import Path

from textgraft.errors import TextgraftError
from textgraft.wording import counted

AT_ONCE = 1 << 22  # bytes that are counted


class SpoiledError(TextgraftError):
    """What is written is not what it should be, so that nothing of it is kept or gone on with."""


def check_rows(read: int, written: int, where: str) -> None:
    """Compares what the source gave with what came of it.

    Args:
        read: rows of the source, without those that were reported as left out.
        written: rows of the output, with those of an interrupted run.
        where: names the output.

    Raises:
        SpoiledError: they differ.
    """
    if read != written:
        raise SpoiledError(
            f"Of {counted(read, 'row')} that {'was' if read == 1 else 'were'} read, {where} has {written:,}, so it is "
            "not kept. Run it again, without --resume (resume=); if the numbers differ again, textgraft has a fault "
            "here: report it."
        )


def rows_in(path: Path, form: str) -> int:
    """How many rows a file of predictions has, counted in the file: of CSV line ends outside quotes, but the header's.

    Args:
        path: of the file.
        form: ``"csv"``, ``"tsv"``, ``"jsonl"`` or ``"parquet"``.
    """
    if form == "parquet":
        from pyarrow.parquet import read_metadata

        return int(read_metadata(path).num_rows)
    ends = within = 0
    with path.open("rb") as file:
        while block := file.read(AT_ONCE):
            if form == "jsonl":
                ends += block.count(b"\n")
                continue
            parts = block.split(b'"')
            ends += sum(part.count(b"\n") for part in parts[within::2])
            within ^= ~len(parts) & 1
    return ends if form == "jsonl" else max(0, ends - 1)
