"""Every scenario's OEE, counts and state time against what really happened: the plant's own ledger, added up by a second short computation."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from factolake.config import load_plant
from factolake.contracts import gold, silver
from factolake.domain.clock import SystemClock
from factolake.domain.plant import PlantModel
from factolake.domain.signals import SignalKind
from factolake.kpi.losses import LOSSES
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.plant.truth import Minute, Truth, load_truth
from factolake.refine.plant_model import record_plant
from factolake.refine.registry import REFINEMENTS
from factolake.refine.runner import Runner
from factolake.testing.tiny_lake import PlayedLine

CONF = Path(__file__).parents[2] / "conf"
SCENARIOS = sorted(path.stem for path in (CONF / "scenarios").glob("*.toml"))
# 20 November 2026, early shift 06:00-14:00 in Berlin (UTC+1), break 10:00-10:30.
SHIFT = (datetime(2026, 11, 20, 5, tzinfo=UTC), datetime(2026, 11, 20, 13, tzinfo=UTC))
BREAK = (datetime(2026, 11, 20, 9, tzinfo=UTC), datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
OF_KPIS = REFINEMENTS[: REFINEMENTS.index(LOSSES) + 1]
PLANNED_US = {"GBX-200": (24, 26, 30, 27, 25, 22), "GBX-300": (28, 30, 36, 31, 29, 25)}


@dataclass(frozen=True)
class Played:
    """One scenario after a whole shift: what was refined, and what was true."""

    shifts: dict[str, dict[str, object]]
    losses: dict[str, int]
    intervals: list[dict[str, object]]
    truth: Truth


def lean_plant() -> PlantModel:
    """The shipped plant without its process values, which no KPI reads and which are nine tenths of the rows."""
    model = load_plant(CONF / "plant.toml")
    return replace(model, signals=tuple(s for s in model.signals if s.kind not in (SignalKind.PROCESS, SignalKind.ENERGY, SignalKind.SETPOINT)))


@pytest.fixture(scope="module")
def plays(sail, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Played]:
    """Each scenario is played once."""
    return cache(lambda scenario: play(sail, scenario, tmp_path_factory.mktemp(scenario)))


def play(sail, scenario: str, root: Path) -> Played:
    model = lean_plant()
    lake = Lake(root / "lake")
    line = PlayedLine(lake, model, load_scenario(CONF / "scenarios" / f"{scenario}.toml", model), SHIFT[0], ledger=root / "truth.jsonl")
    record_plant(lake, model, SystemClock())
    runner = Runner(lake, sail, model, SystemClock())
    # A little beyond the end, so that the shift is complete; where all happens in two goes, so that refinement goes on from itself.
    for until in ([SHIFT[0] + timedelta(hours=3, minutes=7)] if scenario == "everything" else []) + [SHIFT[1] + timedelta(minutes=2)]:
        line.play(until, portion=timedelta(minutes=30))
        for refinement in OF_KPIS:
            runner.run(refinement)
    line.close()
    assert [refinement.name for refinement in OF_KPIS if runner.run(refinement).changed] == []
    shifts = {str(row["equipment"]): row for row in lake.open(gold.OEE_SHIFT).read().to_pylist() if row["shift"] == "early"}
    losses: Counter[str] = Counter()
    for row in lake.open(gold.LOSSES).read().to_pylist():
        if row["shift"] == "early":
            losses[row["machine"]] += row["duration_us"]
    return Played(shifts, dict(losses), lake.open(silver.MACHINE_STATES).read().to_pylist(), load_truth(root / "truth.jsonl"))


def busy_us(from_ts: datetime, to_ts: datetime) -> int:
    """Microseconds of [from_ts, to_ts) inside the shift and outside its break."""

    def overlap(a: datetime, b: datetime) -> int:
        return max(0, round((min(b, to_ts) - max(a, from_ts)) / timedelta(microseconds=1)))

    return overlap(*SHIFT) - overlap(*BREAK)


def true_times(truth: Truth, machine: str) -> Counter[str]:
    """Microseconds by state within planned busy time; production in the break extends it."""
    times: Counter[str] = Counter()
    for interval in truth.states:
        if interval.machine == machine:
            times[interval.state] += busy_us(interval.from_ts, interval.to_ts)
            if interval.state == "producing":
                span = (max(interval.from_ts, SHIFT[0]), min(interval.to_ts, SHIFT[1]))
                times["producing"] += max(0, round((span[1] - span[0]) / timedelta(microseconds=1))) - busy_us(*span)
    return times


def true_parts(truth: Truth, machine: str, place: int) -> tuple[int, int, int]:
    """(produced, good, ideal microseconds) within the shift."""
    minutes = [m for m in truth.minutes if m.machine == machine and SHIFT[0] <= m.minute_ts < SHIFT[1]]
    ideal = 0
    for before, minute in zip([None, *minutes], minutes, strict=False):
        early = _parts_before_switch(truth, minute) if before and before.product and before.product != minute.product else 0
        ideal += early * PLANNED_US[before.product][place] * 1_000_000 if early else 0
        ideal += (minute.total - early) * PLANNED_US[minute.product][place] * 1_000_000 if minute.total > early else 0
    return sum(m.total for m in minutes), sum(m.good for m in minutes), ideal


def _parts_before_switch(truth: Truth, minute: Minute) -> int:
    """Parts of a minute that were counted before the machine's product changed within it."""
    mine = [s for s in truth.sent if s.machine == minute.machine and timedelta() <= s.ts - minute.minute_ts < timedelta(minutes=1)]
    switch = next((s.ts for s in mine if s.signal == "product" and s.value == minute.product), minute.minute_ts)
    return sum(1 for s in mine if s.signal == "total_count" and s.ts <= switch)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_oee_counts_and_state_time_equal_what_really_happened(plays: Callable[[str], Played], scenario: str) -> None:
    played = plays(scenario)
    model = load_plant(CONF / "plant.toml")
    seen = 0
    for place, machine in enumerate(model.lines["L1"].machines):
        row, times = played.shifts[machine], true_times(played.truth, machine)
        parts = [row["apt_us"], row["aust_us"], row["adet_us"], row["adot_us"], row["unknown_us"]]
        assert row["is_complete"]
        assert sum(parts) == row["pbt_us"] == played.losses[machine]
        assert row["pbt_us"] - row["outside_plan_us"] == busy_us(*SHIFT)
        if row["unknown_us"]:
            assert row["apt_us"] <= times["producing"] <= row["apt_us"] + row["unknown_us"]
            continue
        seen += 1
        produced, good, ideal = true_parts(played.truth, machine, place)
        stopped = sum(times.values()) - times["producing"] - times["setup"]
        assert (row["apt_us"], row["aust_us"], row["adet_us"] + row["adot_us"]) == (times["producing"], times["setup"], stopped)
        assert (row["pq"], row["gq"]) == (produced, good)
        if row["oee"] is not None:
            assert row["oee"] == pytest.approx(ideal / row["pbt_us"] * good / produced, rel=1e-9)
        assert (row["oee"] is None) == (produced == 0) or row["oee"] == 0
    assert seen >= 4


@pytest.mark.slow
def test_intervals_equal_the_true_ones_to_the_microsecond(plays: Callable[[str], Played]) -> None:
    played = plays("everything")
    silenced = {row["machine"] for row in played.intervals if row["state"] == "unknown"}
    assert len(silenced) <= 2
    for machine in {row["machine"] for row in played.intervals} - silenced:
        found = sorted((row["from_ts"], row["to_ts"], row["state"]) for row in played.intervals if row["machine"] == machine)
        true = [(i.from_ts, i.to_ts, i.state) for i in played.truth.states if i.machine == machine]
        # The last interval is still open: the lake knows it only as far as the last sign of life.
        assert found[:-1] == true[: len(found) - 1]
        assert (found[-1][0], found[-1][2]) == (true[len(found) - 1][0], true[len(found) - 1][2])
