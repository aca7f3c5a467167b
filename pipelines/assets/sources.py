"""Tables that others write (landing, the refinery): Dagster shows them, observes their versions and never makes them."""

import dagster as dg

from factolake.contracts import TABLES
from factolake.contracts.gold import SCHEDULE
from factolake.contracts.silver_scores import SCORES
from factolake.contracts.table import Table
from pipelines.assets.shape import spec_of


def source_tables() -> list[Table]:
    """Every table that neither a refinement nor the planner nor the scoring makes as an asset."""
    return [table for table in TABLES.values() if not table.writer.startswith("refine/") and table not in (SCHEDULE, SCORES)]


def source_specs() -> list[dg.AssetSpec]:
    """The source tables as external assets."""
    return [spec_of(table) for table in source_tables()]
