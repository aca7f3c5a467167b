"""What an operation made, booked: sums and lots follow each report, a wrong one is taken back, and a source's reports follow what it tells now."""

from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from factolake.mes.core.call import Call, locked
from factolake.mes.core.refusals import Conflict
from factolake.mes.production.actions.lots import locked_lots, short
from factolake.mes.production.amounts import KINDS, Amounts, Source
from factolake.mes.production.models import CountedBy, Lot, Operation, Order, Production


def book(call: Call, report: Production) -> Production:
    """Store a report or reversal of an operation that this transaction holds, and add it to the operation's sums."""
    call.create(report)
    operation = report.operation
    call.change(operation, **{kind: getattr(operation, kind) + getattr(report, kind) for kind in KINDS})
    return report


def take_back(call: Call, report: Production, *, moves_lot: bool = True) -> Production:
    """Book the opposite of a report of an operation that this transaction holds. Raises Conflict where its lot was used meanwhile.

    The lot has so much less, unless `moves_lot` says that the caller sees to that.
    """
    back = Production(operation=report.operation, lot=report.lot, cause=report.cause, reported_by=call.actor, at_ts=report.at_ts, reverses=report)
    back.counted_by, back.source_system, back.source_row = report.counted_by, report.source_system, report.source_row
    back.good, back.scrap, back.rework = -report.good, -report.scrap, -report.rework
    book(call, back)
    if report.lot_id is not None and moves_lot:
        move(call, locked_lots(report.lot_id)[report.lot_id], -report.good, made=True)
    return back


def bring_to(call: Call, operation: Operation, source: Source, told: Amounts, at_ts: datetime, cause_id: str | None = None) -> list[Production]:
    """Book so that what `source` has told of the operation, which this transaction holds, sums up to `told`; returns the rows, none if it does.

    Where it tells more, the difference is a report at `at_ts`. Where it tells less of something, its newest reports are taken back until none is too
    much, and what of them still holds is reported again.
    """
    live = list(reports_of(operation, source).order_by("-pk"))
    booked = {kind: sum((getattr(row, kind) for row in live), Decimal(0)) for kind in KINDS}
    made: list[Production] = []
    while live and any(booked[kind] > getattr(told, kind) for kind in KINDS):
        row = live.pop(0)
        row.operation = operation  # so that its sums are those in hand
        made.append(take_back(call, row))
        booked = {kind: booked[kind] - getattr(row, kind) for kind in KINDS}
    rest = {kind: getattr(told, kind) - booked[kind] for kind in KINDS}
    if any(rest.values()):
        report = Production(operation=operation, reported_by=call.actor, at_ts=at_ts, counted_by=source.counted_by.value, **rest)
        report.source_system, report.source_row = source.system, source.row
        report.cause_id = cause_id if rest["scrap"] or rest["rework"] else None
        made.append(book(call, report))
    return made


def reports_of(operation: Operation, source: Source) -> "QuerySet[Production]":
    """Reports that the source told and that were not taken back."""
    return Production.objects.filter(operation=operation, source_system=source.system, source_row=source.row, reverses=None, production=None)


def check_counter(order: Order, to: str) -> None:
    """Raise Conflict where `to`, who is to count the order from now on, is the machine and people have counted good parts: it counts these again."""
    if to != CountedBy.MACHINE.value or order.counted_by == to:
        return
    told = Production.objects.filter(
        operation__order=order, counted_by=CountedBy.OPERATOR.value, good__gt=0, source_row="", reverses=None, production=None
    )
    if told.exists():
        raise Conflict(f"people have reported good parts of order {order.order_id}; reverse these before its machine counts it, or they count twice")


def held_operation(operation_id: str) -> Operation:
    """An operation that a row points at, held until the transaction ends."""
    operation = locked(Operation, operation_id)
    assert operation is not None  # the row's foreign key protects it
    return operation


def move(call: Call, lot: Lot, quantity: Decimal, *, made: bool) -> Lot:
    """More or less of `lot`; `made` says whether it was made (or unmade) rather than used (or given back). Raises Conflict below 0."""
    remaining = lot.remaining + quantity
    if remaining < 0:
        raise Conflict(f"lot {lot.lot_id} has {short(lot.remaining)} left; {short(-quantity)} of it were used already")
    grown = lot.quantity + quantity if made else lot.quantity
    if lot.kind == "serial" and grown > 1:
        raise Conflict(f"serial {lot.lot_id} is one piece and is there already")
    return call.change(lot, remaining=remaining, quantity=grown)
