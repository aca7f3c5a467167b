"""Databases of the tests: made, filled, dropped, and put behind Django's default connection."""

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from django.db import connections

from factolake.mes.project.configure import database

ROOT = Path(__file__).resolve().parents[2]
_databases = itertools.count()


def hurry(server: str) -> None:
    """Let a server that lives for one test run wait for no disk: a fresh database a test is many small files."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            connection.execute(sa.text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(sa.text("SELECT pg_reload_conf()"))
    engine.dispose()


def create_database(server: str, name: str, verb: str = "CREATE DATABASE") -> None:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"{verb} {name}"))
    engine.dispose()


def use_database(url: str | None) -> None:
    """Let Django's default connection, in every thread, be to `url`; None closes it."""
    connections.close_all()
    if url is not None:
        connections.settings["default"] = connections.configure_settings({"default": {**database(url), "CONN_MAX_AGE": 0}})["default"]
        with contextlib.suppress(AttributeError):
            del connections["default"]


def fresh_record(request: pytest.FixtureRequest, tmp_path: Path, templates: dict[str, str], kind: str) -> Iterator[str]:
    """A copy of the template of `kind`, which is made and kept in `templates` at first use, behind Django's default connection."""
    from django.core.cache import cache

    cache.clear()  # each test has its own tries to sign in
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'mes.sqlite'}"
        if kind not in templates:
            templates[kind] = f"sqlite:///{request.getfixturevalue('tmp_path_factory').mktemp('template') / 'mes.sqlite'}"
            fill_template(templates[kind])
        shutil.copyfile(templates[kind].removeprefix("sqlite:///"), tmp_path / "mes.sqlite")
        use_database(url)
        yield url
        use_database(None)
        return
    server: str = request.getfixturevalue("postgres_url")
    named = server.partition("?")
    if kind not in templates:
        create_database(server, "record_template")
        templates[kind] = f"{named[0].rpartition('/')[0]}/record_template?{named[2]}"
        fill_template(templates[kind])
    name = f"record_{next(_databases)}"
    create_database(server, f"{name} TEMPLATE record_template")
    url = f"{named[0].rpartition('/')[0]}/{name}?{named[2]}"
    use_database(url)
    yield url
    use_database(None)
    create_database(server, name, "DROP DATABASE")


def fill_template(url: str) -> None:
    from django.core.management import call_command
    from record_plant import fill

    use_database(url)
    call_command("migrate", verbosity=0)
    fill(ROOT / "conf" / "plant.toml")
    if url.startswith("sqlite"):
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    use_database(None)
