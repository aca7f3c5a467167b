"""Deliveries that the ERP expects. What it says last holds, also of the time; of one that has come it says nothing new."""

from collections.abc import Iterator, Sequence
from typing import Any

from factolake.mes.core.call import Call
from factolake.mes.exchange.applying.writes import Checked, Outcome, Result, RowRefused, Writes, differing, each, in_base_unit, known
from factolake.mes.exchange.parsing.rows import DeliveryRow
from factolake.mes.production.actions.deliveries import state_with
from factolake.mes.production.models import Delivery, DeliveryState, MaterialDefinition


def apply_deliveries(call: Call, system: str, rows: Sequence[Checked], writes: Writes) -> Iterator[Result]:
    """Deliveries by their id."""
    del call
    materials = MaterialDefinition.objects.in_bulk([form.material_id for _, form in rows])
    there = Delivery.objects.select_for_update(no_key=True).order_by("pk").in_bulk([form.delivery_id for _, form in rows])

    def one(form: DeliveryRow) -> Outcome:
        material = known(materials, form.material_id, "material_id", "material")
        quantity = in_base_unit(form.quantity, form.unit, material)
        delivery = there.get(form.delivery_id)
        if delivery is None:
            told = form.model_dump(include={"delivery_id", "material_id", "expected_ts", "supplier"})
            writes.make(Delivery(**told, quantity=quantity, state=form.state.value, source_system=system))
            return Outcome.IMPORTED
        values = _changes(delivery, system, form) | ({"quantity": quantity} if quantity != delivery.quantity else {})
        return _changed(delivery, values, writes)

    yield from each(rows, one)


def _changes(delivery: Delivery, system: str, form: DeliveryRow) -> dict[str, Any]:
    if delivery.source_system != system:
        owner = delivery.source_system or "FactoMES"
        raise RowRefused("delivery_id", f"delivery {delivery.delivery_id} is owned by {owner}, not by {system}; take another id")
    if delivery.material_id != form.material_id:
        raise RowRefused("material_id", f"delivery {delivery.delivery_id} is of {delivery.material_id}; cancel it and send a new one")
    return differing(delivery, form, ("expected_ts", "supplier", "state"))


def _changed(delivery: Delivery, values: dict[str, Any], writes: Writes) -> Outcome:
    if delivery.state == DeliveryState.RECEIVED.value:
        return Outcome.SKIPPED  # the ERP books the receipt later than the store
    if values and delivery.state == DeliveryState.CANCELLED.value:
        raise RowRefused(next(iter(values)), f"delivery {delivery.delivery_id} is cancelled; send what comes after all under another id")
    if "quantity" in values and "state" not in values:
        values |= state_with(delivery, values["quantity"], delivery.received)
    if not values:
        return Outcome.SKIPPED
    writes.change(delivery, values)
    return Outcome.UPDATED
