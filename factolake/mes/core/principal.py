"""Who asks: a person signed in on a page, or a program with a token. Everything else is nobody."""

from dataclasses import dataclass

from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer
from ninja.security import SessionAuth as NinjaSession

from factolake.domain.action import Role
from factolake.mes.core.refusals import NotAllowed
from factolake.mes.people.models import ApiToken, Person
from factolake.mes.people.rights import Rights, rights_among, rights_of
from factolake.mes.people.secrets import token_hash

STATION = "station"
"""Key in a session that began on a station's terminal: the station's equipment path."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, what they may do, and over which way."""

    person: Person
    rights: Rights
    via: str
    allowed_actions: tuple[str, ...] = ("*",)

    def check_token(self, action: str) -> None:
        """Raise NotAllowed when the token does not reach to `action`."""
        noun = action.partition(".")[0]
        if not {"*", f"{noun}.*", action} & set(self.allowed_actions):
            raise NotAllowed(f"this token does not allow {action}; it allows {' '.join(self.allowed_actions) or 'reading'}")


class TokenAuth(HttpBearer):
    """`Authorization: Bearer fmes_...`."""

    openapi_description = "A token made by an administrator; it acts as its person or service."

    def authenticate(self, request: HttpRequest, token: str) -> Principal | None:
        """The token's principal; None for one that is unknown, expired or taken back."""
        known = ApiToken.objects.select_related("person").filter(hash=token_hash(token), revoked_ts=None, expires_ts__gt=timezone.now())
        held = list(known.annotate(role=F("person__grants__role"), scope=F("person__grants__scope")))  # the token once for each grant
        if not held or not held[0].person.is_active:
            return None
        rights = rights_among((one.role, one.scope) for one in held)
        return Principal(held[0].person, rights, "api", tuple(held[0].actions.split()))


class SessionAuth(NinjaSession):
    """The session of a page, with CSRF token."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Principal | None:
        """The session's principal."""
        person = request.user
        if not isinstance(person, Person) or not person.is_active:
            return None
        return Principal(person, rights_in(request), "page")


def rights_in(request: HttpRequest) -> Rights:
    """The signed-in person's rights; in a session on a station's terminal only an operator's at that station."""
    rights, station = rights_of(request.user), request.session.get(STATION)
    return rights if station is None else rights.only(Role.OPERATOR, station)
