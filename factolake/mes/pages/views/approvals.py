"""The inbox of approvals: what waits for somebody's word, with exactly what would happen."""

import json

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from factolake.mes.approvals.models import OPEN_STATES, Proposal
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.pages.access import page, show, who

SHOWN = 50


@page()
def approvals(request: HttpRequest) -> HttpResponse:
    """Open proposals where the person has a role, the one that ends first on top."""
    rows = visible(RESOURCES["proposals"], who(request).rights).filter(state__in=OPEN_STATES, expires_ts__gt=timezone.now())
    found = rows.select_related("requested_by").order_by("expires_ts")[:SHOWN]
    return show(request, "approvals", {"proposals": [(each, _told(each)) for each in found]})


def _told(proposal: Proposal) -> list[tuple[str, object]]:
    """What the action would be asked with, and the evidence, as pairs; the reason stands above them already."""
    pairs = [*json.loads(proposal.payload).items(), *json.loads(proposal.evidence).items()]
    return [(name, value) for name, value in pairs if name != "reason" or value != proposal.reason]
