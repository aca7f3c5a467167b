"""Seals bind the end of the chain to a time and a key; with them any edit, cut or rewrite of what they cover is found (G19, S40, S41)."""

import json
import random
import stat
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection
from record_plant import NOW, do, order

from factolake.mes.audit import seals as module
from factolake.mes.audit.chain import GENESIS, canonical, entry_hash
from factolake.mes.audit.models import AuditEntry, AuditHead, AuditSeal
from factolake.mes.audit.seals import Seal, seal, signed
from factolake.mes.audit.verify import FAULTS_TOLD, verify, verify_chain

Entry = dict[str, Any]
Chain = list[Entry]
TRIES = 1_000
KEY = Ed25519PrivateKey.from_private_bytes(b"7" * 32)
COLUMNS = [field.attname for field in AuditEntry._meta.concrete_fields]
TEXTS = [name for name in COLUMNS if name not in ("number", "at_ts", "previous_hash", "hash")]


def chain_of(count: int, rng: random.Random) -> Chain:
    """Entries as actions leave them, each bound to the one before."""
    made: Chain = []
    for number in range(1, count + 1):
        entry: Entry = dict.fromkeys(TEXTS, "") | {"number": number, "at_ts": NOW + timedelta(seconds=number)}
        entry |= {"actor": rng.choice(["anna", "ben", "agent"]), "actor_kind": "human", "action": rng.choice(["order.release", "lot.block"])}
        entry |= {"payload": canonical({"good": rng.randrange(100)}), "changes": "[]", "reason": rng.choice(["", "wrong steel"])}
        made.append(bound(entry, made[-1]["hash"] if made else GENESIS))
    return made


def bound(entry: Entry, previous: str) -> Entry:
    entry = entry | {"previous_hash": previous}
    return entry | {"hash": entry_hash(entry)}


def rebound(chain: Chain, start: int) -> Chain:
    """The chain with numbers and hashes made anew from index `start` on: sound in itself."""
    made = chain[:start]
    for entry in chain[start:]:
        made.append(bound(entry | {"number": len(made) + 1}, made[-1]["hash"] if made else GENESIS))
    return made


def other(value: object, rng: random.Random) -> object:
    if isinstance(value, datetime):
        return value + timedelta(microseconds=rng.randint(1, 10**9))
    text = str(value)
    return text + rng.choice("x0 ") if not text or rng.random() < 0.5 else text[:-1] + ("y" if text[-1] != "y" else "z")


def edit_a_column(chain: Chain, at: int, rng: random.Random) -> Chain:
    name = rng.choice([*TEXTS, "at_ts", "previous_hash", "hash"])
    edited = chain[at] | {name: other(chain[at][name], rng)}
    if name != "hash" and rng.random() < 0.5:
        edited["hash"] = entry_hash(edited)  # the forger knows how a hash is made
    return [*chain[:at], edited, *chain[at + 1 :]]


def delete_an_entry(chain: Chain, at: int, _: random.Random) -> Chain:
    return chain[:at] + chain[at + 1 :]


def cut_the_tail(chain: Chain, at: int, _: random.Random) -> Chain:
    return chain[:at]


def swap_two(chain: Chain, at: int, rng: random.Random) -> Chain:
    with_ = rng.choice([index for index in range(len(chain)) if index != at])
    swapped = list(chain)
    if rng.random() < 0.5:  # the rows as they are, or their contents under each other's numbers
        swapped[at], swapped[with_] = chain[with_], chain[at]
    else:
        swapped[at], swapped[with_] = chain[with_] | {"number": at + 1}, chain[at] | {"number": with_ + 1}
    return swapped


def insert_a_forged_entry(chain: Chain, at: int, rng: random.Random) -> Chain:
    forged = bound(chain[at] | {"actor": "nobody"}, chain[at]["previous_hash"])
    return rebound([*chain[:at], forged, *chain[at:]], at) if rng.random() < 0.5 else [*chain[:at], forged, *chain[at:]]


def rewrite_the_whole(chain: Chain, at: int, rng: random.Random) -> Chain:
    return rebound([*chain[:at], chain[at] | {"reason": other(chain[at]["reason"], rng)}, *chain[at + 1 :]], 0)


