"""Signing on at a station's tablet counts as being there, so that the station's alerts reach who is there; signing out ends it."""

from django.http import HttpRequest
from django.utils import timezone

from factolake.domain.action import Role
from factolake.mes.core.action import ACTIONS, Request, parse_form, perform
from factolake.mes.core.api import request_id
from factolake.mes.core.call import Call
from factolake.mes.pages.models import Device
from factolake.mes.people.models import Person
from factolake.mes.people.rights import rights_of
from factolake.mes.personnel.models import Presence


def arrive(request: HttpRequest, person: Person, device: Device) -> None:
    """The person is at the tablet's station from now on."""
    _perform(request, person, device, "presence.create", "", {"equipment_id": device.equipment_id})


def leave(request: HttpRequest, device: Device) -> None:
    """Whoever is signed on leaves the tablet's station."""
    person = request.user
    if isinstance(person, Person):
        here = Presence.objects.filter(person=person, equipment=device.equipment, to_ts__gt=timezone.now()).values_list("pk", flat=True)
        for key in list(here):
            _perform(request, person, device, "presence.end", str(key), {})


def _perform(request: HttpRequest, person: Person, device: Device, name: str, key: str, payload: dict[str, str]) -> None:
    action = ACTIONS[name]
    rights = rights_of(person).only(Role.OPERATOR, device.equipment.path)
    perform(Call(person, timezone.now(), "page", request_id=request_id(request)), Request(action, key, parse_form(action, payload)), rights)
