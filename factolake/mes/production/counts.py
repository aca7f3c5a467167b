"""What machines counted, as the lake says: by machine and hour or shift. The lake's tables here know no order, so nothing is said by order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from factolake.mes.production.models import LakeOee

HOUR = timedelta(hours=1)
_TELLS = (None, "no_parts")
_NO_WORK = ("no_busy_time", "no_calendar")


@dataclass(frozen=True, slots=True)
class Counted:
    """Parts that a machine counted. Good, scrap and rework are None where its counters cannot tell them apart, `produced` where nothing is known.

    `reason` says why something is None; `as_of_ts` is when the lake worked it out.
    """

    produced: int | None = None
    good: int | None = None
    scrap: int | None = None
    rework: int | None = None
    reason: str = ""
    as_of_ts: datetime | None = None


def counted(equipment_ids: Iterable[str], from_ts: datetime, to_ts: datetime) -> dict[str, Counted]:
    """What each machine or line counted from `from_ts` to `to_ts` (UTC, exclusive): of the shift that is this time, else of the hours in it."""
    wanted = sorted(set(equipment_ids))
    if LakeOee._meta.db_table not in connection.introspection.table_names():
        return dict.fromkeys(wanted, Counted(reason="nothing has come from the lake yet: the table lake_oee is not there"))
    rows: dict[str, list[LakeOee]] = {equipment_id: [] for equipment_id in wanted}
    for row in _rows(wanted, from_ts, to_ts):
        rows[row.equipment].append(row)
    return {equipment_id: _sum(found, from_ts, to_ts) for equipment_id, found in rows.items()}


def _rows(equipment_ids: Sequence[str], from_ts: datetime, to_ts: datetime) -> Iterable[LakeOee]:
    """Rows around the time. Periods begin with a date, so that text keeps their order; shifts belong to plant days, hence the day on either side."""
    first, last = (f"{moment:%Y-%m-%d}" for moment in (from_ts - timedelta(days=1), to_ts + timedelta(days=2)))
    return LakeOee.objects.filter(span__in=("shift", "hour"), equipment__in=equipment_ids, period__gte=first, period__lt=last)


def _sum(rows: Sequence[LakeOee], from_ts: datetime, to_ts: datetime) -> Counted:
    # compared here and not in SQL: in SQLite a time is text, and the sync writes microseconds where Django leaves zeros out
    shift = [row for row in rows if row.span == "shift" and (row.from_ts, row.to_ts) == (from_ts, to_ts)]
    if shift:
        return _total(shift)
    hours = [row for row in rows if row.span == "hour" and from_ts <= row.from_ts and row.to_ts <= to_ts]
    wanted, left = divmod(to_ts - from_ts, HOUR)
    if left or from_ts.minute or from_ts.second or from_ts.microsecond:
        return Counted(reason="the time is no shift of the lake and not made of whole hours; ask for a shift or for whole hours")
    if len(hours) < wanted:
        return Counted(reason=f"the lake has counts of {len(hours)} of the {wanted} hours")
    return _total(hours)


def _total(rows: Sequence[LakeOee]) -> Counted:
    produced, as_of_ts = sum(row.pq for row in rows), max(row.as_of for row in rows)
    reasons = [row.quality_ratio_reason for row in rows if row.pq or row.quality_ratio_reason not in _NO_WORK]
    unclear = [reason for reason in reasons if reason not in _TELLS]
    if reasons and not unclear:
        return Counted(produced, sum(row.gq for row in rows), sum(row.sq for row in rows), sum(row.rq for row in rows), as_of_ts=as_of_ts)
    reason = unclear[0] if unclear else rows[0].quality_ratio_reason
    return Counted(produced or None, reason=f"the counters do not tell good from scrap: {reason}", as_of_ts=as_of_ts)
