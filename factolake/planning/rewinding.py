"""The plant as it was a while ago, put together from what is known of it now: for the question what earlier knowledge would have been worth."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from factolake.domain.order import OperationState
from factolake.planning.situation import OrderOperation, Situation, WorkUnit

Made = Mapping[str, tuple[float, float]]
"""By operation, what it had made: (good, scrap)."""


def rewound(now: Situation, ground: Situation, made: Made, equipment: str) -> Situation:
    """The plant at `ground.now_ts`, with the stop of `equipment` known and its repair expected when it is now.

    `ground`: what holds for that moment whatever was done: calendars, people, tools, stocks. What was started since had not begun then, what ended
    since ran; planned times are taken as they are now.
    """
    unit = next(each for each in now.machines if each.equipment == equipment)
    until = now.now_ts + timedelta(seconds=now.repair_s)
    if unit.repaired_ts is not None and unit.repaired_ts > now.now_ts:
        until = unit.repaired_ts
    return replace(
        ground,
        orders=now.orders,
        operations=tuple(_then(each, ground.now_ts, made) for each in now.operations),
        machines=tuple(_machines(ground.machines, ground.now_ts, equipment, until)),
        schedule_id=now.schedule_id,
    )


def _then(operation: OrderOperation, then: datetime, made: Made) -> OrderOperation:
    started, ended = operation.actual_start_ts, operation.actual_end_ts
    if started is None or (ended is not None and ended <= then):
        return operation
    if started >= then:
        return replace(operation, state=OperationState.READY, good=0.0, scrap=0.0, actual_start_ts=None, actual_end_ts=None, waits_until_ts=None)
    good, scrap = made.get(operation.operation_id, (0.0, 0.0))
    return replace(operation, state=OperationState.RUNNING, good=good, scrap=scrap, actual_end_ts=None, waits_until_ts=None)


def _machines(units: Iterable[WorkUnit], then: datetime, equipment: str, until: datetime) -> Iterator[WorkUnit]:
    """The machine that stopped is down until its repair; what stopped since ran then."""
    for unit in units:
        if unit.equipment == equipment:
            yield replace(unit, down_since_ts=then, repaired_ts=until)
        elif unit.down_since_ts is not None and unit.down_since_ts > then:
            yield replace(unit, down_since_ts=None, repaired_ts=None)
        else:
            yield unit
