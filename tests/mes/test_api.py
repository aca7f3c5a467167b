"""The REST API over its whole stack: tokens, rights of every role at every address, pages, ETags, idempotency keys, and answers to mistakes."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from record_plant import LINE, NOW, Api, do, order, person

from factolake.domain.action import RULES, Role
from factolake.mes.core import api as module
from factolake.mes.core.action import ACTIONS
from factolake.mes.people.models import ApiToken, Grant, Person

pytestmark = pytest.mark.usefixtures("record")


def test_nobody_reads_or_writes_without_a_token() -> None:
    for path in ("/orders", "/orders/PO-1", "/audit"):
        assert Api(None).get(path).status_code == 401
    answer = Api(None).post("/orders", {})
    assert (answer.status_code, answer.json()["title"]) == (401, "NotSignedIn")


def test_an_order_is_made_read_and_released_over_http() -> None:
    api = Api("planner")
    api.post("/materials", {"material_id": "G-100"})
    made = api.post("/orders", {"order_id": "PO-1", "material_id": "G-100", "quantity": "12.5", "line_id": LINE})
    assert (made.status_code, made.json()["quantity"], made["ETag"]) == (201, "12.5", '"1"')
    assert api.post("/orders/PO-1/release").json()["state"] == "released"
    read = api.get("/orders/PO-1")
    assert (read.json()["state"], read["ETag"]) == ("released", '"2"')


def test_a_row_that_was_changed_since_it_was_read_is_stale() -> None:
    order()
    answer = Api("planner").post("/orders/PO-1/cancel", {"reason": "no"}, If_Match='"1"')
    assert (answer.status_code, answer.json()["detail"]) == (412, "order PO-1 is at version 2, you have 1; read it again")
    assert Api("planner").get("/orders/PO-1", If_None_Match='"2"').status_code == 304


def test_the_same_key_and_body_happen_once_and_another_body_is_refused() -> None:
    operation = order()
    do("operator", "operation.start", operation)
    api, path = Api("operator"), f"/operations/{operation}/report"
    first = api.post(path, {"good": 5}, Idempotency_Key="k1")
    again = api.post(path, {"good": 5}, Idempotency_Key="k1")
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    other = api.post(path, {"good": 6}, Idempotency_Key="k1")
    assert (other.status_code, other.json()["title"]) == (422, "Invalid")
    assert Api("viewer").get(f"/operations/{operation}").json()["good"] == "5"


def test_pages_bring_every_row_once() -> None:
    for number in range(5):
        order(f"PO-{number}")
    assert [row["order_id"] for row in Api("viewer").all("/orders?state=released")] == [f"PO-{number}" for number in range(5)]
    assert Api("viewer").get("/orders?colour=red").json()["detail"].startswith("orders cannot be filtered by 'colour'")
    assert Api("viewer").get("/orders?limit=501").status_code == 422


def test_a_token_reaches_only_as_far_as_it_was_made() -> None:
    order("PO-1")
    ApiToken.objects.filter(person_id="planner").update(actions="material.create order.release")
    answer = Api("planner").post("/orders/PO-1/cancel", {"reason": "no"})
    assert (answer.status_code, answer.json()["detail"].partition(";")[0]) == (403, "this token does not allow order.cancel")
    assert Api("planner").get("/orders/PO-1").status_code == 200


@pytest.mark.parametrize("how", ["revoked", "expired", "disabled"])
def test_a_token_that_has_ended_opens_nothing(how: str) -> None:
    assert Api("viewer").get("/orders").status_code == 200
    if how == "disabled":
        do("admin", "person.disable", "viewer")
        assert not Person.objects.get(pk="viewer").is_active
    elif how == "revoked":
        do("admin", "api_token.revoke", str(ApiToken.objects.get(person_id="viewer").pk))
    else:
        ApiToken.objects.filter(person_id="viewer").update(expires_ts=NOW - timedelta(days=3650))
    assert Api("viewer").get("/orders").status_code == 401


def test_a_person_of_another_line_sees_none_of_this_one() -> None:
    order()
    person("far", Role.OPERATOR, "acme/bremen/painting")
    assert Api("far").get("/orders").json()["items"] == []
    assert Api("far").get("/orders/PO-1").status_code == 404
    assert Api("far").post("/operations/PO-1.10/start").status_code == 404


def test_every_grant_of_a_token_counts_and_one_without_any_is_known_and_reads_nothing() -> None:
    order()
    both = person("both", Role.OPERATOR, "acme/bremen/painting")
    assert Api("both").post("/orders/PO-1/cancel", {"reason": "no"}).status_code == 404
    Grant.objects.create(person=both, role=Role.PLANNER.value, scope="", changed_ts=NOW)
    assert Api("both").post("/orders/PO-1/cancel", {"reason": "no"}).status_code == 200
    person("none", None, "")
    assert Api("none").get("/orders").status_code == 403


def test_a_report_takes_few_statements() -> None:
    operation = order()
    do("operator", "operation.start", operation)
    asked: list[str] = []

    def note(execute: Callable[..., object], sql: str, *more: object) -> object:
        asked.append(sql)
        return execute(sql, *more)

    for _ in range(2):
        asked.clear()
        with connection.execute_wrapper(note):
            assert Api("operator").post(f"/operations/{operation}/report", {"good": 1, "lot_id": "LOT-1"}).status_code == 200
    assert len(asked) <= 15, "\n".join(asked)  # each is 0.3 ms of a server's CPU: benchmarks/mes_api_load.py


def test_no_action_of_the_highest_class_is_done_by_one_request() -> None:
    highest = [action.name for action in ACTIONS.values() if RULES[action.effect].approvals > 1]
    assert "lot.release" in highest


def test_a_failure_of_ours_tells_an_id_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "page", lambda *_: 1 / 0)
    answer = Api("viewer").get("/orders")
    assert answer.status_code == 500
    assert set(answer.json()) == {"type", "title", "status", "detail", "request_id"}
    assert "ZeroDivision" not in answer.content.decode()


def test_every_answer_carries_the_headers_of_a_careful_server() -> None:
    answer = Api("viewer").get("/orders")
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert (answer["X-Frame-Options"], answer["X-Content-Type-Options"], answer["Referrer-Policy"]) == ("DENY", "nosniff", "same-origin")


def test_the_openapi_document_names_every_operation() -> None:
    document = json.loads(Api("viewer").get("/openapi.json").content)
    assert document["paths"]["/api/v1/orders/{key}/release"]["post"]["summary"].startswith("Let the order be worked on")


def test_text_that_no_database_holds_is_a_mistake_of_the_caller() -> None:
    for text in ("a\0b", "a\ud800b"):
        answer = Api("planner").post("/materials", {"material_id": "M", "description": text})
        assert (answer.status_code, answer.json()["title"]) == (422, "Invalid")
