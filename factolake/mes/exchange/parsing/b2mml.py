"""B2MML (ISA-95 in XML): orders of an operations schedule, and materials. Names are B2MML's, the namespace's version does not matter.

`OperationsRequest` becomes an order: ID, HierarchyScope/EquipmentID (line), EndTime (due), Priority; its material and quantity
are those of the first MaterialRequirement with MaterialUse Produced; each SegmentRequirement is an operation. `MaterialDefinition` is a material.
All else comes as CSV or JSON.
"""

from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from factolake.mes.core.refusals import Invalid
from factolake.mes.exchange.parsing.rows import MaterialRow, OrderRow, ParsedRow, RowError, RowForm, Value
from factolake.mes.exchange.parsing.safe_xml import elements

_PRODUCED = frozenset({"Produced", "Yield Produced", "Material Produced"})
_STEP = 10
_RELEASED = frozenset({"Released", "Ready", "Dispatched"})


def parse_b2mml(document: bytes, form: type[RowForm]) -> Iterator[ParsedRow | RowError]:
    """The requests or materials, numbered from 1. Raises Invalid for what is no XML, has a DTD, or holds nothing of the kind."""
    if form not in _READERS:
        raise Invalid("B2MML brings orders and materials here; send everything else as CSV or JSON")
    name, read = _READERS[form]
    number = 0
    for element in elements(document, name):
        number += 1
        yield ParsedRow(number, {field: value for field, value in read(element).items() if value not in (None, "", [])})
    if number == 0:
        raise Invalid(f"the document has no element {name}; send a B2MML document that has them")


def _order(request: Element) -> dict[str, Value]:
    segments = request.findall("SegmentRequirement")
    produced = next((need for need in request.iter("MaterialRequirement") if _text(need, "MaterialUse") in _PRODUCED), None)
    quantity = None if produced is None else produced.find("Quantity")
    return {
        "order_id": _text(request, "ID"),
        "line_id": _text(request, "HierarchyScope/EquipmentID"),
        "due_ts": _text(request, "EndTime"),
        "priority": _text(request, "Priority"),
        "release": True if _text(request, "RequestState") in _RELEASED else None,
        "material_id": _text(produced, "MaterialDefinitionID"),
        "quantity": _text(quantity, "QuantityString"),
        "unit": _text(quantity, "UnitOfMeasure"),
        "operations": [_operation(segment, place * _STEP) for place, segment in enumerate(segments, start=1)],
    }


def _operation(segment: Element, number: int) -> dict[str, Value]:
    """A segment; its number is its ID where that is one, else 10, 20, 30. Set-up and run time are parameters: Duration is their sum."""
    own = _text(segment, "ID")
    told = {parameter_id: value for parameter_id, value in map(_parameter, segment.findall("SegmentParameter"))}
    values = {
        "number": own if own.isdecimal() else number,
        "description": _text(segment, "Description"),
        "equipment_id": _text(segment, "EquipmentRequirement/EquipmentID"),
        "planned_setup_s": told.get("planned_setup_s"),
        "planned_run_s": told.get("planned_run_s"),
        "overlaps": told.get("overlaps"),
        "planned_start_ts": _text(segment, "EarliestStartTime"),
        "planned_end_ts": _text(segment, "LatestEndTime"),
    }
    return {name: value for name, value in values.items() if value not in (None, "")}


def _material(definition: Element) -> dict[str, Value]:
    told = {property_id: value for property_id, value in map(_parameter, definition.findall("MaterialDefinitionProperty"))}
    return {
        "material_id": _text(definition, "ID"),
        "description": _text(definition, "Description"),
        "base_unit": told.get("base_unit"),
        "tracked_by": told.get("tracked_by"),
    }


def _parameter(element: Element) -> tuple[str, str]:
    return _text(element, "ID"), _text(element, "Value/ValueString")


def _text(element: Element | None, path: str) -> str:
    found = None if element is None else element.find(path)
    return "" if found is None or found.text is None else found.text


_READERS: dict[type[RowForm], tuple[str, Callable[[Element], dict[str, Value]]]] = {
    OrderRow: ("OperationsRequest", _order),
    MaterialRow: ("MaterialDefinition", _material),
}
