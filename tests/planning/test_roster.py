"""Who is at a line, and when. A column is an hour, now the first: `=` is there, `.` is not, `x` was taken back; `o` the line works."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from factolake.planning.roster import PlannedShift, workers
from factolake.planning.situation import Span

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


def hour(number: int) -> datetime:
    return NOW + timedelta(hours=number)


def runs(line: str, letters: str) -> list[tuple[int, int]]:
    """Where letters of `letters` stand side by side."""
    found, start = [], None
    for place, letter in enumerate(f"{line} "):
        if letter in letters and start is None:
            start = place
        elif letter not in letters and start is not None:
            found.append((start, place))
            start = None
    return found


def shifts_of(person: str, drawn: str) -> list[PlannedShift]:
    """The shifts of a person: `==xx` was to last four hours and ended after two."""
    return [
        PlannedShift(person, hour(start), hour(end), hour(start + drawn[start:end].count("="))) for start, end in runs(drawn, "=x")
    ]  # fmt: skip


def is_there(spans: tuple[Span, ...], hours: int) -> str:
    return "".join("=" if any(start <= hour(n) < end for start, end in spans) else "." for n in range(hours))


def found(opened: str, planned: Mapping[str, str]) -> dict[str, str]:
    """Who of anna and ben is there, drawn, where shifts are planned as drawn, and the drawing is as long as plans look."""
    shifts = [shift for person, drawn in planned.items() for shift in shifts_of(person, drawn)]
    works = [(hour(start), hour(end)) for start, end in runs(opened, "o")]
    people = workers({"ben": {"laser"}, "anna": {"laser", "weld"}}, shifts, works, NOW, hour(len(opened)))
    assert [(one.person_id, one.skills) for one in people] == [("anna", {"laser", "weld"}), ("ben", {"laser"})]
    return {one.person_id: is_there(one.spans, len(opened) + 4) for one in people}


CASES = {
    "no shifts are planned: everybody whenever the line works": (
        "  oooo  oooo  ",
        {},
        {"anna": "..====..====......", "ben": "..====..====......"},
    ),
    "up to the end of the last shift who is planned, after it everybody whenever the line works": (
        "oooooooo  oooo",
        {"anna": "==      ", "ben": "    == "},
        {"anna": "==....==..====....", "ben": "....====..====...."},
    ),
    "the last shift may be of somebody who holds no skill": (
        "oooooooo  oooo",
        {"anna": "==      ", "carl": "    ==== "},
        {"anna": "==........====....", "ben": "..........====...."},
    ),
    "the only shift was taken back: nobody until its end": (
        "oooooooo  oooo",
        {"anna": "  xxxx  "},
        {"anna": "......==..====....", "ben": "......==..====...."},
    ),
    "one that was ended early: nobody from then to the end that was planned": (
        "oooooooo  oooo",
        {"anna": "==xx  "},
        {"anna": "==..====..====....", "ben": "....====..====...."},
    ),
    "where one was taken back who is planned beside it is there, and nobody else": (
        "oooooooo  oooo",
        {"anna": "xxxx", "ben": "  =="},
        {"anna": "....====..====....", "ben": "..======..====...."},
    ),
    "a shift beyond what plans look at leaves nobody to guess, and ends with it": (
        "oooooo",
        {"anna": "    ======"},
        {"anna": "....==....", "ben": ".........."},
    ),
    "the line is closed where a shift is planned: a person is there, its machines say when they work": (
        "oo    oo",
        {"anna": "===="},
        {"anna": "====..==....", "ben": "......==...."},
    ),
}


@pytest.mark.parametrize(("opened", "planned", "expected"), CASES.values(), ids=CASES)
def test_who_is_there(opened: str, planned: Mapping[str, str], expected: dict[str, str]) -> None:
    assert found(opened, planned) == expected


def test_what_is_over_says_nothing_about_now() -> None:
    over = PlannedShift("anna", hour(-8), hour(0), hour(-7))
    (anna,) = workers({"anna": {"laser"}}, [over], [(hour(0), hour(4))], NOW, hour(4))
    assert anna.spans == ((hour(0), hour(4)),)


def test_a_shift_that_runs_is_cut_at_now_and_spans_come_in_their_order() -> None:
    late, early = (PlannedShift("anna", hour(start), hour(end), hour(end)) for start, end in ((5, 7), (-2, 2)))
    (anna,) = workers({"anna": {"laser"}}, [late, early], [(hour(0), hour(9))], NOW, hour(9))
    assert anna.spans == ((hour(0), hour(2)), (hour(5), hour(7)), (hour(7), hour(9)))


def test_nobody_who_holds_no_skill_is_told() -> None:
    assert workers({}, [PlannedShift("carl", hour(0), hour(4), hour(4))], [(hour(0), hour(9))], NOW, hour(9)) == ()
