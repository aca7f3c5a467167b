"""Who is on shift at a place: planned there now, or signed on at a station. The one answer for alerts and whoever else asks."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from factolake.domain.action import ActorKind, Role
from factolake.mes.people.models import Grant
from factolake.mes.people.rights import covers
from factolake.mes.personnel.models import Presence, ShiftAssignment
from factolake.mes.quality.good_checks import below
from factolake.mes.quality.scope import paths_above

_PERSON = {"person__is_active": True, "person__kind": ActorKind.HUMAN.value}


def on_shift(roles: Iterable[Role], place: str, now: datetime) -> list[str]:
    """Ids of the people on shift as one of `roles` at `place`, below it or at what it lies in; "" is the whole enterprise.

    Who is planned counts as what they are planned for; who has signed on at a station, as everything they are there.
    """
    wanted = frozenset(roles)
    is_now = {"from_ts__lte": now, "to_ts__gt": now}
    near = Q(equipment__path__in=paths_above(place)) | below("equipment__path", place) if place else Q()
    planned = ShiftAssignment.objects.filter(near, role__in=[role.value for role in wanted], **is_now, **_PERSON)
    found = set(planned.values_list("person_id", flat=True))
    present = list(Presence.objects.filter(near, **is_now, **_PERSON).values_list("person_id", "equipment__path"))
    held = _grants([person for person, _ in present])
    found.update(person for person, at in present if any(role in wanted and covers(scope, at) for role, scope in held.get(person, ())))
    return sorted(found)


def holders(roles: Iterable[Role], place: str) -> list[str]:
    """Ids of all people who hold one of `roles` at `place`, on shift or not."""
    wanted = [role.value for role in roles]
    scopes = ["", *(paths_above(place) if place else ())]
    return sorted(set(Grant.objects.filter(role__in=wanted, scope__in=scopes, **_PERSON).values_list("person_id", flat=True)))


def _grants(people: list[str]) -> dict[str, list[tuple[Role, str]]]:
    held: dict[str, list[tuple[Role, str]]] = {}
    for person, role, scope in Grant.objects.filter(person__in=people).values_list("person_id", "role", "scope"):
        held.setdefault(person, []).append((Role(role), scope))
    return held
