"""For each action that asks for more than a reason: values that work on the rows of `test_rights.rows`."""

from typing import Any

from record_plant import LINE

LATER = "2036-01-01T00:00:00Z"
EXAMPLES: dict[str, dict[str, Any]] = {
    "person.create": {"person_id": "anna", "name": "Anna", "password": "long enough, surely"},
    "person.set_password": {"password": "long enough, surely"},
    "grant.create": {"person_id": "viewer", "role": "operator"},
    "api_token.create": {"label": "x", "expires_ts": LATER, "hash": "0" * 64},
    "material.create": {"material_id": "M-9"},
    "routing_step.create": {"material_id": "G-100", "number": 10, "equipment_id": LINE},
    "order.create": {"order_id": "PO-9", "material_id": "G-100", "quantity": 1, "line_id": LINE},
    "lot.create": {"lot_id": "L-9", "material_id": "G-100", "quantity": 1},
    "operation.report": {"good": 1},
    "operation.consume": {"lot_id": "S-1", "quantity": 1},
}
