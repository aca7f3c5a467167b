"""When Dagster plans: every night at the hour of the settings, and as soon as its sensor sees a stop, a request or work without a plan."""

from collections.abc import Iterator

import dagster as dg

from factolake.contracts.gold import SCHEDULE
from factolake.errors import FactoLakeError
from pipelines.assets.days import iana_zone
from pipelines.assets.planned import PLANNING, PlanConfig
from pipelines.assets.shape import asset_key
from pipelines.planning.causes import NIGHTLY
from pipelines.resources import LakeResource

RUNNING = dg.DefaultScheduleStatus.RUNNING
LOOK_EVERY_S = 30
JOB = "plan"
KIND, NIGHT, AT_ONCE = "factolake/plan", "night", "now"
"""Tag of runs: by `dagster_home/dagster.yaml` those of the night have one place of the two, so that those at once find the other."""
FIRST = {"dagster/priority": "1"}
LONGEST_S = 2 * 3600
"""A run that takes longer is ended by Dagster, which watches its runs; the search itself ends at the limit of its preset."""


PLAN_JOB = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.assets(asset_key(SCHEDULE)),
    tags={"dagster/max_runtime": str(LONGEST_S)},
    executor_def=dg.in_process_executor,
)
"""Materialises gold.schedule. Runs may overlap: a lease lets one planner in."""


def plan_schedules(time_zone: str, nightly_at: str) -> list[dg.ScheduleDefinition]:
    """The night's plan at `nightly_at` (hh:mm, plant time); none for an empty one."""
    if not nightly_at:
        return []
    hour, minute = nightly_at.split(":")
    cron = f"{int(minute)} {int(hour)} * * *"
    zone = iana_zone(time_zone)
    tags = {KIND: NIGHT}
    return [dg.ScheduleDefinition(name="plan_nightly", job_name=JOB, cron_schedule=cron, execution_timezone=zone, tags=tags, default_status=RUNNING)]


@dg.sensor(
    job_name=JOB,
    minimum_interval_seconds=LOOK_EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for a plan when a machine stands still, somebody asks, or work has no place in the schedule.",
)
def plan_needed(lake: LakeResource) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run a cause; the run looks itself, so what the part `planner` has done meanwhile is not done again."""
    try:
        waiting = lake.looker().waiting()
    except FactoLakeError as error:
        yield dg.SkipReason(str(error))
        return
    if not waiting:
        yield dg.SkipReason("nothing asks for a plan")
        return
    ten_minutes = f"{lake.clock().now():%Y-%m-%dT%H:%M}"[:-1]  # a cause whose run came to nothing may ask again after that
    for line, cause in waiting.items():
        is_night = cause.trigger == NIGHTLY
        yield dg.RunRequest(
            run_key=f"{line} {cause.about} {ten_minutes}",
            run_config=dg.RunConfig({PLANNING: PlanConfig(is_night_left=not is_night)}),
            tags={"line": line, "cause": cause.why[:200], **({KIND: NIGHT} if is_night else {KIND: AT_ONCE, **FIRST})},
        )
