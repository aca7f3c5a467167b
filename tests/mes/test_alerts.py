"""Alerts: raised by what happens and by time, told to who is on shift, escalated once a step, counted, summed up in a storm, and closed."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from record_plant import LINE, LINE_PATH, M1, M3, NOW, at_once_before_any_commits, do, order, person

from factolake.domain.action import ActorKind, Role
from factolake.mes.alerts.actions.watching import turn
from factolake.mes.alerts.inbox import Bell, count_of
from factolake.mes.alerts.kinds import STORM_AFTER
from factolake.mes.alerts.models import Alert, AlertEvent, AlertNotice
from factolake.mes.audit.models import AuditEntry
from factolake.mes.downtime.models import Stop
from factolake.mes.maintenance.models import MaintenanceRequest

on_both = pytest.mark.usefixtures("record")
on_sqlite = pytest.mark.usefixtures("sqlite_record")  # what no database can change
DAY = NOW + timedelta(days=1)
MINUTE = timedelta(minutes=1)


def on_shift(person_id: str, role: str, equipment: str = LINE) -> None:
    do("planner", "shift_assignment.create", person_id=person_id, equipment_id=equipment, role=role, from_ts=DAY, to_ts=DAY + timedelta(hours=8))


def told(alert_id: Any, step: int = 0) -> list[str]:
    return sorted(AlertNotice.objects.filter(alert=alert_id, step=step).values_list("person_id", flat=True))


def the_alert(kind: str) -> Alert:
    return Alert.objects.get(kind=kind)


def danger(actor: str = "operator", equipment: str = M3, **more: Any) -> dict[str, Any]:
    return do(actor, "alert.create", equipment_id=equipment, danger="guard_open", **{"at": DAY, **more})


@on_both
def test_danger_is_told_at_once_to_everybody_on_shift_at_the_line_and_to_nobody_else() -> None:
    person("far", Role.OPERATOR, "acme/bremen/paint")
    on_shift("operator", "operator", M1)
    on_shift("maintenance", "maintenance")
    on_shift("planner", "planner", "assembly")
    alert = danger()
    assert (alert["severity"], alert["state"], alert["step"]) == ("safety", "open", 0)
    assert told(alert["id"]) == ["maintenance", "operator", "planner"]
    assert "3 told (on shift as anybody at acme/bremen/assembly/L1)" in AlertEvent.objects.get().text
    assert count_of("maintenance") == Bell(1, is_danger=True)
    assert count_of("far") == count_of("viewer") == Bell(0, is_danger=False)


@on_sqlite
def test_a_sign_on_at_a_terminal_counts_as_being_there_until_the_sign_off() -> None:
    there = do("operator", "presence.create", equipment_id=M1, at=DAY)
    assert told(danger(at=DAY + MINUTE)["id"]) == ["operator"]
    do("operator", "presence.create", equipment_id=M1, at=DAY + 2 * MINUTE)
    do("operator", "presence.end", str(there["id"]), at=DAY + 3 * MINUTE)
    second = danger(equipment=M1, at=DAY + 4 * MINUTE)
    assert "nobody is on shift" in AlertEvent.objects.get(alert=second["id"]).text
    assert set(told(second["id"])) >= {"operator", "maintenance", "quality", "viewer", "engineer"}


@on_sqlite
def test_where_nobody_has_the_role_the_next_step_is_told_at_once() -> None:
    do("admin", "person.disable", "maintenance", at=DAY)
    do("admin", "person.disable", "engineer", at=DAY)
    do("operator", "maintenance_request.create", equipment_id=M1, description="noise", at=DAY)
    alert = the_alert("help")
    assert (alert.step, told(alert.pk, 2)) == (2, ["planner"])
    assert list(AlertEvent.objects.filter(alert=alert).values_list("step", flat=True)) == [0, 1, 2]


@on_sqlite
def test_danger_is_closed_by_quality_with_what_was_done_and_never_by_who_reported_it() -> None:
    key = str(danger()["id"])
    for actor, why in (("operator", "reported by operator; somebody else closes it"), ("maintenance", "takes the role quality")):
        with pytest.raises(Exception, match=why):
            do(actor, "alert.close", key, done="nothing")
    with pytest.raises(Exception, match="somebody else acknowledges it"):
        do("operator", "alert.acknowledge", key)
    with pytest.raises(Exception, match="done: Field required"):
        do("quality", "alert.close", key)
    do("maintenance", "alert.acknowledge", key, at=DAY + MINUTE)
    closed = do("quality", "alert.close", key, done="guard screwed on again", at=DAY + 2 * MINUTE)
    assert (closed["acknowledged_by_id"], closed["closed_by_id"], closed["done"]) == ("maintenance", "quality", "guard screwed on again")
    assert [(each.what, each.person_id) for each in AlertEvent.objects.filter(alert=key)] == [
        ("told", "operator"),
        ("acknowledged", "maintenance"),
        ("closed", "quality"),
    ]
    with pytest.raises(Exception, match="is closed and cannot become acknowledged"):
        do("maintenance", "alert.acknowledge", key)
    mine = str(danger("quality", M1)["id"])
    with pytest.raises(Exception, match="reported by quality; somebody else closes it"):
        do("quality", "alert.close", mine, done="mine")
    assert do("quality2", "alert.close", mine, done="checked")["state"] == "closed"


@on_both
def test_the_same_danger_again_is_counted_and_after_its_end_it_is_a_new_alert() -> None:
    first = danger()
    again = danger("maintenance", text="still open", at=DAY + MINUTE)
    other = do("operator", "alert.create", equipment_id=M3, danger="fire_or_smoke", at=DAY)
    assert (again["id"], again["count"], other["id"] != first["id"]) == (first["id"], 2, True)
    assert AlertEvent.objects.filter(what="seen_again").get().text.endswith("still open")
    do("quality", "alert.close", str(first["id"]), done="closed the guard")
    assert danger()["id"] != first["id"]


@on_both
def test_the_same_cause_at_the_same_time_is_one_alert() -> None:
    calls = [lambda who=who: danger(who) for who in ("operator", "maintenance", "quality")]
    if connection.vendor == "sqlite":  # one writer at a time
        answers = [call() for call in calls]
    else:
        answers = at_once_before_any_commits(calls)
    assert len({answer["id"] for answer in answers}) == 1
    assert the_alert("safety").count == 3


@on_both
def test_unacknowledged_alerts_are_told_step_by_step_each_once_whatever_the_clock_does() -> None:
    do("operator", "maintenance_request.create", equipment_id=M1, description="noise", at=DAY)
    alert = the_alert("help")
    assert (told(alert.pk), alert.next_ts) == (["maintenance"], DAY + 5 * MINUTE)
    assert turn(DAY + 4 * MINUTE) == 0
    assert [turn(DAY + 5 * MINUTE), turn(DAY + 5 * MINUTE)] == [1, 0]
    assert told(alert.pk, 1) == ["engineer", "maintenance"]
    assert turn(DAY - timedelta(hours=1)) == 0  # the clock is set back: nothing is told twice, and the wait begins anew
    assert the_alert("help").next_ts == DAY - timedelta(hours=1) + 5 * MINUTE
    assert turn(DAY - timedelta(hours=1) + 5 * MINUTE) == 1
    assert turn(DAY + timedelta(days=9)) == 0
    assert (the_alert("help").step, the_alert("help").next_ts) == (2, None)
    assert list(AlertEvent.objects.filter(alert=alert).values_list("step", flat=True)) == [0, 1, 2]
    with pytest.raises(Exception, match="was told in all 3 steps"):
        do("engineer", "alert.escalate", str(alert.pk))


@on_both
def test_two_watchers_at_once_tell_a_step_once() -> None:
    do("operator", "maintenance_request.create", equipment_id=M1, description="noise", at=DAY)
    turn(DAY)
    calls = [lambda: turn(DAY + 6 * MINUTE)] * 3
    told_steps = [call() for call in calls] if connection.vendor == "sqlite" else at_once_before_any_commits(calls)
    assert sum(told_steps) == 1
    assert list(AlertEvent.objects.values_list("step", flat=True)) == [0, 1]


@on_sqlite
def test_an_acknowledged_alert_is_told_no_further() -> None:
    do("operator", "maintenance_request.create", equipment_id=M1, description="noise", at=DAY)
    do("maintenance", "alert.acknowledge", str(the_alert("help").pk), at=DAY + MINUTE)
    assert turn(DAY + timedelta(hours=2)) == 0
    assert (the_alert("help").step, count_of("maintenance").count) == (0, 0)


@on_sqlite
def test_a_call_for_help_is_acknowledged_when_it_is_accepted_and_closed_with_its_end() -> None:
    asked = str(do("operator", "maintenance_request.create", equipment_id=M1, description="noise", is_stopped=True)["id"])
    assert the_alert("help").text == "L1-M1: it stands still: noise"
    do("maintenance", "maintenance_request.accept", asked)
    assert (the_alert("help").state, the_alert("help").acknowledged_by_id) == ("acknowledged", "maintenance")
    second = str(do("operator", "maintenance_request.create", equipment_id=M1, description="smell")["id"])
    do("maintenance", "maintenance_request.reject", second, reason="oil, harmless")
    assert Alert.objects.get(about=f"maintenance_request {second}").state == "closed"
    do("engineer", "preventive_plan.create", plan_id="PM", equipment_id=M1, description="grease", every_days=1, first_due_ts=NOW)
    do("engineer", "preventive_plan.request", "PM", at=DAY)
    assert Alert.objects.count() == 2


@on_sqlite
def test_holds_quality_events_and_refused_confirmations_raise_and_end_their_alerts() -> None:
    do("planner", "material.create", material_id="STEEL")
    do("planner", "lot.create", lot_id="S-1", material_id="STEEL", quantity=1, equipment_id=LINE)
    hold = str(do("quality", "hold.create", lot_id="S-1", reason="hardness")["id"])
    assert (the_alert("hold").place_path, the_alert("hold").text) == (LINE_PATH, f"Hold {hold}: hardness")
    do("quality", "hold.release", hold, approval="p", reason="tested")
    for severity in ("minor", "critical"):
        do("operator", "quality_event.create", equipment_id=M1, kind=severity, severity=severity, source="camera")
    event = the_alert("quality_event")
    assert event.text == "L1-M1: critical, critical"
    do("quality", "quality_event.acknowledge", event.about.split()[1])
    assert set(Alert.objects.values_list("kind", "state")) == {("hold", "closed"), ("quality_event", "closed")}


@on_both
def test_rows_that_the_erp_import_could_not_take_are_one_alert_and_what_the_erp_refuses_another() -> None:
    do("planner", "erp_import.create", kind="materials", format="csv", source_system="erp", document="material_id\na/b\nc/d\nOK\n")
    assert the_alert("erp_rows").text == "2 of 3 materials rows from erp could not be taken"
    do("erp", "order.create", order_id="E-1", material_id="OK", quantity=5, line_id=LINE, approval="p1")
    from factolake.mes.production.models import Order

    Order.objects.update(source_system="erp")
    do("planner", "order.release", "E-1")
    do("operator", "operation.start", "E-1.10")
    do("operator", "operation.report", "E-1.10", good=1)
    key = str(next(each["object_id"] for each in _confirmations()))
    do("erp", "erp_confirmation.refuse", key, field="yield", message="period is closed", approval="")
    assert (the_alert("erp_refused").state, the_alert("erp_refused").place_path) == ("open", LINE_PATH)
    do("planner", "erp_confirmation.resend", key)
    assert the_alert("erp_refused").state == "closed"


def _confirmations() -> list[dict[str, Any]]:
    from factolake.mes.exchange.models import ErpConfirmation

    return [{"object_id": each.pk} for each in ErpConfirmation.objects.all()]


@on_both
def test_what_time_makes_is_raised_once_and_closes_by_itself() -> None:
    order("PO-1", due_ts=DAY)
    before = AuditEntry.objects.count()
    assert (turn(DAY), AuditEntry.objects.count()) == (0, before)
    turn(DAY + MINUTE)
    turn(DAY + 2 * MINUTE)
    late = the_alert("order_overdue")
    assert (late.count, told(late.pk), AuditEntry.objects.count()) == (1, ["planner"], before + 1)
    with pytest.raises(Exception, match="closes by itself"):
        do("planner", "alert.close", str(late.pk), done="customer knows")
    do("planner", "alert.acknowledge", str(late.pk))
    do("planner", "order.edit", "PO-1", due_ts=DAY + timedelta(days=2))
    turn(DAY + 3 * MINUTE)
    assert (the_alert("order_overdue").state, the_alert("order_overdue").closed_by_id) == ("closed", "alerts")


@on_both
def test_stops_without_a_reason_overdue_maintenance_and_gauges_are_alerts() -> None:
    begun = {"from_ts": DAY, "to_ts": DAY + 20 * MINUTE, "lake_from_ts": DAY, "lake_version": 1, "changed_ts": NOW}
    for number in (1, 2):
        Stop.objects.create(stop_id=f"s{number}", equipment_id=M1, is_open=False, machine_state="fault", asks_reason=True, **begun)
    do("engineer", "preventive_plan.create", plan_id="PM", equipment_id=M1, description="grease", every_days=1, first_due_ts=NOW)
    do("engineer", "preventive_plan.request", "PM", at=NOW + timedelta(hours=1))
    do("quality", "gauge.create", gauge_id="MIC", name="Micrometer", equipment_id=LINE, interval_days=1, due_ts=DAY)
    turn(DAY + 14 * MINUTE)
    assert set(Alert.objects.values_list("kind", flat=True)) == {"calibration_due"}
    turn(DAY + timedelta(hours=2))
    assert sorted(Alert.objects.values_list("kind", flat=True)) == ["calibration_due", "maintenance_overdue", "stop_unclassified"]
    for number in (1, 2):
        do("operator", "stop.classify", f"s{number}", reason_id="tool")
    turn(DAY + timedelta(hours=3))
    assert the_alert("stop_unclassified").state == "closed"
    assert MaintenanceRequest.objects.get().state == "open"


@on_both
def test_a_machine_that_nothing_is_known_of_is_told_to_an_engineer_until_it_is_heard_of() -> None:
    kind = "text" if connection.vendor == "sqlite" else "timestamptz"
    columns = f"machine text, state text, state_raw text, from_ts {kind}, to_ts {kind}"

    def heard(until: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM lake_machine_state")
            cursor.execute("INSERT INTO lake_machine_state VALUES (%s, 'producing', 'RUN', %s, %s)", [M1, DAY, until])

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE lake_machine_state ({columns})")
    heard(DAY + MINUTE)
    turn(DAY + 15 * MINUTE)
    assert not Alert.objects.exists()
    turn(DAY + 17 * MINUTE)
    assert told(the_alert("machine_unknown").pk) == ["engineer"]
    heard(DAY + 18 * MINUTE)
    turn(DAY + 19 * MINUTE)
    assert the_alert("machine_unknown").state == "closed"


@on_sqlite
def test_the_plants_rule_of_the_nearest_place_says_when_and_whether() -> None:
    do("engineer", "alert_rule.create", kind="help", wait_s=60)
    near = do("engineer", "alert_rule.create", kind="help", scope_id=M1, wait_s=600)
    do("engineer", "alert_rule.create", kind="order_overdue", is_on=False)
    with pytest.raises(Exception, match="never switched off"):
        do("engineer", "alert_rule.create", kind="safety", is_on=False)
    with pytest.raises(Exception, match="one with this key is there already"):
        do("engineer", "alert_rule.create", kind="help", wait_s=90)
    for machine, minutes in ((M1, 10), (M3, 1)):
        do("operator", "maintenance_request.create", equipment_id=machine, description="noise", at=DAY)
        assert Alert.objects.order_by("-pk")[0].next_ts == DAY + minutes * MINUTE
    do("engineer", "alert_rule.edit", str(near["id"]), wait_s=30)
    turn(DAY)
    assert Alert.objects.get(place_path__endswith=M1).next_ts == DAY + timedelta(seconds=30)
    order("PO-1", due_ts=NOW)
    turn(DAY)
    assert not Alert.objects.filter(kind="order_overdue").exists()


@on_both
def test_a_storm_is_one_alert_that_counts_and_each_cause_is_kept() -> None:
    do("planner", "material.create", material_id="G")
    on_shift("quality", "quality")
    person("camera", Role.QUALITY, LINE_PATH, ActorKind.SERVICE)
    for number in range(STORM_AFTER + 8):
        event = {"equipment_id": M1, "kind": f"crack_{number}", "severity": "critical", "source": "camera"}
        do("camera", "quality_event.create", at=DAY + timedelta(seconds=number), **event)
    storm = the_alert("storm")
    assert (storm.count, storm.severity, storm.place_path) == (8, "urgent", LINE_PATH)
    assert AlertNotice.objects.filter(person="quality").count() == STORM_AFTER + 1
    assert Alert.objects.filter(kind="quality_event", part_of=storm).count() == storm.count
    assert count_of("quality").count == STORM_AFTER + 1
    assert turn(DAY + 9 * MINUTE) == 0
    assert turn(DAY + 11 * MINUTE) == STORM_AFTER + 1  # the parts of the storm are told on by it alone
    do("quality", "alert.close", str(storm.pk), done="lamp replaced")
    assert not Alert.objects.filter(part_of=storm).exclude(state="closed").exists()
    do("camera", "quality_event.create", at=DAY + 12 * MINUTE, equipment_id=M1, kind="crack", severity="critical", source="camera")
    assert Alert.objects.order_by("-pk")[0].part_of is None


@on_sqlite
def test_forty_overdue_orders_at_once_are_a_storm_and_none_is_raised_twice() -> None:
    do("planner", "material.create", material_id="G")
    for number in range(STORM_AFTER + 5):
        do("planner", "order.create", order_id=f"PO-{number:02}", material_id="G", quantity=1, line_id=LINE, due_ts=DAY)
    turn(DAY + MINUTE)
    turn(DAY + 2 * MINUTE)
    storm = the_alert("storm")
    assert (storm.count, Alert.objects.count()) == (5, STORM_AFTER + 6)
    do("engineer", "alert.close", str(storm.pk), done="planner works on it", at=DAY + 3 * MINUTE)
    turn(DAY + 4 * MINUTE)
    assert set(Alert.objects.filter(part_of=storm).values_list("state", flat=True)) == {"acknowledged"}
    assert Alert.objects.count() == STORM_AFTER + 6


@on_sqlite
def test_a_message_reaches_the_line_and_what_is_said_twice_is_counted() -> None:
    on_shift("operator", "operator")
    sent = do("planner", "alert.create", equipment_id=LINE, kind="message", text="meeting\nat noon", at=DAY)
    assert (sent["text"], told(sent["id"])) == ("L1: meeting at noon", ["operator"])
    assert do("planner", "alert.create", equipment_id=LINE, kind="message", text="meeting at noon", at=DAY)["count"] == 2
    with pytest.raises(Exception, match="a message takes text"):
        do("planner", "alert.create", equipment_id=LINE, kind="message")


@on_both
def test_what_is_recorded_is_told_in_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("factolake.mes.alerts.telling.holders", full)
    with pytest.raises(OSError, match="disk full"):
        do("operator", "maintenance_request.create", equipment_id=M1, description="noise")
    assert (MaintenanceRequest.objects.count(), Alert.objects.count(), AlertNotice.objects.count()) == (0, 0, 0)
