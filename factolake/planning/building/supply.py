"""Materials: what operations still take of them, and what is there and comes, in the units of a problem."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from math import ceil, floor

from factolake.domain.job import Material
from factolake.domain.order import OperationState
from factolake.planning.building.ground import ENDED, Ground
from factolake.planning.situation import OrderOperation

Arrival = tuple[datetime, float]
SLACK = 1e-6
"""Of a unit: what sums of binary fractions are off at most."""


def needs_of(ground: Ground, operation: OrderOperation) -> Iterator[tuple[str, float]]:
    """What the operation still takes of materials that are kept in stock: all it needs, less what was booked to it already and what it is pegged to.

    Where consumption is booked late or not at all, what it has used by count is still on the books, and is taken off them so.
    """
    items = ground.left(operation) + operation.good + operation.scrap
    for material, per_item in operation.needs.items():
        elsewhere = sum(peg.quantity for peg in operation.pegs if peg.material_id == material)
        wanted = per_item * items - operation.taken.get(material, 0.0) - elsewhere
        if material in ground.stocks and wanted > SLACK:
            yield material, wanted


def has_begun(operation: OrderOperation) -> bool:
    """Whether it was started: its material is with it, and its machine is set up for it."""
    return operation.actual_start_ts is not None or operation.state == OperationState.RUNNING


def free_arrivals(ground: Ground) -> dict[str, list[Arrival]]:
    """By material, in the order of the situation, what is there (at its `now_ts`) and comes, by time, without what work that has begun still takes.

    An arrival that is overdue is not counted: nobody knows when it comes.
    """
    at = ground.situation
    begun = [one for one in at.operations if one.state not in ENDED and one.order_id in ground.orders and has_begun(one)]
    taken: dict[str, float] = {}
    for name, quantity in (need for one in begun for need in needs_of(ground, one)):
        taken[name] = taken.get(name, 0.0) + quantity
    found = {}
    for stock in at.stocks:
        coming = sorted(arrival for arrival in stock.arrivals if arrival[0] > at.now_ts)
        found[stock.material_id] = list(_without([(at.now_ts, stock.on_hand), *coming], taken.get(stock.material_id, 0.0)))
    return found


def _without(arrivals: list[Arrival], taken: float) -> Iterator[Arrival]:
    """The arrivals without `taken`, which goes off the earliest first."""
    for when, quantity in arrivals:
        used = min(quantity, taken)
        taken -= used
        yield when, quantity - used


def materials_of(ground: Ground, needs: Iterable[tuple[str, float]]) -> tuple[tuple[Material, ...], list[int]]:
    """The materials of a problem, and into how many units each splits the material's base unit so that `needs` are whole."""
    wanted: dict[str, list[float]] = {}
    for name, quantity in needs:
        wanted.setdefault(name, []).append(quantity)
    found, scales = [], []
    for name, arrivals in free_arrivals(ground).items():
        scale = _scale([*(quantity for _, quantity in arrivals), *wanted.get(name, ())])
        whole = ((max(ground.seconds.at(when), 0), floor(quantity * scale + SLACK)) for when, quantity in arrivals)
        found.append(Material(name, tuple(whole)))
        scales.append(scale)
    return tuple(found), scales


def units(quantity: float, scale: int) -> int:
    """A need in whole units, rounded up."""
    return ceil(quantity * scale - SLACK)


def _scale(quantities: list[float]) -> int:
    for scale in (1, 10, 100, 1000):
        if all(abs(quantity * scale - round(quantity * scale)) < SLACK for quantity in quantities):
            return scale
    return 10_000  # the record keeps 4 digits behind the point


class Supply:
    """What is there of a material and comes, as it is given out: first what comes first."""

    def __init__(self, arrivals: list[Arrival]) -> None:
        self._arrivals, self._given = arrivals, 0.0

    @property
    def left(self) -> float:
        """What nobody was given yet; never below 0."""
        return max(sum(quantity for _, quantity in self._arrivals) - self._given, 0.0)

    def take(self, quantity: float) -> datetime | None:
        """Give so much more; returns when all that was given is there, None: never."""
        self._given += quantity
        there = 0.0
        for when, arriving in self._arrivals:
            there += arriving
            if there + SLACK >= self._given:
                return when
        return None


def free(arrivals: Iterable[Arrival], takes: Iterable[Arrival]) -> list[Arrival]:
    """What of `arrivals` is left, by time and from the earliest on, where others take `takes`, now or later: at no time more than stays for good."""
    arriving = sorted(arrivals)
    changes = sorted([*((when, 0, quantity) for when, quantity in arriving), *((when, 1, -quantity) for when, quantity in takes)])
    balance, balances = 0.0, []
    for when, _, quantity in changes:
        balance += quantity
        balances.append((when, balance))
    lowest = list(_suffix_minima(balances))
    return list(_steps(arriving[0][0], lowest))


def _suffix_minima(balances: list[Arrival]) -> Iterator[Arrival]:
    least, found = float("inf"), []
    for when, balance in reversed(balances):
        least = min(least, balance)
        found.append((when, max(least, 0.0)))
    yield from reversed(found)


def _steps(first: datetime, levels: list[Arrival]) -> Iterator[Arrival]:
    """The rises of `levels`; the first one also where it is 0."""
    at_first = [level for when, level in levels if when == first]
    level = at_first[-1]
    yield first, level
    for when, higher in levels:
        if when > first and higher > level:
            yield when, higher - level
            level = higher
