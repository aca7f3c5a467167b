"""What may be sequenced how, and that what is left of a proposal after a rejection can always be done. No database."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from factolake.mes.scheduling.sequence import Place, clashes, places_in_sequence, with_dependents

T0 = datetime(2026, 3, 2, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


def place(key: str, machine: str, start: float, end: float, *, overlaps: bool = False, is_exclusive: bool = True) -> Place:
    order, _, number = key.partition(".")
    return Place(key, order, (int(number), 0), machine, T0 + start * HOUR, T0 + end * HOUR, overlaps, is_exclusive)


def plan(*places: Place) -> dict[str, Place]:
    return {each.operation_id: each for each in places}


def told(places: dict[str, Place], *changed: str) -> list[str]:
    return [clash.told() for clash in clashes(places, changed or places)]


def test_a_machine_does_one_operation_at_a_time_and_a_line_several() -> None:
    two = plan(place("A.10", "M1", 0, 2), place("B.10", "M1", 1, 3))
    assert told(two) == ["B.10 would begin at M1 at 2026-03-02 07:00 UTC, and A.10 is planned there until 2026-03-02 08:00 UTC"]
    assert told(plan(place("A.10", "M1", 0, 2), place("B.10", "M1", 2, 3))) == []
    assert told(plan(place("A.10", "L", 0, 2, is_exclusive=False), place("B.10", "L", 1, 3, is_exclusive=False))) == []


def test_a_long_operation_clashes_with_more_than_its_neighbour() -> None:
    places = plan(place("A.10", "M1", 0, 9), place("B.10", "M1", 1, 2), place("C.10", "M1", 5, 6))
    assert {clash.later.operation_id for clash in clashes(places, places)} == {"B.10", "C.10"}


def test_steps_of_an_order_follow_each_other_unless_they_overlap() -> None:
    places = plan(place("A.10", "M1", 0, 4), place("A.20", "M2", 2, 6))
    assert told(places) == ["A.20 would begin at 2026-03-02 08:00 UTC, and A.10 before it ends at 2026-03-02 10:00 UTC"]
    places["A.20"] = place("A.20", "M2", 2, 6, overlaps=True)
    assert told(places) == []
    places["A.20"] = place("A.20", "M2", -1, 6, overlaps=True)
    assert told(places) == ["A.20 would begin at 2026-03-02 05:00 UTC, and A.10 before it begins at 2026-03-02 06:00 UTC"]


def test_what_people_planned_before_is_nobodys_fault() -> None:
    places = plan(place("A.10", "M1", 0, 2), place("B.10", "M1", 1, 3), place("C.10", "M1", 3, 4))
    assert told(places, "C.10") == []
    assert len(told(places, "A.10")) == 1


def test_a_rejected_change_takes_the_later_ones_of_its_machine_and_order_along() -> None:
    changes = plan(
        place("A.10", "M1", 0, 1), place("B.10", "M1", 1, 2), place("C.10", "M1", 2, 3), place("B.20", "M2", 3, 4), place("D.10", "M2", 4, 5)
    )
    assert with_dependents({}, changes, {"C.10"}) == {"C.10"}
    assert with_dependents({}, changes, {"B.10"}) == {"B.10", "C.10", "B.20", "D.10"}


def test_what_stands_in_the_way_of_a_rejected_change_goes_too() -> None:
    present = plan(place("A.10", "M1", 0, 1), place("B.10", "M1", 1, 2))
    swapped = plan(place("B.10", "M1", 0, 1), place("A.10", "M1", 1, 2))
    assert with_dependents(present, swapped, {"A.10"}) == {"A.10", "B.10"}


def test_what_takes_the_work_of_a_rejected_change_goes_too_and_what_does_not_stays() -> None:
    present = plan(place("A.10", "M1", 4, 5), place("B.10", "M2", 6, 7), place("C.10", "M3", 6, 7))
    changes = plan(place("A.10", "M1", 0, 1), place("B.10", "M2", 1, 2), place("C.10", "M3", 1, 2))
    waits = {"B.10": ("A.10",)}
    assert with_dependents(present, changes, {"A.10"}, waits) == {"A.10", "B.10"}
    assert with_dependents(present, changes, {"B.10"}, waits) == {"B.10"}
    assert with_dependents(present, plan(place("B.10", "M2", 1, 2)), {"C.10"}, waits) == {"B.10"}, "what it takes is made later"
    late = list(clashes({**present, "B.10": place("B.10", "M2", 1, 2)}, {"B.10"}, waits))
    assert [clash.told() for clash in late] == ["B.10 would begin at 2026-03-02 07:00 UTC, and A.10 before it ends at 2026-03-02 11:00 UTC"]


def test_the_sequence_of_a_machine_is_that_of_its_starts() -> None:
    places = plan(place("A.10", "M1", 3, 4), place("B.10", "M1", 1, 2), place("C.10", "M2", 5, 6))
    assert places_in_sequence(places) == {"B.10": 1, "A.10": 2, "C.10": 1}


STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from(("M1", "M2", "M3")), st.integers(0, 12), st.integers(1, 4), st.booleans()),
    max_size=10,
    unique_by=lambda step: step[:2],
)


def drawn(steps: list[tuple[int, int, str, int, int, bool]]) -> dict[str, Place]:
    return plan(*(place(f"O{order}.{number * 10}", machine, start, start + hours, overlaps=o) for order, number, machine, start, hours, o in steps))


@settings(max_examples=400, deadline=None)
@given(STEPS, STEPS, st.data())
def test_what_is_left_of_a_possible_proposal_is_possible_whatever_is_rejected(
    now: list[tuple[int, int, str, int, int, bool]], then: list[tuple[int, int, str, int, int, bool]], data: st.DataObject
) -> None:
    present, changes = drawn(now), drawn(then)
    while (clash := next(clashes({**present, **changes}, changes), None)) is not None:  # a proposal that is let in clashes nowhere
        changes.pop(clash.later.operation_id if clash.later.operation_id in changes else clash.earlier.operation_id)
    if not changes:
        return
    rejected = set(data.draw(st.lists(st.sampled_from(sorted(changes)), min_size=1, max_size=3)))
    gone = with_dependents(present, changes, rejected)
    kept = {key: change for key, change in changes.items() if key not in gone}
    merged = {**present, **kept}
    assert rejected <= gone <= changes.keys()
    for key, change in kept.items():
        beside = [other for other in merged.values() if other.operation_id != key]
        assert not any(o.equipment_id == change.equipment_id and o.start_ts < change.end_ts and change.start_ts < o.end_ts for o in beside)
        before = [o for o in beside if o.order_id == change.order_id and o.step < change.step]
        assert change.overlaps or all(o.end_ts <= change.start_ts for o in before)
        lost = [changes[other] for other in gone]
        assert not any(o.equipment_id == change.equipment_id and o.start_ts < change.start_ts for o in lost)
        assert not any(o.order_id == change.order_id and o.step < change.step for o in lost)
