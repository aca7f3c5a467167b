"""A whole installation of its own for benchmarks of the live line, and how long a change took to be seen in its tables.

When a table showed something is the time at which its commit came into being as a file, which a reader cannot beat.
"""

import dataclasses
import datetime as dt
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from factolake.bus.spool_bus import Spool
from factolake.config.settings import Settings
from factolake.contracts import bronze, gold
from factolake.contracts.table import Table
from factolake.domain.clock import SystemClock
from factolake.lake.durable import entry_file
from factolake.lake.tables import Lake
from factolake.plant.truth import Sent, Truth
from pipelines.supervisor import PartSpec, Supervisor
from pipelines.up import part_spec, spool_drained
from pipelines.workspace import Workspace, prepare

TICK_S = 0.2
PARTS = ("plant", "edge", "land", "refine")
TRUTH = Path("plant") / "truth.jsonl"
Shown = Mapping[tuple[str, dt.datetime], Sequence[tuple[float, int]]]
"""By machine and hour: when (epoch seconds, ascending) a table had how many parts."""


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """A change that really happened at `ts` and the seconds until a table showed it."""

    ts: dt.datetime
    machine: str
    signal: str
    seconds: float


@contextmanager
def installation(
    home: Path, history_min: float, seed: int, scenario: Path, parts: tuple[str, ...] = PARTS, *, keep_spool: bool = False
) -> Iterator[tuple[Workspace, Supervisor]]:
    """The demo's installation in `home` with `history_min` minutes played fast first; its parts run while in the block and end in order.

    With `keep_spool` the spool keeps what landing releases, so that someone else can read every record too.
    """
    clock = SystemClock()
    workspace = prepare(home, clock.now())
    start = clock.now() - dt.timedelta(minutes=history_min)
    specs: list[PartSpec] = []
    for name in parts:
        arguments = ("--seed", str(seed), "--shift-start", start.isoformat(), "--scenario", str(scenario)) if name == "plant" else ()
        specs.append(part_spec(name, workspace.settings_file, *arguments))
    settings = workspace.settings
    if keep_spool:
        _keep_released(settings, clock)
    supervisor = Supervisor(specs, settings.run_dir, clock, print, {"land": spool_drained(settings)})
    supervisor.start()
    try:
        yield workspace, supervisor
    finally:
        supervisor.stop()


def supervise(supervisor: Supervisor, seconds: float) -> None:
    """Let the parts run for `seconds`; ends the benchmark when one of them died."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        supervisor.tick()
        dead = [f"{name}: {part.cause}" for name, part in supervisor.parts.items() if part.restarts]
        if dead:
            raise SystemExit(f"a part died: {'; '.join(dead)}")
        time.sleep(TICK_S)


def commit_time(lake: Lake, table: Table, version: int) -> float:
    """When `version` of `table` came to be, epoch seconds."""
    return entry_file(lake.path(table), version).stat().st_mtime


def to_bronze(lake: Lake, truth: Truth, since: dt.datetime) -> list[Seen]:
    """Every change sent at or after `since` that is in bronze.readings; process samples are left out."""
    handle = lake.open(bronze.READINGS)
    first = next((v for v in range(handle.version + 1) if _exists(lake, v) and commit_time(lake, bronze.READINGS, v) >= since.timestamp()), None)
    if first is None:
        return []
    feed = handle.changes(first, handle.version, ["tag", "source_ts"])
    seen: dict[tuple[str, int], int] = {}
    for tag, ts, version in zip(*(feed[name].to_pylist() for name in ("tag", "source_ts", "_commit_version")), strict=True):
        if ts is not None and ts >= since:
            key = (tag, round(ts.timestamp() * 1_000_000))
            seen[key] = min(seen.get(key, version), version)
    times = {version: commit_time(lake, bronze.READINGS, version) for version in set(seen.values())}
    found = []
    for tag, signal, machine, ts in _discrete(truth, since):
        version = seen.get((tag, round(ts.timestamp() * 1_000_000)))
        if version is not None:
            found.append(Seen(ts, machine, signal, times[version] - ts.timestamp()))
    return found


def to_gold(lake: Lake, truth: Truth, since: dt.datetime) -> list[Seen]:
    """Every part counted at or after `since`, until gold.oee_hour first had at least that many parts in its machine's hour."""
    handle = lake.open(gold.OEE_HOUR)
    feed = handle.changes(1, handle.version, ["machine", "hour_ts", "pq"])
    shown: dict[tuple[str, dt.datetime], list[tuple[float, int]]] = defaultdict(list)
    for row in sorted(feed.to_pylist(), key=lambda row: row["_commit_version"]):
        if row["_change_type"] in ("insert", "update_postimage"):
            shown[(row["machine"], row["hour_ts"])].append((commit_time(lake, gold.OEE_HOUR, row["_commit_version"]), row["pq"]))
    first = truth.sent[0].ts.replace(minute=0, second=0, microsecond=0)
    # The very first value of a counter is where it stands and counts nothing, so one less may be all there is to see.
    return until_shown(truth, since, shown, lambda hour: hour == first)


def until_shown(truth: Truth, since: dt.datetime, shown: Shown, misses_first: Callable[[dt.datetime], bool]) -> list[Seen]:
    """Every part counted at or after `since`, until `shown` had at least that many in its machine's hour; those it never had are left out.

    `misses_first` tells the hours in which the table by its definition counts nothing for the first value of a counter.
    """
    found = []
    for one, hour, number in parts_made(truth):
        wanted = number - misses_first(hour)
        at = next((at for at, parts in shown.get((one.machine, hour), ()) if parts >= wanted), None)
        if one.ts >= since and at is not None:
            found.append(Seen(one.ts, one.machine, one.signal, at - one.ts.timestamp()))
    return found


def parts_made(truth: Truth) -> Iterator[tuple[Sent, dt.datetime, int]]:
    """(counter value sent, its hour, which one of its machine's hour it is, from 1)."""
    made: dict[tuple[str, dt.datetime], int] = defaultdict(int)
    for one in truth.sent:
        if one.signal == "total_count" and not one.status:
            hour = one.ts.replace(minute=0, second=0, microsecond=0)
            made[(one.machine, hour)] += 1
            yield one, hour, made[(one.machine, hour)]


def _keep_released(settings: Settings, clock: SystemClock) -> None:
    Spool(settings.spool_file, settings.spool.max_mib << 20, clock).close()
    with closing(sqlite3.connect(settings.spool_file)) as db:
        db.execute("CREATE TRIGGER keep BEFORE DELETE ON records BEGIN SELECT RAISE(IGNORE); END")


def _exists(lake: Lake, version: int) -> bool:
    return entry_file(lake.path(bronze.READINGS), version).exists()


def _discrete(truth: Truth, since: dt.datetime) -> Iterator[tuple[str, str, str, dt.datetime]]:
    """(tag, signal, machine, time) of states, counts and what else changes by itself; tags as the shipped plant forms them."""
    tags = {"state": "State", "mode": "Mode", "total_count": "Count.Total", "good_count": "Count.Good", "scrap_count": "Count.Scrap"}
    for one in truth.sent:
        if one.ts >= since and one.signal in tags:
            yield f"{one.machine}.{tags[one.signal]}", one.signal, one.machine, one.ts
