"""Late rows restate exactly the shifts they touch, and every published value that changed has a row that says so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from factolake.config import load_plant
from factolake.contracts import gold, ops
from factolake.domain.clock import ManualClock
from factolake.domain.equipment import Timeline
from factolake.domain.plant import PlantModel
from factolake.domain.signals import SignalKind
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.plant.wire import Change
from factolake.refine.plant_model import record_plant
from factolake.refine.registry import REFINEMENTS
from factolake.refine.runner import Runner
from factolake.testing.tiny_lake import PlayedLine

CONF = Path(__file__).parents[2] / "conf"
# Shifts in Berlin (UTC+1): late 13:00-21:00 UTC, night 21:00-05:00 UTC; the UTC date changes inside the night shift.
START = datetime(2026, 11, 20, 19, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
VALUES = (SignalKind.PROCESS, SignalKind.ENERGY, SignalKind.SETPOINT)
PLANT = load_plant(CONF / "plant.toml")


class Bench:
    """Some hours of a steady line, played and refined."""

    def __init__(self, sail, root: Path, model: PlantModel = PLANT, hours: int = 10) -> None:
        self.model = replace(model, signals=tuple(s for s in model.signals if s.kind not in VALUES))
        self.lake, self.clock = Lake(root / "lake"), ManualClock(START + timedelta(hours=11))
        scenario = load_scenario(CONF / "scenarios" / "steady.toml", model)
        self.line = PlayedLine(self.lake, self.model, scenario, START, ledger=root / "truth.jsonl")
        record_plant(self.lake, self.model, self.clock)
        self.runner = Runner(self.lake, sail, self.model, self.clock)
        self.line.play(START + timedelta(hours=hours), portion=timedelta(hours=1))
        self.refine()
        self.clock.advance(3600)

    def refine(self) -> None:
        for _ in range(3):
            if not any([self.runner.run(refinement).changed for refinement in REFINEMENTS]):
                return
        raise AssertionError("the refinements never come to rest")

    def late(self, *changes: Change, by: timedelta = timedelta(hours=26)) -> None:
        self.line.now += by
        self.line.land(changes)
        self.refine()

    def shifts(self) -> dict[tuple[str, str], dict]:
        """The shifts of the first production day: they are over, whatever the clock adds later."""
        rows = self.lake.open(gold.OEE_SHIFT).read().to_pylist()
        return {(row["equipment"], row["shift"]): row for row in rows if row["production_day"] == START.date()}

    def restated(self) -> set[tuple[str, str]]:
        rows = self.lake.open(ops.RESTATEMENTS).read().to_pylist() if self.lake.exists(ops.RESTATEMENTS) else []
        return {(row["row_key"], row["column_name"]) for row in rows}


def state(machine: str, ts: datetime, word: int) -> Change:
    return Change(ts, machine, "state", f"{machine}.State", word, 0)


def recorded(model: PlantModel) -> PlantModel:
    """`model` behind a source whose record alone moves time on: a month of silence is no month of unknown time to be refined."""
    sources = {name: replace(source, timeline=Timeline.RECORDED, max_silence_s=None) for name, source in model.sources.items()}
    return replace(model, sources=sources, machines={name: replace(machine, max_silence_s=None) for name, machine in model.machines.items()})


@pytest.fixture(scope="module")
def bench(sail, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(sail, tmp_path_factory.mktemp("late"))


@pytest.mark.slow
def test_a_late_row_just_before_midnight_restates_its_night_shift_and_no_other(bench: Bench) -> None:
    before = bench.shifts()
    # One second before the UTC date changes the machine was at fault for half a second, we hear a day later.
    at = MIDNIGHT - timedelta(seconds=1)
    bench.late(state("L1-M3", at, 3), state("L1-M3", at + timedelta(milliseconds=500), 1))
    after = bench.shifts()
    changed = {key for key in after if after[key]["as_of"] != before.get(key, {}).get("as_of")}
    assert {shift for _, shift in after} == {"late", "night"}
    assert {shift for _, shift in changed} == {"night"}
    assert after[("L1-M3", "night")]["adet_us"] - before[("L1-M3", "night")]["adet_us"] == 500_000
    assert after[("L1-M3", "night")]["pbt_us"] == before[("L1-M3", "night")]["pbt_us"]
    assert after[("L1-M3", "late")] == before[("L1-M3", "late")]


@pytest.mark.slow
def test_what_was_published_and_changed_is_a_restatement_row_with_both_values(bench: Bench) -> None:
    before, known = bench.shifts()[("L1-M2", "late")], bench.restated()
    # The late shift is over and published; half a minute of it turns out to have been a fault.
    at = START + timedelta(minutes=45)
    bench.late(state("L1-M2", at, 3), state("L1-M2", at + timedelta(seconds=30), 1))
    after = bench.shifts()[("L1-M2", "late")]
    assert before["is_complete"]
    rows = [row for row in bench.lake.open(ops.RESTATEMENTS).read().to_pylist() if (row["row_key"], row["column_name"]) not in known]
    told = {row["column_name"]: (row["old_value"], row["new_value"]) for row in rows if '"L1-M2"' in row["row_key"]}
    assert told["apt_us"] == (str(before["apt_us"]), str(after["apt_us"]))
    assert "pq" not in told
    assert {row["cause"] for row in rows} == {"late_rows"}


@pytest.mark.slow
def test_a_planned_run_time_corrected_afterwards_restates_with_the_plant_model_as_cause(sail, bench: Bench) -> None:
    known = bench.restated()
    halved = [replace(n, planned_run_time_us=n.planned_run_time_us // 2) if n.machine == "L1-M2" else n for n in bench.model.nameplates]
    model = replace(bench.model, nameplates=tuple(halved))
    record_plant(bench.lake, model, bench.clock)
    bench.runner = Runner(bench.lake, sail, model, bench.clock)
    bench.refine()
    rows = [row for row in bench.lake.open(ops.RESTATEMENTS).read().to_pylist() if (row["row_key"], row["column_name"]) not in known]
    assert {row["column_name"] for row in rows} >= {"oee", "effectiveness"}
    assert all('"L1-M2"' in row["row_key"] and row["cause"] == "plant_model" for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("late_by", [timedelta(hours=1), timedelta(days=30)], ids=["an-hour", "thirty-days"])
def test_f70_rows_an_hour_or_thirty_days_late_are_counted_as_late_and_restate_the_touched_shift_alone(
    sail, tmp_path: Path, late_by: timedelta
) -> None:
    bench = Bench(sail, tmp_path, recorded(PLANT), hours=2)
    before = bench.shifts()
    at = START + timedelta(minutes=45)
    known_ts = bench.line.now + late_by
    bench.late(state("L1-M3", at, 3), state("L1-M3", at + timedelta(seconds=30), 1), by=late_by)
    after = bench.shifts()
    restated = {shift for key, row in after.items() if row["as_of"] != before[key]["as_of"] for shift in key[1:]}
    assert restated == {"late"}
    assert {shift for _, shift in after} == {"late", "night"}
    assert after["L1-M3", "late"]["adet_us"] - before["L1-M3", "late"]["adet_us"] == 30_000_000
    rows = bench.lake.open(ops.RESTATEMENTS).read().to_pylist()
    assert {(row["column_name"], row["cause"]) for row in rows} >= {("apt_us", "late_rows"), ("adet_us", "late_rows")}
    assert all('"late"' in row["row_key"] for row in rows)
    (lag,) = [row for row in bench.lake.open(gold.KNOWLEDGE_LAG).read().to_pylist() if (row["machine"], row["happened_ts"]) == ("L1-M3", at)]
    assert (lag["event_kind"], lag["known_ts"], lag["lag_us"]) == ("fault", known_ts, (known_ts - at) // timedelta(microseconds=1))
