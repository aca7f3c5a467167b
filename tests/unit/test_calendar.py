"""Shifts, breaks and planned stops: precedence, midnight, clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factolake.domain.calendar import Break, Calendar, PlannedStop, PlantCalendar, SegmentKind, ShiftPattern, plant_zone
from factolake.domain.equipment import Line, Machine
from factolake.domain.plant import PlantModel

NIGHT = ShiftPattern("night", time(22), time(6))
EARLY = ShiftPattern("early", time(6), time(14))
BERLIN = plant_zone("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def plant(*calendars: Calendar, stops: tuple[PlannedStop, ...] = ()) -> PlantCalendar:
    return PlantCalendar(BERLIN, {c.scope: c for c in calendars}, stops)


def test_a_shift_across_midnight_belongs_to_its_start_date() -> None:
    calendar = plant(Calendar("site", (NIGHT,)))
    (window,) = calendar.shifts(("m", "site"), at("2026-11-23T01:00"), at("2026-11-23T02:00"))
    assert (window.production_day, window.from_ts, window.to_ts) == (date(2026, 11, 22), at("2026-11-22T21:00"), at("2026-11-23T05:00"))


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 10, 24), 9), (date(2026, 3, 28), 7), (date(2026, 6, 1), 8)])
def test_a_night_shift_is_as_long_as_it_really_was(day: date, hours: int) -> None:
    noon = datetime.combine(day, time(12), UTC)
    (window,) = [w for w in plant(Calendar("s", (NIGHT,))).shifts(("s",), noon, noon + timedelta(hours=12)) if w.production_day == day]
    assert window.to_ts - window.from_ts == timedelta(hours=hours)


def test_the_lowest_scope_that_declares_a_calendar_wins_whole() -> None:
    calendar = plant(Calendar("site", (EARLY,), (Break(time(9), time(9, 15)),)), Calendar("L1", (NIGHT,)))
    day = (at("2026-11-22T00:00"), at("2026-11-23T00:00"))
    assert {w.shift for w in calendar.shifts(("m1", "L1", "area", "site"), *day)} == {"night"}
    assert {s.kind for s in calendar.segments(("m1", "L1", "area", "site"), *day)} == {SegmentKind.BUSY}
    assert {w.shift for w in calendar.shifts(("m9", "L9", "area", "site"), *day)} == {"early"}


@pytest.mark.parametrize(("declared", "wins"), [("m L A s", "m"), ("L A s", "L"), ("A s", "A"), ("s", "s"), ("m s", "m"), ("L s", "L")])
def test_the_machine_comes_before_its_line_area_and_site_in_a_plant(declared: str, wins: str) -> None:
    hours = {scope: ShiftPattern(scope, time(start), time(start + 4)) for start, scope in enumerate("mLAs")}
    calendar = plant(*(Calendar(scope, (hours[scope],)) for scope in declared.split()))
    line = Line("L", "Line", "acme", "s", "A", "m", ("m", "other"))
    machines = {name: Machine(name, name, "L", "src", "words", True, True, False, 30.0) for name in line.machines}
    model = PlantModel("acme", "s", "UTC", 0.8, "iso22400", {"L": line}, machines, {}, (), (), calendar, {})
    day = (at("2026-11-22T00:00"), at("2026-11-23T00:00"))
    assert {window.shift for window in calendar.shifts(model.scopes("m"), *day)} == {wins}
    others = [scope for scope in declared.split() if scope != "m"]
    assert {window.shift for window in calendar.shifts(model.scopes("other"), *day)} == set(others[:1])


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_shifts_around_the_clock_cover_a_day_of_23_or_25_hours_without_a_hole(day: date, hours: int) -> None:
    round_the_clock = Calendar("s", (EARLY, ShiftPattern("late", time(14), time(22)), NIGHT))
    begin, end = (datetime.combine(day + timedelta(days=n), time(0), BERLIN).astimezone(UTC) for n in (0, 1))
    windows = plant(round_the_clock).shifts(("s",), begin, end)
    assert all(a.to_ts == b.from_ts for a, b in pairwise(windows))
    assert sum((min(w.to_ts, end) - max(w.from_ts, begin) for w in windows), timedelta()) == timedelta(hours=hours)
    assert [(w.shift, w.production_day) for w in windows] == [
        ("night", day - timedelta(days=1)), ("early", day), ("late", day), ("night", day)
    ]  # fmt: skip


def test_a_planned_stop_wins_over_a_break_and_is_clipped_to_the_shift() -> None:
    stop = PlannedStop("m1", at("2026-11-22T08:50"), at("2026-11-22T15:00"), "service", at("2026-11-20T00:00"), "anna")
    calendar = plant(Calendar("site", (EARLY,), (Break(time(10), time(10, 30)),)), stops=(stop,))
    segments = calendar.segments(("m1", "site"), at("2026-11-22T00:00"), at("2026-11-23T00:00"))
    assert [(s.kind.value, s.from_ts.hour, s.from_ts.minute, s.to_ts.hour) for s in segments] == [("busy", 5, 0, 8), ("planned_stop", 8, 50, 13)]


def test_closed_days_and_other_weekdays_have_no_shift() -> None:
    weekdays = ShiftPattern("early", time(6), time(14), frozenset(range(5)))
    calendar = plant(Calendar("s", (weekdays,), closed_days=frozenset({date(2026, 11, 24)})))
    days = {w.production_day.day for w in calendar.shifts(("s",), at("2026-11-22T00:00"), at("2026-11-27T00:00"))}
    assert days == {23, 25, 26}


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)), st.integers(1, 72))
def test_segments_fill_their_shifts_exactly_and_never_overlap(start: datetime, hours: int) -> None:
    calendar = plant(Calendar("s", (EARLY, NIGHT), (Break(time(10), time(10, 30)), Break(time(2), time(2, 30)))))
    span = (start.replace(tzinfo=UTC), start.replace(tzinfo=UTC) + timedelta(hours=hours))
    segments = calendar.segments(("s",), *span)
    assert all(a.to_ts <= b.from_ts for a, b in pairwise(segments))
    planned = sum((w.to_ts - w.from_ts for w in calendar.shifts(("s",), *span)), timedelta())
    assert sum((s.to_ts - s.from_ts for s in segments), timedelta()) == planned


@pytest.mark.parametrize("name", ["Europe/Bremen", "UTC+5", "../etc/passwd", ""])
def test_an_unknown_zone_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(ValueError, match=r"UTC\+hh:mm"):
        plant_zone(name)


def test_a_fixed_offset_is_a_zone() -> None:
    assert plant_zone("UTC-03:30").utcoffset(None) == timedelta(hours=-3, minutes=-30)
