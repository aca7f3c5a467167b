"""Tables that others write (landing, the refinery) and Dagster watches: it reads their versions and never makes them."""

from collections.abc import Iterator

import dagster as dg

from factolake.contracts import TABLES
from factolake.contracts.table import Table
from pipelines.assets.shape import asset_key, spec_of
from pipelines.resources import LakeResource


def source_tables() -> list[Table]:
    """Every table no refinement writes."""
    return [table for table in TABLES.values() if not table.writer.startswith("refine/")]


def observed_sources() -> dg.AssetsDefinition:
    """The source tables; observing one records its Delta version."""

    @dg.multi_observable_source_asset(
        name="sources", specs=[spec_of(table) for table in source_tables()], can_subset=True, description="Versions of the tables others write."
    )
    def sources(context: dg.AssetExecutionContext, lake: LakeResource) -> Iterator[dg.ObserveResult]:
        for table in source_tables():
            if asset_key(table) in context.selected_asset_keys and (version := lake.version(table)) is not None:
                yield dg.ObserveResult(asset_key=asset_key(table), data_version=dg.DataVersion(str(version)), metadata={"version": version})

    return sources
