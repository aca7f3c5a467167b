"""Defects and nonconformances. Using as it is and scrapping take two people; rework and return one."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call, find
from factolake.mes.core.refusals import Conflict, IllegalStep, Invalid
from factolake.mes.equipment.models import Equipment, Reason, ReasonKind
from factolake.mes.production.actions.lots import moment
from factolake.mes.production.models import Lot, Operation
from factolake.mes.quality.forms import DefectForm, NonconformanceForm, WhyForm
from factolake.mes.quality.holds import place_hold
from factolake.mes.quality.models import Defect, Disposition, Hold, HoldState, Inspection, Nonconformance, NonconformanceState
from factolake.mes.quality.models.corrective import CORRECTIVE_STATES
from factolake.mes.quality.models.nonconformance import NONCONFORMANCE_STATES
from factolake.mes.quality.scrapping import scrap_lot, unscrap_lot

FINDERS = {Role.OPERATOR, Role.QUALITY, Role.ENGINEER}


@action("defect.create", At("equipment_id", Equipment), FINDERS, Effect.REVERSIBLE, DefectForm)
def record_defect(call: Call, equipment: Equipment, form: DefectForm) -> Defect:
    """Record a defect seen on parts."""
    kinds = [ReasonKind.SCRAP.value, ReasonKind.REWORK.value]
    defect = Defect(equipment=equipment, cause=find(Reason, reason_id=form.cause_id, kind__in=kinds, is_active=True), found_by=call.actor)
    defect.quantity, defect.location, defect.at_ts = form.quantity, form.location, moment(call, form.at_ts)
    defect.lot = find(Lot, lot_id=form.lot_id) if form.lot_id else None
    defect.operation = find(Operation, operation_id=form.operation_id) if form.operation_id else None
    defect.inspection = find(Inspection, pk=form.inspection_id) if form.inspection_id is not None else None
    defect.nonconformance = find(Nonconformance, pk=form.nonconformance_id) if form.nonconformance_id is not None else None
    return call.create(defect)


@action("nonconformance.create", At("equipment_id", Equipment), FINDERS, Effect.REVERSIBLE, NonconformanceForm)
def open_nonconformance(call: Call, equipment: Equipment, form: NonconformanceForm) -> Nonconformance:
    """Say that something does not conform."""
    if form.quantity is not None and form.lot_id is None:
        raise Invalid("quantity is so much of a lot: give lot_id")
    found = Nonconformance(equipment=equipment, description=form.description, severity=form.severity.value, quantity=form.quantity)
    found.lot = find(Lot, lot_id=form.lot_id) if form.lot_id else None
    found.found_by, found.found_ts = call.actor, call.at_ts
    return call.create(found)


@action("nonconformance.contain", On(Nonconformance), {Role.QUALITY}, Effect.CONTAIN, WhyForm)
def contain(call: Call, found: Nonconformance, form: WhyForm) -> Nonconformance:
    """Nobody uses it from now on: its lot, or without one everything its equipment made since the last good check, is under a hold."""
    _step(found, NonconformanceState.CONTAINED)
    hold = None
    if found.lot is not None:
        mine = Hold.objects.filter(items__lot=found.lot_id, items__released_ts=None, state=HoldState.OPEN.value)
        hold = mine.order_by("pk").first()
    hold = hold or place_hold(call, found.lot or found.equipment, form.reason)
    return call.change(found, state=NonconformanceState.CONTAINED.value, hold=hold)


@action("nonconformance.concede", On(Nonconformance), {Role.QUALITY}, Effect.RELEASE_OR_MONEY, WhyForm)
def concede(call: Call, found: Nonconformance, form: WhyForm) -> Nonconformance:
    """Use it as it is (a concession)."""
    return _dispose(call, found, Disposition.USE_AS_IS, form)


@action("nonconformance.rework", On(Nonconformance), {Role.QUALITY}, Effect.PRODUCTION, WhyForm)
def rework(call: Call, found: Nonconformance, form: WhyForm) -> Nonconformance:
    """Rework it; it stays held until it is released."""
    return _dispose(call, found, Disposition.REWORK, form)


@action("nonconformance.send_back", On(Nonconformance), {Role.QUALITY}, Effect.PRODUCTION, WhyForm)
def send_back(call: Call, found: Nonconformance, form: WhyForm) -> Nonconformance:
    """Return it to the supplier; it stays held."""
    return _dispose(call, found, Disposition.RETURN, form)


@action("nonconformance.scrap", On(Nonconformance), {Role.QUALITY}, Effect.RELEASE_OR_MONEY, WhyForm)
def scrap(call: Call, found: Nonconformance, form: WhyForm) -> Nonconformance:
    """Scrap its quantity, or what is left of its lot, which its operation reports as scrap; a lot of which nothing is left is scrapped for good."""
    if found.lot_id is not None:
        call.change(found, quantity=scrap_lot(call, found))
    return _dispose(call, found, Disposition.SCRAP, form)


@action("nonconformance.restore", On(Nonconformance), {Role.QUALITY}, Effect.RELEASE_OR_MONEY, WhyForm)
def restore(call: Call, found: Nonconformance, form: WhyForm) -> Nonconformance:
    """Take a wrong scrapping back: the lot has its quantity again, under a hold, and what becomes of it is open."""
    if (found.state, found.disposition) != (NonconformanceState.DISPOSITIONED.value, Disposition.SCRAP.value):
        raise IllegalStep(f"nonconformance {found.pk} is {found.state} {found.disposition}; only what was scrapped and is not closed is restored")
    hold = None if found.lot_id is None else unscrap_lot(call, found, form.reason)
    undone = {"disposition": "", "disposition_why": "", "dispositioned_by": None, "dispositioned_ts": None}
    return call.change(found, state=NonconformanceState.CONTAINED.value, hold=hold or found.hold, **undone)


@action("nonconformance.close", On(Nonconformance), {Role.QUALITY}, Effect.PRODUCTION, WhyForm)
def close(call: Call, found: Nonconformance, _: WhyForm) -> Nonconformance:
    """Nothing more is to be done about it; its corrective actions are finished."""
    _step(found, NonconformanceState.CLOSED)
    still = found.corrective_actions.exclude(state__in=[state.value for state in CORRECTIVE_STATES.final]).order_by("pk").first()
    if still is not None:
        raise Conflict(f"nonconformance {found.pk} waits for corrective action {still.pk}, which is {still.state}; finish or cancel that first")
    return call.change(found, state=NonconformanceState.CLOSED.value, closed_ts=call.at_ts)


def _dispose(call: Call, found: Nonconformance, disposition: Disposition, form: WhyForm) -> Nonconformance:
    _step(found, NonconformanceState.DISPOSITIONED)
    decided = {"disposition": disposition.value, "disposition_why": form.reason, "dispositioned_by": call.actor, "dispositioned_ts": call.at_ts}
    return call.change(found, state=NonconformanceState.DISPOSITIONED.value, **decided)


def _step(found: Nonconformance, to: NonconformanceState) -> None:
    NONCONFORMANCE_STATES.check(str(found.pk), found.state, to)
