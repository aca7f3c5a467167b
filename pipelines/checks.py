"""Running the contracts' checks: against the lake for Dagster, and on a result that is about to be committed for the runner."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import pyarrow as pa

from factolake.contracts.formats.checks import CheckSpec, checks_of
from factolake.contracts.table import Table
from factolake.lake.diff import scratch

SAMPLE_ROWS = 5


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check went; `sample` holds the first failing rows."""

    spec: CheckSpec
    failing_rows: int
    sample: tuple[dict[str, object], ...]

    @property
    def name(self) -> str:
        """Name of the check."""
        return self.spec.name

    @property
    def passed(self) -> bool:
        """Whether no row fails."""
        return self.failing_rows == 0

    def sentence(self) -> str:
        """The result in words."""
        if self.passed:
            return f"{self.spec.table}: {self.name} holds"
        return f"{self.spec.table}: {self.name} fails for {self.failing_rows} rows, the first is {self.sample[0]}"


def run_checks(
    query: Callable[[str], pa.Table], table: Table, *, where: str | None = None, tables: Collection[str] | None = None
) -> list[CheckResult]:
    """Every check of `table`, by `query` (SQL to rows), on the rows where `where` (SQL) holds.

    `tables` are those that exist (all, if None): a check that needs another one is left out.
    """
    specs = [spec for spec in checks_of(table) if tables is None or set(spec.needs) <= set(tables)]
    return [_result(spec, query(spec.sql(where=where))) for spec in specs]


def judge(table: Table, data: pa.Table) -> list[str]:
    """What is wrong, in words, with `data` as rows of `table`; empty if all is well. Only blocking checks are asked."""
    specs = [spec for spec in checks_of(table) if spec.blocking and not spec.needs]
    with scratch() as connection:
        connection.register("candidate", data)
        results = [_result(spec, connection.sql(spec.sql("candidate")).to_arrow_table()) for spec in specs]
    return [result.sentence() for result in results if not result.passed]


def _result(spec: CheckSpec, failing: pa.Table) -> CheckResult:
    return CheckResult(spec, failing.num_rows, tuple(failing.slice(0, SAMPLE_ROWS).to_pylist()))
