"""Degradations of the simulated plant: the truth told about them, what the signals show of them, and live plant and generator side by side."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from factolake.config.plant import load_plant
from factolake.domain.units import conversion
from factolake.errors import ConfigError
from factolake.plant.moment import to_us
from factolake.plant.offline import STATES, LineHistory, simulate
from factolake.plant.scenario import Scenario, load_scenario
from factolake.plant.truth import TruthLedger, load_truth
from factolake.plant.wire import LineSignals

CONF = Path(__file__).parents[2] / "conf"
MODEL = load_plant(CONF / "plant.toml")
START = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
END = START + timedelta(hours=8)
FIRST = {
    "L1-M1": ("clogging", "oil_flow", -1),
    "L1-M2": ("bearing_wear", "vibration", 1),
    "L1-M3": ("tool_wear", "torque", 1),
    "L1-M4": ("setpoint_error", "motor_speed", -1),
    "L1-M5": ("leak", "air_pressure", -1),
    "L1-M6": ("sensor_drift", "motor_temp", 1),
}


def scenario(name: str) -> Scenario:
    return load_scenario(CONF / "scenarios" / f"{name}.toml", MODEL)


def healthy(script: Scenario) -> Scenario:
    """The same line with nothing wearing, and standing still where it broke down."""
    breakdowns = [
        {"machine": d.machine, "at": d.failure, "minutes": d.repair_minutes, "alarm": d.alarm} for d in script.degradation if d.failure is not None
    ]
    return Scenario.model_validate({**script.model_dump(), "degradation": (), "breakdown": breakdowns})


@cache
def shift(*, is_healthy: bool = False, seed: int = 7) -> LineHistory:
    script = scenario("degradations")
    return simulate(MODEL, healthy(script) if is_healthy else script, seed, START, END, period_s=10.0)


def test_the_truth_names_onset_failure_reset_and_the_signals_that_tell_most_first(tmp_path: Path) -> None:
    line, ledger = LineSignals(MODEL, "L1", scenario("degradations"), 7, START, 600.0), TruthLedger(tmp_path / "truth.jsonl", START)
    facts, changes = line.advance_to(START + timedelta(hours=3, minutes=20))
    ledger.happened(facts, END)
    ledger.sent(changes)
    ledger.close(END)
    found = {d.machine: d for d in load_truth(tmp_path / "truth.jsonl").degradations}
    assert {m: (d.kind, d.signals[0]) for m, d in found.items()} == {m: (kind, signal) for m, (kind, signal, _) in FIRST.items()}
    bearing, clogging, leak = found["L1-M2"], found["L1-M1"], found["L1-M5"]
    assert [bearing.onset_ts, bearing.failure_ts, bearing.reset_ts] == [START + timedelta(minutes=m) for m in (10, 50, 58)]
    assert (clogging.failure_ts, clogging.reset_ts) == (START + timedelta(hours=3, minutes=10), None)
    assert (leak.onset_ts, leak.failure_ts) == (START + timedelta(hours=1, minutes=30), None)


def test_a_failure_is_a_breakdown_with_its_alarm_that_the_repair_ends() -> None:
    line = LineSignals(MODEL, "L1", scenario("degradations"), 7, START, 600.0)
    _, changes = line.advance_to(START + timedelta(hours=1))
    failed, repaired = START + timedelta(minutes=50), START + timedelta(minutes=58)
    alarms = [(c.ts, c.value) for c in changes if c.machine == "L1-M2" and c.signal == "alarm"]
    assert alarms[-2:] == [(failed, "E-204 spindle bearing"), (repaired, "")]
    history = shift()
    in_fault = history.machines["L1-M2"].states == STATES.index("fault")
    inside = (history.at_us >= to_us(failed)) & (history.at_us < to_us(repaired))
    assert (in_fault == inside).all()


@pytest.mark.parametrize("machine", FIRST)
def test_nothing_shows_before_the_onset_or_after_the_repair_and_the_first_signal_moves_beyond_its_noise(machine: str) -> None:
    kind, signal, sign = FIRST[machine]
    history, twin = shift(), shift(is_healthy=True)
    truth = next(d for d in history.degradations if d.machine == machine)
    assert truth.kind == kind
    last = truth.failure_ts or truth.reset_ts or END
    mine, its = history.machines[machine], twin.machines[machine]
    assert (mine.states == its.states).all()
    onset_us, reset_us = to_us(truth.onset_ts), to_us(truth.reset_ts or END + timedelta(seconds=1))
    outside = (history.at_us < onset_us) | (history.at_us >= reset_us)
    for name, values in mine.signals.items():
        assert (values[outside] == its.signals[name][outside]).all(), name
        if name not in truth.signals and name != "speed_setpoint":
            assert (values == its.signals[name]).all(), name
    running = mine.states == STATES.index("producing")
    before = mine.signals[signal][running & (history.at_us < onset_us) & (history.at_us > to_us(START + timedelta(minutes=5)))]
    late = running & (history.at_us < to_us(last)) & (history.at_us >= to_us(last - timedelta(minutes=5)))
    moved = np.mean(mine.signals[signal][late] - its.signals[signal][late])
    # Differences leave out the warm-up, the median the samples in which the station had only just begun its cycle.
    noise = 1.4826 * np.median(np.abs(np.diff(before))) / np.sqrt(2)
    assert sign * moved > 3 * noise


def test_a_degradation_grows_until_the_failure_and_a_bearing_fastest_at_the_end() -> None:
    history, twin = shift(), shift(is_healthy=True)
    extra = history.machines["L1-M2"].signals["vibration"] - twin.machines["L1-M2"].signals["vibration"]
    running = history.machines["L1-M2"].states == STATES.index("producing")
    at = (history.at_us - to_us(START)) / 60e6
    quarters = [extra[running & (at >= 10 + 10 * i) & (at < 20 + 10 * i)].mean() for i in range(4)]
    steps = np.diff(quarters)
    assert (steps > 0).all()
    assert steps[-1] > 3 * steps[0]


def test_a_wrong_speed_setpoint_is_a_step_that_the_machine_tells() -> None:
    _, changes = LineSignals(MODEL, "L1", scenario("degradations"), 7, START, 600.0).advance_to(END)
    told = [(c.ts, c.value) for c in changes if c.machine == "L1-M4" and c.signal == "speed_setpoint"]
    assert told == [(START, 100.0), (START + timedelta(hours=2), 85.0), (START + timedelta(hours=3), 100.0)]


@pytest.mark.parametrize("period_s", [10.0, 60.0])
def test_live_plant_and_generator_show_the_same_values_at_the_same_moments(period_s: float) -> None:
    line = LineSignals(MODEL, "L1", scenario("degradations"), 7, START, period_s)
    now, changes = START, []
    while now < START + timedelta(hours=3, minutes=30):
        now += timedelta(minutes=7)
        changes += line.advance_to(now)[1]
    sent: dict[tuple[str, str], dict[int, object]] = defaultdict(dict)
    for change in changes:
        sent[change.machine, change.signal][to_us(change.ts)] = change.value
    history = shift()
    compared = 0
    for signal in MODEL.signals:
        values = history.machines[signal.machine].signals.get(signal.name)
        if values is None:
            continue
        factor, offset = conversion(signal.unit, signal.source_unit) if signal.unit and signal.source_unit else (1, 0)
        for at, value in zip(history.at_us.tolist(), values.tolist(), strict=True):
            if at in sent[signal.machine, signal.name] and at % 10_000_000 == 0:
                compared += 1
                assert sent[signal.machine, signal.name][at] == pytest.approx(value * float(factor) + float(offset), abs=1e-9), signal.tag
    assert compared > 100 * 6 * 200 * 10 / period_s / 10


def test_the_seed_decides_everything_and_the_period_nothing() -> None:
    again, other = simulate(MODEL, scenario("degradations"), 7, START, END), shift(seed=8)
    coarse = simulate(MODEL, scenario("degradations"), 7, START, END, period_s=60.0, machines=["L1-M2"], signals=["vibration"])
    assert list(coarse.machines) == ["L1-M2"]
    assert list(coarse.machines["L1-M2"].signals) == ["vibration"]
    for machine, history in shift().machines.items():
        for name, values in history.signals.items():
            assert (again.machines[machine].signals[name] == values).all()
    vibration = shift().machines["L1-M2"].signals["vibration"]
    assert (coarse.machines["L1-M2"].signals["vibration"] == vibration[::6]).all()
    assert not (other.machines["L1-M2"].signals["vibration"] == vibration).all()


def weeks(script: Scenario, count: int, seed: int = 3) -> LineHistory:
    return simulate(MODEL, script, seed, START, START + timedelta(weeks=count), period_s=600.0, machines=["L1-M3"], signals=["motor_current"])


@pytest.mark.slow
def test_a_clean_month_has_no_degradation_and_yet_its_load_warm_up_and_days() -> None:
    script = scenario("weeks")
    clean = Scenario.model_validate({**script.model_dump(), "degradations": {}})
    until = START + timedelta(weeks=4)
    kept = ["motor_current", "cabinet_temp"]
    history = simulate(MODEL, clean, 3, START, until, period_s=600.0, machines=["L1-M3"], signals=kept)
    machine = history.machines["L1-M3"]
    assert history.degradations == []
    running = machine.states == STATES.index("producing")
    by_product = [machine.signals["motor_current"][running & (machine.products == code)].mean() for code in (1, 2)]
    assert abs(by_product[0] - by_product[1]) > 0.2
    hour = history.at_us // 3_600_000_000 % 24
    night, noon = (machine.signals["cabinet_temp"][running & (hour == h)].mean() for h in (3, 15))
    assert noon - night > 4


@pytest.mark.slow
def test_a_seeded_week_has_one_degradation_that_is_over_before_the_next_begins() -> None:
    history = weeks(scenario("weeks"), 3)
    other = weeks(scenario("weeks"), 1, seed=4)
    assert len(history.degradations) == 3
    for week, found in enumerate(history.degradations):
        begin, end = START + timedelta(weeks=week), START + timedelta(weeks=week + 1)
        assert begin < found.onset_ts < (found.failure_ts or end) <= (found.reset_ts or end) <= end
    assert other.degradations[0].onset_ts != history.degradations[0].onset_ts


def test_every_kind_of_a_seed_fails_in_planned_time_or_not_at_all() -> None:
    script = Scenario.model_validate({**scenario("weeks").model_dump(), "degradations": {"seeded": "shift"}})
    history = simulate(MODEL, script, 5, START, START + timedelta(days=4), period_s=600.0, signals=[])
    assert len({d.kind for d in history.degradations}) >= 4
    for found in history.degradations:
        is_harmless = found.kind in ("sensor_drift", "setpoint_error")
        assert (found.failure_ts is None) == is_harmless
        if found.failure_ts is not None:
            local_hour = (found.failure_ts.hour + 1) + found.failure_ts.minute / 60
            assert not any(h <= local_hour < h + 0.5 for h in (2, 10, 18))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ('kind = "leak"\nonset = "00:10"', "a failure, or an until"),
        ('kind = "leak"\nonset = "00:10"\nfailure = "00:05"', "after the onset"),
        ('kind = "leak"\nonset = "00:10"\nfailure = "00:20"\nuntil = "00:30"', "not both"),
        ('kind = "leak"\nonset = "00:10"\nfailure = "00:20"\nsignal = "power"', "what leak shows in is fixed"),
        ('kind = "sensor_drift"\nonset = "00:10"\nsignal = "pwer"', "a signal of motor_temp"),
        ('kind = "rust"\nonset = "00:10"\nfailure = "00:20"', "bearing_wear"),
    ],
)
def test_a_degradation_that_makes_no_sense_is_refused_with_what_is_allowed(tmp_path: Path, keys: str, says: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(f'name = "x"\n[[order]]\nid = "a"\nproduct = "p"\nquantity = 1\n[[degradation]]\nmachine = "L1-M1"\n{keys}\n')
    with pytest.raises(ConfigError, match=says):
        load_scenario(file, MODEL)


def test_two_degradations_of_one_kind_and_machine_follow_each_other(tmp_path: Path) -> None:
    file = tmp_path / "twice.toml"
    one = '[[degradation]]\nmachine = "L1-M1"\nkind = "leak"\nonset = "{}"\nfailure = "{}"\n'
    head = 'name = "x"\n[[order]]\nid = "a"\nproduct = "p"\nquantity = 1\n'
    file.write_text(head + one.format("00:10", "00:30") + one.format("01:10", "01:40"))
    assert len(load_scenario(file, MODEL).degradation) == 2
    file.write_text(head + one.format("00:10", "00:30") + one.format("00:50", "01:40"))
    with pytest.raises(ConfigError, match="after the end of the leak before it"):
        load_scenario(file, MODEL)
