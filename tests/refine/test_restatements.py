"""Restatements over gold.oee_shift written by hand: the causes they tell, and a hole in gold's feed."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from builders import without_history, without_one_commit
from structlog.testing import capture_logs

from factolake.config import load_plant
from factolake.contracts import gold, ops
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.table import Table, Type
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.refine.feed import CAUSE
from factolake.refine.plant_model import record_plant
from factolake.refine.restatements import RESTATEMENTS
from factolake.refine.runner import Runner

T0 = datetime(2026, 11, 20, 13, tzinfo=UTC)
PLANT = Path(__file__).parents[2] / "conf/plant.toml"
EMPTY = {Type.STRING: "", Type.BOOL: False, Type.DATE: date(2026, 11, 20), Type.TIMESTAMP: T0}


class Bench:
    """A lake whose shift table is written by the test, and a runner over the restatements."""

    def __init__(self, sail, root: Path) -> None:
        self.sail, self.lake, self.clock = sail, Lake(root / "lake"), ManualClock(T0 + timedelta(hours=9))
        for table in (gold.OEE_SHIFT, ops.CLOCK):
            self.lake.ensure(table)
        self.restart()

    def restart(self) -> None:
        """A new process: nothing remembered but the tables."""
        model = load_plant(PLANT)
        record_plant(self.lake, model, self.clock)
        self.runner = Runner(self.lake, self.sail, model, self.clock)

    def publish(self, pbt_us: int, cause: str | None = None) -> int:
        """The one shift with this planned busy time, in one commit; its version."""
        row = {column.name: None if column.nullable else EMPTY.get(column.type, 0) for column in gold.OEE_SHIFT.columns}
        row |= {"equipment": "L1-M1", "line": "L1", "shift": "late", "equipment_level": "WorkUnit", "is_complete": True}
        row |= {"kpi_version": gold.KPI_VERSION, "pbt_us": pbt_us}
        data = pa.Table.from_pylist([row], arrow_schema(gold.OEE_SHIFT))
        return self.lake.open(gold.OEE_SHIFT).replace(data, "line = 'L1'", {}, meta={CAUSE: cause} if cause else None)

    def restated(self) -> list[tuple[str, str, str]]:
        self.runner.run(RESTATEMENTS)
        rows = self.lake.open(ops.RESTATEMENTS).read().sort_by("gold_version").to_pylist()
        return [(row["old_value"], row["new_value"], row["cause"]) for row in rows]


@pytest.fixture
def bench(sail, tmp_path: Path) -> Bench:
    return Bench(sail, tmp_path)


def test_each_restatement_tells_the_cause_its_commit_noted(bench: Bench) -> None:
    bench.publish(1)
    bench.publish(2)
    bench.publish(3, "plant_model")
    bench.publish(4, "transform")
    assert bench.restated() == [("1", "2", "late_rows"), ("2", "3", "plant_model"), ("3", "4", "transform")]


@pytest.mark.parametrize("lose", [without_history, without_one_commit], ids=lambda lose: lose.__name__)
def test_a_hole_in_golds_feed_is_told_and_passed(bench: Bench, lose: Callable[[Lake, Table], None]) -> None:
    bench.publish(1)
    bench.publish(2)
    before = bench.restated()
    for pbt_us in (3, 4, 5):
        bench.publish(pbt_us)
    lose(bench.lake, gold.OEE_SHIFT)
    bench.restart()
    with capture_logs() as told:
        assert bench.restated() == before
    assert [(line["refinement"], line["remedy"]) for line in told if line["log_level"] == "warning"] == [("restatements", "goes on")]
    bench.publish(6, "plant_model")
    assert bench.restated() == [*before, ("5", "6", "plant_model")]


def test_a_shift_table_made_again_restates_nothing_and_is_followed_from_there(bench: Bench) -> None:
    bench.publish(10)
    bench.publish(20)
    before = bench.restated()
    shutil.rmtree(bench.lake.path(gold.OEE_SHIFT))
    bench.lake.ensure(gold.OEE_SHIFT)
    bench.restart()
    bench.publish(20)
    assert bench.restated() == before
    bench.publish(30)
    assert len(bench.restated()) == 2 * len(before)
