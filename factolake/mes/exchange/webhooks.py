"""Webhooks out. Each change of a kind somebody asked for is written down in its transaction and sent later, signed, until it is taken or given up.

A receiver checks `X-FactoMES-Signature`: `sha256=` and the HMAC-SHA-256, hex, of the timestamp, a point and the body, with the shared secret. It
refuses one whose `X-FactoMES-Timestamp` (seconds since 1970) is old, and does what bears an `Idempotency-Key` it knows only once. No order is
promised.
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.db.models import F

from factolake.mes.core.bulk import insert
from factolake.mes.core.call import Call, after_each_action
from factolake.mes.core.refusals import Conflict
from factolake.mes.exchange.http_port import post
from factolake.mes.exchange.models import DeliveryState, Webhook, WebhookDelivery

TRIES_MAX = 12
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)
_BATCH = 100


@after_each_action
def write_deliveries(call: Call) -> None:
    """Write down what webhooks are to be told of this action's changes."""
    if not call.changes:
        return
    asked = [(hook_id, frozenset(nouns.split())) for hook_id, nouns in Webhook.objects.filter(is_active=True).values_list("pk", "nouns")]
    rows = (
        (hook_id, change.noun, change.object_id, _body(call, change.noun, change.object_id, change.after), call.at_ts, "waiting", 0, call.at_ts, "")
        for hook_id, nouns in asked
        for change in call.changes
        if nouns & {"*", change.noun}
    )
    if asked:
        insert(WebhookDelivery, ("webhook_id", "noun", "object_id", "body", "at_ts", "state", "tries", "next_try_ts", "last_error"), rows)


def deliver_webhooks_once(now: datetime, timeout_s: float = 10.0) -> tuple[int, int]:
    """Send what is due; returns how many were taken and how many were not. One process delivers.

    A receiver is asked again after 5 s, doubled with each try to at most an hour; after `TRIES_MAX` tries the delivery is dead.
    """
    due = WebhookDelivery.objects.filter(state=DeliveryState.WAITING.value, next_try_ts__lte=now, webhook__is_active=True)
    taken = failed = 0
    silent: set[int] = set()
    for row in due.select_related("webhook").order_by("id")[:_BATCH]:
        if row.webhook_id in silent:
            continue  # one that does not answer is not made to wait for a hundred times
        error = _send(row, now, timeout_s)
        if error is None:
            row.delete()
            taken += 1
            continue
        silent.add(row.webhook_id)
        failed += 1
        tries = row.tries + 1
        state = DeliveryState.DEAD if tries >= TRIES_MAX else DeliveryState.WAITING
        wait = min(FIRST_WAIT * 2**row.tries, LONGEST_WAIT)
        WebhookDelivery.objects.filter(pk=row.pk).update(tries=F("tries") + 1, state=state.value, next_try_ts=now + wait, last_error=error[:500])
    return taken, failed


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-FactoMES-Signature."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def check_url(url: str) -> None:
    """Raise Conflict unless the address is HTTP(S) at a host the settings allow: nobody sends our server to places of their choice."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.username is not None or parts.netloc not in settings.FACTOMES_WEBHOOK_HOSTS:
        allowed = ", ".join(settings.FACTOMES_WEBHOOK_HOSTS) or "none"
        raise Conflict(f"url is {url!r}; webhooks go to http(s) at the hosts of mes.webhook_hosts in the settings: {allowed}")


def sealed(secret: str) -> str:
    """The secret as it is stored."""
    return _key().encrypt(secret.encode()).decode()


def _send(row: WebhookDelivery, now: datetime, timeout_s: float) -> str | None:
    """None once it is taken, else why not."""
    body, timestamp = row.body.encode(), str(int(now.timestamp()))
    try:
        check_url(row.webhook.url)
    except Conflict as refused:
        return str(refused)
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": f"{row.webhook_id}-{row.pk}",
        "X-FactoMES-Timestamp": timestamp,
        "X-FactoMES-Signature": signature(_key().decrypt(row.webhook.secret.encode()).decode(), timestamp, body),
    }
    answer = post(row.webhook.url, body, headers, timeout_s)
    if isinstance(answer, str):
        return answer
    return None if 200 <= answer.status < 300 else f"it answers {answer.status}"


def _body(call: Call, noun: str, object_id: str, row: object) -> str:
    at = call.at_ts.isoformat().replace("+00:00", "Z")
    return json.dumps({"kind": noun, "id": object_id, "at_ts": at, "row": row}, sort_keys=True, ensure_ascii=False)


def _key() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"webhook:" + settings.SECRET_KEY.encode()).digest()))
