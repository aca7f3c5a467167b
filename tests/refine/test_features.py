"""Features from readings, on both engines: against plain loops, against the stream, and that none sees later than its end."""

import random
import statistics
from datetime import datetime, timedelta

import pytest
from builders import T0, WORDS, Row, Story, at, plant
from feature_tables import Features, counting_plant, features

from factolake.domain.signals import SignalKind
from factolake.features.stream import MachineWindows, Reading

MINUTE = timedelta(minutes=1)
END = at("08:20")
EPOCH = datetime(1970, 1, 1, tzinfo=T0.tzinfo)


def micros(moment: object) -> int:
    assert isinstance(moment, datetime)
    return (moment - EPOCH) // timedelta(microseconds=1)


def random_story(rng: random.Random, machine: str, story: Story) -> None:
    """Two hours of values, states, products and pulses with holes, many with one stamp, some bad; signs of life to the end."""
    ts, count = T0 + timedelta(minutes=rng.randrange(20)), rng.randrange(100)
    while ts < at("08:10"):
        for _ in range(rng.randrange(4)):
            quality = rng.choice(("good", "good", "good", "uncertain", "bad"))
            number = rng.choice((0.1, rng.gauss(20, 5)))
            signal, kind = rng.choice((("temp", "process"), ("temp", "process"), ("set", "setpoint")))
            story.tell(ts, signal, kind, machine, quality=quality, value=None if quality == "bad" else number)
        if rng.random() < 0.05:
            story.state(ts, rng.choice(["1", "1", "2", "9", "7", None]), machine)
        if rng.random() < 0.03:
            story.product(ts, rng.choice(["P", "Q", ""]), machine)
        if rng.random() < 0.3:
            count += rng.choice((1, 1, 1, 1, 2, 0))
            story.count(ts, count, "total", machine)
        ts += timedelta(seconds=rng.choice((1, 7, 20, 20, 20, 400)))
    story.alive(T0, END, 20, machine)


def of(rows: list[Row], machine: str, *kinds: str) -> list[Row]:
    """Rows of one machine in order."""
    return sorted((row for row in rows if row["machine"] == machine and row["kind"] in kinds), key=lambda row: (row["ts"], row["seq"]))


