"""Orders over two machines, and short ways to propose a schedule of them."""

from datetime import datetime, timedelta
from typing import Any

from record_plant import LINE, M1, M2, NOW, do

from factolake.mes.production.models import Operation
from factolake.mes.scheduling.models import ScheduleVersion

HOUR = timedelta(hours=1)


def orders(*order_ids: str, quantity: int = 100, **more: Any) -> None:
    """Released orders that go over the first machine, then the second, 36 s a piece."""
    do("planner", "material.create", material_id="G-200")
    for number, machine in ((10, M1), (20, M2)):
        do("engineer", "routing_step.create", material_id="G-200", number=number, equipment_id=machine, planned_run_s=36.0)
    for order_id in order_ids:
        do("planner", "order.create", order_id=order_id, material_id="G-200", quantity=quantity, line_id=LINE, **more)
        do("planner", "order.release", order_id)


def hour(number: float) -> datetime:
    return NOW + number * HOUR


def entry(operation: str, machine: str, start: float, hours: float = 1, **more: str) -> dict[str, Any]:
    ends = {"planned_start_ts": hour(start).isoformat(), "planned_end_ts": hour(start + hours).isoformat()}
    return {"operation_id": operation, "equipment_id": machine, **ends, **more}


def propose(*entries: dict[str, Any], by: str = "planner", **more: Any) -> ScheduleVersion:
    made = do(by, "schedule.create", line_id=LINE, entries=list(entries), reason="late orders first", **more)
    return ScheduleVersion.objects.get(pk=made["schedule_id"])


def accept(version: ScheduleVersion, by: str = "planner") -> ScheduleVersion:
    do(by, "schedule.accept", version.pk, digest=ScheduleVersion.objects.get(pk=version.pk).digest)
    return ScheduleVersion.objects.get(pk=version.pk)


def planned(*operations: str) -> list[tuple[str, int | None, float | None]]:
    """Machine, place in the sequence and start in hours of each operation."""
    rows = [Operation.objects.get(pk=key) for key in operations]
    return [(row.equipment_id, row.sequence, None if row.planned_start_ts is None else (row.planned_start_ts - NOW) / HOUR) for row in rows]
