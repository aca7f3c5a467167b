"""A value that stands still while its machine produces: what counts as production since, on both sides of the limit."""

import doctest
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.config import load_plant
from factolake.contracts import silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.table import Table
from factolake.domain.clock import ManualClock
from factolake.domain.equipment import Timeline
from factolake.domain.plant import PlantModel
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.refine.carry import CARRY
from factolake.refine.readings import READINGS
from factolake.refine.runner import Runner
from factolake.refine.state_hours import STATE_HOURS
from factolake.testing.tiny_lake import PlayedLine
from pipelines import watched_signals as module
from pipelines.doctor import SignalFacts, judge_stuck
from pipelines.watched_signals import watched_signals

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
CONF = Path(__file__).parents[2] / "conf"
PLANT = load_plant(CONF / "plant.toml")
WATCHED = replace(PLANT, signals=tuple(replace(s, stuck_after_s=300.0) if s.name == "good_count" else s for s in PLANT.signals))


def at(clock: str) -> datetime:
    hours, minutes = clock.split(":")
    return NOW.replace(hour=int(hours), minute=int(minutes))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def add(lake: Lake, table: Table, *rows: dict[str, object]) -> None:
    lake.ensure(table)
    blank = dict.fromkeys(table.column_names)
    lake.open(table).append(pa.Table.from_pylist([{**blank, **row} for row in rows], arrow_schema(table)), {})


def last_value(hour: str, since: str, machine: str = "L1-M3") -> dict[str, object]:
    row: dict[str, object] = {
        "machine": machine,
        "hour_ts": at(hour),
        "day": NOW.date(),
        "signal": "good_count",
        "kind": "counter",
        "quality": "good",
    }
    row |= {"ts": at(since), "since_ts": at(since), "gateway_ts": at(since), "value_i64": 7, "as_of": NOW}
    return {**row, "source_id": "line1-opcua", "epoch": 1, "seq": 1, "idx": 0}


def stretch(begin: str, end: str, state: str, machine: str = "L1-M3") -> dict[str, object]:
    hour = at(begin).replace(minute=0)
    row: dict[str, object] = {"machine": machine, "hour_ts": hour, "day": hour.date(), "from_ts": at(begin), "to_ts": at(end), "state": state}
    return {**row, "state_since": at(begin), "as_of": NOW}


def produced(lake: Lake, model: PlantModel = WATCHED) -> dict[str, float]:
    return {facts.machine: facts.produced_s for facts in watched_signals(lake, model, NOW)}


def test_only_production_since_the_last_change_counts(lake: Lake) -> None:
    # count ..08:57     08:50 producing 09:00 producing 09:01 starved 09:10 producing 09:11 unknown 09:25 producing 09:30
    add(lake, silver.CARRY, last_value("08:00", "08:57"), last_value("09:00", "08:57"))
    told = [("08:50", "09:00", "producing"), ("09:00", "09:01", "producing"), ("09:01", "09:10", "starved"), ("09:10", "09:11", "producing")]
    told += [("09:11", "09:25", "unknown"), ("09:25", "09:30", "producing")]
    add(lake, silver.STATE_HOURS, *(stretch(*row) for row in told))
    (facts,) = watched_signals(lake, WATCHED, NOW)
    assert facts == SignalFacts("L1-M3", "good_count", at("08:57"), 600.0, 300.0)


def test_the_newest_hour_tells_the_last_change(lake: Lake) -> None:
    add(lake, silver.CARRY, last_value("09:00", "09:29"), last_value("08:00", "08:10"))
    add(lake, silver.STATE_HOURS, stretch("08:00", "09:00", "producing"), stretch("09:00", "09:30", "producing"))
    assert produced(lake) == {"L1-M3": 60.0}


def test_machines_do_not_mix_and_one_without_production_has_none(lake: Lake) -> None:
    add(lake, silver.CARRY, last_value("09:00", "09:00", "L1-M1"), last_value("09:00", "09:20", "L1-M2"), last_value("09:00", "09:00", "L1-M3"))
    add(lake, silver.STATE_HOURS, stretch("09:00", "09:30", "producing", "L1-M1"), stretch("09:00", "09:30", "producing", "L1-M2"))
    assert produced(lake) == {"L1-M1": 1800.0, "L1-M2": 600.0, "L1-M3": 0.0}


def test_a_plant_that_watches_nothing_and_a_recorded_source_have_nothing_to_say(lake: Lake) -> None:
    recorded = {name: replace(source, timeline=Timeline.RECORDED) for name, source in WATCHED.sources.items()}
    assert produced(lake) == {}
    add(lake, silver.CARRY, last_value("09:00", "09:00"))
    add(lake, silver.STATE_HOURS, stretch("09:00", "09:30", "producing"))
    assert produced(lake, PLANT) == {}
    assert produced(lake, replace(WATCHED, sources=recorded)) == {}


def test_a_frozen_counter_and_a_frozen_sensor_on_a_producing_machine_are_found_and_no_other(sail, tmp_path: Path) -> None:
    # six stations play for 40 minutes; from minute 20 on the good count and the motor temperature of L1-M3 stand still
    watched = {"good_count": 300.0, "motor_temp": 300.0}
    kept = {"state", "order", "product", "heartbeat", *watched}
    model = replace(PLANT, signals=tuple(replace(s, stuck_after_s=watched.get(s.name)) for s in PLANT.signals if s.name in kept))
    start, end, lake, frozen = at("08:10"), at("08:50"), Lake(tmp_path / "lake"), {("L1-M3", name) for name in watched}
    line = PlayedLine(lake, model, load_scenario(CONF / "scenarios" / "steady.toml", model), start, ledger=tmp_path / "truth.jsonl")
    line.play(start + timedelta(minutes=20))
    line.now = end
    line.land([change for change in line.signals.advance_to(end)[1] if (change.machine, change.signal) not in frozen])
    runner = Runner(lake, sail, model, ManualClock(end))
    for refinement in (READINGS, CARRY, STATE_HOURS):
        runner.run(refinement)
    found = watched_signals(lake, model, end)
    assert len(found) == 12
    assert {(facts.machine, facts.signal) for facts in found if facts.produced_s > facts.stuck_after_s} == frozen


def test_a_stuck_signal_is_named_with_the_production_it_missed() -> None:
    finding = judge_stuck(SignalFacts("L1-M3", "good_count", NOW - timedelta(minutes=40), 720.0, 300.0))
    assert (finding.kind, finding.name, finding.state, finding.since) == ("signal", "L1-M3 good_count", "degraded", NOW - timedelta(minutes=40))
    assert finding.cause == "no change over 12 min of production (limit 5 min); look at the sensor or the counter"


def test_examples_in_docstrings_are_true() -> None:
    result = doctest.testmod(module)
    assert (result.attempted, result.failed) == (2, 0)
