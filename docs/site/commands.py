"""The page of the command line, from what ``textgraft --help`` knows."""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Iterator
from typing import Any

INTRODUCTION = """# Command line

`textgraft COMMAND --help` says the same in a terminal. Every command prints its errors on
one line and exits with 1; wrong usage exits with 2. `textgraft --debug COMMAND` shows the
whole traceback.
"""


def page() -> str:
    """The Markdown of the page: a chapter for every command."""
    from typer.main import get_command

    from textgraft.cli import app

    parts = [INTRODUCTION]
    for path, command in commands(get_command(app), "textgraft"):
        parts.append("\n".join(chapter(path, command)))
    return "\n".join(parts)


def commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All commands of a group and of the groups in it, with what calls them."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        elif not command.hidden:
            yield f"{path} {name}", command


def chapter(path: str, late: Any) -> Iterator[str]:
    """The lines on a command: what it does, how it is called, its options in panels."""
    context = late.make_context(path, [], resilient_parsing=True)
    command = context.command  # with the options that are looked up late
    yield f"## {path}\n"
    yield f"{escaped(inspect.cleandoc(command.help or ''))}\n"
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield f"```text\n{usage}\n```\n"
    panels: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and "--help" not in parameter.opts:
            plain = "Arguments" if parameter.param_type_name == "argument" else "Options"
            panel = getattr(parameter, "rich_help_panel", None) or plain
            panels.setdefault(panel, []).append(record)
    for title in sorted(panels, key=lambda title: title != "Arguments"):
        yield f'<p class="panel">{title}</p>\n'
        yield from (option(names, said) for names, said in panels[title])


def option(names: str, said: str) -> str:
    """A parameter as an entry of a list of definitions."""
    return f"`{names}`\n:   {escaped(' '.join(said.split()))}\n"


def escaped(text: str) -> str:
    """Plain text as Markdown that shows it as it is; options and placeholders as code."""
    text = re.sub(r"([\\`*_\[\]#])", r"\\\1", html.escape(text, quote=False))
    return re.sub(r"(?<![\w-])(--[a-z][\w-]*)", r"`\1`", text)
