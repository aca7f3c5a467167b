"""Two versions of a line's schedule side by side: what they come to, and which operations differ and why."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from factolake.mes.core.refusals import NotFound
from factolake.mes.equipment.models import Equipment
from factolake.mes.pages.access import page, show
from factolake.mes.pages.views.schedule import line_of
from factolake.mes.scheduling.comparing import compared
from factolake.mes.scheduling.models import ScheduleVersion
from factolake.mes.scheduling.present import equipment_of, open_operations
from factolake.mes.scheduling.versions import Stand, Stands, stands_after, stands_now

NOW = "now"
"""The plan of today, by its name in the address."""
_VERSIONS, _MOST = 50, 200


@page()
def compare(request: HttpRequest, line: str) -> HttpResponse:
    """`a` and `b` are versions, or now; at first the plan of today against the newest version."""
    found = line_of(request, line)
    versions = list(ScheduleVersion.objects.filter(line=found).select_related("based_on", "line").order_by("-number")[:_VERSIONS])
    first, second = request.GET.get("a", NOW), request.GET.get("b", versions[0].pk if versions else NOW)
    equipment = equipment_of(found)
    operations = open_operations(equipment)
    today = stands_now(operations.values())
    one, other = (_stands(found, key, versions, today) for key in (first, second))
    differing = [(key, one.get(key), other.get(key)) for key in sorted(one.keys() | other.keys()) if _differs(one.get(key), other.get(key))]
    context = {"line": found, "versions": versions, "a": first, "b": second, "rows": differing[:_MOST], "count": len(differing), "most": _MOST}
    return show(request, "schedule_compare", {**context, "measures": compared(found, equipment, operations, (one, other), timezone.now())})


def _stands(line: Equipment, key: str, versions: list[ScheduleVersion], today: Mapping[str, Stand]) -> Stands:
    if key == NOW:
        return dict(today)
    version = next((each for each in versions if each.pk == key), None)
    version = version or ScheduleVersion.objects.filter(line=line, pk=key).select_related("based_on", "line").first()
    if version is None:
        raise NotFound(f"there is no schedule {key} of line {line.pk}")
    return stands_after(version, today)


def _differs(one: Stand | None, other: Stand | None) -> bool:
    places = [each and (each.equipment_id, each.start_ts, each.end_ts) for each in (one, other)]
    return places[0] != places[1]
