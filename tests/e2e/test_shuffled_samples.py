"""A22, F68, F69: every message delivered twice and out of order makes the same silver and gold as each once and in order."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from factolake.config import load_plant
from factolake.contracts import bronze, gold, ops, silver
from factolake.contracts.table import Table
from factolake.domain.clock import ManualClock
from factolake.lake.engine import Engine
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.refine.plant_model import record_plant
from factolake.refine.registry import REFINEMENTS
from factolake.refine.runner import Runner
from factolake.testing.tiny_lake import PlayedLine

CONF = Path(__file__).parents[2] / "conf"
MODEL = load_plant(CONF / "plant.toml")
START = datetime(2026, 11, 20, 6, 50, tzinfo=UTC)
END = START + timedelta(minutes=20)
SAME = (silver.STATE_HOURS, silver.MACHINE_STATES, silver.COUNTS, silver.DOWNTIME, gold.OEE_HOUR, gold.OEE_SHIFT, gold.LOSSES)


def refine(lake: Lake, engine: Engine) -> None:
    clock = ManualClock(END)
    record_plant(lake, MODEL, clock)
    runner = Runner(lake, engine, MODEL, clock)
    while any([runner.run(refinement).changed for refinement in REFINEMENTS]):
        pass


def rows(lake: Lake, table: Table) -> list[str]:
    return sorted(map(str, lake.open(table).read([name for name in table.column_names if name != "as_of"]).to_pylist()))


def disorder(readings: pa.Table, rng: random.Random) -> list[pa.Table]:
    """The messages of `readings`, each twice, in any order, and backwards within; in three portions."""
    messages = [readings.filter(pc.equal(readings["seq"], seq)) for seq in pc.unique(readings["seq"]).to_pylist()] * 2
    rng.shuffle(messages)
    backwards = [message.take(list(range(message.num_rows))[::-1]) for message in messages]
    third = len(backwards) // 3
    return [pa.concat_tables(part) for part in (backwards[:third], backwards[third : 2 * third], backwards[2 * third :])]


@pytest.mark.slow
def test_a22_duplicate_and_out_of_order_samples_make_the_same_kpis(sail: Engine, tmp_path: Path) -> None:
    ordered, shuffled = Lake(tmp_path / "ordered"), Lake(tmp_path / "shuffled")
    scenario = load_scenario(CONF / "scenarios" / "micro_stops_and_scrap.toml", MODEL)
    line = PlayedLine(ordered, MODEL, scenario, START, ledger=tmp_path / "truth.jsonl")
    line.play(END, portion=timedelta(seconds=20))
    line.close()
    refine(ordered, sail)
    for table in (bronze.READINGS, bronze.EVENTS, ops.CLOCK):
        shuffled.ensure(table)
    shuffled.open(ops.CLOCK).append(ordered.open(ops.CLOCK).read(), {})
    for portion in disorder(ordered.open(bronze.READINGS).read(), random.Random(22)):
        shuffled.open(bronze.READINGS).append(portion, {})
        refine(shuffled, sail)
    assert shuffled.open(bronze.READINGS).read(["seq"]).num_rows == 2 * ordered.open(bronze.READINGS).read(["seq"]).num_rows
    assert all(rows(ordered, table) for table in SAME if table is not silver.DOWNTIME)
    assert [table.name for table in SAME if rows(shuffled, table) != rows(ordered, table)] == []
