"""Seals: where the chain ends, signed (Ed25519) and kept twice: in the database, and as a line of a file that is meant to be shipped elsewhere.

A chain that was cut or rewritten as a whole is sound in itself; only a seal that was made before tells. What follows the newest seal is not
covered yet, so seal often. Whoever can read the private key can seal anew: ship the file and the public key to a place that host cannot write.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings
from django.db import transaction

from factolake.files import make_once, sync_to_disk
from factolake.mes.audit.chain import canonical
from factolake.mes.audit.models import AuditHead, AuditSeal

KEY_FILE, PUBLIC_FILE, SEALS_FILE = "audit_key", "audit_key.pub", "audit_seals.jsonl"


@dataclass(frozen=True, slots=True)
class Seal:
    """At `at_ts` (UTC) the chain had `number` entries, the last with `hash`. `signature` is hex."""

    number: int
    hash: str
    at_ts: datetime
    signature: str

    @property
    def message(self) -> bytes:
        """What is signed."""
        return canonical({"number": self.number, "hash": self.hash, "time": self.at_ts.astimezone(UTC).isoformat(timespec="microseconds")}).encode()

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether the signature is `key`'s over exactly this."""
        try:
            key.verify(bytes.fromhex(self.signature), self.message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def as_line(self) -> str:
        """The seal as a line of the file, without its end."""
        return canonical({"number": self.number, "hash": self.hash, "time": self.at_ts.astimezone(UTC).isoformat(), "signature": self.signature})


def seal_of_line(line: str) -> Seal:
    """The seal in a line of the file. Raises ValueError for what is none."""
    try:
        said: Mapping[str, object] = json.loads(line)
        at_ts = datetime.fromisoformat(str(said["time"]))
        if at_ts.tzinfo is None:
            raise ValueError(f"time {said['time']} has no zone")
        return Seal(int(str(said["number"])), str(said["hash"]), at_ts, str(said["signature"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"a seal lacks {error}") from error


def signed(key: Ed25519PrivateKey, number: int, hash_: str, at_ts: datetime) -> Seal:
    """A seal over the end of a chain."""
    return Seal(number, hash_, at_ts, key.sign(Seal(number, hash_, at_ts, "").message).hex())


def seal(now: datetime, folder: Path | None = None) -> Seal:
    """Seal the end of the chain; nothing new is written when the newest seal says so already.

    `folder`: where the file of seals is; the MES folder unless said. The seal is on the disk, twice, when this returns.
    """
    home = Path(settings.FACTOLAKE_MES_DIR)
    key = private_key(home)
    with transaction.atomic():
        head = AuditHead.objects.select_for_update().get(pk=1)
        newest = AuditSeal.objects.order_by("id").last()
        made = as_seal(newest) if newest else None
        if made is None or (made.number, made.hash) != (head.number, head.hash):
            made = signed(key, head.number, head.hash, now)
            AuditSeal.objects.create(number=made.number, hash=made.hash, at_ts=made.at_ts, signature=made.signature)
    ship(made, folder or home)  # after the commit: a seal that only the file has would be a fault
    return made


def as_seal(row: AuditSeal) -> Seal:
    """The value of a stored seal."""
    return Seal(row.number, row.hash, row.at_ts, row.signature)


def ship(made: Seal, folder: Path) -> None:
    """Append the seal to the file unless it is its last line, and wait for the disk. What a crash left of a line goes first."""
    file = folder / SEALS_FILE
    with open(os.open(file, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as opened:
        held = opened.read()
        whole = held.rfind(b"\n") + 1
        line = made.as_line().encode() + b"\n"
        if held[:whole].endswith(line):
            return
        opened.seek(whole)
        opened.truncate()
        opened.write(line)
        opened.flush()
        os.fsync(opened.fileno())
    sync_to_disk(folder)


def shipped(folder: Path) -> tuple[list[Seal], list[str]]:
    """The seals in the file, and what is wrong with lines that are none. A last line without its end is a crash's and left out."""
    file = folder / SEALS_FILE
    if not file.exists():
        return [], []
    seals, wrong = [], []
    for number, line in enumerate(file.read_bytes().split(b"\n")[:-1], start=1):
        try:
            seals.append(seal_of_line(line.decode()))
        except ValueError as error:
            wrong.append(f"line {number} of {file.name} is no seal: {error}")
    return seals, wrong


def private_key(folder: Path) -> Ed25519PrivateKey:
    """The installation's key, made on first use; only its owner may read the file. The public key lies beside it."""
    file = folder / KEY_FILE
    if not file.exists():
        made = Ed25519PrivateKey.generate()
        make_once(file, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)  # nobody else writes this file
    if not (folder / PUBLIC_FILE).exists():
        make_once(folder / PUBLIC_FILE, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    return key


def public_key(folder: Path) -> Ed25519PublicKey | None:
    """The key that seals are checked with; None before the first seal. Raises ValueError for a file that holds another kind of key."""
    file = folder / PUBLIC_FILE
    if not file.exists():
        return None
    key = load_pem_public_key(file.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{file} holds no Ed25519 public key; put back the one that was made with the first seal")
    return key