KINDS: list[Callable[[Chain, int, random.Random], Chain]] = [
    edit_a_column,
    delete_an_entry,
    cut_the_tail,
    swap_two,
    insert_a_forged_entry,
    rewrite_the_whole,
]


def test_each_of_a_thousand_tamperings_of_six_kinds_is_found() -> None:
    rng = random.Random(20260302)
    sound = [chain_of(rng.randint(8, 40), rng) for _ in range(40)]
    tried, found, too_late = Counter[str](), Counter[str](), []
    for number in range(TRIES):
        kind, chain = KINDS[number % len(KINDS)], rng.choice(sound)
        sealed_at = rng.sample(range(2, len(chain) + 1), rng.randint(1, 3))
        seals = [signed(KEY, at, chain[at - 1]["hash"], NOW) for at in sealed_at]
        head = (len(chain), chain[-1]["hash"])
        assert verify_chain(chain, head, seals, KEY.public_key()).is_sound
        at = rng.randrange(max(sealed_at))  # what no seal covers yet can be cut without a trace
        tampered = kind(chain, at, rng)
        if rng.random() < 0.7:  # the forger tells the table where it ends now
            head = (len(tampered), tampered[-1]["hash"]) if tampered else (0, GENESIS)
        verdict = verify_chain(tampered, head, seals, KEY.public_key())
        tried[kind.__name__] += 1
        found[kind.__name__] += not verdict.is_sound
        if kind in (edit_a_column, delete_an_entry) and verdict.first_faulty not in (at + 1, at + 2):
            too_late.append((kind.__name__, at + 1, verdict.first_faulty))
    assert sum(tried.values()) == TRIES
    assert len(tried) == 6
    assert min(tried.values()) >= TRIES // 6
    assert found == tried
    assert too_late == []


def test_a_seal_of_another_key_or_another_time_is_a_fault() -> None:
    chain = chain_of(5, random.Random(1))
    head = (5, chain[-1]["hash"])
    true = signed(KEY, *head, NOW)
    forged = signed(Ed25519PrivateKey.generate(), *head, NOW)
    for seals in ([forged], [Seal(true.number, true.hash, NOW + timedelta(days=1), true.signature)], [Seal(5, head[1], NOW, "no hex")]):
        assert "not signed with this installation's key" in verify_chain(chain, head, seals, KEY.public_key()).faults[0].fault
    assert verify_chain(chain, head, [true], None).first_faulty == 5
    assert verify_chain(chain, head, [true], KEY.public_key()).unsealed == 0


def test_faults_are_told_up_to_a_hundred_and_all_entries_are_counted() -> None:
    chain = [entry | {"actor": "x"} for entry in chain_of(FAULTS_TOLD * 3, random.Random(1))]
    verdict = verify_chain(chain, (len(chain), chain[-1]["hash"]), [], None)
    assert (verdict.count, len(verdict.faults), verdict.first_faulty) == (len(chain), FAULTS_TOLD, 1)


