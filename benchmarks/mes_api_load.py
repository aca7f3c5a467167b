"""FactoMES's API under 100 requests a second with a million rows, beside bare Django views of the same queries. Goal: p95 at most 50 ms, 1.5 times.

Run: python benchmarks/mes_api_load.py [--database sqlite|postgresql] [--rows 1000000] [--seconds 20] [--pairs 4] [--rate 100] [--folder DIR].
Both run in the server of `factolake mes serve` (gunicorn, 2 workers of 4 threads) on loopback with the same database settings, one after the other,
over and over; `bare_views` is the other. Requests come at random moments (Poisson, the same ones for both) from 20 clients with a connection each,
in a process of their own; a latency runs from the moment a request was meant to be sent, so that waiting counts. The mix: lists by filter, the next
page of a list, single rows, some known already (If-None-Match), and 8 % reports and consumptions. The bare views make the same statements
(`bare_views` says what is left out: forms, rights, rules, hashes). CPU is user and system of the server's processes and of PostgreSQL's; `alone` are
reads and writes one after another, whose CPU tells them apart, and for comparison bare writes without audit, outbox and all else that is looked at
(no goal). Filling takes minutes; `--folder` keeps the database there.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from measuring import cpu_of, percentile, scratch, table, verdict
from mes_database import mes_database
from mes_filled import LINE, MACHINES, do, fill, person

from factolake.config.settings import MesSettings, Settings
from factolake.domain.action import Role
from factolake.mes.project.configure import start

GOAL_S, GOAL_RATIO = 0.05, 1.5
TOKEN = "fmes_load"
CLIENTS = 20
IDLE_S = 1.5
"""A client leaves an idle connection before gunicorn does, after 2 s."""
WARM_UP = 200
ALONE = 300
SIDES = ("bare", "FactoMES")
Sent = tuple[str, str, dict[str, Any] | None, dict[str, str]]
"""Method, path, body and headers."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How one request went: seconds from the moment it was meant to be sent; `is_good` when the answer was the one it should be."""

    is_write: bool
    seconds: float
    is_good: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """One side in one pair: the answers under load, CPU seconds of one of them, of a read and a write alone, of a bare write without audit."""

    answers: Sequence[Answered]
    cpu: float
    read_cpu: float
    write_cpu: float
    least_cpu: float

    def p(self, share: float, *, writes: bool | None = None) -> float:
        """The latency that `share` of all, of the reads or of the writes do not pass."""
        return percentile([one.seconds for one in self.answers if writes in (None, one.is_write)], share)


class Mix:
    """Requests as tablets, boards and the ERP send them."""

    def __init__(self, rows: int, seed: int) -> None:
        self.rng, self.rows, self.orders = random.Random(seed), rows, rows // 5

    def read(self) -> Sent:
        order = f"PO-X{self._number(self.orders)}"
        lists = (
            (12, f"/orders?line_id={LINE}&state=released"),
            (10, f"/orders?line_id={LINE}&after={order}&limit=50"),
            (12, f"/stops?equipment_id=L1-M{self.rng.randint(1, MACHINES)}&limit=50"),
            (10, f"/operations?order_id={order}"),
            (10, f"/production?operation_id={order}.10"),
            (8, f"/lots?made_by_id={order}.10"),
            (20, f"/lots/L-{self._number(self.rows)}"),
            (18, f"/operations/{order}.10"),
        )
        path = self.rng.choices([path for _, path in lists], [weight for weight, _ in lists])[0]
        is_known = path.startswith("/operations/") and self.rng.random() < 0.5
        return "GET", path, None, {"If-None-Match": '"3"'} if is_known else {}

    def write(self) -> Sent:
        number = self.rng.randint(1, MACHINES)
        if self.rng.random() < 0.6:
            return "POST", f"/operations/PO-{number}.10/report", {"good": 1, "lot_id": f"LOT-M{number}"}, {}
        return "POST", f"/operations/PO-{number}.10/consume", {"lot_id": f"RAW-{number}", "quantity": "0.5", "into_lot_id": f"LOT-M{number}"}, {}

    def any(self) -> Sent:
        return self.write() if self.rng.random() < 0.08 else self.read()

    def _number(self, most: int) -> str:
        return f"{self.rng.randint(1, most):07d}"


