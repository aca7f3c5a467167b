"""The plan of a line as a drawing and as rows of tables. Rows are made of text here: hundreds of them are slow to put together in a template."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from django.urls import reverse
from django.utils import timezone

from factolake.domain.order import OperationState
from factolake.mes.core.record import plain
from factolake.mes.equipment.models import Equipment
from factolake.mes.pages.gantt import Drawing, Shade, Task, Window, draw
from factolake.mes.production.models import Operation
from factolake.mes.scheduling.calendar import pauses
from factolake.mes.scheduling.models import EntryState, ScheduleEntry

Row = dict[str, object]
NONE = "–"
MOVABLE = frozenset({OperationState.WAITING.value, OperationState.READY.value})
"""What a planner may take to another place by hand, while it has not begun."""


class _Clock:
    """The plant's clock, looked up once: for hundreds of times that is much of the work."""

    def __init__(self) -> None:
        self._zone = timezone.get_current_timezone()

    def moment(self, time: datetime | None, otherwise: str = NONE) -> str:
        """Date and time."""
        return f"{time.astimezone(self._zone):%Y-%m-%d %H:%M}" if time is not None else otherwise

    def day(self, time: datetime) -> str:
        """Day of the week and time."""
        return f"{time.astimezone(self._zone):%a %H:%M}"

    def time(self, time: datetime) -> str:
        """The time alone."""
        return f"{time.astimezone(self._zone):%H:%M}"


@dataclass(frozen=True, slots=True)
class Planned:
    """One operation where and when it is planned, and whether it ends after its order is due."""

    operation: Operation
    equipment_id: str
    start_ts: datetime
    end_ts: datetime
    is_late: bool
    is_moved: bool


def plan_of(operations: Iterable[Operation], now: datetime, entries: Mapping[str, ScheduleEntry] | None = None) -> list[Planned]:
    """The plan in the order of its starts, as `entries` would have it.

    What has begun is there since then and, while it is open, until now at least.
    """
    found = []
    for operation in operations:
        entry = (entries or {}).get(operation.operation_id)
        if entry is not None:
            place, start, end = entry.equipment_id, entry.planned_start_ts, entry.planned_end_ts
        else:
            place, start = operation.equipment_id, operation.actual_start_ts or operation.planned_start_ts
            end = operation.actual_end_ts or operation.planned_end_ts or start
        if start is None or end is None:
            continue
        if operation.actual_start_ts is not None and operation.actual_end_ts is None:
            end = max(end, now)
        due_ts = operation.order.due_ts
        found.append(Planned(operation, place, start, max(start, end), due_ts is not None and end > due_ts, entry is not None))
    return sorted(found, key=lambda each: (each.start_ts, each.operation.operation_id))


def inside(window: Window, plan: Iterable[Planned]) -> list[Planned]:
    """What of the plan is shown."""
    return [each for each in plan if each.end_ts > window.from_ts and each.start_ts < window.to_ts]


@dataclass(frozen=True, slots=True)
class Ground:
    """What every drawing of a line has: the time it shows, the line and its machines, when nothing is to run, and what is now."""

    window: Window
    line: Equipment
    equipment: Mapping[str, Equipment]
    shades: tuple[Shade, ...]
    now: datetime


def ground_of(window: Window, line: Equipment, equipment: Mapping[str, Equipment], now: datetime) -> Ground:
    """The ground of the line's drawings."""
    found = pauses(line.pk, window.from_ts, window.to_ts)
    return Ground(window, line, equipment, tuple(Shade(each.from_ts, each.to_ts, each.why, each.machine) for each in found), now)


def drawing_of(
    ground: Ground, plan: Sequence[Planned], rows: Sequence[Row], may_plan: bool = False, changes: Sequence[ScheduleEntry] = ()
) -> Drawing:
    """The plan drawn, each bar a link to its row in the table `rows`; the line itself has a row only where work is planned on it.

    `may_plan`: who looks may take what has not begun to another place. What `changes` leads to its row among them, and says why.
    """
    used = {each.equipment_id for each in plan}
    names = [(key, one.name) for key, one in ground.equipment.items() if key in used or (key != ground.line.pk and one.is_active)]
    anchors = {row["operation"]: str(row["anchor"]) for row in rows} | {each.operation_id: anchor_of(each) for each in changes}
    why = {each.operation_id: each.why for each in changes}
    clock = _Clock()
    tasks = []
    for each in plan:
        key = each.operation.operation_id
        tasks.append(_task(each, anchors.get(key, "proposal"), clock, may_plan, why.get(key, "")))
    return draw(ground.window, names, tasks, ground.shades, ground.now)


