"""Quality: what is to be checked, what is held, what does not conform; one hold with all it covers; the control charts of a characteristic."""

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from factolake.domain.action import RULES
from factolake.mes.core.action import ACTIONS, Action
from factolake.mes.core.refusals import NotFound
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.core.validity import valid_at
from factolake.mes.pages.access import page, show, who
from factolake.mes.pages.asking import actions_on, making_actions, new_key
from factolake.mes.pages.control_chart import draw
from factolake.mes.pages.search import numbered
from factolake.mes.pages.views.checks import CHECKERS, limits
from factolake.mes.people.rights import Rights
from factolake.mes.quality.charting import Rules, plan_charts
from factolake.mes.quality.due_checks import state_of
from factolake.mes.quality.good_checks import below
from factolake.mes.quality.models import Hold, HoldState, InspectionPlan, Nonconformance, NonconformanceState
from factolake.mes.quality.models.hold import SUBJECTS
from factolake.mes.quality.models.nonconformance import NONCONFORMANCE_STATES

LISTED = 50
CHARTED = (25, 100, 300)
"""Numbers of checks that a chart may show."""
_LEADS_TO = {
    "contain": NonconformanceState.CONTAINED,
    "concede": NonconformanceState.DISPOSITIONED,
    "rework": NonconformanceState.DISPOSITIONED,
    "send_back": NonconformanceState.DISPOSITIONED,
    "scrap": NonconformanceState.DISPOSITIONED,
    "close": NonconformanceState.CLOSED,
}


@page()
def quality(request: HttpRequest) -> HttpResponse:
    """Checks that are due on top, then holds, what does not conform, and events that nobody has looked at."""
    rights = who(request).rights
    lines = list(visible(RESOURCES["equipment"], rights).filter(level="ProductionLine", is_active=True).order_by("path"))
    chosen = next((line for line in lines if line.pk == request.GET.get("line")), None)
    place = Q() if chosen is None else below("equipment__path", chosen.path)
    plans = list(_plans(rights).filter(valid_at(timezone.now()), place).order_by("equipment__path", "pk")[: LISTED + 1])
    states = [(plan, limits(plan), state_of(plan, timezone.now())) for plan in plans[:LISTED]]
    holds = visible(RESOURCES["holds"], rights).filter(state=HoldState.OPEN.value).select_related("placed_by").order_by("-placed_ts")
    held = Count("items", filter=Q(items__released_ts=None), distinct=True)
    found = visible(RESOURCES["nonconformances"], rights).exclude(state=NonconformanceState.CLOSED.value).select_related("equipment")
    events = visible(RESOURCES["quality-events"], rights).filter(state="open").select_related("equipment").order_by("-at_ts")
    context = {
        "lines": lines,
        "line": chosen,
        "is_cut": len(plans) > LISTED,
        "checks": sorted(states, key=lambda each: not each[2]["is_due"]),
        "checkers": frozenset(each.pk for each, *_ in states if rights.holds(CHECKERS, each.place)),
        "holds": [(hold, subject(hold)) for hold in holds.annotate(lots_held=held)[:LISTED]],
        "found": [(each, possible(each, rights)) for each in found.order_by("-pk")[:LISTED]],
        "events": [(each, rights.holds(ACTIONS["quality_event.acknowledge"].roles, each.place)) for each in events[:LISTED]],
        "making": [*making_actions("hold", rights), *making_actions("nonconformance", rights), *making_actions("inspection_plan", rights)],
        "once": new_key(),
    }
    return show(request, "quality", context)


@page()
def hold(request: HttpRequest, key: str) -> HttpResponse:
    """One hold: on what, why, and every lot and operation it covers."""
    rights = who(request).rights
    found: Hold | None = numbered(visible(RESOURCES["holds"], rights).select_related("placed_by", "released_by"), key)
    if found is None:
        raise NotFound(f"there is no hold {key}")
    items = found.items.select_related("lot").order_by("released_ts", "lot_id")
    release = ACTIONS["hold.release"]
    context = {
        "hold": found,
        "subject": subject(found),
        "items": items[:LISTED],
        "more": max(items.count() - LISTED, 0),
        "operations": found.operations.filter(released_ts=None).select_related("operation").order_by("operation_id")[:LISTED],
        "may_release": found.state == HoldState.OPEN.value and rights.holds(release.roles, found.place),
        "needs": RULES[release.effect].approvals,
    }
    return show(request, "hold", context)


@page()
def chart(request: HttpRequest, key: str) -> HttpResponse:
    """The control charts of a plan's newest checks, with the broken rules marked, and the same as a table."""
    rights = who(request).rights
    plan: InspectionPlan | None = numbered(_plans(rights), key)
    if plan is None:
        raise NotFound(f"there is no inspection plan {key}")
    asked = request.GET.get("rules", "")
    rules = Rules(asked) if asked in set(Rules) else Rules.NELSON
    number = request.GET.get("limit", "")
    limit = int(number) if number in map(str, CHARTED) else CHARTED[1]
    made = plan_charts(plan, rules, limit)
    context = {
        "plan": plan,
        "limits": limits(plan),
        "charts": [draw(each, made["checks"]) for each in made["charts"]],
        "capability": made["capability"],
        "note": made["note"],
        "rules": rules.value,
        "limit": limit,
        "limit_choices": CHARTED,
        "may_check": plan.valid_to is None and rights.holds(CHECKERS, plan.place),
    }
    return show(request, "chart", context)


def subject(found: Hold) -> tuple[str, str]:
    """What a hold is on: the noun and its key."""
    keys = ((noun, getattr(found, f"{noun}_id")) for noun in SUBJECTS)
    return next((noun, str(key)) for noun, key in keys if key is not None)


def possible(found: Nonconformance, rights: Rights) -> list[Action]:
    """What the person may do about it next, as far as its state goes."""
    steps = NONCONFORMANCE_STATES.steps[NonconformanceState(found.state)]
    return [each for each in actions_on(found, rights) if _LEADS_TO.get(each.verb) in steps]


def _plans(rights: Rights) -> "QuerySet[InspectionPlan]":
    return visible(RESOURCES["inspection-plans"], rights).select_related("equipment", "gauge", "material")
