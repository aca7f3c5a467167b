"""Materials that come later than the schedule takes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from factolake.domain.order import OperationState, OrderState
from factolake.planning.building.ground import Ground, Rules
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
    """By material, in the order of the situation. What should have begun already would begin now."""
    if not situation.stocks:
        return ()
    ground = Ground(situation, Rules())
    arrivals = free_arrivals(ground)
    takers: dict[str, list[tuple[datetime, str, float]]] = {}
    for operation, start_ts in _planned(ground):
        for name, quantity in needs_of(ground, operation):
            takers.setdefault(name, []).append((start_ts, operation.operation_id, quantity))
    found = (_first(name, arrivals[name], sorted(takers[name])) for name in arrivals if name in takers)
    return tuple(shortage for shortage in found if shortage is not None)


def _planned(ground: Ground) -> Iterator[tuple[OrderOperation, datetime]]:
    for operation in ground.situation.operations:
        order, start_ts = ground.orders.get(operation.order_id), operation.planned_start_ts
        is_open = operation.state in _WAITING and order is not None and order.state != OrderState.HELD
        if is_open and start_ts is not None and not has_begun(operation):
            yield operation, max(start_ts, ground.situation.now_ts)


def _first(material: str, arrivals: list[tuple[datetime, float]], takers: list[tuple[datetime, str, float]]) -> Shortage | None:
    supply, taken = Supply(arrivals), 0.0
    for start_ts, operation_id, quantity in takers:
        taken += quantity
        comes_ts = supply.take(quantity)
        if comes_ts is None or comes_ts > start_ts:
            there = sum(arriving for when, arriving in arrivals if when <= start_ts)
            return Shortage(material, operation_id, min(quantity, taken - there), comes_ts)
    return None
