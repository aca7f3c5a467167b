"""Who may do what where: a role counts at its place and everything below it. Denied unless granted."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from factolake.domain.action import Role
from factolake.mes.people.models import Grant, Person


@dataclass(frozen=True, slots=True)
class Rights:
    """The grants of one person, read once a request."""

    grants: frozenset[tuple[Role, str]]

    def holds(self, roles: Iterable[Role], place: str) -> bool:
        """Whether one of `roles` is held at `place` (an equipment path; "" is the whole enterprise)."""
        wanted = frozenset(roles)
        return any(role in wanted and covers(scope, place) for role, scope in self.grants)

    def only(self, role: Role, place: str) -> "Rights":
        """No more than `role` at `place`, and that only where it is held; for a session on a station's terminal."""
        return Rights(frozenset({(role, place)}) if self.holds({role}, place) else frozenset())

    def visible(self, path_field: str) -> Q:
        """Condition for the rows whose path in `path_field` the person may read: any role there lets one read."""
        scopes = {scope for _, scope in self.grants}
        if "" in scopes:
            return Q()
        inside = [Q(**{path_field: scope}) | Q(**{f"{path_field}__startswith": f"{scope}/"}) for scope in sorted(scopes)]
        condition = Q(pk__in=())
        for one in inside:
            condition |= one
        return condition


NO_RIGHTS = Rights(frozenset())


def covers(scope: str, place: str) -> bool:
    """Whether a grant at `scope` counts at `place`: the place itself or below it."""
    return scope in ("", place) or place.startswith(f"{scope}/")


def rights_of(person: Person) -> Rights:
    """The person's grants as they are now; none for one who may not act any more."""
    if not person.is_active:
        return NO_RIGHTS
    return rights_among(Grant.objects.filter(person=person).values_list("role", "scope"))


def rights_among(grants: Iterable[tuple[str | None, str | None]]) -> Rights:
    """The rights of someone with these grants, each a role and a scope as stored; both None, as of one who has none, is no grant."""
    return Rights(frozenset((Role(role), scope) for role, scope in grants if role is not None and scope is not None))
