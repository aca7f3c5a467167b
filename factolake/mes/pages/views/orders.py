"""Orders and materials: the list, and one with all that belongs to it."""

from collections.abc import Mapping

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from factolake.domain.order import OrderState
from factolake.mes.core.refusals import NotFound
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.pages.access import page, show, who
from factolake.mes.pages.asking import actions_on, making_actions
from factolake.mes.pages.search import begins
from factolake.mes.production.models import (
    BillItem,
    Delivery,
    DeliveryState,
    Lot,
    MaterialDefinition,
    Order,
    Production,
    RoutingAlternative,
    RoutingStep,
)
from factolake.mes.production.models.order import ORDER_STATES
from factolake.mes.production.parts import good_at_end

PAGE_SIZE = 50
_MAKES = ("routing_step", "routing_alternative", "bill_item", "delivery", "lot")
"""What is made from the page of a material."""
_LEADS_TO: Mapping[str, OrderState] = {
    "release": OrderState.RELEASED,
    "hold": OrderState.HELD,
    "cancel": OrderState.CANCELLED,
    "close": OrderState.CLOSED,
}
"""Where an order's action leads, so that no button is offered for a step that its state does not have."""


@page()
def orders(request: HttpRequest) -> HttpResponse:
    """Orders of the lines the person sees, by state, line and the beginning of the id."""
    rows = visible(RESOURCES["orders"], who(request).rights).select_related("material")
    asked = {name: request.GET.get(name, "").strip() for name in ("state", "line_id", "q")}
    rows = rows.filter(**{name: asked[name] for name in ("state", "line_id") if asked[name]})
    if asked["q"]:
        rows = rows.filter(begins("order_id", asked["q"]))
    after = request.GET.get("after", "")
    found = list((rows.filter(order_id__gt=after) if after else rows).order_by("order_id").prefetch_related("operations")[: PAGE_SIZE + 1])
    context = {
        "orders": [(order, good_at_end(order.operations.all())) for order in found[:PAGE_SIZE]],
        "next_after": found[PAGE_SIZE - 1].order_id if len(found) > PAGE_SIZE else "",
        "states": [state.value for state in OrderState],
        "lines": visible(RESOURCES["equipment"], who(request).rights).filter(level="ProductionLine").order_by("pk"),
        "asked": asked,
        "making": making_actions("order", who(request).rights),
    }
    return show(request, "orders", context)


@page()
def order(request: HttpRequest, key: str) -> HttpResponse:
    """One order: what it takes, how far it is, what was made."""
    rights = who(request).rights
    found = visible(RESOURCES["orders"], rights).select_related("material", "line").filter(pk=key).first()
    if found is None:
        raise NotFound(f"there is no order {key}")
    operations = list(found.operations.select_related("equipment").order_by("number", "part"))
    own = [operation.pk for operation in operations]
    reports = list(Production.objects.filter(operation__in=own).select_related("cause").order_by("-at_ts")[:PAGE_SIZE])
    taken_back = set(Production.objects.filter(reverses__in=[each.pk for each in reports]).values_list("reverses_id", flat=True))
    context = {
        "order": found,
        "made": good_at_end(operations),
        "actions": [each for each in actions_on(found, rights) if _is_possible(found, each.name)],
        "operations": operations,
        "reports": [(each, each.pk in taken_back) for each in reports],
        "may_reverse": any(actions_on(report, rights) for report in reports[:1]),
        "lots": Lot.objects.filter(made_by__in=own).order_by("lot_id")[:PAGE_SIZE],
    }
    return show(request, "order", context)


@page()
def materials(request: HttpRequest) -> HttpResponse:
    """Materials by id and description."""
    rows = visible(RESOURCES["materials"], who(request).rights)
    q, after = request.GET.get("q", "").strip(), request.GET.get("after", "")
    if q:
        rows = rows.filter(begins("material_id", q) | Q(description__icontains=q))
    found = list((rows.filter(pk__gt=after) if after else rows).order_by("pk")[: PAGE_SIZE + 1])
    context = {
        "materials": found[:PAGE_SIZE],
        "q": q,
        "next_after": found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else "",
        "making": making_actions("material", who(request).rights),
    }
    return show(request, "materials", context)


@page()
def material(request: HttpRequest, key: str) -> HttpResponse:
    """One material: its bill and the steps that make it, as they are valid now, and what of it is to come."""
    rights = who(request).rights
    found: MaterialDefinition | None = visible(RESOURCES["materials"], rights).filter(pk=key).first()
    if found is None:
        raise NotFound(f"there is no material {key}")
    context = {
        "material": found,
        "bill": BillItem.objects.filter(material=found, valid_to=None).select_related("component").order_by("step_number"),
        "steps": RoutingStep.objects.filter(material=found, valid_to=None).select_related("equipment").order_by("number"),
        "alternatives": [(each, actions_on(each, rights)) for each in _alternatives(found)],
        "deliveries": [(each, actions_on(each, rights)) for each in _expected(found)],
        "actions": actions_on(found, rights),
        "making": [action for noun in _MAKES for action in making_actions(noun, rights)],
    }
    return show(request, "material", context)


def _alternatives(material: MaterialDefinition) -> QuerySet[RoutingAlternative]:
    return RoutingAlternative.objects.filter(material=material, valid_to=None).order_by("step_number", "equipment_id")


def _expected(material: MaterialDefinition) -> QuerySet[Delivery]:
    return Delivery.objects.filter(material=material, state=DeliveryState.EXPECTED.value).order_by("expected_ts", "pk")[:PAGE_SIZE]


def _is_possible(order: Order, name: str) -> bool:
    verb = name.partition(".")[2]
    if verb == "resume":
        return order.state == OrderState.HELD.value
    to = _LEADS_TO.get(verb)
    is_step = to is None or to in ORDER_STATES.steps[OrderState(order.state)]
    return is_step and not (verb == "release" and order.state == OrderState.HELD.value)
