"""The record's tables: made, brought up to date, filled from the plant file when empty."""

from datetime import datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import InterfaceError, OperationalError

from factolake.domain.plant import PlantModel
from factolake.errors import SourceUnavailable
from factolake.mes.equipment.seed import seed
from factolake.mes.maintenance.seed import seed as seed_codes


def pending() -> list[str]:
    """Steps the tables still lack, as app.step; all of them for an empty database. Raises SourceUnavailable when it does not answer."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        Path(name).parent.mkdir(parents=True, exist_ok=True)
    try:
        executor = MigrationExecutor(connection)
    except (OperationalError, InterfaceError) as error:
        raise SourceUnavailable(f"MES database {name}: {str(error).splitlines()[0]}; start it, or correct mes.url") from error
    return [f"{step.app_label}.{step.name}" for step, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def is_empty() -> bool:
    """Whether no table of the record is there yet."""
    return "django_migrations" not in connection.introspection.table_names()


def migrate(model: PlantModel, now: datetime) -> tuple[list[str], int]:
    """Bring the tables up to date and fill an empty record: equipment after the plant file, first reasons and failure codes.

    Returns the steps taken and how many pieces of equipment were made.
    """
    steps = pending()
    if steps:
        call_command("migrate", verbosity=0, interactive=False)
    seed_codes(now)
    return steps, seed(model, now)
