"""Control charts, run rules and capability against published examples and against second computations.

Piston rings, viscosity, circuit and orange juice are the data sets of R's qcc package with its results; capability and NumAcc are NIST's.
"""

import re
from itertools import pairwise
from math import erf, pi, sqrt
from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factolake.mes.quality.spc import (
    NELSON,
    WESTERN_ELECTRIC,
    Chart,
    ChartKind,
    Known,
    Rule,
    Spread,
    c_chart,
    capability,
    i_mr,
    np_chart,
    p_chart,
    signals,
    u_chart,
    xbar_r,
    xbar_s,
)
from factolake.mes.quality.spc.constants import D2, D3, c4, d2, deviation_limits, range_limits

PISTON_RINGS = """30 2 19 -8 8 | -5 -8 1 11 4 | -12 24 21 5 2 | 2 -4 -7 15 9 | -8 7 15 -11 14 | 9 -6 -3 -15 -7 | -5 6 -6 0 5 | -15 3 -7 15 -12
 | 8 -5 9 5 4 | -2 0 -10 7 -5 | -6 -2 -6 -5 -10 | 4 0 7 0 -4 | -17 2 -2 -3 12 | 6 -33 -6 0 -16 | 12 14 -2 -1 7 | 0 -16 5 -2 -4 | -6 12 -14 5 7
 | 6 10 18 3 0 | -16 2 3 5 -3 | 0 10 13 20 3 | -12 1 9 5 -4 | 4 -1 -10 6 9 | 10 -11 -10 9 14 | 15 8 -7 0 10 | -18 -16 -5 17 13"""
RINGS = [[74 + int(v) / 1000 for v in group.split()] for group in PISTON_RINGS.split("|")]
VISCOSITY = "34.05 34.40 33.59 35.96 34.70 33.51 33.79 34.04 34.52 33.75 33.27 33.71 34.03 34.58 34.02 33.97 34.05 34.04 33.73 34.05"
CIRCUIT = "21 24 16 12 15 5 28 20 31 25 20 24 16 19 10 17 13 22 18 39 30 24 16 19 17 15"
ORANGE_JUICE = "12 15 8 10 4 7 16 9 14 10 5 6 17 12 22 8 10 5 13 11 20 18 24 15 9 12 7 13 9 6"
PRINTED = {  # n: A2, A3, c4, B3, B4, D3, D4
    2: (1.880, 2.659, 0.7979, 0, 3.267, 0, 3.267),
    5: (0.577, 1.427, 0.9400, 0, 2.089, 0, 2.114),
    6: (0.483, 1.287, 0.9515, 0.030, 1.970, 0, 2.004),
    7: (0.419, 1.182, 0.9594, 0.118, 1.882, 0.076, 1.924),
    10: (0.308, 0.975, 0.9727, 0.284, 1.716, 0.223, 1.777),
}


def near(value: float, rel: float = 1e-4) -> object:
    return pytest.approx(value, rel=rel)


