"""What `factolake mes check` tells: roles, every address with who may use it, addresses open to nobody known, the state of audit, tables and ERP."""

from typing import Any

from factolake.domain.action import RULES, Role
from factolake.mes.audit.verify import verify
from factolake.mes.core.action import ACTIONS
from factolake.mes.exchange import erp
from factolake.mes.people.models import Grant
from factolake.mes.project.database import pending
from factolake.mes.project.urls import api


def facts() -> dict[str, Any]:
    """The installation's rights and state as plain data."""
    actions = {name.replace(".", "_"): action for name, action in ACTIONS.items()}
    endpoints, unguarded = [], []
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                action = actions.get(operation.operation_id or "")
                told: dict[str, Any] = {"method": "/".join(operation.methods), "path": f"/api/v1{prefix}{path}"}
                told["roles"] = sorted(action.roles) if action else ["any role"]
                told["effect"] = action.effect.value if action else "read"
                told["approvals"] = RULES[action.effect].approvals if action else 0
                endpoints.append(told)
                if not operation.auth_callbacks:
                    unguarded.append(f"{told['method']} {told['path']}")
    holders = {role.value: Grant.objects.filter(role=role.value, person__is_active=True).count() for role in Role}
    verdict = verify()
    audit = {"entries": verdict.count, "sound": verdict.is_sound, "faults": [fault.fault for fault in verdict.faults], "unsealed": verdict.unsealed}
    told = {"roles": holders, "endpoints": endpoints, "open_permissions": unguarded, "audit": audit, "pending_migrations": pending()}
    return {**told, "erp": erp.state()}
