"""The KPI formulas of PLANT terms as data: each ratio is one sum of columns over another.

Standard library only, so that a formula can be read, printed with numbers and checked by hand without an engine; `factors.py`
turns the same data into Spark columns and `explain_text.py` into words.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Term = tuple[int, str]
"""A column name with its sign, +1 or -1."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """`sum(above) / sum(below)`; every term is a column of a gold row, durations in microseconds."""

    name: str
    above: tuple[Term, ...]
    below: tuple[Term, ...]

    def value(self, row: Mapping[str, int | None]) -> float | None:
        """The ratio for `row`; None when a term is missing or the divisor is not positive."""
        top, bottom = _total(self.above, row), _total(self.below, row)
        return None if top is None or bottom is None or bottom <= 0 else top / bottom

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns the formula reads, in order of appearance."""
        return tuple(dict.fromkeys(name for _, name in (*self.above, *self.below)))

    @property
    def text(self) -> str:
        """The formula as text, e.g. `apt_us / (pbt_us - unknown_us)`."""
        return f"{_text(self.above)} / {_text(self.below)}"


OBSERVED = ((1, "pbt_us"), (-1, "unknown_us"))
AVAILABILITY = Ratio("availability", ((1, "apt_us"),), OBSERVED)
EFFECTIVENESS = Ratio("effectiveness", ((1, "ideal_us"),), ((1, "apt_us"),))
QUALITY = Ratio("quality_ratio", ((1, "gq"),), ((1, "pq"),))
COVERAGE = Ratio("coverage", OBSERVED, ((1, "pbt_us"),))
LINE_OEE = Ratio("oee", ((1, "ideal_good_us"),), OBSERVED)
"""OEE of a line: planned run time at the bottleneck of the good parts that left the line, by observed busy time of the bottleneck."""

SHORT_STOPS = "short_us"
"""Short stops with an order on the machine; part of no gold row, moved by the nakajima convention only."""

NAKAJIMA_AVAILABILITY = Ratio("availability", ((1, "apt_us"), (1, SHORT_STOPS)), OBSERVED)
NAKAJIMA_EFFECTIVENESS = Ratio("effectiveness", ((1, "ideal_us"),), ((1, "apt_us"), (1, SHORT_STOPS)))

FACTORS = (AVAILABILITY, EFFECTIVENESS, QUALITY)
OEE_TEXT = "availability x effectiveness x quality_ratio"

PARTS_OF_PBT = ("apt_us", "aust_us", "adet_us", "adot_us", "unknown_us")
"""Planned busy time is exactly the sum of these."""

REASONS: Mapping[str, str] = {
    "no_calendar": "no calendar covers the machine, so nothing says when it was meant to run",
    "no_busy_time": "no planned busy time lies in the span",
    "low_coverage": "too much of the busy time is unknown; the minutes stay visible",
    "no_nameplate": "a product that was made has no planned run time on this machine at that moment",
    "no_counter": "the machine declares no counter that could tell",
    "no_parts": "no part was counted",
    "long_cycle": "the ideal cycle is longer than a tenth of the hour: too few parts to mean anything",
    "no_production": "the machine did not produce, so there is no speed to judge",
    "counts_disagree": "more good parts were counted than parts (or more scrap than parts): the counters contradict each other",
}
"""Why a factor is null, in words."""

LONG_CYCLE_SHARE = 10
"""An hourly effectiveness needs at least this many ideal cycles in the hour."""


def oee(availability: float, effectiveness: float, quality_ratio: float) -> float:
    """Overall equipment effectiveness, the product of its factors.

    >>> round(oee(350 / 440, 0.5 * 600 / 350, 570 / 600), 6)
    0.647727
    """
    return availability * effectiveness * quality_ratio


def _total(terms: tuple[Term, ...], row: Mapping[str, int | None]) -> int | None:
    total = 0
    for sign, name in terms:
        value = row.get(name)
        if value is None:
            return None
        total += sign * value
    return total


def _text(terms: tuple[Term, ...]) -> str:
    words = "".join(f" {'+' if sign > 0 else '-'} {name}" for sign, name in terms).removeprefix(" + ")
    return words if len(terms) == 1 else f"({words})"
