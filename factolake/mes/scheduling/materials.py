"""What the work of a line takes of materials, and what there is of them and comes: bills, lots, deliveries, open orders and consumption.

Who takes what from whom is `factolake.planning.pegging`, here as in the planner's own reading of the lake.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q, QuerySet, Sum

from factolake.domain.order import IN_PLANS, MAKING, OperationState, OrderState
from factolake.mes.core.validity import valid_at
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.models import BillItem, Consumption, Delivery, DeliveryState, Lot, LotStatus, Operation
from factolake.mes.production.models import Order as OrderRow
from factolake.planning.building.leaving_out import last_steps
from factolake.planning.pegging import Maker, Pegged, demands_of, maker_of, pegged
from factolake.planning.situation import Order, OrderOperation, Peg, PegKind, Stock

Amounts = Mapping[str, Mapping[str, float]]
Bills = Mapping[tuple[str, int], Mapping[str, float]]
"""By material and routing step, so much of each component for one item."""


@dataclass(frozen=True, slots=True)
class Materials:
    """By operation: `needs` of a material for each item, how much of it was `taken`, and what comes from other orders; and the stocks there are."""

    needs: Amounts
    taken: Amounts
    stocks: tuple[Stock, ...]
    pegs: Mapping[str, tuple[Peg, ...]]


def materials_of(line: Equipment, work: Sequence[Operation], now: datetime) -> Materials:
    """For the line's open operations. Of what is neither booked in lots nor awaited nor made by an order, there is any quantity."""
    bills = _bills(BillItem.objects.filter(valid_at(now), material__in={each.order.material_id for each in work}))
    needs = {each.pk: bills[step] for each in work if (step := (each.order.material_id, each.number)) in bills}
    if not needs:
        return Materials({}, {}, (), {})
    components = {name for each in needs.values() for name in each}
    stocks = _stocks(components)
    bills = _bills(BillItem.objects.filter(valid_at(now), component__in=list(stocks)))
    orders = _orders(line, work, stocks, {material for material, _ in bills})
    found = _steps(orders, bills)
    taken = {step.operation_id: step.taken for steps in found.values() for step in steps if step.taken}
    result = _pegged(line, now, {each.pk for each in work}, orders, found, stocks.values())
    return Materials(needs, taken, result.stocks, result.pegs)


def makers_of(line: Equipment, work: Sequence[Operation], now: datetime) -> dict[str, tuple[str, ...]]:
    """By operation of the line those that make what it waits for: the last steps of the line's orders that its material is pegged to."""
    last: dict[str, Operation] = {}
    for each in sorted(work, key=lambda each: (each.number, each.part)):
        last[each.order_id] = each
    pegs = materials_of(line, work, now).pegs
    found = {key: tuple(last[peg.order_id].pk for peg in of if peg.kind is PegKind.HERE and peg.order_id in last) for key, of in pegs.items()}
    return {key: makers for key, makers in found.items() if makers}


def _bills(items: QuerySet[BillItem]) -> dict[tuple[str, int], dict[str, float]]:
    found: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for material, step, component, quantity in items.values_list("material_id", "step_number", "component_id", "quantity"):
        found[material, step][component] = found[material, step].get(component, 0.0) + float(quantity)
    return found


def _stocks(components: Collection[str]) -> dict[str, Stock]:
    """What may be used of each component that is booked in lots, awaited or made by an open order, and the deliveries that are expected."""
    making = OrderRow.objects.filter(material__in=components, state__in=[state.value for state in MAKING])
    told = Delivery.objects.filter(material__in=components).order_by()
    booked = Lot.objects.filter(material__in=components).order_by()
    awaited: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for each in told.filter(state=DeliveryState.EXPECTED.value):
        awaited[each.material_id].append((each.expected_ts, float(each.left)))
    usable = booked.filter(status=LotStatus.UNRESTRICTED.value, remaining__gt=0)
    there = dict(usable.values_list("material_id").annotate(Sum("remaining")))
    limits = set(told.values_list("material_id", flat=True).distinct())
    others = {name for rows in (booked, making.order_by()) for name in rows.values_list("material_id", flat=True).distinct()}
    return {name: Stock(name, float(there.get(name, 0)), tuple(awaited[name]), is_all=name in limits) for name in sorted(limits | others)}


def _orders(line: Equipment, work: Iterable[Operation], components: Collection[str], takers: Collection[str]) -> dict[str, Order]:
    """Open orders that make or take one of the components. What is worked on at the line is the line's, whoever is to make it."""
    here = {each.order_id for each in work}
    makes = Q(material__in=list(components), state__in=[state.value for state in MAKING])
    takes = Q(material__in=list(takers)) & (Q(state__in=[state.value for state in IN_PLANS]) | Q(pk__in=list(here)))
    return {
        row.pk: Order(
            row.pk,
            line.pk if row.pk in here else row.line_id,
            row.material_id,
            float(row.quantity),
            row.due_ts,
            row.priority,
            OrderState(row.state),
        )
        for row in OrderRow.objects.filter(makes | takes)
    }


def _steps(orders: Mapping[str, Order], bills: Bills) -> dict[str, list[OrderOperation]]:
    """All operations of the orders, as much of each as pegging goes by."""
    rows = list(Operation.objects.filter(order__in=list(orders)))
    taken = _taken([row.pk for row in rows if row.actual_start_ts is not None and row.actual_end_ts is None])
    found: dict[str, list[OrderOperation]] = {key: [] for key in orders}
    for row in rows:
        found[row.order_id].append(
            OrderOperation(
                operation_id=row.pk,
                order_id=row.order_id,
                number=row.number,
                equipment=row.equipment_id,
                state=OperationState(row.state),
                quantity=None if row.quantity is None else float(row.quantity),
                good=float(row.good),
                scrap=float(row.scrap),
                planned_start_ts=row.planned_start_ts,
                planned_end_ts=row.planned_end_ts,
                actual_start_ts=row.actual_start_ts,
                needs=bills.get((orders[row.order_id].material_id, row.number), {}),
                taken=taken.get(row.pk, {}),
            )
        )
    return found


def _taken(begun: list[str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(dict)
    if begun:
        used = Consumption.objects.filter(operation__in=begun).order_by().values_list("operation_id", "lot__material_id")
        for key, material, quantity in used.annotate(Sum("quantity")):
            found[key][material] = float(quantity)
    return found


def _pegged(
    line: Equipment,
    now: datetime,
    here: Collection[str],
    orders: Mapping[str, Order],
    steps: Mapping[str, list[OrderOperation]],
    stocks: Iterable[Stock],
) -> Pegged:
    takers = (order for order in orders.values() if order.state in IN_PLANS or order.line == line.pk)
    demands = (demand for order in takers for step in steps[order.order_id] for demand in demands_of(order, step))
    return pegged(line.pk, now, demands, _makers(line, here, orders, steps), stocks)


def _makers(line: Equipment, here: Collection[str], orders: Mapping[str, Order], steps: Mapping[str, list[OrderOperation]]) -> Iterator[Maker]:
    """Orders as makers; one of the line whose last step is done elsewhere does not move with the line's plan."""
    for key, order in orders.items():
        is_elsewhere = order.line == line.pk and any(step.operation_id not in here for step in last_steps(steps[key]))
        yield maker_of(replace(order, line="") if is_elsewhere else order, steps[key])
