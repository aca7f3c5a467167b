"""What `factolake demo` costs once the first KPI stands: share of one core of all its parts, memory slope. Goals: at most 70 %, memory flat.

Run: python benchmarks/demo_steady.py [--minutes 4]; `--minutes 30` is what the goal says. Dagster's pages are not part of the demo and not counted.
Memory is the sum of what each process has for itself (USS), its slope a straight line through the samples of the second half.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
from measuring import bytes_of, cpu_of, scratch, table


def part_of(process: psutil.Process) -> str:
    """Name of the part a process of the demo is."""
    words = process.cmdline()
    return next((name for name in ("plant", "edge", "land", "refine", "sync", "mes", "gate", "planner") if name in words), "supervisor")


def sample(root: psutil.Process) -> dict[str, tuple[float, float]]:
    """(CPU seconds, MiB of its own) by part."""
    found: dict[str, tuple[float, float]] = {}
    for process in (root, *root.children(recursive=False)):
        found[part_of(process)] = (cpu_of(process.pid) if process is not root else sum(root.cpu_times()[:2]), process.memory_full_info().uss / 2**20)
    return found


def run(home: Path, minutes: float, settle_s: float, seed: int) -> tuple[dict[str, object], list[float], list[dict[str, tuple[float, float]]]]:
    """(the demo's own JSON, sample times, samples)."""
    command = [sys.executable, "-m", "pipelines.cli", "demo", "--json", "--seed", str(seed)]
    with (home / "demo.log").open("wb") as log:
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, "FACTOLAKE_HOME": str(home / "lake")})
    assert demo.stdout is not None
    try:
        text = ""
        while not _is_whole(text):
            line = demo.stdout.readline().decode()
            if not line:
                raise SystemExit(f"the demo ended: {(home / 'demo.log').read_text()[-800:]}")
            text += line
        time.sleep(settle_s)
        root, times, samples = psutil.Process(demo.pid), [], []
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end:
            times.append(time.monotonic())
            samples.append(sample(root))
            time.sleep(5)
        return json.loads(text), times, samples
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(90)


def _is_whole(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--settle-s", type=float, default=20.0, help="wait after the first KPI")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    with scratch() as home:
        told, times, samples = run(home, asked.minutes, asked.settle_s, asked.seed)
        size = bytes_of(home / "lake")
    wall = times[-1] - times[0]
    rows = []
    for name in samples[-1]:
        share = 100 * (samples[-1][name][0] - samples[0][name][0]) / wall
        rows.append((name, f"{share:.1f}", *(f"{samples[i][name][1]:.0f}" for i in (0, len(samples) // 2, -1)), f"{slope(times, samples, name):.2f}"))
    table(("part", "% of a core", "MiB first", "MiB middle", "MiB last", "MiB/min"), rows)
    total = sum(float(row[1]) for row in rows)
    print(f"first KPI after {told['seconds_to_first_kpi']} s; {size / 2**20:.0f} MiB on disk at the end")
    print(f"all parts: {total:.0f} % of one core over {wall:.0f} s; goal <= 70 %: {'reached' if total <= 70 else 'NOT reached'}")
    growth = sum(slope(times, samples, name) for name in samples[-1])
    print(f"memory slope over the second half: {growth:+.2f} MiB a minute, all parts together")


def slope(times: list[float], samples: list[dict[str, tuple[float, float]]], name: str) -> float:
    """MiB a minute over the second half of the samples."""
    half = len(times) // 2
    return float(np.polyfit(np.array(times[half:]) / 60, [one[name][1] for one in samples[half:]], 1)[0]) if len(times) - half > 2 else 0.0


if __name__ == "__main__":
    main()
