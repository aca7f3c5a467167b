"""What the lake knows of a line at one moment, as a situation to plan from.

FactoMES's record and the machines' stops from silver, shifts from the plant file.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from factolake.config.settings import PlannerSettings
from factolake.contracts.formats.sql import listed, literal
from factolake.domain.calendar import SegmentKind
from factolake.domain.order import IN_PLANS, OperationState
from factolake.domain.plant import PlantModel
from factolake.planning.roster import workers
from factolake.planning.situation import Alternative, OrderOperation, PlantTool, Situation, Span, Worker, WorkUnit
from factolake.planning.ways import alternatives
from pipelines.planning.materials import materials_of, operations_of, order_of
from pipelines.planning.record import Record, Row, valid
from pipelines.planning.shifts import shifts_at
from pipelines.planning.stops import Stopped, stopped


def situation_of(record: Record, plant: PlantModel, line: str, now: datetime, settings: PlannerSettings) -> Situation:
    """The line `line` as the lake has it at `now`. Raises TableDamaged."""
    orders = record.rows("orders", f"line = {literal(line)} AND state IN ({listed(IN_PLANS)})")
    materials = {row["order_id"]: row["material_id"] for row in orders}
    operations = operations_of(record, materials)
    end = now + timedelta(days=settings.horizon_days)
    downs = stopped(record, plant, line, now, settings)
    limits = materials_of(record, line, now, set(materials.values()))
    return Situation(
        now_ts=now,
        orders=tuple(map(order_of, orders)),
        operations=tuple(limits.on(one, materials[one.order_id]) for one in _operations_of(record, plant, line, now, operations, materials)),
        machines=tuple(_machines(plant, line, now, end, downs)),
        workers=_workers(record, plant, line, now, end),
        tools=tuple(map(_tool, record.rows("tools", "is_active"))),
        stocks=limits.stocks,
        schedule_id=current_schedule(record, line),
        frozen_s=settings.frozen_min * 60,
        repair_s=settings.repair_min * 60,
        zone=plant.calendar.zone,
    )


def current_schedule(record: Record, line: str) -> str:
    """The accepted schedule of the line; empty: there is none."""
    found = record.rows("schedules", f"line = {literal(line)} AND state = 'accepted'")
    return str(max(found, key=lambda row: row["number"])["schedule_id"]) if found else ""


def has_open_proposal(record: Record, line: str) -> bool:
    """Whether a proposal waits for a decision."""
    return bool(record.rows("schedules", f"line = {literal(line)} AND state = 'proposed'"))


def _operations_of(
    record: Record, plant: PlantModel, line: str, now: datetime, rows: list[Row], materials: Mapping[str, str]
) -> Iterable[OrderOperation]:
    skills, tools = valid(record.rows("skill_requirements"), now), valid(record.rows("tool_requirements"), now)
    above = {line, plant.lines[line].area, plant.lines[line].site, ""}
    ways = _ways(record, now, set(materials.values()))

    def skills_at(equipment: str, material: str, number: int) -> tuple[str, ...]:
        where = {equipment, *above}
        return tuple(sorted({r["skill_id"] for r in skills if _asks(r, material, number) and (r["equipment"] or "") in where}))

    for row in rows:
        material, number = materials[row["order_id"]], row["number"]
        step, others = ways.get((material, number), (Alternative(""), []))
        elsewhere = alternatives(row["equipment"], step, others)
        yield OrderOperation(
            operation_id=row["operation_id"],
            order_id=row["order_id"],
            number=number,
            equipment=row["equipment"],
            state=OperationState(row["state"]),
            part=row["part"] or 0,
            quantity=None if row["quantity"] is None else float(row["quantity"]),
            planned_run_s=row["planned_run_s"],
            planned_setup_s=row["planned_setup_s"],
            overlaps=row["may_overlap"],
            good=float(row["good"]),
            scrap=float(row["scrap"]),
            planned_start_ts=row["planned_start_ts"],
            planned_end_ts=row["planned_end_ts"],
            actual_start_ts=row["actual_start_ts"],
            actual_end_ts=row["actual_end_ts"],
            waits_until_ts=row["waits_until_ts"],
            alternatives=tuple(replace(one, skills=skills_at(one.equipment, material, number)) for one in elsewhere),
            skills=skills_at(row["equipment"], material, number),
            tool_classes=tuple(sorted({r["tool_class"] for r in tools if r["material_id"] == material and r["step_number"] == number})),
        )


def _ways(record: Record, now: datetime, materials: set[str]) -> dict[tuple[str, int], tuple[Alternative, list[Alternative]]]:
    """By material and number, where a routing step is done and where else it may be, as its routing is now."""
    wanted = f"material_id IN ({listed(sorted(materials))})" if materials else ""
    others: dict[tuple[str, int], list[Alternative]] = defaultdict(list)
    for row in valid(record.rows("routing_alternatives", wanted), now) if wanted else ():
        others[row["material_id"], row["step_number"]].append(_way(row))
    steps = valid(record.rows("routing_steps", wanted), now) if others else ()
    return {key: (_way(row), others[key]) for row in steps if (key := (row["material_id"], row["number"])) in others}


def _way(row: Row) -> Alternative:
    return Alternative(row["equipment"], row["planned_run_s"], row["planned_setup_s"])


def _asks(requirement: Row, material: str, number: int) -> bool:
    return requirement["material_id"] in (None, material) and requirement["step_number"] in (None, number)


def _machines(plant: PlantModel, line: str, now: datetime, end: datetime, downs: Mapping[str, Stopped]) -> Iterable[WorkUnit]:
    """The machines of the line, and the line itself for work that is planned on it as a whole."""
    for machine in plant.lines[line].machines:
        down = downs.get(machine)
        since, until = (down.since_ts, down.repaired_ts) if down is not None else (None, None)
        yield WorkUnit(machine, line, _open_spans(plant, plant.scopes(machine), now, end), down_since_ts=since, repaired_ts=until)
    yield WorkUnit(line, line, _open_spans(plant, plant.line_scopes(line), now, end))


def _open_spans(plant: PlantModel, scopes: tuple[str, ...], now: datetime, end: datetime) -> tuple[Span, ...] | None:
    if plant.calendar.calendar_of(scopes) is None:
        return None
    segments = plant.calendar.segments(scopes, now, end)
    spans = ((max(s.from_ts, now), min(s.to_ts, end)) for s in segments if s.kind is SegmentKind.BUSY)
    return tuple(span for span in spans if span[0] < span[1])


def _workers(record: Record, plant: PlantModel, line: str, now: datetime, end: datetime) -> tuple[Worker, ...]:
    """Who holds skills, and when they are at the line."""
    held: dict[str, set[str]] = defaultdict(set)
    for row in valid(record.rows("qualifications"), now):
        held[row["person_id"]].add(row["skill_id"])
    opened = _open_spans(plant, plant.line_scopes(line), now, end) or ()
    return workers(held, shifts_at(record, plant, line, now), opened, now, end) if held else ()


def _tool(row: Row) -> PlantTool:
    limit = row["life_limit"] if row["allowed_to"] is None else row["allowed_to"]
    is_worn = limit is not None and row["used"] >= limit
    return PlantTool(row["tool_id"], row["tool_class"], row["equipment"] or "", () if is_worn else None)
