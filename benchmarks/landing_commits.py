"""CPU of a landing commit late in a table's life against early in it, upkeep running as it does in a plant. Goal: at most 2.

Run: python benchmarks/landing_commits.py [--commits 5000] [--window 100]. One record of 200 values a commit and one commit a simulated second,
so that merges (every 60 s) and clean-ups (every 600 s) come as often as they would; log entries bear the simulated time. `--commits 50000`
is what the goal says and takes an hour or so.
"""

import argparse
import datetime as dt
import os
import statistics
import time

import numpy as np
from landing_throughput import ROWS_A_RECORD, record
from measuring import bytes_of, scratch, table

from factolake.bus.spool_bus import Spool
from factolake.config.settings import LandingSettings
from factolake.contracts.bronze import READINGS
from factolake.domain.clock import ManualClock
from factolake.lake.durable import entry_file, versions
from factolake.lake.tables import Lake
from factolake.landing.bronze import BronzeTables
from factolake.landing.land import Landing
from factolake.landing.run import Chores

EARLY = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=5000)
    parser.add_argument("--window", type=int, default=100, help="commits that are averaged, at 100 and at the end")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    samples = [record(seq, rng) for seq in range(50)]
    steps, chores_spent = [], []
    with scratch() as root:
        clock = ManualClock(dt.datetime.now(dt.UTC) - dt.timedelta(seconds=asked.commits))
        spool = Spool(root / "spool.sqlite", 1 << 30, clock)
        tables = BronzeTables(Lake(root / "lake"), root / "run", 50)
        settings = LandingSettings()
        landing, chores = Landing(spool, tables, settings, clock), Chores(tables, settings)
        landing.start()
        handle = tables.handle(READINGS)
        stamped = -1  # the table was made now, which is later than the clock begins
        for number in range(asked.commits):
            clock.advance(1)
            spool.append([samples[number % len(samples)]])
            before = time.process_time()
            landing.step()
            stepped = time.process_time()
            chores.step(clock.now(), spool)
            steps.append(stepped - before)
            chores_spent.append(time.process_time() - stepped)
            stamp = clock.now().timestamp()
            for version in range(stamped + 1, handle.version + 1):  # an append, and now and then a merge after it
                os.utime(entry_file(handle.path, version), (stamp, stamp))
            stamped = handle.version
        files, entries, size = len(handle.files()), len(versions(handle.path)), bytes_of(root / "lake")
        tables.close()
        spool.close()
    half = asked.window // 2
    spans = {f"at commit {EARLY}": (EARLY - half, EARLY + half), f"at commit {asked.commits}": (asked.commits - asked.window, asked.commits)}
    rows = []
    for name, (start, end) in spans.items():
        mean, upkeep = statistics.mean(steps[start:end]) * 1000, statistics.mean(chores_spent[start:end]) * 1000
        rows.append((name, statistics.median(steps[start:end]) * 1000, mean, upkeep, mean + upkeep))
    table(("commit", "append ms (median)", "append ms (mean)", "upkeep ms (mean)", "both ms"), rows)
    kept = f"{files} data files live, {entries:,} log entries, {size / 2**20:,.1f} MiB on disk with what waits for removal"
    print(f"{asked.commits:,} commits of {ROWS_A_RECORD} values: {kept}")
    ratio, met = rows[1][2] / rows[0][2], "reached" if rows[1][2] <= 2 * rows[0][2] else "NOT reached"
    print(f"append at commit {asked.commits} / at {EARLY}: {ratio:.2f} (with upkeep {rows[1][4] / rows[0][4]:.2f}); goal <= 2: {met}")


if __name__ == "__main__":
    main()
