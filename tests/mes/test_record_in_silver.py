"""What FactoMES's record holds stands in silver, row by row: from its own actions through outbox, spool, landing and refinery."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from action_examples import EXAMPLES
from approving import approve, execute
from django.apps import apps
from django.db import models
from machine_alerts import alert, alert_row
from mes_rows import make_row, put
from record_plant import LINE, M1, do, order, person
from schedule_plant import orders as released

from factolake.bus.spool_bus import Spool
from factolake.config import load_plant
from factolake.config.settings import LandingSettings, PlannerSettings
from factolake.contracts import TABLES
from factolake.contracts.gold_alerts import ALERTS
from factolake.contracts.silver import DOWNTIME
from factolake.contracts.silver_mes import MES_TABLES, MesTable
from factolake.domain.action import Role
from factolake.domain.clock import ManualClock
from factolake.lake.engine import Engine
from factolake.lake.sql import query
from factolake.lake.tables import Lake
from factolake.landing.bronze import BronzeTables
from factolake.landing.land import Landing
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.record import Record
from factolake.mes.downtime.models import Stop
from factolake.mes.downtime.takeover_run import turn
from factolake.mes.equipment.models import Equipment
from factolake.mes.maintenance.seed import seed as seed_codes
from factolake.mes.production.models import Order
from factolake.mes.scheduling.situation import situation_of as page_situation
from factolake.mes.signals.takeover_run import turn as take_alerts
from factolake.mes.sync.run import Sync
from factolake.planning.situation import Alternative, Span, Stock
from factolake.refine.mes_changes import CHANGES, REFUSED
from factolake.refine.mes_tables import MES_ROWS
from factolake.refine.plant_model import record_plant
from factolake.refine.runner import Runner
from pipelines.planning.reading import situation_of
from pipelines.planning.record import Record as SilverRecord

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PLANT = Path(__file__).parents[2] / "conf" / "plant.toml"
NAUGHTY = "naïve 😀 'quoted\" \\ </script> ; -- \t end"


class Way:
    """The way from one FactoMES database into a lake of its own."""

    def __init__(self, record: str, sail: Engine, root: Path) -> None:
        self.lake, self.clock, self.root = Lake(root / "lake"), ManualClock(NOW), root
        self.lake.ensure(DOWNTIME)
        self.spool = Spool(root / "spool.sqlite", 1 << 26, self.clock)
        self.sync = Sync(self.lake, record, self.clock, self.spool)
        model = load_plant(PLANT)
        record_plant(self.lake, model, self.clock)
        self.runner = Runner(self.lake, sail, model, self.clock)

    def go(self) -> None:
        """Outbox to silver."""
        while self.sync.step().sent:
            pass
        tables = BronzeTables(self.lake, self.root / "run", 50)
        landing = Landing(self.spool, tables, LandingSettings(), self.clock)
        landing.start()
        while landing.step().records:
            pass
        tables.close()
        for refinement in (CHANGES, *MES_ROWS, REFUSED):
            self.runner.run(refinement)

    def stand(self, minute: int, minutes: int) -> None:
        """The lake tells a stop of M1, and FactoMES takes it over."""
        start = NOW + timedelta(minutes=minute)
        span = {"from_ts": start, "to_ts": start + timedelta(minutes=minutes), "duration_us": minutes * 60_000_000, "from_day": start.date()}
        stop = make_row(DOWNTIME, machine=M1, line=LINE, asks_reason=True, reason="unclassified", state="fault", **span)
        put(self.lake, DOWNTIME, [stop])
        self.sync.step()
        self.clock.advance(5)
        turn(self.clock.now())

    def be_unusual(self) -> None:
        """The lake tells that M1 behaves other than usual, FactoMES takes it over, and somebody says what it was."""
        put(self.lake, ALERTS, [alert_row(M1, raised=NOW)])
        self.sync.step()
        self.clock.advance(5)
        take_alerts(self.clock.now())
        said = {"cause": NAUGHTY, "fix": NAUGHTY, "minutes": 12.5, "reason": NAUGHTY}
        do("maintenance", "machine_alert.judge", alert(M1, raised=NOW).alert_id, verdict="true", **said)

    def close(self) -> None:
        self.sync.close()
        self.spool.close()


@pytest.fixture
def way(record: str, sail: Engine, tmp_path: Path) -> Any:
    made = Way(record, sail, tmp_path)
    yield made
    made.close()


def model_of(mes: MesTable) -> type[Record]:
    (found,) = (model for model in apps.get_models() if issubclass(model, Record) and mes.noun == model.NOUN)
    return found


def in_the_record(mes: MesTable) -> list[dict[str, object]]:
    """The database's own rows under silver's names, an empty text as none where silver has none."""
    rows = []
    for row in model_of(mes).objects.order_by("pk"):
        told = {column.name: getattr(row, mes.source(column)) for column in mes.columns}
        empty = {column.name for column in mes.columns if column.nullable and told[column.name] == ""}
        rows.append({name: None if name in empty else value for name, value in told.items()} | {"version": row.version, "changed_ts": row.changed_ts})
    return rows


def in_silver(lake: Lake, mes: MesTable) -> list[dict[str, object]]:
    names = [*(column.name for column in mes.columns), "version", "changed_ts"]
    rows: list[dict[str, object]] = lake.open(mes.table).read(columns=names).to_pylist()
    return sorted(rows, key=lambda row: row[names[0]])  # type: ignore[arg-type, return-value]


def a_shift() -> None:
    """Something of everything that silver has a table of."""
    operation = order(quantity="100.5", customer=NAUGHTY)
    do("planner", "material.create", material_id="STEEL", description=NAUGHTY, base_unit="KGM")
    do("operator", "lot.create", lot_id="S-1", material_id="STEEL", quantity="500.0001", equipment_id=LINE, supplier_lot="x'y")
    do("operator", "operation.start", operation)
    used = do("operator", "operation.consume", operation, lot_id="S-1", quantity="99.5", into_lot_id="LOT-1")
    do("operator", "consumption.reverse", str(used["id"]), reason="wrong lot")
    do("operator", "operation.consume", operation, lot_id="S-1", quantity=1, into_lot_id="LOT-1")
    do("operator", "operation.report", operation, good=10, scrap="0.25", cause_id="surface", lot_id="LOT-1")
    bore = {"equipment_id": LINE, "characteristic": NAUGHTY, "kind": "variable", "lower": "9.9", "upper": "10.1", "sampled_per": "parts"}
    plan = do("quality", "inspection_plan.create", **bore, sample_size=2)
    do("operator", "inspection.create", plan_id=plan["id"], values=["9.95", "10.100001"])
    do("quality", "hold.create", lot_id="LOT-1", reason=NAUGHTY)
    seed_codes(NOW)
    asked = do("operator", "maintenance_request.create", equipment_id=M1, description=NAUGHTY, is_stopped=True)
    repair = do("maintenance", "maintenance_request.accept", str(asked["id"]))
    do("maintenance", "maintenance_order.arrive", str(repair["id"]))
    do("maintenance", "maintenance_order.diagnose", str(repair["id"]), mode_id="mode.VIB", finding=NAUGHTY)
    work_is_planned()


def work_is_planned() -> None:
    """An order that takes a skill, a tool and a component, a schedule of it, and somebody who asks for another."""
    do("engineer", "bill_item.create", material_id="G-100", component_id="STEEL", step_number=10, quantity="0.0001")
    do("engineer", "routing_step.create", material_id="G-100", number=10, equipment_id=LINE, planned_run_s=24.5)
    do("engineer", "routing_alternative.create", material_id="G-100", step_number=10, equipment_id=M1, planned_run_s=30)
    do("planner", "delivery.create", delivery_id="PUR-1", material_id="STEEL", quantity="0.0001", expected_ts=NOW.isoformat(), supplier=NAUGHTY)
    do("engineer", "skill.create", skill_id="laser", name="Laser")
    do("engineer", "qualification.create", person_id="operator", skill_id="laser")
    do("engineer", "skill_requirement.create", skill_id="laser", material_id="STEEL", step_number=10)
    do("engineer", "tool.create", tool_id="T-1", name=NAUGHTY, tool_class="drill_8mm", life_limit="10.5")
    do("engineer", "tool_requirement.create", material_id="STEEL", step_number=10, tool_class="drill_8mm")
    shift = {"from_ts": NOW.isoformat(), "to_ts": (NOW + timedelta(hours=8)).isoformat()}
    do("planner", "shift_assignment.create", person_id="operator", equipment_id=LINE, role="operator", **shift)
    ends = {"planned_start_ts": (NOW + timedelta(hours=1)).isoformat(), "planned_end_ts": (NOW + timedelta(hours=2)).isoformat()}
    entry = {"operation_id": order("PO-2"), "equipment_id": M1, "why": NAUGHTY, **ends}
    made = do("planner", "schedule.create", line_id=LINE, entries=[entry], reason=NAUGHTY, source_id="plan-7")
    do("planner", "schedule.accept", str(made["schedule_id"]), digest=made["digest"])
    do("operator", "schedule_request.create", line_id=LINE, reason=NAUGHTY)
    a_model_is_approved()


def a_model_is_approved() -> None:
    person("engineer2", Role.ENGINEER, "")
    asked = {**EXAMPLES["model_promotion.create"], "reason": NAUGHTY}
    proposed = do("engineer", "proposal.create", action="model_promotion.create", payload=asked)
    approve("engineer2", proposed)
    execute(proposed, "engineer")


def people_say_why() -> None:
    (stop,) = Stop.objects.all()
    do("operator", "stop.classify", stop.pk, reason_id="electrical", comment=NAUGHTY, at=NOW + timedelta(hours=1))
    do("operator", "stop.split", stop.pk, at_ts=stop.from_ts + timedelta(minutes=7), at=NOW + timedelta(hours=1))


def test_every_row_of_the_record_is_in_silver_as_the_database_has_it(way: Way) -> None:
    a_shift()
    way.stand(0, 30)
    way.be_unusual()
    way.go()
    people_say_why()
    do("planner", "order.edit", "PO-1", priority=7)
    way.go()
    for mes in MES_TABLES:
        held = in_the_record(mes)
        assert held, f"the shift above has no {mes.noun}"
        assert in_silver(way.lake, mes) == held, mes.table.name
    assert not way.lake.open(REFUSED.output).read().num_rows
    (mine,) = way.lake.open(TABLES["silver.orders"]).read(predicate="order_id = 'PO-1'").to_pylist()
    last = AuditEntry.objects.filter(subject=str(Order.objects.get(pk="PO-1"))).latest("number")
    assert (mine["changed_by"], mine["last_action"], mine["changed_ts"]) == (last.actor, last.action, last.at_ts)
    situation = situation_of(SilverRecord(way.lake), load_plant(PLANT), LINE, way.clock.now(), PlannerSettings())
    assert situation.stocks == (Stock("STEEL", 499.0001, ((NOW, 0.0001),), is_all=True),)
    moved = next(each for each in situation.operations if each.operation_id == "PO-2.10")
    assert (moved.equipment, moved.alternatives, moved.needs) == (M1, (Alternative(LINE, 24.5, skills=()),), {"STEEL": 0.0001})
    joined = query(way.lake, "select o.order_id, m.base_unit from silver.orders o join silver.materials m using (material_id) order by 1").to_pylist()
    assert joined == [{"order_id": name, "base_unit": "C62"} for name in ("PO-1", "PO-2")]


def test_planner_and_page_find_the_same_people_at_the_same_times(way: Way) -> None:
    """Three are qualified: one is planned until noon, one whose shift was to last until 17:00 was sent home at 10:00, one is not planned."""
    released("PO-1")
    do("engineer", "skill.create", skill_id="laser", name="Laser")
    do("engineer", "skill_requirement.create", skill_id="laser", equipment_id=LINE)
    for who in ("operator", "quality", "maintenance"):
        do("engineer", "qualification.create", person_id=who, skill_id="laser")
    for who, at, hours in (("operator", LINE, 3), ("quality", M1, 8)):
        ends = {"from_ts": NOW.isoformat(), "to_ts": (NOW + timedelta(hours=hours)).isoformat()}
        made = do("planner", "shift_assignment.create", person_id=who, equipment_id=at, role=who, **ends)
    now = NOW + timedelta(hours=2)
    do("planner", "shift_assignment.end", str(made["id"]), at=NOW + timedelta(hours=1))
    way.go()
    by_planner = situation_of(SilverRecord(way.lake), load_plant(PLANT), LINE, now, PlannerSettings(horizon_days=14)).workers
    by_page = page_situation(Equipment.objects.get(pk=LINE), now).workers
    there = {one.person_id: joined(one.spans) for one in by_planner}
    assert there == {one.person_id: joined(one.spans) for one in by_page}
    assert [there[who][0] for who in ("maintenance", "quality")] == [there["operator"][1]] * 2, "nobody before the shift that was planned ends"
    assert there["operator"][0] == (now, NOW + timedelta(hours=3))
    assert there["operator"][1][0] >= NOW + timedelta(hours=8)
    assert len(there["operator"]) > 20, "and whenever the line works after it"


def joined(spans: tuple[Span, ...]) -> list[Span]:
    """Spans that touch as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


@pytest.mark.parametrize("mes", MES_TABLES, ids=lambda mes: mes.noun)
def test_a_table_names_columns_the_record_has_and_asks_no_more_of_them_than_it(mes: MesTable) -> None:
    fields: Mapping[str, models.Field[Any, Any]] = {field.attname: field for field in model_of(mes)._meta.concrete_fields}
    assert fields[mes.source(mes.columns[0])].primary_key
    for column in mes.columns:
        field = fields[mes.source(column)]
        assert column.nullable or not field.null, f"{mes.noun}.{field.attname} may be null"
        if column.values:
            assert set(column.values) == {choice for choice, _ in field.choices or ()}, f"{mes.noun}.{field.attname}"
        if isinstance(field, models.DecimalField):
            assert column.type.value == f"decimal({field.max_digits},{field.decimal_places})"
