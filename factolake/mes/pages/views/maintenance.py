"""Maintenance: what is asked for, the orders under way with their clocks and the one step that comes next, and what is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from factolake.mes.core.action import ACTIONS
from factolake.mes.core.refusals import NotFound
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.maintenance.clocks import NEEDED, Clock
from factolake.mes.maintenance.cycles import counted, due_of
from factolake.mes.maintenance.models import CycleSource, MaintenanceKind, MaintenanceOrder, MaintenanceOrderState, PreventivePlan, RequestState
from factolake.mes.maintenance.models.order import MAINTENANCE_ORDER_STATES
from factolake.mes.maintenance.models.request import PENDING
from factolake.mes.pages.access import page, show, who
from factolake.mes.pages.asking import actions_on, making_actions, new_key
from factolake.mes.pages.search import numbered
from factolake.mes.people.rights import Rights

LISTED = 50
_TAPS: Mapping[Clock, tuple[str, str]] = {
    Clock.STOPPED: ("maintenance_order.stop", "It stopped now"),
    Clock.CALLED: ("maintenance_order.call", "Called now"),
    Clock.ARRIVED: ("maintenance_order.arrive", "I am here"),
    Clock.REPAIRED: ("maintenance_order.repair", "Repaired"),
    Clock.FIRST_GOOD: ("maintenance_order.prove", "First good part"),
}
"""The action and the words of the button that sets a clock."""
_CLOCK_VERBS = frozenset(name.partition(".")[2] for name, _ in _TAPS.values())
_OVER = [state.value for state in MAINTENANCE_ORDER_STATES.final]


@dataclass(frozen=True, slots=True)
class Tick:
    """A clock of an order: when it was set, and how many minutes after the one before; `is_next` is the one to set now."""

    word: str
    at_ts: datetime | None
    after_min: int | None
    is_next: bool


@dataclass(frozen=True, slots=True)
class Work:
    """An order as the page shows it; `tap` is the action of the one button and its words, None where the person may not or nothing is left."""

    order: MaintenanceOrder
    clocks: tuple[Tick, ...]
    tap: tuple[str, str] | None
    needs_diagnosis: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """A preventive plan; `cycles` is the counter as it is now, None where nobody counts or somebody has to give it."""

    plan: PreventivePlan
    cycles: Decimal | None
    is_due: bool
    is_asked: bool
    may_ask: bool


@page()
def maintenance(request: HttpRequest) -> HttpResponse:
    """What is asked for, what is under way, what is due."""
    rights = who(request).rights
    asked = visible(RESOURCES["maintenance-requests"], rights).filter(state=RequestState.OPEN.value).select_related("equipment", "requested_by")
    orders = visible(RESOURCES["maintenance-orders"], rights).exclude(state__in=_OVER).select_related("equipment")
    accept = ACTIONS["maintenance_request.accept"].roles
    context = {
        "asked": [(each, rights.holds(accept, each.place)) for each in asked.order_by("-is_stopped", "-priority", "requested_ts")[:LISTED]],
        "orders": [work_of(each, rights) for each in orders.order_by("stopped_ts", "pk")[:LISTED]],
        "plans": _planned(rights),
        "making": [*making_actions("maintenance_request", rights), *making_actions("maintenance_order", rights)],
        "planning": making_actions("preventive_plan", rights),
        "once": new_key(),
        "now": timezone.now(),
    }
    return show(request, "maintenance", context)


@page()
def maintenance_order(request: HttpRequest, key: str) -> HttpResponse:
    """One order: its clocks, what was found, what was used and who worked on it."""
    rights = who(request).rights
    rows = visible(RESOURCES["maintenance-orders"], rights).select_related("equipment", "mode", "mechanism", "cause", "detection", "request")
    found: MaintenanceOrder | None = numbered(rows, key)
    if found is None:
        raise NotFound(f"there is no maintenance order {key}")
    is_over = found.state in _OVER
    more = [] if is_over else [each for each in actions_on(found, rights) if each.verb not in _CLOCK_VERBS and _is_possible(found, each.verb)]
    codes = [(word, getattr(found, word)) for word in ("mode", "mechanism", "cause", "detection")]
    context = {
        "work": work_of(found, rights),
        "actions": more,
        "booking": [] if is_over else [*making_actions("maintenance_part", rights), *making_actions("maintenance_labour", rights)],
        "codes": codes,
        "parts": found.parts.order_by("pk"),
        "labour": found.labour.select_related("person").order_by("pk"),
        "once": new_key(),
    }
    return show(request, "maintenance_order", context)


def work_of(order: MaintenanceOrder, rights: Rights) -> Work:
    """The order with its clocks and the one step that comes next."""
    known = {clock: getattr(order, clock.value) for clock in Clock}
    following = next_clock(MaintenanceKind(order.kind), known)
    ticks: list[Tick] = []
    before: datetime | None = None
    for clock, at_ts in known.items():
        after = int((at_ts - before).total_seconds() // 60) if at_ts is not None and before is not None else None
        ticks.append(Tick(clock.word, at_ts, after, clock is following))
        before = at_ts or before
    needs_diagnosis = following is None and order.kind == MaintenanceKind.CORRECTIVE.value and order.mode_id is None
    tap = _TAPS[following] if following is not None else None if needs_diagnosis else ("maintenance_order.close", "Close")
    is_over = order.state in _OVER
    may = tap is not None and not is_over and rights.holds(ACTIONS[tap[0]].roles, order.place)
    return Work(order, tuple(ticks), tap if may else None, needs_diagnosis and not is_over)


def next_clock(kind: MaintenanceKind, known: Mapping[Clock, datetime | None]) -> Clock | None:
    """The next clock that the order needs and that is not set; None when all it needs are."""
    return next((clock for clock in Clock if clock in NEEDED[kind] and known.get(clock) is None), None)


def _is_possible(order: MaintenanceOrder, verb: str) -> bool:
    return verb not in ("close", "cancel") or (verb == "cancel" and order.state == MaintenanceOrderState.OPEN.value)


def _planned(rights: Rights) -> list[Planned]:
    rows = visible(RESOURCES["preventive-plans"], rights).filter(is_active=True).select_related("equipment")
    plans = list(rows.order_by("next_due_ts", "plan_id")[:LISTED])
    asked = set(PreventivePlan.objects.filter(pk__in=[plan.pk for plan in plans], requests__state__in=PENDING).values_list("pk", flat=True))
    by_count = {plan.equipment_id for plan in plans if plan.every_cycles is not None and plan.cycles_from == CycleSource.OPERATIONS.value}
    counters, roles, now = counted(sorted(by_count)), ACTIONS["preventive_plan.request"].roles, timezone.now()
    made = []
    for plan in plans:
        cycles = counters.get(plan.equipment_id) if plan.cycles_from == CycleSource.OPERATIONS.value else None
        made.append(Planned(plan, cycles, due_of(plan).is_reached(now, cycles), plan.pk in asked, rights.holds(roles, plan.place)))
    return sorted(made, key=lambda each: not each.is_due)
