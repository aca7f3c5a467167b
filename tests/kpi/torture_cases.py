"""The torture set under `torture/` as values: plant, silver rows, slices and the answers computed by hand."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from hand_made import BEGINNING, Row, a_plant, count, plate, shift, state

from factolake.domain.calendar import Break, Calendar, PlannedStop, ShiftPattern
from factolake.domain.plant import PlantModel
from factolake.refine.refinement import Slice

FOLDER = Path(__file__).parent / "torture"
EARLY = {"name": "early", "start": datetime(2026, 1, 1, 6).time(), "end": datetime(2026, 1, 1, 14).time()}


@dataclass(frozen=True, slots=True)
class Case:
    """One case; `expect` holds columns of gold rows, `losses` minutes by loss (those not named are 0) or None."""

    name: str
    table: str
    model: PlantModel
    rows: Mapping[str, list[Row]]
    slices: list[Slice]
    expect: list[dict[str, Any]]
    losses: dict[str, int] | None


def cases() -> list[Case]:
    """Every case of every file, in order."""
    return [_case(raw) for file in sorted(FOLDER.glob("*.toml")) for raw in tomllib.loads(file.read_text())["case"]]


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _case(raw: dict[str, Any]) -> Case:
    states = [
        _state
        for s in raw["states"]
        for _state in state(
            s.get("machine", "M1"), _utc(s["from"]), _utc(s["to"]), s["state"], order=s.get("order", "O1") or None, product=s.get("product", "P")
        )
    ]
    counts = [
        count(
            c.get("machine", "M1"),
            _utc(c["at"]),
            c["counts"],
            c["parts"],
            product=c.get("product", "P"),
            event=c.get("event", "step"),
            timed=c.get("event") != "across_unknown",
        )
        for c in raw.get("counts", [])
    ]
    table = raw.get("table", "oee_shift")
    slices = [("M1", _utc(s["hour"])) if table == "oee_hour" else shift(s["day"], s["shift"]) for s in raw["slices"]]
    return Case(raw["name"], table, _model(raw), {"state_hours": states, "counts": counts}, slices, raw["expect"], raw.get("losses"))


def _model(raw: dict[str, Any]) -> PlantModel:
    patterns = tuple(ShiftPattern(s["name"], s["start"], s["end"]) for s in raw.get("shifts", [EARLY]))
    breaks = tuple(Break(b["start"], b["end"]) for b in raw.get("breaks", []))
    plates = [plate(p["product"], p["seconds"], machine=p.get("machine", "M1"), since=_utc(p.get("since", BEGINNING))) for p in raw["plates"]]
    stops = [PlannedStop("site", _utc(s["from"]), _utc(s["to"]), s["reason"], _utc(s["declared"]), s["author"]) for s in raw.get("stops", [])]
    return a_plant(
        machines=raw.get("machines", ["M1"]),
        counters=raw.get("counters", ["total", "good", "scrap"]),
        plates=plates,
        calendar=Calendar("site", patterns, breaks) if patterns else None,
        stops=stops,
        zone=raw.get("zone", "UTC"),
        bottleneck=raw.get("bottleneck"),
        has_order=raw.get("has_order", True),
    )


def matches(row: Row, wanted: Mapping[str, Any]) -> list[str]:
    """What of `wanted` the gold `row` does not hold, in words. `x_min` is the column `x_us` in minutes; a reason means a null value."""
    wrong = []
    for name, value in wanted.items():
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


def is_same_row(row: Row, wanted: Mapping[str, Any]) -> bool:
    """Whether `wanted` speaks of this row: equipment or machine, and shift and day where it names them."""
    keys = ("equipment", "machine", "shift", "production_day")
    return all(row.get(key) == (value.isoformat() if isinstance(row.get(key), str) and isinstance(value, date) else value)
               for key, value in wanted.items() if key in keys)  # fmt: skip
