"""The judge: silent about a plant that works, and never about one with a seeded bug."""

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest
from seeded_bugs import (
    MODEL,
    SCENARIO,
    START,
    DropsOldest,
    ForgetsPosition,
    NeverReleased,
    ReleasesFirst,
    SmallPlant,
    position_without_rows,
    without_anti_join,
)

from factolake.contracts import bronze, ops, silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.domain.clock import ManualClock
from factolake.lake.engine import Engine
from factolake.lake.tables import Lake
from factolake.refine.readings import READINGS
from factolake.refine.runner import Runner
from factolake.testing.judge import judge_plant, unreached
from factolake.testing.sent_ledger import SentLedger, SentMessage, read_sent
from factolake.testing.tiny_lake import PlayedLine

SILVER, BRONZE = silver.READINGS.name, bronze.READINGS.name


def test_a_plant_that_works_is_clean(tmp_path: Path, sail: Engine) -> None:
    plant = SmallPlant(tmp_path, sail)
    for _ in range(3):
        plant.turn(portions=7)
    verdict = plant.judged()
    assert verdict.clean, verdict.sentences()
    assert verdict.events > 1000
    assert all(table.due > 0 for table in verdict.tables), verdict.sentences()
    # Each start sent the last values again: they are in bronze twice and in silver once.
    assert verdict.of(BRONZE).due - verdict.of(ops.QUARANTINE.name).due > verdict.of(SILVER).due


def test_bug_1_landing_releases_before_it_commits(tmp_path: Path, sail: Engine) -> None:
    plant = SmallPlant(tmp_path, sail)
    plant.turn()
    plant.turn(ReleasesFirst)
    plant.turn()
    verdict = plant.judged()
    assert verdict.of(BRONZE).lost > 0 and verdict.of(SILVER).lost > 0 and not verdict.clean


def test_bug_2_landing_forgets_its_position(tmp_path: Path, sail: Engine) -> None:
    plant = SmallPlant(tmp_path, sail, NeverReleased)
    plant.turn(ForgetsPosition)
    plant.turn(ForgetsPosition)
    verdict = plant.judged()
    assert verdict.of(BRONZE).duplicated > 0 and not verdict.clean
    # Silver looks at the message key: it holds even against such a landing.
    assert verdict.of(SILVER).faults == 0


def test_bug_3_the_spool_drops_its_oldest_records(tmp_path: Path, sail: Engine) -> None:
    plant = SmallPlant(tmp_path, sail, DropsOldest)
    plant.turn(portions=8)
    verdict = plant.judged()
    assert verdict.of(BRONZE).lost > 0 and verdict.of(SILVER).lost > 0 and not verdict.clean


