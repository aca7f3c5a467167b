"""The board of a line, for everyone who passes: what each station does, what was made, what was to be made by now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from factolake.domain.order import OperationState, OrderState
from factolake.mes.core.refusals import NotFound
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.equipment.models import Equipment
from factolake.mes.pages import lake
from factolake.mes.pages.access import page, show, who
from factolake.mes.pages.shift_chart import draw_bands, draw_counts, time_marks
from factolake.mes.pages.views.terminal import progress
from factolake.mes.production.models import Operation, Order
from factolake.mes.production.parts import good_at_end

OLD_AFTER = timedelta(minutes=2)
"""A state that nobody has confirmed for so long is shown as unknown."""
ANDON = {
    "producing": "good",
    "setup": "busy",
    "starved": "wait",
    "blocked": "wait",
    "waiting": "wait",
    "no_order": "idle",
    "planned_stop": "idle",
    "stopped": "bad",
    "fault": "bad",
}
"""Colour of a state; every one is also said in words. A state that is not here is unknown."""
_OPEN_ORDERS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """One station on the board. `andon` is good, busy, wait, idle, bad or unknown."""

    station: Equipment
    state: str
    state_raw: str
    since: str
    andon: str
    operation: Operation | None
    progress: dict[str, object] | None
    counted: lake.Counted | None


@page()
def boards(request: HttpRequest) -> HttpResponse:
    """Choose a line."""
    lines = list(visible(RESOURCES["equipment"], who(request).rights).filter(level="ProductionLine", is_active=True).order_by("path"))
    return redirect("board", line=lines[0].equipment_id) if len(lines) == 1 else show(request, "boards", {"lines": lines})


@page()
def board(request: HttpRequest, line: str) -> HttpResponse:
    """The board; `part=live` is what it asks for every few seconds, `part=charts` every half minute."""
    found: Equipment | None = visible(RESOURCES["equipment"], who(request).rights).filter(pk=line, level="ProductionLine").first()
    if found is None:
        raise NotFound(f"there is no line {line}")
    part = request.GET.get("part", "")
    if part == "charts":
        return show(request, "board_charts", _charts(found))
    context = {"line": found, "places": _places(found), "line_counted": lake.counted([found.pk]).get(found.pk), "orders": _orders(found)}
    if part == "live":
        return show(request, "board_live", {**context, "now": timezone.now()})
    return show(request, "board", {**context, **_charts(found), "now": timezone.now()})


def _charts(line: Equipment) -> dict[str, object]:
    """The latest shift, drawn: counts of the line's last station, and what each station did."""
    shift, stations = lake.latest_shift(line.pk), _stations(line)
    if shift is None or not stations:
        return {"shift": None}
    did = [(station.name, lake.intervals(station.pk, shift)) for station in stations]
    counts, bands = draw_counts(shift, lake.hours(stations[-1].pk, shift)), draw_bands(shift, did, ANDON)
    return {"shift": shift, "counts": counts, "bands": bands, "marks": time_marks(shift), "counted_at": stations[-1]}


def _stations(line: Equipment) -> list[Equipment]:
    return list(Equipment.objects.filter(parent=line, level="WorkUnit", is_active=True).order_by("position", "pk"))


def _places(line: Equipment) -> list[Place]:
    stations = _stations(line)
    names = [station.equipment_id for station in stations]
    states, counted = lake.states(names), lake.counted(names)
    running = Operation.objects.filter(equipment__in=[*names, line.pk], state=OperationState.RUNNING.value).select_related("order")
    by_station: dict[str, Operation] = {each.equipment_id: each for each in running.order_by("-actual_start_ts")}
    shown: Sequence[Equipment] = [line, *stations] if line.pk in by_station else stations
    return [_place(each, states.get(each.pk), by_station.get(each.pk), counted.get(each.pk)) for each in shown]


def _place(station: Equipment, known: lake.MachineState | None, operation: Operation | None, counted: lake.Counted | None) -> Place:
    how_far = progress(operation) if operation is not None else None
    if station.level == "ProductionLine" and operation is not None:
        return Place(station, "running", "", _since(operation.actual_start_ts), "good", operation, how_far, counted)
    if known is None or timezone.now() - known.known_until_ts > OLD_AFTER:
        since = _since(known.known_until_ts) if known is not None else ""
        return Place(station, "unknown", "", since, "unknown", operation, how_far, counted)
    andon = ANDON.get(known.state, "unknown")
    return Place(station, known.state, known.state_raw, _since(known.since_ts), andon, operation, how_far, counted)


def _orders(line: Equipment) -> list[tuple[Order, object]]:
    states = (OrderState.RUNNING.value, OrderState.HELD.value, OrderState.RELEASED.value)
    rows = Order.objects.filter(line=line, state__in=states).prefetch_related("operations").order_by("due_ts", "order_id")[:_OPEN_ORDERS]
    return [(order, good_at_end(order.operations.all())) for order in rows]


def _since(start: datetime | None) -> str:
    """How long ago, in the largest whole unit that fits."""
    seconds = int((timezone.now() - start).total_seconds()) if start else 0
    if seconds < 120:
        return f"{max(seconds, 0)} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
