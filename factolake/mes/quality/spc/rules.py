"""Run rules: patterns of points that chance hardly makes. Numbered after Nelson; Western Electric's are the same with a shorter run.

Judged in standard deviations from the centre line. "Beyond" is strict: a point on a limit does not break a rule, one on the centre line is on
no side. The rules take the points for independent; a signal that drifts by nature breaks them for nothing.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from factolake.mes.quality.spc.charts import Chart, ChartKind


class Rule(IntEnum):
    """Nelson's rules by their numbers."""

    BEYOND_LIMIT = 1
    ONE_SIDE = 2
    TREND = 3
    ALTERNATING = 4
    TWO_OF_THREE_BEYOND_2_SIGMA = 5
    FOUR_OF_FIVE_BEYOND_1_SIGMA = 6
    WITHIN_1_SIGMA = 7
    OUTSIDE_1_SIGMA = 8


RuleSet = Mapping[Rule, int]
"""Which rules count, each with the number of points it looks at."""

NELSON: RuleSet = {
    Rule.BEYOND_LIMIT: 1,
    Rule.ONE_SIDE: 9,
    Rule.TREND: 6,
    Rule.ALTERNATING: 14,
    Rule.TWO_OF_THREE_BEYOND_2_SIGMA: 3,
    Rule.FOUR_OF_FIVE_BEYOND_1_SIGMA: 5,
    Rule.WITHIN_1_SIGMA: 15,
    Rule.OUTSIDE_1_SIGMA: 8,
}
WESTERN_ELECTRIC: RuleSet = {Rule.BEYOND_LIMIT: 1, Rule.ONE_SIDE: 8, Rule.TWO_OF_THREE_BEYOND_2_SIGMA: 3, Rule.FOUR_OF_FIVE_BEYOND_1_SIGMA: 5}

NORMAL_CHARTS = frozenset({ChartKind.XBAR, ChartKind.INDIVIDUALS})
"""Charts whose points are about normal: only there do the rules of one and two standard deviations mean what they say."""
_ANY_CHART = frozenset({Rule.BEYOND_LIMIT, Rule.ONE_SIDE, Rule.TREND, Rule.ALTERNATING})


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule was broken by the points at `indices`, from 0; the last one completed it."""

    rule: Rule
    indices: tuple[int, ...]


def signals(chart: Chart, rules: RuleSet = NELSON, breaks: Sequence[int] = ()) -> tuple[Signal, ...]:
    """Every time a rule is broken, in the order of the points. Runs start anew at each index in `breaks` (tool change, new material lot)."""
    z = chart.deviations
    starts = sorted({0, *breaks})
    found = [Signal(Rule.BEYOND_LIMIT, (i,)) for i in chart.outside] if Rule.BEYOND_LIMIT in rules else []
    for rule, length in rules.items():
        if rule is Rule.BEYOND_LIMIT or (rule not in _ANY_CHART and chart.kind not in NORMAL_CHARTS):
            continue
        for last in range(len(z)):
            first = max(last - length + 1, starts[bisect_right(starts, last) - 1])
            hit = _JUDGES[rule](z[first : last + 1], length)
            if hit:
                found.append(Signal(rule, tuple(first + i for i in hit)))
    return tuple(sorted(found, key=lambda signal: (signal.indices[-1], signal.rule)))


Judge = Callable[[Sequence[float], int], tuple[int, ...]]
"""Places in the window (shorter than the rule's length right after a start) that break the rule; empty when it holds."""


def _run(is_run: Callable[[Sequence[float]], bool]) -> Judge:
    """All points of a whole window together."""
    return lambda z, length: tuple(range(length)) if len(z) == length and is_run(z) else ()


def _all_but_one_beyond(sigmas: float) -> Judge:
    """All but at most one beyond, on the same side. The newest point is one of them, else the hit was told before."""

    def judge(z: Sequence[float], length: int) -> tuple[int, ...]:
        for side in (1, -1):
            beyond = tuple(i for i, x in enumerate(z) if side * x > sigmas)
            if len(beyond) >= length - 1 and beyond[-1] == len(z) - 1:
                return beyond
        return ()

    return judge


def _steps(z: Sequence[float]) -> list[float]:
    return [b - a for a, b in pairwise(z)]


def _one_side(z: Sequence[float]) -> bool:
    return all(x > 0 for x in z) or all(x < 0 for x in z)


def _alternates(z: Sequence[float]) -> bool:
    return all(a * b < 0 for a, b in pairwise(_steps(z)))


_JUDGES: Mapping[Rule, Judge] = {
    Rule.ONE_SIDE: _run(_one_side),
    Rule.TREND: _run(lambda z: _one_side(_steps(z))),
    Rule.ALTERNATING: _run(_alternates),
    Rule.TWO_OF_THREE_BEYOND_2_SIGMA: _all_but_one_beyond(2),
    Rule.FOUR_OF_FIVE_BEYOND_1_SIGMA: _all_but_one_beyond(1),
    Rule.WITHIN_1_SIGMA: _run(lambda z: all(abs(x) < 1 for x in z)),
    Rule.OUTSIDE_1_SIGMA: _run(lambda z: all(abs(x) > 1 for x in z) and min(z) < 0 < max(z)),
}
