"""The operator's terminal of a station: what runs, what comes next, and a report in one touch, scrap in two."""

from django.contrib.staticfiles import finders
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from factolake.domain.action import Role
from factolake.domain.order import OperationState
from factolake.mes.alerts.kinds import Danger
from factolake.mes.core.action import ACTIONS, On
from factolake.mes.core.refusals import Conflict, NotAllowed, NotFound, Refusal
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.downtime.models import Stop, StopState
from factolake.mes.equipment.models import Equipment, Reason, ReasonKind
from factolake.mes.pages import lake
from factolake.mes.pages.access import open_page, page, said, show, who
from factolake.mes.pages.asking import ask, label, new_key, read
from factolake.mes.pages.views.checks import CHECKERS
from factolake.mes.people.rights import covers
from factolake.mes.production.models import Lot, Operation
from factolake.mes.quality.models import InspectionPlan
from factolake.mes.scheduling.actions.deviating import is_out_of_sequence, next_planned

WORKERS = (Role.OPERATOR, Role.PLANNER)
QUEUE = 12
"""Operations shown as next; a station's screen holds no more."""
VERBS = {
    "start": "operation.start",
    "suspend": "operation.suspend",
    "complete": "operation.complete",
    "report": "operation.report",
    "consume": "operation.consume",
    "classify": "stop.classify",
    "help": "maintenance_request.create",
    "danger": "alert.create",
}
"""What the buttons of a terminal ask for."""
_TOLD = {
    "start": "{key} runs.",
    "suspend": "{key} is suspended.",
    "complete": "{key} is completed.",
    "consume": "{key}: the lot is used.",
    "classify": "The stop has its reason.",
    "help": "Help is called.",
    "danger": "Everybody on shift at this line is told.",
}
_NEXT = (OperationState.READY.value, OperationState.SUSPENDED.value, OperationState.HELD.value)
_WAITING_STOPS = 5


@page(*WORKERS)
def terminals(request: HttpRequest) -> HttpResponse:
    """Choose a station."""
    stations = [each for each in _stations(request) if who(request).rights.holds(set(WORKERS), each.path)]
    if len(stations) == 1:
        return redirect("terminal", station=stations[0].equipment_id)
    return show(request, "terminals", {"stations": stations})


@page(*WORKERS)
def terminal(request: HttpRequest, station: str) -> HttpResponse:
    """The terminal; `part=now` is only the head, which it asks for by itself."""
    place = _station(request, station)
    context = _work(request, place)
    if request.GET.get("part") != "now":
        is_checked = who(request).rights.holds(CHECKERS, place.path) and InspectionPlan.objects.filter(equipment=place, valid_to=None).exists()
        return show(request, "terminal", {**context, "is_checked": is_checked})
    answer = show(request, "terminal_now", context)
    current = context["current"]
    if request.GET.get("operation", "") != (current.pk if isinstance(current, Operation) else ""):
        answer["HX-Refresh"] = "true"  # another operation runs than the buttons below are for
    return answer


@open_page
def worker(request: HttpRequest) -> HttpResponse:
    """The script that keeps the terminal for a reload without network; at this address, since a worker reaches only what is below its own."""
    with open(finders.find("pages/terminal_worker.js"), encoding="utf-8") as script:
        return HttpResponse(script.read(), content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})


@page(*WORKERS)
def report(request: HttpRequest, station: str, verb: str, key: str) -> HttpResponse:
    """What a button of the terminal asks for. A browser that queues entries gets a short answer, one without script the terminal again."""
    place = _station(request, station)
    if verb not in VERBS or request.method != "POST":
        raise NotFound(f"a terminal has no {verb}; go back to it")
    is_queued = request.headers.get("X-Terminal") == "1"
    try:
        _check_person(request)
        action = ACTIONS[VERBS[verb]]
        ask(request, action, key if isinstance(action.subject, On) else "", read(action, request.POST))
    except Refusal as error:
        if is_queued:
            raise
        return show(request, "terminal", {**_work(request, place), "refusal": str(error), "typed": request.POST}, error.status)
    said(request, _told(verb, key, request))
    return HttpResponse("done", content_type="text/plain") if is_queued else redirect("terminal", station=station)


@page(*WORKERS)
def scan(request: HttpRequest, station: str) -> HttpResponse:
    """What a scanner typed: an operation or order to start, a lot to consume, a pallet with such lots, another station to go to."""
    place, code = _station(request, station), request.GET.get("code", "").strip()
    work = _work(request, place)
    operation = visible(RESOURCES["operations"], who(request).rights).filter(equipment__path__startswith=place.path)
    here = (*_NEXT, OperationState.RUNNING.value)
    found = operation.filter(pk=code).first() or operation.filter(order_id=code, state__in=here).order_by("number").first()
    if found is not None:
        planned = next_planned(found.equipment)
        reasons = reason_tree(found.equipment, ReasonKind.DEVIATION) if planned is not None else []
        scanned = {"scanned": found, "passes_over": is_out_of_sequence(found, planned), "planned_there": planned, "deviation_reasons": reasons}
        return show(request, "terminal", {**work, **scanned})
    lot = Lot.objects.filter(pk=code).first() if code else None
    current = work["current"]
    if lot is not None and isinstance(current, Operation):
        return show(request, "terminal", {**work, "scanned_lot": lot})
    if lot is None and any(each.pk == code for each in _stations(request)):
        return redirect("terminal", station=code)
    on_pallet = list(Lot.objects.filter(pallet=code, remaining__gt=0).order_by("pk")[:QUEUE]) if code and lot is None else []
    if on_pallet and isinstance(current, Operation):
        return show(request, "terminal", {**work, "on_pallet": on_pallet, "pallet": code})
    kind = "lot" if lot is not None else "pallet" if on_pallet else ""
    why = f"{code} is a {kind}; start an operation before you use it" if kind else f"nothing here has the number {code or '(empty)'}; scan again"
    return show(request, "terminal", {**work, "refusal": why}, 404)