def values_in(rows: list[Row], begin: datetime, end: datetime) -> dict[str, list[Row]]:
    """The values of a stretch by signal."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if begin <= row["ts"] < end:
            found.setdefault(str(row["signal"]), []).append(row)
    return found


def good_values(rows: list[Row], machine: str) -> list[Row]:
    return [row for row in of(rows, machine, "process", "setpoint") if row["quality"] == "good"]


def held(rows: list[Row], moment: datetime, first: object) -> object:
    return next((row["value_text"] for row in reversed(rows) if row["ts"] <= moment), first)


def expected_windows(rows: list[Row], machine: str) -> list[tuple[object, ...]]:
    """(signal, window, n, mean, std, low, high, first, last, slope) by the textbook."""
    told, window, values = [], T0, good_values(rows, machine)
    while window < END:
        for signal, own in values_in(values, window, window + MINUTE).items():
            numbers = [row["value"] for row in own]
            seconds = [(row["ts"] - window).total_seconds() for row in own]
            slope = statistics.linear_regression(seconds, numbers).slope if len(set(seconds)) > 1 else 0.0
            level = (statistics.fmean(numbers), statistics.pstdev(numbers), min(numbers), max(numbers), numbers[0], numbers[-1])
            told.append((signal, window, len(numbers), *level, slope))
        window += MINUTE
    return sorted(told)


def expected_regimes(rows: list[Row], machine: str, windows: list[datetime]) -> list[tuple[object, ...]]:
    """(window, running seconds, product), second by second: every stamp of the story is a whole second."""
    states = of(rows, machine, "state")
    products = [row for row in of(rows, machine, "product") if row["quality"] != "bad"]
    told = []
    for window in windows:
        seconds = [window + timedelta(seconds=second) for second in range(60)]
        runs = sum(WORDS.get(str(held(states, moment, "?")), WORDS["*"]) == "producing" for moment in seconds)
        made = {held(products, moment, None) or None for moment in seconds}
        told.append((window, float(runs), made.pop() if len(made) == 1 else None))
    return told


def expected_cycles(rows: list[Row], machine: str) -> list[tuple[object, ...]]:
    """(signal, end, seconds, n, mean, low, high, last, product) between pulses of the total counter."""
    products, values = of(rows, machine, "product"), good_values(rows, machine)
    told: list[tuple[object, ...]] = []
    before: tuple[datetime, int] | None = None
    pulse: datetime | None = None
    for row in of(rows, machine, "counter"):
        ts, count = row["ts"], row["value_i64"]
        if before is not None and count > before[1]:
            if pulse is not None and count == before[1] + 1 and timedelta(0) < ts - pulse <= timedelta(hours=1):
                for signal, own in values_in(values, pulse, ts).items():
                    numbers = [one["value"] for one in own]
                    level = (statistics.fmean(numbers), min(numbers), max(numbers), numbers[-1])
                    product = held(products, ts, None) or None
                    told.append((signal, ts, (ts - pulse).total_seconds(), len(numbers), *level, product))
            pulse = ts
        before = (ts, count)
    return sorted(told)


def streamed(rows: list[Row], machine: str) -> dict[tuple[object, object], tuple[object, ...]]:
    """What a stream makes of the same readings, value by value."""
    windows, closed = MachineWindows(WORDS), []
    for row in sorted((row for row in rows if row["machine"] == machine), key=lambda row: (row["ts"], row["seq"])):
        key = (micros(row["ts"]), row["epoch"], row["seq"], row["idx"], row["quality"])
        closed += windows.take([Reading(SignalKind(row["kind"]), row["signal"], *key, row["value"], row["value_text"])])
    told: dict[tuple[object, object], tuple[object, ...]] = {}
    for window in closed:
        made, start = window.signals, EPOCH + timedelta(microseconds=window.window_us)
        for row, number in enumerate(made.signal.tolist()):
            columns = (made.n, made.mean, made.std, made.low, made.high, made.first, made.last, made.slope)
            told[made.names[number], start] = (*(column[row].item() for column in columns), window.running_s, window.product)
    return told


MEASURES = ("n", "mean", "std", "low", "high", "first", "last", "slope")


def test_random_stories_agree_with_plain_loops_and_bit_by_bit_with_the_stream(spark) -> None:
    rng, story, machines = random.Random(5), Story(), ("M1", "M2")
    for machine in machines:
        random_story(rng, machine, story)
    rng.shuffle(story.rows)
    made = features(spark, counting_plant(*machines), story.rows)
    for machine in machines:
        own = Features(*([row for row in rows if row["machine"] == machine] for rows in (made.windows, made.regimes, made.cycles)))
        assert [tuple(row[name] for name in ("signal", "window_ts", *MEASURES)) for row in own.windows] == [
            (*key, pytest.approx(mean), pytest.approx(std, abs=1e-9), *level, pytest.approx(slope, abs=1e-9))
            for *key, mean, std, low, high, first, last, slope in expected_windows(story.rows, machine)
            for level in [(low, high, first, last)]
        ]
        windows = sorted({row["window_ts"] for row in own.windows})
        assert [(r["window_ts"], r["running_s"], r["product"]) for r in own.regimes] == expected_regimes(story.rows, machine, windows)
        columns = ("signal", "cycle_ts", "duration_s", "n", "mean", "low", "high", "last", "product")
        cycles = expected_cycles(story.rows, machine)
        assert len(cycles) > 10
        assert [tuple(row[name] for name in columns) for row in own.cycles] == [(*c[:4], pytest.approx(c[4]), *c[5:]) for c in cycles]
        regime = {row["window_ts"]: (row["running_s"], row["product"]) for row in own.regimes}
        table = {(r["signal"], r["window_ts"]): (*(r[name] for name in MEASURES), *regime[r["window_ts"]]) for r in own.windows}
        assert table == streamed(story.rows, machine)


def test_nothing_at_or_after_the_end_of_a_window_or_a_cycle_changes_it(spark) -> None:
    # M2 tells the same as M1 up to 07:10 and other values, states, products and counts from then on
    rng, told = random.Random(8), Story()
    random_story(rng, "M1", told)
    cut = at("07:10")
    rows = [*told.rows, *(row | {"machine": "M2"} for row in told.rows)]
    twin = [_other(rng, row) if row["machine"] == "M2" and row["ts"] >= cut else row for row in rows]
    made = features(spark, counting_plant("M1", "M2"), twin)
    for name, length in (("windows", MINUTE), ("regimes", MINUTE), ("cycles", timedelta(0))):
        ends = [(row, row["cycle_ts" if name == "cycles" else "window_ts"] + length) for row in getattr(made, name)]
        first, second = ([row | {"machine": ""} for row, end in ends if row["machine"] == machine and end <= cut] for machine in ("M1", "M2"))
        later = [[row | {"machine": ""} for row, end in ends if row["machine"] == machine and end > cut] for machine in ("M1", "M2")]
        assert first and first == second, name
        assert later[0] != later[1], name


def _other(rng: random.Random, row: Row) -> Row:
    number = None if row["value"] is None else row["value"] * 1000 + 1
    count = None if row["value_i64"] is None else row["value_i64"] * 3 + rng.randrange(3)
    words = {"state": "2", "product": "R"}
    return row | {"value": number, "value_i64": count, "value_text": words.get(str(row["kind"]), row["value_text"])}


def test_one_hour_alone_has_the_rows_it_has_among_all(sail) -> None:
    # what held before it comes from the carry, the first cycle from the hour before
    story = Story()
    random_story(random.Random(9), "M1", story)
    model, hour = counting_plant("M1"), at("07:00")
    whole, alone = features(sail.spark, model, story.rows), features(sail.spark, model, story.rows, only=("M1", hour))
    for name in ("windows", "regimes", "cycles"):
        own = [row for row in getattr(whole, name) if row["hour_ts"] == hour]
        assert own and getattr(alone, name) == own, name


def test_a_minute_is_shown_when_the_machine_has_lived_beyond_it(sail) -> None:
    # values every 20 s up to 06:03:20; the last signs of life: within a minute, at its end, within another hour, none
    lives = {"M1": "06:02:59", "M2": "06:03", "M3": "07:10", "M4": None}
    story = Story()
    for machine, last in lives.items():
        for step in range(11):
            story.tell(at("06:00") + timedelta(seconds=20 * step), "temp", "process", machine, value=float(step))
        story.alive(at("06:00"), at(last), 600, machine) if last else None
    made = features(sail.spark, plant(tuple(lives)), story.rows)
    shown = {machine: [f"{row['window_ts']:%H:%M}" for row in made.windows if row["machine"] == machine] for machine in lives}
    assert shown == {"M1": ["06:00", "06:01"], "M2": ["06:00", "06:01", "06:02"], "M3": ["06:00", "06:01", "06:02", "06:03"], "M4": []}
    assert {(row["running_s"], row["product"]) for row in made.regimes} == {(0.0, None)}, "a machine that tells no state does not run"


def test_a_cycle_lies_between_two_pulses_that_were_seen(sail) -> None:
    told = {
        "one": ([("06:10", 1), ("06:11", 2), ("06:12", 3)], ["06:12"]),
        "a repeated count": ([("06:10", 1), ("06:11", 2), ("06:11:30", 2), ("06:12", 3)], ["06:12"]),
        "two pulses at once": ([("06:10", 1), ("06:11", 2), ("06:12", 4), ("06:13", 5)], ["06:13"]),
        "a reset": ([("06:10", 1), ("06:11", 2), ("06:12", 0), ("06:13", 1), ("06:14", 2)], ["06:14"]),
        "an hour at most": ([("06:10", 1), ("06:11", 2), ("07:11", 3), ("08:11:01", 4)], ["07:11"]),
        "no values": ([("08:10", 1), ("08:11", 2), ("08:12", 3)], []),
    }
    story = Story()
    for machine, (pulses, _) in told.items():
        story.alive(at("06:00"), at("08:20"), machine=machine)
        for clock, count in pulses:
            story.count(at(clock), count, "total", machine)
        for minute in range(0 if machine == "no values" else 140):
            story.tell(at("06:00:10") + minute * MINUTE, "temp", "process", machine, value=1.0)
    made = features(sail.spark, counting_plant(*told, parts_per_pulse=8), story.rows)
    found = {machine: [f"{row['cycle_ts']:%H:%M}" for row in made.cycles if row["machine"] == machine] for machine in told}
    assert found == {machine: cycles for machine, (_, cycles) in told.items()}
    assert {row["machine"] for row in made.windows} == set(told) - {"no values"}
