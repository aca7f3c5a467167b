"""The pages: every one for every role, every declared action as a form, hostile text, and the work of operator and planner without script."""

import re
from datetime import timedelta
from typing import Any

import pytest
from action_examples import EXAMPLES
from django.db import connection, transaction
from django.urls import URLPattern
from django.utils import timezone
from pages_client import Pages, hidden, refusal, text
from record_plant import LINE, M1, M2, NOW, do, first_row, order
from test_rights import rows  # noqa: F401  a row of everything

from factolake.domain.action import RULES, Role
from factolake.mes.alerts.models import Alert
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.action import ACTIONS, On
from factolake.mes.core.resource import RESOURCES
from factolake.mes.downtime.models import Stop
from factolake.mes.maintenance.models import MaintenanceOrder
from factolake.mes.pages.drawing import draw
from factolake.mes.pages.urls import urlpatterns
from factolake.mes.people.models import Grant
from factolake.mes.production.models import Lot, MaterialDefinition, Operation, Order
from factolake.mes.quality.models import Hold, InspectionPlan
from factolake.mes.signals.models import MachineAlert

pytestmark = pytest.mark.usefixtures("record")
LIMIT_BYTES = 300 * 1024
NAUGHTY = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' OR '1'='1", "'; DROP TABLE people_person; --", "{{ 7*7 }}", "{% csrf_token %}",
    "${7*7}", "javascript:alert(1)", "</textarea><b>", "</title><script>", "&lt;b&gt;", "&amp;amp;", "<!-- -->", "]]>", "\\", "\\\\x00",
    "%00", "%s%n%d",
    "../../etc/passwd", "=1+1", "+1", "@SUM(1)", "null", "None", "undefined", "NaN", "true", "0", "-1", "1e309", "Läuferwelle Ø 12 µm",
    "零件", "اختبار النص",
    "\u202egnp.exe", "\ufeffbom", "a\u0300\u0301\u0302", "👩🏽‍🔧", "\U0001f469", "tab\tend", "line\nbreak", "`id`", "<svg/onload=alert(1)>", "\x7f",
)  # fmt: skip


def names(pattern: URLPattern) -> list[str]:
    return list(pattern.pattern.converters)


def address(pattern: URLPattern) -> str:
    """The address of a pattern with keys of rows that are there."""
    operation = Operation.objects.order_by("pk").first()
    keys = {"order": Order, "lot": Lot, "recall": Lot, "material": MaterialDefinition, "hold": Hold, "chart": InspectionPlan}
    keys |= {"maintenance_order": MaintenanceOrder, "alert": Alert, "signal": MachineAlert}
    filled = {"station": LINE, "line": LINE, "verb": "start", "name": "order.hold", "collection": "orders"}
    model = keys.get(pattern.name)
    key = model.objects.order_by("pk").first().pk if model else "operator" if pattern.name in ("person", "token") else str(Order.objects.first().pk)
    filled["key"] = operation.pk if pattern.name == "report" else key
    if pattern.name == "act" and names(pattern) == ["name"]:
        filled["name"] = "order.create"
    route = str(pattern.pattern)
    for name, value in filled.items():
        route = re.sub(rf"<\w+:{name}>", str(value), route)
    return f"/{route}"


@pytest.mark.usefixtures("rows")
def test_every_page_opens_to_its_roles_and_to_no_other() -> None:
    wrong, sizes = [], {}
    people = {who: Pages(who) for who in (None, "nobody", *Role)}
    special = {"order.hold": {Role.PLANNER, Role.QUALITY}, "order.create": {Role.PLANNER}}
    for pattern in urlpatterns:
        roles = getattr(pattern.callback, "roles", "none declared")
        assert roles != "none declared", pattern.name
        where = address(pattern)
        for who, pages in people.items():
            answer = pages.get(where)
            may = roles is None or (who in roles)
            if pattern.name == "act":
                may = who in special[where.split("/")[2]]
            if roles is None:
                wanted = {200, 302, 405}
            elif who is None:
                wanted = {302}
            else:
                wanted = ({404} if pattern.name in ("report", "scan") else {200, 302}) if may else {403}
            if answer.status_code not in wanted:
                wrong.append((where, who, answer.status_code, refusal(answer)))
            sizes[where] = len(answer.content)
    assert wrong == []
    assert max(sizes.values()) < LIMIT_BYTES // 4  # style, icon and scripts take 60 KiB more


