"""Assets of a small lake materialised in this process: rows arrive, checks judge them, a past day is made again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from factolake.contracts import bronze, ops, silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.table import Table
from factolake.lake.tables import Lake
from pipelines.assets.days import production_days
from pipelines.assets.shape import asset_key
from pipelines.definitions import build
from pipelines.jobs.upkeep import upkeep_job
from pipelines.resources import LakeResource

PLANT = Path(__file__).parents[2] / "conf" / "plant.toml"
T0 = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = "2026-03-02"
CHAIN = (silver.READINGS, silver.CARRY, silver.STATE_HOURS, silver.MACHINE_STATES)


def land(lake: Lake, *rows: tuple[str, float, int]) -> None:
    """(tag, minutes after T0, value) as one commit of bronze, and a clock that has seen the last of them."""
    messages = []
    for seq, (tag, minutes, value) in enumerate(rows):
        ts = T0 + timedelta(minutes=minutes)
        message = {
            "source_id": "line1-opcua",
            "epoch": 1,
            "seq": seq,
            "idx": 0,
            "tag": tag,
            "status": 0,
            "flags": 0,
            "value_kind": "i64",
            "value_i64": value,
        }
        message |= {"source_ts": ts, "server_ts": ts, "gateway_ts": ts, "log_id": "log", "log_offset": seq, "ingest_ts": ts, "ingest_date": ts.date()}
        messages.append(message)
    for table, content in ((bronze.READINGS, messages), (ops.CLOCK, [{"tick_ts": ts, "tick_date": ts.date()}])):
        lake.ensure(table)
        lake.open(table).append(pa.Table.from_pylist(content, arrow_schema(table)), {})


@pytest.fixture
def resource(tmp_path: Path) -> LakeResource:
    return LakeResource(home=str(tmp_path), plant_file=str(PLANT))


@pytest.fixture
def lake(resource: LakeResource) -> Lake:
    return resource.lake()


def run(resource: LakeResource, table: Table, partition: str | None = None) -> dg.ExecuteInProcessResult:
    """The asset of `table` with its checks, in one run."""
    job = dg.define_asset_job("one_asset", selection=dg.AssetSelection.assets(asset_key(table)))
    defs = dg.Definitions.merge(build("Europe/Berlin", resource), dg.Definitions(jobs=[job]))
    return defs.resolve_job_def("one_asset").execute_in_process(partition_key=partition, raise_on_error=False)


def test_the_newest_day_takes_in_what_is_new_and_its_checks_pass(resource: LakeResource, lake: Lake) -> None:
    beats = [("L1-M1.Heartbeat", minute / 4, minute) for minute in range(41)]
    land(lake, ("L1-M1.State", 0, 1), *beats, ("L1-M1.State", 5, 3))
    today = production_days("Europe/Berlin").get_last_partition_key()
    for table in CHAIN:
        result = run(resource, table, partition=None if table is silver.READINGS else today)
        assert result.success
        assert all(check.passed for check in result.get_asset_check_evaluations())
        assert result.get_asset_check_evaluations()
    states = [(row["state"], row["duration_us"]) for row in lake.open(silver.MACHINE_STATES).read().sort_by("from_ts").to_pylist()]
    assert states[:2] == [("producing", 300_000_000), ("fault", 300_000_000)]


def test_a_past_day_is_computed_again_and_moves_no_position(resource: LakeResource, lake: Lake) -> None:
    land(lake, ("L1-M1.State", 0, 1), ("L1-M1.Heartbeat", 0, 0))
    today = production_days("Europe/Berlin").get_last_partition_key()
    for table in CHAIN[:2]:
        assert run(resource, table, partition=None if table is silver.READINGS else today).success
    handle = lake.open(silver.CARRY)
    position = handle.position("refine/carry/silver.readings")
    handle.replace(arrow_schema(silver.CARRY).empty_table(), "machine = 'L1-M1'", {})
    assert run(resource, silver.CARRY, partition="2026-03-01").success
    assert lake.open(silver.CARRY).read().num_rows == 0, "another day is not touched"
    assert run(resource, silver.CARRY, partition=DAY).success
    assert lake.open(silver.CARRY).read().num_rows > 0
    assert lake.open(silver.CARRY).position("refine/carry/silver.readings") == position


def test_rows_that_break_the_contract_fail_a_blocking_check(resource: LakeResource, lake: Lake) -> None:
    land(lake, ("L1-M1.State", 0, 1))
    assert run(resource, silver.READINGS).success
    rows = lake.open(silver.READINGS).read()
    lake.open(silver.READINGS).append(rows, {})
    result = run(resource, silver.READINGS)
    failed = {check.check_name: check for check in result.get_asset_check_evaluations() if not check.passed}
    assert set(failed) == {"unique_key"} and failed["unique_key"].blocking
    assert not result.success


def test_sources_are_observed_with_their_versions(resource: LakeResource, lake: Lake) -> None:
    land(lake, ("L1-M1.State", 0, 1))
    with dg.DagsterInstance.ephemeral() as instance:
        assert build("Europe/Berlin", resource).resolve_job_def("observe_sources").execute_in_process(instance=instance).success
        seen = {table: instance.fetch_observations(asset_key(table), limit=1).records for table in (bronze.READINGS, bronze.EVENTS)}
    assert seen[bronze.READINGS][0].asset_observation.metadata["version"].value == 1
    assert seen[bronze.EVENTS] == []


def test_upkeep_tends_what_is_there_and_leaves_the_rows_alone(resource: LakeResource, lake: Lake) -> None:
    land(lake, ("L1-M1.State", 0, 1))
    assert run(resource, silver.READINGS).success
    before = lake.open(silver.READINGS).read().num_rows
    assert upkeep_job.execute_in_process(resources={"lake": resource}).success
    assert lake.open(silver.READINGS).read().num_rows == before == 1
    assert list(Path(lake.path(silver.READINGS), "_delta_log").glob("*.checkpoint.parquet"))


def test_the_mes_assets_take_one_step_of_the_sync(resource: LakeResource, lake: Lake) -> None:
    lake.ensure(silver.MACHINE_STATES)
    state = {"machine": "L1-M1", "line": "L1", "from_ts": T0, "to_ts": T0 + timedelta(minutes=1), "state": "producing", "duration_us": 60_000_000}
    row = {**state, "is_open": True, "from_day": T0.date(), "as_of": T0}
    lake.open(silver.MACHINE_STATES).append(pa.Table.from_pylist([row], arrow_schema(silver.MACHINE_STATES)), {})
    job = dg.define_asset_job("sync", selection=dg.AssetSelection.assets(dg.AssetKey(["mes", "lake_machine_state"])))
    defs = dg.Definitions.merge(build("Europe/Berlin", resource), dg.Definitions(jobs=[job]))
    result = defs.resolve_job_def("sync").execute_in_process()
    (event,) = result.asset_materializations_for_node("sync_mes")
    assert (event.metadata["written"].value, event.metadata["mismatched"].value) == (1, 0)
