"""Wall time of one warm refinery pass after two seconds of live data: the default engine against JVM Spark. Goal: at most 0.25.

Run: python benchmarks/small_cycle.py [--history-min 10] [--rounds 10] [--warm-up 3]. Both engines refine a lake of their own with the same rows,
in turns; a pass runs all refinements. The JVM is started and warm before the first measured pass.
"""

import argparse
import os
import statistics
import time
from datetime import timedelta
from pathlib import Path

from measuring import CONF, DAY_START, cpu_of, refine, scratch, table, verdict

from factolake.config import load_plant
from factolake.domain.clock import SystemClock
from factolake.domain.plant import PlantModel
from factolake.lake.engine import Engine, engine
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.refine.plant_model import record_plant
from factolake.refine.runner import Runner
from factolake.testing.tiny_lake import PlayedLine


class Side:
    """One engine with its lake and its line; both sides play the same seed."""

    def __init__(self, root: Path, running: Engine, model: PlantModel, seed: int) -> None:
        lake = Lake(root / "lake")
        scenario = load_scenario(CONF / "scenarios" / "default.toml", model)
        self.line = PlayedLine(lake, model, scenario, DAY_START, seed=seed, period_s=1.0, ledger=root / "truth.jsonl")
        record_plant(lake, model, SystemClock())
        self.runner = Runner(lake, running, model, SystemClock())

    def history(self, minutes: float) -> None:
        """Land and refine the time before the measured passes."""
        self.line.play(DAY_START + timedelta(minutes=minutes))
        while refine(self.runner):
            pass

    def measured(self, portion_s: float) -> tuple[float, float]:
        """(wall seconds, CPU seconds of all processes) of the pass after `portion_s` of new data."""
        self.line.play(self.line.now + timedelta(seconds=portion_s))
        wall, cpu = time.perf_counter(), cpu_of(os.getpid())
        refine(self.runner)
        return time.perf_counter() - wall, cpu_of(os.getpid()) - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history-min", type=float, default=10.0)
    parser.add_argument("--portion-s", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    model = load_plant(CONF / "plant.toml")
    with scratch() as root, engine("sail") as sail, engine("spark") as spark:
        sides = {"sail": Side(root / "sail", sail, model, asked.seed), "spark": Side(root / "spark", spark, model, asked.seed)}
        for side in sides.values():
            side.history(asked.history_min)
        passes: dict[str, list[tuple[float, float]]] = {"sail": [], "spark": []}
        for number in range(asked.warm_up + asked.rounds):
            found = {name: side.measured(asked.portion_s) for name, side in sides.items()}
            is_counted = number >= asked.warm_up
            walls = ", ".join(f"{name} {wall:.2f} s" for name, (wall, _) in found.items())
            print(f"{'pass' if is_counted else 'warm-up'}: {walls}", flush=True)
            for name, one in found.items():
                if is_counted:
                    passes[name].append(one)
    rows = [(name, statistics.median(w for w, _ in runs), statistics.median(c for _, c in runs)) for name, runs in passes.items()]
    table(("engine", "wall s a pass", "CPU-s a pass"), rows)
    ratios = [ours[0] / theirs[0] for ours, theirs in zip(passes["sail"], passes["spark"], strict=True)]
    verdict("sail / JVM Spark, wall", ratios, "<= 0.25", statistics.median(ratios) <= 0.25)


if __name__ == "__main__":
    main()
