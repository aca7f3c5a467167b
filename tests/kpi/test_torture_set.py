"""The torture set: gold rows against answers computed by hand, on both engines.

All cases of a time zone are lines of one plant, so that an engine makes them in one run of each transform.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hand_made import Row, make
from torture_cases import Case, cases, find, matches, one_plant

from factolake.contracts.gold import LOSSES_IN_ORDER
from factolake.kpi.losses import LOSSES
from factolake.kpi.oee_hour import OEE_HOUR
from factolake.kpi.oee_shift import OEE_SHIFT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CASES = cases()
REFINEMENTS = {"oee_hour": OEE_HOUR, "oee_shift": OEE_SHIFT, "losses": LOSSES}
Made = Callable[[str, Case], list[Row]]


@pytest.fixture(scope="module")
def runs() -> dict[tuple[str, str, str], list[Row]]:
    """What an engine has made already, by engine, table and time zone."""
    return {}


@pytest.fixture
def made(spark: SparkSession, engine_name: str, runs: dict[tuple[str, str, str], list[Row]]) -> Made:
    def rows(table: str, case: Case) -> list[Row]:
        key = (engine_name, table, case.zone)
        if key not in runs:
            beside = [c for c in CASES if c.zone == case.zone]
            wanted = [c for c in beside if (c.table == "oee_hour") == (table == "oee_hour")]
            silver = {name: [row for c in beside for row in c.rows[name]] for name in ("state_hours", "counts")}
            runs[key] = make(spark, REFINEMENTS[table], one_plant(beside), [s for c in wanted for s in c.slices], silver)
        return [row for row in runs[key] if row["line"] == case.name]

    return rows


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gold_equals_the_answer_computed_by_hand(made: Made, case: Case) -> None:
    rows = made(case.table, case)
    for wanted in case.expect:
        assert matches(find(rows, case, wanted), wanted) == []
    for row in rows:
        parts = [row[name] for name in ("apt_us", "aust_us", "adet_us", "adot_us", "unknown_us")]
        assert row["pbt_us"] == sum(part for part in parts if isinstance(part, int))


@pytest.mark.parametrize("case", [case for case in CASES if case.losses], ids=lambda case: case.name)
def test_losses_equal_the_waterfall_computed_by_hand(made: Made, case: Case) -> None:
    assert case.losses is not None
    rows = {str(row["loss"]): row for row in made("losses", case) if row["machine"] == f"{case.name}.M1"}
    assert {loss: row["duration_us"] for loss, row in rows.items()} == {loss: case.losses.get(loss, 0) * 60_000_000 for loss in LOSSES_IN_ORDER}
    assert {loss: row["loss_order"] for loss, row in rows.items()} == {loss: place for place, loss in enumerate(LOSSES_IN_ORDER)}
