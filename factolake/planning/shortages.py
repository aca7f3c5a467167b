"""Materials that come, or are made here, later than the schedule takes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from factolake.domain.order import OperationState, OrderState
from factolake.planning.building.ground import Ground, Rules
from factolake.planning.building.leaving_out import last_steps, steps, waits_for
from factolake.planning.building.supply import Supply, free_arrivals, has_begun, needs_of
from factolake.planning.situation import OrderOperation, Situation

_WAITING = frozenset({OperationState.WAITING, OperationState.READY})


@dataclass(frozen=True, slots=True)
class Shortage:
    """The first operation of the schedule that lacks a material at its start: how much, and when that is there (None: nobody knows)."""

    material_id: str
    operation_id: str
    lacks: float
    comes_ts: datetime | None


def shortages(situation: Situation) -> tuple[Shortage, ...]:
    """By material, those of stocks first, in the order of the situation. What should have begun already would begin now."""
    if not situation.stocks and not any(operation.pegs for operation in situation.operations):
        return ()
    ground = Ground(situation, Rules())
    arrivals = free_arrivals(ground)
    takers: dict[str, list[tuple[datetime, str, float]]] = {}
    for operation, start_ts in _planned(ground):
        for name, quantity in needs_of(ground, operation):
            takers.setdefault(name, []).append((start_ts, operation.operation_id, quantity))
    found = (_first(name, arrivals[name], sorted(takers[name])) for name in arrivals if name in takers)
    short = {shortage.material_id: shortage for shortage in found if shortage is not None}
    for shortage in _unmade(ground):
        short.setdefault(shortage.material_id, shortage)
    return tuple(short.values())


def _planned(ground: Ground) -> Iterator[tuple[OrderOperation, datetime]]:
    for operation in ground.situation.operations:
        order, start_ts = ground.orders.get(operation.order_id), operation.planned_start_ts
        is_open = operation.state in _WAITING and order is not None and order.state != OrderState.HELD
        if is_open and start_ts is not None and not has_begun(operation):
            yield operation, max(start_ts, ground.situation.now_ts)


def _unmade(ground: Ground) -> Iterator[Shortage]:
    """By start, what is taken before the order that makes it ends by the schedule; of one without a planned end that is yet to come nobody knows."""
    ends: dict[str, datetime] = {}
    for order_id, operations in steps(ground).items():
        planned = [one.planned_end_ts for one in last_steps(operations)]
        if planned and None not in planned:
            ends[order_id] = max(end_ts for end_ts in planned if end_ts is not None)
    for operation, start_ts in sorted(_planned(ground), key=lambda one: (one[1], one[0].operation_id)):
        for peg in waits_for(operation):
            if start_ts < ends.get(peg.order_id, start_ts):
                yield Shortage(peg.material_id, operation.operation_id, peg.quantity, ends[peg.order_id])


def _first(material: str, arrivals: list[tuple[datetime, float]], takers: list[tuple[datetime, str, float]]) -> Shortage | None:
    supply, taken = Supply(arrivals), 0.0
    for start_ts, operation_id, quantity in takers:
        taken += quantity
        comes_ts = supply.take(quantity)
        if comes_ts is None or comes_ts > start_ts:
            there = sum(arriving for when, arriving in arrivals if when <= start_ts)
            return Shortage(material, operation_id, min(quantity, taken - there), comes_ts)
    return None
