"""What a planner tries on the drawing of a schedule: judged by the rules at once, by whoever may plan, and never written."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pages_client import Pages, text
from record_plant import LINE, M1, M2, M3, do
from schedule_plant import HOUR, accept, entry, orders, propose

from factolake.mes.downtime.models import Stop
from factolake.mes.equipment.models import Equipment
from factolake.mes.pages.load_chart import Slot, draw_load, loads
from factolake.mes.personnel.models import ShiftAssignment
from factolake.mes.production.models import Operation
from factolake.mes.scheduling.calendar import Pause
from factolake.mes.scheduling.models import ScheduleEntry, ScheduleVersion
from factolake.mes.scheduling.situation import open_spans, situation_of

BEGIN = timezone.now().replace(minute=0, second=0, microsecond=0) + 2 * HOUR
"""At least an hour off: what begins within a quarter of one is frozen."""
PAGE, TRY = f"/schedules/{LINE}/", f"/schedules/{LINE}/try"


@pytest.fixture(autouse=True)
def always_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shifts, so that the hour of the day a test runs at does not matter; breaks have tests of their own."""
    monkeypatch.setattr("factolake.mes.scheduling.situation.pauses", lambda *_: [])


def at(operation: str, machine: str, start: float, hours: float = 1) -> dict[str, Any]:
    begins = BEGIN + start * HOUR
    return {**entry(operation, machine, 0), "planned_start_ts": begins.isoformat(), "planned_end_ts": (begins + hours * HOUR).isoformat()}


def move(machine: str, start: float, hours: float = 1) -> dict[str, Any]:
    begins = (BEGIN + start * HOUR).timestamp()
    return {"at": machine, "start": begins, "end": begins + hours * 3600}


def tried(pages: Pages, **moves: dict[str, Any]) -> dict[str, Any]:
    """The server's judgement; operations are written with _ for - and the point."""
    named = {key.replace("_", "-", 1).replace("_", "."): value for key, value in moves.items()}
    answer = pages.post(TRY, PAGE, moves=json.dumps(named))
    assert answer.status_code == 200, text(answer)
    found: dict[str, Any] = json.loads(answer.content)
    return found


@pytest.mark.usefixtures("record")
def test_a_move_that_can_be_says_what_it_does_to_late_orders_and_writes_nothing() -> None:
    orders("PO-1", "PO-2", due_ts=(BEGIN + 3 * HOUR).isoformat())
    accept(propose(at("PO-1.10", M1, 0), at("PO-2.10", M1, 2), at("PO-1.20", M2, 1), at("PO-2.20", M2, 3)))
    before = list(Operation.objects.order_by("pk").values())
    found = tried(Pages("planner"), PO_2_10=move(M3, 0), PO_2_20=move(M2, 2))
    assert (found["good"], found["wrong"]) == (True, [])
    assert found["told"] == ["Late orders: 1 before, 0 then.", "On time now: PO-2."]
    do("engineer", "routing_alternative.create", material_id="G-200", step_number=10, equipment_id=M3, planned_run_s=45.0)
    slower = tried(Pages("planner"), PO_2_10=move(M3, 0))["placed"]["PO-2.10"]
    assert slower["end"] - slower["start"] == 1.25 * 3600, "at another machine of its routing it takes what it takes there"
    assert {each["operation_id"]: each["equipment_id"] for each in found["entries"]} == {"PO-2.10": M3, "PO-2.20": M2}
    worse = tried(Pages("planner"), PO_2_20=move(M2, 5))
    assert worse["told"][-1] == "Later than before: PO-2 by 2.0 h."
    assert list(Operation.objects.order_by("pk").values()) == before
    assert ScheduleVersion.objects.count() == 1


