"""Write-back: machine, sequence and planned times of operations, run and set-up time among them; never their quantity or due date."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from factolake.mes.core.call import Call
from factolake.mes.production.models import Operation, Order
from factolake.mes.production.ways import Times
from factolake.mes.scheduling.present import OPEN


@dataclass(frozen=True, slots=True)
class Planned:
    """Where and when an operation is planned; None: no time."""

    equipment_id: str
    start_ts: datetime | None
    end_ts: datetime | None


def planned(operation: Operation) -> Planned:
    """Where and when it is planned now."""
    return Planned(operation.equipment_id, operation.planned_start_ts, operation.planned_end_ts)


def held(operation_ids: Iterable[str], places: Collection[str]) -> dict[str, Operation]:
    """These operations and all open ones at `places`, as they are now, held until the transaction ends, their orders before them; by their ids."""
    wanted = Q(pk__in=sorted(operation_ids)) | Q(equipment__in=sorted(places), state__in=OPEN)
    orders = sorted(set(Operation.objects.filter(wanted).values_list("order_id", flat=True)))
    list(Order.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=orders).order_by("pk"))
    # order__in: none whose order came since and is not held
    found = Operation.objects.select_for_update(of=("self",), no_key=True).filter(wanted, order__in=orders)
    return {operation.operation_id: operation for operation in found.select_related("order", "equipment").order_by("pk")}


def write(call: Call, rows: Mapping[str, Operation], wanted: Mapping[str, Planned], times: Mapping[str, Times]) -> None:
    """Plan operations as `wanted` says, with the run and set-up times of `times`, and number all sequences this touches anew, by planned start.

    `rows` are held: those to be planned, and all that are open at the equipment where they are and where they go.
    """
    touched = {planned(rows[key]).equipment_id for key in wanted} | {place.equipment_id for place in wanted.values()}
    places = {key: wanted.get(key) or planned(row) for key, row in rows.items() if row.state in OPEN}
    values: dict[str, dict[str, Any]] = {
        key: {"equipment_id": place.equipment_id, "planned_start_ts": place.start_ts, "planned_end_ts": place.end_ts}
        for key, place in places.items()
        if key in wanted
    }
    for key, own in times.items():
        values[key] |= {"planned_run_s": own.run_s, "planned_setup_s": own.setup_s}
    for key, number in _sequence(places).items():
        if places[key].equipment_id in touched:
            values.setdefault(key, {})["sequence"] = number
    call.change_many((rows[key], change) for key, change in values.items())


def _sequence(places: Mapping[str, Planned]) -> dict[str, int | None]:
    """Each operation's place by planned start at its equipment, from 1; None for one that has no time."""
    count: dict[str, int] = {}
    found: dict[str, int | None] = {key: None for key, place in places.items() if place.start_ts is None}
    timed = sorted((place.start_ts, key, place.equipment_id) for key, place in places.items() if place.start_ts is not None)
    for _, key, equipment_id in timed:
        count[equipment_id] = count.get(equipment_id, 0) + 1
        found[key] = count[equipment_id]
    return found
