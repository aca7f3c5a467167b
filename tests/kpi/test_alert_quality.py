"""How good alerts were: what people judged, the stops that followed, and the minutes, against a short computation of the same."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hand_made import Row, a_plant, make

from factolake.domain.calendar import Calendar, ShiftPattern
from factolake.kpi.alert_quality import ALERT_QUALITY
from factolake.kpi.weeks import week_begin, week_of
from factolake.refine.refinement import Horizon

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from factolake.lake.engine import Engine

SHIFTS = (ShiftPattern("day", time(6), time(22)), ShiftPattern("night", time(22), time(6)))
MODEL = a_plant(machines=["M1", "M2"], calendar=Calendar("L1", SHIFTS), zone="Europe/Berlin")
MONDAY = date(2026, 3, 23)
"""On the Sunday of this week Berlin's clocks go forward."""
NEXT = MONDAY + timedelta(days=7)
WEEKS = [(machine, monday) for machine in ("M1", "M2") for monday in (MONDAY, NEXT)]
BEGIN = {
    MONDAY: datetime(2026, 3, 23, 5, tzinfo=UTC),
    NEXT: datetime(2026, 3, 30, 4, tzinfo=UTC),
    NEXT + timedelta(7): datetime(2026, 4, 6, 4, tzinfo=UTC),
}
US = timedelta(microseconds=1)


def at(hours: float) -> datetime:
    """So many hours after the first week began."""
    return BEGIN[MONDAY] + timedelta(hours=hours)


def raised(name: str, at_h: float, ended_h: float | None = None, machine: str = "M1", **more: object) -> Row:
    ended = None if ended_h is None else at(ended_h)
    row = {"alert_id": name, "machine": machine, "line": "L1", "raised_ts": at(at_h), "ended_ts": ended, "state": "closed" if ended else "open"}
    return {**row, "onset_ts": at(at_h), "stake_min": None, **more}


def judged(name: str, verdict: str | None, at_h: float, machine: str = "M1", **more: object) -> Row:
    return {"alert_id": name, "equipment": machine, "raised_ts": at(at_h), "verdict": verdict, "created_month": MONDAY, **more}


def stood(at_h: float, machine: str = "M1", *, asks: bool = True) -> Row:
    start = at(at_h)
    return {"machine": machine, "line": "L1", "from_ts": start, "to_ts": start + timedelta(minutes=20), "asks_reason": asks, "from_day": start.date()}


def told(at_h: float, reason: str | None, machine: str = "M1", minutes: float = 20, **more: object) -> Row:
    row = {
        "stop_id": f"{machine}@{at_h}",
        "machine": machine,
        "from_ts": at(at_h),
        "to_ts": at(at_h) + timedelta(minutes=minutes),
        "reason_id": reason,
    }
    return {**row, "state": "current", "is_open": False, "created_month": MONDAY, **more}


REASONS = [{"reason_id": name, "name": name, "kind": "downtime", "is_planned": name == "service"} for name in ("service", "belt")]


def run(spark: SparkSession, **rows: list[Row]) -> dict[tuple[object, object], Row]:
    made = make(spark, ALERT_QUALITY, MODEL, WEEKS, {"reasons": REASONS, **rows})
    return {(row["machine"], row["production_week"]): row for row in made}


def test_a_week_counts_its_alerts_verdicts_warned_stops_and_minutes(spark: SparkSession) -> None:
    rows = run(
        spark,
        alerts=[
            raised("warned", 10, 12),
            raised("warned too", 11, 12),
            raised("late", 20, 25),
            raised("false", 30, 31),
            raised("taken back", 30.5, 31, state="withdrawn"),
            raised("saved", 100, 101, stake_min=48.5),
            raised("saved, of no known stake", 102, 103),
            raised("not over", 150, None, stake_min=99.0),
            raised("other machine", 100, 101, "M2", stake_min=30.0),
        ],
        machine_alerts=[
            judged("warned", "true", 10),
            judged("false", "false", 30),
            judged("saved", "true", 100),
            judged("saved, of no known stake", "true", 102),
            judged("not over", "true", 150),
            judged("late", None, 20),
            judged("other machine", "true", 100, "M2", removed_ts=at(120)),
        ],
        downtime=[stood(10.25, asks=False), stood(13), stood(25.5), stood(32), stood(33, "M2"), stood(101.5)],
        stops=[told(101.5, "service"), told(13, "belt"), told(32, None)],
    )
    assert set(rows) == {("M1", MONDAY), ("M2", MONDAY)}
    assert rows["M1", MONDAY] == {
        "line": "L1", "machine": "M1", "production_week": MONDAY, "alerts": 8, "judged": 5, "true_alerts": 4, "false_alerts": 1, "precision": 0.8,
        "warned_stops": 2, "lead_min": (180 + 330) / 2, "minutes_saved": 48.5, "budget": 2, "budget_used": 7,
    }  # fmt: skip
    other = rows["M2", MONDAY]
    assert (other["judged"], other["precision"], other["warned_stops"], other["lead_min"], other["minutes_saved"]) == (0, None, 0, None, None)