@pytest.mark.usefixtures("record")
def test_a_broken_rule_is_told_with_the_operations_that_break_it() -> None:
    orders("PO-1", "PO-2")
    accept(propose(at("PO-1.10", M1, 0), at("PO-1.20", M2, 1), at("PO-2.10", M1, 2)))
    pages = Pages("planner")
    for moves, words, wrong in (
        ({"PO_2_10": move(M1, 0.5)}, "PO-2.10 would begin at L1-M1 at", ["PO-1.10", "PO-2.10"]),
        ({"PO_1_20": move(M2, 0.5)}, "and PO-1.10 before it ends at", ["PO-1.10", "PO-1.20"]),
        ({"PO_2_10": move(M3, -30)}, "which has passed", ["PO-2.10"]),
        ({"PO_9_10": move(M3, 1)}, "there is no open operation PO-9.10", ["PO-9.10"]),
        ({"PO_2_10": move("L2-M9", 1)}, "L2-M9, which is no equipment in use on line L1", ["PO-2.10"]),
    ):
        found = tried(pages, **moves)
        assert (found["good"], found["entries"], found["wrong"]) == (False, [], wrong), found
        assert words in found["told"][0]


@pytest.mark.usefixtures("record")
def test_two_that_change_places_are_judged_together() -> None:
    orders("PO-1", "PO-2")
    accept(propose(at("PO-1.10", M1, 0), at("PO-2.10", M1, 1)))
    pages = Pages("planner")
    assert not tried(pages, PO_1_10=move(M1, 1))["good"]
    assert tried(pages, PO_1_10=move(M1, 1), PO_2_10=move(M1, 0))["good"]


@pytest.mark.usefixtures("record")
def test_what_runs_and_what_is_about_to_begin_stay() -> None:
    orders("PO-1", "PO-2")
    accept(propose(at("PO-1.10", M1, 0), at("PO-2.10", M3, -0.95)))
    do("operator", "operation.start", "PO-1.10", at=timezone.now())
    found = tried(Pages("planner"), PO_1_10=move(M1, 3))
    assert found["told"] == ["PO-1.10 runs at L1-M1, and what runs never moves"]


@pytest.mark.usefixtures("record")
def test_people_and_tools_are_judged_too_and_a_short_stock_is_told() -> None:
    do("planner", "material.create", material_id="STEEL")
    orders("PO-1", "PO-2")
    do("engineer", "skill.create", skill_id="laser", name="Laser class 4")
    do("engineer", "skill_requirement.create", skill_id="laser", material_id="G-200", step_number=20)
    do("engineer", "qualification.create", person_id="operator", skill_id="laser")
    do("engineer", "tool.create", tool_id="T-1", name="Drill", tool_class="drill")
    do("engineer", "tool_requirement.create", material_id="G-200", step_number=10, tool_class="drill")
    do("engineer", "bill_item.create", material_id="G-200", component_id="STEEL", step_number=10, quantity=1)
    do("planner", "lot.create", lot_id="ST-1", material_id="STEEL", quantity=150, equipment_id=LINE)
    accept(propose(at("PO-1.10", M1, 0), at("PO-1.20", M2, 1), at("PO-2.10", M1, 2), at("PO-2.20", M2, 3)))
    pages = Pages("planner")
    skill = tried(pages, PO_1_20=move(M3, 3.5))
    assert (skill["good"], skill["wrong"]) == (False, ["PO-1.20"])
    assert "PO-1.20 takes somebody with the skill laser from" in skill["told"][0]
    assert "and nobody is free: operator is at PO-2.20 until" in skill["told"][0]
    tool = tried(pages, PO_2_10=move(M3, 0.5))
    assert (tool["good"], tool["wrong"]) == (False, ["PO-1.10", "PO-2.10"])
    assert "PO-2.10 takes a tool of class drill at" in tool["told"][0]
    assert "none is free, in use by PO-1.10 until" in tool["told"][0]
    swapped = tried(pages, PO_1_10=move(M1, 2), PO_1_20=move(M2, 3), PO_2_10=move(M1, 0), PO_2_20=move(M2, 1))
    assert swapped["good"]
    assert "Mind the stock: PO-1.10 takes more STEEL at" in swapped["told"][-1]
    delivery = {"delivery_id": "D-1", "material_id": "STEEL", "quantity": 500, "expected_ts": (BEGIN + 1.5 * HOUR).isoformat()}
    do("planner", "delivery.create", **delivery)
    early = tried(pages, PO_2_10=move(M1, 1))
    assert (early["good"], early["wrong"]) == (False, ["PO-2.10"])
    assert "PO-2.10 takes more STEEL at" in early["told"][0]
    assert "Mind" not in tried(pages, PO_2_10=move(M3, 2))["told"][-1]
    for who, hours in (("operator", 4), ("quality", 8)):
        span = {"from_ts": BEGIN.isoformat(), "to_ts": (BEGIN + hours * HOUR).isoformat()}
        do("planner", "shift_assignment.create", person_id=who, equipment_id=LINE, role=who, **span)
    assert "operator is not there all that time" in tried(pages, PO_2_20=move(M2, 6))["told"][0]
    assert tried(pages, PO_2_20=move(M2, 9))["good"], "after the last shift that is planned for anybody nobody knows who is there"
    last = ShiftAssignment.objects.order_by("pk").last()
    assert last is not None
    do("planner", "shift_assignment.end", str(last.pk), at=timezone.now())
    assert "operator is not there all that time" in tried(pages, PO_2_20=move(M2, 6))["told"][0], "one that was taken back was planned"


