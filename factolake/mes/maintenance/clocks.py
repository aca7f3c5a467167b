"""The five clocks of a maintenance order: stopped, called, arrived, repaired, first good part. Each set once, in order, never in the future."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.maintenance.models import MaintenanceKind


class Clock(StrEnum):
    """A clock by the column that keeps it, in their order."""

    STOPPED = "stopped_ts"
    CALLED = "called_ts"
    ARRIVED = "arrived_ts"
    REPAIRED = "repaired_ts"
    FIRST_GOOD = "first_good_ts"

    @property
    def word(self) -> str:
        """As people say it."""
        return self.value.removesuffix("_ts").replace("_", " ")


NEEDED: Mapping[MaintenanceKind, frozenset[Clock]] = {
    MaintenanceKind.CORRECTIVE: frozenset(Clock),
    MaintenanceKind.PREVENTIVE: frozenset({Clock.ARRIVED, Clock.REPAIRED}),
}
"""Clocks that an order of the kind cannot do without: planned work needs no stop, no call and no proof by a part."""


def check_clock(kind: MaintenanceKind, known: Mapping[Clock, datetime | None], clock: Clock, at_ts: datetime, now: datetime) -> None:
    """Raise Conflict when `clock` is set already, or out of its order; Invalid when `at_ts` is before an earlier clock or still to come."""
    order = list(Clock)
    before, after = order[: order.index(clock)], order[order.index(clock) + 1 :]
    if known.get(clock) is not None:
        raise Conflict(f"clock {clock.word} was set to {known[clock]} already; each is set once")
    late = next((one for one in after if known.get(one) is not None), None)
    if late is not None:
        raise Conflict(f"clock {late.word} is set already and comes after {clock.word}; it is too late for that one")
    missing = next((one for one in before if one in NEEDED[kind] and known.get(one) is None), None)
    if missing is not None:
        raise Conflict(f"clock {missing.word} comes before {clock.word} and is not set; set that first")
    latest = max((time for one in before if (time := known.get(one)) is not None), default=None)
    if latest is not None and at_ts < latest:
        raise Invalid(f"{clock.word} at {at_ts} is before {latest}, when an earlier clock was set; clocks go forward")
    if at_ts > now:
        raise Invalid(f"{clock.word} at {at_ts} is still to come; leave at_ts out for now")
