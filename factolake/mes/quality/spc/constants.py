"""Constants of control charts for subgroups of n normal values; the tables of every SPC handbook, here with what they are made of.

d2 and d3 are mean and standard deviation of the range of n standard normal values, to three digits as printed everywhere; c4 is exact.
The others follow: A2 = 3 / (d2 √n), A3 = 3 / (c4 √n), B = 1 ∓ 3 √(1 − c4²) / c4, D = 1 ∓ 3 d3 / d2, never below 0.
"""

from functools import cache
from math import exp, lgamma, sqrt

from factolake.errors import Permanent

D2 = {2: 1.128, 3: 1.693, 4: 2.059, 5: 2.326, 6: 2.534, 7: 2.704, 8: 2.847, 9: 2.970, 10: 3.078}
D3 = {2: 0.853, 3: 0.888, 4: 0.880, 5: 0.864, 6: 0.848, 7: 0.833, 8: 0.820, 9: 0.808, 10: 0.797}


class NotChartable(Permanent):
    """The values cannot be charted this way: too few, unequal subgroups, impossible counts."""


def d2(n: int) -> float:
    """Mean range of n standard normal values, n 2 to 10. Raises NotChartable outside."""
    return _of_range(D2, n)


def d3(n: int) -> float:
    """Standard deviation of that range, n 2 to 10. Raises NotChartable outside."""
    return _of_range(D3, n)


@cache
def c4(n: int) -> float:
    """Mean standard deviation of n standard normal values: √(2/(n−1)) Γ(n/2) / Γ((n−1)/2). Raises NotChartable below n = 2."""
    if n < 2:
        raise NotChartable(f"a subgroup has {n} values; a standard deviation takes at least 2")
    return sqrt(2 / (n - 1)) * exp(lgamma(n / 2) - lgamma((n - 1) / 2))


def range_limits(n: int) -> tuple[float, float]:
    """D3 and D4: the limits of a range chart as multiples of the mean range."""
    spread = 3 * d3(n) / d2(n)
    return max(0.0, 1 - spread), 1 + spread


def deviation_limits(n: int) -> tuple[float, float]:
    """B3 and B4: the limits of a chart of standard deviations as multiples of their mean."""
    spread = 3 * sqrt(1 - c4(n) ** 2) / c4(n)
    return max(0.0, 1 - spread), 1 + spread


def _of_range(table: dict[int, float], n: int) -> float:
    if n not in table:
        raise NotChartable(f"a subgroup has {n} values; ranges are charted for 2 to 10, use an x̄/s chart for more")
    return table[n]
