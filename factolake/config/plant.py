"""`conf/plant.toml` to a PlantModel: the file's form, and the checks that need more than one key.

Machine types carry the signals once; each machine of the type gets them with `{machine}` in the tag replaced by its id.
"""

import datetime as dt
from collections import Counter as Tally
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import Field, model_validator

from factolake.config.parse import Strict, parse, read_toml
from factolake.config.plant_vibration import VibrationPointForm, vibration_points
from factolake.domain.calendar import Break, Calendar, PlannedStop, PlantCalendar, ShiftPattern, plant_zone
from factolake.domain.equipment import Line, Machine, Nameplate, Source, SourceOrder, Timeline
from factolake.domain.plant import PlantModel
from factolake.domain.signals import MOVING, Counter, Counts, Signal, SignalKind
from factolake.domain.states import MachineState
from factolake.domain.units import UNITS, conversion
from factolake.errors import ConfigError

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STATES_FILE = Path(__file__).parent / "states.toml"
BEGINNING = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)


class SiteForm(Strict):
    """[site]"""

    id: str
    enterprise: str
    time_zone: str
    min_coverage: float = Field(default=0.8, ge=0, le=1)
    convention: Literal["iso22400", "nakajima"] = "iso22400"


class SourceForm(Strict):
    """[[source]]"""

    id: str
    kind: Literal["opcua"]
    url: str
    namespace: str
    order: SourceOrder = SourceOrder.SOURCE_TIME
    timeline: Timeline = Timeline.LIVE
    max_silence_s: float | None = Field(default=30.0, gt=0)
    publishing_interval_ms: int = Field(default=500, ge=50)
    future_tolerance_s: float = Field(default=60.0, ge=0)


class LineForm(Strict):
    """[[line]]"""

    id: str
    name: str
    area: str
    bottleneck: str
    machines: tuple[str, ...] = Field(min_length=1)


