"""Lots: found by number, pallet or the supplier's number, and drawn with what they came from and went into."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from factolake.mes.core.refusals import NotFound
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.pages.access import page, show, who
from factolake.mes.pages.asking import actions_on, making_actions
from factolake.mes.pages.drawing import draw
from factolake.mes.pages.search import begins
from factolake.mes.people.rights import Rights
from factolake.mes.production.genealogy import Way, tree
from factolake.mes.production.models import Lot
from factolake.mes.production.recall import recall

PAGE_SIZE = 50
LEVELS = 4
LISTED = 200
"""Lots of a recall that the page names one by one; its groups count all."""
DRAWN = 40
"""Lots to each side at most: more is a list, not a picture."""


@page()
def lots(request: HttpRequest) -> HttpResponse:
    """Search lots; a number that is met exactly opens its page, as a scan does."""
    q = request.GET.get("q", "").strip()
    rows = visible(RESOURCES["lots"], who(request).rights).select_related("material")
    if q and rows.filter(pk=q).exists():
        return redirect("lot", key=q)
    if q:
        ways = (
            begins("lot_id", q),
            Q(pallet=q) & ~Q(pallet=""),
            Q(material_id=q),
            Q(supplier_lot=q) & ~Q(supplier_lot=""),
        )  # one by one: an OR of them reads every lot
        rows = rows.filter(next((way for way in ways if rows.filter(way).exists()), ways[0]))
    after = request.GET.get("after", "")
    found = list((rows.filter(pk__gt=after) if after else rows).order_by("pk")[: PAGE_SIZE + 1])
    context = {
        "lots": found[:PAGE_SIZE],
        "q": q,
        "next_after": found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else "",
        "making": making_actions("lot", who(request).rights),
    }
    return show(request, "lots", context)


@page()
def lot(request: HttpRequest, key: str) -> HttpResponse:
    """One lot with its genealogy."""
    rights = who(request).rights
    found = _lot(rights, key)
    backward = tree(rights, found, Way.BACKWARD, LEVELS, DRAWN)
    forward = tree(rights, found, Way.FORWARD, LEVELS, DRAWN)
    context = {
        "lot": found,
        "actions": actions_on(found, rights),
        "drawing": draw(backward, forward),
        "came_from": backward,
        "went_into": forward,
        "holding": making_actions("hold", rights),
    }
    return show(request, "lot", context)


@page()
def recall_list(request: HttpRequest, key: str) -> HttpResponse:
    """Everything a lot went into: whose customers, which orders, which pallets."""
    rights = who(request).rights
    return show(request, "recall", {"recall": recall(rights, _lot(rights, key), LISTED)})


def _lot(rights: Rights, key: str) -> Lot:
    found: Lot | None = visible(RESOURCES["lots"], rights).select_related("material", "made_by__order").filter(pk=key).first()
    if found is None:
        raise NotFound(f"there is no lot {key}")
    return found
