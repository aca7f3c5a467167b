"""Upkeep of all tables but bronze, which landing tends itself: small files merged, checkpoints written, history forgotten."""

import dagster as dg

from pipelines.planning.publishing import OWN_TABLES
from pipelines.resources import LakeResource
from pipelines.signals import SCORED_TABLES
from pipelines.tending import tended_tables


@dg.op(description="Merge small files and forget what no reader needs, table by table, between two passes of the refinery loop.")
def tidy_tables(context: dg.OpExecutionContext, lake: LakeResource) -> None:
    """Tend every refined table; left for next time when the refinery loop is in a long pass."""
    from factolake.lake.retention import forget_old
    from factolake.lake.scrub import scrub
    from factolake.lake.upkeep import Upkeep, oldest_needed

    with lake.turn() as is_mine:
        if not is_mine:
            context.log.info("the refinery loop is in a long pass; the next run tends the tables")
            return
        tables, every_s = lake.lake(), lake.settings().landing.scrub_every_s
        now = lake.clock().now()
        for table in (*tended_tables(), *OWN_TABLES, *SCORED_TABLES):
            if tables.exists(table):
                handle = tables.open(table)
                upkeep = Upkeep(handle)
                done = upkeep.tidy(now, oldest_needed(tables, table), upkeep.merge(now))
                forget_old(tables, handle, now, done)
                scrubbed = scrub(tables, table, now, every_s)
                context.log.info(f"{table.name}: {done}")
                for damage in scrubbed.damages:
                    context.log.error(f"{damage.cause}; {damage.remedy}")
                if done.alarm:
                    context.log.warning(done.alarm)


@dg.job(name="upkeep", description="Keeps reads and commits of silver and gold fast.", executor_def=dg.in_process_executor)
def upkeep_job() -> None:
    """One op."""
    tidy_tables()
