"""Where plans go: the rows of a plan to gold.schedule in one commit, and a row of ops.plans for every try, whatever came of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import pyarrow as pa

from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.formats.sql import literal
from factolake.contracts.gold import SCHEDULE
from factolake.contracts.ops import PLANS
from factolake.contracts.table import Table
from factolake.domain.job import Plan, PlanStatus, Problem
from factolake.lake.durable import make_durable
from factolake.lake.tables import Lake
from factolake.planning.building import Built, Entry

OWN_TABLES: tuple[Table, ...] = (SCHEDULE, PLANS)
"""What the planner writes, and tends."""
MOST_WHY = 240
"""FactoMES takes as many characters of why an operation moves."""
FAILED = "failed"
"""Status of a try that ended without an answer."""


@dataclass(frozen=True, slots=True)
class Try:
    """One try to plan a line, as ops.plans keeps it. `told`: what came of it, in words; `made`: what its plan is a plan of."""

    plan_id: str
    line: str
    started_ts: datetime
    trigger: str
    about: str
    why: str
    told: str
    status: str = FAILED
    seconds: float = 0.0
    plan: Plan | None = None
    operations: int = 0
    entries: tuple[Entry, ...] = ()
    problem_hash: str | None = None
    settings: dict[str, object] = field(default_factory=dict)
    based_on: str = ""
    made: Built | None = field(default=None, repr=False)
    ways: str | None = None
    hindsight: str | None = None

    @property
    def is_published(self) -> bool:
        """Whether its rows stand in gold.schedule."""
        return bool(self.entries)


def publish(lake: Lake, tried: Try, now: datetime) -> int:
    """Put the rows of the plan into gold.schedule, all or none; returns the version. Raises what a commit raises."""
    rows: list[dict[str, object]] = [
        {
            "line": entry.line,
            "plan_id": tried.plan_id,
            "operation_id": entry.operation_id,
            "machine": entry.machine,
            "planned_start_ts": entry.planned_start_ts,
            "planned_end_ts": entry.planned_end_ts,
            "why": shortened(entry.why, MOST_WHY) or None,
            "plan_why": tried.told,
            "plan_operations": len(tried.entries),
            "based_on": tried.based_on or None,
            "as_of": now,
        }
        for entry in tried.entries
    ]
    return _append(lake, SCHEDULE, rows)


def keep(lake: Lake, tried: Try, now: datetime) -> int:
    """Keep the try in ops.plans; returns the version. Raises what a commit raises."""
    return _append(lake, PLANS, [_kept(tried, now)])


def keep_asides(lake: Lake, tried: Try, now: datetime) -> int:
    """Keep a try that is in ops.plans with what was found beside its plan since; returns the version. Raises what a commit raises."""
    handle = lake.open(PLANS)
    this = f"plan_id = {literal(tried.plan_id)} AND about = {literal(tried.about)}"
    version = handle.replace(pa.Table.from_pylist([_kept(tried, now)], arrow_schema(PLANS)), this, {})
    make_durable(handle.path, version)
    return version


def _kept(tried: Try, now: datetime) -> dict[str, object]:
    plan = tried.plan or Plan(PlanStatus.UNKNOWN)
    gap = plan.gap
    return {
        "plan_id": tried.plan_id,
        "line": tried.line,
        "started_ts": tried.started_ts,
        "duration_us": round(tried.seconds * 1e6),
        "cause": tried.trigger,
        "about": tried.about,
        "why": tried.why,
        "status": tried.status,
        "is_published": tried.is_published,
        "told": tried.told,
        "ways": tried.ways,
        "hindsight": tried.hindsight,
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": None if gap is None else min(max(gap, 0.0), 1.0),
        "operations": tried.operations,
        "moved": len(tried.entries),
        "problem_hash": tried.problem_hash,
        "settings": json.dumps(tried.settings, sort_keys=True, default=str),
        "based_on": tried.based_on or None,
        "as_of": now,
    }


def hash_of(problem: Problem) -> str:
    """SHA-256 (hex) over everything the problem says; equal problems have equal ones."""
    return sha256(repr(_plain(problem)).encode()).hexdigest()


def shortened(text: str, most: int) -> str:
    """`text`, with an ellipsis where it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _plain(value: object) -> object:
    """Sets in an order; the repr of all else is the same each time."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if hasattr(value, "__dataclass_fields__"):
        return tuple((name, _plain(getattr(value, name))) for name in value.__dataclass_fields__)
    return value


def _append(lake: Lake, table: Table, rows: Sequence[dict[str, object]]) -> int:
    lake.ensure(table)
    handle = lake.open(table)
    version = handle.append(pa.Table.from_pylist(list(rows), arrow_schema(table)), {})
    make_durable(handle.path, version)
    return version
