"""Who takes what from whom: open demands pegged to stock, to the orders that make the material and to deliveries, as MRP does.

Demands are served in the order of need: each from usable stock first, then from orders of its own line, then from orders of other lines by their
planned end, then from deliveries. Values in, values out: readers of a record fill them, and `factolake.planning.building` makes the problem of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from factolake.domain.order import OperationState, OrderState
from factolake.planning.building.ground import ENDED
from factolake.planning.building.leaving_out import last_steps
from factolake.planning.building.supply import SLACK, Arrival, free, has_begun
from factolake.planning.situation import Order, OrderOperation, Peg, PegKind, Stock

_DIGITS = 10_000
"""The record keeps 4 digits behind the point; what is finer is rounded up, so that what is given out never comes to more than there is."""


@dataclass(frozen=True, slots=True)
class Demand:
    """So much of a material that an open operation still takes.

    `line`: of its order. `start_ts`: its actual start, or else the planned one. `is_held`: it or its order is on hold, so others go first.
    """

    operation_id: str
    order_id: str
    line: str
    material_id: str
    quantity: float
    start_ts: datetime | None = None
    due_ts: datetime | None = None
    priority: int = 0
    has_begun: bool = False
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Maker:
    """An open order and how much it still makes. `line`: whose plan moves it, empty: none does. `ends_ts`: planned end of its last step."""

    order_id: str
    line: str
    material_id: str
    quantity: float
    ends_ts: datetime | None = None
    due_ts: datetime | None = None
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Pegged:
    """What a line may count on of each material, and by operation what of its needs comes neither from that nor with a delivery."""

    stocks: tuple[Stock, ...]
    pegs: Mapping[str, tuple[Peg, ...]]


def demands_of(order: Order, operation: OrderOperation) -> Iterator[Demand]:
    """What an open operation still takes: all that its items need, less what was booked to it."""
    if operation.state in ENDED:
        return
    quantity = order.quantity if operation.quantity is None else operation.quantity
    items = max(quantity, operation.good + operation.scrap)
    is_held = OrderState.HELD == order.state or operation.state == OperationState.HELD
    for name, each in operation.needs.items():
        yield Demand(
            operation.operation_id,
            order.order_id,
            order.line,
            name,
            each * items - operation.taken.get(name, 0.0),
            operation.actual_start_ts or operation.planned_start_ts,
            order.due_ts,
            order.priority,
            has_begun(operation),
            is_held,
        )


def maker_of(order: Order, operations: Iterable[OrderOperation]) -> Maker:
    """What an order of these operations, ended ones among them, still makes: what its last step has left, and no more than what was not scrapped.

    What the last step made already is in stock, as lots. An order that is not released, or has no open last step, is moved by no plan.
    """
    steps = [one for one in operations if one.state != OperationState.CANCELLED]
    waits, last = last_steps(steps), max((one.number for one in steps), default=0)
    unmade = order.quantity - sum(one.good for one in steps if one.number == last) - sum(one.scrap for one in steps)
    left = sum(max((order.quantity if one.quantity is None else one.quantity) - one.good - one.scrap, 0.0) for one in waits)
    ends = [one.planned_end_ts for one in waits]
    return Maker(
        order.order_id,
        order.line if waits and order.state != OrderState.PLANNED else "",
        order.material_id,
        max(min(left, unmade) if steps else unmade, 0.0),
        max((moment for moment in ends if moment is not None), default=None) if None not in ends else None,
        order.due_ts,
        OrderState.HELD == order.state or any(one.state == OperationState.HELD for one in waits),
    )


def pegged(line: str, now_ts: datetime, demands: Iterable[Demand], makers: Iterable[Maker], stocks: Iterable[Stock]) -> Pegged:
    """For the plan of `line`, of the open demands and orders of all lines. `stocks`: all that is usable, and the deliveries that are expected.

    Materials that are not among `stocks` are left aside. `Stock.is_all` there: deliveries of it are in the record, so they are all that comes from
    outside. Other lines take what they do by their plans: what has no start takes nothing. A material that orders make and no delivery brings is a
    limit as far as stock and orders go, and nobody knows where the rest comes from. One of which only stock is known comes back without `is_all`.
    """
    known = {stock.material_id: stock for stock in stocks}
    made_by = [maker for maker in makers if maker.quantity > SLACK and maker.material_id in known]
    book = _Book(line, now_ts, known, made_by)
    for demand in sorted(demands, key=_need):
        if demand.quantity > SLACK and demand.material_id in known and (demand.line == line or demand.start_ts is not None):
            book.serve(demand)
    return Pegged(tuple(book.left_for_the_line(known[name]) for name in sorted(known)), {key: tuple(found) for key, found in book.pegs.items()})


@dataclass(slots=True)
class _Book:
    """What is left of each supply while demands are served, which order waits for which, and what other lines take of what all lines draw from."""

    line: str
    now_ts: datetime
    stocks: Mapping[str, Stock]
    makers: list[Maker]
    pegs: dict[str, list[Peg]] = field(default_factory=dict)
    _on_hand: dict[str, float] = field(init=False)
    _coming: dict[str, float] = field(init=False)
    _unmade: dict[str, float] = field(init=False)
    _makers_of: dict[str, list[Maker]] = field(init=False)
    _kept: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _takes: dict[str, list[Arrival]] = field(default_factory=lambda: defaultdict(list))
    _waits: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self._on_hand = {name: stock.on_hand for name, stock in self.stocks.items()}
        self._coming = {name: sum(quantity for when, quantity in stock.arrivals if when > self.now_ts) for name, stock in self.stocks.items()}
        self._unmade = {maker.order_id: maker.quantity for maker in self.makers}
        self._makers_of = {name: [] for name in self.stocks}
        for maker in sorted(self.makers, key=_turn):
            self._makers_of[maker.material_id].append(maker)

    def serve(self, demand: Demand) -> None:
        """Give a demand what it still can have, and note from where."""
        name, line = demand.material_id, demand.line
        wanted = ceil(demand.quantity * _DIGITS - SLACK) / _DIGITS
        drawn = _drawn(self._on_hand, name, wanted)
        rest, circles, undated = wanted - drawn, list[Maker](), list[Maker]()
        for maker in sorted(self._makers_of[name], key=lambda one: one.line != line):
            if rest <= SLACK or maker.order_id == demand.order_id or self._unmade[maker.order_id] <= SLACK:
                continue
            if maker.line != line and not self._is_dated(maker):
                undated.append(maker)
            elif not demand.has_begun and self._waits_for(maker.order_id, demand.order_id):
                circles.append(maker)
            else:
                used = self._used(demand, maker, rest)
                drawn += used if line != maker.line != self.line else 0.0
                rest -= used
        delivered = _drawn(self._coming, name, rest)
        rest = self._unlimited(demand, rest - delivered, undated, circles)
        if line != self.line:
            self._takes[name].append((max(demand.start_ts or self.now_ts, self.now_ts), drawn + delivered + rest))

    def left_for_the_line(self, stock: Stock) -> Stock:
        """What of a material is there and comes, apart from what other lines take. A delivery that is overdue stays, to be told of."""
        makers = [one for one in self._makers_of[stock.material_id] if one.line != self.line and self._is_dated(one)]
        made = [(one.ends_ts, left, one.order_id) for one in makers if one.ends_ts and (left := one.quantity - self._kept[one.order_id]) > SLACK]
        overdue = [arrival for arrival in stock.arrivals if arrival[0] <= self.now_ts]
        coming = [*(arrival for arrival in stock.arrivals if arrival[0] > self.now_ts), *((when, left) for when, left, _ in made)]
        there, *later = free([(self.now_ts, stock.on_hand), *coming], self._takes[stock.material_id])
        is_all = stock.is_all or bool(self._makers_of[stock.material_id])
        named = tuple((when, order_id) for when, _, order_id in made)
        return Stock(stock.material_id, there[1], tuple(sorted([*overdue, *later])), is_all=is_all, makers=named)

    def _used(self, demand: Demand, maker: Maker, rest: float) -> float:
        """What a demand has of an order in time; from now on it waits for that, unless it has begun."""
        used = _drawn(self._unmade, maker.order_id, rest)
        if not demand.has_begun:
            self._waits[demand.order_id].add(maker.order_id)
        if maker.line == demand.line:
            self._kept[maker.order_id] += used
            self._peg(demand, used, maker.order_id, PegKind.HERE)
        return used

    def _unlimited(self, demand: Demand, rest: float, undated: Iterable[Maker], circles: Iterable[Maker]) -> float:
        """What of the rest of a demand limits it all the same: of what orders make that it cannot wait for nothing does."""
        for kind, makers in ((PegKind.UNDATED, undated), (PegKind.CIRCLE, circles)):
            for maker in makers:
                used = _drawn(self._unmade, maker.order_id, rest)
                self._peg(demand, used, maker.order_id, kind)
                rest -= used
        if self.stocks[demand.material_id].is_all or not self._makers_of[demand.material_id]:
            return rest
        self._peg(demand, rest, "", PegKind.UNKNOWN)
        return 0.0

    def _peg(self, demand: Demand, quantity: float, order_id: str, kind: PegKind) -> None:
        if quantity > SLACK and demand.line == self.line:
            self.pegs.setdefault(demand.operation_id, []).append(Peg(demand.material_id, round(quantity, 4), order_id, kind))

    def _is_dated(self, maker: Maker) -> bool:
        """Whether somebody knows when it ends. A planned end that has passed says nothing, like a delivery that is overdue."""
        return maker.ends_ts is not None and maker.ends_ts > self.now_ts and not maker.is_held

    def _waits_for(self, order_id: str, other: str) -> bool:
        """Whether an order waits for another one, directly or over others."""
        seen, ahead = {order_id}, [order_id]
        while ahead:
            found = self._waits[ahead.pop()] - seen
            if other in found:
                return True
            seen |= found
            ahead += found
        return False


def _need(demand: Demand) -> tuple[bool, bool, int, bool, float, bool, float, str, str]:
    """What has begun first; then by priority, by planned start and by due date, what is held last."""
    start, due = (0.0 if moment is None else moment.timestamp() for moment in (demand.start_ts, demand.due_ts))
    planned = (demand.start_ts is None, start, demand.due_ts is None, due)
    return (not demand.has_begun, demand.is_held, -demand.priority, *planned, demand.order_id, demand.operation_id)


def _turn(maker: Maker) -> tuple[bool, bool, float, bool, float, str]:
    """What ends first, then what is due first; what is held last."""
    ends, due = (0.0 if moment is None else moment.timestamp() for moment in (maker.ends_ts, maker.due_ts))
    return (maker.is_held, maker.ends_ts is None, ends, maker.due_ts is None, due, maker.order_id)


def _drawn(left: dict[str, float], name: str, wanted: float) -> float:
    """As much of `wanted` as is left, taken off."""
    used = min(max(wanted, 0.0), left[name])
    left[name] -= used
    return used
