"""Genealogy and recall on a million consumption rows (A18): p50 and longest answer over the whole HTTP stack. Goal: each below 2 s.

Run: python benchmarks/genealogy.py [--database sqlite|postgresql] [--rows 1000000] [--folder DIR]. Heats become bars, bars components,
components sub-assemblies, these and components finished serials, which lie on pallets for customers' orders; 3 % of the uses are reversed. The
widest heat reaches some 20,000 serials. Beside each time stands that of a bare Django view of the same list: the recursive query joined with what
it lists, as JSON, without rights, groups or forms. CPU is that of this process and the database server. Building takes some minutes;
`--folder` keeps the database there and uses one that is there already.
"""

import argparse
import contextlib
import json
import os
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measuring import cpu_of, scratch, table
from mes_database import mes_database
from mes_filled import person

from factolake.config.settings import MesSettings, Settings
from factolake.mes.project.configure import start

GOAL_S = 2.0
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
TOKEN = "fmes_benchmark"
BATCH = 5000
ONE_IN_REVERSED = 33
ROWS_A_SERIAL = 4.4
"""Consumption rows of the whole genealogy by finished serial."""


class Plant:
    """Lots and uses by level, made in the order of time: what is used was made shortly before."""

    def __init__(self, rows: int, seed: int) -> None:
        self.rng = random.Random(seed)
        serials = int(rows / ROWS_A_SERIAL)
        self.sizes = {"HEAT": max(1, serials // 5_000), "BAR": serials // 100, "COMP": serials // 10, "SUB": serials // 2, "SN": serials}
        self.uses: list[tuple[str, str]] = []  # made by `build`

    def lots(self, level: str) -> list[str]:
        return [f"{level}-{number:07d}" for number in range(self.sizes[level])]

    def build(self) -> None:
        self._use("HEAT", "BAR", 1)
        self._use("BAR", "COMP", 2)
        self._use("COMP", "SUB", 4)
        self._use("SUB", "SN", 1)
        self._use("COMP", "SN", 2)

    def _use(self, source: str, target: str, each: int) -> None:
        """Each lot of `target` is made of `each` of `source`, near the same place in time."""
        have, want = self.sizes[source], self.sizes[target]
        spread = max(1, have // 2000)
        for number in range(want):
            near = number * have // want
            for place in {min(have - 1, max(0, near + self.rng.randint(0, spread * 3) - spread)) for _ in range(each)}:
                self.uses.append((f"{source}-{place:07d}", f"{target}-{number:07d}"))


def fill(plant: Plant) -> None:
    from factolake.config import load_plant
    from factolake.domain.action import Role
    from factolake.mes.equipment.models import Equipment
    from factolake.mes.equipment.seed import seed
    from factolake.mes.production.models import MaterialDefinition, Operation, Order

    seed(load_plant(Path(__file__).resolve().parents[1] / "conf" / "plant.toml"), NOW)
    anna = person("anna", (Role.QUALITY,), token=TOKEN)
    line = Equipment.objects.filter(level="ProductionLine").first()
    operations = {}
    for level, size in plant.sizes.items():
        material = MaterialDefinition.objects.create(material_id=level, changed_ts=NOW)
        orders = [
            Order(
                order_id=f"PO-{level}-{number:05d}",
                material=material,
                quantity=100,
                line=line,
                customer=f"Customer {number % 50}" if level == "SN" else "",
                sales_order=f"SO-{number:05d}" if level == "SN" else "",
                state="completed",
                changed_ts=NOW,
            )
            for number in range(size // 100 + 1)
        ]
        Order.objects.bulk_create(orders, batch_size=BATCH)
        operations[level] = Operation.objects.bulk_create(
            (Operation(operation_id=f"{one.order_id}.10", order=one, number=10, equipment=line, state="completed", changed_ts=NOW) for one in orders),
            batch_size=BATCH,
        )
    fill_lots(plant, operations, line.path)
    fill_uses(plant, operations, anna)


def fill_lots(plant: Plant, operations: dict[str, list[Any]], path: str) -> None:
    from factolake.mes.production.models import Lot

    for level in plant.sizes:
        lots = plant.lots(level)
        for begin in range(0, len(lots), BATCH):
            Lot.objects.bulk_create(
                Lot(
                    lot_id=lot_id,
                    material_id=level,
                    kind="serial" if level == "SN" else "lot",
                    quantity=1 if level == "SN" else 100,
                    remaining=1 if level == "SN" else 10,
                    made_by=operations[level][number // 100],
                    made_ts=NOW + timedelta(seconds=number),
                    pallet=f"PAL-{number // 48:06d}" if level == "SN" else "",
                    place_path=path,
                    changed_ts=NOW,
                )
                for number, lot_id in enumerate(lots[begin : begin + BATCH], begin)
            )


def fill_uses(plant: Plant, operations: dict[str, list[Any]], anna: Any) -> None:
    from factolake.mes.production.models import Consumption

    def use(lot_id: str, into_id: str, quantity: int, reverses: int | None = None) -> Any:
        level, _, number = into_id.partition("-")
        held = operations[level][int(number) // 100]
        return Consumption(
            operation=held, lot_id=lot_id, into_lot_id=into_id, quantity=quantity, at_ts=NOW, reported_by=anna, changed_ts=NOW, reverses_id=reverses
        )

    plant.build()
    for begin in range(0, len(plant.uses), BATCH):
        made = Consumption.objects.bulk_create(use(*pair, 1) for pair in plant.uses[begin : begin + BATCH])
        taken_back = made[::ONE_IN_REVERSED]
        Consumption.objects.bulk_create(use(one.lot_id, one.into_lot_id, -1, one.pk) for one in taken_back)


def bare_list(lot_id: str, way: Any) -> str:
    """What a plain view would do: the recursive query, joined with what the list shows, as JSON."""
    from django.db import connection

    here, there = ("lot_id", "into_lot_id") if way == "forward" else ("into_lot_id", "lot_id")
    live = "c.quantity > 0 AND NOT EXISTS (SELECT 1 FROM production_consumption r WHERE r.reverses_id = c.id)"
    query = f"""
        WITH RECURSIVE found(lot_id) AS (
            SELECT c.{there} FROM production_consumption c WHERE c.{here} = %s AND c.{there} IS NOT NULL AND {live}
            UNION
            SELECT c.{there} FROM production_consumption c JOIN found f ON c.{here} = f.lot_id WHERE c.{there} IS NOT NULL AND {live}
        )
        SELECT l.lot_id, l.kind, l.material_id, l.quantity, l.remaining, l.status, l.pallet, o.order_id, r.customer, r.sales_order
        FROM found f JOIN production_lot l ON l.lot_id = f.lot_id
        LEFT JOIN production_operation o ON o.operation_id = l.made_by_id LEFT JOIN production_order r ON r.order_id = o.order_id
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [lot_id])
        return json.dumps(cursor.fetchall(), default=str)


def timed(calls: list[Callable[[], object]], server: int | None) -> tuple[list[float], float]:
    """Seconds of each call, and the most CPU seconds of one, the server's included."""

    def cpu() -> float:
        return time.process_time() + (cpu_of(server) if server else 0.0)

    spent, most = [], 0.0
    for call in calls:
        before, before_cpu = time.perf_counter(), cpu()
        call()
        spent.append(time.perf_counter() - before)
        most = max(most, cpu() - before_cpu)
    return spent, most


def measure(plant: Plant, server: int | None) -> bool:
    from django.test import Client

    from factolake.mes.production.genealogy import Way, reach

    client = Client(headers={"Authorization": f"Bearer {TOKEN}"}, SERVER_NAME="localhost")

    def get(path: str) -> dict[str, Any]:
        answer = client.get(f"/api/v1{path}", secure=True)
        assert answer.status_code == 200, answer.content
        return answer.json()

    heats = plant.lots("HEAT")
    sizes = {heat: len([one for one in reach([heat], Way.FORWARD) if one.startswith("SN")]) for heat in heats}
    widest = max(sizes, key=sizes.__getitem__)
    print(f"heat {widest} reaches {sizes[widest]:,} serials; all heats {min(sizes.values()):,} to {max(sizes.values()):,}")
    bars, serials = plant.rng.sample(plant.lots("BAR"), 20), plant.rng.sample(plant.lots("SN"), 50)
    asked = (
        ("recall of a heat", heats * (1 + 10 // len(heats)), "/lots/{}/recall", Way.FORWARD),
        ("recall of a bar", bars, "/lots/{}/recall", Way.FORWARD),
        ("tree of a heat, forward", heats * (1 + 10 // len(heats)), "/lots/{}/genealogy?way=forward", Way.FORWARD),
        ("tree of a bar, forward", bars, "/lots/{}/genealogy?way=forward", Way.FORWARD),
        ("tree of a serial, backward", serials, "/lots/{}/genealogy?way=backward", Way.BACKWARD),
    )
    rows, longest = [], 0.0
    for name, lots, path, way in asked:
        lots = lots[:50]
        answers = [get(path.format(lot)) for lot in lots[:3]]
        spent, cpu = timed([lambda lot=lot, path=path: get(path.format(lot)) for lot in lots], server)
        bare, _ = timed([lambda lot=lot, way=way: bare_list(lot, way) for lot in lots], server)
        reached = max(answer["lots_reached"] for answer in answers)
        rows.append((name, len(lots), reached, statistics.median(spent), max(spent), cpu, statistics.median(bare), max(bare)))
        longest = max(longest, *spent)
    table(("question", "asked", "lots reached", "p50 s", "longest s", "CPU s", "bare p50 s", "bare longest s"), rows)
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"longest answer {longest:.3f} s; goal < {GOAL_S:g} s: {'reached' if longest < GOAL_S else 'NOT reached'}")
    return longest < GOAL_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with (
        contextlib.nullcontext(asked.folder) if asked.folder else scratch() as folder,
        mes_database(asked.database, folder, keep=True) as (url, server),
    ):
        start(Settings(home=folder, mes=MesSettings(url=url)))
        from django.core.management import call_command
        from django.db import connection, connections

        from factolake.mes.production.models import Consumption

        call_command("migrate", verbosity=0)
        plant, before = Plant(asked.rows, asked.seed), time.perf_counter()
        if not Consumption.objects.exists():
            fill(plant)
        if connection.vendor == "postgresql":  # what autovacuum does within a minute of such a load
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        print(f"{asked.database}: {Consumption.objects.count():,} consumption rows, ready after {time.perf_counter() - before:.0f} s", flush=True)
        measure(plant, server)
        connections.close_all()


if __name__ == "__main__":
    main()