def test_bug_4_silver_does_not_look_at_what_it_holds(tmp_path: Path, sail: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    without_anti_join(monkeypatch)
    plant = SmallPlant(tmp_path, sail)
    plant.turn()
    plant.turn()
    verdict = plant.judged()
    assert verdict.of(SILVER).duplicated > 0 and not verdict.clean
    assert verdict.of(BRONZE).faults == 0


def test_bug_5_a_position_moves_without_its_rows(tmp_path: Path, sail: Engine) -> None:
    plant = SmallPlant(tmp_path, sail)
    plant.turn()
    with pytest.MonkeyPatch.context() as patch:
        position_without_rows(patch)
        plant.turn()
    plant.turn()
    verdict = plant.judged()
    assert verdict.of(SILVER).lost > 0 and not verdict.clean
    assert verdict.of(BRONZE).faults == 0


def test_values_changed_on_the_way_and_rows_from_nowhere_are_told(tmp_path: Path, sail: Engine) -> None:
    plant = SmallPlant(tmp_path, sail)
    plant.turn()
    lines = [json.loads(line) for line in plant.ledger.read_text().splitlines()]
    readings = [line for line in lines if line[0] == "i" and line[1] == "readings"]
    temperature = next(value for value in readings[0][5] if value[0].endswith("Motor.Temperature"))
    temperature[2] += 1e-9  # said otherwise in bronze; the number silver shall hold stays
    coolant = next(value for value in readings[1][5] if value[0].endswith("Coolant.Temperature"))
    coolant[3] += 0.5
    dropped = (readings[2][2], readings[2][3])
    kept = [line for line in lines if (line[2:4] if line[0] == "i" else line[1:3]) != list(dropped)]
    plant.ledger.write_text("".join(json.dumps(line) + "\n" for line in kept))
    verdict = plant.judged()
    assert (verdict.of(BRONZE).wrong, verdict.of(SILVER).wrong) == (1, 1)
    assert verdict.of(BRONZE).strange > 0 and verdict.of(SILVER).strange > 0
    assert not verdict.clean and (verdict.lost, verdict.duplicated) == (0, 0)


def test_a_message_that_was_never_confirmed_may_be_missing_and_no_more(tmp_path: Path, sail: Engine) -> None:
    plant = SmallPlant(tmp_path, sail)
    plant.turn()
    ghost = next(message for message, _ in read_sent(plant.ledger) if message.kind == "readings")
    shifted = tuple(value._replace(ts_us=value.ts_us + 1) for value in ghost.values)
    ledger = SentLedger(plant.ledger)
    ghost = SentMessage("readings", 99, 1, ghost.until_us, shifted)
    ledger.intend([ghost])
    assert plant.judged().clean and plant.judged().of(BRONZE).open == len(shifted)
    ledger.confirm([ghost])
    ledger.close()
    assert plant.judged().of(BRONZE).lost == len(shifted)


def test_a_ledger_torn_by_a_kill_is_read_and_written_on(tmp_path: Path) -> None:
    path = tmp_path / "sent.jsonl"
    first, second = (SentMessage("event", 1, seq, 0, ()) for seq in (1, 2))
    ledger = SentLedger(path)
    ledger.intend([first])
    ledger.close()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-5])
    assert read_sent(path) == [(first, False)]
    ledger = SentLedger(path)
    ledger.confirm([first])
    ledger.intend([second])
    ledger.close()
    assert read_sent(path) == [(first, True), (second, False)]


def test_an_empty_lake_has_lost_everything(tmp_path: Path, sail: Engine) -> None:
    plant = SmallPlant(tmp_path, sail)
    plant.turn()
    plant.lake = Lake(tmp_path / "nothing")
    verdict = plant.judged()
    assert verdict.of(BRONZE).lost == verdict.of(BRONZE).due > 0
    plant.ledger.write_text("")
    assert not plant.judged().clean  # nothing sent is no success either


def test_a_live_plant_is_excused_only_within_a_declared_gap(tmp_path: Path, sail: Engine) -> None:
    lake, clock = Lake(tmp_path / "lake"), ManualClock(START + dt.timedelta(hours=1))
    line = PlayedLine(lake, MODEL, SCENARIO, START, ledger=tmp_path / "truth.jsonl")
    line.play(START + dt.timedelta(minutes=4), dt.timedelta(minutes=1))
    line.close()
    Runner(lake, sail, MODEL, clock).run(READINGS)
    assert judge_plant(lake, tmp_path / "truth.jsonl", MODEL).clean
    first, last = START + dt.timedelta(minutes=2), START + dt.timedelta(minutes=3)
    handle = lake.open(silver.READINGS)
    before = handle.read().num_rows
    handle.replace(arrow_schema(silver.READINGS).empty_table(), f"ts >= '{first.isoformat()}' AND ts <= '{last.isoformat()}'", {})
    gone = before - lake.open(silver.READINGS).read().num_rows
    assert judge_plant(lake, tmp_path / "truth.jsonl", MODEL).lost == gone > 0
    declare(lake, first, last - dt.timedelta(seconds=20))
    half = judge_plant(lake, tmp_path / "truth.jsonl", MODEL)
    assert 0 < half.lost < gone
    declare(lake, first, last)
    assert judge_plant(lake, tmp_path / "truth.jsonl", MODEL).clean


def declare(lake: Lake, first: dt.datetime, last: dt.datetime) -> None:
    lake.ensure(ops.GAPS)
    row = {"source_id": "line1-opcua", "from_ts": first, "to_ts": last, "cause": "session lost", "status": "unrecoverable", "recorded_ts": last}
    lake.open(ops.GAPS).append(pa.Table.from_pylist([row], arrow_schema(ops.GAPS)), {})


def test_a_campaign_that_never_reached_a_point_is_told() -> None:
    assert unreached(["a", "b", "b", "c"], {"a": 1, "b": 1}, 1) == ["c"]
    assert unreached(["a", "b"], {"a": 1, "b": 2}, 2) == ["a"]
