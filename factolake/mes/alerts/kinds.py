"""The kinds of alerts: how severe, who is told in which step, how long each step waits. A table, not code; a rule of the plant changes the times."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from factolake.domain.action import Role
from factolake.mes.equipment.models import EquipmentLevel


class Severity(StrEnum):
    """How bad, from a notice to danger for people."""

    NOTICE = "notice"
    WARNING = "warning"
    URGENT = "urgent"
    SAFETY = "safety"


class AlertKind(StrEnum):
    """What alerts there are."""

    SAFETY = "safety"
    HELP = "help"
    MESSAGE = "message"
    HOLD = "hold"
    QUALITY_EVENT = "quality_event"
    TOOL_WORN = "tool_worn"
    ERP_REFUSED = "erp_refused"
    ERP_ROWS = "erp_rows"
    ORDER_OVERDUE = "order_overdue"
    MAINTENANCE_OVERDUE = "maintenance_overdue"
    CALIBRATION_DUE = "calibration_due"
    STOP_UNCLASSIFIED = "stop_unclassified"
    MACHINE_UNKNOWN = "machine_unknown"
    MACHINE_UNUSUAL = "machine_unusual"
    STORM = "storm"


class Danger(StrEnum):
    """What is reported in two taps."""

    PERSON_HURT = "person_hurt"
    FIRE_OR_SMOKE = "fire_or_smoke"
    LEAK_OR_SPILL = "leak_or_spill"
    GUARD_OPEN = "guard_open"
    PERSON_IN_ZONE = "person_in_zone"
    OTHER_DANGER = "other_danger"


@dataclass(frozen=True, slots=True)
class Step:
    """Who is told: the people on shift as one of `roles` at the equipment of `level` that the place lies in; None: at the place itself."""

    roles: frozenset[Role]
    level: EquipmentLevel | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `wait_s` is how long a step waits for somebody to acknowledge it before the next one is told (seconds).

    `after_s`: how long what it tells of has to last first, where the clock says so (seconds). `is_watched`: it closes by itself, when that is over.
    """

    title: str
    severity: Severity
    steps: tuple[Step, ...]
    wait_s: float = 900.0
    after_s: float = 0.0
    is_watched: bool = False


def _roles(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


_LINE, _AREA, _SITE = EquipmentLevel.PRODUCTION_LINE, EquipmentLevel.AREA, EquipmentLevel.SITE
_MAINTENANCE = (
    Step(_roles(Role.MAINTENANCE)),
    Step(_roles(Role.MAINTENANCE, Role.ENGINEER), _AREA),
    Step(_roles(Role.ENGINEER, Role.PLANNER), _SITE),
)
_QUALITY = (Step(_roles(Role.QUALITY)), Step(_roles(Role.QUALITY, Role.ENGINEER), _AREA), Step(_roles(Role.ENGINEER, Role.PLANNER), _SITE))
_ENGINEER = (Step(_roles(Role.ENGINEER)), Step(_roles(Role.ENGINEER), _SITE))
_PLANNER = (Step(_roles(Role.PLANNER)), Step(_roles(Role.PLANNER, Role.ENGINEER), _SITE))
_OPERATOR = (Step(_roles(Role.OPERATOR)), Step(_roles(Role.PLANNER, Role.ENGINEER), _LINE))
_EVERYBODY = (
    Step(frozenset(Role), _LINE),
    Step(_roles(Role.QUALITY, Role.MAINTENANCE, Role.ENGINEER), _AREA),
    Step(_roles(Role.QUALITY, Role.ENGINEER, Role.PLANNER, Role.ADMIN), _SITE),
)

KINDS: Mapping[AlertKind, Kind] = {
    AlertKind.SAFETY: Kind("Danger", Severity.SAFETY, _EVERYBODY, wait_s=120.0),
    AlertKind.HELP: Kind("Call for help", Severity.URGENT, _MAINTENANCE, wait_s=300.0),
    AlertKind.MESSAGE: Kind("Message", Severity.NOTICE, (Step(frozenset(Role), _LINE),)),
    AlertKind.HOLD: Kind("Hold", Severity.WARNING, _QUALITY, wait_s=1800.0),
    AlertKind.QUALITY_EVENT: Kind("Quality event", Severity.URGENT, _QUALITY, wait_s=600.0),
    AlertKind.TOOL_WORN: Kind("Tool worn", Severity.WARNING, _MAINTENANCE, wait_s=1800.0),
    AlertKind.ERP_REFUSED: Kind("Refused by the ERP", Severity.WARNING, _PLANNER, wait_s=3600.0),
    AlertKind.ERP_ROWS: Kind("Rows not taken from the ERP", Severity.NOTICE, _PLANNER, wait_s=3600.0),
    AlertKind.ORDER_OVERDUE: Kind("Order overdue", Severity.WARNING, _PLANNER, wait_s=3600.0, is_watched=True),
    AlertKind.MAINTENANCE_OVERDUE: Kind(
        "Maintenance overdue", Severity.WARNING, _MAINTENANCE, wait_s=8 * 3600.0, after_s=24 * 3600.0, is_watched=True
    ),
    AlertKind.CALIBRATION_DUE: Kind("Calibration due", Severity.WARNING, _QUALITY, wait_s=8 * 3600.0, is_watched=True),
    AlertKind.STOP_UNCLASSIFIED: Kind("Stop without a reason", Severity.NOTICE, _OPERATOR, after_s=900.0, is_watched=True),
    AlertKind.MACHINE_UNKNOWN: Kind("Machine unknown", Severity.WARNING, _ENGINEER, after_s=900.0, is_watched=True),
    AlertKind.MACHINE_UNUSUAL: Kind("Machine other than usual", Severity.WARNING, _MAINTENANCE, wait_s=3600.0, is_watched=True),
    AlertKind.STORM: Kind("Many alerts", Severity.WARNING, _ENGINEER),
}
"""Every kind. A storm is told as the kind it sums up would be."""

STORM_AFTER = 10
"""So many alerts of a kind in a site and minute are told one by one; those above are told as one sum for each line."""
STORM_WINDOW = timedelta(seconds=60)
STORM_QUIET = timedelta(minutes=10)
"""A storm is over when nothing of it came for so long."""


def next_step_ts(next_ts: datetime, wait: timedelta, now: datetime) -> datetime:
    """When the next step is due: as it was set, or `wait` from now where that is nearer: the clock was set back, or a rule shortened the wait."""
    return min(next_ts, now + wait)
