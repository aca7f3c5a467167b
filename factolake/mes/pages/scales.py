"""Scales of the drawn charts: from values to places on the page (px), and round numbers for the marks. Pure."""

from dataclasses import dataclass
from math import ceil, floor, log10

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight scale: `low` is drawn at `start` px, `high` at `end` px."""

    low: float
    high: float
    start: float
    end: float

    def __post_init__(self) -> None:
        if not self.high > self.low:
            raise ValueError(f"a scale goes up, not from {self.low} to {self.high}")

    def __call__(self, value: float) -> float:
        """The place of `value`, to a tenth of a px."""
        return round(self.start + (value - self.low) * (self.end - self.start) / (self.high - self.low), 1)


def ticks(low: float, high: float, about: int) -> tuple[float, ...]:
    """Round numbers from at or above `low` to at or below `high`, about so many.

    >>> ticks(0, 10, 5)
    (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)
    """
    if not high > low:
        return (low,)
    rough = (high - low) / about
    unit = 10.0 ** floor(log10(rough))
    step = next(unit * each for each in STEPS if unit * each >= rough * 0.999999)
    digits = max(0, 2 - floor(log10(step)))
    return tuple(round(step * n, digits) + 0.0 for n in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1))


def spread(low: float, high: float, share: float) -> tuple[float, float]:
    """The span with `share` of it added at both ends; a span of nothing becomes one around its value."""
    room = (high - low) * share or max(abs(low), 1.0) * share
    return low - room, high + room


def short(value: float) -> str:
    """A number as a mark shows it: at most five digits that count, none of them zeros at the end.

    >>> short(25.0), short(25.01234), short(0.0)
    ('25', '25.012', '0')
    """
    return f"{value:.5g}"
