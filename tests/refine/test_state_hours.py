"""States hour by hour: what holds, what is unknown and why. Times are UTC; `|` is an hour border, `.` a sign of life."""

import random
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from builders import T0, Row, Story, at, nameplate, plant, refine

from factolake.domain.equipment import Timeline
from factolake.domain.plant import PlantModel

SECOND = timedelta(seconds=1)


def test_a_state_holds_on_a_live_connection_until_the_next_one(spark) -> None:
    # 06:10 1......06:20 3......06:30
    story = Story().alive(at("06:10"), at("06:30")).state(at("06:10"), "1").state(at("06:20"), "3")
    made = refine(spark, plant(), story.rows)
    assert made.states() == [("06:10:00", "06:20:00", "producing", None), ("06:20:00", "06:30:00", "fault", None)]
    assert [row["state_raw"] for row in made.machine_states] == ["1", "3"]
    assert [row["gateway_ts"] for row in made.machine_states] == [at("06:10"), at("06:20")]


def test_a_change_at_the_full_hour_belongs_to_the_new_hour(spark) -> None:
    # 06:50 1.....|07:00 3.....07:10
    story = Story().alive(at("06:50"), at("07:10")).state(at("06:50"), "1").state(at("07:00"), "3")
    made = refine(spark, plant(), story.rows)
    assert made.states(hours=True) == [("06:50:00", "07:00:00", "producing", None), ("07:00:00", "07:10:00", "fault", None)]
    assert [row["state_since"] for row in made.state_hours] == [at("06:50"), at("07:00")]


def test_the_same_word_again_at_the_full_hour_does_not_cut_the_interval(spark) -> None:
    # 06:50 1.....|07:00 1.....07:10
    story = Story().alive(at("06:50"), at("07:10")).state(at("06:50"), "1").state(at("07:00"), "1")
    made = refine(spark, plant(), story.rows)
    assert made.states() == [("06:50:00", "07:10:00", "producing", None)]
    assert made.machine_states[0]["gateway_ts"] == at("06:50")


def test_of_equal_stamps_the_last_by_sequence_wins_and_nothing_has_length_zero(spark) -> None:
    # 06:10 1....06:20 3,5,1....06:30 5,9,3...06:40
    story = Story().alive(at("06:10"), at("06:40")).state(at("06:10"), "1")
    for clock, words in (("06:20", "351"), ("06:30", "593")):
        for word in words:
            story.state(at(clock), word)
    assert refine(spark, plant(), story.rows).states() == [("06:10:00", "06:30:00", "producing", None), ("06:30:00", "06:40:00", "fault", None)]


def test_a_gap_in_the_signs_of_life_is_unknown_time_and_no_stop(spark) -> None:
    # 06:10 1....06:40      06:45....06:50
    story = Story().alive(at("06:10"), at("06:40")).alive(at("06:45"), at("06:50")).state(at("06:10"), "9")
    made = refine(spark, plant(), story.rows)
    assert made.states() == [
        ("06:10:00", "06:40:00", "stopped", None),
        ("06:40:00", "06:45:00", "unknown", "no_evidence"),
        ("06:45:00", "06:50:00", "stopped", None),
    ]
    assert [(row["from_ts"], row["to_ts"]) for row in made.downtime] == [(at("06:10"), at("06:40")), (at("06:45"), at("06:50"))]
    assert [row["evidence_ts"] for row in made.state_hours] == [at("06:39:40"), at("06:40"), at("06:49:40")]


def test_silence_exactly_as_long_as_allowed_is_covered_and_a_microsecond_more_is_not(spark) -> None:
    # 06:10:00.  30 s  06:10:30.  30.000001 s  06:11:00.000001.
    story = Story().state(at("06:10"), "1")
    for ts in (at("06:10"), at("06:10:30"), at("06:11:00.000001")):
        story.alive(ts, ts)
    made = refine(spark, plant(), story.rows)
    assert made.states() == [("06:10:00", "06:10:30", "producing", None), ("06:10:30", "06:11:00.000001", "unknown", "no_evidence")]


