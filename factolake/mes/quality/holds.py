"""Holds: put, grown by what is made meanwhile, ended by a good check, released. The rules are in `scope`; here they meet the record.

Rows are held in the order order, operation, equipment, material, lot, each by key: as reports and consumptions do, so that nobody waits in a circle.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from factolake.mes.core.call import Call, locked
from factolake.mes.core.record import Record
from factolake.mes.core.refusals import Conflict
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.actions.lots import locked_lots
from factolake.mes.production.genealogy import Way, among, reach
from factolake.mes.production.models import Consumption, Lot, LotStatus, MaterialDefinition, Operation, Order, Production
from factolake.mes.production.models.lot import LOT_STATES
from factolake.mes.production.models.order import ORDER_STATES
from factolake.mes.quality.good_checks import below, checked_at, last_good
from factolake.mes.quality.models import (
    Covered,
    Hold,
    HoldItem,
    HoldOperation,
    HoldState,
    Inspection,
    Nonconformance,
    NonconformanceState,
    QualityEvent,
)
from factolake.mes.quality.models.hold import HOLD_STATES, SUBJECTS
from factolake.mes.quality.scope import covered_since, paths_above, scope


def place_hold(
    call: Call,
    subject: Record,
    why: str,
    *,
    since_ts: datetime | None = None,
    inspection: Inspection | None = None,
    event: QualityEvent | None = None,
    characteristic: str = "",
) -> Hold:
    """Hold `subject` and every lot that its hold covers; they are blocked from now on."""
    _hold_makers(subject)
    hold = Hold(place_path=subject.place, why=why, placed_by=call.actor, placed_ts=call.at_ts, inspection=inspection, event=event)
    setattr(hold, subject.NOUN, subject)
    hold.characteristic = inspection.characteristic if inspection else characteristic
    hold.since_ts, hold.since_why = _since(call, hold, since_ts)
    call.create(hold)
    _cover(call, hold, *_held_scope(hold))
    return hold


def end_windows(call: Call, inspection: Inspection) -> None:
    """A good check: holds on its place whose every characteristic was found good since they were put cover nothing made from now on."""
    for hold in open_holds(call.at_ts).filter(until_ts=None, placed_ts__lt=inspection.at_ts, lot=None).order_by("pk"):
        checks = _checks_of(hold, call.at_ts)
        if (inspection.equipment_id, inspection.characteristic) not in checks:
            continue
        if all(last_good(one, inspection.at_ts, after=hold.placed_ts) for one in checks):
            held = locked(Hold, hold.pk)
            if held is not None and held.until_ts is None:  # not ended while this waited
                call.change(held, until_ts=inspection.at_ts)


def release_hold(call: Call, hold: Hold, why: str) -> Hold:
    """Let the hold go; its lots are free unless another open hold covers them. Raises Conflict for a nonconformance without disposition."""
    HOLD_STATES.check(str(hold.pk), hold.state, HoldState.RELEASED)
    items = hold.items.filter(released_ts=None)
    lots = locked_lots(*items.values_list("lot_id", flat=True))
    _check_disposed(Q(lot__in=among(lots)) | Q(hold=hold))
    _free(call, list(items.order_by("pk")), lots)
    return call.change(hold, state=HoldState.RELEASED.value, released_by=call.actor, released_ts=call.at_ts, release_why=why)


def release_lot(call: Call, lot: Lot) -> Lot:
    """Let one lot out of every open hold. Raises Conflict where it is under none, or a nonconformance of it has no disposition."""
    held = HoldItem.objects.select_for_update(of=("self",), no_key=True).filter(lot=lot, released_ts=None, hold__state=HoldState.OPEN.value)
    items = list(held.order_by("pk"))
    if not items:
        raise Conflict(f"lot {lot.lot_id} is {lot.status} and under no hold; there is nothing to release")
    _check_disposed(Q(lot=lot))
    _free(call, items, {lot.lot_id: lot})
    return lot


def open_holds(at_ts: datetime) -> "QuerySet[Hold]":
    """Open holds that cover what is made at `at_ts`."""
    return Hold.objects.filter(_covers(at_ts), state=HoldState.OPEN.value)


def _covers(at_ts: datetime) -> Q:
    return (Q(since_ts=None) | Q(since_ts__lte=at_ts)) & (Q(until_ts=None) | Q(until_ts__gt=at_ts))


def holds_over(operation: Operation, at_ts: datetime) -> "QuerySet[Hold]":
    """Open holds that cover what the operation makes at `at_ts`."""
    order = operation.order
    where = Q(equipment__path__in=paths_above(operation.equipment.path)) | Q(operation=operation) | Q(order=order) | Q(material=order.material_id)
    return open_holds(at_ts).filter(where)


def refuse_good(operation_id: str, at_ts: datetime) -> None:
    """Raise Conflict where nothing good is confirmed: a hold still covers what the operation makes, or it may be made of a held lot."""
    uses = HoldOperation.objects.filter(operation=operation_id, released_ts=None)
    if not Hold.objects.filter((_covers(at_ts) & Q(lot=None)) | Q(pk__in=uses.values("hold")), state=HoldState.OPEN.value).exists():
        return  # asked with every report: one short query on nearly every day
    for doubtful in uses.filter(hold__state=HoldState.OPEN.value):
        if _untraced_uses([doubtful.lot_id]).filter(operation=operation_id).exists():  # not reversed since
            raise Conflict(
                f"operation {operation_id} used held lot {doubtful.lot_id} without saying for which lot; its good parts wait until that is free"
            )
    operation = Operation.objects.select_related("order", "equipment").get(pk=operation_id)
    hold = holds_over(operation, at_ts).order_by("pk").first()
    if hold is not None:
        raise Conflict(f"operation {operation_id} is under hold {hold.pk}: {hold.why}; good parts are confirmed after a good check or a release")


def cover_new_lot(call: Call, lot: Lot) -> None:
    """A lot that arises where a hold still covers what is made belongs to it."""
    if lot.made_by is None:
        locked(MaterialDefinition, lot.material_id)  # a hold on the material being put now is seen, or sees this lot
    if not _makers_held(lot.made_ts):
        return
    if lot.made_by is not None:
        over = holds_over(lot.made_by, lot.made_ts)
    else:
        over = open_holds(lot.made_ts).filter(Q(material=lot.material_id) | Q(equipment__path__in=paths_above(lot.place_path)))
    for hold in over.order_by("pk"):
        held = locked(Hold, hold.pk)
        if held is not None and held.state == HoldState.OPEN.value:  # not released while this waited
            _cover(call, held, {lot.lot_id: Covered.SINCE_LAST_GOOD_CHECK}, locked_lots(lot.lot_id))


def _makers_held(at_ts: datetime) -> bool:
    """Whether anything but lots is held at all: one short query on nearly every day."""
    return open_holds(at_ts).filter(lot=None).exists()


def _since(call: Call, hold: Hold, told: datetime | None) -> tuple[datetime | None, str]:
    """From when on the hold covers, and how that is known."""
    if hold.lot is not None:
        return None, "the lot itself"
    if told is not None:
        return told, "as told"
    until = hold.inspection.at_ts if hold.inspection else call.at_ts
    times = {one: last_good(one, until) for one in _checks_of(hold, call.at_ts)}
    since = covered_since(times)
    if since is None:
        never = next((f"{characteristic} at {place}" for (place, characteristic), time in times.items() if time is None), "anything")
        return None, f"no good check of {never} is known"[:240]
    return since, f"last good check of {', '.join(sorted({characteristic for _, characteristic in times}))}"[:240]


def _checks_of(hold: Hold, now: datetime) -> list[tuple[str, str]]:
    if hold.inspection is not None:
        return [(hold.inspection.equipment_id, hold.inspection.characteristic)]
    return checked_at(_subject_of(hold), now, hold.characteristic)


def _subject_of(hold: Hold) -> Record:
    subject: Record = next(getattr(hold, name) for name in SUBJECTS if getattr(hold, f"{name}_id") is not None)
    return subject


def _hold_makers(subject: Record) -> None:
    """Wait for the reports under way at whatever the hold covers, and let none begin before it stands."""
    if isinstance(subject, Order):
        locked(Order, subject.pk)
    _hold_operations(_operations_of(subject))
    if isinstance(subject, Equipment):
        list(Equipment.objects.select_for_update(of=("self",), no_key=True).filter(below("path", subject.path)).order_by("pk"))
    if isinstance(subject, MaterialDefinition):
        locked(MaterialDefinition, subject.pk)


def _hold_operations(which: Q) -> None:
    """Hold the operations that may still report (completed ones too, until their order is closed), their orders before them."""
    makers = Operation.objects.filter(which).exclude(order__state__in=[state.value for state in ORDER_STATES.final])
    orders = sorted(set(makers.values_list("order_id", flat=True)))
    list(Order.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=orders).order_by("pk"))
    list(makers.select_for_update(of=("self",), no_key=True).order_by("pk"))


def _operations_of(subject: Record) -> Q:
    """The operations that make what is held; none for a lot."""
    if isinstance(subject, Operation):
        return Q(order=subject.order_id, number=subject.number)  # with the rest of it that is made elsewhere
    if isinstance(subject, Order):
        return Q(order=subject.pk)
    if isinstance(subject, Equipment):
        return below("equipment__path", subject.path)
    if isinstance(subject, MaterialDefinition):
        return Q(order__material=subject.pk)
    return Q(pk__in=())


def _first_of(hold: Hold) -> dict[str, Covered]:
    """The lots that the hold covers by itself."""
    if hold.lot_id is not None:
        return {hold.lot_id: Covered.DIRECT}
    subject = _subject_of(hold)
    makers = Operation.objects.filter(_operations_of(subject))
    when = Q() if hold.since_ts is None else Q(at_ts__gte=hold.since_ts)
    found = set(Production.objects.filter(when, operation__in=makers, lot__isnull=False).values_list("lot_id", flat=True))
    found |= set(Consumption.objects.filter(when, operation__in=makers, into_lot__isnull=False).values_list("into_lot_id", flat=True))
    received = Lot.objects.filter(made_by=None) if hold.since_ts is None else Lot.objects.filter(made_by=None, made_ts__gte=hold.since_ts)
    if isinstance(subject, MaterialDefinition):
        found |= set(received.filter(material=subject.pk).values_list("pk", flat=True))
    if isinstance(subject, Equipment):
        found |= set(received.filter(below("place_path", subject.path)).values_list("pk", flat=True))
    return dict.fromkeys(found, Covered.SINCE_LAST_GOOD_CHECK)


def _held_scope(hold: Hold) -> tuple[dict[str, Covered], dict[str, Lot]]:
    """The hold's lots, each held by this transaction: what went into new lots while it waited for them is covered too."""
    found: dict[str, Covered] = {}
    lots: dict[str, Lot] = {}
    while True:
        seen, found = found, scope(_first_of(hold), _made_of, _may_contain)
        if found.keys() <= seen.keys():
            return found, {key: lots[key] for key in sorted(found)}
        _hold_operations(Q(pk__in=_untraced_uses(found).values("operation_id")))
        lots = locked_lots(*found)


