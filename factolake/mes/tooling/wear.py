"""How production uses tools up, and why an operation may not start with one. What counts as a tool of an operation is mounted where it is made.

Tools are locked in the order of their numbers, after the operation and its lots.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from factolake.domain.order import OperationState
from factolake.mes.core.call import Call, Change
from factolake.mes.core.refusals import Conflict
from factolake.mes.core.validity import valid_at
from factolake.mes.production.actions.lots import short
from factolake.mes.production.models import Operation, Production
from factolake.mes.quality.good_checks import below
from factolake.mes.quality.scope import paths_above
from factolake.mes.tooling.models import Counts, Tool, ToolRequirement

_FOUR_PLACES = Decimal("0.0001")


def count_report(call: Call, change: Change) -> None:
    """Every part of a report is a cycle of the tools mounted there; a reversal takes them back."""
    report = change.row
    assert isinstance(report, Production)
    for tool in _mounted(report.operation.equipment.path, Counts.CYCLES):
        call.change(tool, used=max(tool.used + report.good + report.scrap + report.rework, Decimal(0)))


def count_hours(call: Call, operation: Operation, at_ts: datetime) -> None:
    """The hours of a tool run while an operation runs where it is mounted; `at_ts` is when this one began or ended to."""
    for tool in _mounted(operation.equipment.path, Counts.HOURS):
        assert tool.equipment is not None  # a mounted tool is somewhere
        run_hours(call, tool, at_ts, is_running=is_at_work(tool.equipment.path))


def run_hours(call: Call, tool: Tool, at_ts: datetime, *, is_running: bool) -> None:
    """Let the tool's hours run or stand from `at_ts` on; those that ran are used."""
    if tool.counts != Counts.HOURS.value or is_running == (tool.running_since_ts is not None):
        return
    call.change(tool, used=tool.used + hours_since(tool, at_ts), running_since_ts=at_ts if is_running else None)


def hours_since(tool: Tool, now: datetime) -> Decimal:
    """Hours that run and are not yet in `used`; none where the clock was set back behind their beginning."""
    if tool.running_since_ts is None:
        return Decimal(0)
    seconds = max((now - tool.running_since_ts).total_seconds(), 0.0)
    return Decimal(str(seconds / 3600)).quantize(_FOUR_PLACES)


def is_at_work(path: str) -> bool:
    """Whether an operation runs at the equipment or at what it lies in."""
    return Operation.objects.filter(equipment__path__in=paths_above(path), state=OperationState.RUNNING.value).exists()


def check_start(operation: Operation, now: datetime) -> None:
    """Raise Conflict when a tool where the operation is made is worn, or one that it takes is not mounted."""
    mounted = list(Tool.objects.filter(below("equipment__path", operation.equipment.path), is_mounted=True).order_by("pk"))
    for tool in mounted:
        if tool.is_worn and tool.limit is not None:
            raise Conflict(
                f"tool {tool.tool_id} on {tool.equipment_id} has done {short(tool.used)} of {short(tool.limit)} {tool.counts}; "
                "mount another, renew it (tool.renew), or an engineer allows more (tool.allow)"
            )
    wanted = ToolRequirement.objects.filter(valid_at(now), material=operation.order.material_id, step_number=operation.number)
    missing = _missing(wanted.values_list("tool_class", flat=True), mounted)
    if missing:
        raise Conflict(
            f"operation {operation.operation_id} takes a tool of class {missing[0]} on {operation.equipment_id}; mount one (tool_use.create)"
        )


def _missing(classes: Iterable[str], mounted: Iterable[Tool]) -> list[str]:
    return sorted(set(classes) - {tool.tool_class for tool in mounted})


def _mounted(path: str, counts: Counts) -> list[Tool]:
    """Tools mounted at the path or below it that count so, held until the transaction ends."""
    found = Tool.objects.select_for_update(of=("self",), no_key=True).filter(below("equipment__path", path), is_mounted=True, counts=counts.value)
    return list(found.order_by("pk"))
