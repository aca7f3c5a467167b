"""Alerts: the count in the head of every page, what is open, one alert with its history, and what was closed lately."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from factolake.mes.alerts.actions.alerts import SHOP
from factolake.mes.alerts.inbox import count_of, of_person
from factolake.mes.alerts.kinds import KINDS, AlertKind, Severity
from factolake.mes.alerts.models import Alert, AlertState
from factolake.mes.alerts.raising import BY_HAND
from factolake.mes.alerts.telling import told_as
from factolake.mes.core.refusals import NotFound
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.pages.access import page, show, who
from factolake.mes.pages.asking import actions_on, new_key
from factolake.mes.pages.views.act import address_of

SHOWN = 100
PARTS = 50
_LAMPS = {Severity.SAFETY.value: "bad", Severity.URGENT.value: "wait", Severity.WARNING.value: "busy", Severity.NOTICE.value: "idle"}
"""Colour of a severity; it is also said in words."""
_WORST_FIRST = [each.value for each in reversed(Severity)]


@dataclass(frozen=True, slots=True)
class Shown:
    """One alert on the page. `may`: whether the person may acknowledge it; `is_mine`: whether they were told."""

    alert: Alert
    title: str
    lamp: str
    address: str
    may: bool
    is_mine: bool


@page()
def alerts(request: HttpRequest) -> HttpResponse:
    """Open alerts: those the person was told of first, then all that they may see; or, asked for, what was closed last."""
    if request.GET.get("show") == "history":
        closed = _visible(request).filter(state=AlertState.CLOSED.value).order_by("-closed_ts")[:SHOWN]
        return show(request, "alerts", {"history": [_shown(request, each, set()) for each in closed]})
    mine = set(of_person(who(request).person.person_id).values_list("pk", flat=True))
    not_closed = Alert.objects.filter(Q(pk__in=mine) | Q(pk__in=_visible(request).values("pk")), part_of=None).exclude(state=AlertState.CLOSED.value)
    found = sorted(not_closed.select_related("raised_by", "acknowledged_by").order_by("-pk")[:SHOWN], key=_rank)
    rows = [_shown(request, each, mine) for each in found]
    context = {"mine": [each for each in rows if each.is_mine], "others": [each for each in rows if not each.is_mine], "once": new_key()}
    return show(request, "alerts_live" if request.GET.get("part") == "live" else "alerts", context)


@page()
def alert(request: HttpRequest, key: str) -> HttpResponse:
    """One alert: what, who was told in which step, what was done."""
    number = int(key) if key.isdecimal() and len(key) < 19 else -1
    mine = {number} if Alert.objects.filter(pk=number, notices__person=who(request).person).exists() else set()
    found = Alert.objects.filter(pk=number).filter(Q(pk__in=mine) | Q(pk__in=_visible(request).values("pk"))).first()
    if found is None:
        raise NotFound(f"there is no alert {key}")
    history = found.history.select_related("person")
    actions = [] if found.state == AlertState.CLOSED.value else actions_on(found, who(request).rights)
    context = {"one": _shown(request, found, mine), "history": history, "actions": actions, "parts": found.parts.order_by("pk")[:PARTS]}
    return show(request, "alert", {**context, "once": new_key()})


@page()
def bell(request: HttpRequest) -> HttpResponse:
    """The count in the head of a page, which the page asks for by itself."""
    return show(request, "bell", {"bell": count_of(who(request).person.person_id)})


def _visible(request: HttpRequest) -> "QuerySet[Alert]":
    return visible(RESOURCES["alerts"], who(request).rights)


def _rank(one: Alert) -> tuple[bool, int]:
    return (one.state != AlertState.OPEN.value, _WORST_FIRST.index(one.severity))


def _shown(request: HttpRequest, one: Alert, mine: set[int]) -> Shown:
    principal = who(request)
    is_own = one.raised_by.human_id == principal.person.human_id and AlertKind(one.kind) in BY_HAND
    may = one.state == AlertState.OPEN.value and not is_own and principal.rights.holds(SHOP, one.place_path)
    noun, _, key = one.about.partition(" ")
    address = address_of(request, noun, key) if key else ""
    return Shown(one, KINDS[told_as(one)].title, _LAMPS[one.severity], address, may, one.pk in mine)
