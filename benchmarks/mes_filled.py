"""A FactoMES database as large as a plant's after years: a million lots, reports and audit entries, copies of one row each, written in SQL."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from measuring import CONF

from factolake.config import load_plant
from factolake.domain.action import ActorKind, Role

LINE = "L1"
FIRST_OPERATION = "PO-7.10"
FIRST_STOP = "L1-M1@first"
MACHINES = 6
"""Of the shipped line, L1-M1 and on."""


def fill(rows: int) -> None:
    """One line with its people, one order under way, and copies of all: `rows` lots, reports and audit entries, a fifth of the rest."""
    from django.core.management import call_command
    from django.utils import timezone

    from factolake.mes.downtime.models import Stop
    from factolake.mes.equipment.seed import seed

    now = timezone.now()
    call_command("migrate", verbosity=0)
    seed(load_plant(CONF / "plant.toml"), now)
    person("boss", Role)
    do("material.create", material_id="G-7")
    do("routing_step.create", material_id="G-7", number=10, equipment_id="L1-M1", planned_run_s=24.0)
    do("order.create", order_id="PO-7", material_id="G-7", quantity=100, line_id=LINE)
    do("order.release", "PO-7")
    do("operation.start", FIRST_OPERATION)
    do("operation.report", FIRST_OPERATION, good=3, lot_id="LOT-1")
    do("material.create", material_id="RAW")
    do("lot.create", lot_id="RAW-0", material_id="RAW", quantity=100, equipment_id=LINE)
    do("operation.consume", FIRST_OPERATION, lot_id="RAW-0", quantity=3, into_lot_id="LOT-1")
    ends = {"from_ts": now, "to_ts": now, "lake_from_ts": now, "changed_ts": now}
    Stop.objects.create(stop_id=FIRST_STOP, equipment_id="L1-M1", is_open=False, machine_state="failed", asks_reason=True, lake_version=1, **ends)
    _copy(rows, rows // 5)
    _settle(rows)


def person(person_id: str, roles: Iterable[Role], scope: str = "", token: str = "", kind: ActorKind = ActorKind.HUMAN) -> Any:
    """Someone who holds `roles` at `scope`; with `token`, a program may act as them."""
    from django.utils import timezone

    from factolake.mes.people.models import ApiToken, Grant, Person

    now = timezone.now()
    made = Person.objects.create(person_id=person_id, name=person_id.title(), kind=kind.value, pin="", changed_ts=now)
    Grant.objects.bulk_create(Grant(person=made, role=role.value, scope=scope, changed_ts=now) for role in roles)
    if token:
        hashed, until = hashlib.sha256(token.encode()).hexdigest(), datetime.now(UTC) + timedelta(days=9)
        ApiToken.objects.create(person=made, label="benchmark", hash=hashed, actions="*", changed_ts=now, expires_ts=until)
    return made


def do(name: str, key: str = "", /, **payload: Any) -> dict[str, Any]:
    """Perform an action as the boss, an hour ago."""
    from django.utils import timezone

    from factolake.mes.core.action import ACTIONS, Request, parse_form, perform
    from factolake.mes.core.call import Call
    from factolake.mes.people.models import Person

    call = Call(Person.objects.get(pk="boss"), timezone.now() - timedelta(hours=1), "command")
    return perform(call, Request(ACTIONS[name], key, parse_form(ACTIONS[name], payload)))


def seven_digits(number: str) -> str:
    """SQL of a number with leading zeros."""
    return f"substr(CAST(10000000 + {number} AS varchar(8)), 2)"


def _copy(rows: int, orders: int) -> None:
    one_of = f"i % {orders} + 1"
    order, operation = "'PO-X' || {}", "'PO-X' || {} || '.10'"
    own = order.format(seven_digits("i")), operation.format(seven_digits("i"))
    made_by, lot = operation.format(seven_digits(f"({one_of})")), f"'L-' || {seven_digits('i')}"
    machine = f"'L1-M' || (i % {MACHINES} + 1)"
    a_few = "CASE WHEN i % 1000 = 0 THEN '{}' ELSE '{}' END"
    multiply("production_order", "order_id", "PO-7", orders, {"order_id": own[0], "state": a_few.format("released", "closed")})
    multiply(
        "production_operation", "operation_id", FIRST_OPERATION, orders,
        {"operation_id": own[1], "order_id": own[0], "state": a_few.format("ready", "completed")},
    )  # fmt: skip
    named = {"pallet": "'P-' || (i % 50000)", "supplier_lot": "'S-' || i", "made_by_id": made_by}
    multiply("production_lot", "lot_id", "LOT-1", rows, {"lot_id": lot, **named})
    made = {"id": "i + 10", "operation_id": made_by, "at_ts": _minute()}
    multiply("production_production", "id", 1, rows, {**made, "lot_id": lot})
    multiply("production_consumption", "id", 1, orders, {**made, "into_lot_id": lot})
    stop = {"stop_id": f"'L1-M1@' || {seven_digits('i')}", "equipment_id": machine, "from_ts": _minute(), "to_ts": _minute()}
    multiply("downtime_stop", "stop_id", FIRST_STOP, orders, {**stop, "lake_from_ts": _minute()})
    multiply("audit_auditentry", "number", 1, rows, {"number": "i + 1000"})


def _minute() -> str:
    """SQL of one minute for each copy, from 2020 on."""
    from django.db import connection

    return (
        "datetime('2020-01-01', '+' || i || ' minutes')"
        if connection.vendor == "sqlite"
        else "timestamptz '2020-01-01 00:00Z' + i * interval '1 minute'"
    )


def _settle(rows: int) -> None:
    """Let numbers and the audit chain go on behind the copies, and the planner know them, as it would after a day."""
    from django.core.management.color import no_style
    from django.db import connection

    from factolake.mes.audit.models import AuditHead
    from factolake.mes.production.models import Consumption, Production

    AuditHead.objects.update(number=rows + 1000)
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Production, Consumption]):
            cursor.execute(statement)
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def multiply(name: str, key: str, source: object, rows: int, changed: Mapping[str, str]) -> None:
    """Copy the row of table `name` with key `source` so many times; `changed` are SQL expressions of the copy's number i."""
    from django.db import connection

    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, name)]
        values = ", ".join(changed.get(column, f'"{column}"') for column in columns)
        quoted = ", ".join(f'"{column}"' for column in columns)
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
        copies = f"INSERT INTO {name} ({quoted}) {numbers} SELECT {values} FROM n, (SELECT * FROM {name} WHERE {key} = "
        cursor.execute(copies.replace("%", "%%") + "%s) AS one", [source])
