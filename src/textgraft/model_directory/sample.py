"""A sample of validation texts that a model keeps, so that an export can be checked where the data is not.

A model directory then holds texts of the data. Whoever must not pass them on deletes ``sample.jsonl`` by exporting
with ``to=``; publishing never takes it along.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textgraft.dataset import Dataset, Rows
from textgraft.errors import ArtifactError, listed
from textgraft.task import Task
from textgraft.unicode import quoted, whole

FILE = "sample.jsonl"
MOST_ROWS = 512
MOST_BYTES = 4_000_000  # of the file
LONGEST = MOST_BYTES // 32  # of a row's line, so that a few giant texts do not fill the file


@dataclass(frozen=True)
class Sample:
    """At most 512 labelled texts, in an order that comes from a hash: any first part of them is a sample too.

    Attributes:
        data: the texts with their targets.
    """

    data: Dataset

    @classmethod
    def of(cls, data: Dataset) -> Sample:
        """Draws from ``data``: the distinct rows whose sha256 is lowest, whatever the order of the rows.

        Texts are kept whole, since their length is part of what an export has to cope with. The file stays below
        4 MB: a text that takes more than a 32nd of that is left out, and one that no longer fits is passed over for
        shorter ones behind it, so very long texts are the last to find room.
        """
        drawn: list[str] = []
        room = MOST_BYTES
        for line in sorted(set(_lines(data)), key=lambda line: hashlib.sha256(line.encode()).digest()):
            if len(drawn) == MOST_ROWS:
                break
            size = len(line.encode())
            if size <= min(room, LONGEST):
                drawn.append(line)
                room -= size
        return cls(_parsed(drawn, data.task, FILE))

    def __len__(self) -> int:
        return len(self.data)

    def write(self, folder: Path) -> None:
        """Writes ``sample.jsonl``: a line per row with its text, and its label or labels."""
        (folder / FILE).write_bytes("".join(_lines(self.data)).encode())

    @classmethod
    def read(cls, folder: Path, task: Task) -> Sample | None:
        """What ``write`` wrote, counted in the labels of ``task``; None where the model keeps no sample.

        Raises:
            ArtifactError: the file is too large, or a line of it is not what ``write`` writes.
        """
        path = folder / FILE
        if not path.exists():
            return None
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ArtifactError(f"{path} is damaged: it has more than {MOST_BYTES:,} bytes.")
            lines = path.read_bytes().decode().split("\n")  # not at other line ends, which texts may hold
        except UnicodeDecodeError as error:
            raise ArtifactError(f"{path} is damaged: it is not UTF-8 ({error.reason}).") from None
        except OSError as error:
            raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from None
        if lines.pop():
            raise ArtifactError(f"{path} is damaged: its last line has no end.")
        if len(lines) > MOST_ROWS:
            raise ArtifactError(f"{path} is damaged: it has {len(lines):,} lines, at most {MOST_ROWS} are written.")
        return cls(_parsed(lines, task, path))


def _lines(data: Dataset) -> Iterator[str]:
    """A line of JSON with its end for each row."""
    for text, labels in zip(data.texts, data.task.decode(data.targets), strict=True):
        content = {"text": whole(text), "labels" if data.task.multi_label else "label": labels}
        yield json.dumps(content, ensure_ascii=False) + "\n"


def _parsed(lines: list[str], task: Task, path: str | Path) -> Dataset:
    rows = [_row(line, number, task, path) for number, line in enumerate(lines, 1)]
    targets = task.encode([labels for _, labels in rows])
    return Dataset([text for text, _ in rows], targets, task, Rows.numbered(len(rows), FILE))


def _row(line: str, number: int, task: Task, path: str | Path) -> tuple[str, Any]:
    where = f"{path} is damaged: line {number}"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{where} is no JSON ({error}).") from None
    key = "labels" if task.multi_label else "label"
    if not isinstance(row, dict) or row.keys() != {"text", key} or not isinstance(row["text"], str):
        raise ArtifactError(f"{where} does not hold a text and its {key}.")
    labels = row[key] if task.multi_label else [row[key]]
    if not isinstance(labels, list) or (unknown := [label for label in labels if label not in task.labels]):
        shown = row[key] if not isinstance(labels, list) else unknown[0]
        raise ArtifactError(
            f"{where} carries {quoted(shown)}, which is none of the model's labels ({listed(task.labels)})."
        )
    return whole(row["text"]), row[key]
