"""``textgraft feedback``: what people have corrected, as a table to train on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app: typer.Typer = typer.Typer(
    name="feedback", help="Corrections that textgraft serve --feedback has kept.", no_args_is_help=True
)


@app.command("export")
def export(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="The file that serve --feedback writes.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="CSV, TSV or JSON Lines, by its ending.")],
    model: Annotated[
        str | None, typer.Option(help="Whose corrections, by its name there; needed where there are several.")
    ] = None,
) -> None:
    """Write the corrections in FILE as a table that textgraft train reads; of a text corrected twice the last one."""
    from textgraft.cli.console import remark
    from textgraft.serving.feedback import export_feedback
    from textgraft.wording import counted

    exported = export_feedback(source, output, model=model)
    written = f"{counted(exported.rows, 'corrected text')} written to {output}; textgraft train reads it."
    remark((*exported.notes, written))


@app.callback()
def _group() -> None:
    """Keeps ``export`` a word of its own."""
