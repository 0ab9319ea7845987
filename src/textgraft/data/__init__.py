"""Tables come in here: reading, columns and labels, the audit, and the division into parts."""

from textgraft.data.audit import Audit, Finding
from textgraft.data.duplicates import duplicate_groups
from textgraft.data.inspecting import inspect
from textgraft.data.readers.chunk_stream import open_chunks
from textgraft.data.readers.chunks import Chunk
from textgraft.data.sources.options import ReadOptions
from textgraft.data.splits import given_splits, hold_out, split
from textgraft.data.tables.table import check_texts, read_table
from textgraft.data.tables.texts import read_texts

__all__ = [
    "Audit",
    "Chunk",
    "Finding",
    "ReadOptions",
    "check_texts",
    "duplicate_groups",
    "given_splits",
    "hold_out",
    "inspect",
    "open_chunks",
    "read_table",
    "read_texts",
    "split",
]
