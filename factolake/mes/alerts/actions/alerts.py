"""Alerts: raised by anybody, acknowledged by who looks after it, told on, closed with what was done."""

import hashlib

from factolake.domain.action import Effect, Role
from factolake.mes.alerts.causes import Cause
from factolake.mes.alerts.forms import AlertForm, DoneForm
from factolake.mes.alerts.kinds import KINDS, AlertKind
from factolake.mes.alerts.models import Alert, AlertState
from factolake.mes.alerts.raising import BY_HAND, acknowledge, close, take
from factolake.mes.alerts.rules import Rules
from factolake.mes.alerts.telling import has_next, tell_next
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Conflict, NotAllowed
from factolake.mes.equipment.models import Equipment

ANYBODY = set(Role)
SHOP = set(Role) - {Role.VIEWER}


@action("alert.create", At("equipment_id", Equipment), ANYBODY, Effect.REVERSIBLE, AlertForm)
def raise_alert(call: Call, equipment: Equipment, form: AlertForm) -> Alert:
    """Report a danger for people, or tell something to everybody on shift at the line. The same again is counted."""
    said = " ".join(form.text.split())
    if form.danger is not None:
        words = form.danger.value.replace("_", " ").capitalize()
        text = f"{words} at {equipment.name} ({equipment.equipment_id})" + (f": {said}" if said else "")
        cause = Cause(AlertKind.SAFETY, f"{equipment.equipment_id}:{form.danger.value}", equipment.path, text, danger=form.danger)
    else:
        digest = hashlib.sha256(said.encode()).hexdigest()[:16]
        cause = Cause(AlertKind.MESSAGE, f"{equipment.equipment_id}:{digest}", equipment.path, f"{equipment.equipment_id}: {said}")
    raised = take(call, [cause])
    if not raised:
        raise Conflict(f"alerts of kind {cause.kind.value} are switched off at {equipment.equipment_id}; an engineer switches them on (alert_rule)")
    return raised[0]


@action("alert.acknowledge", On(Alert), SHOP, Effect.REVERSIBLE, people_only=True)
def acknowledge_alert(call: Call, alert: Alert, _: Form) -> Alert:
    """You look after it: nobody else is told. What you raised yourself somebody else acknowledges."""
    if AlertKind(alert.kind) in BY_HAND and alert.raised_by.human_id == call.actor.human_id:
        raise Conflict(f"alert {alert.pk} is of {alert.raised_by_id}, who raised it; somebody else acknowledges it")
    return acknowledge(call, alert)


@action("alert.escalate", On(Alert), SHOP, Effect.REVERSIBLE)
def escalate(call: Call, alert: Alert, _: Form) -> Alert:
    """Tell the next step now: the next roles, a wider place. It happens by itself when nobody acknowledges in time."""
    if alert.state != AlertState.OPEN.value or alert.part_of_id is not None:
        raise Conflict(f"alert {alert.pk} is {alert.state if alert.part_of_id is None else 'part of a storm'}; only an open one is told on")
    if not has_next(alert):
        raise Conflict(f"alert {alert.pk} was told in all {alert.step + 1} steps; call somebody")
    return tell_next(call, alert, Rules())


@action("alert.close", On(Alert), SHOP, Effect.REVERSIBLE, DoneForm, people_only=True)
def close_alert(call: Call, alert: Alert, form: DoneForm) -> Alert:
    """It is dealt with. A safety alert is closed by quality, never by who reported it; one that time raised closes by itself."""
    if alert.kind == AlertKind.SAFETY.value:
        if alert.raised_by.human_id == call.actor.human_id:
            raise Conflict(f"alert {alert.pk} was reported by {alert.raised_by_id}; somebody else closes it")
        if not call.rights.holds({Role.QUALITY}, alert.place_path):
            raise NotAllowed(f"{call.actor.person_id} may not close safety alert {alert.pk}: it takes the role quality at {alert.place_path}")
    if KINDS[AlertKind(alert.kind)].is_watched:
        raise Conflict(f"alert {alert.pk} closes by itself when what it tells of is over; acknowledge it until then")
    return close(call, alert, form.done)
