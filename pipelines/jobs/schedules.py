"""When things run: upkeep every ten minutes, checks and observations every hour."""

from collections.abc import Sequence

import dagster as dg

from pipelines.jobs.upkeep import upkeep_job

RUNNING = dg.DefaultScheduleStatus.RUNNING


def schedules(source_keys: Sequence[dg.AssetKey]) -> list[dg.ScheduleDefinition]:
    """All schedules, switched on; `source_keys` are the tables that landing and the refinery write.

    The checks, the ledger's balance among them, run by the clock because the loop's own materialisations run none.
    """
    in_process = dg.in_process_executor
    checks = dg.define_asset_job("checks", selection=dg.AssetSelection.all_asset_checks(), executor_def=in_process)
    observe = dg.define_asset_job("observe_sources", selection=dg.AssetSelection.assets(*source_keys), executor_def=in_process)
    return [
        dg.ScheduleDefinition(name="upkeep_every_ten_minutes", job=upkeep_job, cron_schedule="*/10 * * * *", default_status=RUNNING),
        dg.ScheduleDefinition(name="checks_hourly", job=checks, cron_schedule="5 * * * *", default_status=RUNNING),
        dg.ScheduleDefinition(name="observe_hourly", job=observe, cron_schedule="3 * * * *", default_status=RUNNING),
    ]
