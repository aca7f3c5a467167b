"""`recompute --check` beside retention: days whose readings are gone are taken over, and the days after them still come out equal."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from factolake.config import Settings, load_plant
from factolake.contracts import bronze, silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.testing.tiny_lake import PlayedLine
from pipelines.recompute import check
from pipelines.refinery import run_refinery

CONF = Path(__file__).parents[2] / "conf"
EVENTS = arrow_schema(bronze.EVENTS)
START = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)


def of_factomes(seq: int, at: datetime) -> dict[str, object]:
    """An event that makes an order, as landed at `at`."""
    order = {"order_id": f"PO-{seq}", "material_id": "G", "quantity": "10", "priority": 0, "line_id": "L1", "state": "planned"}
    payload = {"action": "order.create", "actor": "erp", "row": {**order, "counted_by": "both", "version": 1}}
    key = {"source_id": "factomes", "epoch": 1, "seq": seq, "idx": 0, "kind": "mes.order", "subject": f"PO-{seq}", "payload_schema": "json"}
    stamps = {"source_ts": at, "gateway_ts": at, "ingest_ts": at, "ingest_date": at.date(), "log_id": "tiny", "log_offset": seq}
    return {**key, **stamps, "payload": json.dumps(payload)}


def capture_of(seq: int, at: datetime) -> dict[str, object]:
    """A capture of the shipped plant's vibration point, as landed at `at`."""
    samples = np.sin(np.arange(8192) / 8).astype("<f4").tobytes()
    taken = {"machine": "L1-M2", "point": "drive_end", "ts": at, "day": at.date(), "sample_rate_hz": 8192.0, "n": 8192, "samples": samples}
    key = {"source_id": "daq", "epoch": 1, "seq": seq, "idx": 0, "log_id": "tiny", "log_offset": seq}
    return {**taken, **key, "gateway_ts": at, "ingest_ts": at, "ingest_date": at.date()}


@pytest.mark.slow
def test_a_day_no_longer_kept_is_no_difference_and_a_wrong_row_after_it_is(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, plant_file=CONF / "plant.toml")
    model, lake, clock = load_plant(settings.plant_file), Lake(settings.lake_root), ManualClock(START + timedelta(hours=3))
    line = PlayedLine(lake, model, load_scenario(CONF / "scenarios" / "steady.toml", model), START, period_s=60.0, ledger=tmp_path / "truth.jsonl")
    line.play(START + timedelta(hours=2, minutes=30))
    line.close()
    lake.open(bronze.EVENTS).append(pa.Table.from_pylist([of_factomes(1, START), of_factomes(2, START + timedelta(days=1))], EVENTS), {})
    lake.ensure(bronze.WAVEFORMS)
    captures = [capture_of(number, START + timedelta(minutes=minute)) for number, minute in enumerate((40, 95, 100))]
    lake.open(bronze.WAVEFORMS).append(pa.Table.from_pylist(captures, arrow_schema(bronze.WAVEFORMS)), {})
    run_refinery(settings, clock, threading.Event(), once=True)
    first = START.date().isoformat()
    for table, log in ((bronze.READINGS, {"tiny": 1}), (silver.READINGS, {}), (bronze.EVENTS, {"tiny": 1}), (bronze.WAVEFORMS, {"tiny": 1})):
        assert lake.open(table).forget(f"{table.partition_by[0]} = DATE '{first}'", first, log)
    run_refinery(settings, clock, threading.Event(), once=True)
    found = check(settings, clock)
    assert {difference.table: difference.rows for difference in found if difference.rows} == {}
    rows = {difference.table: difference.published_rows for difference in found}
    assert rows["silver.mes_changes"] == rows["silver.orders"] == 2, "the first order's message is no longer kept, and what it said is"
    assert rows["silver.features_vibration"] == 3, "the first capture's samples are no longer kept, and what they told is"
    assert rows["silver.carry"] and rows["silver.readings"] and rows["gold.oee_hour"]
    second = (START + timedelta(days=1)).date()
    lake.open(silver.COUNTS).replace(lake.open(silver.COUNTS).read().slice(0, 0), f"day = DATE '{second}'", {})
    assert {difference.table for difference in check(settings, clock) if difference.rows} == {"silver.counts"}