@pytest.mark.usefixtures("rows")
def test_every_declared_action_has_a_page_that_its_roles_can_use() -> None:
    wrong, people = [], {role: Pages(role) for role in Role}
    for action in ACTIONS.values():
        on = first_row(action.subject.model) if isinstance(action.subject, On) else None
        if isinstance(action.subject, On) and on is None:
            continue  # test_rights sees to it that there is a row of everything
        where = f"/actions/{action.name}/{on.pk if on else ''}"
        opened = people[min(action.roles)].get(where)
        if opened.status_code == 302 and action.name in ("api_token.create", "device.create"):
            continue
        shown = set(re.findall(r'id="f-(\w+)"', text(opened)))
        if opened.status_code != 200 or shown != set(action.form.model_fields):
            wrong.append((action.name, opened.status_code, sorted(set(action.form.model_fields) - shown)))
            continue
        answers = []
        for role in sorted(action.roles):  # some actions ask for more than a role, such as being who asked
            with transaction.atomic():
                answer = people[role].post(where, **{"reason": "tried", **typed(EXAMPLES.get(action.name, {}))})
                transaction.set_rollback(True)
            answers.append((role.value, answer.status_code, refusal(answer)))
            if answer.status_code in (302, 409):
                break
        else:
            wrong.append((action.name, answers))
    assert wrong == []


def typed(example: dict[str, Any]) -> dict[str, str]:
    """An example payload as somebody types it."""
    import json

    return {name: json.dumps(value) if isinstance(value, (list, dict)) else str(value) for name, value in example.items()}


@pytest.mark.usefixtures("rows")
def test_every_kind_of_record_is_listed_and_shown_to_an_administrator() -> None:
    for role in Role:
        Grant.objects.get_or_create(person_id="admin", role=role.value, scope="", defaults={"changed_ts": Grant.objects.first().changed_ts})
    pages = Pages("admin")
    for collection, declared in RESOURCES.items():
        assert pages.get(f"/records/{collection}/").status_code == 200, collection
        first = declared.model._default_manager.order_by("pk").first()
        if first is not None:
            answer = pages.get(f"/records/{collection}/{first.pk}", follow=True)
            assert answer.status_code == 200, (collection, refusal(answer))


def test_a_row_leads_to_a_page_that_its_reader_may_open() -> None:
    assert 'href="/records/people/agent"' in text(Pages("viewer").get("/records/people/"))
    assert Pages("viewer").get("/records/people/agent").status_code == 200
    assert Pages("admin").get("/records/people/agent")["Location"] == "/people/agent"


def test_hostile_text_is_shown_as_it_is_and_never_as_markup() -> None:
    from django.utils.html import escape

    pages = Pages("planner")
    for number, hostile in enumerate(NAUGHTY):
        made = pages.post("/actions/material.create/", material_id=f"M-{number:02}", description=hostile)
        assert (made.status_code, refusal(made)) == (302, ""), hostile
    shown = text(pages.get("/materials/"))
    for number, hostile in enumerate(NAUGHTY):
        stored = MaterialDefinition.objects.get(pk=f"M-{number:02}").description
        assert stored.replace("\r\n", "\n") == hostile
        assert f"<td>{escape(stored)}</td>" in shown
        assert escape(stored) in text(pages.get(f"/materials/M-{number:02}"))
    assert "<script>alert" not in shown
    assert "onerror=alert(1)>" not in shown


def test_a_nul_and_a_wrong_character_are_a_sentence() -> None:
    pages = Pages("planner")
    assert "NUL" in refusal(pages.post("/actions/material.create/", material_id="M\0"))
    assert "NUL" in refusal(pages.get("/lots/?q=%00"))
    assert pages.get("/orders/%00").status_code == 422
    assert pages.get("/orders/?state=%ff%fe").status_code == 200
    assert pages.get("/no/such/page").status_code == 404


