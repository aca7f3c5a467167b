"""Production days as partitions, and which slices of a table lie in them. A shift that crosses midnight belongs to its start date."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import dagster as dg

from factolake.contracts.table import Table
from factolake.domain.calendar import plant_zone
from factolake.domain.plant import PlantModel
from factolake.refine.refinement import Slice

FIRST_DAY = "2020-01-01"
_WHOLE_HOURS = re.compile(r"^UTC([+-])(\d{2}):00$")


@dataclass(frozen=True, slots=True)
class DaySpan:
    """Whole production days, first to last, and the UTC span [from_ts, to_ts) of all their shifts."""

    first: date
    last: date
    from_ts: datetime
    to_ts: datetime


def production_days(time_zone: str) -> dg.DailyPartitionsDefinition:
    """One partition a production day, today included. Dagster knows IANA names only, so a fixed offset takes its Etc/GMT name."""
    return dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone=iana_zone(time_zone), end_offset=1)


def iana_zone(time_zone: str) -> str:
    """The zone as Dagster knows it: IANA names as they are, whole hours as Etc/GMT, other offsets as UTC."""
    if match := _WHOLE_HOURS.match(time_zone):
        # POSIX counts the other way round: Etc/GMT-1 is UTC+01:00.
        return f"Etc/GMT{'-' if match[1] == '+' else '+'}{int(match[2])}" if int(match[2]) else "Etc/UTC"
    return "Etc/UTC" if time_zone.startswith("UTC") else time_zone


def day_span(model: PlantModel, first: date, last: date) -> DaySpan:
    """From the earliest shift start or midnight of `first` to the latest shift end or midnight after `last`, on any machine."""
    zone = plant_zone(model.time_zone)
    start = datetime.combine(first, time(), zone).astimezone(UTC)
    end = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
    around = timedelta(days=1)
    windows = [w for machine in model.machines for w in model.calendar.shifts(model.scopes(machine), start - around, end + around)]
    inside = [w for w in windows if first <= w.production_day <= last]
    return DaySpan(first, last, min([start, *(w.from_ts for w in inside)]), max([end, *(w.to_ts for w in inside)]))


def slices_in(table: Table, slices: Iterable[Slice], span: DaySpan) -> set[Slice]:
    """Those of `slices` (values of the table's `slice_by`) that lie in `span`; a UTC day counts when it overlaps."""
    return {row for row in slices if all(_lies_in(name, value, span) for name, value in zip(table.slice_by, row, strict=True))}


def _lies_in(name: str, value: object, span: DaySpan) -> bool:
    if isinstance(value, datetime):
        return span.from_ts <= value < span.to_ts
    if isinstance(value, date) and name == "production_day":
        return span.first <= value <= span.last
    if isinstance(value, date) and name == "production_week":
        return span.first - timedelta(days=6) <= value <= span.last
    if isinstance(value, date):
        return span.from_ts.date() <= value <= (span.to_ts - timedelta(microseconds=1)).date()
    return True
