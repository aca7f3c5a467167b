"""A planning turn: from silver to gold.schedule in one commit, and the old plan kept whatever goes wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from planned_line import LINE, M1, M2, NOW, PlannedLine, later, replaced, solver

from factolake.config import Settings
from factolake.contracts.gold import SCHEDULE
from factolake.domain.job import Conflict, ConflictKind, Placed, Plan, PlanStatus
from factolake.errors import ConfigError
from factolake.lake.leases import Lease
from factolake.planning.building import Built
from factolake.planning.rewinding import rewound
from models.registry import Registry
from pipelines.planning.causes import Cause, nightly
from pipelines.planning.past import history_of
from pipelines.planning.planner import planner_of, run_of
from pipelines.planning.reading import situation_of
from pipelines.planning.record import Record

STOP = Cause("stop", "L1-M1 is broken down since 11:55", "stop L1-M1")


@pytest.fixture
def line(tmp_path: Path) -> PlannedLine:
    made = PlannedLine(tmp_path)
    made.two_orders()
    return made


def test_a_breakdown_moves_what_follows_and_says_why(line: PlannedLine) -> None:
    line.breakdown(M1, -5)
    tried = line.planner().plan_line(LINE, STOP)
    assert tried is not None and tried.is_published, tried
    rows = {row["operation_id"]: row for row in line.published()}
    # M1 stands for an hour from now, then makes the rest of PO-1 (30 min); all that is after it moves, and what runs does not.
    assert set(rows) == {"PO-1.20", "PO-2.10", "PO-2.20"}
    assert rows["PO-2.10"]["planned_start_ts"] >= later(90)
    assert {row["machine"] for row in rows.values()} == {M1, M2}
    assert all(row["why"] for row in rows.values())
    assert {(row["plan_id"], row["plan_operations"], row["based_on"]) for row in rows.values()} == {(tried.plan_id, 3, "L1.1")}
    assert tried.told.startswith("3 of 4 operations move, because L1-M1 is broken down since 11:55.")
    assert "PO-1.10 waits at L1-M1 for its repair" in tried.told
    (kept,) = line.tries()
    assert (kept["is_published"], kept["moved"], kept["operations"], kept["cause"]) == (True, 3, 4, "stop")
    assert kept["objective"] and kept["problem_hash"] and json.loads(str(kept["settings"]))["preset"] == "quick"
    assert line.lake.open(SCHEDULE).version == 1  # made, and one commit


def test_beside_a_breakdown_stands_what_interrupted_work_may_become_and_what_hindsight_is_worth(line: PlannedLine) -> None:
    about = {"material_id": "GBX-200", "valid_from": later(-600)}
    line.put("routing_steps", {"step_id": 1, "number": 10, "equipment": M1, "planned_run_s": 60.0, "planned_setup_s": 0.0, **about})
    line.put("routing_alternatives", {"alternative_id": 1, "step_number": 10, "equipment": M2, **about})
    line.put("production", {"production_id": 1, "operation_id": "PO-1.10", "good": Decimal(20), "at_ts": later(-10)})
    line.breakdown(M1, -5)
    tried = line.planner().plan_line(LINE, Cause("stop", "L1-M1 is broken down since 11:55", f"stop {M1} {later(-5).isoformat()}"))
    assert tried is not None and tried.made is not None
    (kept,) = line.tries()
    wait, *others = json.loads(str(kept["ways"]))
    assert (wait["operation"], wait["equipment"], wait["kind"], wait["is_taken"]) == ("PO-1.10", M1, "wait", True)
    assert wait["says"] == "PO-1.10 waits at L1-M1 for its repair" and "the plan ends" in wait["then"]
    assert {(way["kind"], way["to"], way["is_taken"]) for way in others} == {("elsewhere", M2, False), ("scrap", "", False)}
    assert all("no order is late; the plan ends" in way["then"] for way in others)
    assert kept["hindsight"] == "Had the stop been known at 11:55, no order would have been saved by it."
    earlier = rewound(tried.made.situation, situation_of(Record(line.lake), line.plant, LINE, later(-5), line.settings), {"PO-1.10": (20.0, 0.0)}, M1)
    by_id = {operation.operation_id: operation for operation in earlier.operations}
    assert (by_id["PO-1.10"].good, by_id["PO-1.10"].state.value, earlier.now_ts) == (20.0, "running", later(-5))
    assert next(unit.repaired_ts for unit in earlier.machines if unit.equipment == M1) == later(60)


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (Plan(PlanStatus.UNKNOWN, settings={"failed": {"own": "it was ended at the time limit"}}), "own: it was ended at the time limit"),
        (
            Plan(PlanStatus.INFEASIBLE, conflicts=(Conflict(ConflictKind.NO_SKILL, (1,), "PO-1.20 needs skill laser; qualify somebody."),)),
            "no plan is possible, the one before stays: PO-1.20 needs skill laser",
        ),
        (RuntimeError("the solver fell over"), "the one before stays: RuntimeError: the solver fell over"),
    ],
)
def test_without_a_plan_nothing_is_published_and_the_record_says_why(line: PlannedLine, plan: Plan | Exception, told: str) -> None:
    def search(*_: object) -> Plan:
        if isinstance(plan, Exception):
            raise plan
        return plan

    tried = line.planner(search).plan_line(LINE, STOP)
    assert tried is not None and not tried.is_published
    assert not line.published()
    (kept,) = line.tries()
    assert told in str(kept["told"]) and kept["is_published"] is False
    assert kept["status"] == (plan.status.value if isinstance(plan, Plan) else "failed")


def test_a_schedule_accepted_during_the_search_is_not_planned_over(line: PlannedLine) -> None:
    def search(made: Built, wanted: Mapping[str, object], tell: Callable[[Plan], None], start: tuple[Placed, ...]) -> Plan:
        line.schedule("L1.1", "superseded")
        line.schedule("L1.2", "accepted")
        return solver(made, wanted, tell, start)

    line.breakdown(M1, -5)
    tried = line.planner(search).plan_line(LINE, STOP)
    assert tried is not None and "another schedule was proposed or accepted meanwhile" in tried.told
    assert not line.published()
    assert line.watch().cause_of(LINE, line.clock.now()) is not None


def test_two_planners_never_plan_at_once(line: PlannedLine) -> None:
    with Lease(line.root / "planner.lease").acquire():
        assert line.planner().plan_line(LINE, STOP) is None
    assert not line.tries()


def test_a_stop_does_not_wait_for_the_plan_of_the_night_which_then_gives_way(line: PlannedLine) -> None:
    line.breakdown(M1, -5)
    during: list[object] = []

    def search(made: Built, wanted: Mapping[str, object], tell: Callable[[Plan], None], start: tuple[Placed, ...]) -> Plan:
        during.append(line.planner().plan_line(LINE, STOP))
        line.schedule("L1.2", "proposed", plan_id=line.tries()[0]["plan_id"])
        return solver(made, wanted, tell, start)

    night = line.planner(search).plan_line(LINE, nightly(NOW))
    assert during[0] is not None and night is not None and not night.is_published
    assert {row["plan_id"] for row in line.tries()} == {"L1-20260302T110000", "L1-20260302T110000-nightly"}
    assert {row["cause"]: row["is_published"] for row in line.tries()} == {"stop": True, "nightly": False}


def test_a_run_of_the_plan_tells_what_it_was_made_of(line: PlannedLine) -> None:
    tried = line.planner().plan_line(LINE, STOP)
    assert tried is not None
    run = run_of(tried)
    assert run.tags["plan_id"] == tried.plan_id and run.tags["problem"] == tried.problem_hash
    assert {"objective", "seconds", "operations", "moved"} <= set(run.metrics)


def test_a_registry_that_fails_loses_no_plan(line: PlannedLine) -> None:
    (line.root / "file").write_text("no folder")
    line.breakdown(M1, -5)
    tried = replaced(line.planner(), registry=Registry(line.root / "file" / "mlflow")).plan_line(LINE, STOP)
    assert tried is not None and tried.is_published and line.published()


def test_the_situation_is_what_silver_has(line: PlannedLine) -> None:
    line.order("PO-9", state="completed")
    line.operation("PO-9", 10, M1, state="completed")
    line.put("skill_requirements", {"requirement_id": 1, "skill_id": "laser", "material_id": "GBX-200", "step_number": 20})
    line.put("tool_requirements", {"requirement_id": 1, "material_id": "GBX-200", "step_number": 10, "tool_class": "drill"})
    line.put("tools", {"tool_id": "T-1", "tool_class": "drill", "is_active": True, "life_limit": Decimal(5), "used": Decimal(5)})
    line.put("qualifications", {"qualification_id": 1, "person_id": "anna", "skill_id": "laser"})
    line.breakdown(M2, -5)
    found = situation_of(Record(line.lake), line.plant, LINE, NOW, line.settings)
    assert {order.order_id for order in found.orders} == {"PO-1", "PO-2"} and found.schedule_id == "L1.1"
    by_id = {operation.operation_id: operation for operation in found.operations}
    assert by_id["PO-1.20"].skills == ("laser",) and by_id["PO-1.10"].tool_classes == ("drill",) and by_id["PO-1.10"].skills == ()
    assert found.tools[0].spans == ()  # worn
    units = {unit.equipment: unit for unit in found.machines}
    assert units[M2].down_since_ts == later(-5) and units[M1].down_since_ts is None and LINE in units
    opened = units[M1].open_spans or ()
    assert opened[0] == (NOW, later(120))  # to the end of the early shift, 14:00 in Bremen
    assert [worker.spans for worker in found.workers] == [opened]  # nobody's shifts are planned
    shift = {"assignment_id": 1, "person_id": "anna", "equipment": LINE, "from_ts": later(-60), "to_ts": later(30)}
    line.put("shift_assignments", shift)
    after = ((later(30), later(120)), *opened[1:])
    found = situation_of(Record(line.lake), line.plant, LINE, NOW, line.settings)
    assert [worker.spans for worker in found.workers] == [((NOW, later(30)), *after)]
    for taken_back in ({"removed_ts": later(-1)}, {"to_ts": later(-1), "planned_to_ts": later(30)}):
        line.put("shift_assignments", {**shift, **taken_back})
        found = situation_of(Record(line.lake), line.plant, LINE, NOW, line.settings)
        assert [worker.spans for worker in found.workers] == [after]  # the only shift that was planned was taken back


def worked_before(line: PlannedLine, factors: tuple[float, ...]) -> None:
    """Operations of the days before that took so many times what was planned."""
    line.order("PO-0", state="closed")
    for number, factor in enumerate(factors):
        took = {"actual_start_ts": later(-480), "actual_end_ts": later(-480 + 60 * factor), "good": Decimal(60), "state": "completed"}
        line.put("operations", {"operation_id": f"PO-0.{number}", "order_id": "PO-0", "equipment": M1, "planned_run_s": 60.0, **took})


def test_a_break_in_the_middle_made_no_operation_slower(line: PlannedLine) -> None:
    line.order("PO-0", state="closed")
    took = {"actual_start_ts": later(-24 * 60 - 150), "actual_end_ts": later(-24 * 60 - 60), "good": Decimal(60)}  # 09:30 to 11:00 in Bremen
    line.put("operations", {"operation_id": "PO-0.10", "order_id": "PO-0", "equipment": M1, "planned_run_s": 60.0, "state": "completed", **took})
    (done,) = history_of(Record(line.lake), line.plant, LINE, NOW).done
    assert (done.planned_s, done.actual_s) == (3600, 3600)


def test_an_order_that_may_be_late_is_told_with_how_often(line: PlannedLine) -> None:
    line.order("PO-2", due_min=185)
    tried = line.planner().plan_line(LINE, STOP)
    assert tried is not None and "of all cases" not in tried.told
    worked_before(line, (1.0,) * 5 + (1.5,) * 5)
    line.clock.advance(1)
    tried = line.planner().plan_line(LINE, STOP)
    assert tried is not None
    assert re.search(r"PO-2 is late in \d\d% of all cases \(nine of ten end by \d\d:\d\d\)\.", tried.told), tried.told


def test_the_robust_choice_is_the_plan_that_stands_what_was_before(line: PlannedLine) -> None:
    worked_before(line, (1.0,) * 5 + (1.5,) * 5)

    def search(made: Built, wanted: Mapping[str, object], tell: Callable[[Plan], None], start: tuple[Placed, ...]) -> Plan:
        best = solver(made, wanted, tell, ())  # not what is planned now, which stands it as well
        places = {one.operation: one for one in best.schedule}
        first, second = made.number("PO-1.20"), made.number("PO-2.20")
        places[first] = replace(places[first], start=places[second].end, end=places[second].end + 3600)
        return replace(best, schedule=tuple(places[number] for number in sorted(places)))  # as if it were the cheapest as planned

    def starts() -> dict[str, datetime]:
        tried = line.planner(search).plan_line(LINE, STOP)
        assert tried is not None and tried.is_published
        line.clock.advance(1)
        return {entry.operation_id: entry.planned_start_ts for entry in tried.entries}

    as_planned = starts()
    assert as_planned["PO-1.20"] > as_planned["PO-2.20"]
    line.set(robust_quantile=0.9)
    robust = starts()
    assert robust["PO-1.20"] < robust["PO-2.20"]


def test_where_somebody_else_can_do_it_the_search_begins_with_the_schedule_as_it_is(line: PlannedLine) -> None:
    for number, (person, leaves) in enumerate((("anna", {"removed_ts": later(-1)}), ("ben", {}))):
        shift = {"person_id": person, "equipment": LINE, "from_ts": later(-60), "to_ts": later(480), **leaves}
        line.put("shift_assignments", {"assignment_id": number, **shift})
        line.put("qualifications", {"qualification_id": number, "person_id": person, "skill_id": "laser"})
    line.put("skill_requirements", {"requirement_id": 1, "skill_id": "laser", "material_id": "GBX-200", "step_number": 20})
    begun: list[tuple[Placed, ...]] = []

    def search(made: Built, _: Mapping[str, object], tell: Callable[[Plan], None], start: tuple[Placed, ...]) -> Plan:
        begun.append(start)
        return Plan(PlanStatus.FEASIBLE, schedule=start) if start else Plan(PlanStatus.UNKNOWN)

    absent = Cause("person_absent", "anna is absent until 14:00", "person_absent anna 0")
    tried = line.planner(search).plan_line(LINE, absent)
    assert tried is not None and not tried.is_published
    assert tried.told.startswith(
        "Nothing moves: the plan stands, although anna is absent until 14:00. Without anna, ben does PO-1.20 and PO-2.20."
    ), tried.told
    line.put("shift_assignments", {"assignment_id": 1, **shift, "to_ts": later(150)})
    line.planner(search).plan_line(LINE, absent)
    assert len(begun[0]) == 4 and begun[1] == ()


def test_a_stop_is_taken_to_end_as_those_before_it_did(line: PlannedLine) -> None:
    line.breakdown(M1, -5)
    for number, minutes in enumerate((2, 4, 10, 20, 30, 40, 50, 60, 70, 80)):
        since = NOW - timedelta(days=1 + number)
        stood = {"machine": M1, "line": LINE, "state": "fault", "from_ts": since, "duration_us": minutes * 60_000_000, "from_day": since.date()}
        line.put("downtime", stood)
    units = {unit.equipment: unit for unit in situation_of(Record(line.lake), line.plant, LINE, NOW, line.settings).machines}
    assert units[M1].repaired_ts == later(-5 + 45)


def test_without_work_there_is_nothing_to_plan(tmp_path: Path) -> None:
    empty = PlannedLine(tmp_path)
    tried = empty.planner().plan_line(LINE, STOP)
    assert tried is not None and tried.told == "nothing to plan: no open operation" and not empty.published()


def test_a_preset_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"planner\.preset"):
        planner_of(Settings(home=tmp_path, planner={"preset": "slow"}), PlannedLine(tmp_path).clock)  # type: ignore[arg-type]
