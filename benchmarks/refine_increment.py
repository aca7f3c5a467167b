"""CPU seconds of refinement after the newest 1 % of the rows was landed, against making every table again from the same bronze. Goal: at most 0.10.

Run: python benchmarks/refine_increment.py [--hours 8] [--period 5] [--share 0.01] [--rounds 3]. Both on Sail inside this process, warm, in
turns; a round is one increment on a copy of the refined lake and one recomputation into fresh tables.
"""

import argparse
import shutil
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from measuring import CONF, DAY_START, SOURCES, copy_tables, refine, scratch, table, verdict

from factolake.config import load_plant
from factolake.contracts import bronze
from factolake.domain.clock import SystemClock
from factolake.domain.plant import PlantModel
from factolake.lake.engine import Engine, engine
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.refine.plant_model import record_plant
from factolake.refine.runner import Runner
from factolake.testing.tiny_lake import PlayedLine


def played(root: Path, model: PlantModel, hours: float, period_s: float, share: float, seed: int) -> tuple[Lake, Lake]:
    """(bronze without the newest `share` of the time, all of bronze)."""
    old, whole = Lake(root / "old"), Lake(root / "whole")
    scenario = load_scenario(CONF / "scenarios" / "default.toml", model)
    line = PlayedLine(whole, model, scenario, DAY_START, seed=seed, period_s=period_s, ledger=root / "truth.jsonl")
    line.play(DAY_START + timedelta(hours=hours * (1 - share)))
    copy_tables(whole, old, SOURCES)
    line.play(DAY_START + timedelta(hours=hours))
    line.close()
    return old, whole


def add_rest(lake: Lake, whole: Lake) -> int:
    """Land in `lake` what `whole` has beyond it; returns the rows of readings."""
    rows = 0
    for source in SOURCES:
        target, origin = lake.open(source), whole.open(source)
        fresh = origin.changes(target.version + 1, origin.version, list(source.column_names)).select(list(source.column_names))
        if fresh.num_rows:
            target.append(fresh, {})
        rows += fresh.num_rows if source is bronze.READINGS else 0
    return rows


def runner_on(lake: Lake, running: Engine, model: PlantModel) -> Runner:
    """A runner that has not read anything yet."""
    record_plant(lake, model, SystemClock())
    return Runner(lake, running, model, SystemClock())


def settle(runner: Runner, spent: Counter[str] | None = None) -> float:
    """CPU seconds of the passes that changed something; the one that shows that nothing is left is not counted."""
    total = 0.0
    while True:
        before, seen = time.process_time(), Counter[str]()
        changed = refine(runner, seen)
        if not changed:
            return total
        total += time.process_time() - before
        if spent is not None:
            spent.update(seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0, help="length of the history")
    parser.add_argument("--period", type=float, default=5.0, help="seconds between samples of a process value")
    parser.add_argument("--share", type=float, default=0.01, help="newest part of the history that is landed afterwards")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    model = load_plant(CONF / "plant.toml")
    with scratch() as root, engine("sail") as running:
        old, whole = played(root, model, asked.hours, asked.period, asked.share, asked.seed)
        settle(runner_on(old, running, model))  # not measured: it warms the engine and makes the state an increment starts from
        ratios, rows, parts_inc, parts_full = [], [], Counter[str](), Counter[str]()
        for number in range(1, asked.rounds + 1):
            copy, fresh = Lake(root / "copy"), Lake(root / "fresh")
            shutil.copytree(old.root, copy.root)
            at_work = runner_on(copy, running, model)
            settle(at_work)  # a refinery that runs has looked at its tables before the new rows come
            new = add_rest(copy, whole)
            increment = settle(at_work, parts_inc)
            copy_tables(whole, fresh, SOURCES)
            full = settle(runner_on(fresh, running, model), parts_full)
            total = fresh.open(bronze.READINGS).read(columns=["seq"]).num_rows
            ratios.append(increment / full)
            rows.append((number, f"{new:,} of {total:,}", increment, full, increment / full))
            shutil.rmtree(copy.root)
            shutil.rmtree(fresh.root)
        table(("round", "new rows", "increment CPU-s", "full CPU-s", "ratio"), rows)
        table(("refinement", "increment CPU-s", "full CPU-s"), [(n, parts_inc[n] / asked.rounds, parts_full[n] / asked.rounds) for n in parts_full])
        verdict("increment / full", ratios, "<= 0.10", sorted(ratios)[len(ratios) // 2] <= 0.10)


if __name__ == "__main__":
    main()
