"""One action under way: who asked, when, and the only way to write rows. What it writes is audited and goes to the lake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from factolake.mes.core.record import JsonValue, Record, columns, snapshot
from factolake.mes.core.refusals import Conflict
from factolake.mes.people.models import Person

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Change:
    """A row before (None: it was made) and after (None: it was taken away) an action."""

    noun: str
    object_id: str
    before: dict[str, JsonValue] | None
    after: dict[str, JsonValue] | None

    def as_json(self) -> dict[str, object]:
        """For the audit: only the columns that changed."""
        if self.after is None:
            return {"noun": self.noun, "id": self.object_id, "before": self.before, "after": None}
        changed = self.after if self.before is None else {name: value for name, value in self.after.items() if self.before.get(name) != value}
        before = None if self.before is None else {name: self.before.get(name) for name in changed}
        return {"noun": self.noun, "id": self.object_id, "before": before, "after": changed}


@dataclass(slots=True)
class Call:
    """Who asks for an action and when; collects what it changed.

    `approval` is the id of the approved proposal that an action of the highest class came with.
    """

    actor: Person
    at_ts: datetime
    via: str = "api"
    reason: str = ""
    request_id: str = ""
    approval: str = ""
    changes: list[Change] = field(default_factory=list)

    def create(self, row: R) -> R:
        """Insert `row`. Raises Conflict when one with its key is there already or it points at nothing."""
        row.changed_ts = self.at_ts
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise Conflict(f"{row.NOUN} {row.pk or ''} cannot be made: {_cause(error)}") from error
        self.changes.append(Change(row.NOUN, str(row.pk), None, snapshot(row)))
        return row

    def change(self, row: R, **values: Any) -> R:
        """Set columns of `row` and store it; nothing is written when all are the same already. Raises Conflict as `create` does."""
        before, held = snapshot(row), columns(row)
        for name, value in values.items():
            setattr(row, name, value)
        if columns(row) == held:
            return row
        row.version += 1
        row.changed_ts = self.at_ts
        try:
            with transaction.atomic():
                row.save(force_update=True)
        except IntegrityError as error:
            raise Conflict(f"{row.NOUN} {row.pk} cannot be changed so: {_cause(error)}") from error
        self.changes.append(Change(row.NOUN, str(row.pk), before, snapshot(row)))
        return row

    def remove(self, row: R) -> R:
        """Delete `row`. Only for what says how things are now, such as grants: facts are reversed, never removed."""
        self.changes.append(Change(row.NOUN, str(row.pk), snapshot(row), None))
        key = row.pk
        row.delete()
        row.pk = key
        return row


def locked(model: type[R], key: object) -> R | None:
    """The row with primary key `key`, held until the transaction ends, its owner before it; None when there is none."""
    if model.OWNER:
        owner = model._meta.get_field(model.OWNER)
        for owner_id in model.objects.filter(pk=key).values_list(owner.attname, flat=True):
            locked(owner.related_model, owner_id)
    return model.objects.select_for_update(of=("self",)).filter(pk=key).first()


def find(model: type[models.Model], **lookup: Any) -> Any:
    """The one row that `lookup` names. Raises Conflict naming what was looked for when there is none."""
    found = model._default_manager.filter(**lookup).first()
    if found is None:
        asked = ", ".join(f"{name} {value!r}" for name, value in lookup.items())
        noun = getattr(model, "NOUN", model._meta.verbose_name)
        raise Conflict(f"there is no {noun} with {asked}")
    return found


def _cause(error: IntegrityError) -> str:
    """What the database said, without its own column values."""
    text = str(error).splitlines()[0]
    kinds: Mapping[str, str] = {"unique": "one with this key is there already", "foreign key": "it points at something that is not there"}
    return next((words for kind, words in kinds.items() if kind in text.lower()), text)
