"""Shewhart control charts: the points, the centre line and the limits at three standard deviations, each with its formula.

Limits come from the values themselves (a first study) or from a `Known` process (going on with limits once agreed).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import sqrt
from statistics import fmean, stdev

from factolake.mes.quality.spc.constants import NotChartable, c4, d2, d3, deviation_limits, range_limits


class ChartKind(StrEnum):
    """What is drawn."""

    XBAR = "xbar"
    R = "r"
    S = "s"
    INDIVIDUALS = "individuals"
    MR = "mr"
    P = "p"
    NP = "np"
    C = "c"
    U = "u"


@dataclass(frozen=True, slots=True)
class Known:
    """A process whose mean and standard deviation of single values are agreed on."""

    mean: float
    sigma: float

    def __post_init__(self) -> None:
        if not self.sigma > 0:
            raise NotChartable(f"sigma is {self.sigma}; a known process has one above 0")


@dataclass(frozen=True, slots=True)
class Chart:
    """Points with their limits; `lower` and `upper` have one value a point, since sample sizes may differ.

    `sigma` is the estimated standard deviation of a single value, None for attributes and charts of spread.
    """

    kind: ChartKind
    points: tuple[float, ...]
    centre: float
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    sigma: float | None = None

    @property
    def outside(self) -> tuple[int, ...]:
        """Places, from 0, of the points beyond a limit; a point on a limit is inside."""
        return tuple(i for i, x in enumerate(self.points) if x > self.upper[i] or x < self.lower[i])

    @property
    def deviations(self) -> tuple[float, ...]:
        """Each point's distance from the centre line in standard deviations of that point; 0 where nothing varies."""
        return tuple(0.0 if up == self.centre else 3 * (x - self.centre) / (up - self.centre) for x, up in zip(self.points, self.upper, strict=True))


def xbar_r(subgroups: Sequence[Sequence[float]], known: Known | None = None) -> tuple[Chart, Chart]:
    """Means and ranges of equal subgroups of 2 to 10: σ̂ = R̄/d2, limits x̿ ± 3σ̂/√n and D3 R̄, D4 R̄. Raises NotChartable."""
    n = _size(subgroups)
    ranges = tuple(max(group) - min(group) for group in subgroups)
    sigma = known.sigma if known else fmean(ranges) / d2(n)
    low, high = range_limits(n)
    mean_range = sigma * d2(n)
    return _means(subgroups, n, sigma, known), _even(ChartKind.R, ranges, mean_range, low * mean_range, high * mean_range)


def xbar_s(subgroups: Sequence[Sequence[float]], known: Known | None = None) -> tuple[Chart, Chart]:
    """Means and standard deviations of equal subgroups: σ̂ = S̄/c4, limits x̿ ± 3σ̂/√n and B3 S̄, B4 S̄. Raises NotChartable."""
    n = _size(subgroups)
    spreads = tuple(stdev(group) for group in subgroups)
    sigma = known.sigma if known else fmean(spreads) / c4(n)
    low, high = deviation_limits(n)
    mean_spread = sigma * c4(n)
    return _means(subgroups, n, sigma, known), _even(ChartKind.S, spreads, mean_spread, low * mean_spread, high * mean_spread)


def i_mr(values: Sequence[float], known: Known | None = None) -> tuple[Chart, Chart]:
    """Single values and their moving ranges of two: σ̂ = MR̄/d2(2), limits x̄ ± 3σ̂ and 0, D4 MR̄. Raises NotChartable below 2 values."""
    if len(values) < 2:
        raise NotChartable(f"there are {len(values)} values; a chart of individuals takes at least 2")
    moving = tuple(abs(b - a) for a, b in pairwise(values))
    sigma = known.sigma if known else fmean(moving) / d2(2)
    centre = known.mean if known else fmean(values)
    mean_range = sigma * d2(2)
    singles = _even(ChartKind.INDIVIDUALS, values, centre, centre - 3 * sigma, centre + 3 * sigma, sigma)
    return singles, _even(ChartKind.MR, moving, mean_range, 0.0, mean_range + 3 * sigma * d3(2))


