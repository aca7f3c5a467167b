"""Server time of a line's schedule with 400 open operations and 10,000 orders in the database, on SQLite. Goal: 95th percentile at most 100 ms.

Run: python benchmarks/schedule_page.py [--orders 10000] [--open 400] [--times 40].

CPU of this process stands for server time, so that other work on the machine does not count. Measured are the page of a day, that of a week with all
open operations, its drawing alone, a move that is tried (one operation, and a hundred), load, late list and comparison, and the week with an open
proposal of 100 changes. All work takes one of six people with a skill, the last steps a tool, the first ones steel. The planner has tried 20,000
times.
"""

import argparse
import json
from collections.abc import Iterator
from datetime import timedelta

from measuring import CONF, scratch, table
from mes_filled import do, multiply, person
from mes_pages import shown, signed_in, spent

from factolake.config import load_plant
from factolake.config.settings import Settings
from factolake.domain.action import Role
from factolake.mes.project.configure import start

MACHINES = ("L1-M1", "L1-M2", "L1-M3", "L1-M4", "L1-M5", "L1-M6")
STEPS = 4
TRIES = 20_000
PAGES = (
    "/schedules/L1/",
    "/schedules/L1/?span=week",
    "/schedules/L1/?span=week&part=gantt",
    "/schedules/L1/load?span=week",
    "/schedules/L1/late",
    "/schedules/L1/compare",
)
TRY = "/schedules/L1/try"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--open", type=int, default=400, help="open operations")
    parser.add_argument("--times", type=int, default=40, help="requests a page")
    asked = parser.parse_args()
    with scratch() as home:
        (home / "mes").mkdir()
        start(Settings(home=home, plant_file=CONF / "plant.toml"))
        fill(asked.orders, asked.open)
        client = signed_in()
        measured = [(address, *spent(client, address, asked.times)) for address in PAGES]
        measured += [(f"{TRY} with {count}", *spent(client, TRY, asked.times, moves=moves(asked.open, count))) for count in (1, 100)]
        entries = [{**entry, "equipment_id": "L1-M6"} for entry in places(asked.open) if entry["operation_id"].endswith(".40")][:100]
        do("schedule.create", line_id="L1", entries=entries, reason="measured")
        measured.append((f"{PAGES[1]} with a proposal", *spent(client, PAGES[1], asked.times)))
    table(("page", "p50 ms", "p95 ms", "bytes", "goal"), [shown(*row) for row in measured])


def fill(orders: int, open_operations: int) -> None:
    """Open orders of four steps in an accepted schedule; the other orders are copies of one that was made and closed, planned in the past."""
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from factolake.mes.equipment.seed import seed

    call_command("migrate", verbosity=0)
    seed(load_plant(CONF / "plant.toml"), timezone.now())
    person("boss", Role)
    do("material.create", material_id="G-7")
    for number in range(STEPS):
        do("routing_step.create", material_id="G-7", number=10 * (number + 1), equipment_id=MACHINES[number], planned_run_s=24.0)
    means()
    for number in range(open_operations // STEPS):
        do("order.create", order_id=f"PO-{number}", material_id="G-7", quantity=100, line_id="L1", due_ts="2036-01-01T00:00:00Z")
        do("order.release", f"PO-{number}")
    made = do("schedule.create", line_id="L1", entries=list(places(open_operations)), reason="measured")
    do("schedule.accept", str(made["schedule_id"]), digest=made["digest"])
    closed = orders - open_operations // STEPS
    key, past = "'PO-X' || printf('%07d', i)", "datetime('2026-01-01', '+' || (i * 20) || ' minutes')"
    multiply("production_order", "order_id", "PO-0", closed, {"order_id": key, "state": "'closed'"})
    for step in range(10, 10 * STEPS + 1, 10):
        own = {"operation_id": f"{key} || '.{step}'", "order_id": key, "state": "'completed'", "planned_start_ts": past, "planned_end_ts": past}
        multiply("production_operation", "operation_id", f"PO-0.{step}", closed, {**own, "actual_start_ts": past, "actual_end_ts": past})
    tries()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def means() -> None:
    """People with a skill that all work asks for, tools for the last steps, steel for the first ones."""
    do("skill.create", skill_id="setter", name="Setter")
    do("skill_requirement.create", skill_id="setter", equipment_id="L1")
    for number in range(6):
        person(f"setter-{number}", [Role.OPERATOR])
        do("qualification.create", person_id=f"setter-{number}", skill_id="setter")
        do("tool.create", tool_id=f"T-{number}", name="Drill", tool_class="drill")
    do("tool_requirement.create", material_id="G-7", step_number=40, tool_class="drill")
    do("material.create", material_id="STEEL")
    do("bill_item.create", material_id="G-7", component_id="STEEL", step_number=10, quantity=1)
    do("lot.create", lot_id="ST-1", material_id="STEEL", quantity=5_000, equipment_id="L1")


def tries() -> None:
    """A year of what the planner said of two lines, in `lake_plan` as the sync makes it, and a request that waits for its answer."""
    from django.db import connection

    from factolake.mes.sync.schema import connect, prepare

    engine = connect(f"sqlite:///{connection.settings_dict['NAME']}")
    with engine.begin() as opened:
        prepare(opened)
    engine.dispose()
    row = {"plan_id": "L1-0", "line": "L1", "started_ts": "2026-01-01 00:00:00.000000", "duration_us": 0, "cause": "stop", "about": "stop L1-M1"}
    said = {"why": "L1-M1 is broken down", "status": "infeasible", "is_published": 0, "told": "no plan is possible. " * 40, "settings": "{}" * 200}
    row |= {**said, "operations": 0, "moved": 0, "as_of": row["started_ts"], "lake_version": 1}
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO lake_plan ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values()))
    later = "strftime('%Y-%m-%d %H:%M:%f', '2026-01-01', '+' || (i * 26) || ' minutes') || '000'"
    multiply("lake_plan", "plan_id", "L1-0", TRIES, {"plan_id": "'L1-' || i", "line": "'L' || (1 + i % 2)", "started_ts": later})
    do("schedule_request.create", line_id="L1", reason="measured")


def moves(open_operations: int, count: int) -> str:
    """The last steps of so many orders, the last one first, on another machine, as the drawing's script sends them."""
    from datetime import datetime

    last = [each for each in places(open_operations) if each["operation_id"].endswith(".40")][-count:]
    times = {each["operation_id"]: [datetime.fromisoformat(each[f"planned_{end}_ts"]).timestamp() for end in ("start", "end")] for each in last}
    return json.dumps({key: {"at": "L1-M6", "start": start, "end": end} for key, (start, end) in times.items()})


def places(open_operations: int) -> Iterator[dict[str, str]]:
    """Each open operation an hour on its machine, the orders one after the other, each step behind the one before."""
    from django.utils import timezone

    begin = timezone.now().replace(minute=0, second=0, microsecond=0)
    for number in range(open_operations // STEPS):
        for step in range(STEPS):
            start_ts = begin + timedelta(hours=number + step)
            ends = {"planned_start_ts": start_ts.isoformat(), "planned_end_ts": (start_ts + timedelta(hours=1)).isoformat()}
            yield {"operation_id": f"PO-{number}.{10 * (step + 1)}", "equipment_id": MACHINES[step], **ends}


if __name__ == "__main__":
    main()
