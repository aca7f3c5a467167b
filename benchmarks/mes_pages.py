"""Server time of the pages with a million lots, reports and audit entries on SQLite: 50th and 95th percentile. Goal: p95 at most 100 ms.

Run: python benchmarks/mes_pages.py [--rows 1000000] [--times 40]. The rows are copies of one row each, written in SQL; a fifth as many orders. CPU
of this process stands for server time, so that other work on the machine does not count. Filling takes about a minute.
"""

import argparse
import statistics
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from measuring import CONF, scratch, table

from factolake.config import load_plant
from factolake.config.settings import Settings
from factolake.domain.action import Role
from factolake.mes.project.configure import start

GOAL_S = 0.1
FIRST_OPERATION = "PO-7.10"
PAGES = (
    "/terminals/L1-M1/",
    "/terminals/L1-M1/?part=now&operation=PO-7.10",
    "/boards/L1/?part=live",
    "/orders/",
    "/orders/?state=released",
    "/orders/?q=PO-X01",
    "/orders/PO-X0001000",
    "/materials/G-7",
    "/lots/",
    "/lots/?q=L-05",
    "/lots/?q=P-777",
    "/lots/?q=S-777",
    "/lots/L-0000777",
    "/actions/order.create/",
    "/records/production/",
    "/people/",
    "/audit/",
    "/audit/?actor=boss",
    "/audit/?action=order.release",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=40, help="requests a page")
    asked = parser.parse_args()
    with scratch() as home:
        (home / "mes").mkdir()
        start(Settings(home=home))
        fill(asked.rows)
        client = signed_in()
        measured = [(address, *spent(client, address, asked.times)) for address in PAGES]
    table(("page", "p50 ms", "p95 ms", "bytes", "goal"), [shown(*row) for row in measured])


def fill(rows: int) -> None:
    """One line with its people, one order under way, and copies of what belongs to it."""
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from factolake.mes.core.action import ACTIONS, Request, parse_form, perform
    from factolake.mes.core.call import Call
    from factolake.mes.equipment.seed import seed
    from factolake.mes.people.models import Grant, Person

    call_command("migrate", verbosity=0)
    seed(load_plant(CONF / "plant.toml"), timezone.now())
    boss = Person.objects.create(person_id="boss", name="Boss", pin="", changed_ts=timezone.now())
    Grant.objects.bulk_create(Grant(person=boss, role=role.value, scope="", changed_ts=timezone.now()) for role in Role)

    def do(name: str, key: str = "", **payload: Any) -> None:
        at_ts = timezone.now() - timedelta(hours=1)
        perform(Call(boss, at_ts, "command"), Request(ACTIONS[name], key, parse_form(ACTIONS[name], payload)))

    do("material.create", material_id="G-7")
    do("routing_step.create", material_id="G-7", number=10, equipment_id="L1-M1", planned_run_s=24.0)
    do("order.create", order_id="PO-7", material_id="G-7", quantity=100, line_id="L1")
    do("order.release", "PO-7")
    do("operation.start", FIRST_OPERATION)
    do("operation.report", FIRST_OPERATION, good=3, lot_id="LOT-1")

    order, operation = "'PO-X' || printf('%07d', {})", "'PO-X' || printf('%07d', {}) || '.10'"
    orders = rows // 5
    one_of = f"i % {orders} + 1"
    a_few = "CASE WHEN i % 1000 = 0 THEN '{}' ELSE '{}' END"
    own = order.format("i"), operation.format("i")
    multiply("production_order", "order_id", "PO-7", orders, {"order_id": own[0], "state": a_few.format("released", "closed")})
    multiply(
        "production_operation", "operation_id", FIRST_OPERATION, orders,
        {"operation_id": own[1], "order_id": own[0], "state": a_few.format("ready", "completed")},
    )  # fmt: skip
    made_by, lot = operation.format(one_of), "'L-' || printf('%07d', i)"
    named = {"pallet": "'P-' || (i % 50000)", "supplier_lot": "'S-' || i", "made_by_id": made_by}
    multiply("production_lot", "lot_id", "LOT-1", rows, {"lot_id": lot, **named})
    minute = "datetime('2020-01-01', '+' || i || ' minutes')"
    multiply("production_production", "id", 1, rows, {"id": "i + 10", "operation_id": made_by, "lot_id": lot, "at_ts": minute})
    multiply("audit_auditentry", "number", 1, rows, {"number": "i + 1000"})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def multiply(name: str, key: str, source: object, rows: int, changed: Mapping[str, str]) -> None:
    """Copy the row of table `name` with key `source` so many times; `changed` are SQL expressions of the copy's number i."""
    from django.db import connection

    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, name)]
        values = ", ".join(changed.get(column, f'"{column}"') for column in columns)
        quoted = ", ".join(f'"{column}"' for column in columns)
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
        copies = f"INSERT INTO {name} ({quoted}) {numbers} SELECT {values} FROM n, (SELECT * FROM {name} WHERE {key} = "
        cursor.execute(copies.replace("%", "%%") + "%s)", [source])


def signed_in() -> Any:
    """A client with the session of somebody who may do everything."""
    from django.test import Client
    from django.utils import timezone

    from factolake.mes.people.models import Person

    client = Client(SERVER_NAME="localhost")
    client.force_login(Person.objects.get(pk="boss"), "django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["began"] = session["used"] = timezone.now().isoformat()
    session.save()
    return client


def spent(client: Any, address: str, times: int) -> tuple[float, float, int]:
    """CPU seconds of a request, 50th and 95th percentile, and the bytes of the answer; the first request is not counted."""
    seconds = []
    for _ in range(times + 1):
        before = time.process_time()
        answer = client.get(address, secure=True)
        seconds.append(time.process_time() - before)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}; the benchmark measures pages that are there")
    return statistics.median(seconds[1:]), statistics.quantiles(seconds[1:], n=20)[-1], len(answer.content)


def shown(address: str, median_s: float, p95_s: float, size: int) -> tuple[str, ...]:
    """A row of the table."""
    return address, f"{median_s * 1000:.1f}", f"{p95_s * 1000:.1f}", str(size), "reached" if p95_s <= GOAL_S else "NOT reached"


if __name__ == "__main__":
    main()
