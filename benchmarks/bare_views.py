"""A plain Django project over FactoMES's tables: function views with the ORM and JsonResponse, to measure what FactoMES's API costs beside.

A caller is known by one query for their token. Nobody's place, role or version is asked, nothing is audited, and no event is kept for the lake.
"""

import hashlib
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import models, transaction
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from factolake.mes.downtime.models import Stop
from factolake.mes.people.models import ApiToken
from factolake.mes.production.models import Consumption, Lot, Operation, Order, Production

View = Callable[..., HttpResponse]


def with_token(view: View) -> View:
    """Only for who sends a token that is known and good."""

    def guarded(request: HttpRequest, **named: str) -> HttpResponse:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        known = ApiToken.objects.select_related("person").filter(
            hash=hashlib.sha256(sent.encode()).hexdigest(), revoked_ts=None, expires_ts__gt=timezone.now()
        )
        token = known.first()
        if token is None or not token.person.is_active:
            return JsonResponse({"error": "sign in"}, status=401)
        request.user = token.person
        return view(request, **named)

    return csrf_exempt(guarded)


def many(model: type[models.Model], *filters: str) -> View:
    """A list by keys with its filters."""

    def view(request: HttpRequest) -> HttpResponse:
        limit = int(request.GET.get("limit", "100"))
        rows = model._default_manager.filter(**{name: request.GET[name] for name in filters if name in request.GET})
        if "after" in request.GET:
            rows = rows.filter(pk__gt=request.GET["after"])
        found = list(rows.order_by("pk").values()[: limit + 1])
        after = found[limit - 1][model._meta.pk.name] if len(found) > limit else None
        return JsonResponse({"items": found[:limit], "next_after": after})

    return with_token(view)


def single(model: type[models.Model]) -> View:
    """One row with its ETag."""

    def view(request: HttpRequest, key: str) -> HttpResponse:
        row = model._default_manager.filter(pk=key).values().first()
        if row is None:
            raise Http404
        tag = f'"{row["version"]}"'
        answer = HttpResponse(status=304) if request.headers.get("If-None-Match") == tag else JsonResponse(row)
        answer["ETag"] = tag
        return answer

    return with_token(view)


def report(request: HttpRequest, key: str) -> HttpResponse:
    """Good parts of an operation, into a lot: one INSERT and the UPDATEs of both."""
    asked, now = json.loads(request.body), timezone.now()
    good = Decimal(str(asked["good"]))
    with transaction.atomic():
        operation = Operation.objects.select_for_update().get(pk=key)
        made = {"operation": operation, "lot_id": asked["lot_id"], "good": good, "at_ts": now, "reported_by": request.user, "changed_ts": now}
        row = Production.objects.create(**made)
        Operation.objects.filter(pk=key).update(good=F("good") + good, version=F("version") + 1, changed_ts=now)
        grown = {"quantity": F("quantity") + good, "remaining": F("remaining") + good, "version": F("version") + 1, "changed_ts": now}
        Lot.objects.filter(pk=asked["lot_id"]).update(**grown)
    return JsonResponse(Production.objects.filter(pk=row.pk).values()[0])


def consume(request: HttpRequest, key: str) -> HttpResponse:
    """So much of a lot into another: one INSERT and one UPDATE."""
    asked, now = json.loads(request.body), timezone.now()
    quantity = Decimal(str(asked["quantity"]))
    with transaction.atomic():
        lot = Lot.objects.select_for_update().get(pk=asked["lot_id"])
        used = {"operation_id": key, "lot": lot, "into_lot_id": asked["into_lot_id"], "quantity": quantity, "at_ts": now, "changed_ts": now}
        row = Consumption.objects.create(reported_by=request.user, **used)
        Lot.objects.filter(pk=lot.pk).update(remaining=F("remaining") - quantity, version=F("version") + 1, changed_ts=now)
    return JsonResponse(Consumption.objects.filter(pk=row.pk).values()[0])


def _both(collection: str, model: type[models.Model], *filters: str) -> list[Any]:
    return [path(f"api/v1/{collection}", many(model, *filters)), path(f"api/v1/{collection}/<str:key>", single(model))]


urlpatterns = [
    *_both("orders", Order, "state", "line_id", "material_id", "customer"),
    *_both("operations", Operation, "order_id", "equipment_id", "state"),
    *_both("lots", Lot, "material_id", "status", "made_by_id", "pallet"),
    *_both("production", Production, "operation_id", "lot_id"),
    *_both("consumption", Consumption, "operation_id", "lot_id", "into_lot_id"),
    *_both("stops", Stop, "equipment_id", "state", "asks_reason", "reason_id"),
    path("api/v1/operations/<str:key>/report", with_token(report)),
    path("api/v1/operations/<str:key>/consume", with_token(consume)),
]
