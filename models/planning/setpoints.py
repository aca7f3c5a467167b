"""Setpoints of a line by the hour: how fast it should run when energy, quality and wear depend on its rate. Proposals only.

A mixed-integer programme in Pyomo: each hour the line stands or runs inside its limits; power, scrap and wear are piecewise-linear in its rate, given
as points or fitted from what was measured; good parts have to be there by given hours. What it costs stands beside what today's rates cost.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import pyomo.environ as pyo

Point = tuple[float, float]

# Good parts are rate x (1 - scrap), which bends between two points of the scrap curve: so many straight pieces follow the bend
PIECES = 4
# Parts by which a solution may miss what is asked; the solver's own tolerance is of this size
TOLERANCE = 1e-4


class InvalidLine(ValueError):
    """A line or demand that cannot be: which value, what was seen, what would be right."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A piecewise-linear function by its points (x, y), x rising; beyond its ends it stays at its last value. Raises InvalidLine."""

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if not self.points or any(other[0] <= one[0] for one, other in pairwise(self.points)):
            raise InvalidLine(f"points of a curve are {self.points}; give one or more with rising x")

    def at(self, x: float) -> float:
        """Value at x."""
        if x <= self.points[0][0]:
            return self.points[0][1]
        if x >= self.points[-1][0]:
            return self.points[-1][1]
        place = bisect_right(self.points, (x, float("inf")))
        (x0, y0), (x1, y1) = self.points[place - 1], self.points[place]
        return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def fitted(samples: Sequence[Point], pieces: int = 4) -> Curve:
    """The curve of `pieces` straight pieces that is nearest to measured (x, y), by least squares; its bends stand at quantiles of x.

    Raises InvalidLine for fewer than two different x.
    """
    xs, ys = np.array([x for x, _ in samples], dtype=float), np.array([y for _, y in samples], dtype=float)
    bends = np.unique(np.quantile(xs, np.linspace(0, 1, pieces + 1))) if len(xs) else np.array([])
    if len(bends) < 2:
        raise InvalidLine(f"samples hold {len(bends)} different x; give measurements at two rates or more")
    hats = np.stack([np.interp(xs, bends, row) for row in np.eye(len(bends))], axis=1)
    heights, *_ = np.linalg.lstsq(hats, ys, rcond=None)
    return Curve(tuple((float(x), float(y)) for x, y in zip(bends, heights, strict=True)))


@dataclass(frozen=True, slots=True)
class Line:
    """A line as its rate decides it. Raises InvalidLine.

    `rate_min`, `rate_max`: parts per hour while it runs. By rate: `power_kw`; `scrap`, the share of parts that are bad, 0 to 1; `wear_per_h`, money
    per hour. `standing_kw`: power while it stands. `part_cost`: money for each bad part. `start_cost`: money for each start. `ramp`: parts per
    hour by which the rate may change from one running hour to the next, None: any. `scrap_max`, `power_max_kw`: what quality and
    the supply contract allow.
    """

    rate_min: float
    rate_max: float
    power_kw: Curve
    scrap: Curve
    wear_per_h: Curve
    standing_kw: float = 0.0
    part_cost: float = 0.0
    start_cost: float = 0.0
    ramp: float | None = None
    scrap_max: float = 1.0
    power_max_kw: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.rate_min <= self.rate_max:
            raise InvalidLine(f"rates of the line are {self.rate_min} to {self.rate_max}; give a range above 0")
        if any(not 0 <= share <= 1 for _, share in self.scrap.points):
            raise InvalidLine(f"scrap is {self.scrap.points}; give shares of 0 to 1")

    def allows(self, rate: float) -> bool:
        """Whether the line may run at this rate by its limits on scrap and power."""
        fits = self.rate_min <= rate <= self.rate_max and self.scrap.at(rate) <= self.scrap_max + 1e-9
        return fits and (self.power_max_kw is None or self.power_kw.at(rate) <= self.power_max_kw + 1e-9)

    def good(self, rate: float) -> float:
        """Good parts per hour; 0 while it stands."""
        return rate * (1 - self.scrap.at(rate)) if rate else 0.0


