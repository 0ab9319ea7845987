from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textgraft import split
from textgraft.data.folds import make_folds
from textgraft.dataset import Splits
from textgraft.errors import ArtifactError, SettingError
from textgraft.evaluation import Metric
from textgraft.ladder import Search, search
from textgraft.ladder.candidates import Candidate
from textgraft.ladder.dealing import MOST_SCORED, Deal
from textgraft.ladder.racing import Race
from textgraft.ladder.run_directory import Outcome

from .races import TASK, Cheap, Dear, Reader, Timed, begin, candidates, dataset


def searched(budget: float = 1000, *, stop_at: int | None = None, splits: Splits | None = None, **more: Any) -> Search:
    """A search with a counted clock."""
    clock = begin(stop_at)
    given = splits or Splits(dataset(600))
    return search(given, budget, clock=clock, **({"methods": candidates()} | more))


def worked() -> int:
    """How many pieces of work were done: fits that are neither of a few rows, to measure, nor of all."""
    return sum(rows in (200, 480) for rows in Cheap.fits)


def test_the_best_out_of_fold_is_chosen_and_fitted_to_all_training_rows() -> None:
    found = searched()
    assert {each.name for each in found.tried} == {"ngrams", "features", "ngrams + features"}
    assert found.tried[0].name == found.name
    assert found.tried[0].value is not None
    assert found.model.fitted_on_.rows == 600
    assert found.tried[0].folds == 5
    assert "the best of 3 candidates on 600 training rows out of fold" in found.sentence


def test_a_test_part_has_no_say_in_the_choice_and_gives_the_figures() -> None:
    splits = split(dataset(), valid=0)
    assert splits.test is not None
    other = replace(splits, test=replace(splits.test, targets=1 - splits.test.targets))
    first, second = searched(splits=splits), searched(splits=other)
    assert first.tried == second.tried
    assert first.evaluation.metrics["accuracy"].value == pytest.approx(1 - second.evaluation.metrics["accuracy"].value)
    assert "test rows, which had no part in the choice" in first.sentence


@pytest.mark.parametrize("budget", [3, 10, 20, 40, 150])
def test_the_budget_is_kept_whatever_it_is_or_said_to_be_too_short(budget: float) -> None:
    if budget < 15:
        with pytest.raises(SettingError, match=r"too short for anything on 600 rows: ngrams, the cheapest, "):
            searched(budget)
    else:
        assert searched(budget).seconds <= budget


def test_the_seconds_that_a_refusal_names_are_enough() -> None:
    with pytest.raises(SettingError, match="too short") as refused:
        searched(12)
    needed = re.search(r"needs about (\d+) s", str(refused.value))
    assert needed
    assert searched(float(needed[1])).name == "ngrams"


def test_a_search_that_was_too_short_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="too short"):
        searched(12, memory=tmp_path / "memory")
    assert not (tmp_path / "memory").exists()
    assert searched(40, memory=tmp_path / "memory").name == "ngrams"


def test_what_has_no_time_is_not_begun_and_that_is_said() -> None:
    fates = {each.name: each.fate for each in searched(30).tried}
    assert re.fullmatch(r"not begun: 200 rows alone would take about 20 s", fates["features"])


def test_texts_that_are_read_apart_count_once_and_not_for_every_fold() -> None:
    found = searched(300, methods=[Cheap(), Reader()])
    assert "features" in found.name
    assert found.tried[0].folds == 5
    assert len(Reader.known) == 600
    assert found.seconds <= 300


@pytest.mark.parametrize("budget", [20, 30, 60, 90, 120, 160])
def test_the_budget_is_kept_where_texts_are_read_apart(budget: float) -> None:
    found = searched(budget, methods=[Cheap(), Reader()])
    assert found.seconds <= budget
    assert {each.name: each.fate for each in found.tried}["features"].startswith("not begun") == (budget < 140)


@pytest.mark.parametrize("stop_at", [4, 9])
def test_stopped_at_any_fit_and_gone_on_with_it_chooses_the_same_and_fits_nothing_twice(
    tmp_path: Path, stop_at: int
) -> None:
    whole = searched()
    fits = worked()
    memory = tmp_path / "memory"
    with suppress(KeyboardInterrupt):
        searched(stop_at=stop_at, memory=memory)
    before = len(list(memory.glob("*.safetensors")))
    again = searched(memory=memory, resume=True)
    assert (again.name, [(t.name, t.value, t.fate) for t in again.tried]) == (
        whole.name, [(t.name, t.value, t.fate) for t in whole.tried],
    )  # fmt: skip
    assert worked() == fits - before


def test_ctrl_c_ends_it_early_with_the_best_so_far() -> None:
    found = searched(stop_at=7)
    assert found.stopped
    assert "stopped early" in found.sentence
    assert found.model.fitted_on_.rows == 600
    assert "chosen" in str(found)


def test_a_longer_budget_goes_on_where_a_shorter_one_ended(tmp_path: Path) -> None:
    short = searched(30, memory=tmp_path / "memory")
    assert [each.name for each in short.tried if each.value] == ["ngrams"]
    longer = searched(1000, memory=tmp_path / "memory", resume=True)
    assert {each.name for each in longer.tried if each.value} == {"ngrams", "features", "ngrams + features"}
    assert longer.seconds > Cheap.clock.now


