"""Every address of the API, every role, with a request that would work: who has the role gets through, who lacks it has no effect (S32).

The table is generated from the API's own routes; an action that is new here needs an entry in `action_examples.py`, or its address cannot be tried.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from action_examples import CORRECTIVE, EXAMPLES, LATER
from django.db import transaction
from django.test import override_settings
from machine_alerts import machine_alert
from record_plant import LINE, M1, NOW, Api, do, first_row, order

from factolake.domain.action import RULES, Role
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.action import ACTIONS, On
from factolake.mes.core.query import QUERIES
from factolake.mes.core.resource import RESOURCES
from factolake.mes.downtime.models import Stop, StopConflict
from factolake.mes.people.models import Grant
from factolake.mes.people.rights import Rights
from factolake.mes.production.models import Order
from factolake.mes.project.urls import api


@pytest.fixture
def rows(record: str) -> None:
    """At least one row of everything, and every role in the whole enterprise."""
    operation = order()
    do("operator", "operation.start", operation)
    do("planner", "lot.create", lot_id="S-1", material_id="G-100", quantity=10, equipment_id=LINE)
    do("operator", "operation.report", operation, good=1, lot_id="LOT-1")
    do("operator", "operation.consume", operation, lot_id="S-1", quantity=1)
    do("engineer", "routing_step.create", material_id="G-100", number=10, equipment_id=LINE)
    do("engineer", "routing_alternative.create", **EXAMPLES["routing_alternative.create"])
    do("engineer", "material.create", material_id="STEEL")
    do("planner", "delivery.create", delivery_id="PUR-1", material_id="STEEL", quantity=10, expected_ts=LATER)
    do("engineer", "bill_item.create", material_id="G-100", component_id="STEEL", step_number=10, quantity=1)
    do("operator", "lot.ship", "S-1", quantity=1, customer="Acme")
    two_stops()
    proposed = do("agent", "proposal.create", action="order.cancel", key="PO-1", payload={"reason": "no customer"})
    do("approver", "proposal.approve", str(proposed["proposal_id"]), digest=proposed["digest"])
    do("engineer", "kill_switch.create", scope="capability:order.cancel", reason="tried")
    do("engineer", "device.create", label="Tablet", equipment_id=LINE, hash="1" * 64)
    erp_rows(operation)
    quality_rows()
    maintenance_rows()
    personnel_rows()
    alert_rows()
    schedule_rows()
    machine_alert(M1).save(force_insert=True)
    promotion_row()
    Grant.objects.update(scope="")


def erp_rows(operation: str) -> None:
    """An import with a row that failed, a webhook with something to send, and a confirmation that waits."""
    with override_settings(FACTOMES_WEBHOOK_HOSTS=("localhost",)):
        do("engineer", "webhook.create", **EXAMPLES["webhook.create"])
    do("planner", "erp_import.create", **{**EXAMPLES["erp_import.create"], "document": "material_id\na/b\n"})
    Order.objects.update(source_system="erp")
    do("operator", "operation.report", operation, good=1)
    Order.objects.update(source_system="")


def quality_rows() -> None:
    """A gauge, a plan with a failed check and its event, a hold on a lot that nobody else needs, a nonconformance with corrective action."""
    do("planner", "lot.create", lot_id="S-9", material_id="STEEL", quantity=10, equipment_id=LINE)
    do("quality", "gauge.create", gauge_id="MIC-1", name="Micrometer", equipment_id=LINE, interval_days=365, due_ts=LATER)
    do("quality", "gauge.calibrate", "MIC-1", passed=True)
    do("quality", "inspection_plan.create", equipment_id=LINE, characteristic="bore", kind="variable", upper=10, sampled_per="parts")
    do("operator", "inspection.create", plan_id=1, values=[11])
    do("operator", "operation.start", order("PO-5"))
    do("operator", "operation.consume", "PO-5.10", lot_id="S-9", quantity=1)
    do("quality", "hold.create", lot_id="S-9", reason="hardness")
    do("operator", "nonconformance.create", equipment_id=LINE, description="scratched")
    do("operator", "defect.create", equipment_id=LINE, cause_id="surface")
    do("quality", "corrective_action.create", **CORRECTIVE)


def maintenance_rows() -> None:
    """A failure code, a plan, a request, an order with a part and labour."""
    do("engineer", "failure_code.create", kind="mode", code="OWN", name="own")
    do("engineer", "preventive_plan.create", plan_id="PM-1", equipment_id=LINE, description="grease", every_days=30)
    do("operator", "maintenance_request.create", equipment_id=LINE, description="noise")
    for noun in ("maintenance_order", "maintenance_part", "maintenance_labour"):
        do("maintenance", f"{noun}.create", **EXAMPLES[f"{noun}.create"])


def personnel_rows() -> None:
    """A skill with who holds it and what asks for it, a shift, a presence, and a tool that was mounted."""
    for name in ("skill.create", "qualification.create", "skill_requirement.create", "tool.create", "tool_use.create", "tool_requirement.create"):
        do("engineer", name, **EXAMPLES[name])
    do("planner", "operation.waive_skill", "PO-1.10", **EXAMPLES["operation.waive_skill"], reason="tried")
    do("planner", "shift_assignment.create", **EXAMPLES["shift_assignment.create"])
    do("operator", "presence.create", equipment_id=LINE)


def alert_rows() -> None:
    """An alert with its history, who was told and a mail that waits, a rule, and where somebody wants mails sent."""
    do("engineer", "alert_rule.create", kind="help", wait_s=60)
    do("admin", "person.set_email", "operator", **EXAMPLES["person.set_email"])
    with override_settings(FACTOMES_MAIL_FROM="factomes@plant.example"):
        do("operator", "alert.create", **EXAMPLES["alert.create"])


def schedule_rows() -> None:
    """A schedule, a start out of its sequence, and an open proposal."""
    for order_id in ("PO-20", "PO-21", "PO-22"):
        order(order_id)
    planned = EXAMPLES["schedule.create"]
    made = do("planner", "schedule.create", **planned, reason="tried")
    do("planner", "schedule.accept", str(made["schedule_id"]), digest=made["digest"])
    do("operator", "operation.start", "PO-22.10", reason="urgent")
    later = [{**each, "planned_end_ts": each["planned_end_ts"].replace("T08", "T09")} for each in planned["entries"]]
    do("planner", "schedule.create", line_id=LINE, entries=later, reason="tried")
    do("operator", "schedule_request.create", line_id=LINE, reason="tried")


def promotion_row() -> None:
    """A model that another person approved."""
    proposed = do("engineer", "proposal.create", action="model_promotion.create", payload=EXAMPLES["model_promotion.create"])
    Grant.objects.filter(person_id="approver").update(scope="")
    do("approver", "proposal.approve", str(proposed["proposal_id"]), digest=proposed["digest"])
    do("engineer", "proposal.execute", str(proposed["proposal_id"]))


def two_stops() -> None:
    """One stop after the other, and a conflict about the first."""
    for minute, name in ((0, "earlier"), (30, "later")):
        start = NOW + timedelta(minutes=minute)
        ends = {"from_ts": start, "to_ts": start + timedelta(minutes=10), "lake_from_ts": start, "lake_version": 1, "changed_ts": NOW}
        Stop.objects.create(stop_id=name, equipment_id=M1, is_open=False, machine_state="fault", asks_reason=True, **ends)
    StopConflict.objects.create(stop_id="earlier", lake_version=2, changed_ts=NOW)


def addresses() -> Iterator[tuple[str, str, frozenset[Role], dict[str, Any], bool]]:
    """Method, address of a row that is there, roles, example body, and whether one request is enough."""
    keys = {declared.collection: declared.model for declared in RESOURCES.values()}
    actions = {name.replace(".", "_"): action for name, action in ACTIONS.items()}
    queries = {name.replace(".", "_"): query for name, query in QUERIES.items()}
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            collection = path.removeprefix("/api/v1/").partition("/")[0].partition(".")[0]
            known = actions.get(operation["operationId"])
            model = known.subject.model if known and isinstance(known.subject, On) else keys[collection] if collection in keys else None
            first = first_row(model) if model else None
            address = path.removeprefix("/api/v1").replace("{key}", str(first.pk) if first else "1")
            if known:
                body = EXAMPLES.get(known.name, {"reason": "tried"})
                yield method, address, known.roles, {"reason": "tried", **body}, RULES[known.effect].approvals <= 1 and not known.proposed_only
            elif operation["operationId"] in queries:
                query = queries[operation["operationId"]]
                yield method, f"{address}?{urlencode(EXAMPLES.get(query.name, {}))}", query.roles, {}, True
            else:
                yield method, address, RESOURCES[collection].roles, {}, True


@pytest.mark.usefixtures("rows")
def test_every_address_opens_to_its_roles_and_to_no_other() -> None:
    wrong, asked, before = [], 0, AuditEntry.objects.count()
    for method, address, roles, body, is_enough in addresses():
        for who in (None, "nobody", *Role):
            with transaction.atomic():
                holder = Api(who)
                answer = holder.get(address) if method == "get" else holder.post(address, body)
                transaction.set_rollback(True)
            may = who in roles and is_enough
            wanted = {401} if who is None else {200, 201, 409} if may else {403, 404}
            asked += 1
            if answer.status_code not in wanted:
                wrong.append((method, address, who, answer.status_code, answer.content))
    assert wrong == []
    assert asked >= 10 * len(ACTIONS)
    assert AuditEntry.objects.count() == before


def test_every_role_of_an_action_can_be_told_in_its_documentation() -> None:
    for action in ACTIONS.values():
        assert action.doc, action.name
        assert action.doc.endswith("."), action.name


def test_rights_reach_downwards_only() -> None:
    rights = Rights(frozenset({(Role.OPERATOR, "acme/bremen/assembly/L1")}))
    assert rights.holds({Role.OPERATOR}, "acme/bremen/assembly/L1/L1-M3")
    assert not rights.holds({Role.OPERATOR}, "acme/bremen/assembly")
    assert not rights.holds({Role.OPERATOR}, "acme/bremen/assembly/L10")
    assert not rights.holds({Role.PLANNER}, "acme/bremen/assembly/L1")
