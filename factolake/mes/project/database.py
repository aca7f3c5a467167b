"""The record's tables: made, brought up to date, filled from the plant file when empty."""

from datetime import datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import InterfaceError, OperationalError

from factolake import __version__
from factolake.domain.plant import PlantModel
from factolake.errors import ContractViolation, SourceUnavailable
from factolake.mes.audit import chain
from factolake.mes.equipment.seed import seed
from factolake.mes.maintenance.seed import seed as seed_codes


def pending() -> list[str]:
    """Steps the tables still lack, as app.step; all of them for an empty database.

    Raises SourceUnavailable when it does not answer, ContractViolation when it is of a newer release.
    """
    executor = check_known()
    return [f"{step.app_label}.{step.name}" for step, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def check_known() -> MigrationExecutor:
    """The steps the tables have taken. Raises SourceUnavailable when the database does not answer, ContractViolation when one is not known here.

    What a newer release wrote may mean what this one does not know: it is not served, not changed and not backed up.
    """
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        Path(name).parent.mkdir(parents=True, exist_ok=True)
    try:
        executor = MigrationExecutor(connection)
    except (OperationalError, InterfaceError) as error:
        raise SourceUnavailable(f"MES database {name}: {str(error).splitlines()[0]}; start it, or correct mes.url") from error
    loader = executor.loader
    strange = [f"{app}.{step}" for app, step in loader.applied_migrations if (app, step) not in loader.disk_migrations]
    if strange:
        raise ContractViolation(
            f"MES database {name} is of a newer release: release {__version__} does not know its table step {min(strange)};"
            " install that release, or restore a backup that was made before it"
        )
    return executor


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
    with transaction.atomic():
        chain.lock_end()  # numbers of the outbox follow the order of the commits
        seed_codes(now)
        return steps, seed(model, now)
