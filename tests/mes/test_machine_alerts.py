"""Alerts of machines come from the lake through the real sync: told, proposed for, judged; the lake never changes what a person said."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from approving import approve
from machine_alerts import RAISED, alert_row, machine_alert
from mes_rows import put
from record_plant import M1, M2, M3, Api, at_once_before_any_commits, do

from factolake.contracts.gold_alerts import ALERTS
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.mes.alerts.actions.watching import turn as watch
from factolake.mes.alerts.models import Alert
from factolake.mes.approvals.models import Proposal
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.refusals import Conflict, Invalid, NotAllowed
from factolake.mes.maintenance.models import MaintenanceRequest
from factolake.mes.people.models import Person
from factolake.mes.signals.budget import mondays, weeks_of
from factolake.mes.signals.models import MachineAlert
from factolake.mes.signals.takeover import lake_alert, plan
from factolake.mes.signals.takeover_run import PROPOSER, turn
from factolake.mes.sync.run import Sync

NOW = RAISED + timedelta(minutes=1)
ONE_TURN = """
import sys
from datetime import datetime
from pathlib import Path
from factolake.config.settings import MesSettings, Settings
from factolake.mes.project.configure import start
start(Settings(home=Path(sys.argv[1]), mes=MesSettings(url=sys.argv[2])))
from factolake.mes.signals.takeover_run import turn
turn(datetime.fromisoformat(sys.argv[3]))
"""
Row = dict[str, object]
Tell = Callable[..., bool]


@pytest.fixture
def tell(record: str, tmp_path: Path) -> Iterator[Tell]:
    """Let the lake hold exactly these alerts, sync, and take them over."""
    lake, clock = Lake(tmp_path / "lake"), ManualClock(NOW)
    sync = Sync(lake, record, clock)

    def now(*rows: Row) -> bool:
        put(lake, ALERTS, list(rows), "alert_id is not null")
        sync.step()
        clock.advance(5)
        return turn(clock.now())

    lake.ensure(ALERTS)
    yield now
    sync.close()


def the_alert(machine: str = M1) -> MachineAlert:
    return MachineAlert.objects.get(equipment_id=machine)


def told() -> list[tuple[str, str, str]]:
    """Kind, state and what it is about of every alert that people were told of machines."""
    return list(Alert.objects.filter(kind="machine_unusual").order_by("pk").values_list("kind", "state", "about"))


def proposals() -> list[tuple[str, str]]:
    return list(Proposal.objects.order_by("requested_ts", "pk").values_list("action", "state"))


def test_an_alert_of_the_lake_is_in_the_record_told_to_maintenance_and_proposed_for_once(tell: Tell) -> None:
    assert tell(alert_row(M1), alert_row("elsewhere"))
    one = the_alert()
    assert (one.severity, one.state, one.first_signal, one.verdict) == ("medium", "open", "spindle_current", "")
    (raised,) = Alert.objects.filter(kind="machine_unusual")
    assert (raised.text, raised.about) == (f"{M1}: unusual behaviour, spindle current above usual", f"machine_alert {one.pk}")
    assert list(raised.notices.values_list("person_id", flat=True)) == ["maintenance"]
    (proposed,) = Proposal.objects.all()
    assert one.proposal_id == proposed.pk
    assert (proposed.action, proposed.requested_by_id, proposed.place) == ("maintenance_request.create", PROPOSER, one.place)
    evidence = json.loads(proposed.evidence)
    assert evidence["signals"].startswith("spindle current 14.25 A, usually 8 to 11.5 (62% of it)")
    assert "cause: spindle bearing dry, fixed by: bearing greased" in evidence["similar"]
    assert json.loads(proposed.payload)["description"].startswith(raised.text)
    before = AuditEntry.objects.count()
    assert not turn(NOW + timedelta(hours=1))
    assert AuditEntry.objects.count() == before


def test_one_of_low_severity_is_told_and_not_proposed_for_until_it_worsens(tell: Tell) -> None:
    tell(alert_row(M1, severity="low"))
    assert (len(told()), proposals()) == (1, [])
    tell({**alert_row(M1, severity="low"), "severity": "high", "strength": 5.0})
    assert (len(told()), proposals()) == (1, [("maintenance_request.create", "pending")])
    assert the_alert().severity == "high"


def test_a_restated_row_changes_the_alert_and_never_the_verdict(tell: Tell) -> None:
    tell(alert_row(M1))
    do("maintenance", "machine_alert.judge", the_alert().pk, verdict="true", cause="belt", fix="belt replaced", minutes=12.5, reason="it slipped")
    tell({**alert_row(M1), "strength": 9.0, "text_en": "restated"})
    one = the_alert()
    assert (one.strength, one.text_en) == (9.0, "restated")
    assert (one.verdict, one.verdict_reason, one.cause, one.fix, one.minutes) == ("true", "it slipped", "belt", "belt replaced", 12.5)
    assert (one.judged_by_id, one.judged_ts is not None) == ("maintenance", True)


@pytest.mark.parametrize("state", ["closed", "withdrawn"])
def test_what_is_over_or_taken_back_closes_its_alert_and_cancels_its_proposal(tell: Tell, state: str) -> None:
    tell(alert_row(M1))
    tell(alert_row(M1, state))
    assert told() == [("machine_unusual", "closed", f"machine_alert {the_alert().pk}")]
    assert Alert.objects.get(kind="machine_unusual").done == f"the alert of the machine is {state}"
    assert proposals() == [("maintenance_request.create", "cancelled")]
    tell(alert_row(M1))
    assert [each[1] for each in told()] == ["closed", "open"], "the lake opened it anew"
    assert len(proposals()) == 1, "once an alert"


def test_a_false_alarm_closes_its_alert_and_a_changed_mind_opens_it_anew(tell: Tell) -> None:
    tell(alert_row(M1))
    do("maintenance", "machine_alert.judge", the_alert().pk, verdict="false", reason="door was open")
    assert [each[1] for each in told()] == ["closed"]
    watch(NOW + timedelta(minutes=1))
    turn(NOW + timedelta(minutes=1))
    assert ([each[1] for each in told()], proposals()[0][1]) == (["closed"], "cancelled")
    do("maintenance", "machine_alert.judge", the_alert().pk, verdict="true")
    watch(NOW + timedelta(minutes=2))
    assert [each[1] for each in told()] == ["closed", "open"]


def test_the_watch_raises_what_nobody_told_and_people_cannot_close_it(record: str) -> None:
    machine_alert(M1).save(force_insert=True)
    watch(NOW)
    (raised,) = Alert.objects.filter(kind="machine_unusual")
    watch(NOW + timedelta(seconds=5))
    assert len(told()) == 1
    do("maintenance", "alert.acknowledge", str(raised.pk))
    with pytest.raises(Conflict, match="closes by itself"):
        do("maintenance", "alert.close", str(raised.pk), done="looked")


def test_an_open_alert_that_the_lake_no_longer_has_is_withdrawn_and_one_that_is_over_stays(tell: Tell) -> None:
    tell(alert_row(M1), alert_row(M2, "closed"))
    tell()
    assert (the_alert(M1).state, the_alert(M2).state) == ("withdrawn", "closed")


def test_a_row_that_the_record_has_no_place_for_keeps_no_other(tell: Tell) -> None:
    tell({**alert_row(M1), "alert_id": "x" * 17}, alert_row(M2))
    assert [row.equipment_id for row in MachineAlert.objects.all()] == [M2]


def test_evidence_that_cannot_be_read_is_proposed_without(tell: Tell) -> None:
    tell({**alert_row(M1), "alert_json": '{"alert_id": [[['})
    assert sorted(json.loads(Proposal.objects.get().evidence)) == ["machine_alert", "severity", "strength", "unusual_since"]


def test_an_approved_proposal_is_executed_as_a_request_and_nobody_asks_again(tell: Tell) -> None:
    tell(alert_row(M1))
    proposed = Proposal.objects.get()
    at = NOW + timedelta(minutes=5)
    approve("maintenance", {"proposal_id": proposed.pk, "digest": proposed.digest}, at=at)
    do("maintenance", "proposal.execute", proposed.pk, at=at)
    (asked,) = MaintenanceRequest.objects.all()
    assert (asked.equipment_id, asked.description.partition("\n")[0]) == (M1, f"{M1}: unusual behaviour, spindle current above usual")
    with pytest.raises(Conflict, match=f"was asked for already because of machine_alert {the_alert().pk}: request {asked.pk}, which is open"):
        do("operator", "machine_alert.request_maintenance", the_alert().pk)


def test_a_disabled_service_proposes_nothing_that_could_happen(tell: Tell) -> None:
    tell(alert_row(M1))
    proposed = Proposal.objects.get()
    do("admin", "person.disable", PROPOSER)
    approve("maintenance", {"proposal_id": proposed.pk, "digest": proposed.digest}, at=NOW + timedelta(minutes=5))
    with pytest.raises(NotAllowed, match="who may not act any more"):
        do("maintenance", "proposal.execute", proposed.pk, at=NOW + timedelta(minutes=5))


def test_one_click_asks_for_maintenance_once_and_the_proposal_is_taken_back(tell: Tell) -> None:
    tell(alert_row(M1))
    answer = do("operator", "machine_alert.request_maintenance", the_alert().pk)
    asked = MaintenanceRequest.objects.get()
    assert (answer["request_id"], asked.requested_by_id, "Check first: grease" in asked.description) == (asked.pk, "operator", True)
    assert Alert.objects.filter(kind="help").count() == 1
    turn(NOW + timedelta(minutes=1))
    assert proposals() == [("maintenance_request.create", "cancelled")]
    with pytest.raises(Conflict, match="was asked for already"):
        do("maintenance", "machine_alert.request_maintenance", the_alert().pk)


@pytest.mark.parametrize("point", ["signals.taken", "signals.proposed", "signals.proposed:2"])
def test_killed_anywhere_each_alert_is_told_and_proposed_for_once(sqlite_record: str, tmp_path: Path, point: str) -> None:
    lake = Lake(tmp_path / "lake")
    put(lake, ALERTS, [alert_row(M1), alert_row(M2)])
    Sync(lake, sqlite_record, ManualClock(NOW)).step()
    run = [sys.executable, "-c", ONE_TURN, str(tmp_path), sqlite_record, NOW.isoformat()]
    assert subprocess.run(run, env={**os.environ, "FACTOLAKE_CRASH": point}, timeout=240, check=False).returncode == -signal.SIGKILL
    for minute in (1, 2):
        turn(NOW + timedelta(minutes=minute))
    assert [each[1] for each in told()] == ["open", "open"]
    assert proposals() == [("maintenance_request.create", "pending")] * 2


@pytest.mark.parametrize("record", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_two_clicks_at_once_are_one_request(record: str) -> None:
    one = machine_alert(M1)
    one.save(force_insert=True)

    def ask(who: str) -> str:
        try:
            do(who, "machine_alert.request_maintenance", one.pk)
        except Conflict:
            return "refused"
        return "done"

    assert sorted(at_once_before_any_commits([lambda: ask("operator"), lambda: ask("maintenance")])) == ["done", "refused"]
    assert MaintenanceRequest.objects.count() == 1


def test_a_kill_switch_keeps_proposals_and_neither_alerts_nor_what_comes_after_it(tell: Tell) -> None:
    do("engineer", "kill_switch.create", scope="capability:machine_alert.propose_maintenance", reason="tried")
    tell(alert_row(M1))
    assert (len(told()), proposals()) == (1, [])
    do("engineer", "kill_switch.release", "capability:machine_alert.propose_maintenance", reason="tried")
    turn(NOW + timedelta(minutes=1))
    assert proposals() == [("maintenance_request.create", "pending")]


def test_only_people_judge_and_they_say_it_in_words(tell: Tell) -> None:
    tell(alert_row(M1))
    Person.objects.filter(pk="agent").update(is_active=True)
    with pytest.raises(NotAllowed, match=r"only people may machine_alert\.judge"):
        do("agent", "machine_alert.judge", the_alert().pk, verdict="true")
    with pytest.raises(Invalid, match="cause has no letter or digit in it"):
        do("maintenance", "machine_alert.judge", the_alert().pk, verdict="true", cause="--")
    said = do("maintenance", "machine_alert.judge", the_alert().pk, verdict="true", cause=" belt\nworn ")
    assert said["cause"] == "belt worn"


def test_alerts_are_read_over_the_api_and_judged_there(tell: Tell) -> None:
    tell(alert_row(M1), alert_row(M2))
    assert [row["severity"] for row in Api("viewer").all(f"/machine-alerts?equipment_id={M1}")] == ["medium"]
    key = the_alert().pk
    assert Api("viewer").post(f"/machine-alerts/{key}/judge", {"verdict": "true"}).status_code == 403
    assert Api("operator").post(f"/machine-alerts/{key}/judge", {"verdict": "maybe"}).status_code == 422
    assert Api("operator").post(f"/machine-alerts/{key}/judge", {"verdict": "true", "minutes": 3}).json()["verdict"] == "true"
    last = AuditEntry.objects.order_by("-number").first()
    assert last is not None
    assert (last.actor, last.action) == ("operator", "machine_alert.judge")


def test_nothing_is_taken_while_the_sync_has_not_run(record: str) -> None:
    assert not turn(NOW)


def test_what_the_lake_says_again_is_no_news() -> None:
    told_again = lake_alert({**alert_row(M1), "lake_version": 7})
    held = machine_alert(M1, lake_version=1)
    assert plan([told_again], {held.pk: held}).changed == []


def test_a_weeks_alerts_are_counted_without_those_taken_back() -> None:
    begins = mondays(RAISED + timedelta(days=2))
    assert begins[0] == RAISED.replace(hour=0)
    rows = [machine_alert(M3, "closed", raised=RAISED + timedelta(hours=n)) for n in range(3)]
    rows += [machine_alert(M3, "withdrawn"), machine_alert(M3, "closed", raised=RAISED - timedelta(days=1), verdict="false")]
    rows.append(machine_alert(M3, "closed", raised=RAISED - timedelta(weeks=4)))
    (found,) = weeks_of(rows, begins, budget=2)
    assert [(week.used, week.is_over) for week in found.weeks] == [(3, True), (1, False), (0, False), (0, False)]
    assert (found.right, found.false) == (0, 1)
