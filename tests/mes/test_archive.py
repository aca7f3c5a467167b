"""A backup holds the whole record of one moment; restored into either database it is the same to the last row and the same audit head."""

import itertools
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from record_databases import create_database, use_database
from record_plant import do, order

from factolake.errors import ContractViolation, StorageRefused, TableDamaged
from factolake.mes.audit.models import AuditHead
from factolake.mes.core.models import OutboxEvent, OutboxHistory
from factolake.mes.people.models import Person
from factolake.mes.production.models import Lot
from factolake.mes.project.archive import backup, record_models, restore
from factolake.mes.project.database import pending

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
_numbers = itertools.count()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Point Django at an empty database of the other or the same kind."""
    made: list[str] = []

    def now() -> None:
        if request.param == "sqlite":
            another_file(tmp_path)
            return
        server: str = request.getfixturevalue("postgres_url")
        name = f"restored_{next(_numbers)}"
        create_database(server, name)
        made.append(name)
        before, _, after = server.partition("?")
        use_database(f"{before.rpartition('/')[0]}/{name}?{after}")

    yield now
    use_database(None)
    for name in made:
        create_database(request.getfixturevalue("postgres_url"), name, "DROP DATABASE")


@pytest.fixture
def worked(record: str, tmp_path: Path) -> Path:
    """A backup from either kind of database."""
    return some_work(tmp_path)


@pytest.fixture
def small(sqlite_record: str, tmp_path: Path) -> Path:
    """A backup from SQLite, for what no database changes."""
    return some_work(tmp_path)


def some_work(tmp_path: Path) -> Path:
    """A backup of a record in which some work was done, with text that is hard to carry."""
    operation = order("PO-Ä \u2028'1", quantity="0.0001")
    do("operator", "operation.start", operation)
    for number in range(3):
        do("operator", "operation.report", operation, good="1.5", lot_id=f"LOT-{number}", reason='say "hi"\n\t\\ 🏭')
    folder = tmp_path / "mes"
    folder.mkdir()
    (folder / "secret_key").write_text("s3cret", encoding="utf-8")
    backup(tmp_path / "b.zip", folder, {"plant.toml": Path(__file__)}, NOW)
    return tmp_path / "b.zip"


def another_file(folder: Path) -> None:
    use_database(f"sqlite:///{folder / f'empty{next(_numbers)}.sqlite'}")


def content() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, but for the history's epoch."""
    return {
        model._meta.db_table: list(model._default_manager.order_by("pk").values_list()) for model in record_models() if model is not OutboxHistory
    }


def test_what_was_backed_up_is_what_is_restored(worked: Path, tmp_path: Path, empty: Callable[[], None]) -> None:
    before, epoch, head = content(), OutboxHistory.objects.get().epoch, AuditHead.objects.get().hash
    empty()
    done = restore(worked, tmp_path / "new")
    assert content() == before
    assert (done.audit_hash, AuditHead.objects.get().hash, pending()) == (head, head, [])
    assert done.rows == sum(len(rows) for rows in before.values()) + 1
    assert (tmp_path / "new" / "secret_key").read_text(encoding="utf-8") == "s3cret"
    assert OutboxHistory.objects.get().epoch > epoch


def test_work_goes_on_after_a_restore(worked: Path, tmp_path: Path, empty: Callable[[], None]) -> None:
    empty()
    restore(worked, tmp_path / "new")
    newest = OutboxEvent.objects.order_by("-id").values_list("id", flat=True)[0]
    report = do("operator", "operation.report", "PO-Ä \u2028'1.10", good=1, lot_id="LOT-0")
    assert report["id"] == 4
    assert OutboxEvent.objects.order_by("-id").values_list("id", flat=True)[0] > newest
    assert Lot.objects.get(pk="LOT-0").quantity == 2.5


def test_a_backup_of_an_older_release_is_brought_up_to_date(small: Path, tmp_path: Path) -> None:
    """As a release before the outbox had a history would have written it: without that table and without its step."""
    older = edited(small, tmp_path / "older.zip", lambda manifest: forget(manifest, "core_outboxhistory", ("core", "0002_outbox_history")))
    before = content()
    another_file(tmp_path)
    restore(older, tmp_path / "new")
    assert (content(), pending(), OutboxHistory.objects.count()) == (before, [], 1)


def test_a_backup_of_a_newer_release_is_refused(small: Path, tmp_path: Path) -> None:
    newer = edited(small, tmp_path / "newer.zip", lambda manifest: manifest["migrations"].append(["core", "0099_to_come"]))
    another_file(tmp_path)
    with pytest.raises(ContractViolation, match=r"whose table step core\.0099_to_come is not known here"):
        restore(newer, tmp_path / "new")


@pytest.mark.parametrize("how", ["row", "count", "head", "cut", "no zip"])
def test_a_backup_that_is_not_whole_is_refused_and_leaves_nobody(small: Path, tmp_path: Path, how: str) -> None:
    file = tmp_path / "broken.zip"
    if how == "row":
        with zipfile.ZipFile(small) as archive:
            line = archive.read("tables/production_lot.jsonl").replace(b'"1.5"', b'"9.5"', 1)
        edited(small, file, lambda _: None, {"tables/production_lot.jsonl": line})
    elif how == "count":
        edited(small, file, lambda manifest: next(t for t in manifest["tables"] if t["table"] == "production_lot").update(rows=2))
    elif how == "head":
        edited(small, file, lambda manifest: manifest["audit"].update(number=1))
    elif how == "cut":
        file.write_bytes(small.read_bytes()[:-200])
    else:
        file.write_text("no zip", encoding="utf-8")
    another_file(tmp_path)
    with pytest.raises(TableDamaged):
        restore(file, tmp_path / "new")
    if how in ("row", "count", "head"):
        assert Person.objects.count() == 0


def test_a_database_with_tables_takes_no_backup(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ContractViolation, match="the database has tables already"):
        restore(small, tmp_path / "new")


def test_a_backup_never_overwrites_and_is_its_owners_alone(small: Path, tmp_path: Path) -> None:
    assert small.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StorageRefused, match="is there already"):
        backup(small, tmp_path / "mes", {}, NOW)
    assert not (tmp_path / "b.zip.partial").exists()


def edited(source: Path, target: Path, change: Callable[[dict[str, list[object]]], object], other: dict[str, bytes] | None = None) -> Path:
    """A copy of a backup with another manifest, and other content in some entries."""
    shutil.copyfile(source, target)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = (other or {}).get(name, old.read(name))
            if name == "manifest.json":
                manifest = json.loads(content)
                change(manifest)
                content = json.dumps(manifest).encode()
            new.writestr(name, content)
    return target


def forget(manifest: dict[str, list[object]], table: str, step: tuple[str, str]) -> None:
    manifest["tables"] = [one for one in manifest["tables"] if one["table"] != table]  # type: ignore[index]
    manifest["migrations"].remove(list(step))
