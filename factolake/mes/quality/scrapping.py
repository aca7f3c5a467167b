"""What is scrapped of a lot after it was reported good: its operation reports so much less good and so much scrap, and so the ERP hears of it.

Rows are held in the order order, operation, lot, as reports do.
"""

from decimal import Decimal

from factolake.mes.core.call import Call, locked
from factolake.mes.core.refusals import Conflict
from factolake.mes.production.actions.booking import book, held_operation, move, take_back
from factolake.mes.production.actions.lots import short
from factolake.mes.production.models import Lot, LotStatus, Operation, Production
from factolake.mes.production.models.lot import LOT_STATES
from factolake.mes.quality.holds import place_hold
from factolake.mes.quality.models import Hold, HoldState, Nonconformance


def scrap_lot(call: Call, found: Nonconformance) -> Decimal:
    """Scrap the quantity of the nonconformance, or what is left of its lot; returns how much. Raises Conflict where less is left.

    A lot that came into the plant was reported by no operation; only its quantity goes down.
    """
    operation = _maker(str(found.lot_id))
    lot = _held_lot(found)
    quantity: Decimal = lot.remaining if found.quantity is None else found.quantity
    if quantity > lot.remaining:
        raise Conflict(f"lot {lot.lot_id} has {short(lot.remaining)} left; {short(quantity)} of it cannot be scrapped")
    if operation is not None and quantity:
        report = Production(operation=operation, lot=lot, reported_by=call.actor, at_ts=call.at_ts, source_row=_row(found))
        report.good, report.scrap = -min(quantity, operation.good), quantity
        defect = found.defects.order_by("pk").first()
        report.cause = defect.cause if defect else None
        book(call, report)
    move(call, lot, -quantity, made=operation is not None)
    if not lot.remaining:
        LOT_STATES.check(lot.lot_id, lot.status, LotStatus.SCRAPPED)
        call.change(lot, status=LotStatus.SCRAPPED.value)
    return quantity


def unscrap_lot(call: Call, found: Nonconformance, why: str) -> Hold:
    """Undo `scrap_lot`: the report is reversed and the lot blocked; returns the open hold it is under, a new one where there is none."""
    report = Production.objects.filter(source_system="", source_row=_row(found), reverses=None, production=None).first()
    if report is not None:
        report.operation = held_operation(report.operation_id)
        back = take_back(call, report, moves_lot=False)
        assert back.scrap == -(found.quantity or 0)
    lot = _held_lot(found)
    move(call, lot, found.quantity or Decimal(0), made=report is not None)
    over = Hold.objects.filter(items__lot=lot, items__released_ts=None, state=HoldState.OPEN.value).order_by("pk").first()
    if lot.status == LotStatus.SCRAPPED.value:  # final but for this: two people have said that it was wrong
        call.change(lot, status=(LotStatus.BLOCKED if over else LotStatus.UNRESTRICTED).value)
    return over or place_hold(call, lot, why)


def _maker(lot_id: str) -> Operation | None:
    """The operation that last reported good parts into the lot, else the one that made it; held."""
    reports = Production.objects.filter(lot=lot_id, good__gt=0, reverses=None, production=None).order_by("-at_ts", "-pk")
    last = reports.values_list("operation_id", flat=True).first() or Lot.objects.filter(pk=lot_id).values_list("made_by_id", flat=True).first()
    return None if last is None else held_operation(last)


def _held_lot(found: Nonconformance) -> Lot:
    lot = locked(Lot, found.lot_id)
    assert lot is not None  # the nonconformance's foreign key protects it
    return lot


def _row(found: Nonconformance) -> str:
    return f"nonconformance {found.pk}"
