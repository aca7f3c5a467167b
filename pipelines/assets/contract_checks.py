"""Asset checks from the contracts; blocking ones keep wrong data from spreading within a run."""

from collections.abc import Iterator

import dagster as dg

from factolake.contracts.formats.checks import Severity, checks_of
from factolake.contracts.table import Table
from pipelines.assets.shape import asset_key
from pipelines.checks import CheckResult
from pipelines.resources import LakeResource

_SEVERITY = {Severity.ERROR: dg.AssetCheckSeverity.ERROR, Severity.WARN: dg.AssetCheckSeverity.WARN}


def table_checks(table: Table) -> dg.AssetChecksDefinition:
    """Every check of `table`, run together."""
    specs = [dg.AssetCheckSpec(c.name, asset=asset_key(table), description=c.description, blocking=c.blocking) for c in checks_of(table)]

    @dg.multi_asset_check(name=f"check_{table.layer}_{table.short_name}", specs=specs, can_subset=True)
    def checks(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> Iterator[dg.AssetCheckResult]:
        wanted = {key.name for key in context.selected_asset_check_keys}
        yield from (_result(table, result) for result in lake.check(table) if result.name in wanted)

    return checks


def _result(table: Table, result: CheckResult) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=result.passed,
        asset_key=asset_key(table),
        check_name=result.name,
        severity=_SEVERITY[result.spec.severity],
        description=result.sentence(),
        metadata={"failing_rows": result.failing_rows, "sample": dg.MetadataValue.text("\n".join(map(str, result.sample)))},
    )
