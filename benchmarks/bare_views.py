"""A plain Django project over FactoMES's tables: function views with the ORM and JsonResponse, to measure what FactoMES's API costs beside.

The same on both sides: the statements. A caller's token, person and grants are read in one; a read has FactoMES's columns, filters and condition on
the places of the caller's grants; a write locks the order, its operation and the lots, inserts its fact, updates what it sums up in, asks for holds,
tools and webhooks (a consumption: for a circle), holds the end of the audit chain, inserts the outbox's rows and an audit entry with rows before and
after, and moves that end. Not here: FactoMES's code for it. No form checks what is asked, no rule or role looks at what was read, no hash is made
(the entry has zeros), nothing is canonical JSON, nobody's rate is limited and no error is told in words. `...-without-audit` are the least
writes: one look-up of the token, the INSERT, the UPDATEs and the commit.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from factolake.mes.audit.models import AuditEntry, AuditHead
from factolake.mes.core.models import OutboxEvent
from factolake.mes.downtime.models import Stop
from factolake.mes.exchange.models import Webhook
from factolake.mes.people.models import ApiToken
from factolake.mes.production.models import Consumption, Lot, Operation, Order, Production
from factolake.mes.quality.models import Hold, HoldOperation
from factolake.mes.tooling.models import Tool

View = Callable[..., HttpResponse]
Row = dict[str, Any]


def with_token(view: View) -> View:
    """Only for who sends a token that is known and good; `request.scopes` are the places of their grants."""

    def guarded(request: HttpRequest, **named: str) -> HttpResponse:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        known = ApiToken.objects.select_related("person").filter(
            hash=hashlib.sha256(sent.encode()).hexdigest(), revoked_ts=None, expires_ts__gt=timezone.now()
        )
        found = list(known.annotate(role=F("person__grants__role"), scope=F("person__grants__scope")))
        if not found or not found[0].person.is_active:
            return JsonResponse({"error": "sign in"}, status=401)
        request.user = found[0].person
        request.scopes = {one.scope for one in found}  # type: ignore[attr-defined]
        return view(request, **named)

    return csrf_exempt(guarded)


def visible(request: HttpRequest, model: type[models.Model], where: str) -> "models.QuerySet[Any]":
    """The rows at the caller's places."""
    condition = Q()
    for scope in request.scopes:  # type: ignore[attr-defined]
        condition |= Q(**{where: scope}) | Q(**{f"{where}__startswith": f"{scope}/"})
    return model._default_manager.filter(condition)


def many(model: type[models.Model], where: str, *filters: str) -> View:
    """A list by keys with its filters."""

    def view(request: HttpRequest) -> HttpResponse:
        limit = int(request.GET.get("limit", "100"))
        rows = visible(request, model, where).filter(**{name: request.GET[name] for name in filters if name in request.GET})
        if "after" in request.GET:
            rows = rows.filter(pk__gt=request.GET["after"])
        found = list(rows.order_by("pk").values()[: limit + 1])
        after = found[limit - 1][model._meta.pk.name] if len(found) > limit else None
        return JsonResponse({"items": found[:limit], "next_after": after})

    return with_token(view)


def single(model: type[models.Model], where: str) -> View:
    """One row with its ETag."""

    def view(request: HttpRequest, key: str) -> HttpResponse:
        row = visible(request, model, where).filter(pk=key).values().first()
        if row is None:
            raise Http404
        tag = f'"{row["version"]}"'
        answer = HttpResponse(status=304) if request.headers.get("If-None-Match") == tag else JsonResponse(row)
        answer["ETag"] = tag
        return answer

    return with_token(view)


def report(request: HttpRequest, key: str) -> HttpResponse:
    """Good parts of an operation, into a lot."""
    asked, now = json.loads(request.body), timezone.now()
    good = Decimal(str(asked["good"]))
    with transaction.atomic():
        operation = held(key)
        lot = Lot.objects.select_for_update(of=("self",)).filter(pk__in=[asked["lot_id"]]).order_by("pk")[0]
        was_lot, was_operation = columns(lot), columns(operation)
        changed(lot, now, quantity=lot.quantity + good, remaining=lot.remaining + good)
        row = Production(operation=operation, lot=lot, good=good, at_ts=now, reported_by=request.user, changed_ts=now)
        row.save(force_insert=True)
        changed(operation, now, good=operation.good + good)
        uses = HoldOperation.objects.filter(operation=operation, released_ts=None).values("hold")
        lasts = (Q(since_ts=None) | Q(since_ts__lte=now)) & (Q(until_ts=None) | Q(until_ts__gt=now))
        Hold.objects.filter((lasts & Q(lot=None)) | Q(pk__in=uses), state="open").exists()
        place = operation.equipment.path
        here = Q(equipment__path=place) | Q(equipment__path__startswith=f"{place}/")
        list(Tool.objects.select_for_update(of=("self",), no_key=True).filter(here, is_mounted=True, counts="cycles").order_by("pk"))
        book(
            request,
            "operation.report",
            operation,
            asked,
            now,
            (("lot", was_lot, lot), ("production", None, row), ("operation", was_operation, operation)),
        )
    return JsonResponse(columns(row))


