"""Seconds from a change at the machine to bronze and to gold.oee_hour, with the real parts as processes. Goals: p95 <= 2 s and <= 10 s.

Run: python benchmarks/latency.py [--minutes 2] [--history-min 20]. The simulated plant serves over OPC UA at 1x; edge, land and refine run as
they ship. Bronze: states and counts by their source time. Gold: the k-th part of a machine's hour by the plant's ledger until pq reached k.
"""

import argparse
import datetime as dt
import os
import time

from live_line import PARTS, TRUTH, Seen, installation, supervise, to_bronze, to_gold
from measuring import CONF, cpu_of, percentile, scratch, table

from factolake.lake.tables import Lake
from factolake.plant.truth import load_truth


def row(name: str, seen: list[Seen], bar: float) -> tuple[object, ...]:
    """One line of the table."""
    seconds = [one.seconds for one in seen]
    if not seconds:
        raise SystemExit(f"{name}: nothing of what was sent is there")
    p95 = percentile(seconds, 0.95)
    return (name, len(seen), percentile(seconds, 0.5), p95, max(seconds), f"<= {bar:g}", "reached" if p95 <= bar else "NOT reached")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="live time that is measured")
    parser.add_argument("--settle-s", type=float, default=30.0, help="time the chain gets to catch up with the history first")
    parser.add_argument("--history-min", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    with scratch() as home:
        with installation(home, asked.history_min, asked.seed, CONF / "scenarios" / "micro_stops_and_scrap.toml") as (workspace, supervisor):
            supervise(supervisor, asked.settle_s)
            since, before, wall = dt.datetime.now(dt.UTC), cpu_of(os.getpid()), time.monotonic()
            supervise(supervisor, asked.minutes * 60)
            until, spent, wall = dt.datetime.now(dt.UTC), cpu_of(os.getpid()) - before, time.monotonic() - wall
            supervise(supervisor, 15)
        lake, truth = Lake(workspace.settings.lake_root), load_truth(home / TRUTH)
        bronze = [one for one in to_bronze(lake, truth, since) if one.ts <= until]
        gold = [one for one in to_gold(lake, truth, since) if one.ts <= until]
    rows = [row("bronze.readings", bronze, 2.0), row("gold.oee_hour", gold, 10.0)]
    table(("to", "changes", "p50 s", "p95 s", "max s", "goal p95", ""), rows)
    print(f"{', '.join(PARTS)} together took {100 * spent / wall:.0f} % of one core over these {wall:.0f} s")


if __name__ == "__main__":
    main()
