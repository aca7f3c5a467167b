"""What every table of the record shares: a natural key, a version that grows with each change, the place it belongs to."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models

JsonValue = str | int | float | bool | None


class Record(models.Model):
    """A row of the record. Rows change only inside an action (`core.action`), which audits them and tells the lake.

    `NOUN` names the kind in actions, audit and events. `PLACE` is the lookup of the equipment path that rights are asked for; "" means the
    whole enterprise. `OWNER` is the foreign key of the row that is locked before this one, so that nobody waits in a circle. `SECRETS` are
    columns whose values neither audit nor lake may see.
    """

    NOUN: ClassVar[str]
    PLACE: ClassVar[str] = ""
    OWNER: ClassVar[str] = ""
    SECRETS: ClassVar[frozenset[str]] = frozenset()

    version = models.PositiveIntegerField(default=1, db_comment="Grows by one with each change; the ETag of the API.")
    changed_ts = models.DateTimeField(db_comment="When the row was last changed (UTC).")

    class Meta:
        """No table of its own."""

        abstract = True

    def __str__(self) -> str:
        return f"{self.NOUN} {self.pk}"

    @property
    def place(self) -> str:
        """Path of the equipment the row belongs to; "" is the whole enterprise."""
        value: Any = self
        for step in filter(None, self.PLACE.split("__")):
            value = getattr(value, step)
            if value is None:
                return ""
        return "" if value is self else str(value)


def steps_to_place(model: type[Record]) -> tuple[str, ...]:
    """The foreign keys from a row to the equipment it belongs to, as one lookup; none where it has its own path, or its owner knows."""
    lookup, _, _ = model.PLACE.rpartition("__")
    return () if not lookup or lookup.partition("__")[0] == model.OWNER else (lookup,)


def snapshot(row: Record) -> dict[str, JsonValue]:
    """The row's columns as plain JSON values: decimals as text, times in ISO 8601 UTC, foreign keys by their column name, no secrets."""
    return shown(columns(row), row.SECRETS)


def shown(values: Mapping[str, object], secrets: frozenset[str]) -> dict[str, JsonValue]:
    """A row's columns as plain JSON values, without secrets."""
    return {name: plain(value) for name, value in values.items() if name not in secrets}


def columns(row: models.Model) -> dict[str, object]:
    """The row's columns as they are."""
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def plain(value: object) -> JsonValue:
    """A column's value for JSON. Raises TypeError for a kind of value that no column has."""
    if value is None or isinstance(value, (bool, int, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, float):
        return value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form here")
