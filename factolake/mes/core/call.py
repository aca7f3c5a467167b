"""One action under way: who asked, when, and the only way to write rows. What it writes is audited and goes to the lake."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from factolake.mes.core.bulk import insert, next_keys, update
from factolake.mes.core.record import JsonValue, Record, columns, shown, snapshot, steps_to_place
from factolake.mes.core.refusals import Conflict
from factolake.mes.people.models import Person
from factolake.mes.people.rights import NO_RIGHTS, Rights

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Change:
    """A row before (None: it was made) and after (None: it was taken away) an action; `in_bulk`: made together with many others.

    `row` is the row in hand: what it belongs to is read already, in most actions.
    """

    noun: str
    object_id: str
    before: dict[str, JsonValue] | None
    after: dict[str, JsonValue] | None
    in_bulk: bool = False
    row: Record | None = field(default=None, compare=False, repr=False)

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

    `approval` is the id of the approved proposal it comes from; only executing one sets it. `rights` are the actor's in this session, known once
    the action is under way.
    """

    actor: Person
    at_ts: datetime
    via: str = "api"
    reason: str = ""
    request_id: str = ""
    approval: str = ""
    rights: Rights = NO_RIGHTS
    changes: list[Change] = field(default_factory=list)

    def create(self, row: R) -> R:
        """Insert `row`. Raises Conflict when one with its key is there already or it points at nothing."""
        row.changed_ts = self.at_ts
        with _stored(f"{row.NOUN} {row.pk or ''} cannot be made"):
            row.save(force_insert=True)
        self.changes.append(Change(row.NOUN, str(row.pk), None, snapshot(row), row=row))
        return row

    def change(self, row: R, **values: Any) -> R:
        """Set columns of `row` and store it; nothing is written when all are the same already. Raises Conflict as `create` does."""
        held = columns(row)
        for name, value in values.items():
            setattr(row, name, value)
        differing = [name for name, value in columns(row).items() if value != held[name]]
        if not differing:
            return row
        row.version += 1
        row.changed_ts = self.at_ts
        with _stored(f"{row.NOUN} {row.pk} cannot be changed so"):
            row.save(force_update=True, update_fields=[*differing, "version", "changed_ts"])
        self.changes.append(Change(row.NOUN, str(row.pk), shown(held, row.SECRETS), snapshot(row), row=row))
        return row

    def create_many(self, rows: Sequence[R]) -> None:
        """Insert many rows of one kind. The lake gets each of them, the audit their number and digest. Raises Conflict as `create` does."""
        if not rows:
            return
        for row in rows:
            row.changed_ts = self.at_ts
        model = type(rows[0])
        if rows[0].pk is None:
            for row, key in zip(rows, next_keys(model, len(rows)), strict=True):
                row.pk = key
        values = [columns(row) for row in rows]
        self._store(model, len(rows), lambda: insert(model, list(values[0]), (list(one.values()) for one in values)))
        for row in rows:
            row._state.adding = False
        pairs = zip(rows, values, strict=True)
        self.changes.extend(Change(row.NOUN, str(row.pk), None, shown(one, row.SECRETS), in_bulk=True, row=row) for row, one in pairs)

    def change_many(self, wanted: Iterable[tuple[R, Mapping[str, Any]]]) -> int:
        """Set columns of many rows of one kind, each to its own values; returns how many were not so already. Raises Conflict as `change` does."""
        changed: list[tuple[R, dict[str, object]]] = []
        names: set[str] = set()
        for row, values in wanted:
            held = columns(row)
            for name, value in values.items():
                setattr(row, name, value)
            differing = {name for name, value in held.items() if getattr(row, name) != value}
            if differing:
                names |= differing
                row.version += 1
                row.changed_ts = self.at_ts
                changed.append((row, held))
        if changed:
            self._update_many([row for row, _ in changed], [*sorted(names), "version", "changed_ts"])
        for row, held in changed:
            self.changes.append(Change(row.NOUN, str(row.pk), shown(held, row.SECRETS), snapshot(row), row=row))
        return len(changed)

    def _update_many(self, rows: Sequence[R], names: Sequence[str]) -> None:
        model = type(rows[0])
        self._store(model, len(rows), lambda: update(model, names, ([*(getattr(row, name) for name in names), row.pk] for row in rows)))

    def _store(self, model: type[Record], count: int, write: Callable[[], object]) -> None:
        try:
            with transaction.atomic():
                write()
        except IntegrityError as error:
            raise Conflict(f"{count} rows of {model.NOUN} cannot be stored: {_cause(error)}") from error

    def audited(self) -> list[dict[str, object]]:
        """The changes for the audit: each row that was changed; of those made in bulk their number and the SHA-256 over them.

        The digest is over the rows as JSON with sorted keys, a line each in the order they were made: the outbox holds the rows themselves.
        """
        one_by_one = [change.as_json() for change in self.changes if not change.in_bulk]
        made: dict[str, list[Change]] = {}
        for change in self.changes:
            if change.in_bulk:
                made.setdefault(change.noun, []).append(change)
        return one_by_one + [{"noun": noun, "made": len(rows), "sha256": _digest(rows)} for noun, rows in made.items()]

    def remove(self, row: R) -> R:
        """Delete `row`. Only for what says how things are now, such as grants: facts are reversed, never removed."""
        self.changes.append(Change(row.NOUN, str(row.pk), snapshot(row), None))
        key = row.pk
        row.delete()
        row.pk = key
        return row


