"""Documents that the ERP drops into a folder: each is taken once, in the order they were written, and answered in a file beside it.

The ERP writes into `inbox` under a name that begins with a point or ends in anything but .csv, .json and .xml, and renames when it is whole. For one
that does not rename, a document is read only once its size and time of change were the same in two turns. Its name begins with what the rows are:
orders.json, materials-7.csv, routings_2.xml. It then lies in `taken`, under the number of its import, or in `refused` when it is no document.

Nothing holds those behind it up for ever: a document that fails in a way nobody foresaw is tried in ten turns, one whose import stands still is
waited for an hour; then it lies in `refused` too.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from django.db.utils import InterfaceError, OperationalError

from factolake.crash import crash_point
from factolake.domain.action import Role
from factolake.files import put_whole, sync_to_disk
from factolake.mes.core.models import IdempotencyKey
from factolake.mes.core.refusals import Invalid, NotAllowed, OwnedElsewhere, TooOften
from factolake.mes.exchange.forms import DOCUMENT_LENGTH
from factolake.mes.exchange.models import ErpImport, ImportState
from factolake.mes.exchange.parsing import FORMS
from factolake.mes.people.models import Person
from factolake.mes.people.services import act

INBOX, TAKEN, REFUSED, ANSWER = "inbox", "taken", "refused", ".answer.json"
_FORMATS = {"csv": "csv", "json": "json", "xml": "b2mml"}
_NAME = re.compile(rf"({'|'.join(FORMS)})(?:[-_. ].*)?\.({'|'.join(_FORMATS)})", re.IGNORECASE | re.DOTALL)
_BYTES_MAX = 4 * DOCUMENT_LENGTH
_TRIES_MAX, _STANDSTILL = 10, timedelta(hours=1)
_NAME_BYTES = 200  # of 255, so that number and answer find room
_OUTSIDE = (OperationalError, InterfaceError, NotAllowed, TooOften)
"""Faults that are not the document's: the database's, the rights of the ERP."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Drop:
    """A file as it was seen; written again it is another one."""

    changed_ns: int
    name: str
    size: int

    @property
    def key(self) -> str:
        """Idempotency key of its import."""
        return "inbox " + hashlib.sha256(f"{self.changed_ns} {self.size} ".encode() + os.fsencode(self.name)).hexdigest()

    def is_at(self, path: Path) -> bool:
        """Whether the file at `path` is the one that was seen. Raises OSError."""
        found = path.lstat()
        return (found.st_mtime_ns, found.st_size) == (self.changed_ns, self.size)


