"""The torture set under `torture/` as values: plant, silver rows, slices and the answers computed by hand."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hand_made import BEGINNING, Row, a_plant, count, plate, state

from factolake.domain.calendar import Break, Calendar, PlannedStop, PlantCalendar, ShiftPattern
from factolake.domain.plant import PlantModel
from factolake.refine.refinement import Slice

FOLDER = Path(__file__).parent / "torture"
EARLY = {"name": "early", "start": datetime(2026, 1, 1, 6).time(), "end": datetime(2026, 1, 1, 14).time()}


@dataclass(frozen=True, slots=True)
class Case:
    """One case; its line bears its name, its machines `<name>.M1` and so on.

    `expect` holds columns of gold rows, `losses` minutes of M1 by loss (those not named are 0) or None.
    """

    name: str
    table: str
    zone: str
    model: PlantModel
    rows: Mapping[str, list[Row]]
    slices: list[Slice]
    expect: list[dict[str, Any]]
    losses: dict[str, int] | None


def cases() -> list[Case]:
    """Every case of every file, in order."""
    return [_case(raw) for file in sorted(FOLDER.glob("*.toml")) for raw in tomllib.loads(file.read_text())["case"]]


def one_plant(chosen: Sequence[Case]) -> PlantModel:
    """The plants of all `chosen` cases (of one time zone) as one, so that one run of a transform makes them all."""
    models = [case.model for case in chosen]
    calendar = PlantCalendar(
        models[0].calendar.zone,
        {scope: value for model in models for scope, value in model.calendar.calendars.items()},
        tuple(stop for model in models for stop in model.calendar.planned_stops),
    )
    return replace(
        models[0],
        lines={name: line for model in models for name, line in model.lines.items()},
        machines={name: machine for model in models for name, machine in model.machines.items()},
        signals=tuple(signal for model in models for signal in model.signals),
        nameplates=tuple(plate for model in models for plate in model.nameplates),
        calendar=calendar,
    )


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _case(raw: dict[str, Any]) -> Case:
    name, table = raw["name"], raw.get("table", "oee_shift")
    states: list[Row] = []
    for s in raw["states"]:
        what = {"order": s.get("order", "O1") or None, "product": s.get("product", "P")}
        states += state(f"{name}.{s.get('machine', 'M1')}", _utc(s["from"]), _utc(s["to"]), s["state"], **what)
    counts = []
    for c in raw.get("counts", []):
        event = c.get("event", "step")
        how = {"product": c.get("product", "P"), "event": event, "timed": event != "across_unknown"}
        counts.append(count(f"{name}.{c.get('machine', 'M1')}", _utc(c["at"]), c["counts"], c["parts"], **how))
    slices: list[Slice] = [(f"{name}.M1", _utc(s["hour"])) if table == "oee_hour" else (name, s["day"], s["shift"]) for s in raw["slices"]]
    rows = {"state_hours": states, "counts": counts}
    return Case(name, table, raw.get("zone", "UTC"), _model(raw), rows, slices, raw["expect"], raw.get("losses"))


def _model(raw: dict[str, Any]) -> PlantModel:
    name = raw["name"]
    patterns = tuple(ShiftPattern(s["name"], s["start"], s["end"]) for s in raw.get("shifts", [EARLY]))
    breaks = tuple(Break(b["start"], b["end"]) for b in raw.get("breaks", []))
    plates = [
        plate(p["product"], p["seconds"], machine=f"{name}.{p.get('machine', 'M1')}", since=_utc(p.get("since", BEGINNING))) for p in raw["plates"]
    ]
    stops = [PlannedStop(name, _utc(s["from"]), _utc(s["to"]), s["reason"], _utc(s["declared"]), s["author"]) for s in raw.get("stops", [])]
    return a_plant(
        line=name,
        machines=[f"{name}.{machine}" for machine in raw.get("machines", ["M1"])],
        counters=raw.get("counters", ["total", "good", "scrap"]),
        plates=plates,
        calendar=Calendar(name, patterns, breaks) if patterns else None,
        stops=stops,
        zone=raw.get("zone", "UTC"),
        bottleneck=f"{name}.{raw.get('bottleneck', 'M1')}",
        has_order=raw.get("has_order", True),
    )


def find(rows: Sequence[Row], case: Case, wanted: Mapping[str, Any]) -> Row:
    """The one gold row of `case` that `wanted` speaks of, by equipment (or machine), shift and day where it names them."""
    named = {key: wanted[key] for key in ("equipment", "machine", "shift", "production_day") if key in wanted}
    for key in ("equipment", "machine"):
        if key in named:
            named[key] = case.name if named[key] == "L1" else f"{case.name}.{named[key]}"
    (row,) = [row for row in rows if all(row[key] == value for key, value in named.items())]
    return row


def matches(row: Row, wanted: Mapping[str, Any]) -> list[str]:
    """What of `wanted` the gold `row` does not hold, in words. `x_min` is the column `x_us` in minutes; a reason means a null value."""
    wrong = []
    for name, value in wanted.items():
        if name in ("equipment", "machine"):
            continue
        column = name.removesuffix("_min") + "_us" if name.endswith("_min") else name
        seen = row[column]
        scaled = value * 60_000_000 if name.endswith("_min") else value
        if isinstance(value, float) and not name.endswith("_min"):
            same = isinstance(seen, float) and abs(seen - value) < 6e-6
        else:
            same = seen == scaled
        if name.endswith("_reason"):
            same = same and row[name.removesuffix("_reason")] is None
        if not same:
            wrong.append(f"{column} is {seen!r}, expected {scaled!r}")
    return wrong