def consume(request: HttpRequest, key: str) -> HttpResponse:
    """So much of a lot into another."""
    asked, now = json.loads(request.body), timezone.now()
    quantity = Decimal(str(asked["quantity"]))
    with transaction.atomic():
        operation = held(key)
        wanted = Lot.objects.select_for_update(of=("self",)).filter(pk__in=[asked["lot_id"], asked["into_lot_id"]])
        lots = {lot.pk: lot for lot in wanted.order_by("pk")}
        lot, into = lots[asked["lot_id"]], lots[asked["into_lot_id"]]
        Consumption.objects.filter(lot=into, into_lot__isnull=False).exists()
        was = columns(lot)
        row = Consumption(operation=operation, lot=lot, into_lot=into, quantity=quantity, at_ts=now, reported_by=request.user, changed_ts=now)
        row.save(force_insert=True)
        changed(lot, now, remaining=lot.remaining - quantity)
        book(request, "operation.consume", operation, asked, now, (("consumption", None, row), ("lot", was, lot)))
    return JsonResponse(columns(row))


def held(key: str) -> Operation:
    """The operation, its order locked before it."""
    orders = Order.objects.select_for_update(of=("self",), no_key=True).select_related("line")
    order = orders.filter(pk__in=Operation.objects.filter(pk=key).order_by().values("order_id")).order_by("pk")[0]
    operations = Operation.objects.select_for_update(of=("self",), no_key=True).select_related("equipment")
    operation = operations.filter(pk=key).order_by("pk")[0]
    operation.order = order
    return operation


def changed(row: Any, now: datetime, **values: Any) -> None:
    """Set columns and save them."""
    for name, value in {**values, "version": row.version + 1, "changed_ts": now}.items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "version", "changed_ts"])


def columns(row: models.Model) -> Row:
    """The row's columns as they are."""
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def book(
    request: HttpRequest, action: str, subject: Operation, asked: Row, now: datetime, rows: Iterable[tuple[str, Row | None, models.Model]]
) -> None:
    """Outbox rows and audit entry, with the end of the chain held."""
    list(Webhook.objects.filter(is_active=True).values_list("pk", "nouns"))
    told = [(noun, str(row.pk), before, columns(row)) for noun, before, row in rows]
    head = AuditHead.objects.select_for_update().get(pk=1)
    actor = request.user.pk
    OutboxEvent.objects.bulk_create(
        OutboxEvent(at_ts=now, kind=f"mes.{noun}", object_id=key, payload=json.dumps({"action": action, "actor": actor, "row": after}, default=str))
        for noun, key, _, after in told
    )
    changes = json.dumps([{"noun": noun, "id": key, "before": before, "after": after} for noun, key, before, after in told], default=str)
    named = {
        "actor": actor,
        "actor_kind": request.user.kind,
        "action": action,
        "subject": str(subject),
        "place": subject.equipment.path,
        "via": "api",
    }
    head.number += 1
    AuditEntry.objects.create(
        number=head.number, at_ts=now, payload=json.dumps(asked), changes=changes, previous_hash=head.hash, hash="0" * 64, **named
    )
    head.hash = "0" * 64
    head.save(update_fields=["number", "hash"])


def report_without_audit(request: HttpRequest, key: str) -> HttpResponse:
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
    return JsonResponse(columns(row))


def consume_without_audit(request: HttpRequest, key: str) -> HttpResponse:
    """So much of a lot into another: one INSERT and one UPDATE."""
    asked, now = json.loads(request.body), timezone.now()
    quantity = Decimal(str(asked["quantity"]))
    with transaction.atomic():
        lot = Lot.objects.select_for_update().get(pk=asked["lot_id"])
        used = {"operation_id": key, "lot": lot, "into_lot_id": asked["into_lot_id"], "quantity": quantity, "at_ts": now, "changed_ts": now}
        row = Consumption.objects.create(reported_by=request.user, **used)
        Lot.objects.filter(pk=lot.pk).update(remaining=F("remaining") - quantity, version=F("version") + 1, changed_ts=now)
    return JsonResponse(columns(row))


def _both(collection: str, model: type[models.Model], where: str, *filters: str) -> list[Any]:
    return [path(f"api/v1/{collection}", many(model, where, *filters)), path(f"api/v1/{collection}/<str:key>", single(model, where))]


urlpatterns = [
    *_both("orders", Order, "line__path", "state", "line_id", "material_id", "customer"),
    *_both("operations", Operation, "equipment__path", "order_id", "equipment_id", "state"),
    *_both("lots", Lot, "place_path", "material_id", "status", "made_by_id", "pallet"),
    *_both("production", Production, "operation__equipment__path", "operation_id", "lot_id"),
    *_both("consumption", Consumption, "operation__equipment__path", "operation_id", "lot_id", "into_lot_id"),
    *_both("stops", Stop, "equipment__path", "equipment_id", "state", "asks_reason", "reason_id"),
    path("api/v1/operations/<str:key>/report", with_token(report)),
    path("api/v1/operations/<str:key>/consume", with_token(consume)),
    path("api/v1/operations/<str:key>/report-without-audit", with_token(report_without_audit)),
    path("api/v1/operations/<str:key>/consume-without-audit", with_token(consume_without_audit)),
]
