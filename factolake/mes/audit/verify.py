"""Whether the audit is what it was: every entry bound to the one before, the end where it should be, every seal true. Reads, changes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import DataError

from factolake.mes.audit.chain import GENESIS, ChainFault, faults
from factolake.mes.audit.models import AuditEntry, AuditHead, AuditSeal
from factolake.mes.audit.seals import PUBLIC_FILE, SEALS_FILE, Seal, as_seal, public_key, shipped

FAULTS_TOLD = 100
CHUNK = 2_000
_COLUMNS = tuple(field.attname for field in AuditEntry._meta.concrete_fields)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found: `count` entries read, the stored end, the first 100 faults in the order of the entries, the newest seal."""

    count: int
    head: tuple[int, str]
    faults: tuple[ChainFault, ...]
    last_seal: Seal | None

    @property
    def is_sound(self) -> bool:
        """Nothing is wrong."""
        return not self.faults

    @property
    def first_faulty(self) -> int | None:
        """Number of the first entry that is wrong or missing; None when none is."""
        return self.faults[0].number if self.faults else None

    @property
    def unsealed(self) -> int:
        """Entries after the newest seal: their end could still be cut without a trace."""
        return self.count - (self.last_seal.number if self.last_seal else 0)


class _Watched:
    """Entries on their way through, of which the hashes at sealed numbers are kept."""

    def __init__(self, entries: Iterable[Mapping[str, object]], sealed: Iterable[int]) -> None:
        self.hashes: dict[int, object] = {0: GENESIS}
        self.count = 0
        self._entries, self._sealed = entries, frozenset(sealed)

    def __iter__(self) -> Iterator[Mapping[str, object]]:
        for entry in self._entries:
            self.count += 1
            number = int(str(entry["number"]))
            if number in self._sealed:
                self.hashes.setdefault(number, entry["hash"])
            yield entry


def verify_chain(
    entries: Iterable[Mapping[str, object]],
    head: tuple[int, str],
    seals: Sequence[Seal],
    key: Ed25519PublicKey | None,
    known: Iterable[ChainFault] = (),
) -> Verdict:
    """Check `entries` (in the order of their numbers), the stored `head` (number, hash) and `seals` in any order. Pure.

    `known` are faults seen while reading; they come into the verdict as well. `key` None is right only where there are no seals.
    """
    watched = _Watched(entries, (one.number for one in seals))
    found: list[ChainFault] = []
    for fault in faults(watched, head):
        if len(found) < FAULTS_TOLD:
            found.append(fault)
    found += [*_seal_faults(watched, seals, key), *known]
    found.sort(key=lambda fault: fault.number)
    newest = max(seals, key=lambda one: (one.number, one.at_ts), default=None)
    return Verdict(watched.count, head, tuple(found[:FAULTS_TOLD]), newest)


def verify(folder: Path | None = None) -> Verdict:
    """Check the database's chain and seals and the file of seals in `folder` (the MES folder unless said), which also holds the public key.

    May run while actions go on: it judges the chain as it ended when it began. Raises ValueError when the public key's file holds none.
    """
    home = folder or Path(settings.FACTOLAKE_MES_DIR)
    copies, unreadable = shipped(home)  # in this order a seal made meanwhile is no fault: it is first in the database, and after its entry
    stored = dict.fromkeys(as_seal(row) for row in AuditSeal.objects.order_by("id"))
    head = _head()
    lost = [one for one in copies if one not in stored]
    key = public_key(home)
    known = [ChainFault(0, f"{SEALS_FILE}: {said}") for said in unreadable]
    known += [ChainFault(one.number, f"the seal of entry {one.number} at {one.at_ts} is in {SEALS_FILE} and not in the database") for one in lost]
    if key is not None and not stored and not copies:
        known.append(ChainFault(0, f"there is a key ({PUBLIC_FILE}) and no seal: all were taken away"))
    return verify_chain(_entries(head[0]), head, [*stored, *lost], key, [*known, *_beyond()])


def _seal_faults(watched: _Watched, seals: Sequence[Seal], key: Ed25519PublicKey | None) -> Iterator[ChainFault]:
    true_until = 0
    for one in sorted(seals, key=lambda seal: (seal.number, seal.at_ts)):
        if key is None or not one.is_signed_by(key):
            yield ChainFault(one.number, f"the seal of entry {one.number} at {one.at_ts} is not signed with this installation's key")
        elif one.number not in watched.hashes:
            yield ChainFault(one.number, f"entry {one.number} was sealed at {one.at_ts} and is not there: the chain was cut")
        elif watched.hashes[one.number] != one.hash:
            yield ChainFault(one.number, f"entry {one.number} is not the one sealed at {one.at_ts}: entries after {true_until} were rewritten")
        else:
            true_until = one.number


def _head() -> tuple[int, str]:
    number, hash_ = AuditHead.objects.filter(pk=1).values_list("number", "hash").first() or (0, "no head row")
    return number, hash_


def _beyond() -> Iterator[ChainFault]:
    """Entries behind the end. Read after the end was: an entry and the end it moves are committed together."""
    last = AuditEntry.objects.order_by("number").values_list("number", flat=True).last()
    end, _ = _head()
    if last is not None and last > end:
        yield ChainFault(end + 1, f"there are entries up to {last}, and the chain ends with {end}")


def _entries(until: int) -> Iterator[Mapping[str, object]]:
    """Entries up to number `until` in their order, some at a time: the chain is longer than memory."""
    after: int | None = None
    while True:
        rows = AuditEntry.objects.filter(number__lte=until).order_by("number")
        numbers = list((rows if after is None else rows.filter(number__gt=after)).values_list("number", flat=True)[:CHUNK])
        if not numbers:
            return
        yield from _read(numbers)
        after = numbers[-1]


def _read(numbers: Sequence[int]) -> list[Mapping[str, object]]:
    """The entries from the first to the last of `numbers`; one whose values cannot be read, since they were tampered with, is empty."""
    try:
        return list(AuditEntry.objects.filter(number__range=(numbers[0], numbers[-1])).order_by("number").values(*_COLUMNS))
    except (ValueError, AttributeError, DataError):  # a time that is none, on one database and the other
        if len(numbers) == 1:
            return [{**dict.fromkeys(_COLUMNS, ""), "number": numbers[0]}]
        half = len(numbers) // 2
        return [*_read(numbers[:half]), *_read(numbers[half:])]
