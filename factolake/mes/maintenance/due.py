"""When preventive maintenance is due: by time, by cycles, whichever comes first. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Due:
    """When a plan is due next; None where it does not go by that."""

    at_ts: datetime | None
    at_cycles: Decimal | None

    def is_reached(self, now: datetime, cycles: Decimal | None) -> bool:
        """Whether it is due at `now` with so many cycles counted (None: nobody counted)."""
        by_time = self.at_ts is not None and now >= self.at_ts
        by_cycles = self.at_cycles is not None and cycles is not None and cycles >= self.at_cycles
        return by_time or by_cycles


@dataclass(frozen=True, slots=True)
class PlanDue:
    """A plan's id, the equipment whose counter it goes by, and when it is due."""

    plan_id: str
    equipment_id: str
    due: Due


def due(plans: Iterable[PlanDue], now: datetime, counters: Mapping[str, Decimal]) -> list[str]:
    """Ids of the plans that are due, in their order; `counters` are cycles by equipment id."""
    return [plan.plan_id for plan in plans if plan.due.is_reached(now, counters.get(plan.equipment_id))]


def next_due(every_days: int | None, every_cycles: Decimal | None, done_ts: datetime, cycles: Decimal | None) -> Due:
    """When it is due after it was done at `done_ts` with `cycles` counted: from what was done, not from when it was due, so that late work is
    not followed by early work. Raises ValueError where cycles count and nobody counted them.
    """
    if every_cycles is not None and cycles is None:
        raise ValueError(f"it is due every {every_cycles} cycles, and none were counted")
    by_cycles = None if every_cycles is None or cycles is None else cycles + every_cycles
    return Due(None if every_days is None else done_ts + timedelta(days=every_days), by_cycles)