@pytest.mark.parametrize(
    ("ended_h", "stop", "follows"),
    [
        (None, at(20), True),
        (None, at(20) - US, False),
        (None, at(20 + 168), True),
        (None, at(20 + 168) + US, False),
        (21, at(45), True),
        (21, at(45) + US, False),
        (20 + 167, at(20 + 168) + US, False),
    ],
)
def test_a_stop_follows_up_to_seven_days_and_up_to_a_day_after_the_end(sail: Engine, ended_h: float | None, stop: datetime, follows: bool) -> None:
    stops = [{**stood(0), "from_ts": stop, "from_day": stop.date()}]
    rows = run(sail.spark, alerts=[raised("a", 20, ended_h)], downtime=stops)
    assert rows["M1", MONDAY]["warned_stops"] == int(follows)


@pytest.mark.parametrize(
    "said",
    [
        told(30, "service", minutes=1),
        told(20, "service", is_open=True),
        told(29, "service", minutes=61),
    ],
)
def test_a_stop_with_a_planned_reason_at_its_beginning_is_planned(sail: Engine, said: Row) -> None:
    alert, stop = raised("a", 20, 29), stood(30)
    unplanned = [
        {**said, "machine": "M2"},
        {**said, "reason_id": "belt"},
        {**said, "state": "withdrawn"},
        {**said, "removed_ts": at(40)},
        told(29, "service", minutes=60),
    ]
    assert run(sail.spark, alerts=[alert], downtime=[stop], stops=[said])["M1", MONDAY]["warned_stops"] == 0
    assert run(sail.spark, alerts=[alert], downtime=[stop], stops=unplanned)["M1", MONDAY]["warned_stops"] == 1


def test_a_week_begins_when_the_night_shift_of_sunday_is_over() -> None:
    for monday, begin in BEGIN.items():
        assert week_begin(MODEL, "M1", monday) == begin
        assert [week_of(MODEL, "M1", moment) for moment in (begin - US, begin)] == [monday - timedelta(days=7), monday]
    plain = a_plant(calendar=Calendar("L1", SHIFTS[:1]), zone="Europe/Berlin")
    assert week_begin(plain, "M1", NEXT) == datetime(2026, 3, 29, 22, tzinfo=UTC)


def a_fortnight(chance: random.Random) -> dict[str, list[Row]]:
    moments = lambda count: [round(chance.uniform(-30, 400) * 3.6e9) / 3.6e9 for _ in range(count)]  # noqa: E731
    alerts, verdicts = [], []
    for place, moment in enumerate(moments(40)):
        machine, ended = chance.choice(["M1", "M2"]), chance.choice([None, moment + chance.expovariate(1 / 20)])
        state = chance.choice(["closed", "closed", "withdrawn"]) if ended else "open"
        alerts.append(raised(f"a{place}", moment, ended, machine, state=state, stake_min=chance.choice([None, round(chance.uniform(1, 90), 3)])))
        if chance.random() < 0.7:
            verdicts.append(judged(f"a{place}", chance.choice(["true", "true", "false"]), moment, machine))
    stops = [stood(moment, chance.choice(["M1", "M2"]), asks=chance.random() < 0.8) for moment in moments(25)]
    people = [{**told(0, chance.choice(["service", "belt", None])), **{name: row[name] for name in ("machine", "from_ts", "to_ts")}} for row in stops]
    return {"alerts": alerts, "machine_alerts": verdicts, "downtime": stops, "stops": people}


