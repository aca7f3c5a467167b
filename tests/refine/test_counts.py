"""Counter steps: what counts, what is a new baseline, and what nobody saw. Times are UTC; nameplate 30 s unless said otherwise."""

import random
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from builders import T0, Row, Story, at, nameplate, plant, refine


def counted(*values: tuple[str, int | None]) -> Story:
    """Good counts at clock times, on a machine that lives from 06:00 to 08:00 and makes P."""
    story = Story().alive(at("06:00"), at("08:00")).product(at("06:00"), "P").order(at("06:00"), "A")
    for clock, value in values:
        story.count(at(clock), value)
    return story


def test_each_step_counts_the_difference_and_a_repeated_value_makes_no_row(spark) -> None:
    # 06:10 100    06:11 102    06:12 102    06:13 103
    story = counted(("06:10", 100), ("06:11", 102), ("06:12", 102), ("06:13", 103))
    made = refine(spark, plant(nameplates=[nameplate(30)]), story.rows)
    assert made.steps() == [("06:10:00", "first", 0, False), ("06:11:00", "step", 2, True), ("06:13:00", "step", 1, True)]
    step = made.counts[1]
    assert (step["from_ts"], step["raw_from"], step["raw_to"], step["order_id"], step["product_id"]) == (at("06:10"), 100, 102, "A", "P")


def test_a_step_across_the_hour_comes_from_the_carry_and_belongs_to_the_hour_of_its_end(spark) -> None:
    # 06:59:30 100   |   07:00 101 (on the border)   07:59 199 (hour 7)
    story = counted(("06:59:30", 100), ("07:00", 101), ("07:59", 150))
    made = refine(spark, plant(nameplates=[nameplate(30)]), story.rows)
    assert made.steps() == [("06:59:30", "first", 0, False), ("07:00:00", "step", 1, True), ("07:59:00", "step", 49, True)]
    assert [row["hour_ts"] for row in made.counts] == [at("06:00"), at("07:00"), at("07:00")]


def test_a_counter_silent_for_hours_keeps_its_baseline(spark) -> None:
    story = Story().alive(at("06:00"), at("09:30"), every_s=25).count(at("06:10"), 7).count(at("09:10"), 9)
    assert refine(spark, plant(), story.rows).steps() == [("06:10:00", "first", 0, False), ("09:10:00", "step", 2, True)]


def test_a_lower_value_is_a_reset_and_the_part_after_it_counts(spark) -> None:
    # 06:10 100   06:11 1 (reset, one part since)   06:12 0 (reset, none)   06:13 2
    story = counted(("06:10", 100), ("06:11", 1), ("06:12", 0), ("06:13", 2))
    assert refine(spark, plant(nameplates=[nameplate(30)]), story.rows).steps()[1:] == [
        ("06:11:00", "reset", 1, True),
        ("06:12:00", "reset", 0, True),
        ("06:13:00", "step", 2, True),
    ]


@pytest.mark.parametrize(
    ("width", "before", "after", "event", "parts"),
    [
        (16, 65535, 0, "rollover", 1),
        (16, 65534, 1, "rollover", 3),
        (16, 58982, 1, "reset", 1),
        (16, 70000, 1, "reset", 1),
        (None, 65535, 1, "reset", 1),
        (63, 2**63 - 1, 1, "rollover", 2),
        (8, 250, 3, "rollover", 9),
    ],
)
def test_a_rollover_needs_a_declared_width_and_a_value_near_its_top(spark, width, before, after, event, parts) -> None:
    story = Story().alive(at("06:00"), at("07:00")).count(at("06:10"), before).count(at("06:20"), after)
    assert refine(spark, plant(width_bits=width), story.rows).steps()[1:] == [("06:20:00", event, parts, True)]


def test_a_jump_after_a_reconnect_is_a_new_baseline_and_no_production(spark) -> None:
    # 06:10 0   06:11 2412 (60 s, nameplate 30 s: at most 4)   06:12 2414
    story = counted(("06:10", 0), ("06:11", 2412), ("06:12", 2414))
    assert refine(spark, plant(nameplates=[nameplate(30)]), story.rows).steps()[1:] == [
        ("06:11:00", "jump", 0, False),
        ("06:12:00", "step", 2, True),
    ]


def test_twice_the_nameplate_is_still_production_and_a_part_more_is_a_jump(spark) -> None:
    story = counted(("06:10", 0), ("06:15", 20), ("06:20", 41))
    assert [step[1:3] for step in refine(spark, plant(nameplates=[nameplate(30)]), story.rows).steps()[1:]] == [("step", 20), ("jump", 0)]


