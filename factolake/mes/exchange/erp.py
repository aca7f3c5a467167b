"""The ERP that the settings name: confirmations to it and documents from it, turn by turn, and how it stands.

Its answers and its files are FactoMES's service of the ERP's name; over HTTP the ERP signs in as that same service.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Max

from factolake.config.settings import ErpSettings
from factolake.domain.action import Role
from factolake.errors import ConfigError
from factolake.mes.core.record import plain
from factolake.mes.exchange.deliver import LONGEST_WAIT, deliver_once, wait_after, waiting_since
from factolake.mes.exchange.file_drop import FileDrop
from factolake.mes.exchange.http_port import HttpErp
from factolake.mes.exchange.inbox import REFUSED, Inbox, waiting
from factolake.mes.exchange.models import ConfirmationState, ErpConfirmation, ErpDelivery
from factolake.mes.exchange.ports import ErpPort
from factolake.mes.people.models import Person
from factolake.mes.people.rights import Rights
from factolake.mes.people.services import service

OUTBOX = "outbox"
TURN_S = 5.0


@dataclass(slots=True)
class ErpDoor:
    """The ERP's door, open as long as the process runs."""

    erp: ErpSettings
    _inbox: Inbox | None = field(init=False)
    _silent: int = 0
    _next_ts: datetime | None = None

    def __post_init__(self) -> None:
        self._inbox = None if self.erp.folder is None else Inbox(self.erp.folder)

    def turn(self, now: datetime) -> None:
        """Read documents and deliver confirmations, for some five seconds. Raises OSError for a folder or token file that cannot be used."""
        if self._inbox is None and waiting_since(self.erp.system) is None:
            return  # its service is made when it acts; an administrator who gives it a token makes it before
        actor = service(self.erp.system, "The ERP", now)
        try:
            if self._inbox is not None:
                self._inbox.turn(actor, now)
        finally:  # one way that is closed does not close the other
            self._deliver(actor, now)

    def _deliver(self, actor: Person, now: datetime) -> None:
        """Deliver, unless the ERP did not answer lately: it is left alone for 5 s, doubled with each turn without an answer to at most 15 min."""
        if self._next_ts is not None and now < self._next_ts <= now + LONGEST_WAIT:
            return  # a time further off is from before the clock was set back
        done = deliver_once(port_of(self.erp), actor, now, TURN_S)
        heard = done.accepted + done.refused > 0
        self._silent = 0 if not done.unavailable else 1 if heard else self._silent + 1
        self._next_ts = now + wait_after(self._silent) if self._silent else None


def port_of(erp: ErpSettings) -> ErpPort:
    """The way confirmations take. Raises OSError or ConfigError for a token file that cannot be used."""
    if erp.folder is None:
        return HttpErp(erp.system, erp.url, token=_token(erp.token_file))
    (erp.folder / OUTBOX).mkdir(exist_ok=True)
    return FileDrop(erp.system, erp.folder / OUTBOX)


def rights_of_bringer(person: Person) -> Rights | None:
    """The rights with which `person`'s documents go on: the ERP's own when it brings files, else None: those the person holds."""
    erp: ErpSettings = settings.FACTOMES_ERP
    return Rights(frozenset({(Role.PLANNER, "")})) if erp.folder is not None and person.person_id == erp.system else None


def state() -> dict[str, Any] | None:
    """How the ERP stands; None where there is none. `waiting` includes what waits behind a refused confirmation of its order.

    `waiting_for_others` are confirmations to systems that the settings do not name: nobody delivers them.
    """
    erp: ErpSettings = settings.FACTOMES_ERP
    if not erp.system:
        return None
    rows = ErpConfirmation.objects.filter(source_system=erp.system)
    open_rows = rows.filter(accepted_ts=None)
    failed = ErpDelivery.objects.filter(confirmation__source_system=erp.system).order_by("-next_try_ts").first()
    return {
        "system": erp.system,
        "door": erp.url if erp.folder is None else str(erp.folder),
        "last_delivered_ts": plain(rows.aggregate(last=Max("accepted_ts"))["last"]),
        "waiting": open_rows.filter(state=ConfirmationState.WAITING.value).count(),
        "waiting_since_ts": plain(waiting_since(erp.system)),
        "refused": open_rows.filter(state=ConfirmationState.REFUSED.value).count(),
        "last_error": failed.last_error if failed else "",
        "waiting_for_others": ErpConfirmation.objects.filter(accepted_ts=None).exclude(source_system=erp.system).count(),
        "documents": None if erp.folder is None else _documents(erp.folder),
    }


def _documents(folder: Path) -> dict[str, int | None]:
    """Documents that wait and documents that were refused; None where the folder cannot be read."""
    try:
        refused = [path for path in (folder / REFUSED).iterdir() if not path.name.endswith(".answer.json")]
        return {"waiting": len(waiting(folder)), "refused": len(refused)}
    except OSError:
        return {"waiting": None, "refused": None}


def _token(file: Path | None) -> str:
    if file is None:
        return ""
    token = file.read_text(encoding="utf-8").strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(str(file), "token", f"{len(token)} characters", "one line of ASCII without blanks")
    return token
