"""Two processes race for each of many approved proposals: none may take effect twice, late, after it was taken back or behind a kill switch (G13).

Run: python benchmarks/approval_races.py [--races 10000] [--databases sqlite postgresql] [--seconds 3600]. Each proposal, when it is executed,
reports one good part; the judge counts parts, audit entries and states, and verifies the chain. Kinds of races, in a seeded mix: both execute
(80 %), one approves while the other executes, one cancels, both come after the expiry, and one pulls the kill switch (2 %).
"""

import argparse
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any

from measuring import CONF, scratch, table
from mes_database import mes_database
from mes_filled import person

from factolake.config import load_plant
from factolake.config.settings import MesSettings, Settings
from factolake.domain.action import ActorKind, Role
from factolake.mes.project.configure import start

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
BATCH = 100
SHARES = {"execute": 0.80, "approve": 0.08, "cancel": 0.05, "expired": 0.05, "switch": 0.02}
OPERATION = "RACE.10"
Move = tuple[str, str, str, dict[str, Any], datetime]
"""Actor, action, key, payload and time."""
_ticks = count()


def now() -> datetime:
    """A second later each time."""
    return NOW + timedelta(seconds=next(_ticks))


def do(actor: str, name: str, key: str, payload: dict[str, Any], at: datetime) -> dict[str, Any]:
    from factolake.mes.core.action import ACTIONS, Request, parse_form, perform
    from factolake.mes.core.call import Call
    from factolake.mes.people.models import Person

    action = ACTIONS[name]
    return perform(Call(Person.objects.get(pk=actor), at, "command"), Request(action, key, parse_form(action, payload)))


def fill() -> None:
    """The plant, who asks and decides, and an operation under way that has room for every part."""
    from django.core.management import call_command

    from factolake.mes.equipment.seed import seed

    call_command("migrate", verbosity=0)
    seed(load_plant(CONF / "plant.toml"), NOW)
    people = {"planner": Role.PLANNER, "operator": Role.OPERATOR, "approver": Role.APPROVER, "engineer": Role.ENGINEER}
    for name, role in (people | {"agent": Role.PLANNER}).items():
        kind = ActorKind.HUMAN if name in people else ActorKind.AGENT
        person(name, (role,), kind=kind)
    do("planner", "material.create", "", {"material_id": "G-100"}, now())
    do("planner", "order.create", "", {"order_id": "RACE", "material_id": "G-100", "quantity": 10**9, "line_id": "L1"}, now())
    do("planner", "order.release", "RACE", {}, now())
    do("operator", "operation.start", OPERATION, {}, now())


def propose(kind: str) -> tuple[str, Move, Move]:
    """A proposal, and what each of the two will do to it at once."""
    proposed = do("agent", "proposal.create", "", {"action": "operation.report", "key": OPERATION, "payload": {"good": 1}}, now())
    key, seen = str(proposed["proposal_id"]), {"digest": proposed["digest"]}
    later = now() + timedelta(minutes=1)
    if kind != "approve":
        do("approver", "proposal.approve", key, seen, now())
    runs: Move = ("agent", "proposal.execute", key, {}, later + (timedelta(days=1) if kind == "expired" else timedelta()))
    others: dict[str, Move] = {
        "approve": ("approver", "proposal.approve", key, seen, later),
        "cancel": ("planner", "proposal.cancel", key, {"reason": "raced"}, later),
        "switch": ("operator", "kill_switch.create", "", {"scope": "agent:agent", "reason": "raced"}, later),
    }
    return key, runs, others.get(kind, ("approver", *runs[1:]))


def racer(settings: Settings, gate: Any, orders: Any, outcomes: Any) -> None:
    """Do one's moves, each at the same moment as the other racer's; tells how each ended."""
    start(settings)
    from factolake.mes.core.refusals import Refusal

    for moves in iter(orders.get, None):
        ended = []
        for move in moves:
            gate.wait(60)
            try:
                do(*move)
                ended.append("done")
            except Refusal as refusal:
                ended.append(type(refusal).__name__)
            except Exception as failure:  # told and counted, since the other racer waits at the gate
                ended.append(f"FAILED {type(failure).__name__}")
        outcomes.put(ended)


