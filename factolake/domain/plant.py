"""The plant model: everything about the plant that refinements, the simulated line and pages need to know, as one frozen value."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time, tzinfo
from enum import Enum

from factolake.domain.calendar import PlantCalendar
from factolake.domain.equipment import Line, Machine, Nameplate, Source, one_at_a_time
from factolake.domain.signals import Signal
from factolake.domain.vibration import VibrationPoint


@dataclass(frozen=True, slots=True)
class PlantModel:
    """A plant as loaded from `conf/plant.toml`.

    `state_maps` maps map name -> raw word -> state, with `*` for any other word. `min_coverage` (0..1): below it factors are null.
    `nameplates` never overlap: a later one of the same machine and product ends the one before, also where nobody wrote its end.
    """

    enterprise: str
    site: str
    time_zone: str
    min_coverage: float
    convention: str
    lines: Mapping[str, Line]
    machines: Mapping[str, Machine]
    sources: Mapping[str, Source]
    signals: tuple[Signal, ...]
    nameplates: tuple[Nameplate, ...]
    calendar: PlantCalendar
    state_maps: Mapping[str, Mapping[str, str]]
    vibration_points: tuple[VibrationPoint, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "nameplates", one_at_a_time(self.nameplates))

    def scopes(self, machine: str) -> tuple[str, ...]:
        """Calendar scopes of a machine, lowest first: machine, line, area, site."""
        line = self.lines[self.machines[machine].line_id]
        return (machine, line.line_id, line.area, line.site)

    def line_scopes(self, line: str) -> tuple[str, ...]:
        """Calendar scopes of a line, lowest first: line, area, site."""
        return (line, self.lines[line].area, self.lines[line].site)

    def document(self) -> str:
        """The model as canonical JSON: same plant, same text."""
        return json.dumps(_plain(self), sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """SHA-256 of `document()`, hex."""
        return hashlib.sha256(self.document().encode()).hexdigest()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in (f.name for f in fields(value))}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, tzinfo):
        return str(value)
    return value.value if isinstance(value, Enum) else value
