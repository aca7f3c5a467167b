"""The schedule of a line: its orders and a Gantt of the plan as it is, the open proposal as before and after, and the versions there were."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from factolake.domain.order import OperationState
from factolake.mes.core.refusals import Invalid, NotFound
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.equipment.models import Equipment
from factolake.mes.pages.access import page, show, who
from factolake.mes.pages.asking import new_key
from factolake.mes.pages.gantt import Window
from factolake.mes.pages.plan_rows import Ground, Row, change_rows, drawing_of, ground_of, inside, late_orders, order_rows, plan_of, plan_rows
from factolake.mes.pages.planner_word import beside, planner_word
from factolake.mes.production.models import Operation
from factolake.mes.scheduling.actions.asking import ASKERS
from factolake.mes.scheduling.actions.proposals import DECIDERS, PROPOSERS
from factolake.mes.scheduling.models import EntryState, ScheduleDeviation, ScheduleEntry, ScheduleState, ScheduleVersion
from factolake.mes.scheduling.present import equipment_of, open_operations, overtaken

SPANS = {"8h": timedelta(hours=8), "day": timedelta(days=1), "3d": timedelta(days=3), "week": timedelta(days=7)}
"""How much time the drawing may show, by its name in the address."""
USUAL_SPAN = "day"
_BACK = 0.125
"""The part of the drawing that lies before now, when it shows now."""
_FARTHEST = 1000
_VERSIONS, _DEVIATIONS, _ORDERS = 20, 10, 100


@page()
def schedules(request: HttpRequest) -> HttpResponse:
    """Choose a line."""
    lines = list(visible(RESOURCES["equipment"], who(request).rights).filter(level="ProductionLine", is_active=True).order_by("path"))
    return redirect("schedule", line=lines[0].equipment_id) if len(lines) == 1 else show(request, "schedules", {"lines": lines})


@page()
def schedule(request: HttpRequest, line: str) -> HttpResponse:
    """The schedule; `part=gantt` is the drawing alone, which it asks for by itself. `span` is how much it shows, `page` how many spans from now."""
    found = line_of(request, line)
    now, span, number = timezone.now(), request.GET.get("span", USUAL_SPAN), request.GET.get("page", "0")
    if span not in SPANS or not number.removeprefix("-").isdecimal() or abs(int(number)) > _FARTHEST:
        raise Invalid(f"span is {span} and page {number}; give {', '.join(SPANS)} and a whole number")
    window = _window(now, span, int(number))
    equipment = equipment_of(found)
    operations, ended = open_operations(equipment), _ended(equipment, window)
    whole = plan_of([*operations.values(), *ended], now)
    plan = inside(window, whole)
    rows = plan_rows(plan)
    ground = ground_of(window, found, equipment, now)
    version = ScheduleVersion.objects.filter(line=found, state=ScheduleState.PROPOSED.value).select_related("made_by").first()
    may_plan = version is None and who(request).rights.holds(PROPOSERS, found.path)
    changes = _changes(version, ground, operations) if version is not None else []
    context = {"line": found, "drawing": drawing_of(ground, plan, rows, may_plan, changes), "span": span, "number": int(number)}
    if request.GET.get("part") == "gantt":
        return show(request, "gantt", context)
    versions = list(ScheduleVersion.objects.filter(line=found).select_related("made_by", "ended_by")[:_VERSIONS])
    tried, asked = planner_word(found.pk, versions, now)
    about = {
        "here": request.get_full_path(),
        "spans": tuple(SPANS),
        "window": window,
        "plan": rows,
        "unplanned": [each for each in operations.values() if each.planned_start_ts is None and each.actual_start_ts is None],
        "orders": order_rows(operations.values(), now, _ORDERS),
        "versions": versions,
        "deviations": ScheduleDeviation.objects.filter(equipment__in=equipment).select_related("person").order_by("-at_ts")[:_DEVIATIONS],
        "may_decide": who(request).rights.holds(DECIDERS, found.path),
        "may_ask": who(request).rights.holds(ASKERS, found.path),
        "asked": asked,
        "tried": tried,
        "once": new_key(),
        "may_choose": who(request).rights.holds(PROPOSERS, found.path),
        "late_before": late_orders(whole),
        "may_plan": may_plan,
        "current": ScheduleVersion.objects.filter(line=found, state=ScheduleState.ACCEPTED.value).values_list("pk", flat=True).first() or "",
        **(_proposal(version, changes, ground, operations, ended, rows) if version is not None else {"proposal": None}),
    }
    return show(request, "schedule", {**context, **about})


def line_of(request: HttpRequest, line: str) -> Equipment:
    """The line that the person may see. Raises NotFound where there is none."""
    found: Equipment | None = visible(RESOURCES["equipment"], who(request).rights).filter(pk=line, level="ProductionLine").first()
    if found is None:
        raise NotFound(f"there is no line {line}")
    return found


def _window(now: datetime, span: str, number: int) -> Window:
    length = SPANS[span]
    start = now.replace(minute=0, second=0, microsecond=0) - length * _BACK + length * number
    zone = timezone.get_current_timezone()
    return Window(start, start + length, lambda moment: moment.astimezone(zone))


def _ended(equipment: Mapping[str, Equipment], window: Window) -> list[Operation]:
    """Completed operations that were planned about then; the others are in nobody's plan."""
    around = (window.from_ts - timedelta(days=2), window.to_ts)
    ended = Operation.objects.filter(equipment__in=list(equipment), state=OperationState.COMPLETED.value, planned_start_ts__range=around)
    return list(ended.filter(actual_end_ts__gt=window.from_ts).select_related("order"))


def _changes(version: ScheduleVersion, ground: Ground, operations: Mapping[str, Operation]) -> list[ScheduleEntry]:
    entries = list(version.entries.order_by("planned_start_ts", "pk"))
    for entry in entries:  # what is at hand is not read again
        entry.equipment = ground.equipment.get(entry.equipment_id) or entry.equipment
        entry.operation = operations.get(entry.operation_id) or entry.operation
    return entries


def _proposal(
    version: ScheduleVersion,
    entries: list[ScheduleEntry],
    ground: Ground,
    operations: Mapping[str, Operation],
    ended: Iterable[Operation],
    rows: list[Row],
) -> dict[str, object]:
    """The open proposal, what it changes, and the plan as it would be then."""
    standing = [entry for entry in entries if entry.state == EntryState.PROPOSED.value]
    then = plan_of([*operations.values(), *ended], ground.now, {entry.operation_id: entry for entry in standing})
    begun = {key for key, each in operations.items() if each.actual_start_ts is not None}
    ways, hindsight = beside(version, begun) if version.source_id else ({}, "")
    return {
        "proposal": version,
        "ways": ways,
        "hindsight": hindsight,
        "changes": change_rows(entries),
        "reject_at": reverse("act", kwargs={"name": "schedule_entry.reject"}),
        "after": drawing_of(ground, inside(ground.window, then), rows, changes=entries),
        "late_after": late_orders(then),
        "overtaken": overtaken(standing, {**{entry.operation_id: entry.operation for entry in entries}, **operations}),
    }
