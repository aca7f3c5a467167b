"""One turn of the takeover: what is new in `lake_alert` since the last turn, as one action of the service `lake`; then what it leads to.

Proposals are made by the service `signals`, one action an alert: whatever keeps one of them keeps neither the others nor the alerts.
"""

from collections.abc import Iterator
from datetime import datetime

import structlog

from factolake.crash import crash_point
from factolake.domain.action import Effect, Role
from factolake.mes.approvals.models import OPEN_STATES
from factolake.mes.core.action import At, Form, action
from factolake.mes.core.call import Call
from factolake.mes.core.lake import rows
from factolake.mes.core.refusals import Refusal
from factolake.mes.downtime.models import TakenFrom
from factolake.mes.downtime.takeover_run import LAKE
from factolake.mes.downtime.taking import Feed
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.models import Person
from factolake.mes.people.services import act, service
from factolake.mes.signals.actions import GRAVE
from factolake.mes.signals.models import MachineAlert, MachineAlertState, standing
from factolake.mes.signals.takeover import COLUMNS, LakeAlert, lake_alert, new_alert, plan

TABLE = "lake_alert"
FEED = Feed(TABLE, "gold.alerts")
PROPOSER = "signals"
"""Id of the service that proposes maintenance; it may not sign in, and an administrator may disable it."""
_AT_ONCE = 500
_log = structlog.get_logger(__name__)
_told: set[str] = set()
"""Alerts that could not be proposed for: told in the log once, and tried again."""


@action("machine_alert_takeover.create", At(), {Role.ENGINEER}, Effect.PRODUCTION, by_owner=True)
def take_alerts(call: Call, _: None, __: Form) -> TakenFrom:
    """Take what the lake says of machine alerts into the record now; it is done every few seconds by itself."""
    mark, now_at = FEED.mark(call), FEED.at()
    if now_at is None:
        return mark
    history, version = now_at
    told = list(_told_since(mark.since(history)))
    wanted = plan(told, _held([one.alert_id for one in told]), _gone())
    for one in wanted.made:
        call.create(new_alert(one))
    for row, values in wanted.changed:
        call.change(row, **values)
    mark.move(history, version)
    return mark


def turn(now: datetime) -> bool:
    """Take what is new, as the service `lake`, then propose maintenance and take back proposals; returns whether anything was done."""
    is_news = FEED.has_news()
    if is_news:
        act(service(LAKE, "The lake", now), Role.ENGINEER, "machine_alert_takeover.create", "", now, "sync")
        crash_point("signals.taken")
    return _propose(now) + _take_back(now) > 0 or is_news


def _propose(now: datetime) -> int:
    """Propose maintenance for every grave alert that stands and has neither a proposal nor a request; returns how many."""
    waiting = standing().filter(severity__in=GRAVE, proposal=None, request=None).order_by("raised_ts", "pk").values_list("pk", flat=True)
    return sum(_done("machine_alert.propose_maintenance", key, now) for key in list(waiting))


def _take_back(now: datetime) -> int:
    """Cancel the proposals that wait and are no longer needed: the alert is over, was false, or somebody has asked; returns how many."""
    mine = MachineAlert.objects.filter(proposal__state__in=OPEN_STATES, proposal__expires_ts__gt=now)
    over = mine.exclude(pk__in=standing().filter(request=None).values("pk")).select_related("proposal")
    return sum(_done("proposal.cancel", alert.proposal_id, now, reason=_why(alert)) for alert in over)


def _why(alert: MachineAlert) -> str:
    if alert.state != MachineAlertState.OPEN.value:
        return f"alert {alert.pk} is {alert.state}"
    return f"maintenance was asked for because of alert {alert.pk}" if alert.request_id is not None else f"alert {alert.pk} was a false alarm"


def _done(action_name: str, key: str, now: datetime, **payload: str) -> bool:
    """Whether it is done; a refusal, as of a kill switch or of too many proposals that wait, is told once and tried again in the next turn."""
    try:
        act(_proposer(now), Role.ENGINEER, action_name, key, now, **payload)
    except Refusal as refusal:
        if key not in _told:
            _told.add(key)
            _log.warning("not done for a machine alert", action=action_name, key=key, cause=str(refusal))
        return False
    crash_point("signals.proposed")
    return True


def _proposer(now: datetime) -> Person:
    return service(PROPOSER, "Signals of machines", now, proposes=True)


def _told_since(version: int) -> Iterator[LakeAlert]:
    """The lake's alerts of newer versions, of machines that the record knows, oldest first."""
    known = set(Equipment.objects.values_list("equipment_id", flat=True))
    for row in rows(f"SELECT {COLUMNS} FROM {TABLE} WHERE lake_version > %s ORDER BY raised_ts, alert_id", [version]):
        if row["machine"] not in known:
            continue
        try:
            yield lake_alert(row)
        except ValueError as error:
            _log.warning("alert of the lake cannot be taken", machine=row["machine"], cause=str(error))


def _held(keys: list[str]) -> dict[str, MachineAlert]:
    held: dict[str, MachineAlert] = {}
    for start in range(0, len(keys), _AT_ONCE):
        held |= {row.pk: row for row in MachineAlert.objects.select_for_update().filter(pk__in=keys[start : start + _AT_ONCE]).order_by("pk")}
    return held


def _gone() -> list[MachineAlert]:
    """Open alerts of the record that the lake no longer has: it was set back, or made anew."""
    held = list(MachineAlert.objects.filter(state=MachineAlertState.OPEN.value).order_by("pk").values_list("pk", flat=True))
    gone = set(held)
    for start in range(0, len(held), _AT_ONCE):
        some = held[start : start + _AT_ONCE]
        gone -= {row["alert_id"] for row in rows(f"SELECT alert_id FROM {TABLE} WHERE alert_id IN ({', '.join(['%s'] * len(some))})", some)}
    return list(MachineAlert.objects.select_for_update().filter(pk__in=gone).order_by("pk"))