def numbers(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def chart_of(z: list[float], kind: ChartKind = ChartKind.INDIVIDUALS) -> Chart:
    """Points that are their own deviations."""
    return Chart(kind, tuple(z), 0.0, (-3.0,) * len(z), (3.0,) * len(z))


def broken(z: list[float], rules: object = NELSON, **more: object) -> list[tuple[int, tuple[int, ...]]]:
    return [(int(s.rule), s.indices) for s in signals(chart_of(z), rules, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize("n", PRINTED)
def test_constants_are_the_printed_ones(n: int) -> None:
    a2, a3, printed_c4, b3, b4, low, high = PRINTED[n]
    made = (3 / (d2(n) * sqrt(n)), 3 / (c4(n) * sqrt(n)), c4(n), *deviation_limits(n), *range_limits(n))
    assert made == pytest.approx((a2, a3, printed_c4, b3, b4, low, high), abs=2e-3)  # the table has d3 to three digits


@pytest.mark.parametrize("n", D2)
def test_mean_and_spread_of_the_range_follow_from_the_normal_law(n: int) -> None:
    """E[R] = ∫ 1 − Φⁿ − (1−Φ)ⁿ dx and E[R²] = 2∬ P(R > …): integrated here, since the table was typed."""
    step = 0.02
    grid = [-6 + step * i for i in range(601)]
    cdf = [(1 + erf(x / sqrt(2))) / 2 for x in grid]
    mean = step * sum(1 - f**n - (1 - f) ** n for f in cdf)
    density = [n * (n - 1) * 2.718281828459045 ** (-x * x / 2) / sqrt(2 * pi) for x in grid]
    square = 0.0
    for i, low in enumerate(grid):
        for j in range(i + 1, len(grid)):
            spread = grid[j] - low
            square += spread**2 * density[i] * (density[j] / (n * (n - 1))) * (cdf[j] - cdf[i]) ** (n - 2) * step * step
    assert D2[n] == pytest.approx(mean, abs=6e-4)
    assert D3[n] == pytest.approx(sqrt(square - mean**2), abs=2e-3)


def test_piston_rings_by_ranges() -> None:
    means, ranges = xbar_r(RINGS)
    assert means.centre == near(74.001176, 1e-8)
    assert (ranges.centre, means.sigma) == (near(0.02276), near(0.009785039))
    assert (means.lower[0], means.upper[0]) == (near(73.98805, 1e-7), near(74.01430, 1e-7))
    assert (ranges.lower[0], ranges.upper[0]) == (0, near(0.04812533))
    assert means.outside == ranges.outside == ()


def test_piston_rings_by_standard_deviations() -> None:
    means, spreads = xbar_s(RINGS)
    assert (spreads.centre, means.sigma, spreads.upper[0]) == (near(0.009240037), near(0.009829977), near(0.01930242))


def test_viscosity_by_individuals() -> None:
    singles, moving = i_mr(numbers(VISCOSITY))
    assert (singles.centre, singles.sigma) == (near(34.088, 1e-6), near(0.5076521))
    assert (singles.lower[0], singles.upper[0]) == (near(32.56504), near(35.61096))
    assert singles.outside == (3,)
    assert len(moving.points) == 19


def test_circuit_by_counts() -> None:
    chart = c_chart([int(x) for x in CIRCUIT.split()])
    assert (chart.centre, chart.lower[0], chart.upper[0]) == (near(19.84615), near(6.481447), near(33.21086))
    assert chart.outside == (5, 19)
    per_unit = u_chart([int(x) for x in CIRCUIT.split()], [2] * 26)
    assert (per_unit.centre, per_unit.upper[0]) == (near(19.84615 / 2), near(33.21086 / 2))
    assert per_unit.outside == chart.outside


def test_orange_juice_by_shares_and_numbers() -> None:
    found = [int(x) for x in ORANGE_JUICE.split()]
    shares, counts = p_chart(found, [50] * 30), np_chart(found, 50)
    assert (shares.centre, shares.lower[0], shares.upper[0]) == (near(0.2313333), near(0.05242755), near(0.4102391))
    assert (counts.centre, counts.lower[0], counts.upper[0]) == (near(11.56667), near(2.621377), near(20.51196))
    assert shares.outside == counts.outside == (14, 22)


def test_each_sample_size_has_its_own_limits_and_none_below_0() -> None:
    chart = p_chart([1, 1, 2], [10, 100, 400])
    assert chart.lower[0] == 0
    assert chart.upper[0] > chart.upper[1] > chart.upper[2]


def test_a_known_process_keeps_its_limits() -> None:
    means, ranges = xbar_r(RINGS[:3], Known(74.0, 0.01))
    assert (means.centre, means.upper[0]) == (74.0, near(74 + 3 * 0.01 / sqrt(5), 1e-9))
    assert ranges.centre == near(0.02326, 1e-9)


def test_capability_of_the_piston_rings() -> None:
    means, _ = xbar_r(RINGS)
    values = [v for group in RINGS for v in group]
    assert means.sigma is not None
    made = capability(Spread(len(values), fmean(values), means.sigma, stdev(values)), 73.95, 74.05, 74.0)
    assert (made.cp, made.cpl, made.cpu, made.cpk, made.cpm) == tuple(pytest.approx(x, abs=5.1e-3) for x in (1.70, 1.74, 1.66, 1.66, 1.69))
    assert (made.pp, made.ppk) == (near(1.6551), near(1.6162))
    assert made.cpk_low < made.cpk < made.cpk_high


def test_capability_of_the_nist_handbook_and_of_one_limit() -> None:
    spread = Spread(50, 16, 2, 2)
    both = capability(spread, 8, 20)
    assert (both.cp, both.cpu, both.cpl, both.cpk) == (1.0, near(0.6667), near(1.3333), near(0.6667))
    one = capability(spread, None, 20)
    assert (one.cp, one.cpl, one.cpk, one.pp) == (None, None, near(0.6667), None)
    for lower, upper in ((None, None), (20, 8)):
        with pytest.raises(Exception, match="limit"):
            capability(spread, lower, upper)


def test_variance_of_numbers_far_from_0_is_exact() -> None:
    """NIST StRD NumAcc1, 3 and 4: one-pass sums lose them."""
    assert stdev([10000001, 10000003, 10000002]) == 1
    for base in (1000000, 10000000):
        values = [base + 0.2, *[base + 0.1, base + 0.3] * 500]
        _, spreads = xbar_s([values, values])
        assert spreads.points[0] == near(0.1, 1e-6)


@pytest.mark.parametrize(
    ("z", "rule", "indices"),
    [
        ([0, 3.1], 1, (1,)),
        ([0.1] * 9, 2, tuple(range(9))),
        ([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], 3, tuple(range(6))),
        ([0.5, -0.5] * 7, 4, tuple(range(14))),
        ([2.1, 0, 2.2], 5, (0, 2)),
        ([2.1, 2.2], 5, (0, 1)),
        ([1.1, 1.2, -1, 1.3, 1.4], 6, (0, 1, 3, 4)),
        ([0.9, -0.3, 0.2] * 5, 7, tuple(range(15))),
        ([1.2, -1.3, -1.4, 1.5, 1.6, -1.2, 1.1, -1.1], 8, tuple(range(8))),
    ],
)
def test_each_rule_tells_the_points_that_break_it(z: list[float], rule: int, indices: tuple[int, ...]) -> None:
    assert (rule, indices) in broken(z)


@pytest.mark.parametrize(
    "z",
    [
        [3.0, -3.0],  # on the limit
        [0.1] * 8,
        [0.1] * 4 + [0.0] + [0.1] * 4,  # on the centre line: no side
        [0.1, 0.2, 0.2, 0.3, 0.4, 0.5],  # two equal: not rising
        [2.0, 2.0, 0],
        [2.1, 0, -2.2],
        [1.0] * 5,
    ],
)
def test_what_only_nearly_breaks_a_rule_does_not(z: list[float]) -> None:
    assert broken(z) == []


def test_western_electric_calls_eight_on_one_side() -> None:
    assert broken([0.1] * 8, WESTERN_ELECTRIC) == [(2, tuple(range(8)))]


def test_runs_start_anew_at_a_break() -> None:
    assert broken([0.1] * 9, breaks=(4,)) == []
    assert broken([2.1, 2.2], breaks=(1,)) == []


def test_charts_of_spread_and_counts_know_only_the_first_four_rules() -> None:
    assert signals(chart_of([2.1, 2.2, 2.3], ChartKind.R)) == ()
    assert [s.rule for s in signals(chart_of([0.1] * 9, ChartKind.C))] == [Rule.ONE_SIDE]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([-3.5, -2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 3.5]), max_size=40))
def test_rules_agree_with_patterns_over_letters(z: list[float]) -> None:
    """Second computation: each point a letter (A above 3σ … I below −3σ), each rule a pattern over the last points."""
    letters = "".join("IHGFEDCBA"[[-3.5, -2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 3.5].index(x)] for x in z)
    moves = "".join("u" if b > a else "d" if b < a else "=" for a, b in pairwise(z))
    wanted = {
        Rule.BEYOND_LIMIT: (letters, r"[AI]$", 0),
        Rule.ONE_SIDE: (letters, r"([A-D]{9}|[F-I]{9})$", 0),
        Rule.TREND: (moves, r"(u{5}|d{5})$", 1),
        Rule.ALTERNATING: (moves, r"((ud){6}u|(du){6}d)$", 1),
        Rule.TWO_OF_THREE_BEYOND_2_SIGMA: (letters, r"([AB].?[AB]|[HI].?[HI])$", 0),
        Rule.WITHIN_1_SIGMA: (letters, r"[D-F]{15}$", 0),
        Rule.OUTSIDE_1_SIGMA: (letters, r"(?=.*[A-C])(?=.*[G-I])[A-CG-I]{8}$", 0),
    }
    told = {(s.rule, s.indices[-1]) for s in signals(chart_of(z)) if s.rule in wanted}
    for rule, (text, pattern, shift) in wanted.items():
        size = {Rule.OUTSIDE_1_SIGMA: 8}.get(rule, len(text))
        for end in range(1, len(text) + 1):
            window = text[max(0, end - size) : end]
            assert ((rule, end - 1 + shift) in told) == bool(re.search(pattern, window)), (rule, z, end)
