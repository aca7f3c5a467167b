"""Schedules of a line: proposed, accepted as they were seen, overtaken by what happened, undone; and what operators did otherwise."""

from collections.abc import Callable

import pytest
from record_plant import LINE, M1, M2, M3, NOW, Api, at_once_before_any_commits, do
from schedule_plant import accept, entry, hour, orders, planned, propose

from factolake.domain.action import ActorKind, Role
from factolake.mes.approvals.models import Proposal
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.refusals import Refusal
from factolake.mes.production.models import Operation, Order
from factolake.mes.scheduling.jobs import mark_overtaken
from factolake.mes.scheduling.models import ScheduleDeviation, ScheduleEntry, ScheduleVersion

LATER = "2036-01-01T00:00:00Z"
ON_BOTH, ON_ONE = pytest.mark.usefixtures("record"), pytest.mark.usefixtures("sqlite_record")
"""Tests where the databases could differ: by locks, conditions or bulk writes; and those of rules alone."""


def states(*versions: ScheduleVersion) -> list[str]:
    return [ScheduleVersion.objects.get(pk=version.pk).state for version in versions]


def rejected(version: ScheduleVersion) -> set[str]:
    return set(version.entries.filter(state="rejected").values_list("operation_id", flat=True))


def reject_change(version: ScheduleVersion, operation: str) -> None:
    do("planner", "schedule_entry.reject", str(version.entries.get(operation_id=operation).pk), reason="no")


@ON_BOTH
def test_an_accepted_proposal_sets_machine_sequence_and_times_and_nothing_else() -> None:
    orders("PO-1", "PO-2", due_ts=hour(9).isoformat())
    version = propose(entry("PO-2.10", M1, 0), entry("PO-1.10", M3, 1), entry("PO-1.20", M2, 2), entry("PO-2.20", M2, 3))
    assert planned("PO-1.10", "PO-2.10") == [(M1, None, None), (M1, None, None)]
    accepted = accept(version)
    assert planned("PO-2.10", "PO-1.10", "PO-1.20", "PO-2.20") == [(M1, 1, 0), (M3, 1, 1), (M2, 1, 2), (M2, 2, 3)]
    assert (accepted.state, accepted.ended_by_id, accepted.number) == ("accepted", "planner", 1)
    assert set(Order.objects.values_list("quantity", "due_ts")) == {(100, hour(9))}


@ON_BOTH
def test_at_another_machine_of_its_routing_an_operation_has_the_times_there_and_its_own_again_after_an_undo() -> None:
    orders("PO-1")
    do("engineer", "routing_alternative.create", material_id="G-200", step_number=10, equipment_id=M3, planned_run_s=54.0, planned_setup_s=60.0)
    first, second = Operation.objects.order_by("number")
    moved = [entry("PO-1.10", M3, 0), entry("PO-1.20", M1, 2)]  # M1 is not known to do step 20: it takes as long there
    version = accept(propose(*moved))
    for operation in (first, second):
        operation.refresh_from_db()
    assert (first.planned_run_s, first.planned_setup_s, second.planned_run_s, second.planned_setup_s) == (54.0, 60.0, 36.0, 0.0)
    do("planner", "schedule.undo", version.pk, reason="M1 is free")
    first.refresh_from_db()
    assert (first.equipment_id, first.planned_run_s, first.planned_setup_s) == (M1, 36.0, 0.0)
    accept(propose(*moved))
    queue = Api("operator").get(f"/operations?equipment_id={M3}&state=ready").json()
    assert [each["operation_id"] for each in queue["items"]] == ["PO-1.10"]
    assert do("operator", "operation.start", "PO-1.10")["state"] == "running"


@ON_ONE
def test_the_sequence_counts_operations_that_the_proposal_does_not_name() -> None:
    orders("PO-1", "PO-2", "PO-3")
    accept(propose(entry("PO-1.10", M1, 1), entry("PO-2.10", M1, 3)))
    accept(propose(entry("PO-3.10", M1, 2)))
    assert planned("PO-1.10", "PO-3.10", "PO-2.10") == [(M1, 1, 1), (M1, 2, 2), (M1, 3, 3)]


