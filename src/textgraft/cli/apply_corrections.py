"""``textgraft apply-corrections``: labels corrected by hand, into a copy of their table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.options import Json, Table, TableOptions


def run(
    source: Table,
    corrections: Annotated[
        str,
        typer.Argument(metavar="CORRECTIONS", help='What label-errors wrote, with its column "corrected" filled in.'),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The corrected copy: CSV or JSON Lines.")],
    reading: TableOptions,
    new_labels: Annotated[bool, typer.Option("--new-labels", help="Take labels that the table does not have.")] = False,
    as_json: Json = False,
) -> None:
    """Write a copy of TABLE with the labels of CORRECTIONS; TABLE itself stays as it is.

    Rows are found by their file, their number and their text; where one does not match, nothing is written.
    """
    from textgraft.analysis.corrections import apply_corrections
    from textgraft.cli.console import present, print_json
    from textgraft.report.label_errors import applied_report

    applied = apply_corrections(source, corrections, out, new_labels=new_labels, **reading.arguments())
    if as_json:
        print_json({"output": str(out)} | asdict(applied) | {"added": list(applied.added)})
    present(applied_report(str(out), applied), quietly=as_json)
