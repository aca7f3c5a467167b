"""Plant time: pages show and take times in the time zone of their site. The record and the API stay in UTC."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from factolake.domain.calendar import plant_zone
from factolake.mes.core.principal import rights_in
from factolake.mes.core.refusals import Invalid
from factolake.mes.equipment.models import Equipment, EquipmentLevel
from factolake.mes.people.rights import covers

_API = "/api/"
_WITH_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$", re.ASCII)
_TYPED = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)


class PlantTime:
    """Makes the site's time zone the current one while a page is made."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in plant time; the API in UTC."""
        if request.path.startswith(_API):
            return self._get_response(request)
        with timezone.override(_zone_for(request)):
            return self._get_response(request)


def _zone_for(request: HttpRequest) -> tzinfo:
    """The zone of the site where the person has a role; of several, and for nobody, of the first."""
    sites = Equipment.objects.filter(level=EquipmentLevel.SITE.value).exclude(time_zone="").order_by("path").values_list("path", "time_zone")
    known = list(sites)
    if len(known) > 1 and request.user.is_authenticated:
        scopes = {scope for _, scope in rights_in(request).grants}
        known = [(path, name) for path, name in known if any(covers(path, scope) or covers(scope, path) for scope in scopes)] or known
    return plant_zone(known[0][1]) if known else UTC


def zone_name() -> str:
    """The current time zone as people know it."""
    zone = timezone.get_current_timezone()
    return "UTC" if zone is UTC else str(zone)


def shown(time: datetime) -> str:
    """A time to the minute, in plant time."""
    return f"{timezone.localtime(time):%Y-%m-%d %H:%M}"


def to_utc(text: str, chosen: str = "") -> str:
    """A time as it was typed in plant time, in UTC; one that has an offset, or is no time, stays for the form to judge.

    `chosen` is the offset meant where the clock shows the time twice. Raises Invalid for a time that the clock skips, or shows twice without that.
    """
    local = _parsed(text)
    if local is None:
        return text.strip()
    pair = offsets(local)
    if len(pair) == 1:
        return _utc(local, pair[0])
    shown = f"{local:%H:%M} on {local:%Y-%m-%d}"
    if not pair:
        raise Invalid(f"the clock never shows {shown} in {zone_name()}: it goes forward then; type the time it really was")
    if chosen not in pair:
        raise Invalid(f"the clock shows {shown} twice in {zone_name()}, since it goes back then; say which of the two it is")
    return _utc(local, chosen)


def choices(text: str) -> tuple[tuple[str, str], ...]:
    """For a typed time that the clock shows twice: the two offsets it may mean, with their words. Empty for every other."""
    local = _parsed(text)
    pair = offsets(local) if local is not None else ()
    return tuple((offset, f"the {word}, UTC{offset}") for offset, word in zip(pair, ("first", "second"), strict=True)) if len(pair) == 2 else ()


def offsets(local: datetime) -> tuple[str, ...]:
    """Offsets from UTC that the local time has: one, two when the clock goes back over it, none when it goes forward over it."""
    zone = timezone.get_current_timezone()
    found = []
    for fold in (0, 1):
        aware = local.replace(tzinfo=zone, fold=fold)
        if aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == local:
            found.append(aware.isoformat()[-len("+00:00") :])
    return tuple(dict.fromkeys(found))


def typed(value: str) -> str:
    """A time for an input of plant time: one with an offset turned, everything else as it is."""
    if not _WITH_OFFSET.search(value.strip()):
        return value
    try:
        time = timezone.localtime(datetime.fromisoformat(value.strip()))
    except (ValueError, OverflowError):
        return value
    return time.replace(tzinfo=None, microsecond=0).isoformat()


def _utc(local: datetime, offset: str) -> str:
    return datetime.fromisoformat(local.isoformat() + offset).astimezone(UTC).isoformat()


def _parsed(text: str) -> datetime | None:
    try:
        local = datetime.fromisoformat(text.strip()) if _TYPED.fullmatch(text.strip()) else None
    except ValueError:
        return None
    return local if local is not None and 1972 <= local.year < 9999 else None
