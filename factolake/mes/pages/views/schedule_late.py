"""Orders that end late by the plan of a line: by how much, and what each of them waits for."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from factolake.mes.pages.access import page, show
from factolake.mes.pages.views.schedule import line_of
from factolake.mes.scheduling.rule_words import minutes
from factolake.mes.scheduling.situation import situation_of
from factolake.mes.scheduling.trying import standing
from factolake.planning.building import built
from factolake.planning.explaining import late_orders

MOST, LINKS = 50, 12
"""So many late orders are shown, those that cost most first, and so many links of each one's chain."""


@page()
def late(request: HttpRequest, line: str) -> HttpResponse:
    """The late list, with the reasons of each order from its end back."""
    found = line_of(request, line)
    plan = built(situation_of(found, timezone.now()))
    orders = {order.order_id: order for order in plan.orders}
    worst = late_orders(plan, tuple(standing(plan).values()))
    rows = [
        {
            "order": orders[each.order_id],
            "by": minutes(each.late_s),
            "chain": [reason.says for reason in each.reasons[:LINKS]],
            "more": max(len(each.reasons) - LINKS, 0),
        }
        for each in worst[:MOST]
    ]
    return show(request, "schedule_late", {"line": found, "rows": rows, "count": len(worst), "unplanned": plan.refused[:MOST]})
