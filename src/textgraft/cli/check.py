"""``textgraft check``: does a model answer as a file of pairs says?"""

from __future__ import annotations

from typing import Annotated

import typer

from textgraft.cli.options import Directory, Html, InputOptions, Json, Runtime


def run(
    directory: Directory,
    reading: InputOptions,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="PAIRS",
            help="A table with the columns text, changed and expect: same, different, or a label.",
            show_default="the pairs that --save kept",
        ),
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the pairs beside the model, in DIR.checks.csv, as its test suite.")
    ] = False,
    runtime: Runtime = "auto",
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Check the answers of the model in DIR against PAIRS; the exit code is 1 if one is not as expected."""
    from textgraft.analysis.checking import check, read_pairs, save_pairs, suite_of
    from textgraft.artifact import load
    from textgraft.cli.console import present, print_json, remark
    from textgraft.errors import SettingError
    from textgraft.report.checks import checks_report
    from textgraft.report.html import check_place
    from textgraft.wording import counted, source_name

    check_place(html)
    kept = suite_of(directory)
    if source is None and save:
        raise SettingError("--save keeps the pairs of a table with the model; name the table: check DIR PAIRS --save.")
    if source is None and not kept.is_file():
        raise SettingError(f"{kept} is not there; give a table of pairs, and --save to keep it there.")
    model = load(directory, runtime=runtime)
    remark(model.notes_)
    pairs = read_pairs(source or str(kept), reading.format_options())
    checked = check(model, pairs)
    if save:
        save_pairs(pairs, kept)
        remark(f"{counted(len(pairs), 'pair')} kept in {kept}. Check them with: textgraft check {directory}")
    failed = sum(not each.passes for each in checked)
    table = source_name(source or str(kept))
    if as_json:
        content = {"model": str(directory), "method": model.method, "pairs": table, "failed": failed}
        print_json(content | {"checked": [each.to_dict() for each in checked]})
    present(checks_report(f"{model.method} from {directory} against {table}", checked), html, quietly=as_json)
    if failed:
        raise typer.Exit(1)
