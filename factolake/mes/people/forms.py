"""What actions on people are asked with."""

from typing import Annotated

from pydantic import Field

from factolake.domain.action import ActorKind, Role
from factolake.mes.core.action import Form
from factolake.mes.core.moments import Moment

PersonId = Annotated[str, Field(min_length=2, max_length=64, pattern=r"^[^\s/:]+$", description="Id to sign in with: no blank, / or :.")]


class PersonForm(Form):
    """A new person, service or agent. People sign in with the password; services and agents have tokens instead."""

    person_id: PersonId
    name: str = Field(min_length=1, max_length=120)
    kind: ActorKind = ActorKind.HUMAN
    password: str = Field(default="", max_length=1024)
    same_as_id: PersonId | None = Field(default=None, description="Another account of the same human; where two have to agree, they are one.")


class LinkForm(Form):
    """Whose account it is; null: nobody else's."""

    same_as_id: PersonId | None = None


class PasswordForm(Form):
    """A new password."""

    password: str = Field(max_length=1024)


class BadgeForm(Form):
    """Badge number and PIN for a station's terminal; an empty one takes it away."""

    badge: str = Field(default="", max_length=120)
    pin: str = Field(default="", max_length=12, pattern=r"^(\d{4,12})?$")


class GrantForm(Form):
    """A role at a place and everything below it."""

    person_id: PersonId
    role: Role
    scope_id: str = Field(default="", max_length=64, description="Equipment id; empty is the whole enterprise.")


class TokenForm(Form):
    """A token for a program that acts as the person."""

    label: str = Field(min_length=1, max_length=120)
    actions: str = Field(default="", max_length=2000, pattern=r"^$|^(\*|[a-z_]+\.(\*|[a-z_]+))( (\*|[a-z_]+\.(\*|[a-z_]+)))*$")
    expires_ts: Moment
    hash: str = Field(min_length=64, max_length=64, pattern="^[0-9a-f]{64}$", description="SHA-256 of the token, hex.")