def _made_of(lot_ids: set[str]) -> set[str]:
    return reach(lot_ids, Way.FORWARD)


def _may_contain(lot_ids: set[str]) -> set[str]:
    """Lots of the operations that used these without saying for which lot: reports come before and after consumptions, so time tells nothing."""
    users = set(_untraced_uses(lot_ids).values_list("operation_id", flat=True))
    found = set(Production.objects.filter(operation__in=among(users), lot__isnull=False).values_list("lot_id", flat=True))
    return found | set(Consumption.objects.filter(operation__in=among(users), into_lot__isnull=False).values_list("into_lot_id", flat=True))


def _untraced_uses(lot_ids: Collection[str]) -> "QuerySet[Consumption]":
    """Uses of the lots that do not say for which lot, and were not reversed.

    A reversal is known by its sign: asked for `reverses IS NULL`, SQLite reads that index, which nearly every row is in (86 ms of 200,000 rows).
    """
    is_reversed = Exists(Consumption.objects.filter(reverses=OuterRef("pk")))
    return Consumption.objects.filter(~is_reversed, lot__in=among(lot_ids), into_lot=None, quantity__gt=0)


def _cover(call: Call, hold: Hold, covered: Mapping[str, Covered], lots: Mapping[str, Lot]) -> None:
    """Put the lots under the hold and block them; one blocked already keeps the status that the first hold found. `lots` are held."""
    before = dict(_open_items().filter(lot__in=among(lots)).values_list("lot_id", "returns_to"))
    items = [HoldItem(hold=hold, lot=lot, covered=covered[key].value, returns_to=before.get(key, lot.status)) for key, lot in lots.items()]
    call.create_many(items)
    uses = _untraced_uses(lots).order_by("operation_id", "lot_id").values_list("operation_id", "lot_id").distinct()
    call.create_many([HoldOperation(hold=hold, operation_id=operation_id, lot_id=lot_id) for operation_id, lot_id in uses])
    free = [lot for lot in lots.values() if lot.status not in (LotStatus.BLOCKED.value, LotStatus.SCRAPPED.value)]
    for lot in free:
        LOT_STATES.check(lot.lot_id, lot.status, LotStatus.BLOCKED)
    call.change_many((lot, {"status": LotStatus.BLOCKED.value}) for lot in free)


