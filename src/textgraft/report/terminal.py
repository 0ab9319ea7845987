"""Reports on standard output, and as plain text."""

from __future__ import annotations

import sys
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from textgraft.report.section import Report, Section

WIDTH = 160  # columns, where there is no terminal


def show(report: Report) -> None:
    """Prints a report; 160 columns wide where standard output is not a terminal."""
    _print(report, Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH))


def as_text(report: Report) -> str:
    """What ``show`` prints where there is no terminal."""
    written = StringIO()
    _print(report, Console(file=written, highlight=False, width=WIDTH, force_terminal=False))
    return "\n".join(line.rstrip() for line in written.getvalue().strip().splitlines())


def _print(report: Report, console: Console) -> None:
    _print_title(console, report.title)
    for section in report.sections:
        if section.is_empty:
            continue
        _print_title(console, section.title)
        if section.marked:
            console.print(Text.assemble(*((piece, _style(mark)) for piece, mark in section.marked)))
        if section.columns:
            console.print(_table(section))
        mark = "• " if len(section.sentences) > 1 else ""
        for sentence in section.sentences:  # broken between words where people read, whole where programs do
            console.print(f"{mark}{sentence}", soft_wrap=not console.is_terminal, markup=False)
        for command in section.commands:
            console.print(f"  {command}", soft_wrap=True, markup=False)


def _print_title(console: Console, title: str) -> None:
    if title:
        console.print(title, style="bold", markup=False, soft_wrap=True)


def _style(mark: float) -> str:
    """Stronger looks for what is marked more: green is for, red and underlined against."""
    colour = "green" if mark > 0 else "underline red"
    return ("", colour, f"bold {colour}", f"bold reverse {colour}")[round(3 * min(abs(mark), 1.0))]


def _table(section: Section) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    # As Text, since a name in square brackets would be taken for markup.
    for i, name in enumerate(section.columns):
        drawn.add_column(Text(name), justify="right" if i in section.numbers else "left", overflow="fold")
    for row in section.rows:
        drawn.add_row(*map(Text, row))
    return drawn
