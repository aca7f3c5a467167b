"""What FactoMES itself does about alerts as time goes by: looks what is due, and tells the next steps. People and programs need neither."""

from datetime import datetime

import structlog

from factolake.domain.action import Effect, Role
from factolake.mes.alerts.kinds import next_step_ts
from factolake.mes.alerts.models import Alert, AlertState
from factolake.mes.alerts.raising import take
from factolake.mes.alerts.rules import Rules
from factolake.mes.alerts.telling import told_as
from factolake.mes.alerts.watch import findings
from factolake.mes.core.action import ACTIONS, At, Form, Request, action, perform
from factolake.mes.core.call import Call, locked
from factolake.mes.core.refusals import Refusal, Stale
from factolake.mes.people.models import Person
from factolake.mes.people.rights import Rights
from factolake.mes.people.services import act, service

WATCHER = "alerts"
"""Id of the service that watches; it may not sign in."""
_BATCH = 200
_log = structlog.get_logger(__name__)


@action("alert_watch.create", At(), {Role.ENGINEER}, Effect.PRODUCTION, by_owner=True)
def watch(call: Call, _: None, __: Form) -> Person:
    """Look now for what time has made an alert or ended; it is done every few seconds by itself."""
    take(call, findings(call.at_ts))
    rules = Rules()
    for seen in _too_far(rules, call.at_ts):
        alert = locked(Alert, seen.pk)
        if alert is None or alert.state != AlertState.OPEN.value or alert.next_ts is None:
            continue  # somebody was faster
        call.change(alert, next_ts=next_step_ts(alert.next_ts, rules.at(told_as(alert), alert.place_path).wait, call.at_ts))
    return call.actor


def turn(now: datetime) -> int:
    """Tell the steps that are due, each once, then raise and close what time has; returns how many steps were told.

    In this order: a watch that fails keeps no danger from being told on.
    """
    due = Alert.objects.filter(state=AlertState.OPEN.value, next_ts__lte=now).order_by("next_ts", "pk")[:_BATCH]
    told = sum(_escalate(alert, now) for alert in due)
    if findings(now) or _too_far(Rules(), now):
        act(service(WATCHER, "Alerts", now), Role.ENGINEER, "alert_watch.create", "", now)
    return told


def _escalate(alert: Alert, now: datetime) -> bool:
    """Tell the next step of the alert as it was read: one that has changed since is looked at in the next turn."""
    watcher, wanted = service(WATCHER, "Alerts", now), ACTIONS["alert.escalate"]
    request = Request(wanted, str(alert.pk), wanted.form(), expected_version=alert.version)
    try:
        perform(Call(watcher, now, "job"), request, Rights(frozenset({(Role.ENGINEER, "")})))
    except Stale:
        return False
    except Refusal as refusal:  # told in the log, so that one alert does not keep the others
        _log.warning("alert not told on", alert=alert.pk, cause=str(refusal))
        return False
    return True


def _too_far(rules: Rules, now: datetime) -> list[Alert]:
    """Open alerts whose next step is further off than a step waits: the clock was set back, or a rule made the wait shorter."""
    ahead = Alert.objects.filter(state=AlertState.OPEN.value, next_ts__gt=now)
    return [alert for alert in ahead if alert.next_ts and alert.next_ts > now + rules.at(told_as(alert), alert.place_path).wait]
