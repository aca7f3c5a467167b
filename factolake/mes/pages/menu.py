"""Where a person may go from every page."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import resolve, reverse

from factolake.mes.core.principal import STATION
from factolake.mes.pages.access import who

_ENTRIES = (
    ("terminals", "Stations"),
    ("boards", "Boards"),
    ("alerts", "Alerts"),
    ("signals", "Signals"),
    ("orders", "Orders"),
    ("schedules", "Schedule"),
    ("lots", "Lots"),
    ("quality", "Quality"),
    ("maintenance", "Maintenance"),
    ("materials", "Materials"),
    ("labels", "Labels"),
    ("approvals", "Approvals"),
    ("records", "Records"),
    ("people", "People"),
    ("devices", "Tablets"),
    ("audit", "Audit"),
    ("tools", "Tools"),
)
_AT_STATION = ("terminals", "boards", "alerts", "signals", "lots", "quality", "maintenance", "labels")


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the menu."""

    address: str
    text: str
    is_here: bool


def menu(request: HttpRequest) -> tuple[Entry, ...]:
    """The pages the person may open, in the order of the day."""
    held = {role for role, _ in who(request).rights.grants}
    entries = []
    for name, text in _ENTRIES:
        address = reverse(name)
        if resolve(address).func.roles & held and (STATION not in request.session or name in _AT_STATION):
            entries.append(Entry(address, text, request.path.startswith(address)))
    return tuple(entries)
