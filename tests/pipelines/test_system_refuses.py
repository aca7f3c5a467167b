"""F35: too few open files, a read-only disk. One sentence, the right exit code, and afterwards everything is there once."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command_line import REPOSITORY, environment, factolake, sentence, wait_for
from mount_space import apart, within

from factolake.bus.spool_bus import Spool
from factolake.config import Settings, load_plant
from factolake.contracts.bronze import READINGS
from factolake.domain.clock import SystemClock
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.testing.judge import judge
from factolake.testing.ledgered_source import LedgeredSource

CONF = REPOSITORY / "conf"
MODEL = load_plant(CONF / "plant.toml")


class Plant:
    """A source with its own ledger at the port of the spool of `home`."""

    def __init__(self, home: Path) -> None:
        self.home, self.lake, self.ledger = home, Lake(home / "lake"), home.parent / "sent.jsonl"
        self.lake.root.mkdir(parents=True)
        self.spool = Spool(Settings(home=home).spool_file, 1 << 30, SystemClock())
        scenario = load_scenario(CONF / "scenarios" / "default.toml", MODEL)
        start = datetime.now(UTC) - timedelta(minutes=10)
        self.source = LedgeredSource(MODEL, scenario, start, self.spool, self.ledger, epoch=1)

    def send(self, portions: int = 3) -> None:
        for _ in range(portions):
            self.source.send_portion()

    def landed(self) -> int:
        return self.lake.open(READINGS).read(["seq"]).num_rows if self.lake.exists(READINGS) else 0

    def read_only(self) -> list[str]:
        return apart(self.lake.root, ("--bind", f"'{self.lake.root}'"), ("-o", "remount,bind,ro"))

    def is_whole(self) -> bool:
        """Whether all that was sent is in bronze once, after what waits was landed."""
        assert factolake(self.home, "land", "--once").returncode == 0
        found = judge(self.lake, self.ledger).of(READINGS.name)
        return found.due > 0 and found.faults == 0


@pytest.fixture
def plant(home: Path) -> Plant:
    return Plant(home)


@pytest.mark.parametrize("part", ["land", "refine", "edge"])
def test_f35_too_few_open_files_are_one_sentence(plant: Plant, part: str) -> None:
    plant.send()
    done = factolake(plant.home, part, *(["--once"] if part != "edge" else []), under=("prlimit", "--nofile=16:16"))
    assert done.returncode == 78
    assert "open files (ulimit -n) is 16; allowed: 256 or more" in sentence(done)
    assert plant.landed() == 0


def test_f35_a_low_limit_that_may_be_raised_is_raised(plant: Plant) -> None:
    plant.send()
    assert factolake(plant.home, "land", "--once", under=("prlimit", "--nofile=16:")).returncode == 0
    assert plant.landed() > 0
    assert plant.is_whole()


@pytest.mark.slow
def test_f35_a_read_only_lake_is_one_sentence_and_costs_nothing(plant: Plant) -> None:
    plant.send()
    for part in ("land", "refine"):
        done = factolake(plant.home, part, "--once", under=plant.read_only())
        assert done.returncode == 74
        assert sentence(done).endswith(f"the system refuses {plant.lake.root}: Read-only file system; mount it writable, then it goes on")
    assert plant.landed() == 0
    assert plant.is_whole()
    assert factolake(plant.home, "refine", "--once").returncode == 0
    assert judge(plant.lake, plant.ledger).clean


@pytest.mark.slow
def test_f35_landing_lives_through_a_disk_that_is_read_only_for_a_while(plant: Plant) -> None:
    plant.send()
    under = apart(plant.lake.root, ("--bind", f"'{plant.lake.root}'"))
    command = [*under, sys.executable, "-m", "pipelines.cli", "land"]
    log = plant.home.parent / "land.log"
    with log.open("w") as out:
        landing = subprocess.Popen(command, cwd=plant.home.parent, env=environment(plant.home), stderr=out)
    try:
        wait_for(lambda: plant.spool.depth().records == 0)
        assert within(landing.pid, f"mount --bind '{plant.lake.root}' '{plant.lake.root}'")
        # A mount is busy while somebody writes through it, and landing may just be writing.
        wait_for(lambda: within(landing.pid, f"mount -o remount,bind,ro '{plant.lake.root}'"))
        before = plant.landed()
        plant.send()
        wait_for(lambda: "Read-only file system" in log.read_text())
        assert (plant.landed(), landing.poll()) == (before, None)
        wait_for(lambda: within(landing.pid, f"umount '{plant.lake.root}'"))
        wait_for(lambda: plant.spool.depth().records == 0)
        landing.send_signal(signal.SIGTERM)
        assert landing.wait(60) == 0
    finally:
        landing.kill()
    assert plant.is_whole()
