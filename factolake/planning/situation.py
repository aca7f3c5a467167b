"""The plant at one moment as plans see it: what is to be made, by what and whom, and how far it is. Plain values in the plant's own terms.

Names are those of `factolake/contracts/silver_mes` and of FactoMES's tables, so that rows fill them. Times are aware datetimes (UTC), durations are
in seconds, quantities are in the base unit of their material. A span (from_ts, to_ts) holds the moments from_ts <= t < to_ts. What a plant does not
keep may be left out; each default says what plans then assume.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from factolake.domain.order import OperationState, OrderState

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Order:
    """A production order (ISA-95 OperationsRequest). `due_ts` None: it is never late. `earliest_ts`: nothing of it starts before, None: at once.

    `priority`: higher goes first; a late hour of the order costs 1 + priority, and never less than 1.
    """

    order_id: str
    line: str
    material_id: str
    quantity: float
    due_ts: datetime | None = None
    priority: int = 0
    state: OrderState = OrderState.RELEASED
    earliest_ts: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another machine that may do an operation; its times and the skills that it takes there, None: those of the operation."""

    equipment: str
    planned_run_s: float | None = None
    planned_setup_s: float | None = None
    skills: tuple[str, ...] | None = None


class PegKind(StrEnum):
    """What an operation does about material that no stock and no delivery gives it: only for `HERE` does it wait.

    HERE: an order of its own line makes it. UNDATED: an order makes it of which nobody knows when it ends. CIRCLE: the order that makes it waits
    itself for the operation's order. UNKNOWN: nobody knows where it comes from.
    """

    HERE = "here"
    UNDATED = "undated"
    CIRCLE = "circle"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Peg:
    """So much of a material that an operation takes comes from an order; `order_id` empty: nobody knows from where."""

    material_id: str
    quantity: float
    order_id: str = ""
    kind: PegKind = PegKind.HERE


@dataclass(frozen=True, slots=True)
class OrderOperation:
    """A step of an order at a machine or line (ISA-95 job order).

    `part`, `quantity` (None: all of the order), `good` and `scrap` as in the record; `planned_run_s` is per item. `overlaps`: it may begin while the
    step before it runs, parts move on one by one. `waits_until_ts`: until when it waits for a repair. Planned times and `equipment` are those of the
    current schedule. `alternatives`: other machines that may do it, by its routing. `skills`: each takes one person. `tool_classes`: each takes one
    tool of the class. `needs`: so much of a material for each item. `taken`: so much of a material was booked to it by now. `family`: what a machine
    is set up for, empty: the order's material. `pegs`: what of its needs comes neither from a stock nor with a delivery.
    """

    operation_id: str
    order_id: str
    number: int
    equipment: str
    state: OperationState = OperationState.WAITING
    part: int = 0
    quantity: float | None = None
    planned_run_s: float | None = None
    planned_setup_s: float = 0.0
    overlaps: bool = False
    good: float = 0.0
    scrap: float = 0.0
    planned_start_ts: datetime | None = None
    planned_end_ts: datetime | None = None
    actual_start_ts: datetime | None = None
    actual_end_ts: datetime | None = None
    waits_until_ts: datetime | None = None
    alternatives: tuple[Alternative, ...] = ()
    skills: tuple[str, ...] = ()
    tool_classes: tuple[str, ...] = ()
    needs: Mapping[str, float] = field(default_factory=dict)
    taken: Mapping[str, float] = field(default_factory=dict)
    family: str = ""
    pegs: tuple[Peg, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """A machine (ISA-95 work unit), or a line that does operations as a whole, one at a time.

    `open_spans`: its shifts without breaks, from now to as far as plans may go; None: it has no calendar, and nothing is planned on it.
    `closed_spans`: planned stops and maintenance, taken off. `down_since_ts`: it stands still since then; `repaired_ts`: until when, None or passed:
    nobody knows, and plans take `Situation.repair_s` from now. `family`: what it is set up for, empty: anything. `buffer`: how many orders may wait
    in front of it, None: any number. `batch`: how many operations of one family it does at once.
    """

    equipment: str
    line: str
    open_spans: tuple[Span, ...] | None
    closed_spans: tuple[Span, ...] = ()
    down_since_ts: datetime | None = None
    repaired_ts: datetime | None = None
    family: str = ""
    buffer: int | None = None
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Worker:
    """A person, the skills they hold, and when they are there (shifts without absences; in any order, and they may overlap)."""

    person_id: str
    skills: frozenset[str]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class PlantTool:
    """A tool of a class. `equipment`: where it is now, empty: in the store, whence it takes no time. `spans`: when it can be used, None: always."""

    tool_id: str
    tool_class: str
    equipment: str = ""
    spans: tuple[Span, ...] | None = None


@dataclass(frozen=True, slots=True)
class Stock:
    """So much of a material is there, and so much comes: (when, quantity). A material without a stock is taken to be there in any quantity.

    `is_all`: nothing else comes; work that it is never enough for is then left out of the plan, and is not what makes it impossible.
    `makers`: the orders of other lines whose material is among what comes: (when, order).
    """

    material_id: str
    on_hand: float
    arrivals: tuple[tuple[datetime, float], ...] = ()
    is_all: bool = False
    makers: tuple[tuple[datetime, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """A line, or several, at `now_ts`.

    `operations`: of all open orders, the ended ones among them as well, since what follows waits for them. `setups`: seconds by machine, family
    before and family after; a pair that is not there takes the operation's `planned_setup_s`, and the same family again nothing. `transports`:
    seconds from machine to machine; a pair that is not there takes none. `schedule_id`: the accepted schedule, empty: none. What is planned to start
    within `frozen_s` from now stays. `repair_s`: how long a machine that is down is taken to stay so where nobody estimates.
    `zone`: in which sentences tell times.
    """

    now_ts: datetime
    orders: tuple[Order, ...]
    operations: tuple[OrderOperation, ...]
    machines: tuple[WorkUnit, ...]
    workers: tuple[Worker, ...] = ()
    tools: tuple[PlantTool, ...] = ()
    stocks: tuple[Stock, ...] = ()
    setups: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    transports: Mapping[tuple[str, str], float] = field(default_factory=dict)
    schedule_id: str = ""
    frozen_s: float = 900.0
    repair_s: float = 3600.0
    zone: tzinfo = UTC