def test_a_gap_across_the_hour_border_is_one_interval_of_unknown_time(spark) -> None:
    # 06:50 1...06:58   |   07:03...07:10
    story = Story().alive(at("06:50"), at("06:58")).alive(at("07:03"), at("07:10")).state(at("06:50"), "1")
    assert refine(spark, plant(), story.rows).states() == [
        ("06:50:00", "06:58:00", "producing", None),
        ("06:58:00", "07:03:00", "unknown", "no_evidence"),
        ("07:03:00", "07:10:00", "producing", None),
    ]


def test_silence_across_the_hour_border_within_the_limit_is_covered(spark) -> None:
    # 06:50 1...06:59:45 | 07:00:14...07:10
    story = Story().alive(at("06:50"), at("06:59:45")).alive(at("07:00:14"), at("07:10")).state(at("06:50"), "1")
    assert refine(spark, plant(), story.rows).states() == [("06:50:00", "07:10:00", "producing", None)]


def test_a_gap_of_hours_leaves_no_hole(spark) -> None:
    # 06:50 1...06:58 |  07  |  08  | 09:20...09:30
    story = Story().alive(at("06:50"), at("06:58")).alive(at("09:20"), at("09:30")).state(at("06:50"), "1")
    made = refine(spark, plant(), story.rows)
    assert made.states()[1] == ("06:58:00", "09:20:00", "unknown", "no_evidence")
    assert len(made.states(hours=True)) == 6


def test_a_state_unchanged_for_three_days_is_one_interval(spark) -> None:
    # day 0 06:10 9 .....(heartbeats only)..... day 3 06:10
    story = Story().state(at("06:10"), "9").alive(at("06:10"), at("06:10", day=3), every_s=600)
    made = refine(spark, plant(max_silence_s=900), story.rows)
    assert made.states() == [("06:10:00", "2026-03-13T06:10:00", "stopped", None)]
    assert len(made.state_hours) == 73
    assert made.machine_states[0]["is_open"] and made.downtime[0]["is_open"]


def test_a_dead_collector_is_unknown_up_to_the_clock(spark) -> None:
    # 06:50 9...06:58   |  (nothing)      clock 08:20
    story = Story().alive(at("06:50"), at("06:58")).state(at("06:50"), "9")
    made = refine(spark, plant(), story.rows, clock_ts=at("08:20"))
    assert made.states() == [("06:50:00", "06:58:00", "stopped", None), ("06:58:00", "08:20:00", "unknown", "no_evidence")]
    assert [row["is_open"] for row in made.machine_states] == [False, True]
    assert [row["is_open"] for row in made.downtime] == [False]


def test_a_clock_within_the_allowed_silence_adds_nothing(spark) -> None:
    story = Story().alive(at("06:50"), at("06:58")).state(at("06:50"), "1")
    assert refine(spark, plant(), story.rows, clock_ts=at("06:58:30")).states() == [("06:50:00", "06:58:00", "producing", None)]


def test_a_recording_is_covered_from_its_first_to_its_last_entry_whatever_the_clock_says(spark) -> None:
    # 06:10 ACTIVE                |      08:40 STOPPED   09:10 last entry; clock years later
    model = plant(timeline=Timeline.RECORDED, max_silence_s=None, heartbeat=False)
    story = Story().state(at("06:10"), "1").state(at("08:40"), "9").tell(at("09:10"), "temp", "process", value=1.0)
    made = refine(spark, model, story.rows, clock_ts=at("12:00", day=900))
    assert made.states() == [("06:10:00", "08:40:00", "producing", None), ("08:40:00", "09:10:00", "stopped", None)]