def test_two_parts_at_once_are_no_jump_however_short_the_time(spark) -> None:
    story = counted(("06:10", 0), ("06:10:01", 2), ("06:10:02", 5))
    assert [step[1:3] for step in refine(spark, plant(nameplates=[nameplate(30)]), story.rows).steps()[1:]] == [("step", 2), ("jump", 0)]


def test_without_a_nameplate_nothing_is_a_jump(spark) -> None:
    story = counted(("06:10", 0), ("06:11", 2412))
    assert refine(spark, plant(), story.rows).steps()[1:] == [("06:11:00", "step", 2412, True)]


def test_a_jump_is_judged_by_the_nameplate_of_the_product_and_the_moment(spark) -> None:
    # P 30 s until 06:30, then 1 s; Q has none
    plates = [nameplate(1, valid_from=at("06:30"))]
    old = nameplate(30)
    plates.append(type(old)(old.machine, old.product, old.planned_run_time_us, old.valid_from, at("06:30")))
    story = counted(("06:10", 0), ("06:11", 50), ("06:35", 50), ("06:36", 100), ("06:50", 2000)).product(at("06:45"), "Q")
    made = refine(spark, plant(nameplates=plates), story.rows)
    assert [step[1:3] for step in made.steps()[1:]] == [("jump", 0), ("step", 50), ("step", 1900)]
    assert made.counts[-1]["product_id"] == "Q"


def test_a_step_across_unknown_time_counts_but_not_against_time(spark) -> None:
    # alive 06:00-06:10, dark until 06:20, alive to 06:40: 06:09 10, 06:21 20, 06:30 25
    story = (
        Story().alive(at("06:00"), at("06:10")).alive(at("06:20"), at("06:40")).count(at("06:09"), 10).count(at("06:21"), 20).count(at("06:30"), 25)
    )
    assert refine(spark, plant(), story.rows).steps()[1:] == [("06:21:00", "across_unknown", 10, False), ("06:30:00", "step", 5, True)]


def test_a_step_whose_end_lies_in_the_dark_is_across_unknown_time_too(spark) -> None:
    # history read after an outage brings 06:15, the heartbeat was dead from 06:10 to 06:20
    story = (
        Story().alive(at("06:00"), at("06:10")).alive(at("06:20"), at("06:40")).count(at("06:09"), 10).count(at("06:15"), 12).count(at("06:21"), 14)
    )
    assert [step[1] for step in refine(spark, plant(), story.rows).steps()[1:]] == ["across_unknown", "across_unknown"]


@pytest.mark.parametrize("dark_to", ["06:59:50", "07:00:00", "07:05"])
def test_darkness_around_the_hour_border_is_seen_by_the_first_step_after_it(spark, dark_to) -> None:
    # 06:10 10 ... 06:50 dark ... dark_to ... | ... 07:10 12, 07:20 13
    story = (
        Story().alive(at("06:00"), at("06:50")).alive(at(dark_to), at("07:30")).count(at("06:10"), 10).count(at("07:10"), 12).count(at("07:20"), 13)
    )
    assert [step[1:] for step in refine(spark, plant(), story.rows).steps()[1:]] == [("across_unknown", 2, False), ("step", 1, True)]


def test_a_reset_across_unknown_time_counts_but_not_against_time(spark) -> None:
    story = Story().alive(at("06:00"), at("06:10")).alive(at("06:20"), at("06:40")).count(at("06:09"), 10).count(at("06:21"), 3)
    assert refine(spark, plant(), story.rows).steps()[1:] == [("06:21:00", "reset", 3, False)]


def test_rows_out_of_order_and_twice_give_the_same_steps(spark) -> None:
    told = [("06:12", 102), ("06:10", 100), ("06:11", 101), ("06:11", 101), ("06:13", 103)]
    assert [step[:3] for step in refine(spark, plant(), counted(*told).rows).steps()] == [
        ("06:10:00", "first", 0),
        ("06:11:00", "step", 1),
        ("06:12:00", "step", 1),
        ("06:13:00", "step", 1),
    ]


def test_bad_readings_are_passed_over_also_at_the_end_of_an_hour(spark) -> None:
    # 06:58 100   06:59 bad   |   07:01 101   07:02 bad   07:03 102
    story = counted(("06:58", 100), ("06:59", None), ("07:01", 101), ("07:02", None), ("07:03", 102))
    assert [step[:3] for step in refine(spark, plant(), story.rows).steps()] == [
        ("06:58:00", "first", 0),
        ("07:01:00", "step", 1),
        ("07:03:00", "step", 1),
    ]


