"""How a proposal becomes the entries of a version: only real changes, of operations that may move, to places that can be."""

import hashlib
from collections.abc import Iterable, Mapping

from factolake.domain.order import OperationState
from factolake.mes.audit.chain import canonical
from factolake.mes.core.record import plain
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.models import Operation
from factolake.mes.scheduling.forms import EntryForm
from factolake.mes.scheduling.models import ScheduleEntry
from factolake.mes.scheduling.present import equipment_of, open_operations, place_in, plan_of
from factolake.mes.scheduling.sequence import clashes, places_in_sequence


def changes(line: Equipment, forms: Iterable[EntryForm]) -> list[ScheduleEntry]:
    """The entries of a proposal, not stored yet and without a version.

    Raises Invalid for one that cannot be, Conflict for one that the present does not let be.
    """
    equipment = equipment_of(line)
    return changes_among(line, forms, equipment, open_operations(equipment))


def changes_among(
    line: Equipment, forms: Iterable[EntryForm], equipment: Mapping[str, Equipment], operations: Mapping[str, Operation]
) -> list[ScheduleEntry]:
    """The same of what was read already: the line's equipment and its open operations. Raises the same."""
    found: dict[str, ScheduleEntry] = {}
    for form in forms:
        if form.operation_id in found:
            raise Invalid(f"entries: operation {form.operation_id} is there twice; name each once")
        found[form.operation_id] = _entry(line, form, operations, equipment)
    moving = {key: entry for key, entry in found.items() if _is_change(entry)}
    if not moving:
        raise Conflict(f"the proposal changes nothing on line {line.equipment_id}; every operation is planned so already")
    for entry in moving.values():
        _check_may_move(entry, operations[entry.operation_id])
    wanted = {key: place_in(entry, operations[key]) for key, entry in moving.items()}
    merged = {**plan_of(operations.values()), **wanted}
    if (clash := next(clashes(merged, wanted), None)) is not None:
        raise Conflict(f"the proposal cannot be: {clash.told()}")
    sequence = places_in_sequence(merged)
    for key, entry in moving.items():
        entry.sequence = sequence[key]
    return list(moving.values())


def digest_of(line_id: str, entries: Iterable[ScheduleEntry]) -> str:
    """SHA-256 (hex) over what the entries would change, in canonical JSON (RFC 8785): what an acceptance is bound to."""
    told = sorted([e.operation_id, e.equipment_id, plain(e.planned_start_ts), plain(e.planned_end_ts)] for e in entries)
    return hashlib.sha256(canonical({"line": line_id, "entries": told}).encode()).hexdigest()


def _entry(line: Equipment, form: EntryForm, operations: Mapping[str, Operation], equipment: Mapping[str, Equipment]) -> ScheduleEntry:
    if form.planned_end_ts <= form.planned_start_ts:
        raise Invalid(f"entries: {form.operation_id} ends at {form.planned_end_ts} and does not begin before; give a later end")
    place = equipment.get(form.equipment_id)
    if place is None or not place.is_active:
        raise Invalid(f"entries: {form.operation_id} goes to {form.equipment_id}, which is no equipment in use on line {line.equipment_id}")
    operation = operations.get(form.operation_id)
    if operation is None:
        raise Conflict(f"there is no open operation {form.operation_id} on line {line.equipment_id}; what is completed or cancelled never moves")
    return ScheduleEntry(
        operation=operation,
        equipment=place,
        planned_start_ts=form.planned_start_ts,
        planned_end_ts=form.planned_end_ts,
        why=form.why,
        before_equipment=operation.equipment,
        before_start_ts=operation.planned_start_ts,
        before_end_ts=operation.planned_end_ts,
        before_state=operation.state,
        before_quantity=operation.planned_quantity,
        before_due_ts=operation.order.due_ts,
    )


def _is_change(entry: ScheduleEntry) -> bool:
    before = (entry.before_equipment_id, entry.before_start_ts, entry.before_end_ts)
    return (entry.equipment_id, entry.planned_start_ts, entry.planned_end_ts) != before


def _check_may_move(entry: ScheduleEntry, operation: Operation) -> None:
    key, here = operation.operation_id, operation.equipment_id
    if operation.state == OperationState.RUNNING.value:
        raise Conflict(f"operation {key} is running at {here}, and what runs never moves; leave it out, or interrupt it first")
    if operation.actual_start_ts is not None and entry.equipment_id != here:
        raise Conflict(f"operation {key} has begun at {here}; operation.move_rest takes what is left of it to {entry.equipment_id}")
