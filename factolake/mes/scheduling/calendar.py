"""When the plan has nothing to run: outside shifts, in breaks and planned stops, by the plant file's calendar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from factolake.config.plant import load_plant
from factolake.domain.calendar import PlannedStop, SegmentKind, ShiftWindow
from factolake.domain.plant import PlantModel
from factolake.errors import ConfigError

_WORDS = {SegmentKind.BREAK: "Break", SegmentKind.PLANNED_STOP: "Planned stop"}


@dataclass(frozen=True, slots=True)
class Pause:
    """No planned busy time, and why; of one machine, or of the whole line where `machine` is empty."""

    from_ts: datetime
    to_ts: datetime
    why: str
    machine: str = ""


def pauses(line_id: str, from_ts: datetime, to_ts: datetime) -> list[Pause]:
    """Every pause of the line and its machines between the two times; none where the plant file does not know the line or its calendar."""
    model = _plant_model()
    if model is None or line_id not in model.lines or model.calendar.calendar_of(model.line_scopes(line_id)) is None:
        return []
    found = list(_of_line(model, line_id, from_ts, to_ts))
    for machine in model.lines[line_id].machines:
        stops = (stop for stop in model.calendar.planned_stops if stop.scope == machine)
        found += [_stop(stop, machine) for stop in stops if stop.from_ts < to_ts and stop.to_ts > from_ts]
    return found


def shifts(line_id: str, from_ts: datetime, to_ts: datetime) -> list[ShiftWindow]:
    """The line's shifts that overlap the time, whole; none where the plant file does not know the line or its calendar."""
    model = _plant_model()
    return model.calendar.shifts(model.line_scopes(line_id), from_ts, to_ts) if model is not None and line_id in model.lines else []


def _of_line(model: PlantModel, line_id: str, from_ts: datetime, to_ts: datetime) -> Iterator[Pause]:
    known_until = from_ts
    for segment in model.calendar.segments(model.line_scopes(line_id), from_ts, to_ts):
        if segment.from_ts > known_until:
            yield Pause(known_until, min(segment.from_ts, to_ts), "No shift")
        if segment.kind in _WORDS and segment.from_ts < to_ts and segment.to_ts > from_ts:
            yield Pause(max(segment.from_ts, from_ts), min(segment.to_ts, to_ts), _WORDS[segment.kind])
        known_until = max(known_until, segment.to_ts)
    if known_until < to_ts:
        yield Pause(known_until, to_ts, "No shift")


def _stop(stop: PlannedStop, machine: str) -> Pause:
    return Pause(stop.from_ts, stop.to_ts, f"Planned stop: {stop.reason}", machine)


def _plant_model() -> PlantModel | None:
    """The plant file as it is now; None without one that can be read, which `factolake doctor` tells."""
    file = Path(settings.FACTOLAKE_PLANT_FILE)
    try:
        return _loaded(file, file.stat().st_mtime_ns)
    except (OSError, ConfigError):
        return None


@lru_cache(maxsize=2)
def _loaded(file: Path, _changed_ns: int) -> PlantModel:
    return load_plant(file)
