"""Units, signals, states, nameplates: exact, and impossible values cannot be built."""

import doctest
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factolake.domain import states, units
from factolake.domain.equipment import Nameplate, one_at_a_time
from factolake.domain.signals import Counter, Counts, Signal, SignalKind
from factolake.domain.states import MachineState, TimeClass, time_class

DAY = datetime(2026, 1, 1, tzinfo=UTC)
CODES = sorted(units.UNITS)


@pytest.mark.parametrize("module", [states, units])
def test_examples_in_docstrings_are_true(module: object) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@given(st.sampled_from(CODES), st.sampled_from(CODES), st.fractions())
def test_a_conversion_there_and_back_is_exact_or_refused(a: str, b: str, value: Fraction) -> None:
    if units.UNITS[a].dimension != units.UNITS[b].dimension:
        with pytest.raises(ValueError, match="cannot be converted"):
            units.conversion(a, b)
        return
    (f, o), (back_f, back_o) = units.conversion(a, b), units.conversion(b, a)
    assert (value * f + o) * back_f + back_o == value


@pytest.mark.parametrize(
    ("source", "target", "value", "expected"),
    [("KPA", "BAR", 650, Fraction(13, 2)), ("INH", "MMT", 2, Fraction(254, 5)), ("HUR", "MIN", 3, 180), ("C26", "SEC", 1500, Fraction(3, 2))],
)
def test_known_conversions(source: str, target: str, value: int, expected: Fraction) -> None:
    factor, offset = units.conversion(source, target)
    assert value * factor + offset == expected


def test_every_second_of_a_state_has_one_class() -> None:
    assert time_class(MachineState.PRODUCING, False) is TimeClass.APT
    assert time_class(MachineState.NO_ORDER, True) is TimeClass.ADOT
    assert {time_class(state, True) for state in states.STOP_STATES} == {TimeClass.ADET}
    assert {time_class(state, False) for state in states.STOP_STATES} == {TimeClass.ADOT}


@pytest.mark.parametrize(("pulse", "bits"), [(0, None), (1, 0), (1, 64)])
def test_an_impossible_counter_cannot_be_built(pulse: int, bits: int | None) -> None:
    with pytest.raises(ValueError, match="must be"):
        Counter(Counts.TOTAL, pulse, bits)


def test_a_counter_declaration_belongs_to_counters_only() -> None:
    with pytest.raises(ValueError, match="L1-M1/temp"):
        Signal("s", "t", "L1-M1", "temp", SignalKind.PROCESS, counter=Counter(Counts.GOOD))
    with pytest.raises(ValueError, match="counter declaration"):
        Signal("s", "t", "L1-M1", "count", SignalKind.COUNTER)


def test_a_state_that_stays_is_never_stuck() -> None:
    with pytest.raises(ValueError, match="belongs to kinds counter, process, energy, not to state"):
        Signal("s", "t", "L1-M1", "state", SignalKind.STATE, stuck_after_s=60)


def test_an_impossible_nameplate_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="> 0"):
        Nameplate("m", "p", 0, DAY)
    with pytest.raises(ValueError, match="ends"):
        Nameplate("m", "p", 1, DAY, DAY)


def test_a_new_planned_run_time_ends_the_old_one_whose_end_nobody_wrote() -> None:
    # plate 1 from day 0, open    plate 2 from day 2 to day 3    plate 3 and 4 both from day 5
    day = [DAY + timedelta(days=n) for n in range(6)]
    plates = [Nameplate("m", "p", 1, day[0]), Nameplate("m", "p", 3, day[5]), Nameplate("m", "p", 2, day[2], day[3]), Nameplate("m", "p", 4, day[5])]
    other = Nameplate("m", "q", 9, day[0])
    found = one_at_a_time([*plates, other])
    assert {(n.product, n.planned_run_time_us, n.valid_from, n.valid_to) for n in found} == {
        ("p", 1, day[0], day[2]),
        ("p", 2, day[2], day[3]),
        ("p", 4, day[5], None),
        ("q", 9, day[0], None),
    }
    assert one_at_a_time(found) == found
