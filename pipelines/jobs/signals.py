"""When models of machines are at work: scores every hour, challengers and a look at their input every Monday night."""

import dagster as dg

from factolake.contracts.silver_scores import SCORES
from pipelines.assets.days import iana_zone
from pipelines.assets.shape import asset_key
from pipelines.assets.signals import CHALLENGERS, INPUT_DRIFT

RUNNING = dg.DefaultScheduleStatus.RUNNING
_WANTED = {"score_signals": asset_key(SCORES), "train_signals": CHALLENGERS, "look_at_input": INPUT_DRIFT}
_WHEN = {"score_signals": "10 * * * *", "train_signals": "30 3 * * 1", "look_at_input": "15 3 * * 1"}
_CALLED = {"score_signals": "score_hourly", "train_signals": "train_weekly", "look_at_input": "input_drift_weekly"}


def signal_schedules(time_zone: str) -> list[dg.ScheduleDefinition]:
    """Each with its job, in the plant's time (IANA or UTC+hh:mm)."""
    jobs = {
        name: dg.define_asset_job(f"{name}_job", selection=dg.AssetSelection.assets(key), executor_def=dg.in_process_executor)
        for name, key in _WANTED.items()
    }
    zone = iana_zone(time_zone)
    return [
        dg.ScheduleDefinition(name=_CALLED[name], job=job, cron_schedule=_WHEN[name], execution_timezone=zone, default_status=RUNNING)
        for name, job in jobs.items()
    ]
