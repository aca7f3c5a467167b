"""Silver, gold and ops tables: materialising one runs its refinement, a backfill of past days computes their slices again."""

import dagster as dg

from factolake.contracts import silver
from factolake.refine.refinement import Refinement
from factolake.refine.result import RunResult
from pipelines.assets.days import day_span, slices_in
from pipelines.assets.shape import asset_key, spec_of
from pipelines.resources import LakeResource


def refined_asset(refinement: Refinement, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset of one refinement. A run of the newest production day takes in whatever is new, of any day; append-only tables know no days."""
    inputs = [feed.table for feed in refinement.inputs]
    spec = spec_of(refinement.output, [*inputs, silver.PLANT_MODEL], frozenset({"deltalake", "spark"}))
    partitions = None if refinement.append else days

    @dg.multi_asset(
        name=f"refine_{refinement.output.layer}_{refinement.output.short_name}",
        specs=[spec.replace_attributes(partitions_def=partitions, code_version=str(refinement.version))],
        backfill_policy=dg.BackfillPolicy.single_run() if partitions else None,
        retry_policy=dg.RetryPolicy(max_retries=2, delay=5),
    )
    def refined(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult[None]:
        past = partitions is not None and context.partition_keys[-1] != partitions.get_last_partition_key()
        with lake.runner() as runner:
            if runner is None and past:
                sentence = f"{refinement.output.name}: the refinery loop is in a long pass; run the backfill again when it has caught up"
                raise dg.Failure(sentence, allow_retries=False)
            if runner is None:
                return _kept_by_the_loop(refinement, lake)
            if not past:
                return _materialized(refinement, runner.run(refinement))
            window = context.partition_time_window
            span = day_span(runner.model, *lake.days(window.start, window.end))
            slices = slices_in(refinement.output, runner.all_slices(refinement), span)
            return _materialized(refinement, runner.recompute(refinement, slices))

    return refined


def _materialized(refinement: Refinement, result: RunResult) -> dg.MaterializeResult[None]:
    counts = {"slices": result.slices, "changed_slices": result.changed_slices, "rows_written": result.rows_written}
    version = {} if result.version is None else {"version": result.version}
    return dg.MaterializeResult(asset_key=asset_key(refinement.output), metadata={**counts, **version, "seconds": result.duration_s})


def _kept_by_the_loop(refinement: Refinement, lake: LakeResource) -> dg.MaterializeResult[None]:
    version = lake.version(refinement.output)
    note = "the refinery loop is in a pass over the tables and brings this one up to date itself"
    return dg.MaterializeResult(asset_key=asset_key(refinement.output), metadata={"note": note, "version": -1 if version is None else version})
