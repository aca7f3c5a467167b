"""Shifts that people are planned for, from silver: where FactoMES ended one early, or took its row away, it was taken back."""

from collections.abc import Iterator
from datetime import datetime

from factolake.domain.plant import PlantModel
from factolake.planning.roster import PlannedShift
from pipelines.planning.record import Record, Row


def shifts_at(record: Record, plant: PlantModel, line: str, now: datetime) -> list[PlannedShift]:
    """Those at the line, at one of its machines or at what it lies in that are not over, as they were planned."""
    here = {line, plant.lines[line].area, plant.lines[line].site, *plant.lines[line].machines}
    rows = record.rows("shift_assignments", with_removed=True)
    return [_shift(row) for row in rows if row["equipment"] in here and _planned_end(row) > now]


def taken_back(record: Record) -> Iterator[tuple[str, PlannedShift]]:
    """Those that were taken back, anywhere, each with what it is known again by."""
    for row in record.rows("shift_assignments", with_removed=True):
        shift = _shift(row)
        if shift.is_taken_back:
            yield f"{shift.person_id} {row['assignment_id']}", shift


def _shift(row: Row) -> PlannedShift:
    ends = row["to_ts"] if row["removed_ts"] is None else max(row["from_ts"], min(row["to_ts"], row["removed_ts"]))
    return PlannedShift(row["person_id"], row["from_ts"], _planned_end(row), ends)


def _planned_end(row: Row) -> datetime:
    end: datetime = row["to_ts"] if row["planned_to_ts"] is None else row["planned_to_ts"]
    return end
