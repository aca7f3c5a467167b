"""A model that cannot score a day leaves its rows without a score and with why; other days are scored, and so is that one once it can be."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from learnt_machine import MACHINE, MONDAY, LearntMachine

from factolake.contracts.silver_scores import SCORES
from models.timeseries.machine.model import MachineModel, MachineScorer
from models.timeseries.signals import Scores, Signals
from pipelines.checks import judge
from pipelines.signals.span import Days

WEDNESDAY, THURSDAY = MONDAY + timedelta(days=2), MONDAY + timedelta(days=3)


class RaisesOnThursdays(MachineScorer):
    def score(self, signals: Signals) -> Scores:
        if signals.seconds[-1] >= Days(THURSDAY, THURSDAY).from_ts.timestamp():
            raise FloatingPointError("a day\nof zeros")
        return super().score(signals)


def of_day(scores: pa.Table, place: int) -> pa.Table:
    return scores.filter(pc.equal(scores["day"], WEDNESDAY + timedelta(days=place)))


def test_a_day_that_a_model_cannot_score_is_there_with_why_and_the_others_are_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = LearntMachine(tmp_path)
    machine.trained_days()
    machine.champion()
    machine.show(THURSDAY, hours=3)
    with monkeypatch.context() as patched:
        patched.setattr(MachineModel, "scorer", lambda model: RaisesOnThursdays(model))
        (told,) = machine.scoring().rescore([MACHINE], Days(WEDNESDAY, THURSDAY))
    assert told.failed == (f"version 1 cannot score {THURSDAY}: FloatingPointError a day of zeros",)
    assert (told.days, told.why_not, told.told.endswith(told.failed[0])) == (1, "", True)
    before = machine.scores()
    wednesday, thursday = of_day(before, 0), of_day(before, 1)
    assert judge(SCORES, before) == [] and "scored" in wednesday["why"].to_pylist()
    assert thursday.num_rows == 90 and pc.unique(thursday["why"]).to_pylist() == ["model_failed"]
    assert thursday["score"].null_count == thursday["top_signal"].null_count == 90
    (again,) = machine.scoring().rescore([MACHINE], Days(WEDNESDAY, THURSDAY))
    assert (again.failed, again.days, again.changed_days) == ((), 2, 1)
    assert "model_failed" not in machine.scores()["why"].to_pylist()