@ON_ONE
def test_a_proposal_that_cannot_be_is_refused_in_a_sentence() -> None:
    orders("PO-1", "PO-2", "PO-3", "PO-4", "PO-5")
    for operation, after in (("PO-4.10", "complete"), ("PO-5.10", "suspend"), ("PO-3.10", "")):
        do("operator", "operation.start", operation)
        if after:
            do("operator", f"operation.{after}", operation)
    for entries, said in (
        ([entry("PO-1.10", M1, 0), entry("PO-2.10", M1, 0.5)], "PO-2.10 would begin at L1-M1 .* PO-1.10 is planned there"),
        ([entry("PO-1.20", M2, 0), entry("PO-1.10", M1, 0.5)], "PO-1.20 would begin at .* PO-1.10 before it ends"),
        ([entry("PO-1.10", "L2", 0)], "L2, which is no equipment in use on line L1"),
        ([entry("PO-9.10", M1, 0)], "no open operation PO-9.10 on line L1"),
        ([entry("PO-1.10", M1, 0, -1)], "give a later end"),
        ([entry("PO-1.10", M1, 0), entry("PO-1.10", M1, 2)], "PO-1.10 is there twice"),
        ([entry("PO-3.10", M1, 0)], "PO-3.10 is running at L1-M1, and what runs never moves"),
        ([entry("PO-4.10", M1, 5)], "no open operation PO-4.10"),
        ([entry("PO-5.10", M3, 5)], "operation PO-5.10 has begun at L1-M1; operation.move_rest"),
    ):
        with pytest.raises(Refusal, match=said):
            propose(*entries)
    assert not ScheduleVersion.objects.exists()


@ON_BOTH
def test_a_line_has_one_open_proposal_at_a_time() -> None:
    orders("PO-1")
    first = propose(entry("PO-1.10", M1, 1))
    with pytest.raises(Refusal, match=r"schedule L1\.1 of planner is open on line L1"):
        propose(entry("PO-1.10", M1, 2))
    do("planner", "schedule.reject", first.pk, reason="too late")
    second = propose(entry("PO-1.10", M1, 2))
    assert states(first, second) == ["rejected", "proposed"]
    assert ScheduleVersion.objects.get(pk=first.pk).ended_why == "too late"


@ON_BOTH
def test_two_proposals_at_once_leave_one() -> None:
    orders("PO-1")

    def ask(start: int) -> Callable[[], str]:
        return lambda: outcome(lambda: propose(entry("PO-1.10", M1, start)))

    assert sorted(at_once_before_any_commits([ask(1), ask(2)])) == ["Conflict", "done"]


def outcome(work: Callable[[], object]) -> str:
    try:
        work()
    except Refusal as refusal:
        return type(refusal).__name__
    return "done"


@ON_BOTH
def test_of_two_acceptances_at_once_one_wins() -> None:
    orders("PO-1")
    version = propose(entry("PO-1.10", M1, 1))
    found = at_once_before_any_commits([lambda: outcome(lambda: accept(version)), lambda: outcome(lambda: accept(version, "approver"))])
    assert sorted(found) == ["IllegalStep", "done"]
    assert AuditEntry.objects.filter(action="schedule.accept").count() == 1


@ON_BOTH
def test_a_start_and_an_acceptance_at_once_never_both_have_their_way() -> None:
    orders("PO-1")
    version = propose(entry("PO-1.10", M3, 1))
    start, accepting = at_once_before_any_commits(
        [lambda: outcome(lambda: do("operator", "operation.start", "PO-1.10")), lambda: outcome(lambda: accept(version))]
    )
    operation = Operation.objects.get(pk="PO-1.10")
    assert (start, accepting) in {("done", "Overtaken"), ("done", "done")}
    assert operation.equipment_id == (M1 if accepting == "Overtaken" else M3)
    assert states(version) == ["stale" if accepting == "Overtaken" else "accepted"]