def housings(line: str, machine: str) -> None:
    """PO-2 takes a housing a piece at its first step; of 100, 40 are there, and PO-5 makes 70 at the machine."""
    do("planner", "material.create", material_id="HOUSING")
    do("engineer", "routing_step.create", material_id="HOUSING", number=10, equipment_id=machine, planned_run_s=36.0)
    do("planner", "order.create", order_id="PO-5", material_id="HOUSING", quantity=70, line_id=line)
    do("planner", "order.release", "PO-5")
    do("engineer", "bill_item.create", material_id="G-200", component_id="HOUSING", step_number=10, quantity=1)
    do("planner", "lot.create", lot_id="H-1", material_id="HOUSING", quantity=40, equipment_id=LINE)


def second_line() -> None:
    """L2 beside the line, with one machine."""
    above = Equipment.objects.get(pk=LINE).parent
    assert above is not None
    line = Equipment.objects.create(
        equipment_id="L2", name="L2", level="ProductionLine", parent=above, path=f"{above.path}/L2", changed_ts=timezone.now()
    )
    Equipment.objects.create(equipment_id="L2-M1", name="L2-M1", level="WorkUnit", parent=line, path=f"{line.path}/L2-M1", changed_ts=timezone.now())


@pytest.mark.usefixtures("record")
def test_an_assembly_is_refused_before_what_it_takes_is_made() -> None:
    orders("PO-2")
    housings(LINE, M3)
    accept(propose(at("PO-5.10", M3, 1), at("PO-2.10", M1, 2)))
    pages = Pages("planner")
    early = tried(pages, PO_2_10=move(M1, 1.5))
    assert (early["good"], early["wrong"]) == (False, ["PO-2.10", "PO-5.10"])
    assert re.search(r"PO-2.10 would begin at .* and takes 60 of HOUSING from order PO-5, which PO-5.10 makes until", early["told"][0])
    assert not tried(pages, PO_5_10=move(M3, 1.5))["good"], "nor may what it takes be made later"
    assert tried(pages, PO_5_10=move(M3, 0), PO_2_10=move(M1, 1))["good"]
    do("planner", "lot.create", lot_id="H-2", material_id="HOUSING", quantity=60, equipment_id=LINE)
    assert tried(pages, PO_2_10=move(M1, 0))["good"], "all of it is there"


@pytest.mark.usefixtures("sqlite_record")
def test_who_says_no_to_a_change_says_no_to_the_work_that_takes_what_it_makes() -> None:
    orders("PO-2")
    housings(LINE, M3)
    accept(propose(at("PO-5.10", M3, 3), at("PO-2.10", M1, 4), at("PO-2.20", M2, 6)))
    version = propose(at("PO-5.10", M3, 1), at("PO-2.10", M1, 2), at("PO-2.20", M2, 7))
    do("planner", "schedule_entry.reject", str(version.entries.get(operation_id="PO-5.10").pk))
    version.refresh_from_db()
    assert (version.state, version.ended_why) == ("rejected", ""), "the assembly goes, and what follows it in its order"


