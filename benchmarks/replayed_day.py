"""CPU of one refinery pass at hour 23 of a day against hour 1, and the bytes of a day on disk. Goal: at most 1.5.

Run: python benchmarks/replayed_day.py [--period 10] [--portion-min 10] [--live-passes 20]. A whole day is landed and refined in portions. In
hours 1 and 23 the line is slowed to what a live plant does, 1 s samples and a pass every 2 s; those passes are compared, the wide ones shown.
"""

import argparse
import statistics
import time
from collections import Counter
from datetime import timedelta

from measuring import CONF, DAY_START, bytes_of, refine, scratch, table

from factolake.config import load_plant
from factolake.contracts import TABLES, bronze
from factolake.domain.clock import SystemClock
from factolake.lake.engine import engine
from factolake.lake.tables import Lake
from factolake.lake.upkeep import Upkeep, oldest_needed
from factolake.plant.scenario import load_scenario
from factolake.refine.plant_model import record_plant
from factolake.refine.runner import Runner
from factolake.testing.tiny_lake import PlayedLine

COMPARED = (1, 23)
LIVE_S = 2.0
WARM_UP = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--period", type=float, default=10.0, help="seconds between samples outside of the compared passes")
    parser.add_argument("--portion-min", type=float, default=10.0, help="plant time landed before each wide pass")
    parser.add_argument("--live-passes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    model = load_plant(CONF / "plant.toml")
    wide: dict[int, list[float]] = {}
    live: dict[int, list[float]] = {}
    parts: dict[int, Counter[str]] = {hour: Counter() for hour in COMPARED}
    with scratch() as root, engine("sail") as running:
        lake = Lake(root / "lake")
        scenario = load_scenario(CONF / "scenarios" / "default.toml", model)
        line = PlayedLine(lake, model, scenario, DAY_START, seed=asked.seed, period_s=asked.period, ledger=root / "truth.jsonl")
        record_plant(lake, model, SystemClock())
        runner = Runner(lake, running, model, SystemClock())
        tended = {t.name: Upkeep(lake.open(t)) for t in (bronze.READINGS, bronze.EVENTS)}
        while line.now < DAY_START + timedelta(days=1):
            hour = int((line.now - DAY_START) / timedelta(hours=1))
            if hour in COMPARED and hour not in live and line.now - DAY_START >= timedelta(hours=hour, minutes=20):
                live[hour] = live_passes(line, runner, asked.live_passes, parts[hour], asked.period)
                print(f"hour {hour}, live: {statistics.median(live[hour]):.2f} CPU-s a pass", flush=True)
            line.play(line.now + timedelta(minutes=asked.portion_min))
            before = time.process_time()
            refine(runner)
            wide.setdefault(hour, []).append(time.process_time() - before)
            print(f"{line.now:%H:%M}: pass {wide[hour][-1]:.2f} CPU-s", flush=True)
        line.close()
        rows_landed = lake.open(bronze.READINGS).read(columns=["seq"]).num_rows
        size = bytes_of(lake.root)
        for one in TABLES.values():
            if lake.exists(one):
                upkeep = tended.get(one.name) or Upkeep(lake.open(one))
                lake_now = SystemClock().now() + timedelta(hours=2)  # as if the day had passed: what is older than the retention goes
                upkeep.tidy(lake_now, oldest_needed(lake, one), upkeep.merge(lake_now))
        tidied = bytes_of(lake.root)
    rows = [
        (f"hour {hour}", statistics.median(live[hour]), statistics.mean(live[hour]), statistics.median(wide[hour]))
        for hour in COMPARED
        if hour in live
    ]
    table(("", f"{LIVE_S:g} s pass, CPU-s median", "mean", f"{asked.portion_min:g} min pass, CPU-s median"), rows)
    spent = [(name, *(parts[hour][name] / asked.live_passes for hour in COMPARED)) for name in parts[COMPARED[0]]]
    table(("refinement, CPU-s a 2 s pass", *(f"hour {hour}" for hour in COMPARED)), sorted(spent, key=lambda row: -row[2]))
    disk = f"{size / 2**20:,.1f} MiB as written, {tidied / 2**20:,.1f} MiB after upkeep, {tidied / rows_landed:.1f} bytes a value"
    print(f"a day of {rows_landed:,} values: {disk}")
    ratio = statistics.median(live[COMPARED[1]]) / statistics.median(live[COMPARED[0]])
    print(f"pass at hour 23 / hour 1: {ratio:.2f}; goal <= 1.5: {'reached' if ratio <= 1.5 else 'NOT reached'}")


def live_passes(line: PlayedLine, runner: Runner, passes: int, spent: Counter[str], usual_s: float) -> list[float]:
    """CPU seconds of each of `passes` passes as a live plant makes them."""
    line.signals.period_s = 1.0
    line.play(line.now + timedelta(seconds=usual_s))  # the sample already due comes at the old pace
    refine(runner)
    found = []
    for number in range(WARM_UP + passes):
        line.play(line.now + timedelta(seconds=LIVE_S))
        before = time.process_time()
        refine(runner, spent if number >= WARM_UP else None)
        found.append(time.process_time() - before)
    line.signals.period_s = usual_s
    return found[WARM_UP:]


if __name__ == "__main__":
    main()