@contextmanager
def racers(settings: Settings) -> Iterator[list[tuple[Any, Any]]]:
    """Two processes that wait for moves."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(2)
    channels = [(context.Queue(), context.Queue()) for _ in range(2)]
    processes = [context.Process(target=racer, args=(settings, gate, orders, outcomes), daemon=True) for orders, outcomes in channels]
    for process in processes:
        process.start()
    try:
        yield channels
    finally:
        for orders, _ in channels:
            orders.put(None)
        for process in processes:
            process.join(30)


def race(channels: Sequence[tuple[Any, Any]], proposals: Sequence[tuple[str, Move, Move]]) -> list[tuple[str, str]]:
    for number, (orders, _) in enumerate(channels):
        orders.put([proposal[1 + number] for proposal in proposals])
    first, second = (outcomes.get(timeout=300) for _, outcomes in channels)
    return list(zip(first, second, strict=True))


def run(settings: Settings, kinds: Sequence[str], seconds: float) -> tuple[dict[str, str], Counter[str]]:
    """Kind of race by proposal, and how the races ended; fewer than asked for when the time is over."""
    raced: dict[str, str] = {}
    ended: Counter[str] = Counter()
    until = time.monotonic() + seconds
    together = [kind for kind in kinds if kind != "switch"]
    batches = [together[at : at + BATCH] for at in range(0, len(together), BATCH)]
    alone = [["switch"]] * (len(kinds) - len(together))  # the switch ends every proposal of the agent, so one at a time
    work = [*batches, *alone]
    random.Random(len(kinds)).shuffle(work)  # so that one that runs out of time has seen every kind
    with racers(settings) as channels:
        for batch in work:
            if time.monotonic() > until:
                break
            proposals = [propose(kind) for kind in batch]
            outcomes = race(channels, proposals)
            raced |= {key: kind for (key, _, _), kind in zip(proposals, batch, strict=True)}
            ended.update(f"{kind}: {' / '.join(outcome)}" for kind, outcome in zip(batch, outcomes, strict=True))
            if batch == ["switch"]:
                do("engineer", "kill_switch.release", "agent:agent", {"reason": "raced"}, now())
    return raced, ended


def judge(raced: dict[str, str]) -> dict[str, int]:
    """What must be 0, and what happened."""
    from factolake.mes.approvals.models import Proposal
    from factolake.mes.audit.models import AuditEntry
    from factolake.mes.audit.verify import verify
    from factolake.mes.production.models import Operation

    effects = Counter(AuditEntry.objects.filter(action="operation.report").exclude(approval="").values_list("approval", flat=True))
    states = dict(Proposal.objects.values_list("proposal_id", "state"))
    switches = list(AuditEntry.objects.filter(action__startswith="kill_switch.").order_by("number").values_list("number", "action"))
    spans = [(on, off) for (on, what), (off, _) in pairwise(switches) if what == "kill_switch.create"]
    numbers = list(AuditEntry.objects.filter(actor="agent").values_list("number", flat=True))
    parts = int(Operation.objects.get(pk=OPERATION).good)
    return {
        "double effects": sum(times - 1 for times in effects.values()),
        "effects after the expiry": sum(effects[key] for key, kind in raced.items() if kind == "expired"),
        "effects of what was cancelled": sum(effects[key] for key in raced if states[key] == "cancelled"),
        "approved by two that both execute, without effect": sum(not effects[key] for key, kind in raced.items() if kind == "execute"),
        "effects without the state, or the state without": sum((states[key] == "executed") != (effects[key] == 1) for key in raced),
        "parts more or less than effects": abs(parts - sum(effects.values())),
        "entries of the agent behind a kill switch": sum(on < number < off for on, off in spans for number in numbers),
        "faults of the audit chain": len(verify().faults),
    }


def one_database(kind: str, races: int, seconds: float, seed: int) -> None:
    """Everything on one kind of database; in a process of its own, since Django starts once."""
    rng = random.Random(seed)
    with scratch() as root:
        root.chmod(0o755)  # the PostgreSQL wheel runs its server as another user
        with mes_database(kind, root) as (url, _):
            settings = Settings(home=root / "home", mes=MesSettings(url=url))
            start(settings)
            fill()
            began = time.monotonic()
            raced, ended = run(settings, rng.choices(list(SHARES), list(SHARES.values()), k=races), seconds)
            spent = time.monotonic() - began
            found = judge(raced) | {"moves that failed": sum(times for ending, times in ended.items() if "FAILED" in ending)}
            from django.db import connections

            connections.close_all()
    print(f"\n{kind}: {len(raced):,} of {races:,} races in {spent:,.0f} s (seed {seed})", flush=True)
    table(("ending", "races"), sorted(ended.items()))
    table(("must be 0", kind), list(found.items()))
    is_met = len(raced) == races and not any(found.values())
    print(f"{kind}: {found['double effects']} double effects in {len(raced):,} races; goal 0 in {races:,}: {'reached' if is_met else 'NOT reached'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=10_000)
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--seconds", type=float, default=3600, help="longest time of one database")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for kind in asked.databases:
        process = multiprocessing.get_context("spawn").Process(target=one_database, args=(kind, asked.races, asked.seconds, asked.seed))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{kind}: ended with {process.exitcode}")


if __name__ == "__main__":
    main()
