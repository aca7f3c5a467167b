"""Sessions: renewed when somebody signs in, ended after 12 hours, after 8 idle ones, with the person, and with the station's device."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.auth import SESSION_KEY, login, logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from factolake.mes.core.principal import STATION
from factolake.mes.pages.models import Device
from factolake.mes.people.models import Person

LONGEST = timedelta(hours=12)
"""A shift and its handover; the idle limit is Django's SESSION_COOKIE_AGE."""
TOUCH_AFTER = timedelta(minutes=5)
"""A session's last use is written down at most this often: one write in five minutes, not one a click."""
_BEGAN, _USED, _DEVICE = "began", "used", "device"


def begin(request: HttpRequest, person: Person, device: Device | None = None) -> None:
    """Start a session under a new key; with `device` it reaches no further than an operator at its station."""
    request.session.flush()
    login(request, person)
    now = timezone.now().isoformat()
    request.session[_BEGAN] = request.session[_USED] = now
    if device is not None:
        request.session[_DEVICE] = device.pk
        request.session[STATION] = device.equipment.path


def is_polling(request: HttpRequest) -> bool:
    """Whether a page asks by itself: that is no use of the session by a person."""
    return request.headers.get("HX-Request") == "true" and request.method == "GET"


class SessionLimits:
    """Ends sessions that are too old or whose device or person was taken back; keeps count of the last use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Check, then answer."""
        if SESSION_KEY in request.session:
            if not request.user.is_authenticated or is_over(request):
                logout(request)
            elif not is_polling(request) and timezone.now() - _time(request, _USED) > TOUCH_AFTER:
                request.session[_USED] = timezone.now().isoformat()
        return self._get_response(request)


def is_over(request: HttpRequest) -> bool:
    """Whether the session is too old, or its device or the device's station was taken back."""
    if timezone.now() - _time(request, _BEGAN) > LONGEST:
        return True
    device = request.session.get(_DEVICE)
    return device is not None and not Device.objects.filter(pk=device, revoked_ts=None, equipment__path=request.session[STATION]).exists()


def _time(request: HttpRequest, name: str) -> datetime:
    held = request.session.get(name)
    return datetime.fromisoformat(held) if held else datetime.min.replace(tzinfo=timezone.get_current_timezone())
