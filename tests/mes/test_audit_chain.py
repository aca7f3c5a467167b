"""Each action leaves one entry, bound to the one before; any change, cut or gap shows, and the database itself refuses to make one."""

import json

import pytest
from record_plant import do, order

from factolake.mes.audit.chain import faults as found
from factolake.mes.audit.models import AuditEntry, AuditHead
from factolake.mes.core.models import OutboxEvent

pytestmark = pytest.mark.usefixtures("record")


def entries() -> list[dict[str, object]]:
    return list(AuditEntry.objects.order_by("number").values())


def faults() -> list[str]:
    head = AuditHead.objects.get()
    return [fault.fault for fault in found(entries(), (head.number, head.hash))]


def test_an_action_leaves_who_what_and_what_changed() -> None:
    do("quality", "order.hold", order().partition(".")[0], reason="wrong steel")
    last = entries()[-1]
    assert (last["actor"], last["action"], last["subject"], last["reason"]) == ("quality", "order.hold", "order PO-1", "wrong steel")
    changes = {(one["noun"], one["id"]): one for one in json.loads(str(last["changes"]))}
    assert changes["order", "PO-1"]["before"]["state"] == "released"
    assert changes["order", "PO-1"]["after"]["state"] == "held"
    assert [entry["number"] for entry in entries()] == list(range(1, len(entries()) + 1))
    assert faults() == []


def test_a_refused_action_leaves_nothing() -> None:
    order()
    before = len(entries())
    with pytest.raises(Exception, match="cannot become"):
        do("planner", "order.close", "PO-1")
    assert len(entries()) == before


def test_secrets_are_in_neither_audit_nor_outbox() -> None:
    do("admin", "person.create", person_id="anna", name="Anna", password="long enough, surely")
    do("admin", "person.set_badge", "anna", badge="0004711", pin="8642")
    said = json.dumps(entries(), default=str) + json.dumps(list(OutboxEvent.objects.values()), default=str)
    assert not [secret for secret in ("long enough", "0004711", "8642", "argon2") if secret in said]
    assert '"password":"(secret)"' in said.replace("\\", "")


@pytest.mark.parametrize("statement", ["UPDATE audit_auditentry SET actor = 'x' WHERE number = 1", "DELETE FROM audit_auditentry WHERE number = 1"])
def test_the_database_refuses_to_change_an_entry(statement: str) -> None:
    from django.db import DatabaseError, connection

    order()
    with pytest.raises(DatabaseError, match="only ever added"), connection.cursor() as cursor:
        cursor.execute(statement)


def test_each_event_of_the_outbox_is_a_row_that_changed_in_the_order_of_the_commits() -> None:
    seeded = OutboxEvent.objects.latest("id").pk
    order()
    kinds = list(OutboxEvent.objects.filter(id__gt=seeded).order_by("id").values_list("kind", "object_id"))
    assert kinds == [
        ("mes.material", "G-100"),
        ("mes.order", "PO-1"),
        ("mes.operation", "PO-1.10"),
        ("mes.order", "PO-1"),
        ("mes.operation", "PO-1.10"),
    ]
