"""Equipment of the plant, after ISA-95: enterprise, site, area, line (work center), machine (work unit)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class SourceOrder(StrEnum):
    """What orders the values of one source."""

    SOURCE_TIME = "source_time"
    SEQUENCE = "sequence"


class Timeline(StrEnum):
    """Whether the present moves a source's timeline on (live) or only its own records do (recorded)."""

    LIVE = "live"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Source:
    """One connection to a system of the plant.

    `max_silence_s`: without any sign of life for longer than this the machines behind it are unknown;
    None (recorded sources only) means that the record itself is the evidence, up to its last entry.
    """

    source_id: str
    kind: str
    url: str
    namespace: str
    order: SourceOrder = SourceOrder.SOURCE_TIME
    timeline: Timeline = Timeline.LIVE
    max_silence_s: float | None = 30.0
    publishing_interval_ms: int = 500
    future_tolerance_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Line:
    """A production line: its ISA-95 path, the machines in flow order and how line OEE is rolled up."""

    line_id: str
    name: str
    enterprise: str
    site: str
    area: str
    bottleneck: str
    machines: tuple[str, ...]

    @property
    def path(self) -> str:
        """The ISA-95 hierarchy scope, e.g. `acme/bremen/assembly/L1`."""
        return "/".join((self.enterprise, self.site, self.area, self.line_id))


@dataclass(frozen=True, slots=True)
class Machine:
    """A work unit of a line.

    `has_state` and `has_order` say whether such signals are declared; `short_stop_s` is the longest stop nobody asks about.
    """

    machine_id: str
    name: str
    line_id: str
    source_id: str
    state_map: str
    has_state: bool
    has_order: bool
    has_heartbeat: bool
    max_silence_s: float | None
    short_stop_s: float = 300.0
    buffer_out: int = 10


@dataclass(frozen=True, slots=True)
class Nameplate:
    """Planned run time per item (ISO 22400 PRI) of a product on a machine, valid in [valid_from, valid_to)."""

    machine: str
    product: str
    planned_run_time_us: int
    valid_from: datetime
    valid_to: datetime | None = None

    def __post_init__(self) -> None:
        if self.planned_run_time_us <= 0:
            raise ValueError(f"planned run time must be > 0, got {self.planned_run_time_us} us for {self.product} on {self.machine}")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError(f"nameplate of {self.product} on {self.machine} ends ({self.valid_to}) before it begins ({self.valid_from})")


def one_at_a_time(plates: Iterable[Nameplate]) -> tuple[Nameplate, ...]:
    """`plates` by their beginning, each of them ended where the next one of the same machine and product begins.

    A plant writes a new planned run time and leaves the old one open; of two that begin together the later in the list counts.
    """
    ended: list[Nameplate] = []
    followers: dict[tuple[str, str], datetime] = {}
    for plate in sorted(reversed(tuple(plates)), key=lambda plate: plate.valid_from, reverse=True):
        follower = followers.get((plate.machine, plate.product))
        if follower is not None and plate.valid_from >= follower:
            continue
        followers[(plate.machine, plate.product)] = plate.valid_from
        is_cut = follower is not None and (plate.valid_to is None or plate.valid_to > follower)
        ended.append(replace(plate, valid_to=follower) if is_cut else plate)
    return tuple(reversed(ended))
