"""Skills and shifts: work that asks for a skill is started by who holds it, or by whom a supervisor lets; who is on shift is planned or signed on."""

from datetime import timedelta
from typing import Any

import pytest
from record_plant import LINE, LINE_PATH, M1, M3, NOW, do, order, person

from factolake.domain.action import ActorKind, Role
from factolake.mes.personnel.models import Presence, ShiftAssignment
from factolake.mes.personnel.on_shift import holders, on_shift

on_both = pytest.mark.usefixtures("record")
on_sqlite = pytest.mark.usefixtures("sqlite_record")  # what no database can change
DAY = NOW + timedelta(days=1)
HOUR = timedelta(hours=1)


def laser(**work: Any) -> str:
    """A ready operation that asks for the skill laser; `work` says where else than on the line."""
    operation = order()
    do("engineer", "skill.create", skill_id="laser", name="Laser class 4")
    do("engineer", "skill_requirement.create", skill_id="laser", **(work or {"equipment_id": LINE}))
    return operation


def certify(**more: Any) -> str:
    return str(do("engineer", "qualification.create", **{"person_id": "operator", "skill_id": "laser", **more})["id"])


@on_sqlite
@pytest.mark.parametrize(
    "work", [{"equipment_id": LINE}, {"equipment_id": "assembly"}, {"material_id": "G-100"}, {"material_id": "G-100", "step_number": 10}]
)
def test_who_lacks_the_skill_does_not_start_the_work(work: dict[str, Any]) -> None:
    operation = laser(**work)
    with pytest.raises(Exception, match=r"PO-1\.10 asks for the skill laser, which operator does not hold now; somebody qualified"):
        do("operator", "operation.start", operation, at=DAY)
    certify()
    assert do("operator", "operation.start", operation, at=DAY)["state"] == "running"


@on_sqlite
@pytest.mark.parametrize("work", [{"equipment_id": M3}, {"material_id": "G-100", "step_number": 20}])
def test_other_work_asks_for_nothing(work: dict[str, Any]) -> None:
    assert do("operator", "operation.start", laser(**work))["state"] == "running"


@on_sqlite
def test_a_skill_counts_from_its_certificate_to_its_end_and_after_a_revocation_no_more() -> None:
    operation = laser()
    certify(valid_from=DAY, valid_to=DAY + HOUR)
    for moment in (DAY - HOUR, DAY + HOUR):
        with pytest.raises(Exception, match="does not hold now"):
            do("operator", "operation.start", operation, at=moment)
    do("operator", "operation.start", operation, at=DAY)
    do("operator", "operation.suspend", operation, at=DAY)
    held = certify(valid_from=DAY)
    do("engineer", "qualification.revoke", held, at=DAY + 2 * HOUR)
    with pytest.raises(Exception, match="does not hold now"):
        do("operator", "operation.start", operation, at=DAY + 3 * HOUR)
    with pytest.raises(Exception, match="ended at"):
        do("engineer", "qualification.revoke", held, at=DAY + 3 * HOUR)


@on_both
def test_a_supervisor_lets_one_person_start_one_operation_and_says_why() -> None:
    operation = laser()
    with pytest.raises(Exception, match="takes the role engineer or planner or quality"):
        do("operator", "operation.waive_skill", operation, person_id="operator", skill_id="laser", reason="I can")
    with pytest.raises(Exception, match="cannot waive their own skill"):
        do("planner", "operation.waive_skill", operation, person_id="planner", skill_id="laser", reason="I can")
    with pytest.raises(Exception, match="reason"):
        do("planner", "operation.waive_skill", operation, person_id="operator", skill_id="laser")
    do("planner", "operation.waive_skill", operation, person_id="operator", skill_id="laser", reason="trained, paper is in the post")
    assert do("operator", "operation.start", operation)["state"] == "running"
    do("operator", "operation.complete", operation)
    with pytest.raises(Exception, match="does not hold now"):
        do("operator", "operation.start", order("PO-2"))


@on_sqlite
def test_nobody_certifies_themselves_and_what_is_no_longer_asked_for_is_not() -> None:
    operation = laser()
    with pytest.raises(Exception, match="cannot certify themselves"):
        do("engineer", "qualification.create", person_id="engineer", skill_id="laser")
    with pytest.raises(Exception, match="give equipment_id, material_id or both"):
        do("engineer", "skill_requirement.create", skill_id="laser")
    do("engineer", "skill_requirement.end", "1")
    assert do("operator", "operation.start", operation)["state"] == "running"


