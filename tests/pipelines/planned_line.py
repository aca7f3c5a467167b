"""A line in a lake as silver has it: orders over two machines, a schedule of them, stops and what people say; and the planner that plans it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from factolake.config import load_plant
from factolake.config.settings import PlannerSettings
from factolake.contracts import TABLES
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.gold import SCHEDULE
from factolake.contracts.ops import PLANS
from factolake.contracts.table import Type
from factolake.domain.clock import ManualClock
from factolake.domain.job import Placed, Plan
from factolake.lake.tables import Lake
from factolake.planning.building import Built
from pipelines.planning.planner import Planner
from pipelines.planning.watching import Watch

PLANT = Path(__file__).parents[2] / "conf" / "plant.toml"
NOW = datetime(2026, 3, 2, 11, tzinfo=UTC)
"""Monday noon in Bremen, in the middle of the early shift."""
LINE, M1, M2 = "L1", "L1-M1", "L1-M2"
_BLANK = {
    Type.STRING: "x", Type.INT32: 0, Type.INT64: 0, Type.FLOAT64: 0.0, Type.BOOL: False, Type.TIMESTAMP: NOW - timedelta(hours=4),
    Type.DATE: NOW.date(), Type.QUANTITY: Decimal(0),
}  # fmt: skip


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


class PlannedLine:
    """The lake under `root`, and a planner on it with the shipped plant file."""

    def __init__(self, root: Path, **settings: object) -> None:
        self.lake, self.clock, self.root = Lake(root / "lake"), ManualClock(NOW), root
        self.plant = load_plant(PLANT)
        self.settings = PlannerSettings.model_validate({"preset": "quick", "seconds": 5.0, "nightly_at": "", **settings})

    def put(self, name: str, *rows: dict[str, object]) -> None:
        """Rows of `silver.<name>` in place of those with their key; what is not given is null or blank."""
        table = TABLES[f"silver.{name}"]
        self.lake.ensure(table)
        for given in rows:
            strange = set(given) - set(table.column_names)
            assert not strange, strange
            row = {c.name: None if c.nullable else (c.values[0] if c.values else _BLANK[c.type]) for c in table.columns} | given
            data = pa.Table.from_pylist([row], arrow_schema(table))
            wanted = " AND ".join(f"{key} = '{row[key]}'" for key in table.key)
            self.lake.open(table).replace(data, wanted, {})

    def order(self, name: str, due_min: float = 600, **more: object) -> None:
        about = {"order_id": name, "material_id": "GBX-200", "line": LINE, "state": "released", "quantity": Decimal(60), "due_ts": later(due_min)}
        self.put("orders", {**about, **more})

    def operation(self, name: str, number: int, machine: str, start_min: float | None = None, minutes: float = 60, **more: object) -> None:
        """One piece a minute; planned from `start_min` after now on."""
        ends = {} if start_min is None else {"planned_start_ts": later(start_min), "planned_end_ts": later(start_min + minutes)}
        about = {
            "operation_id": f"{name}.{number}",
            "order_id": name,
            "number": number,
            "equipment": machine,
            "state": "ready",
            "planned_run_s": 60.0,
        }
        self.put("operations", {**about, **ends, **more})

    def two_orders(self) -> None:
        """PO-1 runs at the first machine until in half an hour, then the second; PO-2 follows it at both; all of it planned and accepted."""
        for name in ("PO-1", "PO-2"):
            self.order(name)
        running = {"state": "running", "actual_start_ts": later(-30), "good": Decimal(30)}
        self.operation("PO-1", 10, M1, -30, **running)
        self.operation("PO-1", 20, M2, 60, state="waiting")
        self.operation("PO-2", 10, M1, 60)
        self.operation("PO-2", 20, M2, 120, state="waiting")
        self.schedule("L1.1", "accepted")

    def schedule(self, name: str, state: str, **more: object) -> None:
        self.put("schedules", {"schedule_id": name, "line": LINE, "number": int(name[3:]), "state": state, "ended_ts": later(-60), **more})

    def fault(self, machine: str, since_min: float, *, is_open: bool = True) -> None:
        since = later(since_min)
        about = {"machine": machine, "line": LINE, "state": "fault", "from_ts": since, "to_ts": self.clock.now(), "is_open": is_open}
        self.put("downtime", {**about, "duration_us": 60_000_000, "from_day": since.date()})

    def breakdown(self, machine: str, since_min: float) -> None:
        """A fault, and an operator who calls maintenance."""
        self.fault(machine, since_min)
        about = {"request_id": 7, "equipment": machine, "description": "press axis overload", "is_stopped": True, "state": "open"}
        self.put("maintenance_requests", about)

    def planner(self, search: Callable[..., Plan] | None = None) -> Planner:
        """With `search`, or CP-SAT alone."""
        return Planner(self.lake, self.plant, self.settings, self.clock, self.root / "planner.lease", search=search or solver)

    def watch(self) -> Watch:
        return Watch(self.lake, self.plant, self.settings)

    def published(self) -> list[dict[str, object]]:
        """The rows of gold.schedule, by start."""
        if not self.lake.exists(SCHEDULE):
            return []
        return sorted(self.lake.open(SCHEDULE).read().to_pylist(), key=lambda row: (row["as_of"], row["planned_start_ts"], row["operation_id"]))

    def tries(self) -> list[dict[str, object]]:
        """The rows of ops.plans, in their order."""
        return sorted(self.lake.open(PLANS).read().to_pylist(), key=lambda row: row["started_ts"]) if self.lake.exists(PLANS) else []

    def set(self, **settings: object) -> None:
        self.settings = self.settings.model_copy(update=settings)


def solver(made: Built, _: Mapping[str, object], tell: Callable[[Plan], None], start: tuple[Placed, ...]) -> Plan:
    """CP-SAT in this process: a plan within a second, without the portfolio's processes."""
    from models.planning import cpsat

    return cpsat.search(made.problem, seconds=5.0, iterations=None, seed=0, start=start, tell=tell)


def replaced(planner: Planner, **values: object) -> Planner:
    return replace(planner, **values)  # type: ignore[arg-type]