def test_a_refused_form_keeps_what_was_typed_and_says_one_sentence() -> None:
    order()
    pages = Pages("planner")
    values = {"order_id": "PO-2", "material_id": "nothing", "quantity": "12,5", "line_id": LINE, "customer": 'Müller "& Söhne"'}
    answer = pages.post("/actions/order.create/", **values)
    assert (answer.status_code, refusal(answer)) == (409, "there is no material with material_id 'nothing'")
    assert 'value="PO-2"' in text(answer)
    assert 'value="Müller &quot;&amp; Söhne&quot;"' in text(answer)
    answer = pages.send("/actions/order.create/", **{**hidden(answer), **values, "material_id": "G-100"})
    assert answer["Location"] == "/orders/PO-2"
    assert Order.objects.get(pk="PO-2").quantity == 12.5
    assert "quantity" in refusal(pages.post("/actions/order.create/", **{**values, "order_id": "PO-3", "quantity": "1,000"}))


def test_a_form_sent_twice_happens_once_and_one_without_its_key_not_at_all() -> None:
    pages = Pages("planner")
    sent = {**hidden(pages.get("/actions/material.create/")), "material_id": "M-1"}
    assert [pages.send("/actions/material.create/", **sent).status_code for _ in range(2)] == [302, 302]
    assert AuditEntry.objects.filter(action="material.create").count() == 1
    assert "without its key" in refusal(pages.send("/actions/material.create/", **{**sent, "once": "", "material_id": "M-2"}))


def test_a_row_that_somebody_else_changed_is_not_overwritten() -> None:
    order()
    pages = Pages("planner")
    opened = hidden(pages.get("/actions/order.hold/PO-1"))
    do("quality", "order.hold", "PO-1", reason="first")
    answer = pages.send("/actions/order.hold/PO-1", **{**opened, "reason": "second"})
    assert (answer.status_code, "read it again" in refusal(answer)) == (412, True)


def test_a_secret_is_shown_once_and_never_again() -> None:
    pages = Pages("admin")
    answer = pages.post("/tokens/erp", label="ERP", actions="order.*", days="30")
    made = re.search(r"fmes_[\w-]{20,}", text(answer))
    assert made
    assert made.group(0) not in text(pages.get("/people/erp"))
    assert made.group(0) not in " ".join(AuditEntry.objects.values_list("payload", flat=True))


def test_a_person_of_another_line_finds_nothing_here() -> None:
    order()
    Grant.objects.filter(person_id="operator").update(scope="acme/bremen/painting")
    pages = Pages("operator")
    assert "PO-1" not in text(pages.get("/orders/"))
    for where in ("/orders/PO-1", f"/terminals/{LINE}/", f"/boards/{LINE}/", "/records/operations/PO-1.10"):
        assert pages.get(where).status_code == 404, where


def test_an_operator_runs_an_operation_at_the_terminal() -> None:
    key, pages = order("PO-1", quantity=10), Pages("operator")
    here = f"/terminals/{LINE}/"
    assert "Nothing runs here" in text(pages.get(here))
    assert pages.post(f"{here}start/{key}", here).status_code == 302
    assert pages.post(f"{here}report/{key}", here, good="5").status_code == 302
    assert pages.post(f"{here}report/{key}", here, scrap="1", cause_id="leak").status_code == 302
    refused = pages.post(f"{here}report/{key}", here, scrap="1")
    assert (refused.status_code, "give cause_id" in refusal(refused)) == (422, True)
    now = pages.get(f"{here}?part=now&operation={key}")
    assert re.findall(r"<dt>(\w+)</dt><dd>(\d+)", text(now))[:4] == [("Good", "5"), ("Planned", "10"), ("Left", "5"), ("Scrap", "1")]
    assert "HX-Refresh" not in now
    assert pages.post(f"{here}complete/{key}", here).status_code == 302
    assert pages.get(f"{here}?part=now&operation={key}")["HX-Refresh"] == "true"
    assert Order.objects.get(pk="PO-1").state == "completed"


