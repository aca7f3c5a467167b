"""The ledger of promotions: which version became champion when, and who approved it. It decides; MLflow's alias `champion` follows it.

`promotions.jsonl`, a line each, signed with the installation's key together with the signature of the line before: a line that was changed, added,
cut out or moved is found. Lines cut off at the end are not: copy the file elsewhere where that matters.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from factolake.errors import ModelRefused
from factolake.files import sync_to_disk
from models.registry.keys import is_signed, signature_of
from models.registry.strict_json import parsed

FILE = "promotions.jsonl"
PROMOTE, ROLLBACK = "promote", "rollback"
_ABOUT = "factolake.promotion"


@dataclass(frozen=True, slots=True)
class Entry:
    """From `at_ts` (UTC, ISO 8601) on, `version` of the model `name` is champion.

    `by`: who approved it, or who rolled back. `approval_id`, `approval_source` and `approved_ts` are empty for a rollback. `number`: from 1.
    """

    number: int
    action: str
    name: str
    version: int
    sha256: str
    by: str
    approval_id: str
    approval_source: str
    approved_ts: str
    at_ts: str


def champions(entries: Sequence[Entry], name: str) -> tuple[Entry, ...]:
    """Promotions of `name` that hold, the champion last; a rollback takes the last of them away.

    >>> told = [Entry(n, a, "m", v, "", "eva", "", "", "", "") for n, (a, v) in enumerate([("promote", 1), ("promote", 2), ("rollback", 1)], 1)]
    >>> [entry.version for entry in champions(told, "m")]
    [1]
    """
    held: list[Entry] = []
    for entry in entries:
        if entry.name == name and entry.action == PROMOTE:
            held.append(entry)
        elif entry.name == name:
            held.pop()
    return tuple(held)


def read(folder: Path, key: bytes) -> tuple[Entry, ...]:
    """All entries. Raises ModelRefused at a line that is not signed or not in its place."""
    file = folder / FILE
    lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    entries, before = [], ""
    for number, line in enumerate(lines, start=1):
        entry, before = _checked(number, line, before, key)
        entries.append(entry)
    return tuple(entries)


def append(folder: Path, key: bytes, entry: Entry) -> None:
    """Write the next entry; it is on the disk when this returns. What a crash left of a line goes first. Only one at a time may call this."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    with open(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as opened:
        whole = opened.read().rpartition(b"\n")[0]
        before = _signature(whole.rpartition(b"\n")[2]) if whole else ""
        said = asdict(entry)
        line = json.dumps(said | {"signature": signature_of(key, _ABOUT, said | {"before": before})}, sort_keys=True)
        opened.seek(len(whole) + 1 if whole else 0)
        opened.truncate()
        opened.write(line.encode() + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    sync_to_disk(folder)


def _checked(number: int, line: bytes, before: str, key: bytes) -> tuple[Entry, str]:
    what = f"line {number} of {FILE}"
    said: dict[str, Any] = dict(parsed(line, what))
    signature = str(said.pop("signature", ""))
    if not is_signed(key, _ABOUT, said | {"before": before}, signature) or said.get("number") != number:
        raise ModelRefused(f"{what} is not what this installation signed there; put the file back from a backup")
    return Entry(**said), signature


def _signature(line: bytes) -> str:
    return str(parsed(line, f"the last line of {FILE}").get("signature", ""))
