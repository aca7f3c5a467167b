"""What the plan asks of each machine of a line, shift by shift."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from itertools import pairwise

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from factolake.mes.core.refusals import Invalid
from factolake.mes.pages.access import page, show
from factolake.mes.pages.load_chart import Slot, draw_load, loads, percent
from factolake.mes.pages.plan_rows import plan_of
from factolake.mes.pages.views.schedule import line_of
from factolake.mes.scheduling.calendar import pauses, shifts
from factolake.mes.scheduling.present import equipment_of, open_operations
from factolake.mes.scheduling.situation import open_spans
from factolake.planning.situation import Span

DAYS = {"3d": 3, "week": 7}
"""How many days are shown, by name; a day is a day of the plant's clock."""
USUAL = "3d"


@page()
def load(request: HttpRequest, line: str) -> HttpResponse:
    """Planned against open hours of every machine from the present shift on."""
    found, span = line_of(request, line), request.GET.get("span", USUAL)
    if span not in DAYS:
        raise Invalid(f"span is {span}; give {', '.join(DAYS)}")
    now = timezone.now()
    slots = slots_of(found.pk, now, DAYS[span])
    equipment = equipment_of(found)
    work: dict[str, list[Span]] = defaultdict(list)
    for each in plan_of(open_operations(equipment).values(), now):
        work[each.equipment_id].append((max(each.start_ts, now), each.end_ts))
    machines = [(key, one.name) for key, one in equipment.items() if key in work or (key != found.pk and one.is_active)]
    rows = loads(slots, machines, _opened(found.pk, [key for key, _ in machines], max(slots[0].from_ts, now), slots[-1].to_ts), work)
    shown = [(each, [(cell, percent(cell.share)) for cell in each.cells]) for each in rows]
    drawn = {"drawing": draw_load(slots, rows), "slots": slots, "rows": shown}
    return show(request, "schedule_load", {"line": found, "span": span, "spans": DAYS, **drawn})


def slots_of(line_id: str, now: datetime, days: int) -> list[Slot]:
    """The line's shifts from the present one on, those that begin within so many days; days where it has no shifts."""
    zone = timezone.get_current_timezone()
    windows = [each for each in shifts(line_id, now, now + timedelta(days=days)) if each.from_ts < now + timedelta(days=days)]
    if windows:
        return list(_named((each.shift, each.production_day.strftime("%a %d %b"), each.from_ts, each.to_ts) for each in windows))
    first = now.astimezone(zone).date()
    midnights = [datetime.combine(first + timedelta(days=number), time(), zone) for number in range(days + 1)]
    return [Slot("day", f"{one:%a %d %b}", one, other) for one, other in pairwise(midnights)]


def _named(windows: Iterable[tuple[str, str, datetime, datetime]]) -> Iterator[Slot]:
    """Slots whose day is told once, above its first shift."""
    before = ""
    for title, day, from_ts, to_ts in windows:
        yield Slot(title, day, from_ts, to_ts, is_first=day != before)
        before = day


def _opened(line_id: str, machines: Iterable[str], from_ts: datetime, to_ts: datetime) -> dict[str, tuple[Span, ...]]:
    found = pauses(line_id, from_ts, to_ts)
    return {machine: open_spans([each for each in found if each.machine in ("", machine)], from_ts, to_ts) for machine in machines}
