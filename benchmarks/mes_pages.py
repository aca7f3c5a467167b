"""Server time of the pages with a million lots, reports and audit entries on SQLite: 50th and 95th percentile. Goal: p95 at most 100 ms.

Run: python benchmarks/mes_pages.py [--rows 1000000] [--times 40]. A fifth as many orders (`mes_filled`). CPU of this
process stands for server time, so that other work on the machine does not count. Filling takes about a minute.
"""

import argparse
import statistics
import time
from typing import Any

from measuring import scratch, table
from mes_filled import FIRST_OPERATION, do, fill

from factolake.config.settings import Settings
from factolake.mes.project.configure import start

GOAL_S = 0.1
PAGES = (
    "/terminals/L1-M1/",
    f"/terminals/L1-M1/?part=now&operation={FIRST_OPERATION}",
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
    "/labels/?kind=pallet&keys=P-777",
    "/quality/",
    "/quality/checks/L1-M1/",
    "/quality/charts/1",
    "/maintenance/",
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
        checked()
        client = signed_in()
        measured = [(address, *spent(client, address, asked.times)) for address in PAGES]
    table(("page", "p50 ms", "p95 ms", "bytes", "goal"), [shown(*row) for row in measured])


def checked() -> None:
    """A characteristic with a hundred checks, and one that was never checked."""
    plan = {"equipment_id": "L1-M1", "kind": "variable", "lower": 9, "upper": 11, "sampled_per": "parts"}
    made = do("inspection_plan.create", characteristic="bore", sample_size=5, **plan)
    do("inspection_plan.create", characteristic="burr", **plan)
    for n in range(100):
        do("inspection.create", plan_id=made["id"], values=[10 + (n * k % 7) / 10 for k in range(5)])


def signed_in() -> Any:
    """A client with the session of somebody who may do everything; the process is as a server's is when it has started."""
    from django.test import Client
    from django.utils import timezone

    from factolake.mes.people.models import Person
    from factolake.mes.project.server import settle

    settle()
    client = Client(SERVER_NAME="localhost")
    client.force_login(Person.objects.get(pk="boss"), "django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["began"] = session["used"] = timezone.now().isoformat()
    session.save()
    return client


def spent(client: Any, address: str, times: int, **sent: str) -> tuple[float, float, int]:
    """CPU seconds of a request, 50th and 95th percentile, and the bytes of the answer; the first request is not counted. `sent`: fields of a form."""
    seconds = []
    for _ in range(times + 1):
        before = time.process_time()
        answer = client.post(address, sent, secure=True) if sent else client.get(address, secure=True)
        seconds.append(time.process_time() - before)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}; the benchmark measures pages that are there")
    return statistics.median(seconds[1:]), statistics.quantiles(seconds[1:], n=20)[-1], len(answer.content)


def shown(address: str, median_s: float, p95_s: float, size: int) -> tuple[str, ...]:
    """A row of the table."""
    return address, f"{median_s * 1000:.1f}", f"{p95_s * 1000:.1f}", str(size), "reached" if p95_s <= GOAL_S else "NOT reached"


if __name__ == "__main__":
    main()
