"""What happens in the simulated line: a TOML script whose times are offsets from the start of the shift (`"03:12"` = after 3 h 12 min).

The seed is no part of it: the same script with another seed gives other jitter, micro-stops and scrap, and the same breakdowns.
"""

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from factolake.config.parse import Strict, parse, read_toml
from factolake.domain.plant import PlantModel
from factolake.errors import ConfigError
from factolake.plant.behaviour import BEHAVIOURS, SETPOINT_SIGNALS

US_PER_S = 1_000_000


def _offset_us(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = value.split(":")
    if len(parts) not in (2, 3) or not all(part.isdigit() for part in parts) or any(int(part) > 59 for part in parts[1:]):
        raise ValueError("an offset into the shift, hh:mm or hh:mm:ss")
    seconds = int(parts[0]) * 3600 + int(parts[1]) * 60 + (int(parts[2]) if len(parts) == 3 else 0)
    return seconds * US_PER_S


OffsetUs = Annotated[int, BeforeValidator(_offset_us), Field(ge=0)]
"""Microseconds after the start of the shift, written `hh:mm` or `hh:mm:ss`."""


class OrderScript(Strict):
    """[[order]]: what the line makes from `at` on; a change of order costs every station `changeover_minutes` of setup."""

    id: str
    product: str
    quantity: int = Field(ge=1)
    at: OffsetUs = 0
    changeover_minutes: float = Field(default=0.0, ge=0)
    counted_by: Literal["machine", "operator", "both"] = "machine"
    customer: str = ""
    sales_order: str = ""


class ComponentScript(Strict):
    """[[component]]: what goes into a product at a machine, `quantity` a piece; it comes in lots of `lot_size` from `supplier`.

    Without `product` it goes into every one.
    """

    id: str
    description: str = ""
    product: str = ""
    machine: str
    quantity: int = Field(default=1, ge=1)
    lot_size: int = Field(ge=1)
    supplier: str = ""


class StationScript(Strict):
    """[station] (all) and [stations.ID] (one): how a station runs when nothing special happens.

    `cycle_factor` above 1 is slower than nameplate; `cycle_jitter` is the standard deviation as a share of the cycle;
    micro-stops come `micro_stops_per_hour` of production and last between the two `micro_stop_s`. `scrap_reason` is what people say of scrap.
    """

    cycle_factor: float | None = Field(default=None, gt=0)
    cycle_jitter: float | None = Field(default=None, ge=0, le=0.3)
    micro_stops_per_hour: float | None = Field(default=None, ge=0)
    micro_stop_s: tuple[float, float] | None = None
    scrap_rate: float | None = Field(default=None, ge=0, le=1)
    counter_start: int | None = Field(default=None, ge=0, description="what the total counter shows at the start of the shift")
    scrap_reason: str | None = None


class Happening(Strict):
    """Something that befalls one machine, or every machine when `machine` is left out, for `minutes` from `at` on."""

    machine: str | None = None
    at: OffsetUs
    minutes: float = Field(gt=0)

    @property
    def until_us(self) -> int:
        """End of it, microseconds after the start of the shift."""
        return self.at + round(self.minutes * 60 * US_PER_S)


class BreakdownScript(Happening):
    """[[breakdown]]: the machine is in fault and shows `alarm`; `reason` is what people say of it later, left out: nobody says anything."""

    alarm: str = "E-101 drive overload"
    reason: str | None = None


class SlowScript(Happening):
    """[[slow]]: cycles take `factor` times as long."""

    factor: float = Field(gt=0)


class CounterResetScript(Strict):
    """[[counter_reset]]: the machine's counters start again from 0."""

    machine: str
    at: OffsetUs


class CounterJumpScript(Strict):
    """[[counter_jump]]: the machine's total counter leaps by `by` without a part being made."""

    machine: str
    at: OffsetUs
    by: int = Field(ge=1)


Kind = Literal["bearing_wear", "clogging", "leak", "tool_wear", "sensor_drift", "setpoint_error"]
HARMLESS = frozenset({"sensor_drift", "setpoint_error"})
"""Kinds that need not end in a breakdown."""


class DegradationScript(Strict):
    """[[degradation]]: `machine` gets worse from `onset` on and breaks down at `failure`; the repair after `repair_minutes` makes it new.

    With `until` instead of `failure` somebody puts it right in time. `signal` is the one that drifts or whose setpoint is wrong. `strength`
    1 is what the kind usually reaches.
    """

    machine: str
    kind: Kind
    onset: OffsetUs
    failure: OffsetUs | None = None
    until: OffsetUs | None = None
    repair_minutes: float = Field(default=30.0, gt=0)
    strength: float = Field(default=1.0, gt=0, le=5)
    signal: str | None = None
    alarm: str = ""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.failure is not None and self.until is not None:
            raise ValueError("either failure or until, not both: a repair follows a failure by itself")
        if self.failure is None and self.until is None and self.kind not in HARMLESS:
            raise ValueError(f"a failure, or an until; only {' and '.join(sorted(HARMLESS))} may go on for ever")
        last = self.failure if self.failure is not None else self.until
        if last is not None and last <= self.onset:
            raise ValueError("a failure or until after the onset")
        self._check_signal()
        return self

    def _check_signal(self) -> None:
        if self.signal is not None and self.kind not in HARMLESS:
            raise ValueError(f"no signal: what {self.kind} shows in is fixed")
        allowed = SETPOINT_SIGNALS if self.kind == "setpoint_error" else tuple(BEHAVIOURS)
        if self.signal is not None and self.signal not in allowed:
            raise ValueError(f"a signal of {', '.join(allowed)}")


class SeededDegradations(Strict):
    """[degradations]: one degradation every shift of `shift_hours` or every week, drawn from `kinds` and `machines` (left out: all) by the seed."""

    seeded: Literal["shift", "week"] | None = None
    kinds: tuple[Kind, ...] = Field(default=get_args(Kind), min_length=1)
    machines: tuple[str, ...] = ()
    strength: float = Field(default=1.0, gt=0, le=4)


class LegacyRecordScript(Strict):
    """[[legacy_record]]: the old MES gets to know at `known_at` what happened at `happened_at`."""

    machine: str
    event_kind: str = "fault"
    happened_at: OffsetUs
    known_at: OffsetUs


class Scenario(Strict):
    """A whole script.

    `endless` starts the last order again, under a numbered id, when its quantity is reached; otherwise the line then has no order. With `in_turn`
    all orders begin again instead of the last one.
    """

    name: str
    description: str = ""
    shift_hours: float = Field(default=8.0, gt=0)
    operator: str = "op-17"
    endless: bool = True
    in_turn: bool = False
    order: tuple[OrderScript, ...] = Field(min_length=1)
    component: tuple[ComponentScript, ...] = ()
    station: StationScript = StationScript()
    stations: dict[str, StationScript] = Field(default_factory=dict)
    breakdown: tuple[BreakdownScript, ...] = ()
    slow: tuple[SlowScript, ...] = ()
    wait: tuple[Happening, ...] = ()
    planned_stop: tuple[Happening, ...] = ()
    dead_collector: tuple[Happening, ...] = ()
    dead_plc: tuple[Happening, ...] = ()
    counter_reset: tuple[CounterResetScript, ...] = ()
    counter_jump: tuple[CounterJumpScript, ...] = ()
    legacy_record: tuple[LegacyRecordScript, ...] = ()
    degradation: tuple[DegradationScript, ...] = ()
    degradations: SeededDegradations = SeededDegradations()

    def habits(self, machine: str) -> StationScript:
        """The script of `machine`, with what it leaves open taken from [station], then from the defaults."""
        merged = {**_DEFAULTS, **self.station.model_dump(exclude_none=True)}
        own = self.stations.get(machine)
        return StationScript(**{**merged, **(own.model_dump(exclude_none=True) if own else {})})


_DEFAULTS: dict[str, object] = {
    "cycle_factor": 1.0,
    "cycle_jitter": 0.0,
    "micro_stops_per_hour": 0.0,
    "micro_stop_s": (15.0, 90.0),
    "scrap_rate": 0.0,
    "counter_start": 0,
}


def repeat_id(order: OrderScript, number: int) -> str:
    """Id of the `number`-th time `order` is made; the first is the order itself."""
    return order.id if number == 1 else f"{order.id}-{number}"


def load_scenario(file: Path, model: PlantModel | None = None) -> Scenario:
    """The scenario in `file`. Raises ConfigError with file, key, value and what is allowed, also for a machine `model` does not have."""
    scenario = parse(Scenario, read_toml(file), file)
    if model is not None:
        _check_machines(scenario, model, file)
    starts = [order.at for order in scenario.order]
    if starts != sorted(starts):
        raise ConfigError(str(file), "order.at", starts, "orders in the sequence they start")
    _check_degradations(scenario, file)
    return scenario


def _check_degradations(scenario: Scenario, file: Path) -> None:
    """The truth tells degradations apart by machine and kind: two of the same at the same time would be one."""
    ends: dict[tuple[str, str], float] = {}
    for place, script in sorted(enumerate(scenario.degradation), key=lambda pair: pair[1].onset):
        key = (script.machine, script.kind)
        if script.onset < ends.get(key, 0):
            raise ConfigError(str(file), f"degradation.{place}.onset", script.onset, f"an onset after the end of the {script.kind} before it")
        repaired = None if script.failure is None else script.failure + script.repair_minutes * 60 * US_PER_S
        ends[key] = repaired or script.until or float("inf")


def _check_machines(scenario: Scenario, model: PlantModel, file: Path) -> None:
    stops = ("breakdown", "slow", "wait", "planned_stop", "dead_collector", "dead_plc")
    kinds = (*stops, "counter_reset", "counter_jump", "legacy_record", "component", "degradation")
    named = [(f"{kind}.{i}.machine", row.machine) for kind in kinds for i, row in enumerate(getattr(scenario, kind))]
    named += [(f"stations.{machine}", machine) for machine in scenario.stations]
    named += [(f"degradations.machines.{i}", machine) for i, machine in enumerate(scenario.degradations.machines)]
    for key, machine in named:
        if machine is not None and machine not in model.machines:
            raise ConfigError(str(file), key, machine, ", ".join(model.machines))