@pytest.mark.usefixtures("sqlite_record")
def test_what_another_line_makes_and_takes_counts_as_in_the_planner() -> None:
    second_line()
    orders("PO-2")
    housings("L2", "L2-M1")
    Operation.objects.filter(pk="PO-5.10").update(planned_start_ts=BEGIN, planned_end_ts=BEGIN + HOUR)
    accept(propose(at("PO-2.10", M1, 2)))
    pages = Pages("planner")
    early = tried(pages, PO_2_10=move(M1, 0.5))
    assert (early["good"], early["wrong"]) == (False, ["PO-2.10"])
    assert "PO-2.10 takes more HOUSING at" in early["told"][0]
    assert tried(pages, PO_2_10=move(M1, 1))["good"]
    do("planner", "lot.create", lot_id="H-2", material_id="HOUSING", quantity=60, equipment_id=LINE)
    assert tried(pages, PO_2_10=move(M1, 0))["good"]
    do("planner", "material.create", material_id="G-300")
    do("engineer", "routing_step.create", material_id="G-300", number=10, equipment_id="L2-M1", planned_run_s=36.0)
    do("planner", "order.create", order_id="PO-7", material_id="G-300", quantity=80, line_id="L2")
    do("planner", "order.release", "PO-7")
    do("engineer", "bill_item.create", material_id="G-300", component_id="HOUSING", step_number=10, quantity=1)
    Operation.objects.filter(pk="PO-7.10").update(planned_start_ts=BEGIN + 0.25 * HOUR, planned_end_ts=BEGIN + HOUR)
    assert not tried(pages, PO_2_10=move(M1, 0))["good"], "80 of the 100 go to the other line"


@pytest.mark.usefixtures("sqlite_record")
def test_the_end_follows_from_the_open_time_and_a_closed_machine_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    noon = Pause(BEGIN + 2.5 * HOUR, BEGIN + 3 * HOUR, "Break")
    monkeypatch.setattr("factolake.mes.scheduling.situation.pauses", lambda *_: [noon])
    orders("PO-1")
    accept(propose(at("PO-1.10", M1, 0)))
    over = tried(Pages("planner"), PO_1_10=move(M1, 2))
    assert (over["good"], over["placed"]["PO-1.10"]["end"]) == (True, (BEGIN + 3.5 * HOUR).timestamp())
    inside = tried(Pages("planner"), PO_1_10=move(M1, 2.75))
    assert "when it is closed; it opens at" in inside["told"][0]


@pytest.mark.usefixtures("record")
def test_a_machine_that_is_down_is_closed_until_its_repair() -> None:
    orders("PO-1")
    accept(propose(at("PO-1.10", M1, 3)))
    now = timezone.now()
    times = {"from_ts": now - HOUR, "to_ts": now, "lake_from_ts": now, "changed_ts": now}
    Stop.objects.create(stop_id="s1", equipment_id=M3, is_open=True, machine_state="fault", asks_reason=True, lake_version=1, **times)
    soon = {"at": M3, "start": now.timestamp() + 600, "end": now.timestamp() + 4200}
    assert "when it is closed" in tried(Pages("planner"), PO_1_10=soon)["told"][0]
    assert tried(Pages("planner"), PO_1_10=move(M3, 4))["good"]


@pytest.mark.usefixtures("sqlite_record")
def test_only_who_may_plan_here_tries_and_only_while_no_proposal_waits() -> None:
    orders("PO-1")
    accept(propose(at("PO-1.10", M1, 1)))
    assert 'id="moving"' in text(Pages("planner").get(PAGE))
    assert 'id="moving"' not in text(Pages("viewer").get(PAGE))
    assert Pages("viewer").post(TRY, PAGE, moves="{}").status_code == 403
    assert Pages("planner").get(TRY).status_code == 302
    propose(at("PO-1.10", M3, 1))
    assert 'id="moving"' not in text(Pages("planner").get(PAGE))
    assert "data-op" not in text(Pages("planner").get(PAGE))


