"""What work takes of materials, and what there is of them and comes: bills, lots, deliveries, open orders and consumption of the record.

Only a material with a delivery in the record, whatever became of it, or one that an open order makes is a limit: of any other nobody can know what
will come, and a plan that went by its stock would refuse what tomorrow's delivery is for. Who takes what from whom is `factolake.planning.pegging`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from factolake.contracts.formats.sql import listed
from factolake.domain.order import IN_PLANS, MAKING, OperationState, OrderState
from factolake.planning.building.ground import ENDED
from factolake.planning.pegging import Pegged, demands_of, maker_of, pegged
from factolake.planning.situation import Order, OrderOperation, Peg, Stock
from pipelines.planning.record import Record, Row, valid

MOST_LISTED = 500
"""Orders named in one condition; beyond that all operations are read."""

Bills = Mapping[tuple[str, int], Mapping[str, float]]
"""By material and routing step, so much of each component for one item."""
Amounts = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Materials:
    """What limits a line: the components of `bills`, what there is of each, and by operation what it has taken and what it is pegged to."""

    bills: Bills
    stocks: tuple[Stock, ...]
    taken: Amounts
    pegs: Mapping[str, tuple[Peg, ...]]

    def on(self, operation: OrderOperation, material: str) -> OrderOperation:
        """The operation, which makes `material`, with what it takes, has taken, and has from other orders."""
        needs, name = self.bills.get((material, operation.number), {}), operation.operation_id
        return replace(operation, needs=needs, taken=self.taken.get(name, {}), pegs=self.pegs.get(name, ())) if needs else operation


def materials_of(record: Record, line: str, now: datetime, made: Collection[str]) -> Materials:
    """For the open orders of `line`, which make `made`. Raises TableDamaged."""
    own = valid(record.rows("bill_items", f"material_id IN ({listed(sorted(made))})"), now) if made else []
    components = sorted({row["component_id"] for row in own})
    if not components:
        return Materials({}, (), {}, {})
    deliveries = record.rows("deliveries", f"material_id IN ({listed(components)})")
    making = record.rows("orders", f"material_id IN ({listed(components)}) AND state IN ({listed(MAKING)})")
    limits = {row["material_id"] for row in (*deliveries, *making)}
    if not limits:
        return Materials({}, (), {}, {})
    bills = _bills(valid(record.rows("bill_items", f"component_id IN ({listed(sorted(limits))})"), now))
    taking = record.rows("orders", f"material_id IN ({listed(sorted({material for material, _ in bills}))}) AND state IN ({listed(IN_PLANS)})")
    orders = {row["order_id"]: order_of(row) for row in (*making, *taking)}
    work = operations_of(record, orders)
    begun = [row["operation_id"] for row in work if row["actual_start_ts"] is not None and OperationState(row["state"]) not in ENDED]
    taken = _consumed(record, begun)
    found = _pegged(line, now, orders, work, bills, taken, _stocks(record, limits, deliveries))
    return Materials(bills, tuple(stock for stock in found.stocks if stock.is_all), taken, found.pegs)


def operations_of(record: Record, orders: Collection[str]) -> list[Row]:
    """All operations of these orders. Raises TableDamaged."""
    if not orders:
        return []
    found = record.rows("operations", f"order_id IN ({listed(sorted(orders))})" if len(orders) <= MOST_LISTED else None)
    return [row for row in found if row["order_id"] in orders]


def order_of(row: Row) -> Order:
    """A row of silver.orders as plans see it."""
    return Order(row["order_id"], row["line"], row["material_id"], float(row["quantity"]), row["due_ts"], row["priority"], OrderState(row["state"]))


def _pegged(
    line: str, now: datetime, orders: Mapping[str, Order], work: Iterable[Row], bills: Bills, taken: Amounts, stocks: Iterable[Stock]
) -> Pegged:
    """Who takes what from whom, of the open orders of all lines; what none of `bills` asks for is left aside."""
    steps: dict[str, list[OrderOperation]] = {name: [] for name in orders}
    for row in work:
        needs = bills.get((orders[row["order_id"]].material_id, row["number"]), {})
        steps[row["order_id"]].append(_step(row, needs, taken.get(row["operation_id"], {})))
    takers = (order for order in orders.values() if order.state in IN_PLANS)
    demands = (demand for order in takers for step in steps[order.order_id] for demand in demands_of(order, step))
    return pegged(line, now, demands, (maker_of(order, steps[order.order_id]) for order in orders.values()), stocks)


def _step(row: Row, needs: Mapping[str, float], taken: Mapping[str, float]) -> OrderOperation:
    """As much of an operation as pegging goes by."""
    return OrderOperation(
        operation_id=row["operation_id"],
        order_id=row["order_id"],
        number=row["number"],
        equipment=row["equipment"],
        state=OperationState(row["state"]),
        quantity=None if row["quantity"] is None else float(row["quantity"]),
        good=float(row["good"]),
        scrap=float(row["scrap"]),
        planned_start_ts=row["planned_start_ts"],
        planned_end_ts=row["planned_end_ts"],
        actual_start_ts=row["actual_start_ts"],
        needs=needs,
        taken=taken,
    )


def _bills(rows: Iterable[Row]) -> dict[tuple[str, int], dict[str, float]]:
    found: dict[tuple[str, int], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        found[row["material_id"], row["step_number"]][row["component_id"]] += float(row["quantity"])
    return found


def _consumed(record: Record, operations: list[str]) -> dict[str, dict[str, float]]:
    """By operation, what was booked to it of each material."""
    used = record.rows("consumption", f"operation_id IN ({listed(sorted(operations))})") if operations else []
    lots = {row["lot_id"] for row in used}
    of = {row["lot_id"]: row["material_id"] for row in record.rows("lots", f"lot_id IN ({listed(sorted(lots))})")} if lots else {}
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in used:
        if row["lot_id"] in of:
            found[row["operation_id"]][of[row["lot_id"]]] += float(row["quantity"])
    return found


def _stocks(record: Record, limits: set[str], deliveries: Iterable[Row]) -> Iterator[Stock]:
    """What lies in lots that are neither blocked nor under inspection, and the deliveries that are expected."""
    there = dict.fromkeys(limits, 0.0)
    for row in record.rows("lots", f"material_id IN ({listed(sorted(limits))}) AND status = 'unrestricted' AND remaining > 0"):
        there[row["material_id"]] += float(row["remaining"])
    told: dict[str, list[Row]] = defaultdict(list)
    for row in deliveries:
        told[row["material_id"]].append(row)
    for name, on_hand in sorted(there.items()):
        expected = ((row["expected_ts"], float(row["quantity"]) - float(row["received"])) for row in told[name] if row["state"] == "expected")
        yield Stock(name, on_hand, tuple(expected), is_all=name in told)