@dataclass(slots=True)
class Inbox:
    """The folder as the ERP's service `actor` sees it; keeps what it saw in the turn before."""

    folder: Path
    _seen: frozenset[Drop] = field(default=frozenset())
    _failed: dict[Drop, int] = field(default_factory=dict)
    _first_ts: datetime | None = None

    def turn(self, actor: Person, now: datetime) -> int:
        """Take the documents that are whole, until one has to be waited for; returns how many were moved. Raises OSError."""
        for name in (INBOX, TAKEN, REFUSED):
            (self.folder / name).mkdir(exist_ok=True)
        drops, moved = waiting(self.folder), 0
        self._first_ts = self._first_ts or now
        self._failed = {drop: tries for drop, tries in self._failed.items() if drop in drops}
        for drop in drops:
            if drop not in self._seen or not self._take(drop, actor, now):
                break  # those behind it may need what is in it
            moved += 1
        self._seen = frozenset(drops)
        return moved

    def _take(self, drop: Drop, actor: Person, now: datetime) -> bool:
        """Import the document and, once all its rows are applied, put it and its answer aside; False while it has to be waited for."""
        try:
            done = _known_import(drop, actor)
            if done is None and self._has_running(actor, now):
                return False  # of a document that lies here no more: its rows come before these
            done = done or self._import(drop, actor, now)
        except (Invalid, OwnedElsewhere) as refused:
            return self._refuse(drop, None, str(refused))
        except _OUTSIDE:
            raise
        except Exception as error:
            return self._tried(drop, error)
        if done.state != ImportState.DONE.value:
            still = f"import {done.pk} stands still: {done.rows - _judged(done)} of {done.rows} rows are not applied; see FactoMES's log"
            return self._stands_still(done, now) and self._refuse(drop, done, still)
        self._put_aside(drop, TAKEN, f"{done.pk:06d}", _answer(drop, done))
        return True

    def _refuse(self, drop: Drop, done: ErpImport | None, why: str) -> bool:
        faults = [{"row": None, "field": "", "message": why}]
        answer = {"document": drop.name, "import": None if done is None else done.pk, "faults": faults}
        self._put_aside(drop, REFUSED, str(drop.changed_ns), answer)
        return True

    def _tried(self, drop: Drop, error: Exception) -> bool:
        """Whether a document that fails unforeseen is put aside: not before its last try, since another moment may do."""
        self._failed[drop] = self._failed.get(drop, 0) + 1
        _log.error("document not imported", document=ascii(drop.name), tries=self._failed[drop], cause=str(error), exc_info=error)
        if self._failed[drop] < _TRIES_MAX:
            return False
        return self._refuse(drop, None, f"it failed {_TRIES_MAX} times, at last by {type(error).__name__}; see FactoMES's log, then drop it again")

    def _has_running(self, actor: Person, now: datetime) -> bool:
        running = ErpImport.objects.filter(imported_by=actor, state=ImportState.RUNNING.value)
        return not all(self._stands_still(each, now) for each in running)

    def _stands_still(self, document: ErpImport, now: datetime) -> bool:
        """Whether none of its rows was applied for an hour, in which this process ran."""
        return now - max(document.changed_ts, self._first_ts or now) > _STANDSTILL

    def _import(self, drop: Drop, actor: Person, now: datetime) -> ErpImport:
        named = _NAME.fullmatch(drop.name)
        if named is None:
            raise Invalid(f"{drop.name!r} does not say what is in it; a name begins with {', '.join(FORMS)}, as in orders-7.csv")
        if drop.size > _BYTES_MAX:
            raise Invalid(f"{drop.name!r} has {drop.size} bytes; send at most {DOCUMENT_LENGTH} characters in one document")
        given = {"kind": named[1].lower(), "format": _FORMATS[named[2].lower()], "source_system": actor.person_id}
        made = act(actor, Role.PLANNER, "erp_import.create", "", now, "file", once=drop.key, document=self._text(drop), **given)
        crash_point("inbox.imported")
        return ErpImport.objects.get(pk=made["id"])

    def _text(self, drop: Drop) -> str:
        with open(os.open(self.folder / INBOX / drop.name, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            content = file.read(_BYTES_MAX + 1)
            now_is = os.fstat(file.fileno())
        if (now_is.st_mtime_ns, now_is.st_size) != (drop.changed_ns, drop.size):
            raise OSError(f"{drop.name!r} changed while it was read; it is read again once it is whole")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise Invalid(f"{drop.name!r} is not UTF-8: byte {error.start} is {content[error.start]:#04x}; save it as UTF-8") from error

    def _put_aside(self, drop: Drop, where: str, prefix: str, answer: Mapping[str, Any]) -> None:
        """The answer first: a document that was moved has one. What is done again after a crash puts the same files in place."""
        target = self.folder / where / f"{prefix}-{os.fsdecode(os.fsencode(drop.name)[-_NAME_BYTES:])}"
        put_whole(target.with_name(target.name + ANSWER), (json.dumps(answer, indent=1) + "\n").encode())
        crash_point("inbox.answered")
        source = self.folder / INBOX / drop.name
        if drop.is_at(source):  # one that was renamed over it meanwhile is still to be imported
            os.replace(source, target)
            if not drop.is_at(target):
                os.replace(target, source)
        sync_to_disk(target.parent)
        sync_to_disk(self.folder / INBOX)


def waiting(folder: Path) -> list[Drop]:
    """The documents in the inbox, those changed first first; an empty file is one that is about to be written."""
    found = []
    for entry in os.scandir(folder / INBOX):
        is_named = not entry.name.startswith(".") and entry.name.lower().endswith(tuple(f".{suffix}" for suffix in _FORMATS))
        seen = entry.stat(follow_symlinks=False)
        if is_named and stat.S_ISREG(seen.st_mode) and seen.st_size:
            found.append(Drop(seen.st_mtime_ns, entry.name, seen.st_size))
    return sorted(found, key=lambda drop: (drop.changed_ns, _rank(drop.name), drop.name))


def _rank(name: str) -> int:
    """Place among documents of the same moment: what others name comes first."""
    named = _NAME.fullmatch(name)
    return list(FORMS).index(named[1].lower()) if named else len(FORMS)


def _known_import(drop: Drop, actor: Person) -> ErpImport | None:
    held = IdempotencyKey.objects.filter(actor=actor, key=drop.key).first()
    return None if held is None else ErpImport.objects.get(pk=json.loads(held.answer)["id"])


def _judged(document: ErpImport) -> int:
    return document.imported + document.updated + document.skipped + document.errors


def _answer(drop: Drop, done: ErpImport) -> dict[str, Any]:
    faults = [{"row": row.number, "field": row.field, "message": row.message} for row in done.faults.order_by("number")]
    counts = {name: getattr(done, name) for name in ("rows", "imported", "updated", "skipped", "errors")}
    return {"document": drop.name, "import": done.pk, "kind": done.kind, **counts, "faults": faults}
