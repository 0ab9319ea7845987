"""Sections as Markdown, as model cards hold it."""

from __future__ import annotations

import re

from textgraft.report.section import Section
from textgraft.unicode import said

MOST_OF_CODE = 400  # characters


def table(section: Section) -> str:
    """The table of a section, and its sentences below it; all columns but the first are aligned right."""
    lines = []
    if section.columns:
        lines = [f"| {' | '.join(map(text, section.columns))} |", f"|---{'|--:' * (len(section.columns) - 1)}|"]
    lines += [f"| {' | '.join(map(text, row))} |" for row in section.rows]
    lines += [f"\n{text(sentence)}" for sentence in section.sentences]
    return "\n".join([*lines, *(["", *commands(section)] if section.commands else [])]).lstrip("\n")


def commands(section: Section) -> list[str]:
    """The commands of a section as a block of code, which no backticks in them can end."""
    longest = max(map(len, re.findall("`+", "\n".join(section.commands))), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *section.commands, fence]


def text(content: str) -> str:
    """Text that Markdown takes for text: names of labels and files may hold anything."""
    return re.sub(r"([\\`*<>|]|(?<=\])\()", r"\\\1", " ".join(said(content).split()))


def code(content: str) -> str:
    """Text in the type of code."""
    return f"`{' '.join(said(content, MOST_OF_CODE).replace('`', chr(39)).split())}`"