@ON_BOTH
def test_what_happened_since_makes_a_proposal_stale() -> None:
    orders("PO-0", "PO-1", "PO-2", "PO-3", "PO-4", "PO-5")
    was = "{} was ready when it was proposed and is {} now"
    for number, (key, name, payload, said) in enumerate(
        (
            ("PO-2", "order.hold", {"reason": "steel"}, was.format("operation PO-2.10", "held")),
            ("PO-3", "order.cancel", {"reason": "gone"}, was.format("operation PO-3.10", "cancelled")),
            ("PO-4", "order.edit", {"quantity": 80}, "operation PO-4.10 was to make 100 then and 80 now"),
            ("PO-5", "order.edit", {"due_ts": LATER}, "operation PO-5.10 is of order PO-5, whose due date is another now"),
            ("PO-1.10", "operation.start", {}, was.format("operation PO-1.10", "running")),
        ),
        1,
    ):
        version = propose(entry("PO-0.10", M1, 1), entry(f"{key.partition('.')[0]}.10", M1, 2))
        do("planner", name, key, **payload)
        with pytest.raises(Refusal, match=f"schedule L1.{number} no longer fits the present: {said}; ask for a new one"):
            accept(version)
        version.refresh_from_db()
        assert (version.state, version.ended_why) == ("stale", said)
        assert planned("PO-0.10") == [(M1, None, None)]
    with pytest.raises(Refusal, match="stale and cannot become accepted"):
        accept(version)


@ON_BOTH
def test_an_overtaken_proposal_is_marked_by_itself_and_one_that_fits_is_not() -> None:
    orders("PO-1")
    version = propose(entry("PO-1.10", M1, 1))
    assert mark_overtaken(NOW) == 0
    do("operator", "operation.start", "PO-1.10")
    assert mark_overtaken(NOW) == 1
    assert states(version) == ["stale"]
    assert mark_overtaken(NOW) == 0


@ON_ONE
def test_an_operation_before_it_that_is_completed_is_no_reason_to_be_stale() -> None:
    orders("PO-1")
    version = propose(entry("PO-1.20", M2, 3))
    do("operator", "operation.start", "PO-1.10")
    do("operator", "operation.complete", "PO-1.10")
    assert accept(version).state == "accepted"


@ON_ONE
def test_an_acceptance_is_bound_to_what_was_seen() -> None:
    orders("PO-1", "PO-2")
    version = propose(entry("PO-1.10", M1, 1), entry("PO-2.10", M3, 1))
    seen = version.digest
    reject_change(version, "PO-2.10")
    with pytest.raises(Refusal, match=r"schedule L1\.1 is not what you saw"):
        do("planner", "schedule.accept", version.pk, digest=seen)
    accept(version)
    assert planned("PO-1.10", "PO-2.10") == [(M1, 1, 1), (M1, None, None)]


@ON_BOTH
def test_a_rejected_change_takes_its_dependents_along() -> None:
    orders("PO-1", "PO-2", "PO-3")
    version = propose(entry("PO-1.10", M1, 0), entry("PO-2.10", M1, 1), entry("PO-3.10", M3, 0), entry("PO-2.20", M2, 2), entry("PO-3.20", M2, 3))
    reject_change(version, "PO-2.10")
    assert rejected(version) == {"PO-2.10", "PO-2.20", "PO-3.20"}
    accept(version)
    assert planned("PO-1.10", "PO-3.10", "PO-2.10") == [(M1, 1, 0), (M3, 1, 0), (M1, None, None)]


@ON_ONE
def test_with_its_last_change_a_proposal_is_rejected() -> None:
    orders("PO-1")
    version = propose(entry("PO-1.10", M1, 0), entry("PO-1.20", M2, 1))
    reject_change(version, "PO-1.10")
    assert states(version) == ["rejected"]
    with pytest.raises(Refusal, match="rejected and cannot become accepted"):
        accept(version)


