"""A damaged data file as the user meets it: found by landing's and the refinery's own turns, red in doctor, named by `factolake scrub`."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from factolake.bus.spool_bus import Spool
from factolake.config import Settings, load_plant
from factolake.config.settings import LandingSettings
from factolake.contracts import bronze, gold, ops, silver
from factolake.contracts.table import Table
from factolake.domain.clock import ManualClock, SystemClock
from factolake.lake.diff import difference
from factolake.lake.scrub import last_scrub, scrub
from factolake.lake.tables import Lake
from factolake.landing.bronze import LANDED, BronzeTables
from factolake.landing.run import Chores
from factolake.plant.scenario import load_scenario
from factolake.testing.damage import data_files, flip, rows
from factolake.testing.tiny_lake import PlayedLine
from pipelines.cli import app
from pipelines.refinery import run_refinery
from pipelines.scrubbing import NAMED_FILES, scrub_findings
from pipelines.tending import Tending

CONF = Path(__file__).parents[2] / "conf"
START = datetime(2026, 11, 20, 5, tzinfo=UTC)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", plant_file=CONF / "plant.toml")


def filled(lake: Lake, *tables: Table) -> None:
    for table in tables:
        lake.ensure(table)
        for start in (0, 10):
            lake.open(table).append(rows(table, start, 10), {})


def run(settings: Settings, *arguments: str) -> tuple[int, str]:
    file = settings.home.parent / "settings.toml"
    file.write_text(f'home = "{settings.home}"\nplant_file = "{settings.plant_file}"\n')
    done = CliRunner().invoke(app, ["--conf", str(file), *arguments])
    return done.exit_code, done.stdout


def test_scrub_prints_what_it_read_and_ends_with_one_when_a_file_is_damaged(settings: Settings) -> None:
    lake = Lake(settings.lake_root)
    filled(lake, bronze.READINGS, gold.OEE_SHIFT)
    code, text = run(settings, "scrub", "--json")
    told = json.loads(text)
    assert (code, told["damaged"], told["damages"]) == (0, 0, [])
    assert [(row["table"], row["files"], row["new"], row["damaged"]) for row in told["tables"]] == [
        ("bronze.readings", 2, 2, 0),
        ("gold.oee_shift", 2, 2, 0),
    ]
    victim = data_files(lake.open(gold.OEE_SHIFT))[0]
    before = flip(victim, 3)
    code, text = run(settings, "scrub", "--json")
    (damage,) = json.loads(text)["damages"]
    assert (code, damage["table"], damage["file"]) == (1, "gold.oee_shift", str(victim))
    assert len({damage["recorded"], damage["found"]}) == 2 and "made again from bronze" in damage["remedy"]
    code, text = run(settings, "scrub")
    assert code == 1 and str(victim) in text.replace("\n", "")
    victim.write_bytes(before)
    assert run(settings, "scrub")[0] == 0


def test_doctor_says_down_with_table_file_both_checksums_and_the_remedy(settings: Settings) -> None:
    lake = Lake(settings.lake_root)
    filled(lake, bronze.READINGS)
    run(settings, "scrub")
    victim = data_files(lake.open(bronze.READINGS))[0]
    flip(victim, 1)
    run(settings, "scrub")
    code, text = run(settings, "doctor", "--json")
    told = json.loads(text)
    (row,) = [row for row in told["parts"] if row["name"] == "bronze.readings"]
    last = last_scrub(lake, bronze.READINGS)
    assert last is not None
    assert (code, told["state"], row["state"], row["kind"]) == (1, "down", "down", "table")
    wanted = ("bronze/readings", victim.name, str(last.damages[0].recorded)[:12], last.damages[0].found[:12], "restore this file from a backup")
    assert [word for word in wanted if word not in row["cause"]] == []
    assert row["since"].startswith(last.damages[0].since.isoformat()[:19])


def test_doctor_says_how_long_ago_the_lake_was_looked_at(settings: Settings) -> None:
    lake = Lake(settings.lake_root)
    assert list(scrub_findings(settings, NOON)) == []
    filled(lake, bronze.READINGS, bronze.EVENTS)
    for table in (bronze.READINGS, bronze.EVENTS):
        scrub(lake, table, NOON)
    (finding,) = scrub_findings(settings, NOON + timedelta(hours=3))
    assert (finding.state, finding.cause) == ("healthy", "4 data files, each compared with its checksum within 3.0 h")
    (finding,) = scrub_findings(settings, NOON + timedelta(hours=49))
    assert finding.state == "degraded" and "run `factolake scrub`" in finding.cause


def test_doctor_names_a_few_of_many_damaged_files(settings: Settings) -> None:
    lake = Lake(settings.lake_root)
    lake.ensure(bronze.EVENTS)
    handle = lake.open(bronze.EVENTS)
    for number in range(NAMED_FILES + 3):
        handle.append(rows(bronze.EVENTS, number, 1), {})
    scrub(lake, bronze.EVENTS, NOON)
    for file in data_files(handle):
        file.unlink()
    scrub(lake, bronze.EVENTS, NOON, 0, whole=True)
    *named, more = [finding for finding in scrub_findings(settings, NOON) if finding.kind == "table"]
    assert len(named) == NAMED_FILES and more.cause.startswith("3 more data files are damaged")


def test_f29_landing_finds_a_flipped_byte_in_its_own_turns_and_goes_on(settings: Settings) -> None:
    lake = Lake(settings.lake_root)
    spool = Spool(settings.spool_file, 1 << 30, SystemClock())
    tables = BronzeTables(lake, settings.run_dir, 50)
    now = START
    try:
        for start in (0, 10):
            tables.commit(bronze.READINGS, rows(bronze.READINGS, start, 10), {})
        chores = Chores(tables, LandingSettings(compact_every_s=len(LANDED)))
        for _ in LANDED:
            now += timedelta(seconds=1)
            chores.step(now, spool)
        victim = data_files(tables.handle(bronze.READINGS))[0]
        flip(victim, 1)
        now += timedelta(days=1)
        with capture_logs() as told:
            for _ in LANDED:
                now += timedelta(seconds=1)
                chores.step(now, spool)
    finally:
        tables.close()
        spool.close()
    assert [line["table"] for line in told if line["event"] == "data file damaged"] == ["bronze.readings"]
    last = last_scrub(lake, bronze.READINGS)
    assert last is not None and [damage.name for damage in last.damages] == [victim.relative_to(lake.path(bronze.READINGS)).as_posix()]


def test_f29_the_refinery_finds_a_flipped_byte_in_its_own_turns_and_goes_on(settings: Settings) -> None:
    lake, clock = Lake(settings.lake_root), ManualClock(NOON)
    filled(lake, silver.PLANT_MODEL, silver.COUNTS, gold.LOSSES, ops.RUNS)
    tending = Tending(lake, settings.landing, clock)
    for _ in range(80):
        tending.step()
    victims = {table.name: data_files(lake.open(table))[0] for table in (silver.PLANT_MODEL, gold.LOSSES, ops.RUNS)}
    for seed, victim in enumerate(victims.values()):
        flip(victim, seed)
    clock.advance(86_400)
    with capture_logs() as told:
        for _ in range(80):
            tending.step()
    assert {line["table"] for line in told if line["event"] == "data file damaged"} == victims.keys()


@pytest.mark.slow
@pytest.mark.parametrize("table", [silver.READINGS, silver.COUNTS, gold.OEE_SHIFT], ids=lambda table: table.name)
def test_what_the_remedy_says_mends_a_refined_table(settings: Settings, table: Table) -> None:
    lake, model = Lake(settings.lake_root), load_plant(settings.plant_file)
    settings.home.mkdir(parents=True)
    line = PlayedLine(
        lake, model, load_scenario(CONF / "scenarios" / "steady.toml", model), START, period_s=30.0, ledger=settings.home / "truth.jsonl"
    )
    line.play(START + timedelta(minutes=30))
    line.close()

    def refine() -> None:
        run_refinery(settings, ManualClock(START + timedelta(hours=1)), threading.Event(), once=True)

    refine()
    before = lake.open(table).read()
    scrub(lake, table, NOON)
    flip(data_files(lake.open(table))[0], 1)
    (damage,) = scrub(lake, table, NOON + timedelta(days=1)).damages
    assert f"delete the folder {lake.path(table)}" in damage.remedy
    for file in sorted(Path(lake.path(table)).rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    refine()
    columns = [name for name in table.column_names if name != "as_of"]
    after = lake.open(table).read()
    assert before.num_rows and not difference(before, after, columns).num_rows and not difference(after, before, columns).num_rows
    assert scrub(lake, table, NOON + timedelta(days=2)).damages == ()
