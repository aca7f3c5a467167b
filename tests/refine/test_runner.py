"""The runner on a real lake: version ranges, chains, equal slices left alone, positions that survive kills and late rows."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from builders import without_history, without_one_commit
from structlog.testing import capture_logs

from factolake.config import load_plant
from factolake.contracts import bronze, ops, silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.table import Table
from factolake.domain.clock import ManualClock
from factolake.errors import ContractViolation
from factolake.lake.durable import entry_file, make_durable, repair_tail
from factolake.lake.positions import refine_position
from factolake.lake.tables import Lake
from factolake.refine.carry import CARRY
from factolake.refine.feed import CAUSE
from factolake.refine.plant_model import record_plant
from factolake.refine.readings import QUARANTINE, READINGS
from factolake.refine.runner import Runner
from factolake.refine.state_hours import STATE_HOURS

T0 = datetime(2026, 11, 22, 10, tzinfo=UTC)
PLANT = Path(__file__).parents[2] / "conf/plant.toml"
CHAIN = (QUARANTINE, READINGS, CARRY)


class Bench:
    """A lake with bronze rows put in by hand, and a runner over the first three refinements."""

    def __init__(self, sail, root: Path) -> None:
        self.sail, self.clock, self.plant_file = sail, ManualClock(T0 + timedelta(hours=1)), root / "plant.toml"
        self.plant_file.write_text(PLANT.read_text(encoding="utf-8"), encoding="utf-8")
        self.lake = Lake(root / "lake")
        for table in (bronze.READINGS, ops.CLOCK):
            self.lake.ensure(table)
        self.seq = 0
        self.restart()

    def restart(self) -> None:
        """A new process: nothing remembered but the tables."""
        model = load_plant(self.plant_file)
        record_plant(self.lake, model, self.clock)
        self.runner = Runner(self.lake, self.sail, model, self.clock)

    def land(self, *rows: tuple[str, float, object], epoch: int = 1) -> None:
        """(tag, minutes after T0, value), one commit."""
        messages = []
        for tag, minutes, value in rows:
            self.seq += 1
            ts = T0 + timedelta(minutes=minutes)
            message = {"source_id": "line1-opcua", "epoch": epoch, "seq": self.seq, "idx": 0, "tag": tag, "status": 0, "flags": 0, "source_ts": ts}
            message |= {"server_ts": ts, "gateway_ts": max(ts, T0), "log_id": "log", "log_offset": self.seq}
            message |= {"ingest_ts": ts, "ingest_date": T0.date(), "value_kind": "f64" if isinstance(value, float) else "i64"}
            message["value_f64" if isinstance(value, float) else "value_i64"] = value
            messages.append(message)
        self.lake.open(bronze.READINGS).append(pa.Table.from_pylist(messages, arrow_schema(bronze.READINGS)), {})

    def tick(self, minutes: float) -> None:
        ts = T0 + timedelta(minutes=minutes)
        self.lake.open(ops.CLOCK).append(pa.Table.from_pylist([{"tick_ts": ts, "tick_date": ts.date()}], arrow_schema(ops.CLOCK)), {})

    def refine(self) -> dict[str, int]:
        """Changed slices or rows by refinement, those that changed."""
        results = [self.runner.run(refinement) for refinement in CHAIN]
        return {r.refinement: r.changed_slices or r.rows_written for r in results if r.changed}

    def rows(self, table) -> list[dict[str, object]]:
        return self.lake.open(table).read().to_pylist()

    def version(self, table) -> int:
        return self.lake.open(table).version

    def refined(self) -> dict[str, list[dict[str, object]]]:
        """All rows of the chain's tables by key, without the moment they were made."""
        return {r.output.name: self._told(r.output) for r in CHAIN}

    def refined_afresh(self) -> dict[str, list[dict[str, object]]]:
        """The same made again from bronze and the clock alone; what was there is gone."""
        for refinement in CHAIN:
            shutil.rmtree(self.lake.path(refinement.output))
        self.restart()
        self.refine()
        return self.refined()

    def _told(self, table: Table) -> list[dict[str, object]]:
        rows = self.lake.open(table).read().drop_columns(["as_of"])
        return rows.sort_by([(name, "ascending") for name in table.key]).to_pylist()