@dataclass(frozen=True, slots=True)
class Demand:
    """So many good parts by the end of hour `by` (1: the first one), counted from the beginning."""

    by: int
    good: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Money by cause."""

    energy: float
    scrap: float
    wear: float
    starts: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.energy + self.scrap + self.wear + self.starts


@dataclass(frozen=True, slots=True)
class Proposal:
    """Proposed rates by the hour (0: standing), good parts of each, and cost beside that of today's rates (None: not given).

    `conflicts`: demands that cannot be met, each with how much is missing; then there are no rates.
    """

    rates: tuple[float, ...]
    good: tuple[float, ...]
    cost: Cost | None
    today: Cost | None
    conflicts: tuple[str, ...] = ()


def cost_of(line: Line, prices: Sequence[float], rates: Sequence[float]) -> Cost:
    """What rates by the hour cost at energy prices (money per kWh) by the hour; the line stands before the first."""
    power = [line.power_kw.at(rate) if rate else line.standing_kw for rate in rates]
    starts = sum(bool(rate) and not before for before, rate in pairwise([0.0, *rates]))
    return Cost(
        energy=sum(price * kw for price, kw in zip(prices, power, strict=True)),
        scrap=line.part_cost * sum(rate * line.scrap.at(rate) for rate in rates if rate),
        wear=sum(line.wear_per_h.at(rate) for rate in rates if rate),
        starts=line.start_cost * starts,
    )


def propose(line: Line, prices: Sequence[float], demands: Sequence[Demand], today: Sequence[float] | None = None, seconds: float = 20.0) -> Proposal:
    """The cheapest rates that meet all demands, or which demand cannot be met and by how much. Raises InvalidLine for hours that do not agree.

    `prices`: money per kWh, one for each hour. `today`: the rates now, to compare. `seconds`: for the solver, twice at most.
    """
    wrong = [demand for demand in demands if not 1 <= demand.by <= len(prices)]
    if wrong or not prices or (today is not None and len(today) != len(prices)):
        raise InvalidLine(
            f"{len(prices)} hours have prices, demands are by {[one.by for one in demands]}; give prices, demands and rates of the same hours"
        )
    compared = cost_of(line, prices, today) if today is not None else None
    short = _run(line, prices, demands, seconds, only_missing=True)
    conflicts = tuple(_conflict(line, demand, missing) for demand, missing in zip(demands, short[1], strict=True) if missing > TOLERANCE * 10)
    if conflicts:
        return Proposal((), (), None, compared, conflicts)
    rates = tuple(_run(line, prices, demands, seconds, only_missing=False)[0])
    return Proposal(rates, tuple(line.good(rate) for rate in rates), cost_of(line, prices, rates), compared)


def _conflict(line: Line, demand: Demand, missing: float) -> str:
    best = max((line.good(rate) for rate in _grid(line)), default=0.0)
    if not best:
        return (
            f"{demand.good:g} good parts by hour {demand.by} are asked and no rate of the line keeps its limits on scrap and power; widen one of them"
        )
    return (
        f"{demand.good:g} good parts by hour {demand.by} are asked and {missing:.1f} of them cannot be made, at {best:.1f} per hour at most; "
        f"ask for {missing:.1f} less, or have them {-(-missing // best):.0f} hours later"
    )


def _grid(line: Line) -> list[float]:
    """Rates between which everything is straight enough: bends of all curves and of the limits, and points between."""
    inside = {line.rate_min, line.rate_max}
    for curve, limit in ((line.power_kw, line.power_max_kw), (line.scrap, line.scrap_max), (line.wear_per_h, None)):
        inside |= {x for x, _ in curve.points if line.rate_min < x < line.rate_max}
        inside |= {x for x in _crossings(curve, limit) if line.rate_min < x < line.rate_max}
    bends = sorted(inside)
    between = [low + (high - low) * part / PIECES for low, high in pairwise(bends) for part in range(1, PIECES)]
    return [rate for rate in sorted({*bends, *between}) if line.allows(rate)]


def _crossings(curve: Curve, limit: float | None) -> list[float]:
    """Where a curve meets a limit."""
    if limit is None:
        return []
    pairs = [(one, other) for one, other in pairwise(curve.points) if min(one[1], other[1]) < limit < max(one[1], other[1])]
    return [x0 + (limit - y0) * (x1 - x0) / (y1 - y0) for (x0, y0), (x1, y1) in pairs]


def _run(line: Line, prices: Sequence[float], demands: Sequence[Demand], seconds: float, *, only_missing: bool) -> tuple[list[float], list[float]]:
    """Rates by the hour, and what each demand misses; the least missing in all, or (when nothing has to be) the least cost."""
    from models.planning.exact.solving import solver

    grid = _grid(line)
    if not grid:
        return [0.0] * len(prices), [demand.good for demand in demands]
    model = _model(line, prices, demands, grid)
    if only_missing:
        model.aim = pyo.Objective(expr=sum(model.missing[number] for number in range(len(demands))) + 0.0)
    else:
        for number in range(len(demands)):
            model.missing[number].fix(0.0)
        model.aim = pyo.Objective(expr=model.cost)
    highs = solver(seconds, 0, gap=1e-6)
    result = highs.solve(model)
    if result.best_feasible_objective is None:
        raise InvalidLine(f"the solver ended with {result.termination_condition.name} after {seconds} s; give it more time or fewer hours")
    result.solution_loader.load_vars()
    rates = [float(sum(rate * pyo.value(model.part[hour, place]) for place, rate in enumerate(grid))) for hour in range(len(prices))]
    running = [rate if pyo.value(model.runs[hour]) > 0.5 else 0.0 for hour, rate in enumerate(rates)]
    return [min(max(rate, grid[0]), grid[-1]) if rate else 0.0 for rate in running], _missing(model, demands)


def _missing(model: pyo.ConcreteModel, demands: Sequence[Demand]) -> list[float]:
    return [float(pyo.value(model.missing[number])) for number in range(len(demands))]


def _model(line: Line, prices: Sequence[float], demands: Sequence[Demand], grid: list[float]) -> pyo.ConcreteModel:
    """Each hour's rate as a mix of two neighbours of the grid. Only neighbours that the limits allow all the way count as such."""
    model, hours, places = pyo.ConcreteModel(), range(len(prices)), range(len(grid))
    pieces = [place for place in range(len(grid) - 1) if line.allows((grid[place] + grid[place + 1]) / 2)]
    model.runs = pyo.Var(hours, domain=pyo.Binary)
    model.starts = pyo.Var(hours, bounds=(0, 1))
    model.part = pyo.Var(hours, places, bounds=(0, 1))
    model.between = pyo.Var(hours, range(-1, len(grid)), domain=pyo.Binary)
    model.missing = pyo.Var(range(len(demands)), bounds=(0, None))
    model.limits = pyo.ConstraintList()
    allowed = pieces or [-1]
    for hour in hours:
        # Piece -1 stands for a single rate: the grid then has no two neighbours
        for piece in set(range(-1, len(grid))) - set(allowed):
            model.between[hour, piece].fix(0)
        model.limits.add(sum(model.between[hour, piece] for piece in allowed) == model.runs[hour])
        model.limits.add(sum(model.part[hour, place] for place in places) == model.runs[hour])
        for place in places:
            near = [model.between[hour, piece] for piece in allowed if piece in (place - 1, place) or (piece == -1 and not pieces)]
            model.limits.add(model.part[hour, place] <= (sum(near) if near else 0))
        before = model.runs[hour - 1] if hour else 0
        model.limits.add(model.starts[hour] >= model.runs[hour] - before)
    _add_ramp(model, line, grid, len(prices))
    _add_demands(model, line, demands, grid)
    _add_cost(model, line, prices, grid)
    return model


