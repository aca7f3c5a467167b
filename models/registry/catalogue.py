"""Models by name: registered, promoted with a person's approval, rolled back, and read only after everything about them was verified.

A version is believed if this installation's key signed its hash, its folder has that hash, and it passed its trial (`trial`). The champion is what
the ledger of promotions says; an alias that somebody moved in MLflow makes no champion. What makes another champion happens one at a time, under a
lock of the folder.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from factolake.errors import ModelRefused
from models.registry import folders, ledger
from models.registry.approval import Approval, payload_of
from models.registry.bundle import PERSON, Bundle, as_bytes, checked_name, of_bytes
from models.registry.keys import held_key, is_signed, made_key, signature_of
from models.registry.ledger import PROMOTE, ROLLBACK, Entry, champions
from models.registry.lock import alone
from models.registry.passed import Passed
from models.registry.runs import MOST_TEXT
from models.registry.shelf import MlflowShelf, Shelf, Shelved
from models.registry.trial import TRIAL, Trial

CHAMPION, CHALLENGER = "champion", "challenger"
HASH_TAG, SIGNATURE_TAG, DATA_TAG, KIND_TAG = "factolake.sha256", "factolake.signature", "factolake.trained_on", "factolake.kind"
_ABOUT = "factolake.model"


@dataclass(frozen=True, slots=True)
class Verified:
    """A version of a model whose signature and hash are right."""

    version: int
    sha256: str
    bundle: Bundle


class Models:
    """The models under `folder`, signed with the key in `key_file`; `shelf` keeps versions and aliases, MLflow unless said; `trial` tries each.

    `lacks`: walls that the last trial had to do without.
    """

    def __init__(self, folder: Path, key_file: Path, shelf: Shelf | None = None, trial: Trial = TRIAL) -> None:
        self._folder, self._key_file = folder, key_file
        self._shelf = shelf or MlflowShelf(folder)
        self._trial, self._passed = trial, Passed(folder, key_file)
        self.lacks: tuple[str, ...] = ()

    def log_model(self, bundle: Bundle) -> int:
        """Register a bundle as the next version of its name, and as its challenger; the version. Raises ModelRefused, RegistryUnavailable."""
        content = as_bytes(bundle)
        digest = folders.digest_of({folders.FILE: content})
        self.lacks = self._trial.check(content, digest, f"model {bundle.name}")
        of_bytes(content, f"model {bundle.name}")
        is_first = not self._root.exists() and not self._has_ledger
        key = made_key(self._key_file) if is_first else held_key(self._key_file)
        folders.put(self._root, bundle.name, content)
        self._passed.add(digest, self.lacks)
        tags = {HASH_TAG: digest, DATA_TAG: json.dumps(dict(bundle.trained_on), sort_keys=True)[:MOST_TEXT], KIND_TAG: bundle.kind}
        version = self._shelf.add(bundle.name, folders.place_of(self._root, bundle.name, digest).absolute(), tags)
        self._shelf.tag(bundle.name, version, SIGNATURE_TAG, signature_of(key, _ABOUT, statement(bundle.name, version, digest)))
        self._shelf.point(bundle.name, CHALLENGER, version)
        return version

    def champion(self, name: str) -> Verified:
        """The version that scores. Raises ModelRefused where there is none, or where ledger, MLflow and folder do not say the same."""
        with self._alone(name):
            told = self.history(name)
            held = champions(told, name)
            if not held:
                raise ModelRefused(f"model {name} has no champion; promote a version")
            self._aligned(name, told)
        found = self.version(name, held[-1].version)
        if found.sha256 != held[-1].sha256:
            raise ModelRefused(
                f"{name} {found.version} has the hash {found.sha256[:12]}…, approved was {held[-1].sha256[:12]}…; promote a version anew"
            )
        return found

    def challenger(self, name: str) -> Verified:
        """The newest candidate. Raises ModelRefused where there is none."""
        for one in self._shelf.versions(checked_name(name)):
            if CHALLENGER in one.aliases:
                return self._verified(name, one)
        raise ModelRefused(f"model {name} has no challenger; register a version")

    def version(self, name: str, version: int) -> Verified:
        """One version. Raises ModelRefused."""
        known = self._shelf.versions(checked_name(name))
        for one in known:
            if one.version == version:
                return self._verified(name, one)
        raise ModelRefused(f"model {name} has no version {version}; there are {', '.join(str(one.version) for one in known) or 'none'}")

    def last_good(self, name: str) -> Verified:
        """The newest of the approved champions that can still be read; MLflow is not asked. Raises ModelRefused where there is none."""
        why = "none was promoted"
        for entry in reversed(champions(self.history(name), name)):
            try:
                return self._parsed(name, entry.version, entry.sha256)
            except ModelRefused as refused:
                why = str(refused)
        raise ModelRefused(f"no champion of {name} can be read: {why}")

    def promote(self, name: str, version: int, approval: Approval, at: datetime) -> Entry:
        """Make a version champion. Raises ModelRefused where no named person approved exactly this version, or where it is not sound."""
        with self._alone(name):
            found = self.version(name, version)
            approval.check(name, version, found.sha256)
            entries = self.entries()
            held = champions(entries, name)
            if held and held[-1].version == version:
                raise ModelRefused(f"{name} {version} is champion already, approved by {held[-1].by}; nothing was changed")
            if any(entry.approval_id == approval.approval_id for entry in entries):
                raise ModelRefused(f"approval {approval.approval_id} was used before; have version {version} of {name} approved anew")
            approval.check_order(name, version, entries)
            evidence = (approval.approval_id, approval.source, _utc(approval.approved_ts))
            return self._entered(Entry(len(entries) + 1, PROMOTE, name, version, found.sha256, approval.approved_by, *evidence, _utc(at)))

    def rollback(self, name: str, by: str, at: datetime) -> Entry:
        """Make the champion before champion again. Raises ModelRefused where there was none, or where it cannot be read any more."""
        if not PERSON.fullmatch(by):
            raise ModelRefused(f"{name} is not rolled back: {by[:70]!r} names no person")
        with self._alone(name):
            entries = self.entries()
            held = champions(entries, name)
            if len(held) < 2:
                raise ModelRefused(f"model {name} has no champion before this one; promote another version")
            before = self._parsed(name, held[-2].version, held[-2].sha256)
            return self._entered(Entry(len(entries) + 1, ROLLBACK, name, before.version, before.sha256, by, "", "", "", _utc(at)))

    def names(self) -> list[str]:
        """All models."""
        return self._shelf.names()

    def overview(self, name: str) -> list[dict[str, object]]:
        """Each version: what is known of it, the hash an approver approves, and why it is refused (empty: it is not). Raises ModelRefused."""
        held = champions(self.history(name), name)
        versions = self._shelf.versions(name)
        if not versions:
            raise ModelRefused(f"no model is called {name}; `factolake models list` lists them")
        return [self._told(name, one, held[-1].version if held else None) for one in versions]

    def history(self, name: str) -> list[Entry]:
        """All promotions and rollbacks of a model, the oldest first. Raises ModelRefused."""
        checked_name(name)
        return [entry for entry in self.entries() if entry.name == name]

    def entries(self) -> tuple[Entry, ...]:
        """All promotions and rollbacks of all models, the oldest first. Raises ModelRefused."""
        return ledger.read(self._folder, held_key(self._key_file)) if self._has_ledger else ()

    @property
    def _root(self) -> Path:
        return self._folder / "models"

    @property
    def _has_ledger(self) -> bool:
        return (self._folder / ledger.FILE).exists()

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        # Asked first, since MLflow takes seconds to load, and others would wait for the lock meanwhile.
        self._shelf.versions(checked_name(name))
        with alone(self._folder):
            yield

    def _entered(self, entry: Entry) -> Entry:
        ledger.append(self._folder, held_key(self._key_file), entry)
        self._shelf.point(entry.name, CHAMPION, entry.version)
        return entry

    def _aligned(self, name: str, told: Sequence[Entry]) -> None:
        """Where a promotion was cut off between ledger and alias, it is completed; an alias that is elsewhere otherwise is refused."""
        pointed = [one.version for one in self._shelf.versions(name) if CHAMPION in one.aliases]
        now, before = champions(told, name)[-1:], champions(told[:-1], name)[-1:]
        if pointed == [entry.version for entry in now]:
            return
        if pointed != [entry.version for entry in before]:
            raise ModelRefused(
                f"MLflow's alias champion of {name} names {pointed[0] if pointed else 'no version'}, approved is {now[0].version}; set it back there"
            )
        self._shelf.point(name, CHAMPION, now[0].version)

    def _verified(self, name: str, one: Shelved) -> Verified:
        digest, signature = one.tags.get(HASH_TAG, ""), one.tags.get(SIGNATURE_TAG, "")
        if not is_signed(held_key(self._key_file), _ABOUT, statement(name, one.version, digest), signature):
            raise ModelRefused(f"{name} {one.version} is not signed by this installation as it stands in MLflow; register the model anew")
        return self._parsed(name, one.version, digest)

    def _parsed(self, name: str, version: int, digest: str) -> Verified:
        bundle = self._opened(folders.content_of(self._root, name, digest), digest, f"{name} {version}")
        if bundle.name != name:
            raise ModelRefused(f"{name} {version} is a bundle of {bundle.name}; register it under its own name")
        return Verified(version, digest, bundle)

    def _opened(self, content: bytes, digest: str, what: str) -> Bundle:
        """Here only after it was opened behind walls, once in a release."""
        lacks = self._passed.lacks(digest)
        if lacks is None:
            lacks = self._trial.check(content, digest, what)
            self._passed.add(digest, lacks)
        self.lacks = lacks
        return of_bytes(content, what)

    def _told(self, name: str, one: Shelved, champion: int | None) -> dict[str, object]:
        digest = one.tags.get(HASH_TAG, "")
        told: dict[str, object] = {"version": one.version, "is_champion": one.version == champion, "aliases": list(one.aliases), "sha256": digest}
        try:
            found = self._verified(name, one).bundle
        except ModelRefused as refused:
            return told | {"refused": str(refused)}
        return told | {
            "payload_sha256": payload_of(name, one.version, digest),
            "kind": found.kind,
            "created_ts": found.created_ts,
            "created_by": found.created_by,
            "code_version": found.code_version,
            "trained_on": dict(found.trained_on),
            "metrics": dict(found.metrics),
            "refused": "",
        }


def statement(name: str, version: int, digest: str) -> dict[str, object]:
    """What the signature of a version says."""
    return {"name": name, "version": version, "sha256": digest}


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
