"""Webhooks out: signed, sent until taken or given up, only to hosts that the settings allow, and never the secret to anybody."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from http_erp import Answer, http_erp
from record_plant import NOW, Api, do, order

from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.models import OutboxEvent
from factolake.mes.exchange.models import Webhook, WebhookDelivery
from factolake.mes.exchange.webhooks import TRIES_MAX, deliver_webhooks_once, signature

SECRET = "a secret of at least 32 characters"


def hook(url: str, nouns: str = "*") -> str:
    with override_settings(FACTOMES_WEBHOOK_HOSTS=(url.split("/")[2],)):
        return str(do("engineer", "webhook.create", url=url, nouns=nouns, secret=SECRET)["id"])


def send(url: str, after: timedelta = timedelta()) -> tuple[int, int]:
    with override_settings(FACTOMES_WEBHOOK_HOSTS=(url.split("/")[2],)):
        return deliver_webhooks_once(NOW + timedelta(days=1) + after, timeout_s=5)


def test_a_change_is_told_once_to_whom_asked_for_its_kind(record: str) -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    def take(headers: dict[str, str], body: bytes) -> Answer:
        got.append((headers, body))
        return 204, {}, b""

    with http_erp(take) as url:
        hook(url, "order material")
        do("planner", "material.create", material_id="Größe", description="é")
        order(material="Größe")
        assert send(url) == (3, 0)
        assert send(url) == (0, 0)
    bodies = [json.loads(body) for _, body in got]
    assert [(body["kind"], body["id"]) for body in bodies] == [("material", "Größe"), ("order", "PO-1"), ("order", "PO-1")]
    assert [body["row"].get("state") for body in bodies] == [None, "planned", "released"]
    assert len({headers["Idempotency-Key"] for headers, _ in got}) == 3
    for headers, body in got:
        stamp = headers["X-FactoMES-Timestamp"]
        wanted = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert headers["X-FactoMES-Signature"] == f"sha256={wanted}" == signature(SECRET, stamp, body)
        assert int(stamp) == int((NOW + timedelta(days=1)).timestamp())


def test_what_is_not_taken_is_tried_again_later_and_given_up_at_last_until_somebody_asks(record: str) -> None:
    answers: list[int] = []
    with http_erp(lambda headers, body: (answers.append(1) or 500, {}, b"")) as url:
        number = hook(url, "material")
        do("planner", "material.create", material_id="A")
        after = timedelta()
        assert send(url) == (0, 1)
        assert send(url, timedelta(seconds=4)) == (0, 0)
        for _ in range(TRIES_MAX - 1):
            after += timedelta(hours=1)
            assert send(url, after) == (0, 1)
        assert send(url, after + timedelta(days=9)) == (0, 0)
        assert len(answers) == TRIES_MAX
    (row,) = Api("engineer").get("/webhook-deliveries?state=dead").json()["items"]
    assert (row["tries"], row["last_error"], row["object_id"]) == (TRIES_MAX, "it answers 500", "A")
    with http_erp(lambda headers, body: (200, {}, b"")) as other:
        Webhook.objects.update(url=other)
        do("engineer", "webhook.retry", number)
        assert send(other, after + timedelta(days=9)) == (1, 0)


def test_one_that_does_not_answer_keeps_no_other_waiting(record: str) -> None:
    with http_erp(lambda headers, body: (200, {}, b"")) as url:
        hook(url, "material")
        hook("http://127.0.0.1:9/", "material")
        for name in "ABC":
            do("planner", "material.create", material_id=name)
        with override_settings(FACTOMES_WEBHOOK_HOSTS=(url.split("/")[2], "127.0.0.1:9")):
            assert deliver_webhooks_once(NOW + timedelta(days=1)) == (3, 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "http://erp.example@evil.example/",
        "http://erp.example:8080/",
        "ftp://erp.example/",
        "erp.example",
    ],
)
def test_only_hosts_that_the_settings_allow_are_told(url: str, sqlite_record: str) -> None:
    with override_settings(FACTOMES_WEBHOOK_HOSTS=("erp.example",)), pytest.raises(Exception, match=r"mes\.webhook_hosts"):
        do("engineer", "webhook.create", url=url, nouns="*", secret=SECRET)


def test_a_host_that_is_no_longer_allowed_is_told_nothing_and_a_redirect_is_not_followed(sqlite_record: str) -> None:
    asked: list[str] = []
    with http_erp(lambda headers, body: (asked.append("here") or 307, {"Location": "/there"}, b"")) as url:
        hook(url, "material")
        do("planner", "material.create", material_id="A")
        assert deliver_webhooks_once(NOW + timedelta(days=1)) == (0, 1)
        assert asked == []
        assert send(url, timedelta(minutes=1)) == (0, 1)
        assert asked == ["here"]
    assert WebhookDelivery.objects.get().last_error == "it answers 307"


def test_the_secret_is_seen_by_nobody_and_an_end_is_an_end(sqlite_record: str) -> None:
    number = hook("http://erp.example/")
    do("planner", "material.create", material_id="A")
    assert "secret" not in Api("engineer").get(f"/webhooks/{number}").json()
    texts: list[Any] = [*OutboxEvent.objects.values_list("payload", flat=True), *AuditEntry.objects.values_list("payload", "changes")]
    assert SECRET not in str(texts)
    assert SECRET not in Webhook.objects.get().secret
    assert Api("planner").get("/webhooks").status_code == 403
    with pytest.raises(Exception, match=r"erp may not webhook\.create"):
        do("erp", "webhook.create", url="http://erp.example/", nouns="*", secret=SECRET)
    do("engineer", "webhook.disable", number)
    do("planner", "material.create", material_id="B")
    assert not WebhookDelivery.objects.exists()