def without_audit(write: Sent) -> Sent:
    """The least that a bare view of the same write does."""
    method, path, body, headers = write
    return method, f"{path}-without-audit", body, headers


def fill_for_load(rows: int) -> None:
    """The million rows, an operation under way on each machine with lots to make and use, and who asks."""
    fill(rows)
    for number in range(1, MACHINES + 1):
        do("material.create", material_id=f"G-M{number}")
        do("routing_step.create", material_id=f"G-M{number}", number=10, equipment_id=f"L1-M{number}")
        do("order.create", order_id=f"PO-{number}", material_id=f"G-M{number}", quantity=10**6, line_id=LINE)
        do("order.release", f"PO-{number}")
        if number == 1:
            do("operation.complete", "PO-7.10")
        do("operation.start", f"PO-{number}.10")
        do("operation.report", f"PO-{number}.10", good=1, lot_id=f"LOT-M{number}")
        do("lot.create", lot_id=f"RAW-{number}", material_id="RAW", quantity=10**6, equipment_id=LINE)
    from factolake.mes.equipment.models import Equipment

    person("tablets", (Role.OPERATOR, Role.PLANNER), Equipment.objects.get(pk=LINE).path, TOKEN)


@contextlib.contextmanager
def serving(side: str, settings: Settings) -> Iterator[tuple[int, int]]:
    """A server of one side: its port and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    named = [side.lower(), str(settings.home), settings.mes_url, str(port)]
    process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("mes_server.py")), *named])
    try:
        until = time.monotonic() + 60
        while not _answers(port):
            if time.monotonic() > until or process.poll() is not None:
                raise SystemExit(f"{side} does not answer on port {port}; it ended with {process.poll()}")
            time.sleep(0.2)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/orders", timeout=5)
    except urllib.error.HTTPError as refused:
        return refused.code == 401
    except OSError:
        return False
    return True


def send(port: int, moments: Sequence[float], requests: Sequence[Sent], told: Any) -> None:
    """The clients' process: each request at its moment, or one after another where there are none; tells how they went."""

    async def run() -> list[Answered]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with contextlib.AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(
                    aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=1, keepalive_timeout=1.5))
                )
                for _ in range(CLIENTS)
            ]
            begun = time.perf_counter() + 0.2
            if not moments:
                return [await ask(clients[n % CLIENTS], port, sent, time.perf_counter()) for n, sent in enumerate(requests)]
            running = []
            for number, (moment, sent) in enumerate(zip(moments, requests, strict=True)):
                await asyncio.sleep(max(0.0, begun + moment - time.perf_counter()))
                running.append(asyncio.create_task(ask(clients[number % CLIENTS], port, sent, begun + moment)))
            return list(await asyncio.gather(*running))

    told.put(asyncio.run(run()))


async def ask(client: aiohttp.ClientSession, port: int, sent: Sent, meant: float) -> Answered:
    method, path, body, headers = sent
    try:
        async with client.request(method, f"http://127.0.0.1:{port}/api/v1{path}", json=body, headers=headers) as answer:
            said = await answer.read()
            is_good = answer.status in ((200, 304) if headers else (200,)) and (answer.status == 304 or isinstance(json.loads(said), dict))
    except aiohttp.ClientError:
        is_good = False
    return Answered(method == "POST", time.perf_counter() - meant, is_good)


