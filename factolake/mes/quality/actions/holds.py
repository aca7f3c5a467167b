"""Holds: put by whoever doubts, released by two people, whole or lot by lot. What is made meanwhile is refused or held too."""

from datetime import datetime
from decimal import Decimal

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call, Change, after_each_action
from factolake.mes.core.record import Record
from factolake.mes.core.refusals import Conflict, NotFound
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.rights import Rights
from factolake.mes.production.actions.lots import moment
from factolake.mes.production.models import Lot, MaterialDefinition, Operation, Order
from factolake.mes.quality import holds
from factolake.mes.quality.forms import HoldForm, WhyForm
from factolake.mes.quality.models import Hold, Inspection, InspectionResult, QualityEvent

_MODELS: dict[str, type[Record]] = {"lot": Lot, "order": Order, "operation": Operation, "equipment": Equipment, "material": MaterialDefinition}


def _subject(form: HoldForm) -> Record:
    """What the form wants held. Raises NotFound."""
    for noun, model in _MODELS.items():
        key = getattr(form, f"{noun}_id")
        if key is not None:
            found = model.objects.filter(pk=key).first()
            if found is None:
                raise NotFound(f"there is no {noun} {key}")
            return found
    check = Inspection.objects.filter(pk=form.inspection_id).select_related("equipment").first()
    if check is None:
        raise NotFound(f"there is no inspection {form.inspection_id}")
    return check.equipment


def _place(rights: Rights, form: HoldForm) -> str:
    """Where the right to hold is asked: the place of what is held."""
    subject = _subject(form)
    if not rights.holds(frozenset(Role), subject.place):
        raise NotFound(f"there is no {subject}")
    return subject.place


@action("hold.create", At(place_of=_place), {Role.QUALITY, Role.OPERATOR, Role.ENGINEER}, Effect.CONTAIN, HoldForm)
def put_hold(call: Call, _: None, form: HoldForm) -> Hold:
    """Hold everything since the last good check: it is not used, not confirmed good and not shipped until quality lets it go."""
    subject = _subject(form)
    check = Inspection.objects.filter(pk=form.inspection_id).first() if form.inspection_id is not None else None
    event = QualityEvent.objects.filter(pk=form.event_id).first() if form.event_id is not None else None
    if (form.inspection_id is not None and check is None) or (form.event_id is not None and event is None):
        raise Conflict(f"there is no inspection {form.inspection_id} or no event {form.event_id}; leave out what is not there")
    if check is not None and check.result != InspectionResult.FAILED.value:
        raise Conflict(f"inspection {check.pk} passed; a hold is set off by a failed one, or give since_ts")
    since_ts = None if form.since_ts is None else moment(call, form.since_ts)
    return holds.place_hold(call, subject, form.reason, since_ts=since_ts, inspection=check, event=event, characteristic=form.characteristic)


@action("hold.release", On(Hold), {Role.QUALITY}, Effect.RELEASE_OR_MONEY, WhyForm)
def release_hold(call: Call, hold: Hold, form: WhyForm) -> Hold:
    """Let the hold go; its lots are free unless another open hold covers them."""
    return holds.release_hold(call, hold, form.reason)


@action("lot.release", On(Lot), {Role.QUALITY}, Effect.RELEASE_OR_MONEY, WhyForm)
def release_lot(call: Call, lot: Lot, _: WhyForm) -> Lot:
    """Let one lot out of every hold it is under; the holds stay for the other lots."""
    return holds.release_lot(call, lot)


@after_each_action
def keep_holds(call: Call) -> None:
    """Good parts are not confirmed where a hold covers what is made, and a lot that arises there is under it."""
    for change in list(call.changes):
        if isinstance(change.row, Lot) and change.before is None:
            holds.cover_new_lot(call, change.row)
        if change.noun == "production" and _is_good(change):
            assert change.after is not None
            holds.refuse_good(str(change.after["operation_id"]), datetime.fromisoformat(str(change.after["at_ts"])))


def _is_good(change: Change) -> bool:
    """Whether good parts are confirmed here; a reversal only gives back what was, and what an incumbent MES reports has happened."""
    made = change.after if change.before is None else None
    is_ours = made is not None and made["reverses_id"] is None and made["source_system"] in ("", "lake")
    return is_ours and made is not None and Decimal(str(made["good"])) > 0
