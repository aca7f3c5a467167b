"""What a person approves when a model is promoted: one version of one model with one hash, and nothing else.

An approval is a record that somebody hands in. Whether the person is who they say is for the one who keeps approvals to know: a document that the
command line reads proves nothing about its author, and the record of a promotion says that it came from one. FactoMES is not asked yet.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from factolake.errors import ModelRefused
from models.registry.bundle import PERSON
from models.registry.strict_json import parsed

ACTION = "model.promote"
DOCUMENT = "document"
"""Where an approval came from: a file that was given on the command line."""
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