def _check_person(request: HttpRequest) -> None:
    """Entries that waited in a shared tablet are sent only as the person who made them."""
    made_by = request.POST.get("made_by", "")
    if made_by and made_by != who(request).person.person_id:
        raise Conflict(f"this entry was made by {made_by}; it is sent when {made_by} signs on again")


def _told(verb: str, key: str, request: HttpRequest) -> str:
    if verb != "report":
        return _TOLD[verb].format(key=key)
    parts = [f"{request.POST[name]} {name}" for name in ("good", "scrap", "rework") if request.POST.get(name)]
    return f"{key}: {', '.join(parts)} reported."


def _stations(request: HttpRequest) -> "list[Equipment]":
    rows = visible(RESOURCES["equipment"], who(request).rights)
    return list(rows.filter(level__in=("ProductionLine", "WorkUnit"), is_active=True).order_by("path"))


def _station(request: HttpRequest, station: str) -> Equipment:
    found: Equipment | None = visible(RESOURCES["equipment"], who(request).rights).filter(pk=station).first()
    if found is None:
        raise NotFound(f"there is no station {station}")
    if not who(request).rights.holds(set(WORKERS), found.path):
        raise NotAllowed(f"the terminal of {station} takes the role operator or planner there")
    return found


def _work(request: HttpRequest, place: Equipment) -> dict[str, object]:
    """What the terminal of `place` shows: a line's shows the operations on the line itself, a machine's its own."""
    operations = Operation.objects.filter(equipment=place).select_related("order__material", "equipment")
    current = operations.filter(state=OperationState.RUNNING.value).order_by("actual_start_ts").first()
    in_sequence = (F("sequence").asc(nulls_last=True), F("planned_start_ts").asc(nulls_last=True), F("order__due_ts").asc(nulls_last=True))
    waiting = operations.filter(state__in=_NEXT).order_by(in_sequence[0], "-order__priority", *in_sequence[1:], "pk")[:QUEUE]
    planned = next_planned(place)
    unexplained = Stop.objects.filter(equipment=place, state=StopState.CURRENT.value, asks_reason=True, reason=None)
    stops = list(unexplained.order_by("-from_ts")[:_WAITING_STOPS])
    return {
        "station": place,
        "current": current,
        "progress": progress(current) if current is not None else None,
        "waiting": [(each, is_out_of_sequence(each, planned)) for each in waiting],
        "planned": planned,
        "deviation_reasons": reason_tree(place, ReasonKind.DEVIATION) if planned is not None else [],
        "machine": lake.states([place.equipment_id]).get(place.equipment_id),
        "stops": stops,
        "stop_reasons": reason_tree(place, ReasonKind.DOWNTIME) if stops else [],
        "reasons": reason_tree(place, ReasonKind.SCRAP),
        "dangers": [(danger.value, label(danger.value)) for danger in Danger],
        "once": new_key(),
        "now": timezone.now(),
        "typed": {},
    }


def progress(operation: Operation) -> dict[str, object]:
    """How far an operation is: planned, good, what should be good by now (by planned run time; None where that is not known)."""
    planned = operation.planned_quantity
    target = None
    if operation.planned_run_s and operation.actual_start_ts:
        elapsed = (timezone.now() - operation.actual_start_ts).total_seconds() - operation.planned_setup_s
        target = max(0, min(int(elapsed / operation.planned_run_s), int(planned)))
    is_behind = target is not None and operation.good < target
    return {"planned": planned, "good": operation.good, "left": operation.left, "target": target, "is_behind": is_behind}


def reason_tree(place: Equipment, kind: ReasonKind) -> list[tuple[str, list[Reason]]]:
    """Reasons of `kind` that count at `place`, leaves under the name of their branch, so that one touch chooses."""
    found = [reason for reason in Reason.objects.filter(kind=kind.value, is_active=True).select_related("parent") if covers(reason.scope, place.path)]
    branches = set(Reason.objects.filter(is_active=True).values_list("parent_id", flat=True))
    tree: dict[str, list[Reason]] = {}
    for reason in sorted(found, key=lambda each: (each.parent.name if each.parent else "", each.name)):
        if reason.pk not in branches:
            tree.setdefault(reason.parent.name if reason.parent else "", []).append(reason)
    return list(tree.items())