def test_counters_of_one_machine_do_not_mix_and_pulses_become_parts(spark) -> None:
    story = counted(("06:10", 1), ("06:20", 3)).count(at("06:12"), 50, "scrap").count(at("06:15"), 51, "scrap")
    made = refine(spark, plant(parts_per_pulse=4), story.rows)
    assert made.steps("good")[1:] == [("06:20:00", "step", 8, True)]
    assert made.steps("scrap")[1:] == [("06:15:00", "step", 4, True)]
    assert {row["signal"]: row["counts"] for row in made.counts} == {"good": "good", "scrap": "scrap"}


def test_an_impossible_step_is_a_jump_even_without_a_nameplate(spark) -> None:
    story = counted(("06:10", 0), ("06:20", 2**63 - 1))
    assert refine(spark, plant(parts_per_pulse=7), story.rows).steps()[1:] == [("06:20:00", "jump", 0, False)]


def oracle(rows: list[Row], silence: timedelta) -> list[tuple[datetime, str, int, bool]]:
    """Walks the readings once, in order of time; darkness is looked up in the list of signs of life."""
    rows = sorted(rows, key=lambda r: (r["ts"], r["seq"]))
    lives = [r["ts"] for r in rows if r["kind"] == "heartbeat"]
    gaps = [(a, b) for a, b in pairwise([*lives, at("09:00")]) if b - a > silence]
    steps: list[tuple[datetime, str, int, bool]] = []
    last: Row | None = None
    for row in (r for r in rows if r["kind"] == "counter" and r["quality"] != "bad"):
        value = row["value_i64"]
        if last is None:
            steps.append((row["ts"], "first", 0, False))
        else:
            seen = not any(a < row["ts"] and b > last["ts"] for a, b in gaps)
            delta, event = value - last["value_i64"], "step" if seen else "across_unknown"
            if delta < 0 and last["value_i64"] > 0.9 * 255:
                delta, event = delta + 256, "rollover"
            elif delta < 0:
                delta, event = value, "reset"
            if delta > 2 and delta > 2 * (row["ts"] - last["ts"]) / timedelta(seconds=30):
                steps.append((row["ts"], "jump", 0, False))
            elif delta or event == "reset":
                steps.append((row["ts"], event, delta, seen))
        last = row
    return steps


def random_rows(rng: random.Random, machine: str) -> list[Row]:
    """Heartbeats with holes from 06:00 to 09:00; a counter of 8 bits that steps, resets, jumps, repeats and fails; rows shuffled."""
    story, ts, value = Story(), T0, rng.choice([0, 200, 240])
    while ts < at("09:00"):
        story.alive(ts, ts, machine=machine)
        ts += timedelta(minutes=rng.choice([1, 2, 3, 3, 4, 15, 65]))
    ts = T0 + timedelta(minutes=rng.randrange(70))
    story.product(T0, "P", machine)
    while ts < at("08:59"):
        value = rng.choice([value + rng.randrange(4), value + rng.randrange(4), value, 0, value + 90]) % 256
        story.count(ts, rng.choice([value, value, value, None]), machine=machine)
        ts += timedelta(seconds=rng.choice([1, 20, 60, 60, 300, 3600]))
    rng.shuffle(story.rows)
    return story.rows


def test_random_counters_agree_with_a_loop_over_the_readings(spark) -> None:
    rng = random.Random(7)
    machines = [f"M{n}" for n in range(60)]
    stories = {machine: random_rows(rng, machine) for machine in machines}
    plates = [nameplate(30, machine=machine) for machine in machines]
    model = plant(machines, max_silence_s=180, width_bits=8, nameplates=plates)
    made = refine(spark, model, [row for rows in stories.values() for row in rows], clock_ts=at("09:00"))
    for machine in machines:
        own = [(r["to_ts"], r["event"], r["parts"], r["in_effectiveness"]) for r in made.counts if r["machine"] == machine]
        assert own == oracle(stories[machine], timedelta(seconds=180)), machine


def test_a_nameplate_changed_without_an_end_of_the_old_one_counts_each_step_once(spark) -> None:
    # 30 s until 06:15, 1 s from then on: 50 parts in a minute are a jump before and a step after
    plates = [nameplate(30), nameplate(1, valid_from=at("06:15"))]
    story = counted(("06:10", 100), ("06:11", 150), ("06:20", 200), ("06:21", 250))
    assert refine(spark, plant(nameplates=plates), story.rows).steps() == [
        ("06:10:00", "first", 0, False),
        ("06:11:00", "jump", 0, False),
        ("06:20:00", "step", 50, True),
        ("06:21:00", "step", 50, True),
    ]
