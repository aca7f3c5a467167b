"""Production weeks: seven production days from Monday on, as moments of one machine. Standard library only."""

from datetime import UTC, date, datetime, time, timedelta

from factolake.domain.plant import PlantModel

WEEK = timedelta(days=7)


def week_begin(model: PlantModel, machine: str, monday: date) -> datetime:
    """When the week of `monday` begins (UTC): at midnight of plant time, or at the end of the shift of the day before that goes on over it."""
    midnight = datetime.combine(monday, time(), model.calendar.zone).astimezone(UTC)
    over_it = model.calendar.shifts(model.scopes(machine), midnight, midnight + timedelta(microseconds=1))
    return max([midnight, *(shift.to_ts for shift in over_it if shift.production_day < monday)])


def week_of(model: PlantModel, machine: str, moment: datetime) -> date:
    """Monday of the week that `moment` lies in."""
    day = moment.astimezone(model.calendar.zone).date()
    monday = day - timedelta(days=day.weekday())
    return monday if moment >= week_begin(model, machine, monday) else monday - WEEK