@on_sqlite
def test_a_program_starts_what_people_set_up() -> None:
    person("gateway", Role.OPERATOR, LINE_PATH, ActorKind.SERVICE)
    assert do("gateway", "operation.start", laser(), approval="p")["state"] == "running"


@on_both
def test_who_is_planned_is_on_shift_from_the_beginning_to_the_end_at_the_place_and_around_it() -> None:
    planned = do("planner", "shift_assignment.create", person_id="operator", equipment_id=M1, role="operator", from_ts=DAY, to_ts=DAY + 8 * HOUR)
    for moment, there in ((DAY - HOUR, []), (DAY, ["operator"]), (DAY + 8 * HOUR, [])):
        assert on_shift({Role.OPERATOR}, LINE_PATH, moment) == there
    assert on_shift({Role.OPERATOR}, f"{LINE_PATH}/{M1}", DAY) == on_shift(set(Role), "", DAY) == ["operator"]
    assert on_shift({Role.OPERATOR}, f"{LINE_PATH}/{M3}", DAY) == on_shift({Role.QUALITY}, LINE_PATH, DAY) == []
    do("planner", "shift_assignment.end", str(planned["id"]), at=DAY + HOUR)
    assert on_shift({Role.OPERATOR}, LINE_PATH, DAY + 2 * HOUR) == []
    kept = ShiftAssignment.objects.get()
    assert (kept.to_ts, kept.planned_to_ts) == (DAY + HOUR, DAY + 8 * HOUR)
    with pytest.raises(Exception, match="what was stays"):
        do("planner", "shift_assignment.end", str(planned["id"]), at=DAY + 3 * HOUR)


@on_sqlite
def test_a_shift_that_is_taken_back_before_it_begins_keeps_the_end_it_was_planned_to_have() -> None:
    planned = do("planner", "shift_assignment.create", person_id="operator", equipment_id=M1, role="operator", from_ts=DAY, to_ts=DAY + 8 * HOUR)
    assert planned["planned_to_ts"] is None
    for _ in range(2):
        do("planner", "shift_assignment.end", str(planned["id"]), at=DAY - HOUR)
        kept = ShiftAssignment.objects.get()
        assert (kept.to_ts, kept.planned_to_ts) == (DAY, DAY + 8 * HOUR)


@on_sqlite
def test_a_shift_is_for_people_with_the_role_and_ends_after_it_begins() -> None:
    asked = {"person_id": "operator", "equipment_id": LINE, "from_ts": DAY, "to_ts": DAY + HOUR}
    with pytest.raises(Exception, match="operator is no quality at L1; an administrator grants the role first"):
        do("planner", "shift_assignment.create", role="quality", **asked)
    with pytest.raises(Exception, match="it ends later"):
        do("planner", "shift_assignment.create", role="operator", **{**asked, "to_ts": DAY})


@on_both
def test_a_presence_is_ones_own_lasts_as_long_as_a_session_and_counts_with_all_roles_there() -> None:
    do("admin", "grant.create", person_id="operator", role="maintenance", scope_id=LINE)
    there = do("operator", "presence.create", equipment_id=M1, at=DAY)
    assert do("operator", "presence.create", equipment_id=M1, at=DAY + HOUR)["id"] == there["id"]
    assert on_shift({Role.MAINTENANCE}, LINE_PATH, DAY + 12 * HOUR) == ["operator"]
    assert on_shift({Role.MAINTENANCE}, LINE_PATH, DAY + 13 * HOUR) == on_shift({Role.QUALITY}, LINE_PATH, DAY) == []
    with pytest.raises(Exception, match="they sign off themselves"):
        do("admin", "grant.create", person_id="quality", role="operator", scope_id=LINE)
        do("quality", "presence.end", str(there["id"]))
    do("operator", "presence.end", str(there["id"]), at=DAY + 2 * HOUR)
    assert Presence.objects.get().to_ts == DAY + 2 * HOUR
    do("admin", "person.disable", "operator")
    assert on_shift({Role.OPERATOR}, LINE_PATH, DAY + HOUR) == []


@on_sqlite
def test_holders_are_people_who_may_act_at_the_place() -> None:
    assert holders({Role.PLANNER}, LINE_PATH) == ["planner"]  # the ERP and the agent are no people
    assert holders({Role.QUALITY}, LINE_PATH) == ["quality", "quality2"]
    assert holders({Role.QUALITY}, "acme/bremen") == []