def test_any_good_reading_is_evidence_of_a_machine_without_a_heartbeat(spark) -> None:
    # 06:10 1 .20s temp .20s temp(bad) .20s temp
    model = plant(heartbeat=False)
    story = Story().state(at("06:10"), "1").tell(at("06:10:20"), "temp", "process", value=1.0)
    story.tell(at("06:10:40"), "temp", "process", quality="bad").tell(at("06:11:00"), "connection", "heartbeat")
    assert refine(spark, model, story.rows).states() == [
        ("06:10:00", "06:10:20", "producing", None),
        ("06:10:20", "06:11:00", "unknown", "no_evidence"),
    ]


def test_other_readings_do_not_prove_life_of_a_machine_that_declares_a_heartbeat(spark) -> None:
    # 06:10....06:15 heartbeat stuck, states and connection still talk ....06:20 heartbeat again..06:25
    story = Story().state(at("06:10"), "1").alive(at("06:10"), at("06:15")).alive(at("06:20"), at("06:25"))
    story.state(at("06:17"), "3")
    for minute in range(15, 20):
        story.tell(at(f"06:{minute}:30"), "connection", "heartbeat")
    assert refine(spark, plant(), story.rows).states() == [
        ("06:10:00", "06:15:00", "producing", None),
        ("06:15:00", "06:20:00", "unknown", "no_evidence"),
        ("06:20:00", "06:25:00", "fault", None),
    ]


def test_unknown_says_why(spark) -> None:
    # 06:10 .....06:12 1.....06:14 bad.....06:16 OFF.....06:18 0.....06:20 1 uncertain.....06:22
    story = Story().alive(at("06:10"), at("06:22")).state(at("06:12"), "1").state(at("06:14"), None).state(at("06:16"), "OFF")
    story.state(at("06:18"), "0").state(at("06:20"), "1", quality="uncertain")
    made = refine(spark, plant(), story.rows)
    assert made.states() == [
        ("06:10:00", "06:12:00", "unknown", "no_state_yet"),
        ("06:12:00", "06:14:00", "producing", None),
        ("06:14:00", "06:16:00", "unknown", "bad_status"),
        ("06:16:00", "06:18:00", "unknown", "machine_unavailable"),
        ("06:18:00", "06:20:00", "unknown", "machine_unavailable"),
        ("06:20:00", "06:22:00", "producing", None),
    ]
    assert [row["state_raw"] for row in made.machine_states] == [None, "1", None, "OFF", "0", "1"]


def test_a_state_read_before_the_first_sign_of_life_holds_from_there_on(spark) -> None:
    # 05:30 1 (old stamp of an unchanged value)  |  06:10 .....06:20
    story = Story().state(at("05:30"), "1").alive(at("06:10"), at("06:20"))
    assert refine(spark, plant(), story.rows).states() == [("06:10:00", "06:20:00", "producing", None)]


def test_orders_and_products_cut_the_stretch_and_not_the_interval(spark) -> None:
    # 06:10 1, A, P.....06:20 order "".....06:30 order B, product Q.....|.....07:05 order bad.....07:10
    story = Story().alive(at("06:10"), at("07:10")).state(at("06:10"), "1").order(at("06:10"), "A").product(at("06:10"), "P")
    story.order(at("06:20"), "").order(at("06:30"), "B").product(at("06:30"), "Q").tell(at("07:05"), "order", "order", quality="bad")
    made = refine(spark, plant(), story.rows)
    assert [(row["from_ts"], row["to_ts"], row["order_id"], row["product_id"]) for row in made.state_hours] == [
        (at("06:10"), at("06:20"), "A", "P"),
        (at("06:20"), at("06:30"), None, "P"),
        (at("06:30"), at("07:00"), "B", "Q"),
        (at("07:00"), at("07:10"), "B", "Q"),
    ]
    assert made.states() == [("06:10:00", "07:10:00", "producing", None)]


def test_rows_that_arrive_out_of_order_are_read_in_order_of_event_time(spark) -> None:
    story = Story().alive(at("06:10"), at("06:40")).state(at("06:30"), "9").state(at("06:20"), "3").state(at("06:10"), "1")
    assert [state for *_, state, _ in refine(spark, plant(), story.rows).states()] == ["producing", "fault", "stopped"]


