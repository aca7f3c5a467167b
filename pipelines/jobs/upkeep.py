"""Upkeep of the refined tables: small files merged, checkpoints written, history forgotten. Landing tends bronze itself."""

import dagster as dg

from factolake.contracts import TABLES
from factolake.contracts.table import Table
from pipelines.resources import LakeResource


def tended_tables() -> list[Table]:
    """Every table a refinement writes."""
    return [table for table in TABLES.values() if table.writer.startswith("refine/")]


@dg.op(description="Merge small files and forget what no reader needs, table by table, under the refinery's lease.")
def tidy_tables(context: dg.OpExecutionContext, lake: LakeResource) -> None:
    """Tend every refined table; leaves them to the refinery loop while that runs."""
    from factolake.lake.upkeep import Upkeep, oldest_needed

    with lake.lease() as is_held:
        if not is_held:
            context.log.info("the refinery loop is at work and tends its own tables")
            return
        tables = lake.lake()
        now = lake.clock().now()
        for table in tended_tables():
            if tables.exists(table):
                upkeep = Upkeep(tables.open(table))
                done = upkeep.tidy(now, oldest_needed(tables, table), upkeep.merge(now))
                context.log.info(f"{table.name}: {done}")
                if done.alarm:
                    context.log.warning(done.alarm)


@dg.job(name="upkeep", description="Keeps reads and commits of silver and gold fast.", executor_def=dg.in_process_executor)
def upkeep_job() -> None:
    """One op."""
    tidy_tables()