def in_words(rows: dict[str, list[Row]]) -> dict[tuple[object, object], tuple[object, ...]]:
    """The docstring's definitions as loops."""
    verdicts = {row["alert_id"]: row["verdict"] for row in rows["machine_alerts"]}
    planned = {(row["machine"], row["from_ts"]) for row in rows["stops"] if row["reason_id"] == "service"}
    found = {}
    for machine, monday in WEEKS:
        begin, end = BEGIN[monday], BEGIN[monday + timedelta(days=7)]
        mine = [row for row in rows["alerts"] if row["machine"] == machine and begin <= row["raised_ts"] < end]  # type: ignore[operator]
        stops = sorted(
            row["from_ts"]
            for row in rows["downtime"]
            if row["machine"] == machine and row["asks_reason"] and (machine, row["from_ts"]) not in planned
        )  # type: ignore[type-var]
        leads: dict[object, list[float]] = {}
        saved: list[float] = []
        for row in mine:
            last = min([row["raised_ts"] + timedelta(days=7), *([row["ended_ts"] + timedelta(days=1)] if row["ended_ts"] else [])])  # type: ignore[operator]
            stop = next((stop for stop in stops if row["raised_ts"] <= stop <= last), None)  # type: ignore[operator]
            verdict = verdicts.get(row["alert_id"])
            if stop and row["state"] != "withdrawn" and verdict != "false":
                leads.setdefault(stop, []).append((stop - row["raised_ts"]) / timedelta(minutes=1))  # type: ignore[operator]
            if not stop and verdict == "true" and row["state"] != "open" and row["stake_min"] is not None:
                saved.append(row["stake_min"])  # type: ignore[arg-type]
        given = [verdicts[row["alert_id"]] for row in mine if row["alert_id"] in verdicts]
        lead = pytest.approx(median(map(max, leads.values())), rel=1e-12) if leads else None
        used = sum(row["state"] != "withdrawn" for row in mine)
        numbers = (len(mine), len(given), given.count("true"), given.count("true") / len(given) if given else None)
        found[machine, monday] = (*numbers, len(leads), lead, pytest.approx(sum(saved), rel=1e-12) if saved else None, used)
    return found


@pytest.mark.parametrize("seed", range(2))
def test_the_numbers_are_those_of_a_plain_computation(spark: SparkSession, seed: int) -> None:
    rows = a_fortnight(random.Random(seed))
    names = ("alerts", "judged", "true_alerts", "precision", "warned_stops", "lead_min", "minutes_saved", "budget_used")
    assert {key: tuple(row[name] for name in names) for key, row in run(spark, **rows).items()} == in_words(rows)


def feed(change: str, names: tuple[str, ...], *rows: Row) -> pa.Table:
    return pa.table({**{name: [row[name] for row in rows] for name in names}, "_change_type": [change] * len(rows)})


def test_only_what_the_numbers_are_made_of_touches_a_week() -> None:
    horizon, (alerts, verdicts, downtime, stops, reasons) = Horizon(MODEL, at(200)), ALERT_QUALITY.inputs
    touched = lambda one, *tables: one.touch(pa.concat_tables(tables, promote_options="permissive"), horizon)  # noqa: E731
    before, after = raised("a", 20), raised("a", 20, 22)
    assert touched(alerts, feed("delete", alerts.columns, before), feed("insert", alerts.columns, after)) == {("M1", MONDAY)}
    assert touched(alerts, feed("delete", alerts.columns, before), feed("insert", alerts.columns, before)) == set()
    assert touched(alerts, feed("insert", alerts.columns, raised("a", 20, machine="X"))) == set()
    assert touched(verdicts, feed("insert", verdicts.columns, judged("a", "true", 169))) == {("M1", NEXT)}
    grown = [feed(change, downtime.columns, stood(170)) for change in ("delete", "insert")]
    assert touched(downtime, *grown) == set()
    assert touched(downtime, grown[1]) == {("M1", MONDAY), ("M1", NEXT)}
    assert touched(downtime, feed("insert", downtime.columns, stood(170, asks=False))) == set()
    assert touched(stops, feed("insert", stops.columns, told(10, None, is_open=True))) == set()
    assert touched(stops, feed("insert", stops.columns, told(10, "service", is_open=True))) == {
        ("M1", MONDAY - timedelta(days=7)),
        ("M1", MONDAY),
        ("M1", NEXT),
    }
    assert reasons.touches_all
