"""The whole graph, as Dagster loads it: `dagster dev -m pipelines.definitions`."""

import dagster as dg

from factolake.config import load_plant, load_settings
from factolake.contracts import TABLES
from factolake.errors import ConfigError
from factolake.refine.registry import REFINEMENTS
from pipelines.assets.contract_checks import table_checks
from pipelines.assets.days import production_days
from pipelines.assets.mes import mes_assets
from pipelines.assets.refined import refined_asset
from pipelines.assets.sources import source_specs
from pipelines.jobs.schedules import schedules
from pipelines.resources import LakeResource


def build(time_zone: str, lake: LakeResource | None = None) -> dg.Definitions:
    """The definitions for a plant in `time_zone` (IANA or UTC+hh:mm)."""
    days = production_days(time_zone)
    return dg.Definitions(
        assets=[*source_specs(), *(refined_asset(refinement, days) for refinement in REFINEMENTS), mes_assets()],
        asset_checks=[table_checks(table) for table in TABLES.values()],
        schedules=schedules(),
        resources={"lake": lake or LakeResource()},
        executor=dg.in_process_executor,
    )


def _time_zone() -> str:
    """The plant's zone; UTC while the plant file is wrong, so that the pages come up and the runs say what is wrong with it."""
    try:
        return load_plant(load_settings().plant_file).time_zone
    except ConfigError:
        return "Etc/UTC"


@dg.definitions
def defs() -> dg.Definitions:
    """What `-m pipelines.definitions` finds."""
    return build(_time_zone())
