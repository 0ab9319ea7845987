"""Reports from Python."""

from __future__ import annotations

from pathlib import Path

from textgraft.analysis.gathering import comparison_story, model_story, search_story
from textgraft.charts.picture import require
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
    texts: bool = True,
) -> Path:
    """Writes a report as one page of HTML that needs nothing else, and its figures as JSON beside it.

    Args:
        of: a fitted classifier; or what ``compare`` gave.
        page: the file to write.
        data: rows that the classifier was not trained on, as ``evaluate`` takes them.
        labels: of the texts.
        texts: whether it may hold texts of the data.

    Returns:
        Where the page is.

    Raises:
        DataError: a classifier without rows to be looked at on, or rows that it cannot be evaluated on.
        MissingExtraError: the extra ``report`` is not installed.
        SettingError: the page is a folder.
        OSError: it cannot be written.
    """
    require()
    place = Path(page)
    check_place(place, "page=")
    if isinstance(of, Comparison):
        story = comparison_story(of, texts=texts)
    elif isinstance(of, Search):
        story = search_story(of, texts=texts)
    elif data is None:
        raise DataError(
            "A report on a classifier needs rows that it was not trained on: write_report(model, page, data)."
        )
    else:
        story = model_story(of, data, labels, texts=texts)
    write_story(story, place)
    return place