@pytest.fixture
def bench(sail, tmp_path: Path) -> Iterator[Bench]:
    return Bench(sail, tmp_path)


def test_new_rows_flow_once_and_a_quiet_pass_changes_nothing(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1), ("L1-M1.Heartbeat", 0, 1), ("nope", 0, 1))
    assert bench.refine() == {"quarantine": 1, "readings": 2, "carry": 1}
    versions = [bench.version(r.output) for r in CHAIN]
    assert bench.refine() == {}
    assert [bench.version(r.output) for r in CHAIN] == versions


def test_a_new_process_goes_on_where_the_tables_stand(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1))
    bench.refine()
    bench.restart()
    bench.land(("L1-M1.State", 1, 3))
    assert bench.refine() == {"readings": 1, "carry": 1}
    assert sorted(row["seq"] for row in bench.rows(silver.READINGS)) == [1, 2]


def test_a_kill_between_two_tables_repeats_and_loses_nothing(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1), ("L1-M1.Heartbeat", 0, 1))
    bench.runner.run(READINGS)
    bench.restart()
    assert bench.refine()["carry"] == 1
    assert len(bench.rows(silver.READINGS)) == 2


def test_rows_landed_twice_are_refined_once(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1))
    bench.seq = 0
    bench.land(("L1-M1.State", 0, 1))
    bench.refine()
    bench.restart()
    bench.seq = 0
    bench.land(("L1-M1.State", 0, 1))
    assert bench.refine() == {}
    assert len(bench.rows(silver.READINGS)) == 1


def test_a_late_row_restates_its_hour_and_stops_where_nothing_changes(bench: Bench) -> None:
    #  hour        10        11        12        13
    #  state    1@10:00             6@12:30
    #  late              3@11:10 -> changes carry of 11, not of 12 and 13
    bench.land(("L1-M1.State", 0, 1), ("L1-M1.State", 150, 6), ("L1-M1.Heartbeat", 190, 1))
    bench.refine()
    before = {row["hour_ts"]: row["as_of"] for row in bench.rows(silver.CARRY) if row["signal"] == "state"}
    bench.clock.advance(60)
    bench.land(("L1-M1.State", 70, 3))
    assert bench.refine() == {"readings": 1, "carry": 1}
    after = {row["hour_ts"]: (row["as_of"], row["value_text"]) for row in bench.rows(silver.CARRY) if row["signal"] == "state"}
    changed = [hour for hour in after if after[hour][0] != before[hour]]
    assert changed == [T0 + timedelta(hours=1)]
    assert after[T0 + timedelta(hours=1)][1] == "3"


def test_hours_without_rows_are_filled_when_the_machine_speaks_again(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1))
    bench.refine()
    bench.land(("L1-M1.Heartbeat", 300, 1))
    bench.refine()
    hours = sorted(row["hour_ts"] for row in bench.rows(silver.CARRY) if row["signal"] == "state")
    assert hours == [T0 + timedelta(hours=n) for n in range(6)]


def test_a_dead_collector_ages_by_the_clock_alone(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1), ("L1-M1.Heartbeat", 0, 1))
    bench.refine()
    bench.tick(200)
    assert bench.refine() == {"carry": 3}
    held = {row["hour_ts"].hour: row["ts"] for row in bench.rows(silver.CARRY) if row["signal"] == "_evidence"}
    assert held == dict.fromkeys(range(10, 14), T0)


def test_a_first_run_sees_a_machine_that_fell_silent_before_it(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1), ("L1-M1.Heartbeat", 0, 1))
    bench.tick(200)
    while bench.refine():
        pass
    assert sorted(row["hour_ts"].hour for row in bench.rows(silver.CARRY) if row["signal"] == "_evidence") == [10, 11, 12, 13]