def test_a_stop_gets_its_reason_and_help_comes_from_the_terminal() -> None:
    ends = {"from_ts": NOW, "to_ts": NOW + timedelta(minutes=9), "lake_from_ts": NOW, "lake_version": 1, "changed_ts": NOW}
    for number, asks in enumerate((True, False)):  # short, starved and blocked ones ask nobody
        Stop.objects.create(stop_id=f"stop {number}", equipment_id=M1, is_open=False, machine_state="fault", asks_reason=asks, **ends)
    pages, here = Pages("operator"), f"/terminals/{M1}/"
    assert text(pages.get(here)).count(": why?") == 1
    assert pages.post(f"{here}classify/stop 0", here, reason_id="tool").status_code == 302
    assert Stop.objects.get(pk="stop 0").reason_id == "tool"
    assert ": why?" not in text(pages.get(here))
    assert pages.post(f"{here}help/{M1}", here, equipment_id=M1, description="It smokes", is_stopped="true").status_code == 302
    assert "Help is called." in text(pages.get(here))
    assert "It smokes" in text(Pages("maintenance").get("/records/maintenance-requests/"))


def test_what_others_have_to_approve_is_asked_for_and_waits_in_their_inbox() -> None:
    order()
    do("operator", "operation.start", "PO-1.10")
    do("operator", "operation.report", "PO-1.10", good=5, lot_id="LOT-1")
    highest = next(
        each for each in ACTIONS.values() if RULES[each.effect].approvals > 1 and isinstance(each.subject, On) and each.subject.model is Lot
    )
    pages = Pages(min(highest.roles))
    where = f"/actions/{highest.name}/LOT-1"
    assert "Ask for approval" in text(pages.get(where))
    answer = pages.post(where, **{"reason": "checked again", **typed(EXAMPLES.get(highest.name, {}))})
    assert (answer.status_code, refusal(answer)) == (302, "")
    waiting = text(Pages("quality2").get("/approvals/"))
    assert "checked again" in waiting
    assert "/actions/proposal.approve/" in waiting
    assert "/actions/proposal.approve/" not in text(pages.get("/approvals/"))


def test_a_scan_finds_an_operation_and_a_lot_to_use() -> None:
    key, pages = order("PO-1"), Pages("operator")
    do("planner", "lot.create", lot_id="S-1 x", material_id="G-100", quantity=10, equipment_id=LINE)
    scan = f"/terminals/{LINE}/scan"
    assert f"Start {key}" in text(pages.get(scan, data={"code": "PO-1"}))
    assert "start an operation" in refusal(pages.get(scan, data={"code": "S-1 x"}))
    do("operator", "operation.start", key)
    assert "Use lot S-1 x" in text(pages.get(scan, data={"code": "S-1 x"}))
    assert pages.post(f"/terminals/{LINE}/consume/{key}", f"/terminals/{LINE}/", lot_id="S-1 x", quantity="2,5").status_code == 302
    assert Lot.objects.get(pk="S-1 x").remaining == 7.5
    assert "nothing here has the number" in refusal(pages.get(scan, data={"code": "?"}))


def test_an_entry_that_waited_is_booked_once_and_only_as_its_person() -> None:
    key, pages = order("PO-1"), Pages("operator")
    do("operator", "operation.start", key)
    pages.get(f"/terminals/{LINE}/")
    header = {"X-Terminal": "1", "X-CSRFToken": pages.client.cookies["__Host-factomes-csrf"].value, "Referer": "https://localhost/"}
    entry = {"good": "3", "once": "key-of-the-browser", "made_by": "operator"}
    for _ in range(3):
        answer = pages.client.post(f"/terminals/{LINE}/report/{key}", entry, secure=True, headers=header)
        assert (answer.status_code, text(answer)) == (200, "done")
    other = pages.client.post(f"/terminals/{LINE}/report/{key}", {**entry, "once": "k2", "made_by": "anna"}, secure=True, headers=header)
    assert (other.status_code, text(other)) == (409, "this entry was made by anna; it is sent when anna signs on again")
    assert Operation.objects.get(pk=key).good == 3


def test_a_material_shows_where_else_it_can_be_made_and_what_of_it_is_to_come() -> None:
    do("planner", "material.create", material_id="G-7")
    do("engineer", "routing_step.create", material_id="G-7", number=10, equipment_id=M1)
    made = do("engineer", "routing_alternative.create", material_id="G-7", step_number=10, equipment_id=M2, planned_run_s=31.5)
    do("planner", "delivery.create", delivery_id="PUR-7", material_id="G-7", quantity=40, expected_ts="2026-03-04T06:00:00Z", supplier="Nordwerk")
    shown = text(Pages("planner").get("/materials/G-7"))
    for said in ("Where else it can be made", "31.5", "as the step", "What is to come", "Nordwerk", "40", "New delivery"):
        assert said in shown, said
    assert f"/actions/routing_alternative.end/{made['id']}" in shown and "/actions/delivery.cancel/PUR-7" in shown
    do("engineer", "routing_alternative.end", str(made["id"]))
    assert "Where else it can be made" not in text(Pages("planner").get("/materials/G-7"))


