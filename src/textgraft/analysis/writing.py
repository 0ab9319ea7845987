"""Reports from Python."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from textgraft.analysis.gathering import comparison_story, model_story, search_story
from textgraft.charts.picture import require
from textgraft.dataset import Dataset
from textgraft.errors import DataError
from textgraft.given import Data, Labels
from textgraft.ladder import Comparison, Search
from textgraft.methods import TextClassifier
from textgraft.report.html import check_place
from textgraft.report.story_page import write_story


def write_report(
    of: TextClassifier | Comparison | Search,
    page: str | Path,
    data: Data | None = None,
    labels: Labels | None = None,
    *,
    train: Dataset | None = None,
    texts: bool = True,
    closely: bool = True,
    further: Collection[str] = (),
) -> Path:
    """Writes a report as one page of HTML that needs nothing else, and its figures as JSON beside it.

    Args:
        of: a fitted classifier; or what ``compare`` gave.
        page: the file to write.
        data: rows that the classifier was not trained on, as ``evaluate`` takes them.
        labels: of the texts.
        train: what the classifier was trained on, which two of the chapters of ``further`` need.
        texts: whether it may hold texts of the data.
        closely: of a classifier, look for slices and at changes of texts too; slow models take minutes for that.
        further: chapters that take longer: ``"label-errors"`` (of the training rows), ``"curve"`` (what more rows would
            bring), ``"map"``; of what ``compare`` gave ``"slices"`` and ``"robustness"`` too; or ``"all"``.

    Returns:
        Where the page is.

    Raises:
        DataError: a classifier without rows to be looked at on, or rows that it cannot be evaluated on.
        MissingExtraError: the extra ``report`` is not installed.
        SettingError: the page is a folder, there is no such chapter, or one needs ``train``.
        OSError: it cannot be written.
    """
    require()
    place = Path(page)
    check_place(place, "page=")
    if isinstance(of, Comparison):
        story = comparison_story(of, texts=texts, further=further)
    elif isinstance(of, Search):
        story = search_story(of, texts=texts, further=further)
    elif data is None:
        raise DataError(
            "A report on a classifier needs rows that it was not trained on: write_report(model, page, data)."
        )
    else:
        story = model_story(of, data, labels, train=train, texts=texts, closely=closely, further=further)
    write_story(story, place)
    return place
