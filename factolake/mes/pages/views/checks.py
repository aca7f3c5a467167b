"""A check at a station: one input a value, its limits beside it; each characteristic that was filled in is booked as an inspection of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from factolake.domain.action import Role
from factolake.domain.order import OperationState
from factolake.mes.core.action import ACTIONS, Answer
from factolake.mes.core.record import plain
from factolake.mes.core.refusals import Invalid, NotAllowed, NotFound, Refusal
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.core.validity import valid_at
from factolake.mes.equipment.models import Equipment
from factolake.mes.pages.access import page, said, show, who
from factolake.mes.pages.asking import ask, new_key, number
from factolake.mes.pages.plant_time import shown
from factolake.mes.pages.units import unit
from factolake.mes.production.models import Operation
from factolake.mes.quality.due_checks import state_of
from factolake.mes.quality.models import CharacteristicKind, InspectionPlan, InspectionResult

CHECKERS = frozenset({Role.OPERATOR, Role.QUALITY})
INPUTS_MAX = 30
"""A sample above that is typed into one field, a value a line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One characteristic on the form: how it is judged, what was typed, and what came of it."""

    plan: InspectionPlan
    limits: str
    gauge: str
    gauge_refused: str
    is_due: bool
    values: tuple[tuple[str, str], ...]
    failed: str
    size: str
    refusal: str = ""
    outcome: str = ""

    @property
    def is_counted(self) -> bool:
        """Whether failed items are counted instead of values measured."""
        return self.plan.kind == CharacteristicKind.ATTRIBUTE.value

    @property
    def is_long(self) -> bool:
        """Whether its values are typed into one field."""
        return self.plan.sample_size > INPUTS_MAX


@page(*CHECKERS)
def check(request: HttpRequest, station: str) -> HttpResponse:
    """The form of a station's characteristics, those that are due first; what is left empty is not checked."""
    place = _place(request, station)
    plans = _plans(place)
    if request.method != "POST":
        return _form(request, place, [_entry(request, plan) for plan in plans], new_key())
    done, entries, first = [], [], None
    for plan in plans:
        payload = _payload(request, plan)
        try:
            outcome = _outcome(plan, ask(request, ACTIONS["inspection.create"], "", payload, part=f"-{plan.pk}")) if payload else ""
        except Refusal as error:
            first = first or error
            entries.append(_entry(request, plan, refusal=str(error)))
            continue
        done += [outcome] if outcome else []
        entries.append(_entry(request, plan, outcome=outcome))
    if not done and first is None:
        first = Invalid("nothing was typed; fill in what you have checked")
    if first is None:
        said(request, " ".join(done))
        return redirect("quality")
    return _form(request, place, entries, request.POST.get("once", ""), first)


def limits(plan: InspectionPlan) -> str:
    """The limits of a plan in words; of an attribute how many may fail."""
    if plan.kind == CharacteristicKind.ATTRIBUTE.value:
        return f"at most {plan.accept_up_to} of {plan.sample_size} may fail"
    lower, upper = plain(plan.lower), plain(plan.upper)
    words = f"{lower} to {upper}" if lower is not None and upper is not None else f"at most {upper}" if lower is None else f"at least {lower}"
    nominal = "" if plan.nominal is None else f", nominal {plain(plan.nominal)}"
    return f"{words} {unit(plan.unit)}".strip() + nominal


def _form(request: HttpRequest, place: Equipment, entries: Sequence[Entry], once: str, refusal: Refusal | None = None) -> HttpResponse:
    running = Operation.objects.filter(equipment__path__startswith=place.path, state=OperationState.RUNNING.value).select_related("order")
    context = {
        "station": place,
        "entries": sorted(entries, key=lambda each: (not each.refusal, not each.is_due)),
        "operations": list(running.order_by("pk")),
        "chosen": request.POST.get("operation_id"),
        "lot_id": request.POST.get("lot_id", request.GET.get("lot_id", "")),
        "once": once,
        "refusal": str(refusal) if refusal else "",
    }
    return show(request, "check", context, refusal.status if refusal else 200)


def _place(request: HttpRequest, station: str) -> Equipment:
    found: Equipment | None = visible(RESOURCES["equipment"], who(request).rights).filter(pk=station).first()
    if found is None:
        raise NotFound(f"there is no station {station}")
    if not who(request).rights.holds(CHECKERS, found.path):
        raise NotAllowed(f"checks at {station} take the role operator or quality there")
    return found


def _plans(place: Equipment) -> list[InspectionPlan]:
    found = InspectionPlan.objects.filter(valid_at(timezone.now()), equipment=place).select_related("equipment", "gauge", "material")
    return list(found.order_by("pk"))


def _payload(request: HttpRequest, plan: InspectionPlan) -> dict[str, object]:
    """What was typed for the plan, as the action's payload; empty where nothing was."""
    sent = request.POST
    if plan.kind == CharacteristicKind.ATTRIBUTE.value:
        typed = {"nonconforming": sent.get(f"n-{plan.pk}", "").strip(), "sample_size": sent.get(f"of-{plan.pk}", "").strip()}
        values = {name: text for name, text in typed.items() if text} if typed["nonconforming"] else {}
    else:
        texts = sent.get(f"v-{plan.pk}", "").split() if plan.sample_size > INPUTS_MAX else [text for _, text in _typed(request, plan)]
        filled = [number(text) for text in texts if text.strip()]
        values = {"values": filled} if filled else {}
    of = {name: sent[name].strip() for name in ("operation_id", "lot_id") if sent.get(name, "").strip()}
    return {"plan_id": plan.pk, **values, **of} if values else {}


def _typed(request: HttpRequest, plan: InspectionPlan) -> tuple[tuple[str, str], ...]:
    names = [f"v-{plan.pk}-{n}" for n in range(1, plan.sample_size + 1)]
    return tuple((name, request.POST.get(name, "")) for name in names)


def _entry(request: HttpRequest, plan: InspectionPlan, refusal: str = "", outcome: str = "") -> Entry:
    is_long, now, gauge = plan.sample_size > INPUTS_MAX, timezone.now(), plan.gauge
    values = ((f"v-{plan.pk}", request.POST.get(f"v-{plan.pk}", "")),) if is_long else _typed(request, plan)
    told, refused = "Judged by eye", ""
    if gauge is not None:
        told = f"Measured with {gauge.name} ({gauge.pk}), calibrated until {shown(gauge.due_ts)}"
        refused = "it is out of use" if not gauge.is_active else "its calibration is overdue" if gauge.due_ts <= now else ""
    failed, size = request.POST.get(f"n-{plan.pk}", ""), request.POST.get(f"of-{plan.pk}", str(plan.sample_size))
    return Entry(plan, limits(plan), told, refused, state_of(plan, now)["is_due"], values, failed, size, refusal, outcome)


def _outcome(plan: InspectionPlan, answer: Answer) -> str:
    if answer["result"] == InspectionResult.PASSED.value:
        return f"{plan.characteristic}: passed."
    held = " Everything since the last good check is held." if plan.holds_on_failure else ""
    return f"{plan.characteristic}: failed, {answer['nonconforming']} of {answer['sample_size']}.{held}"