def test_a_machine_without_a_state_signal_produces_while_counts_come_within_three_cycles(spark) -> None:
    # counts each 20 s from 06:10 to 06:12, then none until 06:15; nameplate 20 s: stopped from 06:13 to 06:15
    story = Story().alive(at("06:10"), at("06:16")).product(at("06:10"), "P")
    for number, seconds in enumerate([*range(0, 121, 20), 300]):
        story.count(at("06:10") + timedelta(seconds=seconds), 100 + number)
    made = refine(spark, plant(has_state=False, nameplates=[nameplate(20)]), story.rows)
    assert made.states() == [
        ("06:10:00", "06:13:00", "producing", None),
        ("06:13:00", "06:15:00", "stopped", None),
        ("06:15:00", "06:16:00", "producing", None),
    ]
    assert {row["state_raw"] for row in made.machine_states} == {None}


def test_a_derived_stop_goes_on_across_the_hour_and_begins_where_the_third_cycle_ran_out(spark) -> None:
    story = Story().alive(at("06:50"), at("07:10")).product(at("06:50"), "P").count(at("06:50"), 1).count(at("06:55"), 2)
    made = refine(spark, plant(has_state=False, nameplates=[nameplate(60)]), story.rows)
    assert made.states() == [
        ("06:50:00", "06:53:00", "producing", None),
        ("06:53:00", "06:55:00", "stopped", None),
        ("06:55:00", "06:58:00", "producing", None),
        ("06:58:00", "07:10:00", "stopped", None),
    ]


def test_a_nameplate_changed_without_an_end_of_the_old_one_derives_each_stretch_once(spark) -> None:
    # 20 s until 06:15, 60 s from then on: one minute of production after the count at 06:10, three after the one at 06:20
    plates = [nameplate(20), nameplate(60, valid_from=at("06:15"))]
    story = Story().alive(at("06:10"), at("06:30")).product(at("06:10"), "P").count(at("06:10"), 1).count(at("06:20"), 2)
    made = refine(spark, plant(has_state=False, nameplates=plates), story.rows)
    assert made.states(hours=True) == [
        ("06:10:00", "06:11:00", "producing", None),
        ("06:11:00", "06:20:00", "stopped", None),
        ("06:20:00", "06:23:00", "producing", None),
        ("06:23:00", "06:30:00", "stopped", None),
    ]


def test_without_a_nameplate_a_machine_without_a_state_signal_is_unknown(spark) -> None:
    story = Story().alive(at("06:10"), at("06:16")).product(at("06:10"), "Q").count(at("06:10"), 1)
    made = refine(spark, plant(has_state=False, nameplates=[nameplate(20)]), story.rows)
    assert made.states() == [("06:10:00", "06:16:00", "unknown", "no_state_yet")]


Labelled = tuple[datetime, datetime, str, str | None, str | None, datetime | None]


def oracle(rows: list[Row], clock: datetime, silence: timedelta) -> list[Labelled]:
    """What a machine did, asked instant by instant: (from, to, state, reason, order, last sign of life before a gap), merged.

    A sign of life alone between two gaps parts them: the unknown time after it is another one.
    """
    rows = sorted(rows, key=lambda r: (r["ts"], r["seq"]))
    signs = [r for r in rows if r["kind"] == "heartbeat" and r["quality"] == "good"]
    if not signs:
        return []
    lives = [r["ts"] for r in signs]
    last = clock if clock - signs[-1]["gateway_ts"] > silence else lives[-1]
    edges = sorted({ts for ts in (*lives, last, *(r["ts"] for r in rows)) if lives[0] <= ts <= last})
    merged: list[Labelled] = []
    for start, end in pairwise(edges):
        after = [ts for ts in lives if ts > start]
        label: tuple[str, str | None]
        gap_from: datetime | None = None
        told = [r for r in rows if r["kind"] == "state" and r["ts"] <= start]
        orders = [r["value_text"] for r in rows if r["kind"] == "order" and r["ts"] <= start]
        if not after or after[0] - max(ts for ts in lives if ts <= start) > silence:
            label, gap_from = ("unknown", "no_evidence"), max(ts for ts in lives if ts <= start)
        elif not told:
            label = ("unknown", "no_state_yet")
        elif told[-1]["quality"] == "bad":
            label = ("unknown", "bad_status")
        else:
            label = ({"1": "producing", "3": "fault", "9": "stopped"}[told[-1]["value_text"]], None)
        order = (orders[-1] or None) if orders else None
        if merged and merged[-1][2:] == (*label, order, gap_from):
            merged[-1] = (merged[-1][0], end, *label, order, gap_from)
        else:
            merged.append((start, end, *label, order, gap_from))
    return merged


