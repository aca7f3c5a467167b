"""How far an incumbent MES has come: it says where orders and operations stand and what they made, and the record says the same.

No state machine is asked: what the incumbent tells has happened. Its totals are booked as differences, less than before as a reversal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Sum

from factolake.domain.order import OperationState, OrderState
from factolake.mes.core.call import Call
from factolake.mes.equipment.models import Reason, ReasonKind
from factolake.mes.exchange.applying.writes import Checked, Outcome, Result, RowRefused, Writes, each, known, order_of
from factolake.mes.exchange.parsing.rows import OrderRow, ProgressRow
from factolake.mes.production.actions.booking import bring_to, reports_of
from factolake.mes.production.amounts import KINDS, Amounts, Source
from factolake.mes.production.models import CountedBy, Operation, Order
from factolake.mes.production.models.order import OPERATION_STATES

_STAYS = frozenset({OrderState.HELD.value, OrderState.CLOSED.value, OrderState.CANCELLED.value})
_FINAL = frozenset(state.value for state in OPERATION_STATES.final)
_TOLD: tuple[str, ...] = ("state", "actual_start_ts", "actual_end_ts")


def apply_progress(call: Call, system: str, rows: Sequence[Checked], writes: Writes) -> Iterator[Result]:
    """Operations of known orders by order and number; an order runs with its first operation and is completed with its last."""
    held = Order.objects.select_for_update(no_key=True).filter(pk__in={form.order_id for _, form in rows}).order_by("pk")
    orders = {order.order_id: order for order in held}
    parts: dict[str, list[Operation]] = {order_id: [] for order_id in orders}
    locking = Operation.objects.select_for_update(of=("self",), no_key=True).filter(order_id__in=orders).select_related("order__material")
    for operation in sorted(locking.order_by("pk"), key=lambda one: (one.number, one.part)):
        parts[operation.order_id].append(operation)
    causes = frozenset(Reason.objects.filter(kind__in=[ReasonKind.SCRAP.value, ReasonKind.REWORK.value]).values_list("reason_id", flat=True))
    wanted: dict[str, dict[str, Any]] = {}

    def one(form: ProgressRow) -> Outcome:
        order = known(orders, form.order_id, "order_id", "order")
        order_of(order, system)
        operation = next((one for one in parts[order.order_id] if one.number == form.number), None)
        if operation is None:
            raise RowRefused("number", f"order {order.order_id} has no operation {form.number}; send the order with it first")
        if form.cause_id and form.cause_id not in causes:
            raise RowRefused("cause_id", f"there is no reason {form.cause_id} of scrap or rework; send one that is there, or none")
        wanted[operation.operation_id] = values = _told(form, operation)
        booked = _book(call, system, form, operation)
        if values:
            writes.change(operation, values)
        return Outcome.UPDATED if values or booked else Outcome.SKIPPED

    yield from each(rows, one)
    for order_id, order in orders.items():
        state = _order_state(order, [_Stands.after(operation, wanted) for operation in parts[order_id]])
        if state is not None:
            writes.change(order, {"state": state})


def mirrored_state(system: str, form: OrderRow) -> str | None:
    """Where an incumbent MES says its order stands; None where it says nothing. Raises RowRefused for another system."""
    if form.state is None:
        return None
    if system != settings.FACTOMES_INCUMBENT:
        raise RowRefused("state", f"{system} does not say where an order stands; only an incumbent MES does, see mes.role in the settings")
    return form.state.value


def left_with(state: str, operations: Iterable[Operation]) -> list[tuple[Operation, dict[str, Any]]]:
    """What a cancelled order leaves of its operations."""
    if state != OrderState.CANCELLED.value:
        return []
    return [(operation, {"state": OperationState.CANCELLED.value}) for operation in operations if operation.state not in _FINAL]


@dataclass(frozen=True, slots=True)
class _Stands:
    """Where an operation stands once the document is applied."""

    state: str
    is_begun: bool

    @classmethod
    def after(cls, operation: Operation, wanted: Mapping[str, Mapping[str, Any]]) -> "_Stands":
        values = wanted.get(operation.operation_id, {})
        state = values.get("state", operation.state)
        start_ts = values.get("actual_start_ts", operation.actual_start_ts)
        return cls(state, start_ts is not None or state == OperationState.RUNNING.value)


def _told(form: ProgressRow, operation: Operation) -> dict[str, Any]:
    """The columns of the operation that the row gives and that are not so."""
    given = {name: getattr(form, name) for name in _TOLD if getattr(form, name) is not None}
    values = {name: value.value if isinstance(value, OperationState) else value for name, value in given.items()}
    return {name: value for name, value in values.items() if getattr(operation, name) != value}


def _book(call: Call, system: str, form: ProgressRow, operation: Operation) -> bool:
    """Bring what the incumbent has reported to its totals. A kind that the row does not give stays as the incumbent last told it."""
    given = {kind: getattr(form, kind) for kind in KINDS if kind in form.given}
    if not given:
        return False
    counted_by = CountedBy.MACHINE if operation.order.counted_by == CountedBy.MACHINE.value else CountedBy.OPERATOR
    source = Source(counted_by, system, f"operation {operation.operation_id}")
    told = reports_of(operation, source).aggregate(**{f"{kind}_sum": Sum(kind) for kind in KINDS})
    totals = Amounts(*(given.get(kind, told[f"{kind}_sum"] or Decimal(0)) for kind in KINDS))
    return bool(bring_to(call, operation, source, totals, form.at_ts or form.actual_end_ts or call.at_ts, form.cause_id))


def _order_state(order: Order, operations: Sequence[_Stands]) -> str | None:
    """The state that its operations give the order; None where it stays."""
    states = {one.state for one in operations}
    is_done = states <= _FINAL and OperationState.COMPLETED.value in states
    wanted = OrderState.COMPLETED if is_done else OrderState.RUNNING if any(one.is_begun for one in operations) else None
    return None if wanted is None or order.state in _STAYS or order.state == wanted.value else wanted.value
