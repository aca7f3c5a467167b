"""What every asset says about its table: key, group, owner, kinds, description in plain words, freshness."""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

from factolake.contracts.table import Table

FRESHNESS_FACTOR = 4
FRESHNESS_FLOOR = timedelta(minutes=5)
"""Materialisations reach Dagster at most once a minute, so a target of seconds is watched by `factolake doctor`, not here."""


def asset_key(table: Table) -> dg.AssetKey:
    """`layer/table`."""
    return dg.AssetKey([table.layer, table.short_name])


def described(table: Table) -> str:
    """What a row is, what names it, how fresh it is meant to be, and every column in a sentence."""
    facts = [f"A row is {table.grain}.", f"It is named by {', '.join(f'`{name}`' for name in table.key)}."]
    if table.freshness_target_s is not None:
        facts.append(f"Meant to be at most {table.freshness_target_s} s behind what it is made from.")
    columns = [f"- `{c.name}`{f' ({c.unit})' if c.unit else ''}: {c.doc}" for c in table.columns]
    return f"{' '.join(facts)}\n\n" + "\n".join(columns)


def freshness(table: Table) -> dg.FreshnessPolicy | None:
    """When Dagster calls the table late: four times its target, at least five minutes; None for a table without a target."""
    if table.freshness_target_s is None:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=max(FRESHNESS_FLOOR, FRESHNESS_FACTOR * timedelta(seconds=table.freshness_target_s)))


def schema_metadata(table: Table) -> Mapping[str, dg.TableSchema]:
    """The columns as Dagster shows them."""
    columns = [
        dg.TableColumn(c.name, c.type.value, c.doc, dg.TableColumnConstraints(nullable=c.nullable, unique=table.key == (c.name,)))
        for c in table.columns
    ]
    return {"dagster/column_schema": dg.TableSchema(columns)}


def spec_of(table: Table, deps: list[Table] | None = None, kinds: frozenset[str] = frozenset({"deltalake"})) -> dg.AssetSpec:
    """The asset of `table`, made from `deps`."""
    return dg.AssetSpec(
        key=asset_key(table),
        deps=[asset_key(dep) for dep in deps or []],
        description=described(table),
        group_name=table.layer,
        owners=[f"team:{table.owner}"],
        kinds=set(kinds),
        freshness_policy=freshness(table),
        metadata=schema_metadata(table),
    )
