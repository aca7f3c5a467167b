"""What work takes of materials, and what there is of them and comes: bills, lots, deliveries and consumption of the record.

Only a material with a delivery in the record, whatever became of it, is a limit: of any other nobody can know what will come, and a plan that went by
its stock would refuse what tomorrow's delivery is for. Nor is one that an open order makes: when that is there, is a matter of the plan itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from factolake.domain.order import MAKING, OperationState, OrderState
from factolake.planning.building.ground import ENDED
from factolake.planning.situation import OrderOperation, Stock
from pipelines.planning.record import Record, Row, listed, quoted, valid

OPEN = tuple(state for state in MAKING if state is not OrderState.PLANNED)
NOT_ENDED = tuple(state for state in OperationState if state not in ENDED)

Bills = Mapping[tuple[str, int], Mapping[str, float]]
"""By material and routing step, so much of each component for one item."""
Arrival = tuple[datetime, float]


@dataclass(frozen=True, slots=True)
class Materials:
    """What limits a line: the components of `bills` and what there is of each."""

    bills: Bills
    stocks: tuple[Stock, ...]
    taken: Mapping[str, Mapping[str, float]]

    def on(self, operation: OrderOperation, material: str) -> OrderOperation:
        """The operation, which makes `material`, with what it takes and has taken."""
        needs = self.bills.get((material, operation.number), {})
        return replace(operation, needs=needs, taken=self.taken.get(operation.operation_id, {})) if needs else operation


def materials_of(record: Record, line: str, now: datetime, operations: Iterable[Row], materials: Mapping[str, str]) -> Materials:
    """For the open `operations` of `line`; `materials`: what each order makes. Raises TableDamaged."""
    made = set(materials.values())
    bills = _bills(valid(record.rows("bill_items", f"material_id IN ({listed(sorted(made))})"), now)) if made else {}
    components = {component for needs in bills.values() for component in needs}
    deliveries = record.rows("deliveries", f"material_id IN ({listed(sorted(components))})") if components else []
    limits = {row["material_id"] for row in deliveries} - _made_here(record, components)
    if not limits:
        return Materials({}, (), {})
    bills = {step: kept for step, needs in bills.items() if (kept := {name: each for name, each in needs.items() if name in limits})}
    others = _taken_elsewhere(record, line, now, limits)
    begun = [row["operation_id"] for row in operations if row["actual_start_ts"] is not None and row["state"] in NOT_ENDED]
    stocks = (_stock(name, there, deliveries, others.get(name, []), now) for name, there in sorted(_on_hand(record, limits).items()))
    return Materials(bills, tuple(stocks), _consumed(record, begun))


def _bills(rows: Iterable[Row]) -> dict[tuple[str, int], dict[str, float]]:
    found: dict[tuple[str, int], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        found[row["material_id"], row["step_number"]][row["component_id"]] += float(row["quantity"])
    return found


def _made_here(record: Record, components: set[str]) -> set[str]:
    wanted = f"material_id IN ({listed(sorted(components))}) AND state IN ({listed(MAKING)})" if components else ""
    return {row["material_id"] for row in record.rows("orders", wanted)} if wanted else set()


def _on_hand(record: Record, limits: set[str]) -> dict[str, float]:
    """What lies in lots that are neither blocked nor under inspection."""
    there = dict.fromkeys(limits, 0.0)
    for row in record.rows("lots", f"material_id IN ({listed(sorted(limits))}) AND status = 'unrestricted' AND remaining > 0"):
        there[row["material_id"]] += float(row["remaining"])
    return there


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


def _taken_elsewhere(record: Record, line: str, now: datetime, limits: set[str]) -> dict[str, list[Arrival]]:
    """By material, when and how much the other lines take by their plans."""
    bills = _bills(valid(record.rows("bill_items", f"component_id IN ({listed(sorted(limits))})"), now))
    made = {material for material, _ in bills}
    orders = record.rows("orders", f"line <> {quoted(line)} AND state IN ({listed(OPEN)}) AND material_id IN ({listed(sorted(made))})")
    by_id = {row["order_id"]: row for row in orders}
    work = record.rows("operations", f"order_id IN ({listed(sorted(by_id))}) AND state IN ({listed(NOT_ENDED)})") if by_id else []
    work = [row for row in work if (by_id[row["order_id"]]["material_id"], row["number"]) in bills]
    consumed = _consumed(record, [row["operation_id"] for row in work if row["actual_start_ts"] is not None])
    found: dict[str, list[Arrival]] = defaultdict(list)
    for row in work:
        start_ts, order = row["actual_start_ts"] or row["planned_start_ts"], by_id[row["order_id"]]
        items = float(order["quantity"] if row["quantity"] is None else row["quantity"])
        for name, each in bills[order["material_id"], row["number"]].items():
            left = each * items - consumed.get(row["operation_id"], {}).get(name, 0.0)
            if start_ts is not None and left > 0:
                found[name].append((max(start_ts, now), left))
    return found


def _stock(name: str, on_hand: float, deliveries: Iterable[Row], takes: Iterable[Arrival], now: datetime) -> Stock:
    """What there is for this line. An expected delivery that is overdue stays, to be told of."""
    expected = (row for row in deliveries if row["material_id"] == name and row["state"] == "expected")
    arrivals = [(row["expected_ts"], float(row["quantity"]) - float(row["received"])) for row in expected]
    overdue = [arrival for arrival in arrivals if arrival[0] <= now]
    there, *coming = free([(now, on_hand), *(arrival for arrival in arrivals if arrival[0] > now)], takes)
    return Stock(name, there[1], tuple(sorted([*overdue, *coming])), is_all=True)


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
