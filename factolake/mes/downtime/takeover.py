"""Stops of the lake into the record. What a person set stays: where the lake later says otherwise, somebody gets a conflict to look at.

`plan` is pure. An open stop changes nothing while it only grows longer, so that one that lasts hours is two entries in the audit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from factolake.mes.downtime.actions import stop_id
from factolake.mes.downtime.models import Stop, StopState

Key = tuple[str, datetime]
"""Machine and beginning: the key of a stop in the lake."""


@dataclass(frozen=True, slots=True)
class LakeStop:
    """A stop as the lake has it."""

    machine: str
    from_ts: datetime
    to_ts: datetime
    is_open: bool
    state: str
    state_raw: str
    causing_machine: str
    asks_reason: bool
    lake_version: int

    @property
    def key(self) -> Key:
        """Machine and beginning."""
        return (self.machine, self.from_ts)


@dataclass(slots=True)
class Plan:
    """What to write: new stops, columns that change, and stops where lake and people differ (with what the lake says; None: no stop)."""

    made: list[LakeStop] = field(default_factory=list)
    changed: list[tuple[Stop, dict[str, object]]] = field(default_factory=list)
    conflicts: list[tuple[Stop, LakeStop | None]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Nothing to write."""
        return not (self.made or self.changed or self.conflicts)


def plan(told: Iterable[LakeStop], gone: Iterable[Key], held: Mapping[Key, list[Stop]]) -> Plan:
    """How to bring the record to what the lake tells anew (`told`) and no longer tells (`gone`).

    `held` are the record's stops of these keys, in the order of their beginnings: one, or the parts a person made of it.
    """
    made = Plan()
    for stop in told:
        parts = held.get(stop.key, [])
        if not parts:
            made.made.append(stop)
        elif any(part.is_edited for part in parts):
            _beside_people(made, stop, parts)
        else:
            _follow(made, stop, parts[0])
    for key in gone:
        for part in held.get(key, []):
            _withdraw(made, part)
    return made


def new_stop(stop: LakeStop) -> Stop:
    """The record's row of a stop the lake tells for the first time."""
    return Stop(
        stop_id=stop_id(stop.machine, stop.from_ts.isoformat()),
        equipment_id=stop.machine,
        from_ts=stop.from_ts,
        to_ts=stop.to_ts,
        is_open=stop.is_open,
        machine_state=stop.state,
        state_raw=stop.state_raw,
        causing_machine=stop.causing_machine,
        asks_reason=stop.asks_reason,
        lake_from_ts=stop.from_ts,
        lake_version=stop.lake_version,
    )


def _follow(made: Plan, stop: LakeStop, row: Stop) -> None:
    values: dict[str, object] = {
        "machine_state": stop.state,
        "state_raw": stop.state_raw,
        "causing_machine": stop.causing_machine,
        "asks_reason": stop.asks_reason,
        "is_open": stop.is_open,
        "state": StopState.CURRENT.value,
    }
    if not (stop.is_open and row.is_open):
        values["to_ts"] = stop.to_ts
    if any(getattr(row, name) != value for name, value in values.items()):
        made.changed.append((row, {**values, "lake_version": stop.lake_version}))


def _beside_people(made: Plan, stop: LakeStop, parts: list[Stop]) -> None:
    last = parts[-1]
    if last.is_open and last.state == StopState.CURRENT.value:
        if not stop.is_open and stop.to_ts > last.from_ts:
            made.changed.append((last, {"is_open": False, "to_ts": stop.to_ts, "lake_version": stop.lake_version}))
        elif not stop.is_open:
            made.conflicts.append((last, stop))
        return
    if last.state == StopState.CURRENT.value and not stop.is_open and stop.to_ts != last.to_ts and stop.lake_version > last.lake_version:
        made.conflicts.append((last, stop))


def _withdraw(made: Plan, part: Stop) -> None:
    if part.state != StopState.CURRENT.value:
        return
    if part.is_edited or part.reason_id is not None:
        made.conflicts.append((part, None))
    else:
        made.changed.append((part, {"state": StopState.WITHDRAWN.value, "is_open": False}))
