"""What makes the planner plan: long stops and breakdowns, requests, work without a place, scrap, absence, the night; once each, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from planned_line import LINE, M1, M2, NOW, PLANT, PlannedLine, later

from factolake.config import Settings
from factolake.domain.job import Plan, PlanStatus
from factolake.errors import TableDamaged
from pipelines.planning.causes import Cause, nightly
from pipelines.planning.look import Looker
from pipelines.planning.part import run_planner
from pipelines.planning.publishing import Try


@pytest.fixture
def line(tmp_path: Path) -> PlannedLine:
    made = PlannedLine(tmp_path)
    made.two_orders()
    return made


def cause(line: PlannedLine) -> Cause | None:
    return line.watch().cause_of(LINE, line.clock.now())


def why(line: PlannedLine) -> str:
    found = cause(line)
    return found.why if found else ""


def plan(line: PlannedLine, status: PlanStatus | None = None) -> None:
    """The turn that the cause asks for; with `status` its search ends so, without a plan."""
    found = cause(line)
    assert found is not None
    line.planner(None if status is None else lambda *_: Plan(status)).plan_line(LINE, found)


def test_a_short_stop_asks_for_nothing_until_it_is_long_or_called_a_breakdown(line: PlannedLine) -> None:
    line.fault(M1, -14)
    assert cause(line) is None
    line.clock.advance(61)
    assert "L1-M1 stands still since 11:46" in why(line)
    line.fault(M1, -14, is_open=False)
    line.breakdown(M2, -1)
    assert why(line) == "L1-M2 is broken down since 11:59 (press axis overload)"


def test_starved_and_blocked_machines_are_not_broken(line: PlannedLine) -> None:
    line.fault(M1, -30)
    line.put("downtime", {"machine": M1, "line": LINE, "state": "starved", "from_ts": later(-30), "is_open": True, "from_day": NOW.date()})
    assert cause(line) is None


def test_the_same_stop_is_planned_once_and_an_open_proposal_is_left_alone(line: PlannedLine) -> None:
    line.breakdown(M1, -5)
    plan(line)
    assert cause(line) is None
    plan_id = line.tries()[0]["plan_id"]
    line.schedule("L1.2", "proposed", plan_id=plan_id)
    line.put("schedule_requests", {"request_id": 1, "line": LINE, "requested_by": "olga", "why": "steel is late"})
    assert cause(line) is None
    line.schedule("L1.2", "rejected", plan_id=plan_id, ended_by="planner")
    assert why(line) == "olga asks for it: steel is late"
    plan(line)
    line.clock.advance(3600)
    assert cause(line) is None


@pytest.mark.parametrize("end", [{"state": "stale", "ended_by": "clock"}, {"state": "rejected", "ended_by": "lake"}])
def test_a_proposal_that_the_present_overtook_is_made_anew(line: PlannedLine, end: dict[str, str]) -> None:
    line.breakdown(M1, -5)
    plan(line)
    line.schedule("L1.2", end["state"], plan_id=line.tries()[0]["plan_id"], ended_by=end["ended_by"])
    assert cause(line) is None
    line.clock.advance(60)
    line.fault(M1, -5)
    assert "L1-M1 is broken down" in why(line)


def test_a_try_that_found_nothing_is_repeated_after_a_while(line: PlannedLine) -> None:
    line.breakdown(M1, -5)
    plan(line, PlanStatus.UNKNOWN)
    for seconds in (60, 180, 600):
        line.clock.advance(seconds - 1)
        assert cause(line) is None
        line.clock.advance(1)
        plan(line, PlanStatus.INFEASIBLE)


def test_new_orders_are_planned_together_when_they_have_settled_and_rush_orders_at_once(line: PlannedLine) -> None:
    for name in ("PO-3", "PO-4"):
        line.order(name, changed_ts=NOW)
        line.operation(name, 10, M1)
    assert cause(line) is None
    line.clock.advance(60)
    assert why(line) == "PO-3 and PO-4 have no place in it yet"
    line.order("PO-5", changed_ts=line.clock.now(), priority=5)
    line.operation("PO-5", 10, M1)
    assert why(line) == "rush order PO-5 came in"


def test_scrap_asks_once_it_is_more_than_a_little(line: PlannedLine) -> None:
    line.operation("PO-1", 10, M1, -30, state="running", actual_start_ts=later(-30), good=Decimal(20), scrap=Decimal(4))
    line.put("production", {"production_id": 1, "operation_id": "PO-1.10", "scrap": Decimal(3), "changed_ts": later(-10)})
    assert cause(line) is None
    line.put("production", {"production_id": 2, "operation_id": "PO-1.10", "scrap": Decimal(1), "changed_ts": later(-5)})
    assert why(line) == "operation PO-1.10 has scrapped 4 where 0 was planned"
    plan(line)
    line.clock.advance(3600)
    assert cause(line) is None


def takes_steel(line: PlannedLine) -> None:
    """The first step takes a piece of steel an item: what runs has its 60, those of PO-2, planned in an hour, come in half an hour."""
    line.put("bill_items", {"item_id": 1, "material_id": "GBX-200", "component_id": "STEEL", "step_number": 10, "quantity": Decimal(1)})
    line.put("lots", {"lot_id": "S-1", "material_id": "STEEL", "status": "unrestricted", "remaining": Decimal(60)})
    delivery(line, 30)


def delivery(line: PlannedLine, expected_min: float, **more: object) -> None:
    about = {"delivery_id": "PUR-7", "material_id": "STEEL", "quantity": Decimal(60), "expected_ts": later(expected_min), "state": "expected"}
    line.put("deliveries", {**about, **more})


def test_a_delivery_that_is_moved_yields_a_plan_in_which_nothing_begins_before_its_material(line: PlannedLine) -> None:
    takes_steel(line)
    assert cause(line) is None
    delivery(line, 150)
    assert why(line) == "STEEL is late, not there until 14:30 (PO-2.10 lacks 60 of it)"
    plan(line)
    (tried,) = line.tries()
    assert tried["cause"] == "material_late" and "operations move, because STEEL is late, not there until 14:30" in str(tried["told"])
    rows = {row["operation_id"]: row for row in line.published()}
    assert rows["PO-2.10"]["planned_start_ts"] >= later(150) and "STEEL" in str(rows["PO-2.10"]["why"])
    line.schedule("L1.2", "rejected", plan_id=tried["plan_id"], ended_by="planner")
    assert cause(line) is None
    delivery(line, 240)
    assert "not there until 16:00" in why(line)


def test_stock_that_is_held_is_late_and_work_that_has_no_other_is_told_and_stays(line: PlannedLine) -> None:
    takes_steel(line)
    delivery(line, 30, state="received", received=Decimal(60))
    come = {"lot_id": "S-2", "material_id": "STEEL", "remaining": Decimal(60)}
    line.put("lots", {**come, "status": "unrestricted"})
    assert cause(line) is None
    line.put("lots", {**come, "status": "blocked"})
    assert why(line) == "STEEL is late (PO-2.10 lacks 60 of it)"
    plan(line)
    (tried,) = line.tries()
    assert "PO-2.10 needs 60 of STEEL, and of what is there and is to come 0 is left for it; say when more comes" in str(tried["told"])
    assert "PO-2.10" not in {row["operation_id"] for row in line.published()}
    line.clock.advance(3600)
    assert cause(line) is None


@pytest.mark.parametrize("taken_back", [{"removed_ts": later(-1)}, {"to_ts": later(-1), "planned_to_ts": later(120)}], ids=["removed", "ended"])
def test_who_is_absent_matters_where_their_skill_is_needed(line: PlannedLine, taken_back: dict[str, object]) -> None:
    shift = {"assignment_id": 1, "person_id": "anna", "equipment": LINE, "from_ts": later(-60), "to_ts": later(120)}
    line.put("shift_assignments", {**shift, **taken_back})
    line.put("qualifications", {"qualification_id": 1, "person_id": "anna", "skill_id": "laser"})
    assert cause(line) is None
    line.put("skill_requirements", {"requirement_id": 1, "skill_id": "laser", "material_id": "GBX-200", "step_number": 20})
    assert "anna is absent until 14:00" in why(line)


def test_the_night_is_planned_at_its_hour_by_plant_time_and_once(line: PlannedLine) -> None:
    line.set(nightly_at="02:30", nightly_preset="quick", nightly_seconds=5.0)
    line.clock.advance((datetime(2026, 3, 3, 1, 29, tzinfo=UTC) - NOW).total_seconds())
    assert cause(line) is None
    line.clock.advance(60)
    assert why(line) == "it is the plan of the night to 2026-03-03"
    plan(line)
    line.clock.advance(3600)
    assert cause(line) is None


def test_a_lake_that_is_behind_plans_nothing(line: PlannedLine) -> None:
    line.breakdown(M1, -5)
    heard = {"machine": M1, "line": LINE, "from_ts": later(-60), "is_open": True, "from_day": NOW.date(), "duration_us": 1}
    line.put("machine_states", {**heard, "to_ts": later(-3)})
    assert cause(line) is None
    line.put("machine_states", {**heard, "to_ts": later(-1)})
    assert cause(line) is not None


def test_the_part_does_not_outlive_the_plans_of_its_nights(line: PlannedLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(_: Looker, __: object, wanted: Callable[[Cause], bool]) -> Iterator[Try]:
        if wanted(nightly(NOW)):
            raise TableDamaged("silver.orders: a file is missing")
        yield from ()

    monkeypatch.setattr(Looker, "look", look)
    monkeypatch.setattr("pipelines.planning.part.warm", lambda: None)
    settings = Settings(home=line.root, plant_file=PLANT, planner=line.settings.model_copy(update={"interval_s": 0.5}))
    with pytest.raises(TableDamaged, match="a file is missing"):
        run_planner(settings, line.clock, threading.Event())


@pytest.mark.slow
def test_the_part_plans_what_a_look_finds_and_nothing_when_it_is_switched_off(line: PlannedLine) -> None:
    line.breakdown(M1, -5)
    line.set(preset="standard", seconds=60.0)  # CP-SAT among others, so that it does not hang on what is compiled already
    settings = Settings(home=line.root, plant_file=PLANT, planner=line.settings.model_copy(update={"enabled": False}))
    run_planner(settings, line.clock, threading.Event(), once=True)
    assert not line.tries()
    run_planner(settings.model_copy(update={"planner": line.settings}), line.clock, threading.Event(), once=True)
    assert [row["is_published"] for row in line.tries()] == [True]
    assert timedelta() <= line.tries()[0]["as_of"] - NOW  # type: ignore[operator]
