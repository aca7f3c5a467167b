"""Materials, bills, routings and their alternatives from their owner.

What a bill or routing said before stays, valid until now: KPIs use what was valid then.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from factolake.mes.core.call import Call
from factolake.mes.core.record import Record
from factolake.mes.equipment.models import Equipment
from factolake.mes.exchange.applying.writes import Checked, Outcome, Result, RowRefused, Writes, differing, each, in_base_unit, known, owned_by
from factolake.mes.exchange.parsing.rows import AlternativeRow, BillRow, MaterialRow, RoutingRow
from factolake.mes.production.actions.orders import FROM_ROUTING
from factolake.mes.production.models import BillItem, Lot, MaterialDefinition, Order, RoutingAlternative, RoutingStep


def apply_materials(call: Call, system: str, rows: Sequence[Checked], writes: Writes) -> Iterator[Result]:
    """Materials by their id. One that nobody owns yet is taken over; the base unit of one that has quantities stays."""
    there = MaterialDefinition.objects.select_for_update(no_key=True).order_by("pk").in_bulk([form.material_id for _, form in rows])
    yield from each(rows, lambda form: _material(there.get(form.material_id), system, form, writes))


def _material(material: MaterialDefinition | None, system: str, form: MaterialRow, writes: Writes) -> Outcome:
    if material is None:
        writes.make(MaterialDefinition(**form.model_dump(), source_system=system))
        return Outcome.IMPORTED
    owned_by(material, system, "material_id")
    values = differing(material, form, ("description", "base_unit", "tracked_by"))
    if "base_unit" in values and _has_quantities(material):
        raise RowRefused("base_unit", f"quantities of {material.material_id} are recorded in {material.base_unit}; a new unit takes a new material")
    if material.source_system != system:
        values["source_system"] = system
    return _changed(material, values, writes)


def apply_bills(call: Call, system: str, rows: Sequence[Checked], writes: Writes) -> Iterator[Result]:
    """Bill items by material, component and step. The materials are held, so that no two bills close a circle between them."""
    wanted = {form.material_id for _, form in rows}
    components = {form.component_id for _, form in rows}
    materials = MaterialDefinition.objects.select_for_update(no_key=True).order_by("pk").in_bulk(wanted | components)
    items = BillItem.objects.select_for_update(no_key=True).filter(material_id__in=wanted, valid_to=None).order_by("pk")
    there = {(item.material_id, item.component_id, item.step_number): item for item in items}
    made_of = _bills_below(components | wanted)

    def one(form: BillRow) -> Outcome:
        owned_by(known(materials, form.material_id, "material_id", "material"), system, "material_id")
        component = known(materials, form.component_id, "component_id", "material")
        if not form.ended and form.material_id in _reach(made_of, form.component_id):
            raise RowRefused("component_id", f"material {form.component_id} is made of {form.material_id} and cannot be a part of it")
        values = {"quantity": in_base_unit(form.quantity, form.unit, component)}
        key = {"material_id": form.material_id, "component_id": form.component_id, "step_number": form.step_number}
        outcome = _succeed(call, BillItem, there.get((form.material_id, form.component_id, form.step_number)), key, values, form.ended, writes)
        if not form.ended:
            made_of.setdefault(form.material_id, set()).add(form.component_id)
        return outcome

    yield from each(rows, one)


def _bills_below(material_ids: set[str]) -> dict[str, set[str]]:
    """What the materials are made of, and those again, over all levels."""
    made_of: dict[str, set[str]] = {}
    new = material_ids
    while new:
        for material_id, component_id in BillItem.objects.filter(valid_to=None, material_id__in=new).values_list("material_id", "component_id"):
            made_of.setdefault(material_id, set()).add(component_id)
        new = {component for material in new for component in made_of.get(material, ())} - made_of.keys() - new
    return made_of


def _reach(made_of: Mapping[str, set[str]], material_id: str) -> set[str]:
    """The material and everything that goes into it."""
    found, new = {material_id}, {material_id}
    while new:
        new = {component for material in new for component in made_of.get(material, ())} - found
        found |= new
    return found


def apply_routings(call: Call, system: str, rows: Sequence[Checked], writes: Writes) -> Iterator[Result]:
    """Routing steps by material and number."""
    materials = MaterialDefinition.objects.in_bulk([form.material_id for _, form in rows])
    equipment = Equipment.objects.in_bulk()
    steps = RoutingStep.objects.select_for_update(no_key=True).filter(material_id__in=materials, valid_to=None).order_by("pk")
    there = {(step.material_id, step.number): step for step in steps}

    def one(form: RoutingRow) -> Outcome:
        owned_by(known(materials, form.material_id, "material_id", "material"), system, "material_id")
        known(equipment, form.equipment_id, "equipment_id", "equipment")
        values = form.model_dump(include={"equipment_id", *FROM_ROUTING})
        key = {"material_id": form.material_id, "number": form.number}
        return _succeed(call, RoutingStep, there.get((form.material_id, form.number)), key, values, form.ended, writes)

    yield from each(rows, one)


def apply_alternatives(call: Call, system: str, rows: Sequence[Checked], writes: Writes) -> Iterator[Result]:
    """Alternatives by material, step and equipment."""
    materials = MaterialDefinition.objects.in_bulk([form.material_id for _, form in rows])
    equipment = Equipment.objects.in_bulk()
    steps = {(step.material_id, step.number): step for step in RoutingStep.objects.filter(material_id__in=materials, valid_to=None)}
    held = RoutingAlternative.objects.select_for_update(no_key=True).filter(material_id__in=materials, valid_to=None).order_by("pk")
    there = {(one.material_id, one.step_number, one.equipment_id): one for one in held}

    def one(form: AlternativeRow) -> Outcome:
        owned_by(known(materials, form.material_id, "material_id", "material"), system, "material_id")
        known(equipment, form.equipment_id, "equipment_id", "equipment")
        if not form.ended:
            step = known(steps, (form.material_id, form.step_number), "step_number", "routing step")
            if step.equipment_id == form.equipment_id:
                raise RowRefused("equipment_id", f"step {form.step_number} of {form.material_id} is done at {form.equipment_id} anyway; name another")
        key = {"material_id": form.material_id, "step_number": form.step_number, "equipment_id": form.equipment_id}
        values = {"planned_setup_s": form.planned_setup_s, "planned_run_s": form.planned_run_s}
        earlier = there.get((form.material_id, form.step_number, form.equipment_id))
        return _succeed(call, RoutingAlternative, earlier, key, values, form.ended, writes)

    yield from each(rows, one)


def _succeed(call: Call, model: type[Any], earlier: Any, key: dict[str, object], values: dict[str, Any], ended: bool, writes: Writes) -> Outcome:
    """End what was valid and begin what is valid from now, unless they are the same."""
    if earlier is not None and not ended and all(getattr(earlier, name) == value for name, value in values.items()):
        return Outcome.SKIPPED
    if earlier is not None:
        writes.change(earlier, {"valid_to": call.at_ts})
    if not ended:
        writes.make(model(**key, **values, valid_from=call.at_ts))
    if earlier is not None:
        return Outcome.UPDATED
    return Outcome.SKIPPED if ended else Outcome.IMPORTED


def _changed(row: Record, values: dict[str, Any], writes: Writes) -> Outcome:
    if not values:
        return Outcome.SKIPPED
    writes.change(row, values)
    return Outcome.UPDATED


def _has_quantities(material: MaterialDefinition) -> bool:
    tables: tuple[Any, ...] = (
        Order.objects.filter(material=material),
        Lot.objects.filter(material=material),
        BillItem.objects.filter(component=material),
    )
    return any(rows.exists() for rows in tables)
