"""The MES tables: materialising any of them takes one step of the sync, which brings them all."""

from collections.abc import Iterator

import dagster as dg

from factolake.mes.sync.targets import FEEDS, MesTable
from pipelines.assets.shape import asset_key
from pipelines.resources import LakeResource


def mes_key(target: MesTable) -> dg.AssetKey:
    """`mes/lake_...`."""
    return dg.AssetKey(["mes", target.name])


def mes_specs() -> list[dg.AssetSpec]:
    """One asset a MES table, made from the lake tables whose feeds meet in it."""
    targets = {feed.target.name: feed.target for feed in FEEDS}
    return [
        dg.AssetSpec(
            key=mes_key(target),
            deps=[asset_key(feed.source) for feed in FEEDS if feed.target is target],
            description=f"{target.doc} Named by {', '.join(f'`{name}`' for name in target.key)}; written by the sync alone.",
            group_name="mes",
            owners=["team:plant-engineering"],
            kinds={"sql"},
        )
        for target in targets.values()
    ]


def mes_assets() -> dg.AssetsDefinition:
    """All MES tables; the sync brings them together."""

    @dg.multi_asset(name="sync_mes", specs=mes_specs(), can_subset=True, retry_policy=dg.RetryPolicy(max_retries=3, delay=10))
    def sync_mes(context: dg.AssetExecutionContext, lake: LakeResource) -> Iterator[dg.MaterializeResult[None]]:
        result = lake.sync_step()
        for spec in (spec for spec in mes_specs() if spec.key in context.selected_asset_keys):
            news = [feed for feed in result.feeds if feed.target == spec.key.path[-1]]
            counts = {"written": sum(f.applied.written for f in news), "deleted": sum(f.applied.deleted for f in news)}
            bad = {"dead_letters": sum(f.applied.dead_letters for f in news), "mismatched": sum(f.mismatched for f in news)}
            yield dg.MaterializeResult(asset_key=spec.key, metadata={**counts, **bad})

    return sync_mes
