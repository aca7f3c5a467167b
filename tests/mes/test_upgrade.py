"""A record of release 0.1.0 is taken over by this one: every row with its values, the same audit, every action works on; never the other way round.

Rows are compared with plain sqlite3 and SQLAlchemy, not through the models that the migrations belong to.
"""

import gzip
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from action_examples import EXAMPLES
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings
from record_databases import create_database, use_database
from record_plant import LINE, Api, do, order

from factolake.config import load_plant
from factolake.domain.action import RULES
from factolake.errors import ContractViolation
from factolake.mes.audit.models import AuditHead
from factolake.mes.audit.verify import verify
from factolake.mes.core.action import ACTIONS, On
from factolake.mes.core.api import path_of
from factolake.mes.people.models import Grant
from factolake.mes.production.models import Operation
from factolake.mes.project.archive import backup, restore
from factolake.mes.project.database import check_known, migrate, pending

OLD = Path(__file__).parent / "data" / "0.1.0"
MADE: dict[str, Any] = json.loads((OLD / "made.json").read_text(encoding="utf-8"))
PLANT = Path(__file__).resolve().parents[2] / "conf" / "plant.toml"
GROWING = frozenset(
    {"django_migrations", "django_content_type", "auth_permission", "equipment_reason", "maintenance_failurecode", "core_outboxevent"}
)
"""Tables that a new release adds rows to: its own steps and tables, reasons and codes it ships, and what of them the lake was not told yet."""
LATER = datetime.fromisoformat("2026-03-05T07:00:00+00:00")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The MES folder of the old installation."""
    folder = tmp_path_factory.mktemp("old")
    with zipfile.ZipFile(OLD / "backup.zip") as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith("files/")])
    with override_settings(FACTOLAKE_MES_DIR=folder / "files"):
        yield folder / "files"


@pytest.fixture(scope="module")
def upgraded_file(home: Path) -> Path:
    """The old database after `factolake mes migrate`."""
    file = home / "mes.sqlite"
    file.write_bytes(gzip.decompress((OLD / "mes.sqlite.gz").read_bytes()))
    use_database(f"sqlite:///{file}")
    migrate(load_plant(PLANT), LATER)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    use_database(None)
    return file


@pytest.fixture
def upgraded(upgraded_file: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it for one test."""
    file = tmp_path / "mes.sqlite"
    shutil.copyfile(upgraded_file, file)
    use_database(f"sqlite:///{file}")
    yield file
    use_database(None)


@pytest.fixture(scope="module")
def restored_url(postgres_url: str, home: Path) -> Iterator[str]:
    """The old backup in an empty PostgreSQL database."""
    before, _, after = postgres_url.partition("?")
    url = f"{before.rpartition('/')[0]}/upgraded?{after}"
    create_database(postgres_url, "upgraded")
    use_database(url)
    restore(OLD / "backup.zip", home)
    migrate(load_plant(PLANT), LATER)
    use_database(None)
    yield url
    create_database(postgres_url, "upgraded", "DROP DATABASE")


@pytest.fixture
def restored(restored_url: str, postgres_url: str) -> Iterator[str]:
    """A copy of it for one test."""
    create_database(postgres_url, "upgraded_copy TEMPLATE upgraded")
    url = restored_url.replace("/upgraded", "/upgraded_copy")
    use_database(url)
    yield url
    use_database(None)
    create_database(postgres_url, "upgraded_copy", "DROP DATABASE")


@pytest.fixture(params=["upgraded", pytest.param("restored", marks=pytest.mark.postgres)])
def taken_over(request: pytest.FixtureRequest) -> None:
    """The old record in this release, upgraded in place or restored from its backup."""
    request.getfixturevalue(request.param)


def table_rows(file: Path, table: str, columns: list[str]) -> list[tuple[object, ...]]:
    named = ", ".join(f'"{column}"' for column in columns)
    with sqlite3.connect(file) as plain:
        return sorted(plain.execute(f'SELECT {named} FROM "{table}"').fetchall(), key=repr)