@pytest.mark.usefixtures("sqlite_record")
@pytest.mark.parametrize(
    "sent", ["", "no json", "[]", "{}", "7", '{"PO-1.10": 3}', '{"PO-1.10": {"at": "L1-M1", "start": "x", "end": 1}}', '{"": {"at": 1}}',
             '{"PO-1.10": {"at": "L1-M1", "start": 1e99, "end": 1}}', '{"PO-1.10": {"at": "L1-M1", "start": NaN, "end": 1}}']
)  # fmt: skip
def test_what_the_drawing_never_sends_is_refused(sent: str) -> None:
    assert Pages("planner").post(TRY, PAGE, moves=sent).status_code == 422


@pytest.mark.usefixtures("record")
def test_what_was_tried_is_proposed_as_it_was_judged() -> None:
    orders("PO-1")
    accept(propose(at("PO-1.10", M1, 1)))
    pages = Pages("planner")
    found = tried(pages, PO_1_10=move(M3, 2))
    form = {"entries": json.dumps(found["entries"]), "reason": "M1 is wanted", "line_id": LINE, "based_on_id": "L1.1"}
    answer = pages.post("/actions/schedule.create/", PAGE, **form)
    assert answer.status_code == 302, text(answer)
    made = ScheduleEntry.objects.get(schedule__state="proposed")
    assert (made.equipment_id, made.planned_start_ts) == (M3, BEGIN + 2 * HOUR)


@pytest.mark.usefixtures("record")
def test_the_situation_holds_the_lines_open_orders_with_their_ended_steps() -> None:
    orders("PO-1", "PO-2")
    do("operator", "operation.start", "PO-1.10")
    do("operator", "operation.report", "PO-1.10", good=100)
    do("operator", "operation.complete", "PO-1.10")
    found = situation_of(Equipment.objects.get(pk=LINE), timezone.now(), {"PO-2.10": (M3,)})
    states = {each.operation_id: each.state.value for each in found.operations}
    assert states == {"PO-1.10": "completed", "PO-1.20": "ready", "PO-2.10": "ready", "PO-2.20": "waiting"}
    assert [each.equipment for each in found.operations if each.alternatives] == [M1]
    assert {M1, M2, M3} <= {each.equipment for each in found.machines}
    assert LINE not in {each.equipment for each in found.machines}, "the line is a machine only where it does operations"


def test_open_time_is_what_pauses_leave() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)

    def pause(from_h: float, to_h: float) -> Pause:
        return Pause(start + timedelta(hours=from_h), start + timedelta(hours=to_h), "Break")

    spans = open_spans([pause(5, 6), pause(-1, 1), pause(2, 4), pause(3, 3.5), pause(9, 10)], start, start + timedelta(hours=10))
    assert [((a - start) / HOUR, (b - start) / HOUR) for a, b in spans] == [(1, 2), (4, 5), (6, 9)]


@pytest.mark.usefixtures("record")
def test_the_late_list_says_by_how_much_and_what_an_order_waits_for() -> None:
    orders("PO-1", "PO-2", due_ts=(BEGIN + 3 * HOUR).isoformat())
    accept(propose(at("PO-1.10", M1, 0), at("PO-2.10", M1, 2), at("PO-1.20", M2, 1), at("PO-2.20", M2, 3)))
    shown = text(Pages("viewer").get(f"{PAGE}late"))
    assert "1 order ends late" in shown
    assert re.search(r'PO-2</a></td>.*?<td class="num">60 min</td>', shown)
    assert "PO-2.20 waits at L1-M2 for its step before, PO-2.10 at L1-M1, until" in shown
    assert "PO-1</a>" not in shown


