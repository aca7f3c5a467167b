"""One turn of the takeover: what is new in `lake_downtime` since the last turn, as one action of the service `lake`."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, Form, action
from factolake.mes.core.call import Call
from factolake.mes.core.lake import rows, utc
from factolake.mes.downtime.models import Stop, StopConflict, StopState, TakenFrom
from factolake.mes.downtime.takeover import Key, LakeStop, new_stop, plan
from factolake.mes.downtime.taking import Feed
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.services import act, service

TABLE = "lake_downtime"
FEED = Feed(TABLE, "silver.downtime")
LAKE = "lake"
"""Id of the service that brings what the lake says; it may not sign in."""
_COLUMNS = "machine, from_ts, to_ts, is_open, state, state_raw, causing_machine, asks_reason, lake_version"
_LIVE = (StopState.CURRENT.value, StopState.MERGED.value)


@action("stop_takeover.create", At(), {Role.ENGINEER}, Effect.PRODUCTION, by_owner=True)
def take_stops(call: Call, _: None, __: Form) -> TakenFrom:
    """Take what the lake says of stops into the record now; it is done every few seconds by itself."""
    mark, now_at = FEED.mark(call), FEED.at()
    if now_at is None:
        return mark
    history, version = now_at
    told = [_lake_stop(row) for row in rows(f"SELECT {_COLUMNS} FROM {TABLE} WHERE lake_version > %s ORDER BY from_ts", [mark.since(history)])]
    known = set(Equipment.objects.values_list("equipment_id", flat=True))
    told = [stop for stop in told if stop.machine in known]
    wanted = plan(told, (), _held(stop.key for stop in told))
    call.create_many([new_stop(stop) for stop in wanted.made])
    for row, values in wanted.changed:
        call.change(row, **values)
    gone = _gone()
    lost = plan((), gone, _held(gone))
    for row, values in lost.changed:
        call.change(row, **values)
    for row, says in (*wanted.conflicts, *lost.conflicts):
        _tell(call, row, says, version)
    mark.move(history, version)
    return mark


def turn(now: datetime) -> bool:
    """Take what is new, as the service `lake`; returns whether there was anything new to look at."""
    if not FEED.has_news():
        return False
    act(service(LAKE, "The lake", now), Role.ENGINEER, "stop_takeover.create", "", now, "sync")
    return True


def _lake_stop(row: dict[str, Any]) -> LakeStop:
    return LakeStop(
        row["machine"],
        utc(row["from_ts"]),
        utc(row["to_ts"]),
        bool(row["is_open"]),
        row["state"],
        row["state_raw"] or "",
        row["causing_machine"] or "",
        bool(row["asks_reason"]),
        row["lake_version"],
    )


def _gone() -> list[Key]:
    """Keys of the record's stops that the lake no longer has; looked for only when it has fewer than the record."""
    first_parts = Stop.objects.filter(state__in=_LIVE, from_ts=F("lake_from_ts")).count()
    if next(rows(f"SELECT count(*) AS n FROM {TABLE} WHERE machine IN (SELECT equipment_id FROM equipment_equipment)"))["n"] >= first_parts:
        return []
    # The sync writes microseconds always, Django only where there are any.
    beginning = "substr(s.lake_from_ts || '.000000', 1, 26)" if connection.vendor == "sqlite" else "s.lake_from_ts"
    in_lake = f"SELECT 1 FROM {TABLE} l WHERE l.machine = s.equipment_id AND l.from_ts = {beginning}"
    query = f"SELECT DISTINCT s.equipment_id, s.lake_from_ts FROM downtime_stop s WHERE s.state IN (%s, %s) AND NOT EXISTS ({in_lake})"
    return [(row["equipment_id"], utc(row["lake_from_ts"])) for row in rows(query, _LIVE)]


def _held(keys: Iterable[Key]) -> dict[Key, list[Stop]]:
    by_machine: dict[str, set[datetime]] = defaultdict(set)
    for machine, from_ts in keys:
        by_machine[machine].add(from_ts)
    held: dict[Key, list[Stop]] = defaultdict(list)
    for machine, beginnings in by_machine.items():
        known = sorted(beginnings)
        for start in range(0, len(known), 500):
            found = Stop.objects.select_for_update().filter(equipment_id=machine, lake_from_ts__in=known[start : start + 500])
            for row in found.order_by("from_ts"):
                held[machine, row.lake_from_ts].append(row)
    return held


def _tell(call: Call, row: Stop, says: LakeStop | None, version: int) -> None:
    """One open conflict a stop and word of the lake."""
    said = {"lake_from_ts": says.from_ts if says else None, "lake_to_ts": says.to_ts if says else None}
    if not StopConflict.objects.filter(stop=row, settled_ts=None, **said).exists():
        call.create(StopConflict(stop=row, lake_version=version, **said))
