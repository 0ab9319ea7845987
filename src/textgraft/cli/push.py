"""``textgraft push``: a saved model to the Hugging Face Hub."""

from __future__ import annotations

from typing import Annotated

import typer

from textgraft.cli.options import Directory
from textgraft.unicode import said

Name = Annotated[str, typer.Argument(metavar="USER/NAME", help="Where to; it is made where it is not there.")]
Public = Annotated[bool, typer.Option("--public", help="Let everybody see it; without this only its owner does.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only list what would be published: no network, no token.")]
Message = Annotated[str | None, typer.Option("--message", "-m", help="Of the commit.")]


def run(
    directory: Directory, name: Name, public: Public = False, message: Message = None, dry_run: Dry = False
) -> None:
    """Publish the model in DIR on the Hugging Face Hub, without any of its texts, and print its address.

    It needs a token that may write: set HF_TOKEN, or run `hf auth login` once.
    """
    if dry_run:
        from textgraft.artifact.publication import publication

        print(said(str(publication(directory, name))))
        return
    from textgraft.artifact.hub import push

    print(said(push(directory, name, private=not public, message=message)))
