"""The command line: one file per command, each an importable function with a thin command around it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from textgraft.cli import (
    abstain,
    apply_corrections,
    check,
    compare,
    curve,
    demo,
    drift,
    errors,
    evaluate,
    explain,
    export,
    feedback,
    inspect,
    label_errors,
    predict,
    push,
    report,
    robustness,
    serve,
    thresholds,
    train,
    vectors,
)
from textgraft.cli import map as text_map
from textgraft.cli.options import expand
from textgraft.cli.stopping import stoppable
from textgraft.errors import TextgraftError
from textgraft.unicode import quoted_path, said

UsageError: Any = typer.BadParameter.__base__  # typer has no name of its own for it
MOST_OF_USAGE = 1_000  # characters


class _Root(TyperGroup):
    """All commands; what is said of wrong usage can be shown too, whatever was typed."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        """The context of the command line, whose errors are as other errors are."""
        with _usage_shown():
            return super().make_context(*given, **more)

    def invoke(self, ctx: Any) -> Any:
        """Runs a command, which reads its own options then."""
        with _usage_shown():
            return super().invoke(ctx)


@contextmanager
def _usage_shown() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        error.message = said(error.message, MOST_OF_USAGE)
        raise


app: typer.Typer = typer.Typer(
    name="textgraft",
    cls=_Root,
    help="From a table of labelled texts to a classifier you can trust, explain and ship.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class LateCommand(TyperCommand):
    """A command that looks up its options when it is run or asked for help: those of the methods load NumPy."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        """The context of the command with its options."""
        assert self.name is not None
        whole = typer.Typer(add_completion=False)
        whole.command(self.name)(expand(COMMANDS[self.name]))
        return typer.main.get_command(whole).make_context(*given, **more)


ROOMS = (
    inspect,
    label_errors,
    apply_corrections,
    train,
    compare,
    curve,
    evaluate,
    report,
    text_map,
    errors,
    robustness,
    serve,
    check,
    abstain,
    thresholds,
    drift,
    predict,
    explain,
    export,
    push,
    demo,
)
COMMANDS = {room.__name__.rpartition(".")[-1].replace("_", "-"): room.run for room in ROOMS}
for _name, _run in COMMANDS.items():
    app.command(_name, cls=LateCommand, help=_run.__doc__)(lambda: None)
app.add_typer(vectors.app)
app.add_typer(feedback.app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"textgraft {version('textgraft')}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[  # noqa: ARG001 - its callback has answered already
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
) -> None:
    if debug:
        os.environ["TEXTGRAFT_DEBUG"] = "1"


def main() -> None:
    """Runs the command line: exit code 0, 1 with one sentence on standard error, 2 for wrong usage, 130 on Ctrl-C.

    SIGTERM and SIGHUP end it as Ctrl-C does, with 128 and their number.
    """
    from textgraft.cli.console import Bars
    from textgraft.progress import listening

    first = os.environ.get("RANK", "0") == "0"
    if not first:  # of several processes that train together; only errors are heard from the others
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - until the process ends
    for stream in (sys.stdout, sys.stderr):  # a label that the terminal's encoding lacks is no reason to fail
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with stoppable(), listening(Bars(drawn=first and sys.stderr.isatty())):
            app(standalone_mode=True)
    except TextgraftError as error:
        _fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does; writing the rest of the buffer would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f": {quoted_path(os.fsdecode(error.filename))}" if isinstance(error.filename, (str, bytes)) else ""
        _fail(f"{error.strerror or error}{where}.")
    except MemoryError:
        _fail("There is not enough memory for this; try fewer rows, or a cheaper method.")
    except Exception as error:
        what = f"{type(error).__name__}: {said(str(error)).rstrip('. ')}"
        _fail(f"textgraft has a fault here, {what}. Run again with --debug and report it.")


def _fail(sentence: str) -> None:
    if os.environ.get("TEXTGRAFT_DEBUG"):
        traceback.print_exc()
    print(f"Error: {' '.join(said(sentence).split())}", file=sys.stderr)
    sys.exit(1)
