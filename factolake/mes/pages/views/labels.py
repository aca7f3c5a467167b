"""Labels to print: of lots, orders, operations, pallets and stations, with codes that the terminal's scanner field takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from factolake.mes.core.record import plain
from factolake.mes.core.refusals import Invalid, NotFound
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.pages.access import page, show, who
from factolake.mes.pages.codes import Code, datamatrix, qr
from factolake.mes.pages.plant_time import shown
from factolake.mes.pages.units import unit
from factolake.mes.people.rights import Rights
from factolake.mes.production.models import Shipment

DISTINCT_MAX, COPIES_MAX = 16, 40
_LOTS_NAMED = 5
Facts = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Label:
    """One label: what is scanned, in both codes, and what people read; `datamatrix` is None for an id beyond ASCII."""

    kind: str
    key: str
    facts: tuple[tuple[str, str], ...]
    qr: Code
    datamatrix: Code | None


@page()
def labels(request: HttpRequest) -> HttpResponse:
    """Choose what to print and see it as it will come out."""
    asked = {name: request.GET.get(name, "").strip() for name in ("kind", "keys", "layout", "copies")}
    if not asked["keys"]:
        return show(request, "labels", {**_choices(asked), "labels": ()})
    kind = asked["kind"] if asked["kind"] in KINDS else "lot"
    keys = list(dict.fromkeys(line.strip() for line in asked["keys"].splitlines() if line.strip()))
    try:
        if len(keys) > DISTINCT_MAX:
            raise Invalid(f"{len(keys)} different labels are too many at once; print {DISTINCT_MAX} at most")
        copies = min(int(asked["copies"]), COPIES_MAX) if asked["copies"].isascii() and asked["copies"].isdecimal() else 1
        made = [_label(who(request).rights, kind, key) for key in keys]
    except (Invalid, NotFound) as error:
        return show(request, "labels", {**_choices(asked), "labels": (), "refusal": str(error)}, error.status)
    return show(request, "labels", {**_choices(asked), "labels": made, "copies": range(max(copies, 1))})


def _choices(asked: dict[str, str]) -> dict[str, object]:
    return {"kinds": tuple(KINDS), "asked": {**asked, "copies": asked["copies"] or "1"}, "copies_max": COPIES_MAX}


def _label(rights: Rights, kind: str, key: str) -> Label:
    facts = KINDS[kind](rights, key)
    if facts is None:
        raise NotFound(f"there is no {kind} {key}")
    try:
        return Label(kind, key, tuple((name, text) for name, text in facts if text), qr(key), datamatrix(key))
    except ValueError as error:
        raise Invalid(f"{kind} {key}: {error}") from error


def _lot(rights: Rights, key: str) -> Facts | None:
    lot = visible(RESOURCES["lots"], rights).select_related("material").filter(pk=key).first()
    if lot is None:
        return None
    amount = f"{plain(lot.quantity)} {unit(lot.material.base_unit)}"
    return [("Material", f"{lot.material_id} {lot.material.description}"), ("Quantity", amount), ("Made", shown(lot.made_ts)), ("Pallet", lot.pallet),
            ("Supplier's lot", lot.supplier_lot)]  # fmt: skip


def _order(rights: Rights, key: str) -> Facts | None:
    order = visible(RESOURCES["orders"], rights).select_related("material", "line").filter(pk=key).first()
    if order is None:
        return None
    amount = f"{plain(order.quantity)} {unit(order.material.base_unit)}"
    return [("Material", f"{order.material_id} {order.material.description}"), ("Quantity", amount), ("Line", order.line.name),
            ("Due", shown(order.due_ts) if order.due_ts else ""), ("Customer", f"{order.customer} {order.sales_order}".strip())]  # fmt: skip


def _operation(rights: Rights, key: str) -> Facts | None:
    step = visible(RESOURCES["operations"], rights).select_related("order__material", "equipment").filter(pk=key).first()
    if step is None:
        return None
    material = step.order.material
    amount = f"{plain(step.order.quantity)} {unit(material.base_unit)}"
    return [("Step", f"{step.number} {step.description}"), ("At", step.equipment.name), ("Material", f"{material.pk} {material.description}"),
            ("Quantity", amount)]  # fmt: skip


def _pallet(rights: Rights, key: str) -> Facts | None:
    lots = visible(RESOURCES["lots"], rights).filter(pallet=key).select_related("material").order_by("pk")
    shipped = visible(RESOURCES["shipments"], rights).filter(pallet=key, reverses=None).select_related("lot__material").order_by("pk")
    on_it = [(lot.pk, lot.remaining, lot.material) for lot in lots[: _LOTS_NAMED + 1]]
    known = {lot_id for lot_id, *_ in on_it}
    on_it += [(sent.lot_id, sent.quantity, sent.lot.material) for sent in shipped[: _LOTS_NAMED + 1] if sent.lot_id not in known]
    if not on_it:
        return None
    named = [("Lot", f"{lot_id}: {plain(amount)} {unit(material.base_unit)} {material.pk}") for lot_id, amount, material in on_it[:_LOTS_NAMED]]
    return [*_customer(shipped[:1]), *named, *([("And", "more lots")] if len(on_it) > _LOTS_NAMED else [])]


def _customer(shipped: Sequence[Shipment]) -> Facts:
    return [("For", f"{sent.customer} {sent.sales_order}".strip()) for sent in shipped]


def _station(rights: Rights, key: str) -> Facts | None:
    station = visible(RESOURCES["equipment"], rights).select_related("parent").filter(pk=key).first()
    return None if station is None else [("Station", station.name), ("In", station.parent.name if station.parent else "")]


KINDS: dict[str, Callable[[Rights, str], Facts | None]] = {
    "lot": _lot, "order": _order, "operation": _operation, "pallet": _pallet, "station": _station,
}  # fmt: skip
"""What may be labelled, each with what people read on its label; None for a key that is not there."""
