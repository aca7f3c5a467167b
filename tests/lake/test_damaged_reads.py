"""Reading a data file with a flipped bit: equal rows, a sentence, wrong rows or a dead process; the scrub names the file in every case."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from factolake.contracts import bronze, silver
from factolake.errors import DiskFull, TableDamaged
from factolake.lake.scrub import scrub
from factolake.lake.tables import Lake, translated
from factolake.lake.upkeep import Upkeep
from factolake.testing.damage import data_files, flip, rows

TABLE = bronze.READINGS
SEEDS = 150

READ = """
import sys
from pathlib import Path
from factolake.contracts import bronze
from factolake.errors import TableDamaged
from factolake.lake.tables import Lake
from factolake.testing.damage import data_files, flip
lake = Lake(Path(sys.argv[1]))
whole = lake.open(bronze.READINGS).read().sort_by("seq")
for seed in range(int(sys.argv[2]), int(sys.argv[3])):
    files = data_files(lake.open(bronze.READINGS))
    victim = files[seed % len(files)]
    before = flip(victim, seed)
    print(seed, victim, flush=True)
    try:
        found = lake.open(bronze.READINGS).read().sort_by("seq")
        print("equal" if found.equals(whole) else "wrong", flush=True)
    except TableDamaged as error:
        assert str(error).startswith("bronze.readings: version ") and "factolake scrub" in str(error), error
        print("refused", flush=True)
    victim.write_bytes(before)
"""


@pytest.mark.parametrize("is_merged", [False, True], ids=["as appended", "merged"])
def test_f29_every_flip_is_harmless_refused_or_loud_or_else_the_scrub_names_it(tmp_path: Path, is_merged: bool) -> None:
    lake = Lake(tmp_path / "lake")
    lake.ensure(TABLE)
    handle = lake.open(TABLE)
    for start in (0, 60, 120):
        handle.append(rows(TABLE, start, 60), {})
    if is_merged:
        Upkeep(handle).merge(dt.datetime.now(dt.UTC))
    now = dt.datetime.now(dt.UTC)
    assert scrub(lake, TABLE, now).damages == ()
    kept = {file: file.read_bytes() for file in data_files(handle)}
    outcomes: dict[int, str] = {}
    while len(outcomes) < SEEDS:
        outcomes |= read_flipped(lake, len(outcomes))
        for file, content in kept.items():
            file.write_bytes(content)
    assert set(outcomes.values()) <= {"equal", "wrong", "refused", "dead"}
    assert list(outcomes.values()).count("dead") < SEEDS // 20
    for seed, outcome in outcomes.items():
        victim = sorted(kept)[seed % len(kept)]
        before = flip(victim, seed)
        now += dt.timedelta(days=1)
        assert [damage.folder / damage.name for damage in scrub(lake, TABLE, now).damages] == [victim], outcome
        victim.write_bytes(before)


def read_flipped(lake: Lake, first: int) -> dict[int, str]:
    """How each read from seed `first` on ended, up to the one that took its process along (dead)."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", READ, str(lake.root), str(first), str(SEEDS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode in (0, -6), done.stderr[-2000:]
    outcomes: dict[int, str] = {}
    for line in done.stdout.splitlines():
        seed, _, victim = line.partition(" ")
        if victim:
            last = int(seed)
            outcomes[last] = "dead"
        else:
            outcomes[last] = line
    return outcomes


@pytest.mark.parametrize("seed", range(8))
def test_a_slice_whose_old_file_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, seed: int) -> None:
    lake = Lake(tmp_path)
    lake.ensure(silver.DOWNTIME)
    handle = lake.open(silver.DOWNTIME)
    handle.append(rows(silver.DOWNTIME, 0, 20), {})
    (victim,) = data_files(handle)
    victim.write_bytes(victim.read_bytes()[: -100 - seed])
    with pytest.raises(TableDamaged, match=r"silver\.downtime: a file with rows to be replaced cannot be read"):
        handle.replace(rows(silver.DOWNTIME, 3, 1), "machine = 'word 3'", {})


class PanicException(BaseException):
    """What a panic in Rust looks like from Python; the real class cannot be imported."""


def test_a_panic_in_rust_is_a_damaged_table_and_nothing_else_is() -> None:
    with pytest.raises(TableDamaged, match=r"bronze\.readings: version 3 cannot be read \(panic: index out of bounds\)"):
        with translated(TABLE.name, "version 3 cannot be read"):
            raise PanicException("index out of bounds")
    for other in (KeyboardInterrupt(), SystemExit(1), DiskFull("full")):
        with pytest.raises(type(other)), translated(TABLE.name, "version 3 cannot be read"):
            raise other
