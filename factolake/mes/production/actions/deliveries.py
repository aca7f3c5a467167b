"""Deliveries: expected, put right, cancelled. They are received by receiving their lots (`lot.create`)."""

from decimal import Decimal

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call, find, locked
from factolake.mes.core.refusals import Conflict
from factolake.mes.production.actions.materials import check_owner
from factolake.mes.production.forms import DeliveryForm, EditDeliveryForm, WhyForm
from factolake.mes.production.models import Delivery, DeliveryState, MaterialDefinition
from factolake.mes.production.models.delivery import DELIVERY_STATES


@action("delivery.create", At(), {Role.PLANNER}, Effect.PRODUCTION, DeliveryForm)
def create_delivery(call: Call, _: None, form: DeliveryForm) -> Delivery:
    """Expect so much of a material; plans count on it from then on."""
    material = find(MaterialDefinition, material_id=form.material_id)
    made = Delivery(delivery_id=form.delivery_id, material=material, quantity=form.quantity, expected_ts=form.expected_ts, supplier=form.supplier)
    return call.create(made)


@action("delivery.edit", On(Delivery), {Role.PLANNER}, Effect.PRODUCTION, EditDeliveryForm)
def edit_delivery(call: Call, delivery: Delivery, form: EditDeliveryForm) -> Delivery:
    """Expect it at another time, or another quantity; the quantity of another system's delivery is changed by that system alone."""
    check_expected(delivery)
    given = {name: getattr(form, name) for name in ("quantity", "expected_ts", "supplier") if name in form.model_fields_set}
    values: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if form.quantity is not None and form.quantity != delivery.quantity:
        check_owner(call, delivery, delivery.source_system)
        values |= state_with(delivery, form.quantity, delivery.received)
    return call.change(delivery, **values)


@action("delivery.cancel", On(Delivery), {Role.PLANNER}, Effect.PRODUCTION, WhyForm)
def cancel_delivery(call: Call, delivery: Delivery, _: WhyForm) -> Delivery:
    """What is still to come does not come; what has come stays."""
    DELIVERY_STATES.check(delivery.delivery_id, delivery.state, DeliveryState.CANCELLED)
    return call.change(delivery, state=DeliveryState.CANCELLED.value)


def receive(call: Call, delivery_id: str, material_id: str, quantity: Decimal) -> Delivery:
    """So much of the delivery has come, as a lot: it is expected no more. Raises Conflict for one that is of another material, or not expected."""
    delivery = locked(Delivery, delivery_id) or find(Delivery, delivery_id=delivery_id)
    check_expected(delivery)
    if delivery.material_id != material_id:
        raise Conflict(f"delivery {delivery_id} is of {delivery.material_id}, not of {material_id}; name the delivery that it came with, or none")
    received = delivery.received + quantity
    return call.change(delivery, received=received, **state_with(delivery, delivery.quantity, received))


def check_expected(delivery: Delivery) -> None:
    """Raise Conflict for a delivery of which nothing more is expected."""
    if delivery.state != DeliveryState.EXPECTED.value:
        raise Conflict(f"delivery {delivery.delivery_id} is {delivery.state}; make a new one for what is still to come")


def state_with(delivery: Delivery, quantity: Decimal, received: Decimal) -> dict[str, str]:
    """The change of state that comes with so much received of so much: nothing is expected of what has come whole."""
    is_whole = delivery.state == DeliveryState.EXPECTED.value and received >= quantity
    return {"state": DeliveryState.RECEIVED.value} if is_whole else {}
