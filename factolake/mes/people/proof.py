"""Proof, in the middle of a session, that it is still the person themselves: their password once more, counted like a sign-in that fails."""

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.http import HttpRequest

from factolake.mes.core.refusals import NotAllowed
from factolake.mes.people.models import Person


class NotProven(NotAllowed):
    """The password was wrong. The failure is kept when everything else is rolled back, so that guessing ends in a lockout."""

    def __init__(self, message: str, person: Person) -> None:
        super().__init__(message)
        self._person = person

    def after_rollback(self) -> None:
        """Count it against the person."""
        AxesProxyHandler.user_login_failed(Person, _credentials(self._person), _request())


def prove(person: Person, password: str, purpose: str) -> None:
    """Raise NotAllowed when the password is missing, NotProven when it is wrong, for a person who is not locked out."""
    if not password:
        raise NotAllowed(f"{purpose} takes your password once more; send it as password")
    if not AxesProxyHandler.is_allowed(_request(), _credentials(person)):
        raise NotAllowed(f"{person.person_id} is locked out after too many wrong passwords; try again later")
    if not person.check_password(password):
        raise NotProven(f"the password is not {person.person_id}'s; try again", person)


def _credentials(person: Person) -> dict[str, str]:
    return {settings.AXES_USERNAME_FORM_FIELD: person.person_id}


def _request() -> HttpRequest:
    """What axes wants to see: failures count by person, so the station does not matter."""
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = "127.0.0.1"
    return request
