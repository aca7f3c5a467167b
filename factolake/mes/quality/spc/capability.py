"""Capability: how the spread of a process fits between its specification limits. Says nothing about a process that is out of control."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from factolake.mes.quality.spc.constants import NotChartable


@dataclass(frozen=True, slots=True)
class Capability:
    """Cp and Cpk from the spread within subgroups, Pp and Ppk from the overall one; None where a specification limit is missing.

    `cpk_low` and `cpk_high` bound Cpk at the confidence asked for (Bissell's normal approximation).
    """

    n: int
    cp: float | None
    cpl: float | None
    cpu: float | None
    cpk: float
    cpm: float | None
    pp: float | None
    ppk: float
    cpk_low: float
    cpk_high: float


@dataclass(frozen=True, slots=True)
class Spread:
    """`n` values with their mean, σ̂ within subgroups and overall standard deviation (n−1)."""

    n: int
    mean: float
    within: float
    overall: float


def capability(spread: Spread, lower: float | None, upper: float | None, target: float | None = None, confidence: float = 0.95) -> Capability:
    """Cp = (USL−LSL)/6σ, Cpk = min(USL−μ, μ−LSL)/3σ, Cpm = (USL−LSL)/6√(σ²+(μ−T)²), Pp and Ppk with the overall s.

    Raises NotChartable without any limit, with the upper not above the lower, below 2 values or where nothing varies.
    """
    if lower is None and upper is None:
        raise NotChartable("capability takes at least one specification limit; set lower or upper in the inspection plan")
    if lower is not None and upper is not None and upper <= lower:
        raise NotChartable(f"the specification is {lower} to {upper}; the upper limit lies above the lower")
    if spread.n < 2 or not spread.within > 0 or not spread.overall > 0:
        raise NotChartable(f"{spread.n} values with spread {spread.overall}: capability takes at least 2 values that vary")
    cpl, cpu = _sides(spread.mean, spread.within, lower, upper)
    width = None if lower is None or upper is None else upper - lower
    cpk = min(side for side in (cpl, cpu) if side is not None)
    ppk = min(side for side in _sides(spread.mean, spread.overall, lower, upper) if side is not None)
    around = None if target is None else sqrt(spread.within**2 + (spread.mean - target) ** 2)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * sqrt(1 / (9 * spread.n) + cpk**2 / (2 * (spread.n - 1)))
    return Capability(
        n=spread.n,
        cp=None if width is None else width / (6 * spread.within),
        cpl=cpl,
        cpu=cpu,
        cpk=cpk,
        cpm=None if width is None or around is None else width / (6 * around),
        pp=None if width is None else width / (6 * spread.overall),
        ppk=ppk,
        cpk_low=cpk - reach,
        cpk_high=cpk + reach,
    )


def _sides(mean: float, sigma: float, lower: float | None, upper: float | None) -> tuple[float | None, float | None]:
    return None if lower is None else (mean - lower) / (3 * sigma), None if upper is None else (upper - mean) / (3 * sigma)
