"""Dagster plans as the part `planner` does: its sensor asks when something waits, its asset plans it once, its schedule has the plant's hour."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
import yaml
from dagster._utils.tags import TagConcurrencyLimitsCounter
from planned_line import LINE, M1, NOW, PLANT, PlannedLine, later

from factolake.contracts.gold import SCHEDULE
from factolake.errors import MissingDependency
from pipelines.assets.planned import PlanConfig, planned_asset
from pipelines.assets.shape import asset_key
from pipelines.definitions import build
from pipelines.jobs.planning import plan_needed
from pipelines.planning.look import Looker
from pipelines.resources import LakeResource

if TYPE_CHECKING:
    from collections.abc import Sequence


LIMITS = yaml.safe_load((PLANT.parents[1] / "dagster_home" / "dagster.yaml").read_text())["concurrency"]["runs"]


@pytest.fixture
def line(tmp_path: Path) -> PlannedLine:
    made = PlannedLine(tmp_path)
    made.two_orders()
    return made


@pytest.fixture
def lake(line: PlannedLine, monkeypatch: pytest.MonkeyPatch) -> LakeResource:
    """The line's lake, planned by CP-SAT alone at the line's own time."""
    monkeypatch.setattr(LakeResource, "looker", lambda _: Looker(line.planner(), line.watch()))
    return LakeResource(home=str(line.root), plant_file=str(PLANT))


def materialize(lake: LakeResource, why: str = "", config: object = None) -> dict[str, object]:
    config = config or dg.RunConfig({"plan_lines": PlanConfig(why=why)})
    asset = planned_asset()
    sources = [dg.AssetSpec(key) for key in asset.asset_deps[asset_key(SCHEDULE)]]
    result = dg.materialize([asset, *sources], selection=[asset], resources={"lake": lake}, run_config=config)
    (event,) = result.asset_materializations_for_node("plan_lines")
    return {name: value.value for name, value in event.metadata.items()}


def asked(lake: LakeResource) -> Sequence[dg.RunRequest]:
    found = plan_needed(dg.build_sensor_context(resources={"lake": lake}))
    return [one for one in found if isinstance(one, dg.RunRequest)]


def test_a_stop_is_seen_by_the_sensor_planned_by_the_asset_and_then_left(line: PlannedLine, lake: LakeResource) -> None:
    assert asked(lake) == []
    line.breakdown(M1, -5)
    (request,) = asked(lake)
    assert request.tags["line"] == LINE and "L1-M1 is broken down" in request.tags["cause"]
    told = materialize(lake, config=request.run_config)
    assert (told["planned_lines"], told["proposals"]) == (1, 1)
    assert "operations move, because L1-M1 is broken down" in str(told["told"])
    assert len(line.published()) == 3
    assert asked(lake) == []
    assert materialize(lake)["told"] == "Nothing asks for a plan."


def test_a_person_may_ask_for_a_plan_in_dagster(line: PlannedLine, lake: LakeResource) -> None:
    materialize(lake, why="tried by hand")
    assert [(row["cause"], row["why"]) for row in line.tries()] == [("request", "tried by hand")]
    line.schedule("L1.2", "proposed")
    materialize(lake, why="tried by hand again")
    assert len(line.tries()) == 1


def test_a_stop_finds_a_place_beside_the_plan_of_the_night_whose_run_it_does_not_make(line: PlannedLine, lake: LakeResource) -> None:
    line.set(nightly_at="12:00")
    (night,) = asked(lake)
    assert night.tags["cause"].startswith("it is the plan of the night")
    line.breakdown(M1, -5)
    (stop,) = asked(lake)
    counted = TagConcurrencyLimitsCounter(LIMITS["tag_concurrency_limits"], [dg.DagsterRun(job_name="plan", tags=night.tags)])
    assert LIMITS["max_concurrent_runs"] == 2
    assert counted.is_blocked(dg.DagsterRun(job_name="plan", tags=night.tags))
    assert not counted.is_blocked(dg.DagsterRun(job_name="plan", tags=stop.tags))
    line.put("maintenance_requests", {"request_id": 7, "state": "done"})
    line.put("downtime", {"machine": M1, "line": LINE, "state": "fault", "from_ts": later(-5), "is_open": False, "from_day": NOW.date()})
    assert materialize(lake, config=stop.run_config)["planned_lines"] == 0
    assert materialize(lake, config=night.run_config)["planned_lines"] == 1


def test_what_keeps_the_sensor_from_looking_is_told(lake: LakeResource, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: LakeResource) -> Looker:
        raise MissingDependency("numba is not installed")

    monkeypatch.setattr(LakeResource, "looker", missing)
    (skipped,) = plan_needed(dg.build_sensor_context(resources={"lake": lake}))
    assert isinstance(skipped, dg.SkipReason) and skipped.skip_message == "numba is not installed"


def test_the_night_has_the_plant_s_hour_and_zone_or_no_schedule() -> None:
    def nightly(zone: str, hour: str) -> list[tuple[str, str | None]]:
        found = build(zone, nightly_at=hour).schedules or []
        return [(str(one.cron_schedule), one.execution_timezone) for one in found if one.name == "plan_nightly"]  # type: ignore[union-attr]

    assert build("Europe/Berlin").resolve_job_def("plan").tags["dagster/max_runtime"] == "7200"
    assert nightly("Europe/Berlin", "02:30") == [("30 2 * * *", "Europe/Berlin")]
    assert nightly("UTC+05:00", "23:05") == [("5 23 * * *", "Etc/GMT-5")]
    assert nightly("Europe/Berlin", "") == []
