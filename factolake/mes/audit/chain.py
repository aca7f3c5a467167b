"""The chain itself: what an entry's hash covers, how one is appended, and what is wrong with a chain that was tampered with."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import rfc8785

from factolake.mes.audit.models import AuditEntry, AuditHead

GENESIS = "0" * 64
_BOUND = tuple(field.attname for field in AuditEntry._meta.concrete_fields if field.attname != "hash")


@dataclass(frozen=True, slots=True)
class ChainFault:
    """Where a chain is broken, and how."""

    number: int
    fault: str


def canonical(value: object) -> str:
    """`value` as RFC 8785 JSON: the same value gives the same text everywhere. RFC 8785 knows whole numbers below 2^53; larger ones become text.

    Raises ValueError for what has no such form: NaN, infinity, half of a surrogate pair.
    """
    return rfc8785.dumps(_whole_numbers_as_text(value)).decode()  # type: ignore[arg-type]


def entry_hash(values: Mapping[str, object]) -> str:
    """SHA-256 (hex) over an entry's columns but `hash`; times with all their microseconds, in UTC."""
    bound = {name: _text(values[name]) for name in _BOUND}
    return hashlib.sha256(rfc8785.dumps(bound)).hexdigest()


def append(entry: AuditEntry, head: AuditHead) -> AuditEntry:
    """Give `entry` its number and hashes and store it as the end of the chain. Has to be in the transaction of what it tells about.

    `head` is the end as `lock_end` gave it to this transaction.
    """
    entry.number, entry.previous_hash = head.number + 1, head.hash
    entry.hash = entry_hash({name: getattr(entry, name) for name in _BOUND})
    entry.save(force_insert=True)
    head.number, head.hash = entry.number, entry.hash
    head.save(force_update=True)
    return entry


def lock_end() -> AuditHead:
    """The end of the chain, held until the transaction ends; what is numbered after this is in the order of the commits."""
    return AuditHead.objects.select_for_update().get(pk=1)


def faults(entries: Iterable[Mapping[str, object]], head: tuple[int, str]) -> Iterator[ChainFault]:
    """What is wrong with `entries` (in the order of their numbers) and the stored head (number, hash). Pure; empty is sound."""
    number, previous = 0, GENESIS
    for entry in entries:
        found = int(str(entry["number"]))
        if found != number + 1:
            yield ChainFault(found, f"entry {number + 1} is missing" if found > number + 1 else f"entry {found} comes twice or out of order")
        elif entry["previous_hash"] != previous:
            yield ChainFault(found, f"entry {found} does not follow entry {number}: the hash before it is another")
        if entry_hash(entry) != entry["hash"]:
            yield ChainFault(found, f"entry {found} was changed: its content does not have its hash")
        number, previous = found, str(entry["hash"])
    if head != (number, previous):
        yield ChainFault(head[0], f"the chain should end with entry {head[0]} and ends with {number}, or with another hash")


def _whole_numbers_as_text(value: object) -> object:
    if isinstance(value, dict):
        return {name: _whole_numbers_as_text(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole_numbers_as_text(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)
