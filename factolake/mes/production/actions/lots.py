"""Lots: received, blocked and released. A release is of the highest class: two people, one of them quality."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call, find
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.forms import ReceiveForm, WhyForm
from factolake.mes.production.models import Lot, LotStatus, MaterialDefinition
from factolake.mes.production.models.lot import LOT_STATES


@action("lot.create", At("equipment_id", Equipment), {Role.OPERATOR, Role.PLANNER}, Effect.PRODUCTION, ReceiveForm)
def receive_lot(call: Call, equipment: Equipment | None, form: ReceiveForm) -> Lot:
    """A lot comes into the plant."""
    lot = Lot(lot_id=form.lot_id, material=find(MaterialDefinition, material_id=form.material_id), kind=form.kind, made_ts=call.at_ts)
    lot.quantity = lot.remaining = form.quantity
    lot.supplier_lot, lot.pallet = form.supplier_lot, form.pallet
    lot.place_path = equipment.path if equipment else ""
    return call.create(lot)


@action("lot.block", On(Lot), {Role.QUALITY, Role.OPERATOR}, Effect.CONTAIN, WhyForm)
def block_lot(call: Call, lot: Lot, _: WhyForm) -> Lot:
    """Nobody uses the lot until quality lets it go."""
    return _step(call, lot, LotStatus.BLOCKED)


@action("lot.release", On(Lot), {Role.QUALITY}, Effect.RELEASE_OR_MONEY, WhyForm)
def release_lot(call: Call, lot: Lot, _: WhyForm) -> Lot:
    """The lot may be used again."""
    return _step(call, lot, LotStatus.UNRESTRICTED)


def _step(call: Call, lot: Lot, to: LotStatus) -> Lot:
    LOT_STATES.check(lot.lot_id, lot.status, to)
    return call.change(lot, status=to.value)
