"""``textgraft train``: one method on a table, evaluated on data that it has not seen, and saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from textgraft.cli.options import (
    EveryMetric,
    Json,
    MethodOptions,
    NoReport,
    Out,
    Seeds,
    SplitOptions,
    Table,
    TableOptions,
)
from textgraft.cli.report import With, chapters_of, origin_of, page_beside, write_beside
from textgraft.cli.searching import searched
from textgraft.errors import SettingError

if TYPE_CHECKING:
    from textgraft.evaluation import Evaluation
    from textgraft.interop.tracking import Run
    from textgraft.ladder import Trained
    from textgraft.methods import TextClassifier
    from textgraft.report import Report
    from textgraft.report.story import Story

AUTO = "auto"
Log = Annotated[
    str | None, typer.Option(metavar="TRACKER", help="Log the run: mlflow or wandb; where, their own variables say.")
]
LogFiles = Annotated[
    bool, typer.Option("--log-files", help="With --log: the model and the report, which hold texts, too.")
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="networks: go on where a stopped training was, to the same weights; auto: go on with what was tried.",
    ),
]


def run(
    source: Table,
    out: Out,
    reading: TableOptions,
    dividing: SplitOptions,
    tuning: MethodOptions,
    method: Annotated[
        str | None,
        typer.Option(
            help="majority, ngrams, recurrent, features, finetune or stack; auto searches for the best in --budget.",
            show_default="ngrams, or auto with a budget",
        ),
    ] = None,
    resume: Resume = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="networks: also write TensorBoard events.")
    ] = False,
    log: Log = None,
    log_files: LogFiles = False,
    seeds: Seeds = None,
    every_metric: EveryMetric = False,
    no_report: NoReport = False,
    more: With = None,
    as_json: Json = False,
) -> None:
    """Train a classifier on TABLE and save it in DIR.

    Without --test a fifth of the rows is held out, and the metrics are of these; where they would be too few, the table
    is cross-validated instead, and the model trained on all rows. --test-size 0 trains on all rows without any metrics.
    Networks (recurrent, finetune) keep their log, learning curves and checkpoints in DIR.training; the checkpoints go
    when training is done. With a --budget and without a --method, the best classifier is searched for within that time;
    what was tried is kept in DIR.search, with which a longer search can go on (--resume).
    DIR.report.html is a report to read; --with adds chapters to it, --no-report leaves it out. --log hands
    hyperparameters, every step of a network, the metrics with their intervals and the card to MLflow or W&B.
    """
    from textgraft.ladder.clock import Clock

    clock = Clock(of_process=True)
    from textgraft.analysis.gathering import search_story, training_story
    from textgraft.cli.console import remark
    from textgraft.extras import import_scipy
    from textgraft.ladder import train
    from textgraft.ladder.seeding import check_seeds
    from textgraft.model_directory.files import check_place
    from textgraft.report.search import search_report

    import_scipy("Training")
    check_seeds(seeds, budget=tuning.given.get("budget"))
    further = chapters_of(more)
    origin = origin_of(source, reading, dividing, directory=out, seed=dividing.seed)
    method = method if method is not None else AUTO if "budget" in tuning.given else "ngrams"
    models = [] if method == AUTO else tuning.build([method], dividing.seed)
    check_place(out)
    _prepare(models, out, resume=resume, tensorboard=tensorboard)
    _check_log(log, log_files)
    splits = dividing.read(source, reading, learners=models) if models else None
    with _logged(log, out, files=log_files) as run:
        if splits is None:
            found = searched(source, reading, dividing, tuning, methods=None, out=out, resume=resume, clock=clock)
            story = partial(search_story, found, further=further, origin=origin)
            report = search_report(found, every_metric=every_metric)
            done = _Done(found.model, found.evaluation, found.to_dict(), report, story)
        else:
            trained = train(models[0], splits, directory=out, seeds=seeds, seed=dividing.seed)
            remark(trained.model.notes_)
            content = {"method": method} | _as_json(trained)
            story = partial(training_story, trained, further=further, origin=origin)
            shown = _report(trained, every_metric=every_metric)
            done = _Done(trained.model, trained.evaluation, content, shown, story)
        _show(done, out, run, as_json=as_json, page=not no_report)
    remark(f'Saved in {out}. Predict with: textgraft predict {out} "some text"')


class _Done(NamedTuple):
    """What a training or a search comes to."""

    model: TextClassifier
    evaluation: Evaluation | None
    content: dict[str, Any]  # for --json
    report: Report | None
    story: Callable[[], Story]


def _show(done: _Done, out: Path, run: Run | None, *, as_json: bool, page: bool) -> None:
    """Its figures: in the log of the run, on standard output, and as a page."""
    from textgraft.cli.console import present, print_json

    if run is not None:
        run.model(done.model)
        if done.evaluation is not None:
            run.evaluation(done.evaluation)
    if as_json:
        print_json({"model": str(out)} | done.content)
    elif done.report is not None:
        present(done.report)
    if done.report is not None and page:
        write_beside(page_beside(out), done.story)


def _prepare(models: Sequence[TextClassifier], out: Path, *, resume: bool, tensorboard: bool) -> None:
    """Says where a network keeps its log; raises SettingError where options are for networks alone."""
    for model in models:
        if "folder" in model.get_params(deep=False):
            model.set_params(folder=Path(f"{out.resolve()}.training"), resume=resume, tensorboard=tensorboard)
        elif resume or tensorboard:
            raise SettingError(
                f"--resume and --tensorboard are for recurrent and finetune; {model.method} trains in one go."
            )
    if tensorboard and not models:
        raise SettingError("--tensorboard is for recurrent and finetune; a search trains many models.")


def _check_log(log: str | None, files: bool) -> None:
    """Raises SettingError where there is no such tracker, before a table is read."""
    if log is not None:
        from textgraft.interop.tracking import check_tracker

        check_tracker(log)
    elif files:
        raise SettingError("--log-files says what --log hands over; say to whom: --log mlflow or --log wandb.")


@contextmanager
def _logged(log: str | None, out: Path, *, files: bool) -> Iterator[Run | None]:
    """A run of the tracker, if one is wanted, which gets the files at its end."""
    if log is None:
        yield None
        return
    from textgraft.cli.console import remark
    from textgraft.interop.tracking import track
    from textgraft.model_directory.manifest import CARD

    with track(log, name=out.resolve().name) as run:
        yield run
        for path in (out / CARD, *((out, page_beside(out)) if files else ())):
            if path.exists():
                run.file(path)
    if not run.trouble:
        remark(f"The run is logged in {run.name}.")


def _report(trained: Trained, *, every_metric: bool) -> Report | None:
    """Its figures, where something was held out for them."""
    from textgraft.report.evaluation import evaluation_report
    from textgraft.report.seeds import with_seeds

    splits, method, evaluation = trained.splits, trained.model.method, trained.evaluation
    if evaluation is None:
        return None
    rows = "test rows" if splits.test is not None else f"rows, out of fold ({splits.folds})"
    title = f"{method} on {evaluation.n:,} {rows}"
    report = evaluation_report(title, evaluation, splits.leaks, every_metric=every_metric)
    return report if trained.over_seeds is None else with_seeds(report, method, trained.over_seeds, evaluation)


def _as_json(trained: Trained) -> dict[str, Any]:
    splits = trained.splits
    parts = {name: len(part) for name, part in splits.parts().items()}
    folds = None if splits.folds is None else {"k": splits.folds.k, "repeats": splits.folds.repeats}
    content = {"parts": parts, "folds": folds, "chosen": trained.model.chosen_}
    return content | {"notes": list(splits.notes), "leaks": list(splits.leaks)} | (trained.results() or {})
