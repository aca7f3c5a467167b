"""How an order flowed: the time it was worked on and the time it waited between its operations, from when these began and ended. Pure.

Touch is the work itself, summed over the operations, so that two at once count twice. The order waits while none of its operations that have begun is
under way: cycle = under way + waiting, from its first beginning to its last end. A suspended operation counts as under way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Work:
    """An operation that has begun and ended."""

    operation_id: str
    description: str
    start_ts: datetime
    end_ts: datetime


@dataclass(frozen=True, slots=True)
class Touched:
    """An operation's own times in seconds; `waited_s` is what the order stood still before it."""

    operation_id: str
    description: str
    touch_s: float
    waited_s: float


@dataclass(frozen=True, slots=True)
class Flow:
    """The times of an order in seconds."""

    cycle_s: float
    touch_s: float
    waiting_s: float
    operations: Sequence[Touched]


def flow(works: Iterable[Work]) -> Flow:
    """The flow of one order; all zero where nothing has ended."""
    touched: list[Touched] = []
    begun = until = None
    for work in sorted(works, key=lambda one: (one.start_ts, one.end_ts, one.operation_id)):
        begun = begun or work.start_ts
        waited_s = 0.0 if until is None else max((work.start_ts - until).total_seconds(), 0.0)
        touched.append(Touched(work.operation_id, work.description, (work.end_ts - work.start_ts).total_seconds(), waited_s))
        until = work.end_ts if until is None else max(until, work.end_ts)
    cycle_s = 0.0 if begun is None or until is None else (until - begun).total_seconds()
    return Flow(cycle_s, sum(one.touch_s for one in touched), sum(one.waited_s for one in touched), touched)
