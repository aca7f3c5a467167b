"""For administrators: people with their roles and tokens, tablets, and the audit."""

from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from factolake.domain.action import Role
from factolake.mes.audit.resources import AUDITORS
from factolake.mes.core.action import ACTIONS
from factolake.mes.core.refusals import NotFound, Refusal
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.pages.access import page, said, show, who
from factolake.mes.pages.actions import ENROLLERS
from factolake.mes.pages.asking import actions_on, ask, making_actions, new_key
from factolake.mes.pages.search import begins
from factolake.mes.pages.signin import DEVICE_COOKIE, device_of
from factolake.mes.people.models import ApiToken, Grant, Person
from factolake.mes.people.secrets import new_token, token_hash

PAGE_SIZE = 50
TOKEN_DAYS = 365
_AUDIT_FILTERS = ("actor", "action", "subject")


@page(Role.ADMIN)
def people(request: HttpRequest) -> HttpResponse:
    """Everyone who acts, with their roles."""
    q = request.GET.get("q", "").strip()
    rows = Person.objects.filter(begins("person_id", q)) if q else Person.objects.all()
    after = request.GET.get("after", "")
    found = list((rows.filter(pk__gt=after) if after else rows).order_by("pk").prefetch_related("grants")[: PAGE_SIZE + 1])
    context = {
        "people": found[:PAGE_SIZE],
        "q": q,
        "next_after": found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else "",
        "making": making_actions("person", who(request).rights),
    }
    return show(request, "people", context)


@page(Role.ADMIN)
def person(request: HttpRequest, key: str) -> HttpResponse:
    """One person: roles, tokens, and what an administrator may do."""
    found = _person(key)
    rights = who(request).rights
    without = "person.enable" if found.is_active else "person.disable"
    context = {
        "one": found,
        "grants": Grant.objects.filter(person=found).order_by("scope", "role"),
        "tokens": ApiToken.objects.filter(person=found).order_by("-pk"),
        "actions": [each for each in actions_on(found, rights) if each.name not in ("api_token.create", without)],
        "has_badge": found.badge_hash is not None,
        "has_pin": bool(found.pin),
    }
    return show(request, "person", context)


@page(Role.ADMIN)
def token(request: HttpRequest, key: str) -> HttpResponse:
    """Make a token for a program that acts as the person; it is shown once and never again."""
    found = _person(key)
    if request.method != "POST":
        return show(request, "token", {"one": found, "once": new_key(), "actions_text": "", "days": TOKEN_DAYS})
    made, days = new_token(), request.POST.get("days", "")
    expires = timezone.now() + timedelta(days=int(days) if days.isascii() and days.isdecimal() and len(days) <= 4 else 0)
    typed = {name: request.POST.get(name, "").strip() for name in ("label", "actions")}
    try:
        ask(request, ACTIONS["api_token.create"], key, {**typed, "hash": token_hash(made), "expires_ts": expires.isoformat()})
    except Refusal as error:
        context = {"one": found, "once": new_key(), "label": typed["label"], "actions_text": typed["actions"], "days": days, "refusal": str(error)}
        return show(request, "token", context, error.status)
    return show(request, "token", {"one": found, "made": made})


@page(*ENROLLERS)
def devices(request: HttpRequest) -> HttpResponse:
    """Tablets at stations; the browser that enrols one becomes it."""
    rights = who(request).rights
    stations = visible(RESOURCES["equipment"], rights).filter(level__in=("ProductionLine", "WorkUnit"), is_active=True).order_by("path")
    context: dict[str, object] = {
        "devices": visible(RESOURCES["devices"], rights).select_related("equipment").order_by("equipment__path", "pk"),
        "stations": stations,
        "here": device_of(request),
        "once": new_key(),
    }
    if request.method != "POST":
        return show(request, "devices", context)
    made = new_token()
    typed = {name: request.POST.get(name, "") for name in ("label", "equipment_id")}
    try:
        ask(request, ACTIONS["device.create"], "", {**typed, "hash": token_hash(made)})
    except Refusal as error:
        return show(request, "devices", {**context, **typed, "refusal": str(error)}, error.status)
    said(request, f"This browser is now the tablet {typed['label']} at {typed['equipment_id']}; sign out to let people sign on with their badge.")
    answer = redirect("devices")
    answer.set_cookie(DEVICE_COOKIE, made, max_age=365 * 86400, secure=True, httponly=True, samesite="Strict")
    return answer


@page(*AUDITORS)
def audit(request: HttpRequest) -> HttpResponse:
    """What was done, newest first."""
    rows = visible(RESOURCES["audit"], who(request).rights)
    asked = {name: request.GET[name].strip() for name in _AUDIT_FILTERS if request.GET.get(name, "").strip()}
    before = request.GET.get("before", "")
    rows = rows.filter(**asked)
    if before.isascii() and before.isdecimal() and len(before) < 19:
        rows = rows.filter(number__lt=int(before))
    found = list(rows.order_by("-number")[: PAGE_SIZE + 1])
    context = {
        "entries": found[:PAGE_SIZE],
        "filters": [(name, asked.get(name, "")) for name in _AUDIT_FILTERS],
        "actions": sorted(ACTIONS),
        "older": urlencode({**asked, "before": found[PAGE_SIZE - 1].number}) if len(found) > PAGE_SIZE else "",
    }
    return show(request, "audit", context)


def _person(key: str) -> Person:
    found = Person.objects.filter(pk=key).first()
    if found is None:
        raise NotFound(f"there is no person {key}")
    return found