def test_a_mapping_repaired_in_the_plant_file_brings_refused_rows_back(bench: Bench) -> None:
    bench.land(("L1-M1.Gearbox.Temperature", 0, 41.5))
    assert bench.refine() == {"quarantine": 1}
    text = bench.plant_file.read_text(encoding="utf-8")
    added = 'gearbox_temp = { tag = "{machine}.Gearbox.Temperature", kind = "process", unit = "CEL" }\noperator ='
    bench.plant_file.write_text(text.replace("operator =", added, 1), encoding="utf-8")
    bench.restart()
    assert bench.refine()["readings"] == 1
    assert [row["signal"] for row in bench.rows(silver.READINGS)] == ["gearbox_temp"]
    bench.restart()
    assert bench.refine() == {}


def test_a_backfill_moves_no_position_while_newer_rows_wait(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1), ("L1-M1.Heartbeat", 0, 1))
    bench.refine()
    bench.land(("L1-M1.State", 5, 3))
    bench.runner.run(READINGS)
    app = refine_position("carry", silver.READINGS.name, bench.lake.open(silver.READINGS).history)
    position = bench.lake.open(silver.CARRY).position(app)
    bench.runner.recompute(CARRY, {("L1-M1", T0)})
    assert bench.lake.open(silver.CARRY).position(app) == position
    assert bench.rows(silver.CARRY)
    bench.restart()
    bench.refine()
    assert [row["value_text"] for row in bench.rows(silver.CARRY) if row["signal"] == "state"] == ["3"]


def test_a_failed_check_stops_the_commit_and_names_itself(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1))
    strict = Runner(bench.lake, bench.sail, bench.runner.model, bench.clock, checks=lambda table, data: ["no row may pass"])
    with pytest.raises(ContractViolation, match=r"silver\.readings: no row may pass"):
        strict.run(READINGS)
    assert bench.rows(silver.READINGS) == []
    assert bench.refine()["readings"] == 1


def test_many_slices_are_made_in_groups_and_the_chain_holds(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1), *(("L1-M1.Heartbeat", 60 * hour, 1) for hour in range(30)))
    small = Runner(bench.lake, bench.sail, bench.runner.model, bench.clock)
    small.run(READINGS)
    small.run(replace(CARRY, group_size=4))
    states = [row for row in bench.rows(silver.CARRY) if row["signal"] == "state"]
    assert len(states) == 30
    assert {row["ts"] for row in states} == {T0}
    readings = bench.lake.open(silver.READINGS)
    assert bench.lake.open(silver.CARRY).position(refine_position("carry", silver.READINGS.name, readings.history)) == readings.version


def test_a_commit_notes_that_a_changed_transform_made_its_slices_anew(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1), ("L1-M1.Heartbeat", 0, 1))
    bench.refine()
    bench.land(("L1-M1.State", 1, 3))
    bench.refine()
    assert bench.lake.open(silver.CARRY).notes(CAUSE, 0) == {}
    bench.runner.run(replace(CARRY, version=2, transform=lambda inputs: CARRY.transform(inputs).where("signal <> 'state'")))
    assert bench.lake.open(silver.CARRY).notes(CAUSE, 0) == {bench.version(silver.CARRY): "transform"}


def test_the_tables_below_a_changed_transform_note_it_too(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1), *(("L1-M1.Heartbeat", minute, 1) for minute in (0, 60, 60.1)))
    bench.tick(90)
    bench.refine()
    bench.runner.run(STATE_HOURS)
    bench.land(("L1-M1.State", 0.1, 3))
    bench.refine()
    bench.runner.run(STATE_HOURS)
    assert bench.lake.open(silver.STATE_HOURS).notes(CAUSE, 0) == {}
    bench.runner.run(replace(CARRY, version=2, transform=lambda inputs: CARRY.transform(inputs).where("signal <> 'state'")))
    bench.runner.run(STATE_HOURS)
    assert bench.lake.open(silver.STATE_HOURS).notes(CAUSE, 0) == {bench.version(silver.STATE_HOURS): "transform"}


