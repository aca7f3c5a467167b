"""Backup and restore: the whole record as one zip file that any release since and either database can read.

Inside: `manifest.json`, `tables/NAME.jsonl` (a row a line, columns in the order of the manifest), `files/` (keys and seals), `conf/` (settings
and plant file as they were). It holds every secret FactoMES has, so it is written for its owner alone.
"""

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max

from factolake import __version__
from factolake.errors import ContractViolation, StorageRefused, TableDamaged
from factolake.mes.audit.models import AuditHead
from factolake.mes.audit.verify import verify
from factolake.mes.core.models import OutboxEvent, OutboxHistory
from factolake.mes.core.record import plain
from factolake.mes.project.configure import APPS
from factolake.mes.project.database import check_known, is_empty

FORMAT = 1
AT_ONCE = 1_000
KEPT_FILES = ("secret_key", "audit_key", "audit_key.pub", "audit_seals.jsonl")


@dataclass(frozen=True, slots=True)
class Archived:
    """What a backup holds or a restore brought back: rows in all, and the end of the audit chain."""

    rows: int
    audit_number: int
    audit_hash: str


def backup(file: Path, folder: Path, conf: Mapping[str, Path], now: datetime) -> Archived:
    """Write the record and the files of `folder` to `file`, as they are at one moment; writers go on meanwhile.

    `conf` are settings and plant file by the name they get. Raises StorageRefused when `file` is there already or cannot be written,
    ContractViolation when the database is of a newer release.
    """
    check_known()
    partial = file.with_name(file.name + ".partial")
    try:
        handle = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise StorageRefused(f"{partial} cannot be made: {error.strerror}; name another file or remove it") from error
    if file.exists():
        os.close(handle)
        partial.unlink()
        raise StorageRefused(f"{file} is there already; name another file")
    try:
        with os.fdopen(handle, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
            done = _write(archive, folder, conf, now)
            archive.close()
            raw.flush()
            os.fsync(raw.fileno())
        os.replace(partial, file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return done


def restore(file: Path, folder: Path) -> Archived:
    """Bring a backup into an empty database and `folder`, then up to date with this release; checked before it counts.

    Raises ContractViolation when the database is not empty or the file is of a newer release, TableDamaged when the file is not whole.
    """
    if not is_empty():
        raise ContractViolation("the database has tables already; a backup is restored into an empty one: name another in mes.url or drop this one")
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            _check_format(manifest)
            then = _migrate_to(manifest["migrations"])
            with transaction.atomic():
                rows = sum(_load(archive, table, then) for table in manifest["tables"])
                _check_head(manifest, then)
            _bring_files(archive, folder)
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise TableDamaged(f"{file} is no whole backup: {error}; take another one") from error
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    _begin_history()
    _reset_sequences()
    if faults := verify().faults:
        raise TableDamaged(f"the audit in {file} is not sound: {faults[0].fault}; the database holds it as it was: `factolake audit verify`")
    return Archived(rows, manifest["audit"]["number"], manifest["audit"]["hash"])


def _begin_history() -> None:
    """What is sent from here on is of a history of its own, and the lake hears anew how each row is: it may know later states that are no more."""
    held = OutboxHistory.objects.get(pk=1).epoch
    OutboxHistory.objects.filter(pk=1).update(epoch=max(time.time_ns() // 1000, held + 1))
    newest = OutboxEvent.objects.values("kind", "object_id").annotate(last=Max("id")).values("last")
    OutboxEvent.objects.filter(pk__in=newest).update(sent_ts=None)


def record_models() -> list[type[models.Model]]:
    """Every table of ours, in the order of their names; the `lake_*` tables are the sync's, which brings them again."""
    ours = set(APPS)
    found = [model for config in apps.get_app_configs() if config.name in ours for model in config.get_models() if model._meta.managed]
    return sorted(found, key=lambda model: model._meta.db_table)


def _write(archive: zipfile.ZipFile, folder: Path, conf: Mapping[str, Path], now: datetime) -> Archived:
    with _one_moment():
        tables = [_dump(archive, model) for model in record_models()]
        head = AuditHead.objects.get(pk=1)
        applied = [[app, name] for app, name in MigrationExecutor(connection).loader.applied_migrations]
    for name in KEPT_FILES:
        if (folder / name).is_file():
            archive.write(folder / name, f"files/{name}")
    for name, path in conf.items():
        if path.is_file():
            archive.write(path, f"conf/{name}")
    manifest = {
        "format": FORMAT,
        "release": __version__,
        "made_ts": now.isoformat(),
        "migrations": sorted(applied),
        "audit": {"number": head.number, "hash": head.hash},
        "tables": tables,
    }
    archive.writestr("manifest.json", json.dumps(manifest, indent=1))
    return Archived(sum(table["rows"] for table in tables), head.number, head.hash)


def _dump(archive: zipfile.ZipFile, model: type[models.Model]) -> dict[str, Any]:
    names = [field.attname for field in model._meta.concrete_fields]
    hashed, rows = hashlib.sha256(), 0
    with archive.open(f"tables/{model._meta.db_table}.jsonl", "w", force_zip64=True) as out:
        for row in model._default_manager.order_by("pk").values_list(*names).iterator(AT_ONCE):
            line = json.dumps([plain(value) for value in row], ensure_ascii=False).encode() + b"\n"
            hashed.update(line)
            out.write(line)
            rows += 1
    return {"table": model._meta.db_table, "columns": names, "rows": rows, "sha256": hashed.hexdigest()}


@contextmanager
def _one_moment() -> Iterator[None]:
    """Reads inside see one moment, and keep no writer waiting."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("BEGIN")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
            return
        with transaction.atomic():
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield


def _check_format(manifest: Mapping[str, Any]) -> None:
    if manifest["format"] != FORMAT:
        release = manifest.get("release", "?")
        raise ContractViolation(f"the backup is of format {manifest['format']}, this release reads {FORMAT}; restore it with release {release}")
    known = set(MigrationExecutor(connection).loader.disk_migrations)
    strange = [f"{app}.{name}" for app, name in manifest["migrations"] if (app, name) not in known]
    if strange:
        release = manifest["release"]
        raise ContractViolation(f"the backup was made by release {release}, whose table step {strange[0]} is not known here; install that release")


def _migrate_to(applied: Iterable[tuple[str, str]]) -> dict[str, type[models.Model]]:
    """The tables as they were when the backup was made: the last step of each app it had. Returns their models of then by table."""
    executor = MigrationExecutor(connection)
    last: dict[str, str] = {}
    for app, name in sorted(applied):
        last[app] = name
    state = executor.migrate([(app, name) for app, name in last.items() if (app, name) in executor.loader.graph.nodes])
    return {model._meta.db_table: model for model in state.apps.get_models()}


def _load(archive: zipfile.ZipFile, table: Mapping[str, Any], then: Mapping[str, type[models.Model]]) -> int:
    """Fill one table with the columns it had then; the rows that its making put there go first."""
    name, names = table["table"], list(table["columns"])
    model = then[name]
    fields = {field.attname: field for field in model._meta.concrete_fields}
    quoted = ", ".join(connection.ops.quote_name(fields[column].column) for column in names)
    insert = f"INSERT INTO {connection.ops.quote_name(name)} ({quoted}) VALUES ({', '.join(['%s'] * len(names))})"
    hashed, rows, waiting = hashlib.sha256(), 0, []
    with connection.cursor() as cursor, archive.open(f"tables/{name}.jsonl") as lines:
        if model._default_manager.exists():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(name)}")
        for line in lines:
            hashed.update(line)
            values = [fields[column].to_python(value) for column, value in zip(names, json.loads(line), strict=True)]
            waiting.append([fields[column].get_db_prep_save(value, connection) for column, value in zip(names, values, strict=True)])
            rows += 1
            if len(waiting) == AT_ONCE:
                cursor.executemany(insert, waiting)
                waiting = []
        if waiting:
            cursor.executemany(insert, waiting)
    if (rows, hashed.hexdigest()) != (table["rows"], table["sha256"]):
        raise TableDamaged(f"table {name} of the backup is not what was written ({rows} rows, then {table['rows']}); take another backup")
    return rows


def _check_head(manifest: Mapping[str, Any], then: Mapping[str, type[models.Model]]) -> None:
    head = then[AuditHead._meta.db_table]._default_manager.get(pk=1)
    if (head.number, head.hash) != (manifest["audit"]["number"], manifest["audit"]["hash"]):
        wanted = manifest["audit"]["number"]
        raise TableDamaged(f"the audit of the backup ends with entry {head.number} and should end with {wanted}; take another backup")


def _reset_sequences() -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), record_models()):
            cursor.execute(statement)


def _bring_files(archive: zipfile.ZipFile, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in KEPT_FILES:
        if f"files/{name}" not in archive.namelist():
            continue
        handle = os.open(folder / name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(archive.read(f"files/{name}"))
