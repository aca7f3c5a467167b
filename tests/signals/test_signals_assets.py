"""Dagster scores, trains and looks at the input as the commands do, every hour and every Monday night, and makes no champion."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from learnt_machine import MODEL, MONDAY, PLANT, LearntMachine
from shelves import approval

from factolake.contracts.silver_scores import SCORES
from factolake.errors import ModelRefused
from pipelines.assets.shape import asset_key
from pipelines.assets.signals import CHALLENGERS, INPUT_DRIFT, signal_assets
from pipelines.definitions import build
from pipelines.resources import LakeResource


@pytest.fixture
def machine(tmp_path: Path) -> LearntMachine:
    made = LearntMachine(tmp_path)
    made.trained_days()
    return made


@pytest.fixture
def lake(machine: LearntMachine, monkeypatch: pytest.MonkeyPatch) -> LakeResource:
    """The machine's lake and registry, at its own time."""
    monkeypatch.setattr("pipelines.signals.score.scoring_of", lambda *_: machine.scoring())
    monkeypatch.setattr("pipelines.signals.train.trainer_of", lambda *_: machine.trainer())
    monkeypatch.setattr("pipelines.signals.drifting.drifting_of", lambda *_: machine.drifting())
    monkeypatch.setattr(LakeResource, "clock", lambda _: machine.clock)
    return LakeResource(home=str(machine.root), plant_file=str(PLANT))


def materialize(lake: LakeResource, key: dg.AssetKey) -> dict[str, object]:
    (asset,) = (one for one in signal_assets() if key in one.keys)
    sources = [dg.AssetSpec(dep) for dep in asset.asset_deps[key]]
    result = dg.materialize([asset, *sources], selection=[asset], resources={"lake": lake})
    (event,) = result.asset_materializations_for_node(asset.node_def.name)
    return {name: value.value for name, value in event.metadata.items()}


def test_a_week_in_dagster_trains_scores_once_a_person_promoted_and_looks_at_the_input(machine: LearntMachine, lake: LakeResource) -> None:
    trained = materialize(lake, CHALLENGERS)
    assert (trained["challengers"], trained["refused"]) == (1, 5)
    assert "signals.l1-m2 1 is challenger" in str(trained["told"]) and "L1-M1: not trained" in str(trained["told"])
    assert machine.models.challenger(MODEL).bundle.created_by == "dagster"
    with pytest.raises(ModelRefused, match="has no champion"):
        machine.models.champion(MODEL)
    assert materialize(lake, asset_key(SCORES))["machines"] == 0
    machine.models.promote(MODEL, 1, approval(machine.models, 1, MODEL), machine.clock.now())
    machine.show(MONDAY + timedelta(days=3), hours=11, off=4.0)
    scored = materialize(lake, asset_key(SCORES))
    assert (scored["machines"], scored["rows_written"]) == (1, 720 + 330)
    drifted = materialize(lake, INPUT_DRIFT)
    assert drifted["shifted_machines"] == 0
    assert {record.data["signal"] for record in drifted["signals"].records} >= {"vibration"}  # type: ignore[attr-defined]


def test_the_schedules_have_the_plant_s_zone() -> None:
    found = {one.name: (one.cron_schedule, one.execution_timezone) for one in build("Europe/Berlin").schedules or []}  # type: ignore[union-attr]
    assert found["score_hourly"] == ("10 * * * *", "Europe/Berlin")
    assert found["train_weekly"] == ("30 3 * * 1", "Europe/Berlin")
    assert found["input_drift_weekly"] == ("15 3 * * 1", "Europe/Berlin")


def test_before_there_are_windows_the_runs_say_so_and_do_not_fail(tmp_path: Path) -> None:
    lake = LakeResource(home=str(tmp_path), plant_file=str(PLANT))
    for key in (CHALLENGERS, asset_key(SCORES), INPUT_DRIFT):
        assert "not there yet" in str(materialize(lake, key)["told"])