def readers(table: Table) -> set[str]:
    return {refinement.name for refinement in CHAIN if any(feed.table is table for feed in refinement.inputs)}


@pytest.mark.parametrize("lose", [without_history, without_one_commit], ids=lambda lose: lose.__name__)
@pytest.mark.parametrize("damaged", [bronze.READINGS, silver.READINGS], ids=lambda table: table.name)
def test_a_hole_in_a_change_feed_is_passed_by_the_whole_table(bench: Bench, damaged: Table, lose: Callable[[Lake, Table], None]) -> None:
    bench.land(("L1-M1.State", 0, 1), ("L1-M1.Heartbeat", 0, 1))
    bench.refine()
    bench.runner.settle(READINGS)
    for minute in (1, 2, 3):
        bench.land(("L1-M1.State", minute, 1 + minute % 2), ("nope", minute, 1))
        if damaged is silver.READINGS:
            bench.runner.run(READINGS)
    bench.land(("L1-M1.State", 4, 1))
    lose(bench.lake, damaged)
    bench.restart()
    with capture_logs() as told:
        bench.refine()
    assert {line["refinement"] for line in told if line["event"] == "a change feed has a hole"} == readers(damaged)
    assert sorted(row["seq"] for row in bench.rows(silver.READINGS)) == [1, 2, 3, 5, 7, 9]
    assert sorted(row["seq"] for row in bench.rows(ops.QUARANTINE)) == [4, 6, 8]
    carried = {row["signal"]: row["ts"] for row in bench.rows(silver.CARRY) if row["hour_ts"] == T0}
    assert carried["state"] == T0 + timedelta(minutes=4)
    assert bench.refine() == {}
    bench.land(("L1-M1.State", 5, 2))
    assert bench.refine() == {"readings": 1, "carry": 1}
    assert bench.refined() == bench.refined_afresh()


@pytest.mark.parametrize("news", [0, 1, 5])
@pytest.mark.parametrize("lost", [r.output for r in CHAIN], ids=lambda table: table.name)
def test_f28_a_silver_table_that_was_deleted_is_made_again_and_so_are_its_readers(bench: Bench, lost: Table, news: int) -> None:
    for minute in (0, 1, 2):
        bench.land(("L1-M1.State", minute, 1 + minute % 2), ("nope", minute, 1), ("L1-M2.State", 60 * minute, 1))
        bench.refine()
    shutil.rmtree(bench.lake.path(lost))
    bench.restart()
    if news:
        # the table comes back at other versions, below, at and above the one its readers had read
        for minute in range(3, 3 + news):
            bench.land(("L1-M1.State", minute, 1 + minute % 2), ("nope", minute, 1))
            bench.refine()
    bench.refine()
    assert bench.refine() == {}
    assert bench.refined() == bench.refined_afresh()


def test_what_a_lost_table_held_and_the_new_one_does_not_goes_from_its_readers_too(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1), ("L1-M2.State", 0, 1))
    bench.refine()
    for table in (bronze.READINGS, silver.READINGS):
        shutil.rmtree(bench.lake.path(table))
    bench.lake.ensure(bronze.READINGS)
    bench.land(("L1-M2.State", 0, 1))
    bench.restart()
    bench.refine()
    assert {row["machine"] for row in bench.rows(silver.CARRY)} == {"L1-M2"}


