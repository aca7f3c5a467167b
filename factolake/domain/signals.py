"""Signals: what a tag of a source means on a machine."""

from dataclasses import dataclass
from enum import StrEnum

from factolake.domain.units import conversion


class SignalKind(StrEnum):
    """What a signal carries."""

    STATE = "state"
    MODE = "mode"
    ALARM = "alarm"
    COUNTER = "counter"
    PROCESS = "process"
    SETPOINT = "setpoint"
    ORDER = "order"
    PRODUCT = "product"
    OPERATOR = "operator"
    ENERGY = "energy"
    HEARTBEAT = "heartbeat"


FEATURED = (SignalKind.PROCESS, SignalKind.SETPOINT)
"""Kinds that have minutes and cycles made of them, and that models see."""
MOVING = (SignalKind.COUNTER, SignalKind.PROCESS, SignalKind.ENERGY)
"""Kinds whose value moves while a machine produces; a state, an order or a setpoint may rightly stay for days."""


class Counts(StrEnum):
    """What one pulse of a counter stands for."""

    TOTAL = "total"
    GOOD = "good"
    SCRAP = "scrap"
    REWORK = "rework"


@dataclass(frozen=True, slots=True)
class Counter:
    """How a counter counts.

    `parts_per_pulse` parts for each step, at least 1; `width_bits` is set only where the value rolls over (1..63).
    """

    counts: Counts
    parts_per_pulse: int = 1
    width_bits: int | None = None

    def __post_init__(self) -> None:
        if self.parts_per_pulse < 1:
            raise ValueError(f"parts_per_pulse must be >= 1, got {self.parts_per_pulse}")
        if self.width_bits is not None and not 1 <= self.width_bits <= 63:
            raise ValueError(f"width_bits must be 1..63, got {self.width_bits}")


@dataclass(frozen=True, slots=True)
class Signal:
    """One tag of one source, and what it means.

    `unit` is the UNECE Rec 20 code silver stores, `source_unit` the one the source sends (the same unless it differs);
    `low` and `high` are plausibility limits in `unit`. `stuck_after_s` is how long the machine may produce without a change of the value
    before somebody should look (None: nobody asks). `node_type` is the OPC UA built-in type, used by the simulated plant.
    """

    source_id: str
    tag: str
    machine: str
    name: str
    kind: SignalKind
    unit: str | None = None
    source_unit: str | None = None
    counter: Counter | None = None
    low: float | None = None
    high: float | None = None
    stuck_after_s: float | None = None
    node_type: str = "Double"
    description: str = ""

    def __post_init__(self) -> None:
        if (self.kind is SignalKind.COUNTER) != (self.counter is not None):
            raise ValueError(f"signal {self.machine}/{self.name}: a counter declaration belongs to kind 'counter' and only there")
        if self.stuck_after_s is not None and self.kind not in MOVING:
            raise ValueError(f"signal {self.machine}/{self.name}: stuck_after_s belongs to kinds {', '.join(MOVING)}, not to {self.kind}")

    @property
    def from_source(self) -> tuple[float, float]:
        """The factor, then the offset, that make a value in `unit` of one that the source sends."""
        factor, offset = conversion(self.source_unit, self.unit) if self.source_unit and self.unit else (1, 0)
        return float(factor), float(offset)