@ON_BOTH
def test_an_undo_restores_what_has_not_started_and_the_schedule_before_is_current() -> None:
    orders("PO-1", "PO-2", "PO-3")
    first = accept(propose(entry("PO-1.10", M1, 1), entry("PO-2.10", M1, 2), entry("PO-3.10", M1, 3)))
    second = accept(propose(entry("PO-1.10", M3, 1), entry("PO-2.10", M3, 2), entry("PO-3.10", M3, 3)))
    assert states(first, second) == ["superseded", "accepted"]
    do("operator", "operation.start", "PO-1.10")
    do("planner", "schedule.undo", second.pk, reason="the other machine is better")
    assert planned("PO-1.10", "PO-2.10", "PO-3.10") == [(M3, 1, 1), (M1, 1, 2), (M1, 2, 3)]
    assert states(first, second) == ["accepted", "undone"]
    assert set(second.entries.values_list("operation_id", "state")) == {("PO-1.10", "accepted"), ("PO-2.10", "undone"), ("PO-3.10", "undone")}
    do("planner", "schedule.undo", first.pk, reason="all of it")
    assert planned("PO-2.10", "PO-3.10") == [(M1, None, None), (M1, None, None)]
    with pytest.raises(Refusal, match="undone and cannot become undone"):
        do("planner", "schedule.undo", first.pk, reason="again")


@ON_BOTH
def test_planner_software_proposes_and_a_person_accepts() -> None:
    orders("PO-1")
    version = propose(entry("PO-1.10", M1, 1), by="erp")
    with pytest.raises(Refusal, match=r"schedule\.accept is of class production: propose it"):
        accept(version, by="erp")
    asked = do("erp", "proposal.create", action="schedule.accept", key=version.pk, payload={"digest": version.digest})
    with pytest.raises(Refusal, match=r"only people may proposal\.approve"):
        do("erp", "proposal.approve", str(asked["proposal_id"]), digest=asked["digest"])
    do("approver", "proposal.approve", str(asked["proposal_id"]), digest=asked["digest"])
    do("erp", "proposal.execute", str(asked["proposal_id"]))
    assert states(version) == ["accepted"]
    assert AuditEntry.objects.get(action="schedule.accept").approval == Proposal.objects.get().pk


@ON_ONE
def test_a_person_accepts_what_software_proposed_in_one_step() -> None:
    orders("PO-1")
    assert accept(propose(entry("PO-1.10", M1, 1), by="erp")).ended_by_id == "planner"


@ON_ONE
def test_programs_decide_only_about_their_own_proposals() -> None:
    orders("PO-1")
    version = propose(entry("PO-1.10", M1, 1))
    with pytest.raises(Refusal, match="agent may take back only its own"):
        do("agent", "schedule.reject", version.pk, reason="mine is better")
    do("planner", "schedule.reject", version.pk, reason="no")
    own = propose(entry("PO-1.10", M1, 1), by="agent")
    do("agent", "schedule.reject", own.pk, reason="found a better one")
    assert states(own) == ["rejected"]


@ON_ONE
def test_a_kill_switch_takes_an_agents_open_proposal_along() -> None:
    orders("PO-1")
    for scope in ("global", "agent:agent", "capability:schedule.create"):
        version = propose(entry("PO-1.10", M1, 1), by="agent")
        do("operator", "kill_switch.create", scope=scope, reason="it dreams")
        assert states(version) == ["rejected"]
        do("engineer", "kill_switch.release", scope, reason="it is awake")
    do("operator", "kill_switch.create", scope="agent:agent", reason="again")
    with pytest.raises(Refusal, match="is stopped by the kill switch agent:agent"):
        propose(entry("PO-1.10", M1, 1), by="agent")


