"""Signing in with a password, signing on at a station, signing out, and naming the first administrator."""

from contextlib import suppress
from functools import wraps

from django.contrib.auth import authenticate, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from factolake.domain.action import Role
from factolake.mes.core.rate import SIGN_IN_RATE, RateLimit
from factolake.mes.core.refusals import Refusal, TooOften
from factolake.mes.pages import setup
from factolake.mes.pages.access import View, local, open_page, refused, show
from factolake.mes.pages.badges import holder
from factolake.mes.pages.models import Device
from factolake.mes.pages.presence import arrive, leave
from factolake.mes.pages.sessions import begin
from factolake.mes.people.rights import rights_of
from factolake.mes.people.secrets import token_hash

NOT_SIGNED_IN = "That did not match, or there were too many tries: try again, or wait 15 minutes."
"""The one answer to a wrong, an unknown and a locked person, so that nobody learns which it was."""
DEVICE_COOKIE = "__Host-factomes-device"
_ID_LENGTH = 64


def rarely(view: View) -> View:
    """What is sent to `view` is looked at so many times a minute for one person, whoever they claim to be; opening it is not counted."""
    limit = RateLimit(view.__name__, SIGN_IN_RATE, _claimed)

    @wraps(view)
    def limited(request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and not limit.allow_request(request):
            wait = f"{limit.wait():.0f}"
            answer = refused(request, TooOften(f"that was tried too often; wait {wait} s and try again"))
            answer["Retry-After"] = wait
            return answer
        return view(request)

    return limited


def _claimed(request: HttpRequest) -> str:
    return (request.POST.get("badge", "") or request.POST.get("username", "")).strip()[:_ID_LENGTH].lower()


@open_page
@rarely
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with id and password."""
    where = local(request, request.POST.get("next") or request.GET.get("next", ""), reverse("start"))
    if request.method != "POST":
        if setup.is_open():
            return redirect("setup")
        return show(request, "login", {"next": where, "device": device_of(request)})
    person_id = request.POST.get("username", "").strip()
    person = authenticate(request, username=person_id, password=request.POST.get("password", "")) if 0 < len(person_id) <= _ID_LENGTH else None
    if person is None:
        return show(request, "login", {"next": where, "refusal": NOT_SIGNED_IN, "person_id": person_id, "device": device_of(request)}, 403)
    begin(request, person)
    return redirect(where)


@require_POST
@open_page
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out; on a station's tablet the next person signs on."""
    device = device_of(request)
    if device is not None:
        with suppress(Refusal):  # whoever may not act here any more signs out all the same
            leave(request, device)
    logout(request)
    return redirect("sign_on" if device else "login")


@open_page
@rarely
def sign_on(request: HttpRequest) -> HttpResponse:
    """Sign on at the station this tablet stands at, with a badge or with id and PIN."""
    device = device_of(request)
    if device is None:
        return redirect("login")
    if request.method != "POST":
        return show(request, "sign_on", {"device": device})
    badge, pin = request.POST.get("badge", "").strip(), request.POST.get("password", "")
    scanned = holder(badge) if badge else None
    if scanned is not None and scanned.pin and not pin:
        return show(request, "sign_on", {"device": device, "badge": badge})  # a scan alone is no wrong try
    person_id = scanned.person_id if scanned else request.POST.get("username", "").strip() or "?"
    person = authenticate(request, username=person_id, badge_secret=badge, pin_secret=pin) if len(person_id) <= _ID_LENGTH else None
    refusal = NOT_SIGNED_IN
    if person is not None and not rights_of(person).holds({Role.OPERATOR}, device.equipment.path):
        refusal, person = f"{person.person_id} is no operator at {device.equipment_id}; ask an administrator for the role.", None
    if person is None:
        return show(request, "sign_on", {"device": device, "refusal": refusal, "badge": badge if scanned else ""}, 403)
    begin(request, person, device)
    arrive(request, person, device)
    return redirect("terminal", station=device.equipment_id)


@open_page
@rarely
def first_admin(request: HttpRequest) -> HttpResponse:
    """Name the first administrator, with the code that only the server's owner can read."""
    if not setup.is_open():
        return redirect("login")
    if request.method != "POST":
        setup.setup_code()
        return show(request, "setup")
    asked = {name: request.POST.get(name, "") for name in ("person_id", "name")}
    try:
        setup.check_code(request.POST.get("code", ""))
        if request.POST.get("password", "") != request.POST.get("again", ""):
            return show(request, "setup", {**asked, "refusal": "the two passwords differ; type them again"}, 422)
        person = setup.make_first_admin(asked["person_id"], asked["name"], request.POST.get("password", ""), "page")
    except Refusal as error:
        return show(request, "setup", {**asked, "refusal": str(error)}, error.status)
    person.backend = "django.contrib.auth.backends.ModelBackend"
    begin(request, person)
    return redirect("start")


def device_of(request: HttpRequest) -> Device | None:
    """The enrolled tablet the request comes from; None for any other browser."""
    token = request.COOKIES.get(DEVICE_COOKIE)
    return Device.objects.select_related("equipment").filter(hash=token_hash(token), revoked_ts=None).first() if token else None


def locked(request: HttpRequest, response: HttpResponse, credentials: object) -> HttpResponse:
    """A locked person gets the answer of a wrong password."""
    return response