def _free(call: Call, items: Iterable[HoldItem], lots: Mapping[str, Lot]) -> None:
    """Let the items go; their lots have their status back unless another open hold covers them or they are scrapped."""
    freed = list(items)
    call.change_many((item, {"released_ts": call.at_ts}) for item in freed)
    doubtful = HoldOperation.objects.filter(hold__in={item.hold_id for item in freed}, lot__in=among(lots), released_ts=None).order_by("pk")
    call.change_many((one, {"released_ts": call.at_ts}) for one in doubtful)
    held = set(_open_items().filter(lot__in=among(lots)).values_list("lot_id", flat=True))  # those let go are no longer open
    back = {item.lot_id: item.returns_to for item in freed if item.lot_id not in held and lots[item.lot_id].status == LotStatus.BLOCKED.value}
    for lot_id, status in back.items():
        LOT_STATES.check(lot_id, lots[lot_id].status, LotStatus(status))
    call.change_many((lots[lot_id], {"status": status}) for lot_id, status in back.items())


def _open_items() -> "QuerySet[HoldItem]":
    return HoldItem.objects.filter(released_ts=None, hold__state=HoldState.OPEN.value)


def _check_disposed(which: Q) -> None:
    undecided = [NonconformanceState.OPEN.value, NonconformanceState.CONTAINED.value]
    waiting = Nonconformance.objects.filter(which, state__in=undecided).order_by("pk").first()
    if waiting is not None:
        raise Conflict(f"nonconformance {waiting.pk} is {waiting.state}; decide what becomes of it before you release what it is about")
