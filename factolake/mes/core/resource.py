"""What can be read: each kind of row declared once, with its columns and filters. Lists, single rows and their OpenAPI forms are derived."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet

from factolake.domain.action import Role
from factolake.mes.core.record import JsonValue, plain
from factolake.mes.core.refusals import Invalid, NotAllowed, NotFound
from factolake.mes.people.rights import Rights

MAX_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Resource:
    """Rows of `model` under `collection` in the address. `filters` are columns a caller may ask for by equality.

    `path_field` is the lookup of the equipment path that decides who sees a row; "" lets everyone with any role see all.
    """

    collection: str
    model: type[models.Model]
    filters: tuple[str, ...] = ()
    path_field: str = ""
    roles: frozenset[Role] = frozenset(Role)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are shown: all but secrets."""
        return tuple(f.attname for f in self.model._meta.concrete_fields if f.attname not in getattr(self.model, "SECRETS", ()))

    @property
    def noun(self) -> str:
        """What one row is called."""
        return str(getattr(self.model, "NOUN", self.model.__name__))


RESOURCES: dict[str, Resource] = {}
"""Every resource by its collection; filled when the apps' `resources` modules are loaded."""


def resource(
    collection: str, model: type[models.Model], filters: Sequence[str] = (), path_field: str | None = None, roles: frozenset[Role] = frozenset(Role)
) -> Resource:
    """Declare that rows of `model` can be read by holders of `roles`, of any role unless said.

    Raises ValueError when the collection is taken or a filter is no column.
    """
    where = getattr(model, "PLACE", "") if path_field is None else path_field
    declared = Resource(collection, model, tuple(filters), where, roles)
    strangers = set(filters) - set(declared.columns)
    if collection in RESOURCES or strangers:
        raise ValueError(f"resource {collection} is declared twice or filters by {sorted(strangers)}, which are no columns of it")
    RESOURCES[collection] = declared
    return declared


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order of their keys; `next_after` is the key to go on after, None at the end."""

    items: list[dict[str, JsonValue]]
    next_after: JsonValue


def page(declared: Resource, rights: Rights, filters: Mapping[str, str], after: str | None, limit: int) -> Page:
    """At most `limit` rows (1 to 500) with keys behind `after` that the person may see; an empty filter finds rows without a value.

    Raises Invalid for a filter that is none.
    """
    strangers = set(filters) - set(declared.filters)
    if strangers:
        raise Invalid(f"{declared.collection} cannot be filtered by {sorted(strangers)[0]!r}; filters are {', '.join(declared.filters) or 'none'}")
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid(f"limit is {limit}; allowed: 1 to {MAX_LIMIT}")
    rows = visible(declared, rights)
    try:
        rows = rows.filter(**dict(_condition(declared, name, value) for name, value in filters.items()))
        rows = rows.filter(pk__gt=after) if after else rows
    except (ValueError, TypeError, ValidationError) as error:
        raise Invalid(f"a filter of {declared.collection} has no such value: {error}") from error
    found = list(rows.order_by("pk").values(*declared.columns)[: limit + 1])
    items = [{name: plain(value) for name, value in row.items()} for row in found[:limit]]
    return Page(items, plain(found[limit - 1][_pk(declared)]) if len(found) > limit else None)


def one(declared: Resource, rights: Rights, key: str) -> dict[str, JsonValue]:
    """The row with primary key `key`. Raises NotFound when there is none the person may see."""
    try:
        row: dict[str, Any] | None = visible(declared, rights).filter(pk=key).values(*declared.columns).first()
    except (ValueError, TypeError):
        row = None
    if row is None:
        raise NotFound(f"there is no {declared.noun} {key}")
    return {name: plain(value) for name, value in row.items()}


def _condition(declared: Resource, name: str, value: str) -> tuple[str, object]:
    """The lookup of a filter. Truth values are written as in JSON."""
    column = declared.model._meta.get_field(name)
    if value == "" and column.null:
        return f"{name}__isnull", True
    truth = {"true": True, "false": False}
    return name, truth.get(value, value) if isinstance(column, models.BooleanField) else value


def _pk(declared: Resource) -> str:
    pk = declared.model._meta.pk
    assert pk is not None
    return str(pk.attname)


def visible(declared: Resource, rights: Rights) -> "QuerySet[Any]":
    """The rows the person may see. Raises NotAllowed for one who holds none of the resource's roles."""
    rows = declared.model._default_manager.all()
    allowed = Rights(frozenset((role, scope) for role, scope in rights.grants if role in declared.roles))
    if not allowed.grants:
        wanted = "any role" if declared.roles == frozenset(Role) else "the role " + " or ".join(sorted(role.value for role in declared.roles))
        raise NotAllowed(f"{declared.collection} are read with {wanted}; ask an administrator for it")
    return rows.filter(allowed.visible(declared.path_field) if declared.path_field else Q())
