"""A table of an earlier release meets its contract: nullable columns that it lacks are added to its schema, and any other difference is refused.

Rows that are there already read as NULL in what was added; no file is written anew. The order of columns is no difference: all go by name.
"""

import time

import pyarrow as pa
import structlog
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema
from deltalake.exceptions import CommitFailedError

from factolake.contracts.formats.arrow import arrow_schema, described_schema
from factolake.contracts.table import Table
from factolake.errors import CommitConflict, ContractViolation

ATTEMPTS = 10
NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
_log = structlog.get_logger(__name__)


def agree(table: Table, path: str) -> None:
    """Make the columns of the table at `path` those of the contract; several processes may do so at once, one of them adds and says so.

    Raises ContractViolation where other than nullable columns differ, CommitConflict where others commit all the time.
    """
    for attempt in range(ATTEMPTS):
        delta = DeltaTable(path)
        names = lacking(table, pa.schema(delta.schema().to_arrow()), path)
        if not names:
            return
        try:
            _add(delta, table, names)
        except CommitFailedError:
            # Rows or the columns came in meanwhile. Delta-rs' own retries would add columns to a schema that it has not looked at.
            time.sleep(0.01 * attempt)
            continue
        _log.warning("columns added", table=table.name, columns=list(names), cause="the table is of an earlier release", version=delta.version())
        return
    raise CommitConflict(f"{table.name}: columns {list(names)} could not be added, others committed first {ATTEMPTS} times; stop who writes it")


def lacking(table: Table, found: pa.Schema, path: str) -> tuple[str, ...]:
    """The columns of the contract that may be added to a table of the columns `found` at `path`; none where it has all.

    Raises ContractViolation where anything else differs.
    """
    expected = arrow_schema(table)
    missing = [field for field in expected if field.name not in found.names and field.nullable and field.name not in table.partition_by]
    strange = sorted({str(field) for field in found} ^ {str(field) for field in expected if field not in missing})
    if strange:
        raise ContractViolation(f"{table.name} at {path} differs from its contract in {strange}; move the folder away or migrate it")
    return tuple(field.name for field in missing)


def _add(delta: DeltaTable, table: Table, names: tuple[str, ...]) -> None:
    described = Schema.from_arrow(described_schema(table))
    delta.alter.add_columns(
        [field for field in described.fields if field.name in names],
        commit_properties=CommitProperties(max_commit_retries=0),
        post_commithook_properties=NO_HOOKS,
    )


def there(delta: DeltaTable, schema: pa.Schema) -> list[str]:
    """The names of `schema` to be asked of `delta`: all but nullable columns that it does not have (yet, or not in an old version)."""
    held = {field.name for field in delta.schema().fields}
    return [field.name for field in schema if field.name in held or not field.nullable]


def filled(found: pa.Table, schema: pa.Schema) -> pa.Table:
    """`found` in the columns and types of `schema`; NULL in those that it lacks."""
    names, rows = found.column_names, found.num_rows
    return pa.table([found[each.name] if each.name in names else pa.nulls(rows, each.type) for each in schema], names=schema.names).cast(schema)