class SignalForm(Strict):
    """[machine_type.NAME.signals.SIGNAL]"""

    tag: str
    kind: SignalKind
    unit: str | None = None
    source_unit: str | None = None
    counts: Counts | None = None
    parts_per_pulse: int = Field(default=1, ge=1)
    width_bits: int | None = Field(default=None, ge=1, le=63)
    low: float | None = None
    high: float | None = None
    stuck_after_s: float | None = Field(default=None, gt=0, le=86_400)
    node_type: Literal["Boolean", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float", "Double", "String"] = "Double"
    description: str = ""

    @model_validator(mode="before")
    @classmethod
    def _has_one_source(cls, told: object) -> object:
        if isinstance(told, list) or (isinstance(told, dict) and not told.keys().isdisjoint({"source", "trust"})):
            raise ValueError("one tag, which comes from the source of the machine: a signal has no second source, leave out `source` and `trust`")
        return told


class MachineTypeForm(Strict):
    """[machine_type.NAME]"""

    state_map: str
    signals: dict[str, SignalForm]


class MachineForm(Strict):
    """[[machine]]"""

    id: str
    name: str
    type: str
    source: str
    max_silence_s: float | None = Field(default=None, gt=0)
    short_stop_s: float = Field(default=300.0, ge=0)
    buffer_out: int = Field(default=10, ge=0)


class NameplateForm(Strict):
    """[[nameplate]]"""

    machine: str
    product: str
    planned_run_time_s: float = Field(gt=0)
    valid_from: dt.datetime = BEGINNING
    valid_to: dt.datetime | None = None


class ShiftForm(Strict):
    """A shift of a [[calendar]]."""

    name: str
    start: dt.time
    end: dt.time
    weekdays: tuple[Weekday, ...] = WEEKDAYS


class BreakForm(Strict):
    """A break of a [[calendar]]."""

    start: dt.time
    end: dt.time


class CalendarForm(Strict):
    """[[calendar]]"""

    scope: str
    shifts: tuple[ShiftForm, ...]
    breaks: tuple[BreakForm, ...] = ()
    closed_days: tuple[dt.date, ...] = ()


class PlannedStopForm(Strict):
    """[[planned_stop]]"""

    scope: str
    from_ts: dt.datetime
    to_ts: dt.datetime
    reason: str
    declared_ts: dt.datetime
    author: str


class PlantForm(Strict):
    """The whole file."""

    site: SiteForm
    source: tuple[SourceForm, ...] = Field(min_length=1)
    line: tuple[LineForm, ...] = Field(min_length=1)
    machine_type: dict[str, MachineTypeForm]
    machine: tuple[MachineForm, ...] = Field(min_length=1)
    nameplate: tuple[NameplateForm, ...] = ()
    calendar: tuple[CalendarForm, ...] = ()
    planned_stop: tuple[PlannedStopForm, ...] = ()
    vibration_point: tuple[VibrationPointForm, ...] = ()
    state_map: dict[str, dict[str, MachineState]] = Field(default_factory=dict)


def load_plant(file: Path) -> PlantModel:
    """The plant of `file`. Raises ConfigError with file, key, value and what is allowed."""
    form = parse(PlantForm, read_toml(file), file)
    maps = _state_maps(form)
    _check_references(form, maps, file)
    machines = {m.id: _machine(m, form) for m in form.machine}
    signals = tuple(_signal(m, name, s, file) for m in form.machine for name, s in form.machine_type[m.type].signals.items())
    return PlantModel(
        enterprise=form.site.enterprise,
        site=form.site.id,
        time_zone=form.site.time_zone,
        min_coverage=form.site.min_coverage,
        convention=form.site.convention,
        lines=MappingProxyType({x.id: Line(x.id, x.name, form.site.enterprise, form.site.id, x.area, x.bottleneck, x.machines) for x in form.line}),
        machines=MappingProxyType(machines),
        sources=MappingProxyType({s.id: _source(s) for s in form.source}),
        signals=signals,
        nameplates=tuple(_nameplate(i, n, file) for i, n in enumerate(form.nameplate)),
        calendar=_calendar(form, file),
        state_maps=MappingProxyType(maps),
        vibration_points=vibration_points(form.vibration_point, signals, file),
    )


def _state_maps(form: PlantForm) -> dict[str, dict[str, str]]:
    shipped = read_toml(STATES_FILE)
    return {name: {raw: str(state) for raw, state in words.items()} for name, words in {**shipped, **form.state_map}.items()}


def _check_references(form: PlantForm, maps: dict[str, dict[str, str]], file: Path) -> None:
    machines = [m.id for m in form.machine]
    _unique(file, "machine.id", machines)
    _unique(file, "source.id", [s.id for s in form.source])
    _unique(file, "line.id", [x.id for x in form.line])
    _unique(file, "line.machines", [m for x in form.line for m in x.machines])
    for i, machine in enumerate(form.machine):
        _one_of(file, f"machine.{i}.type", machine.type, form.machine_type)
        _one_of(file, f"machine.{i}.source", machine.source, [s.id for s in form.source])
        _one_of(file, f"machine.{i}.id", machine.id, [m for x in form.line for m in x.machines])
    for i, line in enumerate(form.line):
        for machine_id in line.machines:
            _one_of(file, f"line.{i}.machines", machine_id, machines)
        _one_of(file, f"line.{i}.bottleneck", line.bottleneck, line.machines)
    for name, kind in form.machine_type.items():
        _one_of(file, f"machine_type.{name}.state_map", kind.state_map, maps)
    for i, plate in enumerate(form.nameplate):
        _one_of(file, f"nameplate.{i}.machine", plate.machine, machines)
    for i, point in enumerate(form.vibration_point):
        _one_of(file, f"vibration_point.{i}.machine", point.machine, machines)
    scopes = {*machines, form.site.id, *(x.id for x in form.line), *(x.area for x in form.line)}
    used = [(f"calendar.{i}.scope", row.scope) for i, row in enumerate(form.calendar)]
    used += [(f"planned_stop.{i}.scope", row.scope) for i, row in enumerate(form.planned_stop)]
    for key, scope in used:
        _one_of(file, key, scope, sorted(scopes))
    _unique(file, "calendar.scope", [c.scope for c in form.calendar])


def _one_of(file: Path, key: str, value: str, allowed: object) -> None:
    names = list(allowed)  # type: ignore[call-overload]
    if value not in names:
        raise ConfigError(str(file), key, value, ", ".join(names) or "none is declared")


def _unique(file: Path, key: str, values: list[str]) -> None:
    twice = [value for value, count in Tally(values).items() if count > 1]
    if twice:
        raise ConfigError(str(file), key, twice[0], "each id once")


def _source(form: SourceForm) -> Source:
    silence = None if form.timeline is Timeline.RECORDED else form.max_silence_s
    return Source(
        form.id, form.kind, form.url, form.namespace, form.order, form.timeline, silence, form.publishing_interval_ms, form.future_tolerance_s
    )


def _machine(form: MachineForm, plant: PlantForm) -> Machine:
    line = next(x.id for x in plant.line if form.id in x.machines)
    kinds = {s.kind for s in plant.machine_type[form.type].signals.values()}
    source = next(s for s in plant.source if s.id == form.source)
    silence = form.max_silence_s or _source(source).max_silence_s
    has = (SignalKind.STATE in kinds, SignalKind.ORDER in kinds, SignalKind.HEARTBEAT in kinds)
    return Machine(form.id, form.name, line, form.source, plant.machine_type[form.type].state_map, *has, silence, form.short_stop_s, form.buffer_out)


def _signal(machine: MachineForm, name: str, form: SignalForm, file: Path) -> Signal:
    key = f"machine_type.{machine.type}.signals.{name}"
    for label, code in (("unit", form.unit), ("source_unit", form.source_unit)):
        if code is not None:
            _one_of(file, f"{key}.{label}", code, sorted(UNITS))
    if form.unit and form.source_unit:
        try:
            conversion(form.source_unit, form.unit)
        except ValueError as error:
            raise ConfigError(str(file), f"{key}.source_unit", form.source_unit, f"a unit of the same dimension as {form.unit} ({error})") from error
    if form.kind is SignalKind.COUNTER and form.counts is None:
        raise ConfigError(str(file), f"{key}.counts", None, ", ".join(Counts))
    if form.kind is not SignalKind.COUNTER and form.counts is not None:
        raise ConfigError(str(file), f"{key}.counts", form.counts.value, "only on signals of kind counter")
    if form.kind not in MOVING and form.stuck_after_s is not None:
        raise ConfigError(str(file), f"{key}.stuck_after_s", form.stuck_after_s, f"only on signals of kind {', '.join(MOVING)}")
    counter = Counter(form.counts, form.parts_per_pulse, form.width_bits) if form.counts else None
    tag = form.tag.replace("{machine}", machine.id)
    unit = form.unit
    return Signal(
        machine.source,
        tag,
        machine.id,
        name,
        form.kind,
        unit,
        form.source_unit or unit,
        counter,
        form.low,
        form.high,
        form.stuck_after_s,
        form.node_type,
        form.description,
    )


def _aware(file: Path, key: str, value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        raise ConfigError(str(file), key, value.isoformat(), "a time with its offset, e.g. 2026-11-22T06:00:00+01:00")
    return value.astimezone(dt.UTC)


def _nameplate(i: int, form: NameplateForm, file: Path) -> Nameplate:
    ends = _aware(file, f"nameplate.{i}.valid_to", form.valid_to) if form.valid_to else None
    try:
        return Nameplate(
            form.machine, form.product, round(form.planned_run_time_s * 1_000_000), _aware(file, f"nameplate.{i}.valid_from", form.valid_from), ends
        )
    except ValueError as error:
        raise ConfigError(str(file), f"nameplate.{i}", f"{form.product} on {form.machine}", str(error)) from error


def _calendar(form: PlantForm, file: Path) -> PlantCalendar:
    try:
        zone = plant_zone(form.site.time_zone)
    except ValueError as error:
        raise ConfigError(str(file), "site.time_zone", form.site.time_zone, "an IANA name such as Europe/Berlin, or UTC+hh:mm") from error
    calendars = {
        c.scope: Calendar(
            c.scope,
            tuple(ShiftPattern(s.name, s.start, s.end, frozenset(WEEKDAYS.index(d) for d in s.weekdays)) for s in c.shifts),
            tuple(Break(b.start, b.end) for b in c.breaks),
            frozenset(c.closed_days),
        )
        for c in form.calendar
    }
    stops = []
    for i, stop in enumerate(form.planned_stop):
        stamps = [_aware(file, f"planned_stop.{i}.{key}", getattr(stop, key)) for key in ("from_ts", "to_ts", "declared_ts")]
        if stamps[1] <= stamps[0]:
            raise ConfigError(str(file), f"planned_stop.{i}.to_ts", stop.to_ts.isoformat(), f"a time after from_ts ({stop.from_ts.isoformat()})")
        stops.append(PlannedStop(stop.scope, stamps[0], stamps[1], stop.reason, stamps[2], stop.author))
    return PlantCalendar(zone, MappingProxyType(calendars), tuple(stops))