def _mix(model: pyo.ConcreteModel, hour: int, values: Sequence[float]) -> pyo.Expression:
    return sum(value * model.part[hour, place] for place, value in enumerate(values))


def _add_ramp(model: pyo.ConcreteModel, line: Line, grid: list[float], hours: int) -> None:
    if line.ramp is None:
        return
    for hour in range(1, hours):
        change = _mix(model, hour, grid) - _mix(model, hour - 1, grid)
        free = line.rate_max * (2 - model.runs[hour] - model.runs[hour - 1])
        model.limits.add(change <= line.ramp + free)
        model.limits.add(-change <= line.ramp + free)


def _add_demands(model: pyo.ConcreteModel, line: Line, demands: Sequence[Demand], grid: list[float]) -> None:
    good = [line.good(rate) for rate in grid]
    made = list(accumulate(_mix(model, hour, good) for hour in range(max((one.by for one in demands), default=0))))
    for number, demand in enumerate(demands):
        model.limits.add(made[demand.by - 1] + model.missing[number] >= demand.good)


def _add_cost(model: pyo.ConcreteModel, line: Line, prices: Sequence[float], grid: list[float]) -> None:
    running = [line.part_cost * rate * line.scrap.at(rate) + line.wear_per_h.at(rate) for rate in grid]
    power = [line.power_kw.at(rate) for rate in grid]
    cost = 0.0
    for hour, price in enumerate(prices):
        cost += _mix(model, hour, running) + price * _mix(model, hour, power) + price * line.standing_kw * (1 - model.runs[hour])
        cost += line.start_cost * model.starts[hour]
    model.cost = pyo.Expression(expr=cost)
