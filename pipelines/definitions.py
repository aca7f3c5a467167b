"""The whole graph, as Dagster loads it: `dagster dev -m pipelines.definitions`."""

import dagster as dg

from factolake.config import load_plant, load_settings
from factolake.contracts import TABLES
from factolake.errors import ConfigError
from factolake.refine.registry import REFINEMENTS
from pipelines.assets.contract_checks import table_checks
from pipelines.assets.days import production_days
from pipelines.assets.mes import mes_assets
from pipelines.assets.planned import planned_asset
from pipelines.assets.refined import refined_asset
from pipelines.assets.signals import signal_assets
from pipelines.assets.sources import source_specs
from pipelines.jobs.planning import PLAN_JOB, plan_needed, plan_schedules
from pipelines.jobs.schedules import schedules
from pipelines.jobs.signals import signal_schedules
from pipelines.resources import LakeResource


def build(time_zone: str, lake: LakeResource | None = None, nightly_at: str = "") -> dg.Definitions:
    """The definitions for a plant in `time_zone` (IANA or UTC+hh:mm) that plans the night at `nightly_at` (hh:mm; empty: not)."""
    days = production_days(time_zone)
    return dg.Definitions(
        assets=[*source_specs(), *(refined_asset(one, days) for one in REFINEMENTS), mes_assets(), planned_asset(), *signal_assets()],
        asset_checks=[table_checks(table) for table in TABLES.values()],
        jobs=[PLAN_JOB],
        schedules=[*schedules(), *plan_schedules(time_zone, nightly_at), *signal_schedules(time_zone)],
        sensors=[plan_needed],
        resources={"lake": lake or LakeResource()},
        executor=dg.in_process_executor,
    )


def _plant_time() -> tuple[str, str]:
    """The plant's zone and the hour of the night's plan; UTC and none while a file is wrong, so that the pages come up and the runs say what is."""
    try:
        settings = load_settings()
        planner = settings.planner
        return load_plant(settings.plant_file).time_zone, planner.nightly_at if planner.enabled else ""
    except ConfigError:
        return "Etc/UTC", ""


@dg.definitions
def defs() -> dg.Definitions:
    """What `-m pipelines.definitions` finds."""
    time_zone, nightly_at = _plant_time()
    return build(time_zone, nightly_at=nightly_at)
