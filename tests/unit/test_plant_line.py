"""Laws of the simulated line: mass balance, whole time, causes before effects, same seed same shift."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from factolake.config.plant import load_plant
from factolake.errors import ConfigError
from factolake.plant.line import Fact, LineSimulation
from factolake.plant.moment import from_us
from factolake.plant.scenario import Scenario, load_scenario
from factolake.plant.truth import Truth, TruthLedger, load_truth
from factolake.plant.wire import BAD_NO_COMMUNICATION, Change, LineSignals

CONF = Path(__file__).parents[2] / "conf"
SCENARIOS = sorted((CONF / "scenarios").glob("*.toml"))
MODEL = load_plant(CONF / "plant.toml")
START = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)


def scenario(name: str) -> Scenario:
    return load_scenario(CONF / "scenarios" / f"{name}.toml", MODEL)


def play(
    name: str, hours: float = 1.0, seed: int = 7, step_s: float = 60.0, ledger: Path | None = None
) -> tuple[LineSignals, list[Fact], list[Change]]:
    line = LineSignals(MODEL, "L1", scenario(name), seed, START, 60.0)
    book = TruthLedger(ledger, START)
    facts: list[Fact] = []
    changes: list[Change] = []
    now, end = START, START + timedelta(hours=hours)
    while now < end:
        now = min(now + timedelta(seconds=step_s), end)
        new_facts, new_changes = line.advance_to(now)
        book.sent(new_changes)
        book.happened(new_facts, now)
        facts += new_facts
        changes += new_changes
    book.close(end)
    return line, facts, changes


def intervals(facts: list[Fact], machine: str, end: datetime) -> list[tuple[datetime, datetime, str]]:
    states = [(from_us(f.ts_us), str(f.value)) for f in facts if f.machine == machine and f.name == "state"]
    ends = [ts for ts, _ in states[1:]] + [end]
    return [(ts, until, state) for (ts, state), until in zip(states, ends, strict=True)]


def minutes(facts: list[Fact], machine: str, hours: float = 1.0) -> Counter[str]:
    total: Counter[str] = Counter()
    for start, end, state in intervals(facts, machine, START + timedelta(hours=hours)):
        total[state] += round((end - start).total_seconds() * 1_000_000)
    return total


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_parts_in_are_parts_out_plus_scrap_plus_work_in_progress(file: Path) -> None:
    line, _, _ = play(file.stem, 8.0 if file.stem == "default" else 1.0)
    stations = line.simulation.stations
    for station in stations:
        assert station.total == station.good + station.scrap
        assert len(station.buffer) <= station.capacity
    scrapped = sum(station.scrap for station in stations)
    # The last station's finished part leaves as soon as the station goes on.
    assert stations[0].taken == stations[-1].good + scrapped + line.simulation.work_in_progress - (
        stations[-1].is_done and stations[-1].part is not None
    )


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_every_microsecond_has_one_state(file: Path, tmp_path: Path) -> None:
    hours = 8.0 if file.stem == "default" else 1.0
    _, facts, _ = play(file.stem, hours, ledger=tmp_path / "truth.jsonl")
    truth = load_truth(tmp_path / "truth.jsonl")
    whole_us = round(hours * 3_600_000_000)
    for machine in MODEL.lines["L1"].machines:
        assert sum(minutes(facts, machine, hours).values()) == whole_us
        of_machine = [m for m in truth.minutes if m.machine == machine]
        assert all(sum(m.state_us.values()) == 60_000_000 for m in of_machine)
        assert len(of_machine) == round(hours * 60)
        spans = [(s.from_ts, s.to_ts) for s in truth.states if s.machine == machine]
        assert spans[0][0] == START
        assert all(a[1] == b[0] for a, b in pairwise(spans))


def test_the_ledger_says_what_the_stream_says(tmp_path: Path) -> None:
    _, facts, changes = play("everything", ledger=tmp_path / "truth.jsonl")
    truth = load_truth(tmp_path / "truth.jsonl")
    assert [(s.ts, s.machine, s.signal, s.value, s.status) for s in truth.sent] == [(c.ts, c.machine, c.signal, c.value, c.status) for c in changes]
    assert truth.counts == Counter(c.tag for c in changes)
    assert truth.end == START + timedelta(hours=1)
    for machine in MODEL.lines["L1"].machines:
        by_minute: Counter[str] = Counter()
        for minute in truth.minutes:
            if minute.machine == machine:
                by_minute.update(minute.state_us)
        assert by_minute == minutes(facts, machine)
        made = sum(m.total for m in truth.minutes if m.machine == machine)
        assert made == max(int(f.value) for f in facts if f.machine == machine and f.name == "total")


def test_a_ledger_cut_off_in_the_middle_of_a_line_still_reads(tmp_path: Path) -> None:
    play("steady", 0.1, ledger=tmp_path / "truth.jsonl")
    whole = load_truth(tmp_path / "truth.jsonl")
    text = (tmp_path / "truth.jsonl").read_text()
    (tmp_path / "cut.jsonl").write_text(text[: len(text) // 2])
    cut: Truth = load_truth(tmp_path / "cut.jsonl")
    assert cut.end is None
    assert cut.sent == whole.sent[: len(cut.sent)]
    assert cut.sent


def test_the_same_seed_gives_the_same_shift_whatever_the_step() -> None:
    assert play("everything", step_s=60.0)[2] == play("everything", step_s=7.3)[2]
    assert play("everything", seed=8)[2] != play("everything", seed=7)[2]


def test_changes_come_in_order_of_time_and_no_tag_changes_twice_at_once() -> None:
    _, _, changes = play("everything")
    assert changes == sorted(changes, key=lambda change: change.ts)
    seen = Counter((c.ts, c.tag) for c in changes if c.signal == "state")
    assert max(seen.values()) == 1


def test_a_value_is_sent_only_when_it_or_its_status_changes() -> None:
    _, _, changes = play("everything")
    last: dict[str, tuple[object, int]] = {}
    for change in changes:
        assert last.get(change.tag) != (change.value, change.status)
        last[change.tag] = (change.value, change.status)


def test_a_breakdown_starves_what_follows_and_blocks_what_leads() -> None:
    _, facts, changes = play("breakdown")
    fault = next((a, b) for a, b, state in intervals(facts, "L1-M3", START + timedelta(hours=1)) if state == "fault")
    assert fault == (START + timedelta(minutes=20), START + timedelta(minutes=30))
    assert any(fault[0] < a < fault[1] for a, _, state in intervals(facts, "L1-M4", fault[1]) if state == "starved")
    assert any(a < fault[1] for a, _, state in intervals(facts, "L1-M2", fault[1]) if state == "blocked")
    alarms = [(c.ts, c.value) for c in changes if c.machine == "L1-M3" and c.signal == "alarm"]
    assert alarms[-2:] == [(fault[0], "E-217 press axis overload"), (fault[1], "")]


@pytest.mark.parametrize("name", ["steady", "breakdown", "everything"])
def test_starved_and_blocked_agree_with_the_buffers(name: str) -> None:
    _, facts, _ = play(name)
    machines = list(MODEL.lines["L1"].machines)
    level: dict[str, float] = defaultdict(float)
    by_time: dict[int, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_time[fact.ts_us].append(fact)
    state: dict[str, str] = {}
    for ts in sorted(by_time):
        for fact in by_time[ts]:
            if fact.name == "buffer_out":
                level[fact.machine] = float(fact.value)
            elif fact.name == "state":
                state[fact.machine] = str(fact.value)
        for place, machine in enumerate(machines):
            if state[machine] == "starved":
                assert level[machines[place - 1]] == 0, (machine, from_us(ts))
            if state[machine] == "blocked":
                assert level[machine] == MODEL.machines[machine].buffer_out, (machine, from_us(ts))


def test_a_slow_station_makes_fewer_parts() -> None:
    parts = {name: play(name)[0].simulation.stations[2].total for name in ("steady", "slow")}
    assert parts["slow"] <= parts["steady"] - 15


def test_everyone_stops_for_breaks_and_planned_stops() -> None:
    _, facts, _ = play("default", 5.0)
    planned = [(a, b) for a, b, state in intervals(facts, "L1-M1", START + timedelta(hours=5)) if state == "planned_stop"]
    assert planned == [(START, START + timedelta(minutes=4)), (START + timedelta(hours=4), START + timedelta(hours=4, minutes=30))]


def test_a_changeover_sets_up_each_station_once() -> None:
    _, facts, _ = play("changeover")
    for machine in MODEL.lines["L1"].machines:
        assert minutes(facts, machine)["setup"] == 5 * 60_000_000
        assert [f.value for f in facts if f.machine == machine and f.name == "product"] == ["GBX-200", "GBX-300"]


def test_a_line_without_orders_says_so() -> None:
    line, facts, _ = play("order_runs_out")
    assert line.simulation.stations[-1].total == 40
    assert intervals(facts, "L1-M1", START + timedelta(hours=1))[-1][2] == "no_order"
    assert [f.value for f in facts if f.machine == "L1-M1" and f.name == "order"] == ["PO-1", ""]


def test_a_dead_collector_hears_nothing_while_production_goes_on() -> None:
    line, facts, changes = play("dead_collector")
    died, back = START + timedelta(minutes=15), START + timedelta(minutes=24)
    assert not [c for c in changes if c.machine == "L1-M2" and died < c.ts < back]
    assert sum(f.name == "total" and f.machine == "L1-M2" and died < from_us(f.ts_us) < back for f in facts) > 10
    total = [c.value for c in changes if c.machine == "L1-M2" and c.signal == "total_count"]
    assert total[-1] == line.simulation.stations[1].total


def test_a_dead_controller_sends_bad_status_once_and_returns() -> None:
    _, _, changes = play("dead_plc")
    died, back = START + timedelta(minutes=15), START + timedelta(minutes=21)
    dead = [c for c in changes if c.machine == "L1-M4" and died <= c.ts < back and c.status != 0]
    assert {(c.ts, c.status, c.value) for c in dead} == {(died, BAD_NO_COMMUNICATION, None)}
    assert len(dead) == sum(s.machine == "L1-M4" for s in MODEL.signals)
    assert {c.signal for c in changes if c.machine == "L1-M4" and c.ts == back and c.status == 0} == {
        s.name for s in MODEL.signals if s.machine == "L1-M4"
    }


@pytest.mark.parametrize(("name", "differences"), [("rollover", {1, 1 - 65536}), ("counter_jump", {1, 2412})])
def test_the_total_counter_misbehaves_as_scripted(name: str, differences: set[int]) -> None:
    _, _, changes = play(name)
    values = [int(c.value) for c in changes if c.machine == "L1-M3" and c.signal == "total_count" and c.value is not None]
    assert {b - a for a, b in pairwise(values)} == differences
    assert all(0 <= value < 65536 for value in values)


def test_a_reset_counter_starts_again_from_zero() -> None:
    _, _, changes = play("counter_reset")
    for signal in ("total_count", "good_count"):
        values = [(c.ts, c.value) for c in changes if c.machine == "L1-M3" and c.signal == signal]
        reset = values.index((START + timedelta(minutes=20), 0), 1)
        assert [value for _, value in values[reset:]][:3] == [0, 1, 2]


def test_process_values_stay_within_their_plausible_range() -> None:
    _, _, changes = play("steady", 0.5)
    limits = {(s.machine, s.name): s for s in MODEL.signals}
    for change in changes:
        signal = limits[change.machine, change.signal]
        if isinstance(change.value, float) and signal.unit == signal.source_unit:
            assert signal.low is None or change.value >= signal.low
            assert signal.high is None or change.value <= signal.high
    pressures = [c.value for c in changes if c.signal == "air_pressure"]
    assert all(isinstance(p, float) and 500 < p < 750 for p in pressures)


def test_a_scenario_with_an_unknown_machine_names_the_known_ones(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('name = "x"\n[[order]]\nid = "a"\nproduct = "p"\nquantity = 1\n[[breakdown]]\nmachine = "L1-M9"\nat = "00:10"\nminutes = 1\n')
    with pytest.raises(ConfigError, match=r"breakdown\.0\.machine is 'L1-M9'; allowed: L1-M1, L1-M2"):
        load_scenario(file, MODEL)
    file.write_text(file.read_text().replace("00:10", "ten past"))
    with pytest.raises(ConfigError, match="hh:mm"):
        load_scenario(file, MODEL)


def test_a_simulation_knows_no_time_but_its_own() -> None:
    line = LineSimulation(MODEL, "L1", scenario("steady"), 7, START)
    assert all(from_us(f.ts_us) <= START + timedelta(minutes=5) for f in line.advance_to(START + timedelta(minutes=5)))
    assert line.advance_to(START + timedelta(minutes=5)) == []
