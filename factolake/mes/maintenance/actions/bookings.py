"""Parts and labour of maintenance orders: booked, and reversed when they were booked wrong."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call, find
from factolake.mes.core.refusals import Conflict
from factolake.mes.maintenance.forms import LabourForm, PartForm, WhyForm
from factolake.mes.maintenance.models import MaintenanceLabour, MaintenanceOrder, MaintenanceOrderState, MaintenancePart
from factolake.mes.people.models import Person

FITTERS = {Role.MAINTENANCE}


@action("maintenance_part.create", At("order_id", MaintenanceOrder), FITTERS, Effect.PRODUCTION, PartForm)
def book_part(call: Call, order: MaintenanceOrder, form: PartForm) -> MaintenancePart:
    """A spare part was used."""
    _check_not_over(order)
    part = MaintenancePart(order=order, part_id=form.part_id, description=form.description, quantity=form.quantity)
    part.booked_by, part.at_ts = call.actor, call.at_ts
    return call.create(part)


@action("maintenance_part.reverse", On(MaintenancePart), FITTERS, Effect.PRODUCTION, WhyForm)
def reverse_part(call: Call, part: MaintenancePart, _: WhyForm) -> MaintenancePart:
    """Take a wrong booking back by one of the opposite sign."""
    _check_reversible(part, is_reversed=MaintenancePart.objects.filter(reverses=part).exists())
    back = MaintenancePart(order=part.order, part_id=part.part_id, description=part.description, quantity=-part.quantity)
    back.booked_by, back.at_ts, back.reverses = call.actor, call.at_ts, part
    return call.create(back)


@action("maintenance_labour.create", At("order_id", MaintenanceOrder), FITTERS, Effect.PRODUCTION, LabourForm)
def book_labour(call: Call, order: MaintenanceOrder, form: LabourForm) -> MaintenanceLabour:
    """Somebody worked on the order."""
    _check_not_over(order)
    work = MaintenanceLabour(order=order, person=find(Person, person_id=form.person_id), worked_s=form.worked_s)
    work.booked_by, work.at_ts = call.actor, call.at_ts
    return call.create(work)


@action("maintenance_labour.reverse", On(MaintenanceLabour), FITTERS, Effect.PRODUCTION, WhyForm)
def reverse_labour(call: Call, work: MaintenanceLabour, _: WhyForm) -> MaintenanceLabour:
    """Take a wrong booking back by one of the opposite sign."""
    _check_reversible(work, is_reversed=MaintenanceLabour.objects.filter(reverses=work).exists())
    back = MaintenanceLabour(order=work.order, person=work.person, worked_s=-work.worked_s)
    back.booked_by, back.at_ts, back.reverses = call.actor, call.at_ts, work
    return call.create(back)


def _check_not_over(order: MaintenanceOrder) -> None:
    over = (MaintenanceOrderState.CLOSED.value, MaintenanceOrderState.CANCELLED.value)
    if order.state in over:
        raise Conflict(f"maintenance order {order.pk} is {order.state}; nothing more is booked on it")


def _check_reversible(row: MaintenancePart | MaintenanceLabour, *, is_reversed: bool) -> None:
    _check_not_over(row.order)
    if row.reverses_id is not None or is_reversed:
        raise Conflict(f"{row.NOUN} {row.pk} is a reversal or was reversed already; book what is right instead")
