"""Quality events: raised by models, cameras, machines and people, acknowledged by people."""

import json

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call, find
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.actions.lots import moment
from factolake.mes.production.models import Lot
from factolake.mes.quality.forms import EventForm
from factolake.mes.quality.models import EventState, QualityEvent
from factolake.mes.quality.models.event import EVENT_STATES

SHOP = {Role.OPERATOR, Role.QUALITY, Role.ENGINEER, Role.MAINTENANCE, Role.PLANNER}


@action("quality_event.create", At("equipment_id", Equipment), SHOP, Effect.REVERSIBLE, EventForm)
def raise_event(call: Call, equipment: Equipment, form: EventForm) -> QualityEvent:
    """Tell what was seen; the same source and key twice is one event."""
    if form.source_key:
        known = QualityEvent.objects.filter(source=form.source, source_key=form.source_key).first()
        if known is not None:
            return known
    event = QualityEvent(kind=form.kind, equipment=equipment, severity=form.severity.value, text=form.text, at_ts=moment(call, form.at_ts))
    event.lot = find(Lot, lot_id=form.lot_id) if form.lot_id else None
    event.evidence = json.dumps(form.evidence, sort_keys=True)
    event.source, event.source_key = form.source, form.source_key
    return call.create(event)


@action("quality_event.acknowledge", On(QualityEvent), SHOP, Effect.REVERSIBLE, people_only=True)
def acknowledge_event(call: Call, event: QualityEvent, _: Form) -> QualityEvent:
    """Somebody has seen it and looks after it."""
    EVENT_STATES.check(str(event.pk), event.state, EventState.ACKNOWLEDGED)
    return call.change(event, state=EventState.ACKNOWLEDGED.value, acknowledged_by=call.actor, acknowledged_ts=call.at_ts)