def plan_rows(plan: Iterable[Planned]) -> list[Row]:
    """The plan as a table."""
    clock, orders = _Clock(), reverse("orders")
    return [
        {
            "anchor": f"p{number}",
            "operation": each.operation.operation_id,
            "address": orders + quote(each.operation.order_id),
            "at": each.equipment_id,
            "place": each.operation.sequence or NONE,
            "state": each.operation.state,
            "waits": f" until {clock.moment(each.operation.waits_until_ts)}" if each.operation.waits_until_ts else "",
            "from": clock.day(each.start_ts),
            "to": clock.day(each.end_ts),
            "due": clock.moment(each.operation.order.due_ts),
            "late": each.is_late,
        }
        for number, each in enumerate(plan, 1)
    ]


def order_rows(operations: Iterable[Operation], now: datetime, at_most: int) -> list[Row]:
    """Open orders with their planned end, that of their last operation which has one; the one that is due first on top."""
    by_order: dict[str, list[Operation]] = {}
    for operation in operations:
        by_order.setdefault(operation.order_id, []).append(operation)
    last = datetime.max.replace(tzinfo=now.tzinfo)
    orders = sorted((own[0].order for own in by_order.values()), key=lambda order: (order.due_ts or last, order.order_id))
    rows: list[Row] = []
    clock, address = _Clock(), reverse("orders")
    for order in orders[:at_most]:
        end = max((each.planned_end_ts for each in by_order[order.order_id] if each.planned_end_ts is not None), default=None)
        is_late = order.due_ts is not None and max(end or now, now) > order.due_ts
        known = {"order": order.order_id, "state": order.state, "material": order.material_id, "quantity": plain(order.quantity)}
        times = {"end": clock.moment(end), "due": clock.moment(order.due_ts), "late": is_late}
        rows.append({**known, **times, "address": address + quote(order.order_id)})
    return rows


def change_rows(entries: Iterable[ScheduleEntry]) -> list[Row]:
    """What a proposal changes, before and after."""
    clock, orders = _Clock(), reverse("orders")
    return [
        {
            "key": each.pk,
            "anchor": anchor_of(each),
            "operation": each.operation_id,
            "address": orders + quote(each.operation.order_id),
            "before_at": each.before_equipment_id,
            "before": clock.moment(each.before_start_ts, "no time"),
            "at": each.equipment_id,
            "is_elsewhere": each.equipment_id != each.before_equipment_id,
            "from": clock.moment(each.planned_start_ts),
            "to": clock.time(each.planned_end_ts),
            "due": clock.moment(each.operation.order.due_ts),
            "late": each.operation.order.due_ts is not None and each.planned_end_ts > each.operation.order.due_ts,
            "why": each.why or NONE,
            "is_gone": each.state == EntryState.REJECTED.value,
        }
        for each in entries
    ]


def late_orders(plan: Iterable[Planned]) -> int:
    """How many orders end late by the plan."""
    return len({each.operation.order_id for each in plan if each.is_late})


def anchor_of(change: ScheduleEntry) -> str:
    """Where the change's row is on its page."""
    return f"c{change.pk}"


def _task(each: Planned, anchor: str, clock: _Clock, may_plan: bool, why: str) -> Task:
    state = each.operation.state
    look = f"s-{state}{' late' if each.is_late else ''}{' moved' if each.is_moved else ''}"
    when = f"{clock.day(each.start_ts)} to {clock.day(each.end_ts)}"
    told = f"{each.operation.operation_id}, {state}, {when}{', late' if each.is_late else ''}{f'. It moves: {why}' if why else ''}"
    may_move = may_plan and each.operation.state in MOVABLE and each.operation.actual_start_ts is None
    return Task(each.operation.operation_id, each.equipment_id, each.start_ts, each.end_ts, look, told, anchor, may_move)
