"""What may change the plant and who lets it happen: the classes of actions and their rules (PLANT.md, "Actions"), the roles of people.

One table, used by FactoMES, planner, models and agents alike. Nothing here performs an action.
"""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person may be at a site or line."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    QUALITY = "quality"
    MAINTENANCE = "maintenance"
    PLANNER = "planner"
    ENGINEER = "engineer"
    APPROVER = "approver"
    ADMIN = "admin"


class ActorKind(StrEnum):
    """Who acts: a person, a service of the plant (ERP, gateway) or an agent."""

    HUMAN = "human"
    SERVICE = "service"
    AGENT = "agent"


class Effect(StrEnum):
    """The class of an action, from harmless to costly."""

    READ = "read"
    REVERSIBLE = "reversible"
    CONTAIN = "contain"
    PRODUCTION = "production"
    RELEASE_OR_MONEY = "release_or_money"


@dataclass(frozen=True, slots=True)
class EffectRule:
    """What an effect needs before it happens.

    `approvals`: distinct people beside the requester; `one_of`: at least one of them holds one of these roles; `automatic`: may happen without
    a person, within its cap; `fresh_login`: each approver proves who they are again.
    """

    approvals: int
    one_of: frozenset[Role] = frozenset()
    automatic: bool = False
    fresh_login: bool = False


RULES: dict[Effect, EffectRule] = {
    Effect.READ: EffectRule(0, automatic=True),
    Effect.REVERSIBLE: EffectRule(0, automatic=True),
    Effect.CONTAIN: EffectRule(0, automatic=True),
    Effect.PRODUCTION: EffectRule(1),
    Effect.RELEASE_OR_MONEY: EffectRule(2, one_of=frozenset({Role.QUALITY}), fresh_login=True),
}
"""The rule of each effect. A person with the right role who acts for themselves is the one approval that PRODUCTION asks for."""