@pytest.mark.parametrize("news", [0, 1, 2, 3])
def test_a_table_set_back_to_a_backup_is_read_as_a_new_one(bench: Bench, news: int, tmp_path: Path) -> None:
    bench.land(("L1-M1.State", 0, 1))
    bench.refine()
    shutil.copytree(bench.lake.path(bronze.READINGS), tmp_path / "backup")
    bench.land(("L1-M1.State", 1, 3))
    bench.land(("L1-M1.State", 2, 3))
    bench.refine()
    shutil.rmtree(bench.lake.path(bronze.READINGS))
    shutil.copytree(tmp_path / "backup", bench.lake.path(bronze.READINGS))
    bench.restart()
    with capture_logs() as told:
        bench.refine()
    assert [line["table"] for line in told if line["event"] == "a table was set back"] == [bronze.READINGS.name]
    bench.seq = 1
    for minute in range(1, 1 + news):
        bench.land(("L1-M1.State", minute, 3))
    bench.refine()
    assert sorted(row["seq"] for row in bench.rows(silver.READINGS)) == list(range(1, 4 if news < 3 else 5))


def test_a_version_dropped_with_the_power_is_not_taken_for_the_next_one_of_its_number(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1))
    bench.refine()
    make_durable(bench.lake.path(silver.READINGS), bench.version(silver.READINGS))
    bench.land(("L1-M1.State", 1, 3))
    bench.refine()
    readings = bench.lake.open(silver.READINGS)
    entry_file(readings.path, readings.version).write_text("", encoding="ascii")
    assert repair_tail(readings.path) == [readings.version]
    bench.restart()
    bench.land(("L1-M2.State", 0, 1))
    bench.refine()
    assert bench.version(silver.READINGS) == readings.version
    assert bench.refined() == bench.refined_afresh()


def forget_first_day(bench: Bench) -> None:
    for table in (bronze.READINGS, silver.READINGS):
        name = table.partition_by[0]
        assert bench.lake.open(table).forget(f"{name} = DATE '{T0.date()}'", T0.date().isoformat(), {"log": 3})


def test_what_was_made_from_readings_no_longer_kept_stays_as_it_is(bench: Bench) -> None:
    """Not by a new plan, a late row, a backfill nor a new process; the day after goes on from it."""
    bench.land(("L1-M1.State", 0, 1), ("L1-M1.Count.Total", 1, 5), ("L1-M1.State", 14 * 60 + 5, 2))
    bench.refine()
    before = bench.rows(silver.CARRY)
    forget_first_day(bench)
    bench.restart()
    assert bench.refine() == {}
    bench.plant_file.write_text(
        bench.plant_file.read_text(encoding="utf-8").replace("max_silence_s = 30.0", "max_silence_s = 31.0"), encoding="utf-8"
    )
    bench.restart()
    bench.refine()
    bench.runner.recompute(CARRY, {("L1-M1", T0)})
    bench.land(("L1-M1.Count.Total", 30, 6))
    with capture_logs() as logs:
        bench.refine()
    assert any(entry["event"] == "slices stay as they are" for entry in logs)
    first_day = [row for row in before if row["day"] == T0.date()]
    assert first_day and [row for row in bench.rows(silver.CARRY) if row["day"] == T0.date()] == first_day
    bench.land(("L1-M1.State", 14 * 60 + 10, 1))
    assert bench.refine()["carry"] == 1
    counted = [row for row in bench.rows(silver.CARRY) if row["hour_ts"] == T0 + timedelta(hours=14) and row["signal"] == "total_count"]
    assert [row["value_i64"] for row in counted] == [5]


def test_a_sample_brought_again_by_a_later_session_is_kept_once_also_among_new_ones(bench: Bench) -> None:
    bench.land(("L1-M1.State", 0, 1), ("L1-M1.State", 50, 3))
    bench.refine()
    bench.land(("L1-M1.State", 50, 3), ("L1-M1.State", 51, 1), epoch=2)
    bench.land(("L1-M1.State", 51, 1), ("L1-M1.State", 0, 1), epoch=3)
    bench.refine()
    kept = [(row["epoch"], row["ts"]) for row in bench.rows(silver.READINGS)]
    assert sorted(kept) == [(1, T0), (1, T0 + timedelta(minutes=50)), (2, T0 + timedelta(minutes=51))]
