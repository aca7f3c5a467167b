"""How far a shift reaches beyond its plan. Standard library only: the Spark transforms and the explanation share it."""

from datetime import datetime, timedelta

from factolake.domain.plant import PlantModel

OVERTIME = timedelta(days=1)
"""How long after its end a shift still takes what is produced outside every shift."""


def reach_of(model: PlantModel, machine: str, shift_end: datetime) -> datetime:
    """Until when production outside every shift belongs to the shift of `machine` that ends at `shift_end` (UTC)."""
    latest = shift_end + OVERTIME
    later = [window.from_ts for window in model.calendar.shifts(model.scopes(machine), shift_end, latest) if window.from_ts >= shift_end]
    return min([*later, latest])