@ON_ONE
def test_a_proposal_from_before_another_schedule_is_refused() -> None:
    orders("PO-1", "PO-2")
    first = accept(propose(entry("PO-1.10", M1, 1)))
    with pytest.raises(Refusal, match=r"the current schedule of line L1 is L1\.1, not L1\.7"):
        propose(entry("PO-2.10", M1, 3), based_on_id="L1.7")
    assert propose(entry("PO-2.10", M1, 3), based_on_id=first.pk).based_on_id == first.pk


@ON_BOTH
def test_another_operation_than_the_next_takes_a_reason_and_is_written_down() -> None:
    orders("PO-1", "PO-2", "PO-3")
    version = accept(propose(entry("PO-2.10", M1, 1), entry("PO-1.10", M1, 2)))
    with pytest.raises(Refusal, match=r"PO-2\.10 is next at L1-M1; start that one, or give the reason why PO-1\.10 goes first"):
        do("operator", "operation.start", "PO-1.10")
    assert Operation.objects.get(pk="PO-1.10").state == "ready"
    do("operator", "operation.start", "PO-3.10", reason="the customer waits at the gate")
    found = ScheduleDeviation.objects.get()
    assert (found.planned_id, found.started_id, found.person_id, found.schedule_id) == ("PO-2.10", "PO-3.10", "operator", version.pk)
    assert found.reason == "the customer waits at the gate"
    do("operator", "operation.complete", "PO-3.10")
    do("erp", "operation.start", "PO-1.10", approval="told")
    assert ScheduleDeviation.objects.latest("pk").reason == "told by erp without a reason"
    do("operator", "operation.complete", "PO-1.10")
    do("operator", "operation.start", "PO-2.10")
    assert ScheduleDeviation.objects.count() == 2


@ON_ONE
def test_an_operation_that_cannot_be_started_is_not_waited_for() -> None:
    orders("PO-1", "PO-2")
    accept(propose(entry("PO-2.10", M1, 1), entry("PO-1.10", M1, 2)))
    do("planner", "order.hold", "PO-2", reason="steel")
    do("operator", "operation.start", "PO-1.10")
    assert not ScheduleDeviation.objects.exists()


@ON_ONE
def test_schedules_are_read_and_proposed_over_the_api() -> None:
    from record_plant import person

    person("factoplan", Role.PLANNER, "acme/bremen/assembly/L1", ActorKind.SERVICE)
    orders("PO-1")
    body = {"line_id": LINE, "entries": [entry("PO-1.10", M1, 1, why="due first")], "reason": "less setup"}
    made = Api("factoplan").post("/schedules", body)
    assert made.status_code == 201
    key = made.json()["schedule_id"]
    rows = list(Api("viewer").all(f"/schedule-entries?schedule_id={key}"))
    assert [(row["operation_id"], row["sequence"], row["why"]) for row in rows] == [("PO-1.10", 1, "due first")]
    assert Api("operator").post(f"/schedules/{key}/accept", {"digest": made.json()["digest"]}).status_code == 403
    assert Api("approver").post(f"/schedules/{key}/accept", {"digest": made.json()["digest"]}).status_code == 200
    assert ScheduleEntry.objects.get().state == "accepted"


@ON_BOTH
def test_work_on_a_suspended_operation_since_makes_its_proposal_stale() -> None:
    orders("PO-1")
    do("operator", "operation.start", "PO-1.10")
    do("operator", "operation.suspend", "PO-1.10")
    untouched = accept(propose(entry("PO-1.10", M1, 5, 2)))
    assert untouched.state == "accepted"
    version = propose(entry("PO-1.10", M1, 8, 2))
    do("operator", "operation.start", "PO-1.10")
    do("operator", "operation.report", "PO-1.10", good=90)
    do("operator", "operation.suspend", "PO-1.10")
    with pytest.raises(Refusal, match=r"operation PO-1\.10 was suspended when it was proposed, and was worked on or changed since"):
        accept(version)
    assert states(version) == ["stale"]
