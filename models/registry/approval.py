"""What a person approves when a model is promoted: one version of one model with one hash, and nothing else.

An approval is a record that somebody hands in. Whether the person is who they say is for the one who keeps approvals to know: FactoMES, which asks
them to sign in. A document that the command line reads proves nothing about its author, and the record of a promotion says that it came from one.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from factolake.errors import ModelRefused
from models.registry.bundle import PERSON
from models.registry.ledger import Entry
from models.registry.strict_json import parsed

ACTION = "model.promote"
DOCUMENT = "document"
"""Where an approval came from: a file that was given on the command line."""
FACTOMES = "factomes"
"""Where an approval came from: FactoMES's record, by the lake."""
_KEYS = frozenset(("approval_id", "approved_by", "payload_sha256", "approved_ts"))
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Approval:
    """`approved_by`: id of the person. `payload_sha256`: `payload_of` what they approved. `approved_ts`: UTC. `source`: who kept the approval."""

    approval_id: str
    approved_by: str
    payload_sha256: str
    approved_ts: datetime
    source: str = DOCUMENT

    def check(self, name: str, version: int, digest: str) -> None:
        """Raise ModelRefused unless a named person approved just this."""
        if not _ID.fullmatch(self.approval_id):
            raise ModelRefused(f"{name} {version} is not promoted: the approval's id is {self.approval_id[:70]!r}; give the id it is kept under")
        if not PERSON.fullmatch(self.approved_by):
            raise ModelRefused(f"{name} {version} is not promoted: it is approved by {self.approved_by[:70]!r}, which names no person")
        wanted = payload_of(name, version, digest)
        if self.payload_sha256 != wanted:
            raise ModelRefused(
                f"{name} {version} is not promoted: approval {self.approval_id} is for {self.payload_sha256[:12] or 'nothing'}…, this version's"
                f" payload is {wanted[:12]}…; have exactly this version approved"
            )

    def check_order(self, name: str, version: int, entries: Sequence[Entry]) -> None:
        """Raise ModelRefused where the champion has changed since a person of FactoMES approved this: they saw what was then."""
        later = overtaken_by(self, name, entries)
        if later is not None:
            raise ModelRefused(
                f"{name} {version} was approved by {self.approved_by} at {self.approved_ts:%Y-%m-%d %H:%M} UTC, before version {later.version} became"
                f" champion ({later.action} by {later.by}); propose it again"
            )


def overtaken_by(approval: Approval, name: str, entries: Sequence[Entry]) -> Entry | None:
    """The newest change of the champion of `name` that was decided after `approval`; None where there is none, and for what is no record of FactoMES.

    What FactoMES approved counts from when it was approved, so that several can be entered one after the other; the rest from when it was done.
    """
    if approval.source != FACTOMES:
        return None
    approved_ts = approval.approved_ts.astimezone(UTC).isoformat(timespec="microseconds")
    mine = (entry for entry in reversed(entries) if entry.name == name)
    return next((entry for entry in mine if (entry.approved_ts if entry.approval_source == FACTOMES else entry.at_ts) > approved_ts), None)


def payload_of(name: str, version: int, digest: str) -> str:
    """SHA-256 (hex) over what an approver approves: action, model, version, hash of its files."""
    text = json.dumps({"action": ACTION, "name": name, "version": version, "sha256": digest}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def of_document(raw: bytes) -> Approval:
    """The approval in a JSON document. Raises ModelRefused."""
    given = parsed(raw, "the approval")
    if given.keys() != _KEYS or not all(isinstance(value, str) for value in given.values()):
        raise ModelRefused(f"the approval has the keys {', '.join(sorted(given))[:200] or 'none'}; give {', '.join(sorted(_KEYS))}, each a text")
    said = cast(dict[str, str], given)
    try:
        approved_ts = datetime.fromisoformat(said["approved_ts"])
    except ValueError:
        approved_ts = datetime.min
    if approved_ts.tzinfo is None:
        raise ModelRefused(f"the approval's approved_ts is {said['approved_ts'][:60]!r}; give an ISO 8601 time with its offset")
    return Approval(said["approval_id"], said["approved_by"], said["payload_sha256"], approved_ts)