@pytest.mark.usefixtures("record")
def test_versions_are_compared_as_the_plan_was_after_each_of_them() -> None:
    orders("PO-1", "PO-2", due_ts=(BEGIN + 3 * HOUR).isoformat())
    accept(propose(at("PO-1.10", M1, 0), at("PO-1.20", M2, 1), at("PO-2.10", M1, 4), at("PO-2.20", M2, 5)))
    accept(propose(at("PO-2.10", M3, 0), at("PO-2.20", M2, 2)))
    accept(propose({**at("PO-1.10", M1, 0.5), "why": "the tool comes late"}, at("PO-1.20", M2, 3.5)))
    propose(at("PO-1.10", M1, 0), at("PO-1.20", M2, 1))
    pages = Pages("viewer")

    def shown(one: str, other: str) -> tuple[list[str], list[str]]:
        page = text(pages.get(f"{PAGE}compare?a={one}&b={other}"))
        late = re.search(r'Late orders</th><td class="num">(\d+).*?</td><td class="num">(\d+)', page)
        assert late
        return re.findall(r'<td class="id">(.*?)</td>', page), list(late.groups())

    assert shown("L1.1", "L1.2") == (["PO-2.10", "PO-2.20"], ["1", "0"])
    assert shown("L1.2", "L1.3") == (["PO-1.10", "PO-1.20"], ["0", "1"])
    assert shown("L1.3", "now") == ([], ["1", "1"])
    assert shown("now", "L1.4") == (["PO-1.10", "PO-1.20"], ["1", "0"])
    assert shown("L1.2", "L1.4") == ([], ["0", "0"])
    assert "the tool comes late" in text(pages.get(f"{PAGE}compare?a=L1.2&b=L1.3"))
    assert pages.get(f"{PAGE}compare?a=L1.99").status_code == 404


@pytest.mark.usefixtures("sqlite_record")
def test_a_rejected_version_is_shown_as_it_would_have_been_and_an_undone_one_leaves_no_trace() -> None:
    orders("PO-1")
    accept(propose(at("PO-1.10", M1, 0)))
    refused = propose(at("PO-1.10", M3, 1))
    do("planner", "schedule.reject", refused.pk, reason="no")
    undone = accept(propose(at("PO-1.10", M2, 2)))
    do("planner", "schedule.undo", undone.pk, reason="no")
    pages = Pages("viewer")
    page = text(pages.get(f"{PAGE}compare?a=L1.1&b=L1.2"))
    assert re.findall(rf'<td class="id">PO-1.10</td><td data-is="L1.1">{M1}, .*?</td><td data-is="L1.2">{M3}, ', page)
    assert '<td class="id">' not in text(pages.get(f"{PAGE}compare?a=L1.1&b=now"))
    assert re.findall(rf'<td data-is="now">{M1}, .*?</td><td data-is="L1.3">{M2}, ', text(pages.get(f"{PAGE}compare?a=now&b=L1.3")))


@pytest.mark.usefixtures("record")
def test_load_is_planned_of_open_hours_a_shift() -> None:
    orders("PO-1")
    accept(propose(at("PO-1.10", M1, 1, 2)))
    shown = text(Pages("viewer").get(f"{PAGE}load"))
    numbers = re.findall(r"(\d+\.\d) of (\d+\.\d) h", shown)
    assert sum(float(planned) for planned, _ in numbers) > 1.4, "two hours, a break in them at most"
    assert all(float(planned) <= float(opened) for planned, opened in numbers)
    assert Pages("viewer").get(f"{PAGE}load?span=year").status_code == 422


def test_the_load_of_a_shift_counts_open_time_once_and_what_is_planned_into_closed_time_whole() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)

    def span(from_h: float, to_h: float) -> tuple[datetime, datetime]:
        return start + timedelta(hours=from_h), start + timedelta(hours=to_h)

    slots = [Slot("early", "Mon", *span(0, 8)), Slot("late", "Mon", *span(8, 16), is_first=False)]
    opened = {"M1": [span(0, 4), span(4.5, 8), span(8, 12)]}
    (row,) = loads(slots, [("M1", "Press")], opened, {"M1": [span(3, 5), span(6, 9), span(8, 11), span(13, 14)]})
    assert [(cell.planned_h, cell.open_h) for cell in row.cells] == [(3.5, 7.5), (5.0, 4.0)]
    drawing = draw_load(slots, [row])
    assert [(bar.look, bar.text) for bar in drawing.bars] == [("full", "47%"), ("over", "125%")]
    assert all(bar.y + bar.height == drawing.lines[0][0] for bar in drawing.bars)
    assert [column[2] for column in drawing.columns] == ["Mon", ""]