def test_what_a_short_budget_cut_is_done_anew_in_a_much_longer_one_alone(tmp_path: Path) -> None:
    methods, memory = [Cheap(), Timed()], tmp_path / "memory"
    short = searched(150, methods=methods, memory=memory)
    assert {each.name for each in short.tried if each.value} > {"ngrams", "finetune"}
    known = sorted(memory.iterdir())
    searched(160, methods=methods, memory=memory, resume=True)
    assert not [rows for rows in Cheap.fits if rows == 480]
    longer = searched(1500, methods=methods, memory=memory, resume=True)
    assert 480 in Cheap.fits
    assert {*known} <= {*memory.iterdir()}
    assert longer.tried[0].value.value > short.tried[0].value.value
    assert longer.seconds <= 1500


@pytest.mark.parametrize(
    ("more", "differs"),
    [
        ({"splits": Splits(dataset(300))}, "training data"),
        ({"metric": "f1_macro"}, 'metric ("accuracy" there, "f1_macro" now)'),
        ({"seed": 7}, "folds"),
    ],
)
def test_the_memory_of_another_search_is_refused(tmp_path: Path, more: dict[str, Any], differs: str) -> None:
    searched(memory=tmp_path / "memory")
    with pytest.raises(SettingError, match="holds another search, which cannot be gone on with") as refused:
        searched(memory=tmp_path / "memory", resume=True, **more)
    assert differs in str(refused.value)


def test_a_memory_is_gone_on_with_only_where_that_is_said(tmp_path: Path) -> None:
    searched(memory=tmp_path / "memory")
    with pytest.raises(SettingError, match=r"holds a search already\. --resume"):
        searched(memory=tmp_path / "memory")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("Dear Ada")
    with pytest.raises(ArtifactError, match="is something else than a search"):
        searched(memory=tmp_path / "other")


def test_the_report_and_json_hold_all_that_was_tried() -> None:
    found = searched()
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [each["name"] for each in content["tried"]] == [each.name for each in found.tried]
    for each in found.tried:
        assert each.name in str(found)


def test_variants_race_on_few_rows_and_half_of_them_go_on() -> None:
    data = dataset(2600)
    deal = Deal(data, make_folds(data, 5), seed=0)
    some = [Candidate(f"ngrams {i}", Cheap(), is_variant=i > 0) for i in range(5)]
    race = Race(some, data, deal, {}, Metric.read(None, data.task))
    trained: dict[int, list[str]] = {}
    while (step := race.next(1e6)) is not None and step.unit.fold == 0:
        rows, right = deal.scored(0, step.unit.rows), 0.5 + some.index(race.named(step.unit.candidate)) / 20
        p = np.where(np.random.default_rng(0).random(len(rows)) < right, data.targets[rows], 1 - data.targets[rows])
        trained.setdefault(step.unit.rows, []).append(step.unit.candidate)
        race.add(step.unit, Outcome(np.eye(2, dtype=np.float32)[p], p, 0.0, 1.0, 0.1, 0.0))
    assert len(trained[200]) == len(trained[1000]) == 5
    assert sorted(trained[deal.full]) == ["ngrams 0", "ngrams 2", "ngrams 3", "ngrams 4"]
    assert race.fates()["ngrams 1"] == "behind other settings of ngrams on 1,000 rows"


@pytest.mark.parametrize(("seconds", "tried"), [(0.5, {"ngrams", "features"}), (500.0, {"ngrams", "quick"})])
def test_what_stands_in_the_place_of_another_is_tried_where_that_has_no_time(seconds: float, tried: set[str]) -> None:
    data = dataset(600)
    deal = Deal(data, make_folds(data, most=5, seed=0), 0)
    some = [Candidate("ngrams", Cheap()), Candidate("features", Dear())]
    race = Race(
        [*some, Candidate("quick", Dear(), in_place_of="features")], data, deal, {}, Metric.read(None, data.task)
    )
    while (step := race.next(300)) is not None:
        taken = seconds if step.unit.candidate == "features" else 0.5
        p = np.eye(2, dtype=np.float32)[np.arange(len(deal.scored(step.unit.fold, step.unit.rows))) % 2]
        race.add(step.unit, Outcome(p, p.argmax(axis=1), 0.0, taken, 0.01, 0.0))
    assert {unit.candidate for unit in race.outcomes if unit.rows == deal.full} == tried
    assert (race.fates().get("quick") == "not tried: there was time for features") == ("quick" not in tried)


def test_pieces_of_work_train_on_nested_rows_in_their_shares_and_never_on_what_they_are_scored_on() -> None:
    data = dataset(6000)
    deal = Deal(data, make_folds(data, 5), seed=0)
    assert deal.levels == (200, 1000, deal.full)
    for fold in range(deal.k):
        parts = [set(deal.trained(fold, rows).tolist()) for rows in deal.levels]
        assert parts[0] < parts[1] < parts[2]
        assert all(not parts[2] & set(deal.scored(fold, rows).tolist()) for rows in deal.levels)
        share = np.mean(data.targets[deal.trained(fold, 1000)])
        assert share == pytest.approx(np.mean(data.targets), abs=0.02)
        assert len(deal.scored(fold, deal.full)) <= MOST_SCORED


def test_several_labels_are_searched_too() -> None:
    data = dataset(300)
    both = np.stack([data.targets == 0, data.targets == 1], axis=1)
    both[:20] = True
    several = replace(data, targets=both, task=replace(TASK, multi_label=True))
    found = searched(splits=Splits(several))
    assert found.metric == "f1_micro"
    assert found.model.task_.multi_label