def p_chart(nonconforming: Sequence[int], sizes: Sequence[int], share: float | None = None) -> Chart:
    """Shares of nonconforming items in samples of any size: p̄ ± 3√(p̄(1−p̄)/n). `share` is a known p̄. Raises NotChartable."""
    _check_samples(nonconforming, sizes, at_most_size=True)
    p = sum(nonconforming) / sum(sizes) if share is None else share
    points = tuple(d / n for d, n in zip(nonconforming, sizes, strict=True))
    return _uneven(ChartKind.P, points, p, [3 * sqrt(p * (1 - p) / n) for n in sizes])


def np_chart(nonconforming: Sequence[int], size: int, share: float | None = None) -> Chart:
    """Numbers of nonconforming items in samples of one size: np̄ ± 3√(np̄(1−p̄)). Raises NotChartable."""
    _check_samples(nonconforming, [size] * len(nonconforming), at_most_size=True)
    p = sum(nonconforming) / (size * len(nonconforming)) if share is None else share
    return _uneven(ChartKind.NP, nonconforming, size * p, [3 * sqrt(size * p * (1 - p))] * len(nonconforming))


def c_chart(nonconformities: Sequence[int], mean: float | None = None) -> Chart:
    """Numbers of nonconformities in equal units: c̄ ± 3√c̄. Raises NotChartable."""
    _check_samples(nonconformities, [1] * len(nonconformities), at_most_size=False)
    c = fmean(nonconformities) if mean is None else mean
    return _uneven(ChartKind.C, nonconformities, c, [3 * sqrt(c)] * len(nonconformities))


def u_chart(nonconformities: Sequence[int], sizes: Sequence[float], mean: float | None = None) -> Chart:
    """Nonconformities a unit in samples of any size: ū ± 3√(ū/n). Raises NotChartable."""
    _check_samples(nonconformities, sizes, at_most_size=False)
    u = sum(nonconformities) / sum(sizes) if mean is None else mean
    points = tuple(d / n for d, n in zip(nonconformities, sizes, strict=True))
    return _uneven(ChartKind.U, points, u, [3 * sqrt(u / n) for n in sizes])


def _means(subgroups: Sequence[Sequence[float]], n: int, sigma: float, known: Known | None) -> Chart:
    means = tuple(fmean(group) for group in subgroups)
    centre = known.mean if known else fmean(means)
    reach = 3 * sigma / sqrt(n)
    return _even(ChartKind.XBAR, means, centre, centre - reach, centre + reach, sigma)


def _even(kind: ChartKind, points: Sequence[float], centre: float, lower: float, upper: float, sigma: float | None = None) -> Chart:
    return Chart(kind, tuple(points), centre, (lower,) * len(points), (upper,) * len(points), sigma)


def _uneven(kind: ChartKind, points: Sequence[float], centre: float, reaches: Sequence[float]) -> Chart:
    lower = tuple(max(0.0, centre - reach) for reach in reaches)
    return Chart(kind, tuple(float(x) for x in points), centre, lower, tuple(centre + reach for reach in reaches))


def _size(subgroups: Sequence[Sequence[float]]) -> int:
    sizes = {len(group) for group in subgroups}
    if len(subgroups) < 2 or len(sizes) != 1:
        raise NotChartable(f"there are {len(subgroups)} subgroups of {sorted(sizes)} values; give at least 2 of one size")
    return sizes.pop()


def _check_samples(counts: Sequence[int], sizes: Sequence[float], *, at_most_size: bool) -> None:
    if len(counts) < 2 or len(counts) != len(sizes):
        raise NotChartable(f"there are {len(counts)} counts and {len(sizes)} sample sizes; give at least 2, and one size a count")
    for i, (count, size) in enumerate(zip(counts, sizes, strict=True)):
        if not size > 0 or count < 0 or (at_most_size and count > size):
            raise NotChartable(
                f"sample {i} counts {count} in {size}; a count is 0 or more{' and at most the size' if at_most_size else ''}, a size above 0"
            )
