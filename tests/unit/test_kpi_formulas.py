"""The formulas as data: their values on worked examples, their words, and the laws of pieces of time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factolake.contracts import gold
from factolake.domain.calendar import Segment, SegmentKind
from factolake.domain.states import MachineState
from factolake.kpi import formulas
from factolake.kpi.pieces import Stretch, elements_of, pieces_of

START = datetime(2026, 11, 16, 6, tzinfo=UTC)
MINUTE = 60_000_000


def at(micros: int) -> datetime:
    return START + timedelta(microseconds=micros)


def test_iso_22400_example_gives_the_printed_ratios() -> None:
    row: dict[str, int | None] = {"pbt_us": 440 * MINUTE, "unknown_us": 0, "apt_us": 350 * MINUTE, "ideal_us": 300 * MINUTE, "gq": 570, "pq": 600}
    values = [ratio.value(row) for ratio in formulas.FACTORS]
    assert values == pytest.approx([0.795455, 0.857143, 0.95], abs=1e-6)
    assert formulas.oee(*(value for value in values if value is not None)) == pytest.approx(0.647727, abs=1e-6)


@pytest.mark.parametrize("row", [{"pbt_us": 5, "unknown_us": 5, "apt_us": 0}, {"pbt_us": 5, "unknown_us": 0, "apt_us": None}])
def test_a_ratio_without_divisor_or_term_has_no_value(row: dict[str, int | None]) -> None:
    assert formulas.AVAILABILITY.value(row) is None


def test_the_text_of_a_formula_names_its_columns() -> None:
    assert formulas.AVAILABILITY.text == "apt_us / (pbt_us - unknown_us)"
    assert formulas.AVAILABILITY.columns == ("apt_us", "pbt_us", "unknown_us")


def test_every_formula_reads_columns_that_gold_has() -> None:
    for ratio in (*formulas.FACTORS, formulas.COVERAGE, formulas.LINE_OEE):
        assert set(ratio.columns) <= set(gold.OEE_SHIFT.column_names)
    assert set(formulas.PARTS_OF_PBT) <= set(gold.OEE_SHIFT.column_names)


def test_every_reason_in_words_is_named_by_the_contract() -> None:
    doc = gold.OEE_SHIFT.column("oee_reason").doc
    assert [reason for reason in formulas.REASONS if reason not in doc] == []


def test_hours_that_silver_cut_are_one_piece_again() -> None:
    hour = 60 * MINUTE
    stretches = [Stretch(at(i * hour), at((i + 1) * hour), MachineState.FAULT, True) for i in range(3)]
    busy = Segment(START, at(8 * hour), SegmentKind.BUSY, "early", START.date())
    (piece,) = pieces_of(stretches, [busy], START, at(8 * hour))
    assert (piece.duration_us, piece.element) == (3 * hour, "adet_us")


def test_no_stretch_means_no_piece() -> None:
    busy = Segment(START, at(MINUTE), SegmentKind.BUSY, "early", START.date())
    assert pieces_of([], [busy], START, at(MINUTE)) == []


edges = st.lists(st.integers(0, 10_000), min_size=2, max_size=8, unique=True).map(sorted)


@given(edges, st.lists(st.sampled_from(list(MachineState)), min_size=8, max_size=8), st.lists(st.booleans(), min_size=8, max_size=8), edges)
def test_the_classes_always_sum_to_planned_busy_time(cuts: list[int], states: list[MachineState], flags: list[bool], plan: list[int]) -> None:
    kinds = [SegmentKind.BUSY, SegmentKind.BREAK, SegmentKind.PLANNED_STOP]
    segments = [Segment(at(a), at(b), kinds[i % 3], "early", START.date()) for i, (a, b) in enumerate(pairwise(plan))]
    spans = list(pairwise(cuts))
    stretches = [Stretch(at(a), at(b), states[i], flags[i]) for i, (a, b) in enumerate(spans) if flags[i] or i == 0]
    sums = elements_of(pieces_of(stretches, segments, START, at(20_000)))
    assert sums["pbt_us"] == sum(sums[name] for name in formulas.PARTS_OF_PBT)
    assert sums["pbt_us"] == sums["pot_us"] - sums["pdot_us"] + sums["outside_plan_us"]
    assert sums["apt_us"] == sum(b - a for i, (a, b) in enumerate(spans) if states[i] is MachineState.PRODUCING and (flags[i] or i == 0))
