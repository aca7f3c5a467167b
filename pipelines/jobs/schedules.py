"""When things run: upkeep every ten minutes, checks and observations every hour."""

import dagster as dg

from pipelines.jobs.observe import observe_job
from pipelines.jobs.upkeep import upkeep_job

RUNNING = dg.DefaultScheduleStatus.RUNNING


def schedules() -> list[dg.ScheduleDefinition]:
    """All schedules, switched on.

    The checks, the ledger's balance among them, run by the clock because the loop's own materialisations run none.
    """
    checks = dg.define_asset_job("checks", selection=dg.AssetSelection.all_asset_checks(), executor_def=dg.in_process_executor)
    return [
        dg.ScheduleDefinition(name="upkeep_every_ten_minutes", job=upkeep_job, cron_schedule="*/10 * * * *", default_status=RUNNING),
        dg.ScheduleDefinition(name="checks_hourly", job=checks, cron_schedule="5 * * * *", default_status=RUNNING),
        dg.ScheduleDefinition(name="observe_hourly", job=observe_job, cron_schedule="3 * * * *", default_status=RUNNING),
    ]