@pytest.fixture
def home(record: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A MES folder of this test's own, and a chain of some entries."""
    monkeypatch.setattr(settings, "FACTOLAKE_MES_DIR", tmp_path / "home")
    order("PO-1")
    do("quality", "order.hold", "PO-1", reason="wrong steel")
    do("quality", "order.resume", "PO-1")
    return tmp_path / "home"


def test_a_seal_is_kept_twice_and_the_chain_is_sound(home: Path) -> None:
    made = seal(NOW)
    verdict = verify()
    assert (verdict.faults, verdict.count, verdict.unsealed, verdict.last_seal) == ((), AuditHead.objects.get().number, 0, made)
    assert [json.loads(line)["signature"] for line in (home / "audit_seals.jsonl").read_text().splitlines()] == [made.signature]
    assert AuditSeal.objects.get().signature == made.signature
    assert stat.S_IMODE((home / "audit_key").stat().st_mode) == 0o600
    do("planner", "order.cancel", "PO-1", reason="no")
    assert (verify().faults, verify().unsealed) == ((), 1)


def test_sealing_again_without_anything_new_writes_nothing(home: Path) -> None:
    first = seal(NOW)
    assert seal(NOW + timedelta(minutes=1)) == first
    order("PO-2")
    assert seal(NOW + timedelta(minutes=2)).number > first.number
    assert AuditSeal.objects.count() == len((home / "audit_seals.jsonl").read_text().splitlines()) == 2


def test_seals_go_to_the_folder_that_is_shipped(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    made = seal(NOW, tmp_path / "elsewhere")
    assert module.shipped(tmp_path / "elsewhere") == ([made], [])
    assert not (home / "audit_seals.jsonl").exists()


def test_a_line_that_a_crash_left_half_is_no_fault_and_goes_with_the_next_seal(home: Path) -> None:
    seal(NOW)
    file = home / "audit_seals.jsonl"
    file.write_bytes(file.read_bytes() + b'{"hash":"ab')
    assert verify().is_sound
    order("PO-2")
    seal(NOW + timedelta(minutes=1))
    assert len(module.shipped(home)[0]) == 2
    file.write_bytes(b"{}\n" + file.read_bytes())
    assert "line 1 of audit_seals.jsonl is no seal" in verify().faults[0].fault


def test_a_seal_that_a_crash_kept_from_the_file_is_there_with_the_next(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ship", lambda *_: None)
    made = seal(NOW)
    assert verify().is_sound
    monkeypatch.undo()
    monkeypatch.setattr(settings, "FACTOLAKE_MES_DIR", home)
    assert seal(NOW + timedelta(minutes=1)) == made
    assert module.shipped(home) == ([made], [])


def test_a_database_set_back_behind_a_shipped_seal_is_found(home: Path) -> None:
    first = seal(NOW)
    order("PO-2")
    second = seal(NOW + timedelta(minutes=1))
    AuditSeal.objects.filter(number=second.number).delete()
    assert "is in audit_seals.jsonl and not in the database" in verify().faults[0].fault
    AuditSeal.objects.all().delete()
    (home / "audit_seals.jsonl").unlink()
    assert "no seal: all were taken away" in verify().faults[0].fault
    assert first.number < second.number


def drop_triggers() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for verb in ("update", "delete"):
                cursor.execute(f"DROP TRIGGER audit_no_{verb}")
        else:
            cursor.execute("DROP TRIGGER audit_append_only ON audit_auditentry")


def store(chain: Chain, head: tuple[int, str]) -> None:
    """What somebody who owns the database can do to it."""
    AuditEntry.objects.all().delete()
    AuditEntry.objects.bulk_create(AuditEntry(**entry) for entry in chain)
    AuditHead.objects.filter(pk=1).update(number=head[0], hash=head[1])


def test_tampering_with_the_database_itself_is_found(home: Path) -> None:
    rng = random.Random(7)
    seal(NOW)
    drop_triggers()
    sound: Chain = list(AuditEntry.objects.order_by("number").values())
    found = Counter[str]()
    for number in range(2 * len(KINDS)):
        kind = KINDS[number % len(KINDS)]
        tampered = kind(sound, rng.randrange(len(sound)), rng)
        by_number = {entry["number"]: entry for entry in tampered}  # a key holds one row
        while [by_number[n] for n in sorted(by_number)] == sound:  # rows swapped as they are are no change in a table
            tampered = kind(sound, rng.randrange(len(sound)), rng)
            by_number = {entry["number"]: entry for entry in tampered}
        stored = [by_number[n] for n in sorted(by_number)]
        store(stored, (stored[-1]["number"], stored[-1]["hash"]) if stored else (0, GENESIS))
        found[kind.__name__] += not verify().is_sound
    assert found == {kind.__name__: 2 for kind in KINDS}
    store(sound, (len(sound), sound[-1]["hash"]))
    assert verify().is_sound


def test_a_time_that_is_none_is_a_fault_and_no_crash(home: Path) -> None:
    seal(NOW)
    drop_triggers()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("UPDATE audit_auditentry SET at_ts = '2026-13-45 99:99' WHERE number = 3")
        else:
            cursor.execute("UPDATE audit_auditentry SET at_ts = 'infinity' WHERE number = 3")
    assert verify().first_faulty == 3
    assert verify().count == AuditHead.objects.get().number


def test_entries_behind_the_end_are_found(home: Path) -> None:
    AuditEntry.objects.create(**(AuditEntry.objects.order_by("number").values().last() | {"number": 99, "at_ts": datetime(2026, 1, 1, tzinfo=UTC)}))
    assert "there are entries up to 99" in verify().faults[0].fault
