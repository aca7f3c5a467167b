"""Kill -9 at named crash points while a plant sends: afterwards every event is in the lake once, judged by the senders' own ledgers.

Run: python benchmarks/kill_campaign.py [--kills 100] [--events 100000] [--seed 1] [--keep FOLDER]. Two installations at once: in the first a source
at the port of the spool feeds landing and refinery, which are killed and started again all the time (and the source too, on top of `--kills`);
in the second a live plant server feeds a gateway, which is killed. Then silver and gold are compared with those that an untouched refinery makes
of the same bronze. Prints one JSON line; ends with 1 unless nothing was lost or duplicated, the tables are the same, and every planned crash
point was reached as often as planned.
"""

import argparse
import contextlib
import datetime as dt
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from factolake.config import load_plant
from factolake.contracts import TABLES
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.gold import GOLD, SCHEDULE
from factolake.contracts.ops import CLOCK, LEDGER, QUARANTINE
from factolake.contracts.silver import PLANT_MODEL, SILVER
from factolake.lake.diff import difference
from factolake.lake.tables import Lake
from factolake.testing.judge import Verdict, judge, judge_plant, unreached
from pipelines.workspace import free_port

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "conf" / "scenarios" / "default.toml"
LAND_POINTS = ("read", "dead_letter.committed", "events.committed", "before_readings", "readings.committed", "synced", "released")
REFINE_POINTS = ("readings.computed", "readings.committed", "carry.committed", "quarantine.committed", "state_hours.committed", "oee_hour.committed")
EDGE_POINTS = ("edge.recv", "edge.spooled")
SOURCE_POINTS = ("source.intended", "source.appended")
ANYTIME = "anytime"
DERIVED = tuple(table for table in (*SILVER, *GOLD, QUARANTINE) if table not in (PLANT_MODEL, SCHEDULE))
PATIENCE_S = 60.0
LAST_LOOK_S = 8.0
VALUES_A_PORTION = 100  # about, with the shipped plant
SETTINGS = """
home = "{home}"
plant_file = "{home}/plant.toml"
[landing]
trigger_ms = 200
compact_every_s = 3
checkpoint_every_s = 10
[refinery]
interval_s = 0.2
"""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Where each part is to be killed, in order."""

    land: list[str]
    refine: list[str]
    edge: list[str]
    source: list[str]

    @property
    def planned(self) -> Counter[str]:
        return Counter([*self.land, *self.refine, *self.edge, *self.source])


def schedule(kills: int, rng: random.Random, *, with_edge: bool = True) -> Schedule:
    """`kills` kills over landing (about half), refinery, gateway and any moment; the source's own come on top."""
    anytime = kills * 9 // 100
    edge, refine = (kills // 10 if with_edge else 0), kills * 32 // 100
    land = kills - edge - refine - anytime
    return Schedule(
        _spread([f"land.{name}" for name in LAND_POINTS], land, rng, anytime - anytime // 2),
        _spread([f"refine.{name}" for name in REFINE_POINTS], refine, rng, anytime // 2),
        _spread(EDGE_POINTS, edge, rng),
        _spread(SOURCE_POINTS, max(2, kills // 10), rng),
    )


def _spread(points: Sequence[str], kills: int, rng: random.Random, anytime: int = 0) -> list[str]:
    chosen = [points[i % len(points)] for i in range(kills)] + [ANYTIME] * anytime
    rng.shuffle(chosen)
    return chosen


@dataclass(slots=True)
class Campaign:
    """One campaign in `folder`; `anytime` counts the kills at no named point, `failures` names parts that did not die where they should."""

    folder: Path
    events: int
    pace: float
    rng: random.Random
    anytime: int = 0
    failures: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def reached(self) -> Counter[str]:
        """Kills by point, by the words that the dying parts left in their logs."""
        lines = (line for log in self.folder.glob("*/logs/*.log") for line in log.read_text(encoding="utf-8").splitlines())
        counts = Counter(line.removeprefix("crash point ") for line in lines if line.startswith("crash point "))
        return counts + Counter({ANYTIME: self.anytime})

    def home(self, name: str) -> Path:
        """An installation of its own, made when first asked for."""
        home = self.folder / name
        if not home.exists():
            (home / "logs").mkdir(parents=True)
            (home / "factolake.toml").write_text(SETTINGS.format(home=home), encoding="utf-8")
            plant = (ROOT / "conf" / "plant.toml").read_text(encoding="utf-8").replace("127.0.0.1:4840", f"127.0.0.1:{free_port()}")
            (home / "plant.toml").write_text(plant, encoding="utf-8")
        return home

    def part(self, home: Path, *arguments: str, crash: str = "") -> "subprocess.Popen[bytes]":
        """A part of the installation as a process."""
        command = ["pipelines.cli", "--conf", str(home / "factolake.toml"), *arguments]
        return self._start(home / "logs" / f"{arguments[0]}.log", command, crash)

    def source(self, home: Path, start: str, pause_s: float, crash: str = "") -> "subprocess.Popen[bytes]":
        """The source at the port of the spool as a process."""
        options = ["--plant", str(home / "plant.toml"), "--scenario", str(SCENARIO), "--start", start]
        command = ["factolake.testing.ledgered_source", str(home), *options, "--values", str(self.events), "--pause", str(pause_s)]
        return self._start(home / "logs" / "source.log", command, crash)

    def kill(self, point: str, process: "subprocess.Popen[bytes]", after_s: float) -> None:
        """Wait for `process` to die at its crash point; for ANYTIME kill it after `after_s`."""
        try:
            if point == ANYTIME:
                time.sleep(after_s)
                process.kill()
            code = process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            stop(process)
            code = 0
        except BaseException:
            process.kill()
            raise
        with self._lock:
            self.anytime += point == ANYTIME and code == -signal.SIGKILL
            if code != -signal.SIGKILL:
                self.failures.append(f"{point}: the part ended with {code} instead of being killed")

    def run_to_end(self, home: Path, part: str) -> None:
        """The part with --once. Raises CalledProcessError when it fails."""
        process = self.part(home, part, "--once")
        if code := process.wait(600):
            raise subprocess.CalledProcessError(code, part, (home / "logs" / f"{part}.log").read_text(encoding="utf-8")[-3000:])

    def _start(self, log: Path, arguments: list[str], crash: str) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "FACTOLAKE_CRASH": crash, "PYTHONPATH": str(ROOT)}
        with log.open("ab") as out:
            return subprocess.Popen([sys.executable, "-m", *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a part in order."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def running(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    try:
        yield process
    finally:
        stop(process)


def spool_campaign(campaign: Campaign, plan: Schedule) -> Verdict:
    """Source, landing and refinery, killed each on its own thread; then all that was sent is landed and refined, and judged."""
    home, over = campaign.home("spool"), threading.Event()
    start = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=9)).replace(minute=0, second=0, microsecond=0).isoformat()
    pause_s = VALUES_A_PORTION / campaign.pace
    rngs = {name: random.Random(campaign.rng.random()) for name in ("source", "land", "refine")}

    def kill_all(part: str, points: list[str]) -> None:
        for point in points:
            passes = rngs[part].randint(1, 2) if part == "land" else 1
            campaign.kill(point, campaign.part(home, part, crash=f"{point}:{passes}"), rngs[part].uniform(1.0, 6.0))

    def send() -> None:
        for point in plan.source:
            campaign.kill(point, campaign.source(home, start, pause_s, f"{point}:{rngs['source'].randint(3, 20)}"), 0.0)
        with running(campaign.source(home, start, pause_s)):
            over.wait()

    sending, refining = threading.Thread(target=send), threading.Thread(target=kill_all, args=("refine", plan.refine))
    sending.start()
    refining.start()
    try:
        kill_all("land", plan.land)
        with running(campaign.part(home, "land")):  # the refinery's kills go on, and need something new to refine
            refining.join()
    finally:
        over.set()
        sending.join()
    if code := campaign.source(home, start, 0.0).wait(600):
        raise subprocess.CalledProcessError(code, "source")
    for part in ("land", "refine"):
        campaign.run_to_end(home, part)
    return judge(Lake(home / "lake"), home / "source" / "sent.jsonl")


def edge_campaign(campaign: Campaign, plan: Schedule) -> Verdict:
    """A live plant server and a gateway that is killed; what the plant sent outside the declared gaps must be there."""
    home = campaign.home("edge")
    truth = home / "truth.jsonl"
    now = dt.datetime.now(dt.UTC).isoformat()
    with contextlib.ExitStack() as last:
        with running(campaign.part(home, "plant", "--shift-start", now, "--truth", str(truth))):
            for point in plan.edge:
                campaign.kill(point, campaign.part(home, "edge", crash=f"{point}:{campaign.rng.randint(5, 15)}"), 0.0)
            last.enter_context(running(campaign.part(home, "edge")))
            time.sleep(LAST_LOOK_S)
        # The plant ended first and said its last values to a gateway that still listens, and gets a moment to store them.
        time.sleep(1.0)
    for part in ("land", "refine"):
        campaign.run_to_end(home, part)
    return judge_plant(Lake(home / "lake"), truth, load_plant(home / "plant.toml"))


def differences_from_fresh(campaign: Campaign, name: str) -> dict[str, int]:
    """Rows by which derived tables differ from those an untouched refinery makes of the same bronze; empty if none does."""
    home, fresh = campaign.home(name), campaign.home(f"{name}-fresh")
    for landed in (table for table in TABLES.values() if table.writer == "landing"):
        shutil.copytree(Lake(home / "lake").path(landed), Lake(fresh / "lake").path(landed))
    shutil.copy(home / "plant.toml", fresh / "plant.toml")
    campaign.run_to_end(fresh, "refine")
    tick = max(Lake(home / "lake").open(CLOCK).read(["tick_ts"])["tick_ts"].to_pylist()) + dt.timedelta(minutes=1)
    for place in (home, fresh):
        # That a machine fell silent is noticed at the first tick of the clock after its last readings were refined.
        Lake(place / "lake").open(CLOCK).append(pa.Table.from_pylist([{"tick_ts": tick, "tick_date": tick.date()}], arrow_schema(CLOCK)), {})
        campaign.run_to_end(place, "refine")
    differing = {}
    for table in DERIVED:
        columns = [column for column in table.column_names if column != "as_of"]
        left, right = (Lake(place / "lake").open(table).read(columns) for place in (home, fresh))
        if count := difference(left, right, columns).num_rows + difference(right, left, columns).num_rows:
            differing[table.name] = count
    return differing


def book_difference(home: Path) -> int:
    """What FactoLake's own books of the log say: 0 when they balance."""
    rows = Lake(home / "lake").open(LEDGER).read().to_pylist()
    return int(max(rows, key=lambda row: row["checked_ts"])["difference"])


def main() -> int:
    """Run a campaign; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=300.0, help="values a second while kills go on; the rest follows at once")
    parser.add_argument("--keep", type=Path, help="work in this empty folder and leave it")
    parser.add_argument("--quick", action="store_true", help="no gateway, and no comparison with tables made afresh")
    asked = parser.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="factolake-kills-"))
    campaign = Campaign(folder.resolve(), asked.events, asked.pace, random.Random(asked.seed))
    plan = schedule(asked.kills, campaign.rng, with_edge=not asked.quick)
    began = time.monotonic()
    try:
        verdicts = {"spool": spool_campaign(campaign, plan)}
        if plan.edge:
            verdicts["edge"] = edge_campaign(campaign, plan)
        books = {name: book_difference(campaign.home(name)) for name in verdicts}
        differing = {} if asked.quick else {name: differences_from_fresh(campaign, name) for name in verdicts}
        reached = campaign.reached
    finally:
        if asked.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    short = {point: count for point, count in plan.planned.items() if unreached([point], reached, count)}
    for name, verdict in verdicts.items():
        print(f"{name}:\n{verdict.sentences()}", file=sys.stderr)
    print("\n".join(campaign.failures), file=sys.stderr)
    summary = {
        "kills": sum(count for point, count in reached.items() if point not in SOURCE_POINTS),
        "source_kills": sum(reached[point] for point in SOURCE_POINTS),
        "points": dict(sorted(reached.items())),
        "not_reached_as_planned": short,
        "events": sum(verdict.events for verdict in verdicts.values()),
        "lost": sum(verdict.lost for verdict in verdicts.values()),
        "duplicated": sum(verdict.duplicated for verdict in verdicts.values()),
        "clean": all(verdict.clean for verdict in verdicts.values()) and not any(books.values()) and not any(differing.values()),
        "book_difference": books,
        "rows_unlike_fresh": differing,
        "wall_s": round(time.monotonic() - began),
    }
    print(json.dumps(summary), flush=True)
    return 0 if summary["clean"] and not short else 1


if __name__ == "__main__":
    sys.exit(main())
