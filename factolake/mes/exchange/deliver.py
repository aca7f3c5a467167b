"""Confirmations to the ERP: those of an order one after the other, each until the ERP has taken it. Orders do not wait for one another."""

import math
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from factolake.domain.action import Role
from factolake.mes.core.refusals import IllegalStep
from factolake.mes.exchange.models import ConfirmationState, ErpConfirmation, ErpDelivery
from factolake.mes.exchange.ports import Accepted, ErpPort, Refused, message_of
from factolake.mes.people.models import Person
from factolake.mes.people.services import act

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
_BATCH = 100
_TEXT = 500


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one pass did: accepted and refused ones, and why it stopped early ("" if it did not)."""

    accepted: int
    refused: int
    unavailable: str = ""


def deliver_once(port: ErpPort, actor: Person, now: datetime, turn_s: float = math.inf) -> Delivered:
    """Send what waits for the port's ERP and write down its answers as `actor`, the ERP's service; for `turn_s` seconds, the rest comes next time.

    A confirmation waits while one before it in its order waits or is refused. An ERP that does not answer ends the pass; it is asked again after
    5 s, doubled with each try to at most 15 min. A crash between sending and writing down sends again, with the same key. One process delivers.
    """
    counts = {"accept": 0, "refuse": 0}
    begun = time.monotonic()
    while heads := list(_heads(port.source_system, now)[:_BATCH]):
        for row in heads:
            if time.monotonic() - begun > turn_s:
                return Delivered(counts["accept"], counts["refuse"])
            result = port.send(message_of(row))
            if isinstance(result, Accepted):
                _note(row, actor, now, "accept", {"erp_document": result.erp_document})
                counts["accept"] += 1
            elif isinstance(result, Refused):
                message = result.message[:_TEXT] or "the ERP gives no reason"
                _note(row, actor, now, "refuse", {"field": result.field[:120], "message": message})
                counts["refuse"] += 1
            else:
                _try_later(row, now, result.why)
                return Delivered(counts["accept"], counts["refuse"], result.why)
    return Delivered(counts["accept"], counts["refuse"])


def wait_after(tries: int) -> timedelta:
    """How long to wait after so many tries in a row, 1 or more, without an answer."""
    return min(FIRST_WAIT * 2 ** min(tries - 1, 20), LONGEST_WAIT)


def waiting_since(source_system: str) -> datetime | None:
    """When the oldest confirmation that the ERP has not taken was written (UTC); None when it has all."""
    oldest = ErpConfirmation.objects.filter(source_system=source_system, accepted_ts=None).order_by("pk").first()
    return None if oldest is None else oldest.changed_ts


def _heads(source_system: str, now: datetime) -> "QuerySet[ErpConfirmation]":
    """The first open confirmation of each order, where it waits and its time has come."""
    before = ErpConfirmation.objects.filter(accepted_ts=None, order_id=OuterRef("order_id"), pk__lt=OuterRef("pk"))
    is_due = Q(erpdelivery=None) | Q(erpdelivery__next_try_ts__lte=now)
    waiting = ErpConfirmation.objects.filter(is_due, source_system=source_system, accepted_ts=None, state=ConfirmationState.WAITING.value)
    return waiting.exclude(Exists(before)).select_related("reverses").order_by("pk")


def _note(row: ErpConfirmation, actor: Person, now: datetime, verb: str, payload: dict[str, str]) -> None:
    """What the ERP answered. That somebody noted the same meanwhile is no harm."""
    said = {name: text.replace("\0", "") for name, text in payload.items()}
    try:
        act(actor, Role.PLANNER, f"erp_confirmation.{verb}", str(row.pk), now, "sync", **said)
    except IllegalStep:
        if ErpConfirmation.objects.get(pk=row.pk).state == ConfirmationState.WAITING.value:
            raise
    ErpDelivery.objects.filter(pk=row.pk).delete()


def _try_later(row: ErpConfirmation, now: datetime, why: str) -> None:
    earlier = ErpDelivery.objects.filter(pk=row.pk).first()
    tries = 1 + (earlier.tries if earlier else 0)
    next_ts = now + wait_after(tries)
    ErpDelivery.objects.update_or_create(pk=row.pk, defaults={"tries": tries, "next_try_ts": next_ts, "last_error": why[:_TEXT]})