def random_rows(rng: random.Random, machine: str) -> list[Row]:
    """Up to four hours of heartbeats with holes, states (some bad), orders; stamps often on full minutes and hours."""
    story, ts = Story(), T0 + timedelta(minutes=rng.choice([0, 5, 50]))
    end = ts + timedelta(minutes=rng.choice([30, 90, 200]))
    while ts < end:
        story.alive(ts, ts, machine=machine)
        ts += timedelta(minutes=rng.choice([1, 1, 2, 3, 3, 4, 20, 70]), seconds=rng.choice([0, 0, 0, 1]))
    for _ in range(rng.randrange(12)):
        moment = T0 + timedelta(minutes=rng.randrange(0, 230), seconds=rng.choice([0, 0, 30]))
        story.state(moment, rng.choice(["1", "1", "3", "9", None]), machine)
    for _ in range(rng.randrange(4)):
        story.order(T0 + timedelta(minutes=rng.randrange(0, 230)), rng.choice(["", "A", "B"]), machine)
    return story.rows


def merged_hours(rows: list[Row]) -> list[Labelled]:
    merged: list[Labelled] = []
    for row in rows:
        gap_from = row["state_since"] if row["unknown_reason"] == "no_evidence" else None
        label = (row["state"], row["unknown_reason"], row["order_id"], gap_from)
        if merged and merged[-1][2:] == label and merged[-1][1] == row["from_ts"]:
            merged[-1] = (merged[-1][0], row["to_ts"], *label)
        else:
            merged.append((row["from_ts"], row["to_ts"], *label))
    return merged


@pytest.mark.parametrize("seed", [1, 2])
def test_random_days_agree_with_a_loop_that_asks_instant_by_instant(spark, seed: int) -> None:
    rng, clock = random.Random(seed), at("10:20")
    machines = [f"M{n}" for n in range(60)]
    stories = {machine: random_rows(rng, machine) for machine in machines}
    model: PlantModel = plant(machines, max_silence_s=180)
    made = refine(spark, model, [row for rows in stories.values() for row in rows], clock_ts=clock)
    for machine in machines:
        own = [row for row in made.state_hours if row["machine"] == machine]
        expected = oracle(stories[machine], clock, timedelta(seconds=180))
        assert merged_hours(own) == expected, machine
        intervals = [(r["from_ts"], r["to_ts"]) for r in made.machine_states if r["machine"] == machine]
        assert all(a[1] == b[0] for a, b in pairwise(intervals)), machine
        assert states_only(expected) == [(r["from_ts"], r["to_ts"], r["state"]) for r in made.machine_states if r["machine"] == machine]


def states_only(stretches: list[Labelled]) -> list[tuple[datetime, datetime, str]]:
    merged: list[tuple[datetime, datetime, str, str | None, datetime | None]] = []
    for start, end, state, reason, _, gap_from in stretches:
        if merged and merged[-1][2:] == (state, reason, gap_from):
            merged[-1] = (merged[-1][0], end, state, reason, gap_from)
        else:
            merged.append((start, end, state, reason, gap_from))
    return [row[:3] for row in merged]
