"""Lots: received, moved, shipped. They are blocked and released by holds (quality)."""

from datetime import datetime
from decimal import Decimal

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call, find, locked
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.actions.deliveries import receive
from factolake.mes.production.forms import MoveForm, ReceiveForm, ShipForm, WhyForm
from factolake.mes.production.genealogy import among
from factolake.mes.production.models import Lot, LotStatus, MaterialDefinition, Shipment


@action("lot.create", At("equipment_id", Equipment), {Role.OPERATOR, Role.PLANNER}, Effect.PRODUCTION, ReceiveForm)
def receive_lot(call: Call, equipment: Equipment | None, form: ReceiveForm) -> Lot:
    """A lot comes into the plant, with a delivery that is expected or without."""
    lot = Lot(lot_id=form.lot_id, material=find(MaterialDefinition, material_id=form.material_id), kind=form.kind, made_ts=call.at_ts)
    lot.quantity = lot.remaining = form.quantity
    if form.delivery_id is not None:
        lot.delivery = receive(call, form.delivery_id, form.material_id, form.quantity)
    lot.supplier_lot, lot.pallet = form.supplier_lot, form.pallet
    lot.place_path = equipment.path if equipment else ""
    return call.create(lot)


@action("lot.move", On(Lot), {Role.OPERATOR, Role.PLANNER}, Effect.PRODUCTION, MoveForm)
def move_lot(call: Call, lot: Lot, form: MoveForm) -> Lot:
    """The lot lies on another pallet, or on none."""
    return call.change(lot, pallet=form.pallet)


@action("lot.ship", On(Lot), {Role.OPERATOR, Role.PLANNER}, Effect.PRODUCTION, ShipForm)
def ship_lot(call: Call, lot: Lot, form: ShipForm) -> Shipment:
    """So much of the lot leaves for a customer; one that is not free, or of which less is left, stays."""
    if lot.status != LotStatus.UNRESTRICTED.value:
        raise Conflict(f"lot {lot.lot_id} is {lot.status} and cannot be shipped; take another lot or ask quality")
    quantity = form.quantity or lot.remaining
    if not 0 < quantity <= lot.remaining:
        raise Conflict(f"lot {lot.lot_id} has {short(lot.remaining)} left, not {short(quantity) if quantity else 'more than 0'}")
    order = lot.made_by.order if lot.made_by is not None else None
    shipment = Shipment(lot=lot, quantity=quantity, pallet=lot.pallet, reported_by=call.actor, at_ts=moment(call, form.at_ts))
    shipment.customer = form.customer or (order.customer if order else "")
    shipment.sales_order = form.sales_order or (order.sales_order if order and shipment.customer == order.customer else "")
    if not shipment.customer:
        raise Invalid(f"lot {lot.lot_id} was made for no customer; give customer")
    call.create(shipment)
    call.change(lot, remaining=lot.remaining - quantity)
    return shipment


@action("shipment.reverse", On(Shipment), {Role.OPERATOR, Role.PLANNER}, Effect.PRODUCTION, WhyForm)
def reverse_shipment(call: Call, shipment: Shipment, _: WhyForm) -> Shipment:
    """Take a wrong shipment back by one of the opposite sign; the lot has it again."""
    if shipment.reverses_id is not None or Shipment.objects.filter(reverses=shipment).exists():
        raise Conflict(f"shipment {shipment.pk} is a reversal or was reversed already; book what is right instead")
    back = Shipment(lot=shipment.lot, quantity=-shipment.quantity, customer=shipment.customer, sales_order=shipment.sales_order)
    back.pallet, back.at_ts, back.reverses, back.reported_by = shipment.pallet, shipment.at_ts, shipment, call.actor
    call.create(back)
    lot = locked(Lot, shipment.lot_id)
    assert lot is not None  # a shipment's foreign key protects it
    call.change(lot, remaining=lot.remaining + shipment.quantity)
    return back


def locked_lots(*lot_ids: str | None) -> dict[str, Lot]:
    """Those of the lots that are there, by id, held until the transaction ends; in the order of their ids, so that nobody waits in a circle."""
    wanted = Lot.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=among(filter(None, lot_ids))).order_by("pk")
    return {lot.lot_id: lot for lot in wanted}


def moment(call: Call, told: datetime | None) -> datetime:
    """When it happened: as told, else now. Raises Invalid for a moment still to come."""
    if told is not None and told > call.at_ts:
        raise Invalid(f"at_ts is {told}, which is still to come; leave it out for now")
    return told or call.at_ts


def short(quantity: Decimal) -> str:
    """A quantity without the zeros behind it."""
    return format(quantity.normalize(), "f")
