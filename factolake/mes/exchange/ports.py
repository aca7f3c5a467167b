"""How a confirmation leaves: the message, what an ERP may answer, and the port that its drivers (`file_drop`, `http_port`) fill."""

from dataclasses import dataclass
from typing import Protocol

from factolake.mes.core.record import JsonValue, snapshot
from factolake.mes.exchange.models import ErpConfirmation

_OURS = frozenset({"version", "changed_ts", "state", "erp_document", "refused_field", "refused_message", "idempotency_key", "reverses_id", "told_by"})


@dataclass(frozen=True, slots=True)
class Message:
    """A confirmation as it is sent: its place in the order of the confirmations, its key, and what it tells."""

    number: int
    key: str
    body: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The ERP has it; `erp_document` is its number there, "" where it gives none."""

    erp_document: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The ERP read it and does not take it: the field ("" is the whole) and why."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Nobody answered, or not yet; it is to be sent again with the same key."""

    why: str


SendResult = Accepted | Refused | Unavailable


class ErpPort(Protocol):
    """An ERP that takes confirmations. One with the same key taken twice counts once: a crash may send it again."""

    @property
    def source_system(self) -> str:
        """The ERP's id, as orders name it that it owns."""

    def send(self, message: Message) -> SendResult:
        """Hand over one confirmation. Never raises for what the other side does."""


def message_of(row: ErpConfirmation) -> Message:
    """The confirmation as it is sent. A reversal names the key of what it takes back."""
    body = {name: value for name, value in snapshot(row).items() if name not in _OURS}
    return Message(row.pk, row.idempotency_key, {**body, "reverses": row.reverses.idempotency_key if row.reverses else None})
