"""How many alerts each machine had in a week, of how many it may have. Pure: so many are few enough that people look at each of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from factolake.domain.alert import WEEK_BUDGET
from factolake.mes.signals.models import MachineAlert, MachineAlertState, Verdict

WEEKS = 4


@dataclass(frozen=True, slots=True)
class Week:
    """A machine's week: how many alerts stand in it, and whether that is more than its budget."""

    used: int
    is_over: bool


@dataclass(frozen=True, slots=True)
class MachineWeeks:
    """The weeks of a machine, this one first, and how many of its alerts in them people called right and false."""

    machine: str
    weeks: tuple[Week, ...]
    right: int
    false: int


def mondays(now: datetime) -> tuple[datetime, ...]:
    """The beginnings of this week and those before it, in the time zone of `now`."""
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return tuple(monday - timedelta(weeks=number) for number in range(WEEKS))


def weeks_of(alerts: Iterable[MachineAlert], begins: tuple[datetime, ...], budget: int = WEEK_BUDGET) -> list[MachineWeeks]:
    """The weeks of every machine with an alert since the last of `begins`; one that was withdrawn counts in none."""
    by_machine: dict[str, list[MachineAlert]] = {}
    for alert in alerts:
        if alert.state != MachineAlertState.WITHDRAWN.value and alert.raised_ts >= begins[-1]:
            by_machine.setdefault(alert.equipment_id, []).append(alert)
    return [_weeks(machine, held, begins, budget) for machine, held in sorted(by_machine.items())]


def _weeks(machine: str, alerts: list[MachineAlert], begins: tuple[datetime, ...], budget: int) -> MachineWeeks:
    used = [0] * len(begins)
    for alert in alerts:
        used[next(number for number, begin in enumerate(begins) if alert.raised_ts >= begin)] += 1
    right, false = (sum(alert.verdict == verdict.value for alert in alerts) for verdict in (Verdict.TRUE, Verdict.FALSE))
    return MachineWeeks(machine, tuple(Week(count, count > budget) for count in used), right, false)
