"""Every address of the API, every role, with a request that would work: who has the role gets through, who lacks it has no effect (S32).

The table is generated from the API's own routes; an action that is new here needs an entry in `action_examples.py`, or its address cannot be tried.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from action_examples import EXAMPLES
from django.db import transaction
from record_plant import LINE, NOW, Api, do, order

from factolake.domain.action import RULES, Role
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.action import ACTIONS, On
from factolake.mes.core.resource import RESOURCES
from factolake.mes.people.models import Grant
from factolake.mes.people.rights import Rights
from factolake.mes.production.models import BillItem, MaterialDefinition
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
    gear = MaterialDefinition.objects.get(pk="G-100")
    BillItem.objects.create(material=gear, component=gear, step_number=10, quantity=1, valid_from=NOW, changed_ts=NOW)
    Grant.objects.update(scope="")


def addresses() -> Iterator[tuple[str, str, frozenset[Role], dict[str, Any], bool]]:
    """Method, address of a row that is there, roles, example body, and whether one request is enough."""
    keys = {declared.collection: declared.model for declared in RESOURCES.values()}
    actions = {name.replace(".", "_"): action for name, action in ACTIONS.items()}
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            collection = path.removeprefix("/api/v1/").partition("/")[0]
            known = actions.get(operation["operationId"])
            model = known.subject.model if known and isinstance(known.subject, On) else keys[collection] if collection in keys else None
            first = model._default_manager.order_by("pk").first() if model else None
            address = path.removeprefix("/api/v1").replace("{key}", str(first.pk) if first else "1")
            if known:
                body = EXAMPLES.get(known.name, {"reason": "tried"})
                yield method, address, known.roles, {"reason": "tried", **body}, RULES[known.effect].approvals <= 1
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
