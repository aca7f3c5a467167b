"""Observation of the source tables: each one's Delta version, as an event of its asset."""

import dagster as dg

from pipelines.assets.shape import asset_key
from pipelines.assets.sources import source_tables
from pipelines.resources import LakeResource


@dg.op(description="Record the version of every table that landing or the refinery writes.")
def observe_tables(context: dg.OpExecutionContext, lake: LakeResource) -> None:
    """One observation a table that exists."""
    for table in source_tables():
        version = lake.version(table)
        if version is not None:
            tags = {"dagster/data_version": str(version)}
            context.log_event(dg.AssetObservation(asset_key=asset_key(table), metadata={"version": version}, tags=tags))


@dg.job(name="observe_sources", description="Versions of the tables others write.", executor_def=dg.in_process_executor)
def observe_job() -> None:
    """One op."""
    observe_tables()
