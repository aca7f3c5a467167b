"""What has happened at a line that asks for a new plan: events by the rules of `planning.reacting`, requests, work without a place, the night."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from factolake.config.settings import PlannerSettings
from factolake.contracts.formats.sql import listed, literal
from factolake.domain.order import OperationState
from factolake.domain.plant import PlantModel
from factolake.planning.reacting import Event, EventKind, asks
from factolake.planning.shortages import shortages
from factolake.planning.situation import Situation
from pipelines.planning.record import Record
from pipelines.planning.shifts import taken_back
from pipelines.planning.stops import stopped

NIGHTLY, REQUEST, ORDER = "nightly", "request", "order"
STALE = timedelta(days=7)
"""An older request is no longer answered."""
SETTLING = timedelta(seconds=60)
"""After an order was changed: an ERP sends several at once, and they are planned together. A rush order does not wait."""
LATE_NIGHTLY = timedelta(hours=2)
"""A planner that was down at the hour makes up for it within this."""
SCRAP_SHARE = 0.05
"""Scrap since the schedule was accepted that asks for a new one, as a part of what the operation is to make."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What sets a plan off: a word for tables, the sentence for people, and what it is known again by."""

    trigger: str
    why: str
    about: str = ""


def causes(record: Record, plant: PlantModel, situation: Situation, line: str, settings: PlannerSettings) -> Iterator[Cause]:
    """Why `line` is to be planned anew, the most urgent first."""
    for event, about, words in _events(record, plant, situation, line, settings):
        why = asks(event, situation)
        if why:
            yield Cause(event.kind.value, f"{why}{f' ({words})' if words else ''}", f"{event.kind.value} {about}")
    yield from _requests(record, line, situation.now_ts)
    yield from _orders(record, situation)
    yield from _night(plant, settings, situation.now_ts)


def _events(record: Record, plant: PlantModel, situation: Situation, line: str, settings: PlannerSettings) -> Iterator[tuple[Event, str, str]]:
    """Events, what each is known again by, and what people say of it."""
    now, at_work = situation.now_ts, {operation.equipment for operation in situation.operations if operation.actual_end_ts is None}
    for machine, down in stopped(record, plant, line, now, settings).items():
        if machine in at_work:
            event = Event(EventKind.STOP, line, machine, down.since_ts, is_breakdown=down.is_breakdown)
            yield event, f"{machine} {down.since_ts.isoformat()}", down.says
    for about, shift in taken_back(record):
        if shift.to_ts > now:
            yield Event(EventKind.PERSON_ABSENT, line, shift.person_id, shift.leaves_ts, shift.to_ts), about, ""
    yield from _short(situation, line)
    for name in _unplanned(situation):
        if any(order.order_id == name and order.priority > 0 for order in situation.orders):
            yield Event(EventKind.RUSH_ORDER, line, name, now), name, ""
    yield from _scrap(record, situation, line)


def _short(situation: Situation, line: str) -> Iterator[tuple[Event, str, str]]:
    """Materials that the schedule takes before they are there: once a schedule, and again where they come at another time."""
    for one in shortages(situation):
        comes = "" if one.comes_ts is None else one.comes_ts.isoformat()
        event = Event(EventKind.MATERIAL_LATE, line, one.material_id, situation.now_ts, one.comes_ts)
        yield event, f"{one.material_id} {comes} {situation.schedule_id}", f"{one.operation_id} lacks {one.lacks:g} of it"


def _scrap(record: Record, situation: Situation, line: str) -> Iterator[tuple[Event, str, str]]:
    """Operations that have scrapped more since the schedule was accepted than goes under."""
    accepted = [row for row in record.rows("schedules", f"line = {literal(line)} AND state = 'accepted'") if row["ended_ts"] is not None]
    if not accepted:
        return
    since = max(row["ended_ts"] for row in accepted)
    open_ones = {operation.operation_id: operation for operation in situation.operations if operation.actual_end_ts is None}
    scrapped: Counter[str] = Counter()
    for row in record.rows("production", f"changed_ts >= '{since.isoformat()}' AND scrap <> 0"):
        scrapped[row["operation_id"]] += float(row["scrap"])  # type: ignore[assignment]
    quantities = {order.order_id: order.quantity for order in situation.orders}
    for name, amount in scrapped.items():
        operation = open_ones.get(name)
        if operation is not None and amount > SCRAP_SHARE * (operation.quantity or quantities[operation.order_id]):
            event = Event(EventKind.SCRAP, line, name, since, planned=operation.scrap - amount, now=operation.scrap)
            yield event, f"{name} {situation.schedule_id}", ""


def _requests(record: Record, line: str, now: datetime) -> Iterator[Cause]:
    """The newest request; the ones before it are answered with it."""
    asked = [row for row in record.rows("schedule_requests", f"line = {literal(line)}") if now - row["requested_ts"] <= STALE]
    if asked:
        row = max(asked, key=lambda one: one["request_id"])
        yield Cause(REQUEST, f"{row['requested_by']} asks for it: {row['why']}", f"{REQUEST} {row['request_id']}")


def _orders(record: Record, situation: Situation) -> Iterator[Cause]:
    """Work that no plan has a place for."""
    fresh = _unplanned(situation)
    changed = {row["order_id"]: row["changed_ts"] for row in record.rows("orders", f"order_id IN ({listed(fresh)})")} if fresh else {}
    if fresh and all(situation.now_ts - moment >= SETTLING for moment in changed.values()):
        yield Cause(ORDER, f"{_listed(fresh)} {'has' if len(fresh) == 1 else 'have'} no place in it yet", f"{ORDER} {' '.join(fresh)}")


def _unplanned(situation: Situation) -> list[str]:
    """Orders with operations that wait without a planned start."""
    waiting = (OperationState.WAITING, OperationState.READY)
    return sorted({one.order_id for one in situation.operations if one.state in waiting and one.planned_start_ts is None})


def _night(plant: PlantModel, settings: PlannerSettings, now: datetime) -> Iterator[Cause]:
    if settings.nightly_at:
        local = now.astimezone(plant.calendar.zone)
        at = datetime.combine(local.date(), time.fromisoformat(settings.nightly_at), local.tzinfo)
        if timedelta() <= local - at <= LATE_NIGHTLY:
            yield nightly(local)


def nightly(local: datetime) -> Cause:
    """The cause of the plan of the night, by plant time."""
    return Cause(NIGHTLY, f"it is the plan of the night to {local:%Y-%m-%d}", f"{NIGHTLY} {local:%Y-%m-%d}")


def _listed(names: list[str], most: int = 4) -> str:
    shown = names if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} more orders"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
