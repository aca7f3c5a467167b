"""The refinery as a process: one at a time on a lake, and a power cut in the middle of its commits loses nothing."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from factolake.config import Settings, load_plant
from factolake.contracts import gold, silver
from factolake.contracts.table import Table
from factolake.domain.clock import ManualClock
from factolake.errors import LeaseHeld
from factolake.lake.diff import difference
from factolake.lake.durable import entry_file, read_entry
from factolake.lake.leases import Lease
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.testing.tiny_lake import PlayedLine
from pipelines.refinery import rest_s, run_refinery

CONF = Path(__file__).parents[2] / "conf"
START = datetime(2026, 11, 20, 5, tzinfo=UTC)
TABLES = (silver.READINGS, silver.CARRY, silver.MACHINE_STATES, silver.COUNTS, gold.OEE_SHIFT)


def refine(settings: Settings) -> None:
    run_refinery(settings, ManualClock(START + timedelta(hours=1)), threading.Event(), once=True)


def test_f37_a_second_refinery_on_the_same_lake_is_refused_in_one_sentence(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, plant_file=CONF / "plant.toml")
    with Lease(settings.run_dir / "refinery.lease").acquire(), pytest.raises(LeaseHeld) as refused:
        refine(settings)
    assert len(str(refused.value).splitlines()) == 1
    assert not settings.lake_root.exists()


@pytest.mark.slow
@pytest.mark.parametrize("torn", ["data file", "log entry"])
def test_power_lost_after_an_unsynced_silver_commit_is_repaired_and_refined_again(tmp_path: Path, torn: str) -> None:
    settings = Settings(home=tmp_path, plant_file=CONF / "plant.toml")
    model, lake = load_plant(settings.plant_file), Lake(settings.lake_root)
    scenario = load_scenario(CONF / "scenarios" / "steady.toml", model)
    line = PlayedLine(lake, model, scenario, START, period_s=30.0, ledger=tmp_path / "truth.jsonl")
    for minutes in (5, 10):
        line.play(START + timedelta(minutes=minutes))
        refine(settings)
    line.close()
    before = {table.name: lake.open(table).read() for table in TABLES}
    handle = lake.open(silver.READINGS)
    (name,) = read_entry(handle.path, handle.version).added
    os.truncate(Path(handle.path, name) if torn == "data file" else entry_file(handle.path, handle.version), 50)
    refine(settings)
    for table in TABLES:
        assert _same(table, before[table.name], lake), table.name


def _same(table: Table, before: object, lake: Lake) -> bool:
    columns = [name for name in table.column_names if name != "as_of"]
    after = lake.open(table).read()
    return not difference(before, after, columns).num_rows and not difference(after, before, columns).num_rows


@pytest.mark.parametrize(("took_s", "rests_s"), [(0.0, 3.0), (1.0, 2.0), (2.0, 1.0), (3.0, 1.5), (20.0, 3.0)])
def test_a_pass_starts_every_interval_and_is_followed_by_a_rest_at_least_half_as_long(took_s: float, rests_s: float) -> None:
    assert rest_s(3.0, took_s) == rests_s
