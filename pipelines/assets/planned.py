"""gold.schedule: materialising it looks at every line and plans those that need it, as the part `planner` does."""

from typing import TYPE_CHECKING

import dagster as dg

from factolake.contracts import silver
from factolake.contracts.gold import SCHEDULE
from factolake.contracts.silver_mes import OPERATIONS, ORDERS, SCHEDULE_REQUESTS, SCHEDULES
from pipelines.assets.shape import asset_key, spec_of
from pipelines.planning.causes import NIGHTLY
from pipelines.resources import LakeResource

if TYPE_CHECKING:
    from pipelines.planning.publishing import Try

PLANNED_FROM = (ORDERS.table, OPERATIONS.table, SCHEDULES.table, SCHEDULE_REQUESTS.table, silver.DOWNTIME, silver.MACHINE_STATES)


PLANNING = "plan_lines"


class PlanConfig(dg.Config):
    """`why`: plan every line, because a person says so; empty: only those that need it. `is_night_left`: the plan of the night is not made."""

    why: str = ""
    is_night_left: bool = False


def planned_asset() -> dg.AssetsDefinition:
    """The asset of gold.schedule. What came of each try, proposed or not, is in ops.plans and in the metadata of the run."""

    @dg.multi_asset(
        name=PLANNING,
        specs=[spec_of(SCHEDULE, list(PLANNED_FROM), frozenset({"deltalake", "python"}))],
    )
    def plan_lines(context: dg.AssetExecutionContext, config: PlanConfig, lake: LakeResource) -> dg.MaterializeResult[None]:
        looking = lake.looker()
        wanted = looking.look(wanted=lambda cause: not (config.is_night_left and cause.trigger == NIGHTLY))
        tries = list(looking.forced(config.why) if config.why else wanted)
        for tried in tries:
            context.log.info(f"{tried.line}: {tried.told}")
        version = lake.version(SCHEDULE)
        published = sum(tried.is_published for tried in tries)
        facts = {"planned_lines": len(tries), "proposals": published, "version": -1 if version is None else version}
        return dg.MaterializeResult(asset_key=asset_key(SCHEDULE), metadata={**facts, "told": dg.MarkdownMetadataValue(_told(tries))})

    return plan_lines


def _told(tries: "list[Try]") -> str:
    return "\n".join(f"- {tried.line} ({tried.status}): {tried.told}" for tried in tries) or "Nothing asks for a plan."
