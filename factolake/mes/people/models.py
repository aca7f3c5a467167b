"""People, services and agents; the roles they hold where; the tokens of their programs."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from factolake.domain.action import ActorKind, Role
from factolake.mes.core.record import Record


class PersonManager(BaseUserManager["Person"]):
    """Django's own look-up of a person by the name they sign in with."""


class Person(AbstractBaseUser, Record):
    """Someone or something that acts. The id is the one the plant uses; no other personal data is kept."""

    NOUN = "person"
    SECRETS = frozenset({"password", "pin", "badge_hash", "last_login"})

    person_id = models.CharField(max_length=64, primary_key=True, db_comment="Id the person signs in with.")
    name = models.CharField(max_length=120, db_comment="As shown on pages.")
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in ActorKind], default=ActorKind.HUMAN.value)
    is_active = models.BooleanField(default=True, db_comment="False: may not sign in any more.")
    badge_hash = models.CharField(max_length=64, null=True, unique=True, db_comment="SHA-256 of the badge's number with the secret key, hex.")
    pin = models.CharField(max_length=128, db_comment="PIN, hashed as passwords are; empty: none.")
    same_as = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="accounts", db_comment="The same human's first account; null: this is it."
    )

    USERNAME_FIELD = "person_id"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        """In the order of ids."""

        ordering = ("person_id",)

    @property
    def place(self) -> str:
        """People belong to the enterprise."""
        return ""

    @property
    def human_id(self) -> str:
        """Who it is, whichever of their accounts they use: the id of the first one."""
        return self.same_as_id or self.person_id


class Grant(Record):
    """A role of a person at a place and everything below it."""

    NOUN = "grant"
    PLACE = "scope"

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="grants", db_comment="Who.")
    role = models.CharField(max_length=16, choices=[(r.value, r.value) for r in Role], db_comment="What they may be.")
    scope = models.CharField(max_length=240, blank=True, db_comment="Equipment path; empty is the whole enterprise.")

    class Meta:
        """Held once."""

        constraints = (models.UniqueConstraint(fields=("person", "role", "scope"), name="grant_once"),)


class ApiToken(Record):
    """A secret of a program that acts as a person or service. Only its hash is kept; it was shown once, when it was made."""

    NOUN = "api_token"
    SECRETS = frozenset({"hash"})

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="tokens", db_comment="As whom the program acts.")
    label = models.CharField(max_length=120, db_comment="What it is for.")
    hash = models.CharField(max_length=64, unique=True, db_comment="SHA-256 of the token, hex.")
    actions = models.TextField(db_comment="Actions it may ask for, separated by spaces: order.release, order.* or *; reading needs none.")
    expires_ts = models.DateTimeField(db_comment="From then on it opens nothing (UTC).")
    revoked_ts = models.DateTimeField(null=True, db_comment="When it was taken back (UTC).")