LISTENERS: list[Callable[[Call], None]] = []
"""What is told when an action has written its rows, in its transaction; what a listener writes through the call belongs to the action."""


def after_each_action(listener: Callable[[Call], None]) -> Callable[[Call], None]:
    """Let `listener` see `call.changes` of every action that has succeeded; so an app reacts to another that need not know of it."""
    LISTENERS.append(listener)
    return listener


def locked(model: type[R], key: object) -> R | None:
    """The row with primary key `key`, held until the transaction ends, its owner before it; None when there is none."""
    return _locked_of(model, model.objects.filter(pk=key))


def _locked_of(model: type[R], wanted: "models.QuerySet[R]") -> R | None:
    """The one row of `wanted`, or None; its owner, looked up in the statement that locks it, before it."""
    owner: Record | None = None
    if model.OWNER:
        field = model._meta.get_field(model.OWNER)
        owner = _locked_of(field.related_model, field.related_model.objects.filter(pk__in=wanted.order_by().values(field.attname)))
    # no_key: a row that points here is checked at its commit, with the end of the audit chain held; a full lock would make the two wait in a circle
    rows, steps = wanted.select_for_update(of=("self",), no_key=True), steps_to_place(model)
    found = (rows.select_related(*steps) if steps else rows).order_by("pk").first()
    if found is not None and owner is not None:  # which row owns another never changes
        setattr(found, model.OWNER, owner)
    return found


def find(model: type[models.Model], **lookup: Any) -> Any:
    """The one row that `lookup` names. Raises Conflict naming what was looked for when there is none."""
    found = model._default_manager.filter(**lookup).first()
    if found is None:
        asked = ", ".join(f"{name} {value!r}" for name, value in lookup.items())
        noun = getattr(model, "NOUN", model._meta.verbose_name)
        raise Conflict(f"there is no {noun} with {asked}")
    return found


def _digest(changes: Iterable[Change]) -> str:
    hashed = hashlib.sha256()
    for change in changes:
        hashed.update(json.dumps(change.after, sort_keys=True).encode() + b"\n")
    return hashed.hexdigest()


@contextmanager
def _stored(refusal: str) -> Iterator[None]:
    """Write inside; what the database refuses is told as a Conflict that begins with `refusal`.

    The action is undone then. What goes on all the same writes within a `transaction.atomic` of its own: one around each write would cost a report,
    which is fourteen statements, six more.
    """
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"{refusal}: {_cause(error)}") from error


def _cause(error: IntegrityError) -> str:
    """What the database said, without its own column values."""
    text = str(error).splitlines()[0]
    kinds: Mapping[str, str] = {"unique": "one with this key is there already", "foreign key": "it points at something that is not there"}
    return next((words for kind, words in kinds.items() if kind in text.lower()), text)
