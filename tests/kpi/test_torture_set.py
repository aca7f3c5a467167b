"""The torture set: gold rows against answers computed by hand, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hand_made import make
from torture_cases import Case, cases, is_same_row, matches

from factolake.contracts.gold import LOSSES_IN_ORDER
from factolake.kpi.losses import LOSSES
from factolake.kpi.oee_hour import OEE_HOUR
from factolake.kpi.oee_shift import OEE_SHIFT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CASES = cases()
REFINEMENTS = {"oee_hour": OEE_HOUR, "oee_shift": OEE_SHIFT}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gold_equals_the_answer_computed_by_hand(spark: SparkSession, case: Case) -> None:
    made = make(spark, REFINEMENTS[case.table], case.model, case.slices, case.rows)
    for wanted in case.expect:
        (row,) = [row for row in made if is_same_row(row, wanted)]
        assert matches(row, wanted) == []
    for row in made:
        parts = [row[name] for name in ("apt_us", "aust_us", "adet_us", "adot_us", "unknown_us")]
        assert row["pbt_us"] == sum(part for part in parts if isinstance(part, int))


@pytest.mark.parametrize("case", [case for case in CASES if case.losses], ids=lambda case: case.name)
def test_losses_equal_the_waterfall_computed_by_hand(spark: SparkSession, case: Case) -> None:
    assert case.losses is not None
    made = [row for row in make(spark, LOSSES, case.model, case.slices, case.rows) if row["machine"] == "M1"]
    assert {row["loss"]: row["duration_us"] for row in made} == {loss: case.losses.get(loss, 0) * 60_000_000 for loss in LOSSES_IN_ORDER}
    assert [row["loss"] for row in sorted(made, key=lambda row: str(row["loss_order"]).zfill(3))] == list(LOSSES_IN_ORDER)
