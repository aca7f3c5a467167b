"""CPU of a refinery pass in which FactoMES changed nothing: all refinements against those without FactoMES's tables. Goal: at most 1.15.

Run: python benchmarks/idle_pass.py [--passes 60] [--every-s 1] [--history-min 30]. One lake with a played line and some orders; landing commits to
bronze between passes, as it does every second, without a value. Both sides pass over it in turns, each with its own process state and pacing.
"""

import argparse
import json
import statistics
import time
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from measuring import CONF, DAY_START, scratch, table, verdict

from factolake.config import load_plant
from factolake.config.settings import LandingSettings
from factolake.contracts import bronze, ops
from factolake.contracts.formats.arrow import arrow_schema
from factolake.domain.clock import SystemClock
from factolake.lake.engine import engine
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.refine.mes_changes import CHANGES, REFUSED
from factolake.refine.mes_tables import MES_ROWS
from factolake.refine.plant_model import record_plant
from factolake.refine.refinement import Refinement
from factolake.refine.registry import REFINEMENTS
from factolake.refine.runner import Runner
from factolake.testing.tiny_lake import PlayedLine
from pipelines.checks import judge
from pipelines.refinery import Refinery
from pipelines.report import DagsterReporter
from pipelines.tending import Tending

OF_FACTOMES = frozenset(one.name for one in (CHANGES, *MES_ROWS, REFUSED)) | {"downtime_pareto"}


def orders(count: int) -> pa.Table:
    """Events of FactoMES that make `count` orders."""
    rows = []
    for seq in range(1, count + 1):
        row = {"order_id": f"PO-{seq}", "material_id": "G", "quantity": "10", "due_ts": None, "priority": 0, "line_id": "L1", "state": "planned"}
        row |= {"counted_by": "both", "customer": "", "sales_order": "", "source_system": "", "version": 1}
        key = {"source_id": "factomes", "epoch": 1, "seq": seq, "idx": 0, "kind": "mes.order", "subject": f"PO-{seq}", "payload_schema": "json"}
        stamps = {"source_ts": DAY_START, "gateway_ts": DAY_START, "ingest_ts": DAY_START, "ingest_date": DAY_START.date()}
        payload = json.dumps({"action": "order.create", "actor": "planner", "row": row})
        rows.append({**key, **stamps, "payload": payload, "log_id": "tiny", "log_offset": seq})
    return pa.Table.from_pylist(rows, arrow_schema(bronze.EVENTS))


def land_nothing(lake: Lake) -> None:
    """What landing commits when nothing has come."""
    for one in (bronze.EVENTS, bronze.READINGS, ops.CLOCK):
        lake.open(one).append(arrow_schema(one).empty_table(), {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=60)
    parser.add_argument("--every-s", type=float, default=1.0)
    parser.add_argument("--history-min", type=float, default=30.0)
    asked = parser.parse_args()
    model = load_plant(CONF / "plant.toml")
    with scratch() as root, engine("sail") as running:
        lake, clock = Lake(root / "lake"), SystemClock()
        scenario = load_scenario(CONF / "scenarios" / "default.toml", model)
        line = PlayedLine(lake, model, scenario, DAY_START, period_s=10.0, ledger=root / "truth.jsonl")
        line.play(DAY_START + timedelta(minutes=asked.history_min))
        lake.open(bronze.EVENTS).append(orders(200), {})
        record_plant(lake, model, clock)
        without = tuple(one for one in REFINEMENTS if one.name not in OF_FACTOMES)

        def side(refinements: tuple[Refinement, ...]) -> Refinery:
            made = Refinery(Runner(lake, running, model, clock, checks=judge), clock, DagsterReporter(Path(), 1e9), refinements)
            while made.cycle(everything=True):
                pass
            return made

        sides = {"all": side(REFINEMENTS), "without FactoMES's": side(without)}
        tending = Tending(lake, LandingSettings(), clock)
        spent: dict[str, list[float]] = {name: [] for name in (*sides, "tending")}
        for _ in range(asked.passes):
            land_nothing(lake)
            for name, refinery in sides.items():
                before = time.process_time()
                refinery.cycle()
                spent[name].append((time.process_time() - before) * 1000)
            before = time.process_time()
            tending.step()
            spent["tending"].append((time.process_time() - before) * 1000)
            time.sleep(asked.every_s)
    rows = [(name, statistics.mean(found), statistics.median(found), max(found)) for name, found in spent.items()]
    table(("refinements", "CPU ms a pass, mean", "median", "most"), rows)
    ratio = statistics.mean(spent["all"]) / statistics.mean(spent["without FactoMES's"])
    verdict("all / without FactoMES's, CPU of an idle pass", [ratio], "<= 1.15", ratio <= 1.15)


if __name__ == "__main__":
    main()
