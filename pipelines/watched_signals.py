"""What the lake knows of the signals that the plant file watches with `stuck_after_s`: their last change and the production since then."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from factolake.contracts import silver
from factolake.domain.equipment import Timeline
from factolake.domain.plant import PlantModel
from factolake.lake.tables import Lake
from pipelines.doctor import SignalFacts

LOOK_BACK = timedelta(days=7)
"""How far back production is summed up; the longest limit a plant file may set is a day."""

Stretch = tuple[datetime, datetime]


def watched_signals(lake: Lake, model: PlantModel, now: datetime) -> tuple[SignalFacts, ...]:
    """One entry per watched signal of a live source that has a value. Nothing is read where nothing is watched.

    Raises TableDamaged when silver cannot be read.
    """
    watched = [s for s in model.signals if s.stuck_after_s is not None and model.sources[s.source_id].timeline is Timeline.LIVE]
    if not watched or not (lake.exists(silver.CARRY) and lake.exists(silver.STATE_HOURS)):
        return ()
    changed = _last_changes(lake, now)
    known = [(s, changed[(s.machine, s.name)]) for s in watched if (s.machine, s.name) in changed]
    made = _production(lake, max(min((since for _, since in known), default=now), now - LOOK_BACK))
    return tuple(
        SignalFacts(s.machine, s.name, since, produced_s(made.get(s.machine, ()), since), s.stuck_after_s)
        for s, since in known
        if s.stuck_after_s is not None
    )


def produced_s(producing: Iterable[Stretch], since: datetime) -> float:
    """Seconds of the `producing` stretches after `since`; a machine that stands still does not move its values.

    >>> six = datetime(2026, 3, 10, 6)
    >>> produced_s([(six, six + timedelta(seconds=60)), (six + timedelta(seconds=90), six + timedelta(seconds=100))], six + timedelta(seconds=20))
    50.0
    """
    return sum(((end - max(begin, since)).total_seconds() for begin, end in producing if end > since), 0.0)


def _last_changes(lake: Lake, now: datetime) -> dict[tuple[str, str], datetime]:
    """When each signal's value last changed, from the newest hour of the carry, which a living machine has every hour."""
    newest = f"day >= DATE '{now - timedelta(days=1):%Y-%m-%d}'"
    rows = lake.open(silver.CARRY).read(("machine", "signal", "hour_ts", "since_ts"), newest).sort_by("hour_ts").to_pylist()
    return {(row["machine"], row["signal"]): row["since_ts"] for row in rows}


def _production(lake: Lake, since: datetime) -> dict[str, list[Stretch]]:
    made: dict[str, list[Stretch]] = {}
    condition = f"day >= DATE '{since:%Y-%m-%d}' AND state = 'producing'"
    for row in lake.open(silver.STATE_HOURS).read(("machine", "from_ts", "to_ts"), condition).to_pylist():
        made.setdefault(row["machine"], []).append((row["from_ts"], row["to_ts"]))
    return made
