"""The plant and the platform's own connector, over real OPC UA: a shift played fast arrives whole, judged by the plant's ledger."""

import asyncio
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from factolake.bus.codec import decode
from factolake.bus.port import READINGS_SCHEMA, Record
from factolake.config.plant import load_plant
from factolake.domain.clock import SystemClock
from factolake.edge.opcua import OpcUaConnector
from factolake.plant.run import PlantOptions, run_plant, run_recording
from factolake.plant.scenario import load_scenario
from factolake.plant.truth import load_truth

CONF = Path(__file__).parents[2] / "conf"
BAD_WAITING_FOR_INITIAL_DATA = 0x80320000


class ListLog:
    """A log that keeps its records in memory."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def append(self, records: Sequence[Record]) -> int:
        self.records += records
        return len(self.records)

    def readings(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = []
        for record in self.records:
            if record.headers["schema"] == READINGS_SCHEMA:
                rows += [row for row in decode(record)[1].to_pylist() if row["tag"] and row["status"] != BAD_WAITING_FOR_INITIAL_DATA]
        return rows


def free_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"opc.tcp://127.0.0.1:{free.getsockname()[1]}/plant"


async def until(condition: object, seconds: float) -> None:
    for _ in range(round(seconds / 0.1)):
        if condition():  # type: ignore[operator]
            return
        await asyncio.sleep(0.1)


async def test_a_shift_played_fast_lands_whole(tmp_path: Path) -> None:
    model, url, log, stop = load_plant(CONF / "plant.toml"), free_url(), ListLog(), asyncio.Event()
    scenario = load_scenario(CONF / "scenarios" / "everything.toml", model)
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    options = PlantOptions(shift_start=end - timedelta(hours=1), until=end, url=url, ledger=tmp_path / "truth.jsonl")
    connector = OpcUaConnector(replace(model.sources["line1-opcua"], url=url), [s.tag for s in model.signals], log, SystemClock())
    serving = asyncio.create_task(connector.run(stop))
    run = await run_plant(model, scenario, options, SystemClock(), asyncio.Event())
    stop.set()
    await serving
    truth = load_truth(tmp_path / "truth.jsonl")
    rows = log.readings()
    assert run.values == sum(truth.counts.values()) > 30_000
    assert Counter(row["tag"] for row in rows) == truth.counts
    tags = {s.tag: s for s in model.signals}
    states = [(row["source_ts"], row["value_i64"]) for row in rows if row["tag"] == "L1-M3.State"]
    assert states == [(s.ts, s.value) for s in truth.sent if s.machine == "L1-M3" and s.signal == "state"]
    assert {row["unit_raw"] for row in rows if tags[str(row["tag"])].name == "air_pressure"} == {"KPA"}


async def test_a_recording_at_full_speed_lands_whole() -> None:
    model, url, log, stop, done = load_plant(CONF / "examples" / "nist.toml"), free_url(), ListLog(), asyncio.Event(), asyncio.Event()
    file = next((CONF / "examples" / "recordings").glob("*.gz"))
    source = replace(model.sources["mazak03"], url=url)
    declared = [s.tag for s in model.signals if s.machine == "Mazak03"]
    serving = asyncio.create_task(OpcUaConnector(source, declared, log, SystemClock()).run(stop))
    ended = asyncio.Event()
    playing = asyncio.create_task(run_recording(model, file, ended, url=url, on_done=lambda _: done.set()))
    await asyncio.wait_for(done.wait(), 120)
    ended.set()
    played = await playing
    stop.set()
    await serving
    rows = log.readings()
    assert len(rows) == played.values - played.repeats
    assert sum(row["tag"] == "Mazak03.execution" and row["value_text"] == "ACTIVE" for row in rows) == 30
    assert {row["value_kind"] for row in rows} == {"text"}
