"""A job shop's process log played through FactoMES: its touch and waiting times have to equal those worked out by hand from the CSV, order by order.

Run: python benchmarks/production_event_log.py FOLDER [--databases sqlite postgresql]. FOLDER holds `events.csv.gz` (caseid, task, user,
start_timestamp, end_timestamp). Each case is an order, each event an operation. They come in through the import over REST, beginning and end of each
event are reported through actions at their times, and the query order.flow is asked over REST. `production_event_log_by_hand.py` is the judge and
shares no code with it.
"""

import argparse
import csv
import gzip
import json
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measuring import scratch, table
from mes_database import mes_database

from factolake.config import load_plant
from factolake.config.settings import MesSettings, Settings
from factolake.mes.project.configure import start

ROOT = Path(__file__).resolve().parent.parent
LINE = "L1"
TOKEN = "fmes_benchmark"
Event = tuple[str, datetime, datetime]
"""Task, beginning and end."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite"])
    asked = parser.parse_args()
    file = asked.folder / "events.csv.gz"
    if not file.exists():
        sys.exit(f"{file} is not there; give the folder of the process log")
    if len(asked.databases) > 1:  # Django is started once a process
        codes = [subprocess.run([sys.executable, __file__, str(asked.folder), "--databases", one], check=False).returncode for one in asked.databases]
        sys.exit(max(codes))
    with scratch() as root, mes_database(asked.databases[0], root) as (address, _):
        start(Settings(home=root, mes=MesSettings(url=address)))
        fill()
        cases = cases_of(file)
        spent = {"import s": timed(lambda: bring(cases)), "actions s": timed(lambda: play(cases))}
        begun = time.perf_counter()
        mine = {case: times_of(case) for case in cases}
        spent["query s"] = time.perf_counter() - begun
    judge = subprocess.run([sys.executable, ROOT / "benchmarks" / "production_event_log_by_hand.py", file], capture_output=True, check=True)
    his = {case: times[:4] for case, times in json.loads(judge.stdout).items()}
    wrong = sorted(case for case in {*mine, *his} if mine.get(case) != his.get(case))
    tell(asked.databases[0], mine, spent)
    for case in wrong[:5]:
        print(f"{case}: FactoMES {mine.get(case)}, by hand {his.get(case)}")
    print(f"{len(his) - len(wrong)} of {len(his)} orders have equal events, cycle, touch and waiting times: {'NOT reached' if wrong else 'reached'}")
    sys.exit(bool(wrong))


def fill() -> None:
    """The shipped plant, the owner of the orders with a token, and an operator."""
    from django.core.management import call_command

    from factolake.domain.action import ActorKind, Role
    from factolake.mes.equipment.seed import seed
    from factolake.mes.people.models import ApiToken, Grant, Person
    from factolake.mes.people.secrets import token_hash

    now = datetime.now(UTC)
    call_command("migrate", verbosity=0)
    seed(load_plant(ROOT / "conf" / "plant.toml"), now)
    for person_id, kind, role in (("shop", ActorKind.SERVICE, Role.PLANNER), ("operator", ActorKind.HUMAN, Role.OPERATOR)):
        person = Person.objects.create(person_id=person_id, name=person_id, kind=kind.value, pin="", changed_ts=now)
        Grant.objects.create(person=person, role=role.value, scope="", changed_ts=now)
    later = now + timedelta(days=1)
    ApiToken.objects.create(person_id="shop", label="log", hash=token_hash(TOKEN), actions="erp_import.*", expires_ts=later, changed_ts=now)


def cases_of(file: Path) -> dict[str, list[Event]]:
    """The events of each case in the order in which they began."""
    cases: dict[str, list[Event]] = defaultdict(list)
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            begin, end = (datetime.strptime(row[name], "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC) for name in ("start_timestamp", "end_timestamp"))
            cases[order_id(row["caseid"])].append((row["task"], begin, end))
    return {case: sorted(events, key=lambda event: event[1:]) for case, events in cases.items()}


def order_id(case: str) -> str:
    """The case as an order id, which has no blank at its ends and no slash."""
    return case.strip().replace("/", "-")


def bring(cases: dict[str, list[Event]]) -> None:
    """Materials, orders and their operations over the REST import; an operation may begin while the one before it is under way."""
    from factolake.mes.exchange.proceed import proceed_once

    orders = []
    for case, events in cases.items():
        operations = [{"number": number, "description": task, "overlaps": True} for number, (task, _, _) in enumerate(events, start=1)]
        orders.append({"order_id": case, "material_id": "PART", "quantity": 1, "line_id": LINE, "release": True, "operations": operations})
    for kind, rows in (("materials", [{"material_id": "PART"}]), ("orders", orders)):
        done = ask("post", "/erp-imports", {"kind": kind, "format": "json", "source_system": "shop", "document": json.dumps(rows)})
        assert done["errors"] == 0, done
    while proceed_once(datetime.now(UTC)):
        pass


def play(cases: dict[str, list[Event]]) -> None:
    """Report every beginning and end at its time, as the operator."""
    from factolake.mes.core.action import ACTIONS, Request, parse_form, perform
    from factolake.mes.core.call import Call
    from factolake.mes.people.models import Person

    operator = Person.objects.get(pk="operator")
    steps = []
    for case, events in cases.items():
        for number, (_, begin, end) in enumerate(events, start=1):
            steps += [(begin, 0, number, case), (end, 1, number, case)]
    for at_ts, is_end, number, case in sorted(steps):
        action = ACTIONS["operation.complete" if is_end else "operation.start"]
        perform(Call(operator, at_ts, "api"), Request(action, f"{case}.{number}", parse_form(action, {})))


def times_of(case: str) -> list[int]:
    """Events, cycle, touch and waiting of an order in seconds, as FactoMES says."""
    told = ask("get", f"/orders/{case}/flow")
    assert told["open_operations"] == 0, told
    return [len(told["operations"]), *(round(told[name]) for name in ("cycle_s", "touch_s", "waiting_s"))]


def ask(method: str, path: str, body: Any = None) -> dict[str, Any]:
    """What the API answers."""
    from django.test import Client

    client = Client(headers={"Authorization": f"Bearer {TOKEN}"}, SERVER_NAME="localhost")
    sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    answer = getattr(client, method)(f"/api/v1{path}", secure=True, **sent)
    assert answer.status_code in (200, 201), answer.content
    told: dict[str, Any] = answer.json()
    return told


def timed(work: Any) -> float:
    """Seconds that `work` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def tell(kind: str, times: dict[str, list[int]], spent: dict[str, float]) -> None:
    events, cycle, touch, waiting = (sum(one[at] for one in times.values()) for at in range(4))
    rows = [(kind, len(times), events, cycle / 3600, touch / 3600, waiting / 3600, 100 * (cycle - waiting) / cycle)]
    table(("database", "orders", "events", "cycle h", "touch h", "waiting h", "under way %"), rows)
    table(tuple(spent), [tuple(spent.values())])


if __name__ == "__main__":
    main()
