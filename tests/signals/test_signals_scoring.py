"""Champions' scores in the lake: each minute once, the same bits block by block and row by row, and written only where something changed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from learnt_machine import MACHINE, MODEL, MONDAY, NOW, SIGNALS, TRAINED, LearntMachine
from shelves import approval

from factolake.contracts.silver_scores import SCORES, WHY
from factolake.errors import LeaseHeld
from factolake.lake.leases import Lease
from models.timeseries.signals import Unscored
from pipelines.checks import judge
from pipelines.signals.judged import day_of_scores, seen_by
from pipelines.signals.reading import Reader
from pipelines.signals.span import Days

THURSDAY = MONDAY + timedelta(days=3)
SCORED = Days(MONDAY + timedelta(days=2), THURSDAY)


@pytest.fixture
def machine(tmp_path: Path) -> LearntMachine:
    made = LearntMachine(tmp_path)
    made.trained_days()
    made.champion()
    made.show(THURSDAY, hours=11, off=4.0)
    return made


def test_every_minute_is_there_with_a_score_or_with_why_it_has_none(machine: LearntMachine) -> None:
    (told,) = machine.scoring().rescore([MACHINE], SCORED)
    assert (told.version, told.days, told.changed_days, told.rows) == (1, 2, 2, 720 + 330)
    scores = machine.scores()
    assert judge(SCORES, scores) == []
    whys = dict(scores.group_by("why").aggregate([("why", "count")]).select(["why", "why_count"]).to_pandas().itertuples(index=False))
    assert whys == {"scored": 720 + 330 - 8, "not_running": 8}
    strange = scores.filter(pc.equal(scores["day"], THURSDAY)).to_pylist()[-1]
    assert strange["score"] > 1
    assert (strange["top_signal"], strange["model_name"], strange["model_version"]) == ("vibration", MODEL, "1")
    assert 0.5 < strange["top_share"] <= 1


def test_the_words_for_why_are_those_of_the_models() -> None:
    assert WHY == tuple(one.name.lower() for one in Unscored)


def test_minutes_that_cannot_be_judged_say_why(machine: LearntMachine) -> None:
    machine.show(THURSDAY, hours=2, signals=SIGNALS[1:])
    machine.show(THURSDAY + timedelta(days=1), hours=2, product="GBX-300")
    machine.show(THURSDAY + timedelta(days=2), hours=2, product=None)
    machine.scoring().rescore([MACHINE], Days(THURSDAY, THURSDAY + timedelta(days=2)))
    whys = [set(machine.scores().filter(pc.equal(machine.scores()["day"], THURSDAY + timedelta(days=n)))["why"].to_pylist()) for n in range(3)]
    assert whys == [{"value_missing"}, {"regime_unknown"}, {"not_running"}]


def test_row_by_row_through_a_scorer_gives_the_bits_of_the_blocks(machine: LearntMachine) -> None:
    champion, reader = machine.models.champion(MODEL), Reader.now(machine.lake)
    cold = day_of_scores(reader, MACHINE, THURSDAY, champion, NOW)
    rows, scorer = seen_by(champion.bundle, reader.minutes(MACHINE, Days(THURSDAY - timedelta(days=1), THURSDAY))), champion.bundle.model.scorer()
    hot = np.concatenate([scorer.score(rows.rows(place, place + 1)).score for place in range(len(rows.seconds))])[-len(cold) :]
    assert np.array_equal(hot, cold["score"].to_numpy(zero_copy_only=False), equal_nan=True)


def test_scoring_again_writes_nothing_and_a_restated_or_vanished_day_is_replaced(machine: LearntMachine) -> None:
    machine.scoring().rescore([MACHINE], SCORED)
    before = machine.scores()
    (again,) = machine.scoring().rescore([MACHINE], SCORED)
    assert (again.changed_days, again.rows) == (0, 0)
    assert machine.scores().equals(before)
    machine.show(THURSDAY, hours=5)
    (restated,) = machine.scoring().rescore([MACHINE], SCORED)
    assert (restated.changed_days, restated.rows, machine.scores().num_rows) == (1, 150, 720 + 150)
    machine.show(THURSDAY, hours=0)
    machine.scoring().rescore([MACHINE], SCORED)
    assert machine.scores().num_rows == 720


def test_a_new_champion_replaces_the_scores_and_the_old_one_still_gives_the_same(machine: LearntMachine) -> None:
    machine.scoring().rescore([MACHINE], SCORED)
    before = machine.scores()
    second = machine.train(Days(MONDAY, MONDAY + timedelta(days=1)))
    machine.models.promote(MODEL, second.version, approval(machine.models, second.version, MODEL), NOW)
    (told,) = machine.scoring().rescore([MACHINE], SCORED)
    assert (told.version, told.changed_days) == (2, 2)
    assert pc.unique(machine.scores()["model_version"]).to_pylist() == ["2"]
    assert not machine.scores()["score"].equals(before["score"])
    old = machine.models.version(MODEL, 1)
    again = day_of_scores(Reader.now(machine.lake), MACHINE, THURSDAY, old, NOW)
    assert again["score"].combine_chunks().equals(before.filter(pc.equal(before["day"], THURSDAY))["score"].combine_chunks())


def test_what_is_new_is_scored_once_and_the_day_after_a_restated_one_too(machine: LearntMachine) -> None:
    first = {one.machine: one for one in machine.scoring().score_news()}
    assert (first[MACHINE].days, first[MACHINE].rows) == (5, 3 * 720 + 330)
    assert "has no champion" in first["L1-M1"].why_not or "no model" in first["L1-M1"].why_not
    version = machine.lake.open(SCORES).version
    second = {one.machine: one for one in machine.scoring().score_news()}
    assert (second[MACHINE].days, second[MACHINE].rows) == (2, 0)
    assert machine.lake.open(SCORES).version == version
    machine.show(MONDAY, off=1.0)
    third = {one.machine: one for one in machine.scoring().score_news()}
    assert third[MACHINE].days == 4
    assert third[MACHINE].changed_days >= 1


def test_a_machine_without_a_champion_is_named_and_the_others_are_scored(machine: LearntMachine) -> None:
    told = machine.scoring().rescore(["L1-M1", MACHINE], SCORED)
    assert told[0].why_not
    assert told[1].rows == 720 + 330


def test_two_scorings_at_once_are_refused(machine: LearntMachine) -> None:
    with Lease(machine.root / "scoring.lease"), pytest.raises(LeaseHeld):
        machine.scoring().rescore([MACHINE], TRAINED)