def sent_by_clients(port: int, moments: Sequence[float], requests: Sequence[Sent]) -> list[Answered]:
    """What `send` tells."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=send, args=(port, moments, requests, told))
    process.start()
    answers: list[Answered] = told.get(timeout=600)
    process.join()
    return answers


def measure(side: str, settings: Settings, server: int | None, asked: argparse.Namespace, seed: int) -> Measured:
    """One side: warmed up, loaded, then reads and writes alone."""
    mix = Mix(asked.rows, seed)
    with serving(side, settings) as (port, process):

        def spent(moments: Sequence[float], requests: Sequence[Sent]) -> tuple[list[Answered], float]:
            before = cpu_of(process) + (cpu_of(server) if server else 0.0)
            answers = sent_by_clients(port, moments, requests)
            if failed := sum(not one.is_good for one in answers):
                raise SystemExit(f"{side}: {failed} of {len(answers)} requests got no answer, or a wrong one")
            return answers, (cpu_of(process) + (cpu_of(server) if server else 0.0) - before) / len(requests)

        spent((), [mix.any() for _ in range(WARM_UP)])
        moments = [mix.rng.expovariate(asked.rate)]
        while moments[-1] < asked.seconds:
            moments.append(moments[-1] + mix.rng.expovariate(asked.rate))
        answers, cpu = spent(moments, [mix.any() for _ in moments])
        _, read_cpu = spent((), [mix.read() for _ in range(ALONE)])
        _, write_cpu = spent((), [mix.write() for _ in range(ALONE // 3)])
        _, least_cpu = spent((), [without_audit(mix.write()) for _ in range(ALONE // 3)]) if side == SIDES[0] else ((), 0.0)
    return Measured(answers, cpu, read_cpu, write_cpu, least_cpu)


def tell(pairs: Sequence[tuple[Measured, Measured]]) -> None:
    """Print the figures of all pairs."""
    rows = []
    for number, pair in enumerate(pairs, start=1):
        for side, one in zip(SIDES, pair, strict=True):
            walls = [one.p(share) * 1000 for share in (0.5, 0.95, 0.99)] + [one.p(0.95, writes=writes) * 1000 for writes in (False, True)]
            cpus = [cpu * 1000 for cpu in (one.cpu, one.read_cpu, one.write_cpu)]
            rows.append((number, side, len(one.answers), *(f"{value:.1f}" for value in walls + cpus)))
    headings = ("pair", "side", "answers", "p50 ms", "p95", "p99", "reads p95", "writes p95", "CPU ms", "a read alone", "a write alone")
    table(headings, rows)
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    told = {
        "CPU of a request": [ours.cpu / bare.cpu for bare, ours in pairs],
        "CPU of a read alone": [ours.read_cpu / bare.read_cpu for bare, ours in pairs],
        "CPU of a write alone": [ours.write_cpu / bare.write_cpu for bare, ours in pairs],
        "p95 of all": [ours.p(0.95) / bare.p(0.95) for bare, ours in pairs],
        "p95 of reads": [ours.p(0.95, writes=False) / bare.p(0.95, writes=False) for bare, ours in pairs],
        "p95 of writes": [ours.p(0.95, writes=True) / bare.p(0.95, writes=True) for bare, ours in pairs],
    }
    for name, ratios in told.items():
        verdict(f"{name}, FactoMES / bare", ratios, f"<= {GOAL_RATIO}", statistics.median(ratios) <= GOAL_RATIO)
    least = [(ours.write_cpu / bare.least_cpu, bare.least_cpu * 1000) for bare, ours in pairs]
    told_least = statistics.median(ratio for ratio, _ in least), statistics.median(ms for _, ms in least)
    print("CPU of a write alone, FactoMES / bare without audit: {:.3f} ({:.1f} ms); no goal".format(*told_least))
    p95_s = statistics.median(ours.p(0.95) for _, ours in pairs)
    print(
        f"p95 {p95_s * 1000:.1f} ms at the median pair; goal <= {GOAL_S * 1000:.0f} ms: {'reached' if p95_s <= GOAL_S else 'NOT reached'}", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with (
        contextlib.nullcontext(asked.folder) if asked.folder else scratch() as folder,
        mes_database(asked.database, folder, keep=bool(asked.folder)) as (url, server),
    ):
        settings = Settings(home=folder, mes=MesSettings(url=url))
        settings.mes_dir.mkdir(parents=True, exist_ok=True)
        start(settings)
        from django.core.management import call_command
        from django.db import connections

        from factolake.mes.people.models import Person

        before = time.perf_counter()
        call_command("migrate", verbosity=0)
        if not Person.objects.exists():
            fill_for_load(asked.rows)
        connections.close_all()
        print(f"{asked.database}: {asked.rows:,} rows, ready after {time.perf_counter() - before:.0f} s", flush=True)
        sides = [[measure(side, settings, server, asked, seed) for side in SIDES] for seed in range(asked.pairs)]
        tell([(bare, ours) for bare, ours in sides])


if __name__ == "__main__":
    main()