def test_the_board_says_in_words_what_each_station_does() -> None:
    shown = text(Pages("viewer").get(f"/boards/{LINE}/?part=live"))
    assert shown.count('class="lampword">Unknown') >= 3
    do("planner", "material.create", material_id="G-7")
    do("engineer", "routing_step.create", material_id="G-7", number=10, equipment_id=M1, planned_run_s=24.0)
    do("operator", "operation.start", order("PO-7", material="G-7"))
    shown = text(Pages("viewer").get(f"/boards/{LINE}/?part=live"))
    assert "PO-7.10" in shown
    assert "behind" in shown  # it was started at the plant's time, long ago


def test_the_board_takes_states_from_the_lake_while_they_are_fresh() -> None:
    columns = "machine VARCHAR(20), state VARCHAR(20), state_raw VARCHAR(20), from_ts TIMESTAMP, to_ts TIMESTAMP"
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE lake_machine_state ({columns})")
        for machine, state, minutes in ((M1, "fault", 0), (M1, "producing", 60), (M2, "producing", 30)):
            known = (now - timedelta(minutes=minutes)).replace(tzinfo=None)
            cursor.execute(
                "INSERT INTO lake_machine_state VALUES (%s, %s, %s, %s, %s)", [machine, state, "RAW<1>", known - timedelta(minutes=20), known]
            )
    shown = text(Pages("viewer").get(f"/boards/{LINE}/?part=live"))
    found = re.findall(r'lamp a-(\w+)">.*?lampword">(\w+)', shown, re.DOTALL)
    assert found[:2] == [("bad", "Fault"), ("unknown", "Unknown")]
    assert "RAW&lt;1&gt;" in shown
    assert "last heard 30 min ago" in shown


def test_a_genealogy_is_drawn_from_origin_to_product() -> None:
    def lot(lot_id: str, level: int) -> dict[str, Any]:
        return {"lot_id": lot_id, "level": level, "material_id": "M", "quantity": "1", "status": "unrestricted"}

    back = {"lots": [lot("B", 0), lot("A1", 1), lot("A2", 1)], "uses": [{"lot_id": "A1", "into_lot_id": "B"}, {"lot_id": "A2", "into_lot_id": "B"}]}
    forward = {"lots": [lot("B", 0), lot("C", 1)], "uses": [{"lot_id": "B", "into_lot_id": "C"}]}
    drawing = draw(back, forward)
    column = {box.lot_id: box.x for box in drawing.boxes}
    assert column["A1"] == column["A2"] < column["B"] < column["C"]
    assert len(drawing.wires) == 3
    assert len({(box.x, box.y) for box in drawing.boxes}) == 4
    assert all(box.x + 176 <= drawing.width and box.y + 52 <= drawing.height for box in drawing.boxes)


def test_a_lot_leads_to_its_recall_list_in_one_click() -> None:
    operation = order("PO-1", customer="Acme GmbH", sales_order="SO-9")
    do("operator", "operation.start", operation)
    do("planner", "lot.create", lot_id="HEAT-1", material_id="G-100", quantity=10, equipment_id=LINE)
    do("operator", "operation.report", operation, good=4, lot_id="LOT-1")
    do("operator", "operation.consume", operation, lot_id="HEAT-1", quantity=2, into_lot_id="LOT-1")
    pages = Pages("quality")
    link = re.search(r'href="([^"]+)">Recall list</a>', pages.get("/lots/HEAT-1").content.decode())
    assert link is not None
    said = text(pages.get(link[1]))
    assert "It went into 1 lot." in said
    for named in ("Acme GmbH", "SO-9", "PO-1", "LOT-1"):
        assert named in said
    assert pages.get("/recall/none").status_code == 404
