"""A small kill campaign with the real parts as processes; the full one is benchmarks/kill_campaign.py."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    options = ["--quick", "--kills", "10", "--events", "8000", "--keep", str(tmp_path / "plant")]
    command = [sys.executable, str(ROOT / "benchmarks" / "kill_campaign.py"), *options]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["kills"] == 10 and said["events"] >= 8000
    assert (said["lost"], said["duplicated"], said["clean"], said["not_reached_as_planned"]) == (0, 0, True, {})
    assert len(said["points"]) == 12


def test_a_hundred_kills_are_spread_over_many_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from kill_campaign import ANYTIME, SOURCE_POINTS, schedule

    for seed in range(5):
        planned = schedule(100, random.Random(seed)).planned
        counted = Counter({point: count for point, count in planned.items() if point not in SOURCE_POINTS})
        assert counted.total() == 100
        often = [point for point, count in counted.items() if count >= 5 and point != ANYTIME]
        assert len(often) >= 8
