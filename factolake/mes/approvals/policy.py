"""What an approval is bound to, and when there are enough of them. Pure: values in, values out."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from factolake.domain.action import RULES, EffectRule, Role
from factolake.mes.audit.chain import canonical
from factolake.mes.core.action import Action


def policy_version(action: Action) -> str:
    """SHA-256 (hex) over every rule, and the action's own class and roles: whatever changes there, an approval given before is void."""
    rules = {effect.value: [rule.approvals, sorted(rule.one_of), rule.automatic, rule.fresh_login] for effect, rule in RULES.items()}
    return _sha256({"rules": rules, "action": action.name, "effect": action.effect.value, "roles": sorted(action.roles)})


def digest_of(action: str, key: str, payload: object, policy: str, expires_ts: datetime) -> str:
    """SHA-256 (hex) over just what would happen, under which rules and until when. Raises ValueError for a payload that has no canonical form."""
    expires = expires_ts.astimezone(UTC).isoformat(timespec="microseconds")
    return _sha256({"action": action, "key": key, "payload": payload, "policy_version": policy, "expires": expires})


def deciders(action: Action) -> frozenset[Role]:
    """Who may decide about the action: who may do it, and approvers; what only administrators do, such as granting roles, only administrators."""
    return action.roles if action.roles == {Role.ADMIN} else action.roles | {Role.APPROVER}


def minimum(rule: EffectRule) -> int:
    """People who have to approve: at least one, since a proposal that nobody has to see is none."""
    return max(rule.approvals, 1)


def is_enough(action: Action, approvers: Iterable[frozenset[Role]]) -> bool:
    """Whether these distinct people, each with the roles they hold there, may let the action happen together."""
    rule = RULES[action.effect]
    counting = [roles for roles in approvers if roles & deciders(action)]
    return len(counting) >= minimum(rule) and (not rule.one_of or any(roles & rule.one_of for roles in counting))


def _sha256(value: object) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()
