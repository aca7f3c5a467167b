"""Signing on at a station: a badge, with the person's PIN where one is set, or id and PIN. Wrong ones count against the person, never the station."""

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest

from factolake.domain.action import ActorKind
from factolake.mes.people.models import Person
from factolake.mes.people.secrets import badge_hash


class BadgeBackend(BaseBackend):
    """Recognises a person by badge and PIN; `password` is what Django calls neither of them, so that logs mask both."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, badge_secret: str | None = None, pin_secret: str | None = None
    ) -> Person | None:
        """The person `username` when badge or PIN prove it: a PIN that is set has to be right, and without a PIN the badge has to be theirs."""
        if badge_secret is None or pin_secret is None:
            return None
        person = Person.objects.filter(pk=username, kind=ActorKind.HUMAN.value).first()
        if person is None:
            make_password(pin_secret)  # as long as a check takes, so that the time does not tell who is known
            return None
        has_badge = bool(badge_secret) and person.badge_hash == badge_hash(badge_secret)
        is_proven = check_password(pin_secret, person.pin) if person.pin else has_badge
        return person if is_proven and person.is_active else None

    def get_user(self, user_id: str) -> Person | None:
        """The person of a session; None once they are disabled."""
        return Person.objects.filter(pk=user_id, is_active=True).first()


def holder(badge: str) -> Person | None:
    """The person whose badge was scanned; None for a badge of nobody."""
    return Person.objects.filter(badge_hash=badge_hash(badge), kind=ActorKind.HUMAN.value).first()