def test_every_row_of_every_table_is_there_with_its_values(upgraded: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.sqlite"
    before.write_bytes(gzip.decompress((OLD / "mes.sqlite.gz").read_bytes()))
    wrong = []
    for table, count in MADE["rows"].items():
        if table == "sqlite_sequence":
            continue
        with sqlite3.connect(before) as plain:
            columns = [column[1] for column in plain.execute(f'PRAGMA table_info("{table}")')]
        was, now = table_rows(before, table, columns), table_rows(upgraded, table, columns)
        assert len(was) == count
        if was != now and not (table in GROWING and set(was) <= set(now)):
            wrong.append((table, sorted(set(was) ^ set(now), key=repr)[:3]))
    assert wrong == []
    assert sum(MADE["rows"].values()) > 1_500
    assert pending() == []


@pytest.mark.postgres
def test_every_row_of_the_old_backup_is_in_postgresql_with_its_values(restored: str) -> None:
    engine = sa.create_engine(restored)
    with zipfile.ZipFile(OLD / "backup.zip") as archive, engine.connect() as plain:
        for table in json.loads(archive.read("manifest.json"))["tables"]:
            if table["table"] == "core_outboxhistory":
                continue  # a restored record is another history for the lake
            named = ", ".join(f'"{column}"' for column in table["columns"])
            now = {told(row) for row in plain.execute(sa.text(f'SELECT {named} FROM "{table["table"]}"'))}
            lines = archive.read(f"tables/{table['table']}.jsonl").decode().split("\n")[:-1]
            was = {told(json.loads(line)) for line in lines}
            assert len(was) == table["rows"]
            assert was <= now if table["table"] in GROWING else was == now, table["table"]
    engine.dispose()


def told(row: Any) -> tuple[object, ...]:
    """A row in words that both have: numbers without their zeros, times in UTC."""
    return tuple(_plain(value) for value in row)


def _plain(value: object) -> object:
    if isinstance(value, str):
        for kind in (Decimal, datetime.fromisoformat):
            try:
                return _plain(kind(value))
            except (ArithmeticError, ValueError):
                continue
        return value
    if isinstance(value, datetime):
        return value.timestamp() if value.tzinfo else str(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value.is_finite() and value else str(value) if value else "0"
    return value


@pytest.mark.usefixtures("taken_over")
def test_the_audit_ends_as_it_did_and_is_sound() -> None:
    verdict = verify()
    assert (verdict.head, verdict.faults, verdict.unsealed) == ((MADE["audit"]["number"], MADE["audit"]["hash"]), (), 0)
    with connection.cursor() as cursor, pytest.raises(Exception, match="only ever added"), transaction.atomic():
        cursor.execute("DELETE FROM audit_auditentry")


@pytest.mark.usefixtures("taken_over")
def test_every_action_of_the_old_release_works_on() -> None:
    Grant.objects.update(scope="")
    examples = {**EXAMPLES, "stop.split": {"at_ts": "2026-03-02T05:15:00Z"}}
    wrong, done = [], 0
    for name in MADE["actions"]:
        action = ACTIONS[name]  # an action that is taken away has to be said here
        first = action.subject.model._default_manager.order_by("pk").first() if isinstance(action.subject, On) else None
        address = path_of(action).replace("{key}", str(first.pk) if first else "1")
        with transaction.atomic():
            answer = Api(min(action.roles).value).post(address, {"reason": "tried", **examples.get(name, {})})
            transaction.set_rollback(True)
        needs_approval = RULES[action.effect].approvals > 1
        done += answer.status_code in (200, 201)
        if answer.status_code not in (200, 201, 409, *((403,) if needs_approval else ())):
            wrong.append((name, answer.status_code, answer.content))
    assert wrong == []
    assert done > len(MADE["actions"]) / 3


@pytest.mark.usefixtures("taken_over")
def test_a_shift_goes_on_where_it_was_left() -> None:
    left = Operation.objects.get(pk="PO-1.10")
    do("operator", "operation.report", left.pk, good=2, at=LATER)
    assert Operation.objects.get(pk=left.pk).good == left.good + 2
    key = order("PO-NEW")
    do("operator", "operation.start", key)
    do("operator", "operation.report", key, good=100, lot_id="LOT-NEW")
    do("operator", "operation.complete", key)
    do("quality", "hold.create", lot_id="LOT-NEW", reason="looked at")
    do("maintenance", "maintenance_order.create", equipment_id=LINE, kind="corrective", description="spindle")
    assert AuditHead.objects.get(pk=1).number == MADE["audit"]["number"] + 8
    assert verify(Path(settings.FACTOLAKE_MES_DIR)).is_sound


@pytest.mark.parametrize(
    "asked", [check_known, pending, lambda: migrate(load_plant(PLANT), LATER), lambda: backup(Path("never.zip"), Path(), {}, LATER)]
)
def test_a_database_of_a_newer_release_is_refused(upgraded: Path, asked: Callable[[], object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('core', '0099_to_come', '2027-01-01')")
    with pytest.raises(
        ContractViolation, match=r"is of a newer release: release \S+ does not know its table step core\.0099_to_come; install that release"
    ):
        asked()
    assert not Path("never.zip").exists()
