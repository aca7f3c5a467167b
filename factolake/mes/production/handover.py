"""Handover of a shift: what the operations of a line reported, what the machines counted, where the two disagree, and where what was made is now.

Machine counts come by machine, not by order (`counts`); so reports are summed over the operations of a machine before they are compared, and a
count is an operation's own only where no other was at work on its machine in that time.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from factolake.domain.order import OperationState
from factolake.mes.core.record import plain
from factolake.mes.core.refusals import Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.counts import Counted, counted
from factolake.mes.production.models import Consumption, CountedBy, Lot, LotStatus, Operation, Production, Shipment
from factolake.mes.production.models.material import PIECE
from factolake.mes.production.parts import good_at_end

Row = dict[str, Any]
MAX_DAYS = 31
KINDS = ("good", "scrap", "rework")
BALANCE = ("good", "scrap", "rework", "reported_into_lots", "in_lots", "remaining", "consumed", "shipped", "written_off", "unexplained")
_Sums = Mapping[str, Decimal]


def handover(equipment: Equipment, from_ts: datetime, to_ts: datetime) -> Row:
    """What there is to hand over of a line (or machine) from `from_ts` to `to_ts` (UTC, exclusive). Raises Invalid for no time or above 31 days."""
    if not from_ts < to_ts or (to_ts - from_ts).days >= MAX_DAYS:
        raise Invalid(f"from {from_ts} to {to_ts} is no time of at most {MAX_DAYS} days; give a shift")
    here = Q(equipment__path=equipment.path) | Q(equipment__path__startswith=f"{equipment.path}/")
    reported = _reported(here, from_ts, to_ts)
    operations = list(_at_work(here, from_ts, to_ts, reported))
    by_machine: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        by_machine[operation.equipment_id].append(operation)
    counts = counted(by_machine, from_ts, to_ts)
    machines = [_machine(name, held, reported, counts[name]) for name, held in sorted(by_machine.items())]
    balances = _balances(sorted({operation.order_id for operation in operations}))
    return {
        "equipment_id": equipment.equipment_id,
        "from_ts": plain(from_ts),
        "to_ts": plain(to_ts),
        "operations": [_operation(one, reported, by_machine[one.equipment_id], counts[one.equipment_id]) for one in operations],
        "machines": machines,
        "balances": balances,
        "disagreements": [*_count_disagreements(machines), *_balance_disagreements(balances)],
    }


def _reported(here: Q, from_ts: datetime, to_ts: datetime) -> dict[str, _Sums]:
    """Good, scrap and rework by operation; reversals taken off."""
    placed = Operation.objects.filter(here).values("pk")
    found = Production.objects.filter(operation__in=placed, at_ts__gte=from_ts, at_ts__lt=to_ts).values("operation_id")
    return {row.pop("operation_id"): row for row in found.annotate(**{f"{kind}_sum": Sum(kind) for kind in KINDS}).order_by()}


def _at_work(here: Q, from_ts: datetime, to_ts: datetime, reported: Iterable[str]) -> Iterable[Operation]:
    ended_later = Q(actual_end_ts__gt=from_ts) | Q(actual_end_ts=None, state=OperationState.RUNNING.value)
    begun = Q(actual_start_ts__gte=from_ts, actual_start_ts__lt=to_ts)
    touched = Q(pk__in=list(reported)) | begun | Q(actual_start_ts__lt=to_ts) & ended_later
    return Operation.objects.filter(here, touched).select_related("order__material").order_by("equipment_id", "operation_id")


def _of(reported: Mapping[str, _Sums], operation_id: str, kind: str) -> Decimal:
    return reported[operation_id][f"{kind}_sum"] if operation_id in reported else Decimal(0)


def _operation(operation: Operation, reported: Mapping[str, _Sums], beside: list[Operation], count: Counted) -> Row:
    material = operation.order.material
    if len(beside) > 1:
        count = Counted(reason=f"{len(beside)} operations were at work on {operation.equipment_id}, and it is counted by machine")
    return {
        "order_id": operation.order_id,
        "operation_id": operation.operation_id,
        "equipment_id": operation.equipment_id,
        "material_id": material.material_id,
        "base_unit": material.base_unit,
        "state": operation.state,
        "counted_by": operation.order.counted_by,
        **{kind: plain(_of(reported, operation.operation_id, kind)) for kind in KINDS},
        "counted": _count_row(count),
    }


def _count_row(count: Counted) -> Row:
    return {name: plain(value) for name, value in asdict(count).items()}


def _machine(equipment_id: str, operations: list[Operation], reported: Mapping[str, _Sums], count: Counted) -> Row:
    """Reports against counts of a machine; `difference` is reported less counted, None where it cannot be told."""
    sums = {kind: sum((_of(reported, one.operation_id, kind) for one in operations), Decimal(0)) for kind in KINDS}
    sums["produced"] = sum(sums.values(), Decimal(0))
    in_pieces = all(one.order.material.base_unit == PIECE for one in operations)
    reason = count.reason if in_pieces else "the machine counts parts, and its orders are not in pieces"
    known = {kind: getattr(count, kind) for kind in sums}
    return {
        "equipment_id": equipment_id,
        "operation_ids": [one.operation_id for one in operations],
        "counted_by": sorted({one.order.counted_by for one in operations}),
        "reported": {kind: plain(value) for kind, value in sums.items()},
        "counted": {**_count_row(count), "reason": reason},
        "difference": {kind: plain(sums[kind] - value) if in_pieces and value is not None else None for kind, value in known.items()},
    }


def _count_disagreements(machines: Iterable[Row]) -> Iterable[Row]:
    """Where reports and counts differ although both count, and where nobody counted although the machine was to."""
    for machine in machines:
        named = {"equipment_id": machine["equipment_id"], "operation_ids": machine["operation_ids"]}
        told = {kind: difference for kind, difference in machine["difference"].items() if difference is not None}
        if CountedBy.BOTH.value in machine["counted_by"]:
            for kind, difference in told.items():
                if difference != "0":
                    reported, count = machine["reported"][kind], machine["counted"][kind]
                    yield {"kind": kind, **named, "text": f"{kind}: {reported} reported, {count} counted on {machine['equipment_id']}"}
        if not told and set(machine["counted_by"]) - {CountedBy.OPERATOR.value}:
            yield {"kind": "not_counted", **named, "text": f"{machine['equipment_id']} did not count: {machine['counted']['reason']}"}


def _balances(order_ids: list[str]) -> list[Row]:
    """Where what each order made is now, over its whole life: in lots, and of these left, consumed, shipped or written off with a scrapped lot.

    `good` is the last step's, scrap and rework those of all. `unexplained` is what of the lots is in none of these, whichever sign.
    """
    totals: dict[str, dict[str, Decimal]] = {order_id: defaultdict(Decimal) for order_id in order_ids}
    steps: dict[str, list[Operation]] = defaultdict(list)
    for one in Operation.objects.filter(order__in=order_ids):
        steps[one.order_id].append(one)
    for order_id, operations in steps.items():
        total = totals[order_id]
        total["good"] = good_at_end(operations)
        total["scrap"] = sum((one.scrap for one in operations), Decimal(0))
        total["rework"] = sum((one.rework for one in operations), Decimal(0))
    booked = _by_lot(Production, "good", order_ids)
    consumed, shipped = (_by_lot(model, "quantity", order_ids) for model in (Consumption, Shipment))
    lots = Lot.objects.filter(made_by__order__in=order_ids)
    for order_id, lot_id, quantity, remaining, status in lots.values_list("made_by__order_id", "lot_id", "quantity", "remaining", "status"):
        total, used, gone = totals[order_id], consumed.get(lot_id, Decimal(0)), shipped.get(lot_id, Decimal(0))
        rest = quantity - remaining - used - gone
        known = {"reported_into_lots": booked.get(lot_id, Decimal(0)), "in_lots": quantity, "remaining": remaining, "consumed": used, "shipped": gone}
        for name, value in {**known, "written_off" if status == LotStatus.SCRAPPED.value else "unexplained": abs(rest)}.items():
            total[name] += value
    return [{"order_id": order_id, **{name: plain(totals[order_id][name]) for name in BALANCE}} for order_id in order_ids]


def _by_lot(model: type[Production | Consumption | Shipment], of: str, order_ids: list[str]) -> dict[str, Decimal]:
    """The sum of column `of` by lot, for lots that the orders made; reversals are taken off."""
    return dict(model.objects.filter(lot__made_by__order__in=order_ids).values_list("lot_id").annotate(Sum(of)).order_by())


def _balance_disagreements(balances: Iterable[Row]) -> Iterable[Row]:
    for row in balances:
        order_id, named = row["order_id"], Row(equipment_id=None, operation_ids=[])
        if row["in_lots"] != row["reported_into_lots"]:
            yield {"kind": "in_lots", **named, "text": f"{order_id}: {row['reported_into_lots']} reported into lots that hold {row['in_lots']}"}
        if row["unexplained"] != "0":
            yield {"kind": "unexplained", **named, "text": f"{order_id}: {row['unexplained']} of its lots is neither left, consumed nor shipped"}
