"""Who is at a line, and when. A roster is published some days ahead, plans look further: the one rule for both, pure.

Rows become its values in `pipelines/planning/shifts.py` (silver) and in `factolake/mes/scheduling/means.py` (FactoMES's database).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from factolake.planning.situation import Span, Worker


@dataclass(frozen=True, slots=True)
class PlannedShift:
    """A shift that a person is, or was, planned for at the line. `leaves_ts`: until when they are there, before `to_ts` if it was taken back.

    >>> from datetime import UTC
    >>> six, ten, two = (datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (6, 10, 14))
    >>> PlannedShift("anna", six, two, two).is_taken_back, PlannedShift("anna", six, two, ten).is_taken_back
    (False, True)
    """

    person_id: str
    from_ts: datetime
    to_ts: datetime
    leaves_ts: datetime

    @property
    def is_taken_back(self) -> bool:
        """Whether the person leaves before the end, or does not come at all."""
        return self.leaves_ts < self.to_ts


def workers(
    held: Mapping[str, Collection[str]], shifts: Iterable[PlannedShift], opened: Iterable[Span], now: datetime, end: datetime
) -> tuple[Worker, ...]:
    """The people who hold skills (`held`, by person), with when they are there from `now` to `end`; `opened`: when the line works.

    Up to the end of the last shift that is or was planned at the line only who is planned is there; after it, or where no shifts are planned,
    everybody whenever the line works. A shift counts there though it was taken back: else the absence of the only one would bring all others in.
    """
    planned = list(shifts)
    known_until = max([now, *(shift.to_ts for shift in planned)])
    later = [(max(opens, known_until), min(closes, end)) for opens, closes in opened]
    found = []
    for person, skills in sorted(held.items()):
        own = [(max(shift.from_ts, now), min(shift.leaves_ts, end)) for shift in planned if shift.person_id == person]
        found.append(Worker(person, frozenset(skills), tuple(sorted(span for span in (*own, *later) if span[0] < span[1]))))
    return tuple(found)
