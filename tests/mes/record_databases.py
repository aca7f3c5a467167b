"""Databases of the tests: made, dropped, and put behind Django's default connection."""

import contextlib

import sqlalchemy as sa
from django.db import connections

from factolake.mes.project.configure import database


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
