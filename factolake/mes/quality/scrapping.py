"""What is scrapped of a lot after it was reported good: who made it reports so much less good and so much scrap, and so the ERP hears of it.

Operations and parts of operations of one order may have made a lot together: each scraps what it has good in it, the last one first. Rows are held in
the order order, operation, lot, as reports do.
"""

from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Max, Sum

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
    makers = _makers(str(found.lot_id))
    lot = _held_lot(found)
    quantity: Decimal = lot.remaining if found.quantity is None else found.quantity
    if quantity > lot.remaining:
        raise Conflict(f"lot {lot.lot_id} has {short(lot.remaining)} left; {short(quantity)} of it cannot be scrapped")
    defect = found.defects.order_by("pk").first()
    for operation, share in _shares(makers, quantity):
        report = Production(operation=operation, lot=lot, reported_by=call.actor, at_ts=call.at_ts, source_row=_row(found))
        report.good, report.scrap = -min(share, max(operation.good, Decimal(0))), share
        report.cause = defect.cause if defect else None
        book(call, report)
    move(call, lot, -quantity, made=bool(makers))
    if not lot.remaining:
        LOT_STATES.check(lot.lot_id, lot.status, LotStatus.SCRAPPED)
        call.change(lot, status=LotStatus.SCRAPPED.value)
    return quantity


def unscrap_lot(call: Call, found: Nonconformance, why: str) -> Hold:
    """Undo `scrap_lot`: its reports are reversed and the lot blocked; returns the open hold it is under, a new one where there is none."""
    live = Production.objects.filter(source_system="", source_row=_row(found), reverses=None, production=None)
    reports = list(live.order_by("operation_id", "pk"))
    quantity: Decimal = found.quantity or Decimal(0)
    for report in reports:
        report.operation = held_operation(report.operation_id)
        take_back(call, report, moves_lot=False)
    assert not reports or sum(report.scrap for report in reports) == quantity
    lot = _held_lot(found)
    move(call, lot, quantity, made=bool(reports))
    over = Hold.objects.filter(items__lot=lot, items__released_ts=None, state=HoldState.OPEN.value).order_by("pk").first()
    if lot.status == LotStatus.SCRAPPED.value:  # final but for this: two people have said that it was wrong
        call.change(lot, status=(LotStatus.BLOCKED if over else LotStatus.UNRESTRICTED).value)
    return over or place_hold(call, lot, why)


def _makers(lot_id: str) -> list[tuple[Operation, Decimal]]:
    """The operations that reported into the lot, the last first, and what each has good in it; else the one that made it. All of one order, held."""
    maker = Lot.objects.filter(pk=lot_id).values_list("made_by_id", flat=True).first()
    if maker is None:
        return []
    first = held_operation(maker)  # and its order, so that nobody reports into the lot meanwhile
    sums = Production.objects.filter(lot=lot_id).values("operation_id").annotate(made=Sum("good"), last=Max("pk")).order_by("-last")
    made = {row["operation_id"]: row["made"] for row in sums}
    held = {key: held_operation(key) for key in sorted(made)}
    return [(held[key], max(good, Decimal(0))) for key, good in made.items()] or [(first, Decimal(0))]


def _shares(makers: Sequence[tuple[Operation, Decimal]], quantity: Decimal) -> list[tuple[Operation, Decimal]]:
    """How much of `quantity` each scraps; what none of them has reported good in the lot falls to the first."""
    left, shares = quantity, []
    for _, good in makers:
        shares.append(min(left, good))
        left -= shares[-1]
    if makers:
        shares[0] += left
    return [(operation, share) for (operation, _), share in zip(makers, shares, strict=True) if share]


def _held_lot(found: Nonconformance) -> Lot:
    lot = locked(Lot, found.lot_id)
    assert lot is not None  # the nonconformance's foreign key protects it
    return lot


def _row(found: Nonconformance) -> str:
    return f"nonconformance {found.pk}"
