"""The gateway as a process: stopped in order, killed, started again."""

import asyncio
import os
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asyncua import ua
from opcua_double import NAMESPACE, LineServer

from factolake.bus.codec import decode
from factolake.bus.spool_bus import Spool
from factolake.config.settings import Settings
from factolake.contracts.ops import GAPS
from factolake.domain.clock import SystemClock
from factolake.edge.gateway import HEALTH_EVERY_S
from factolake.edge.health import SourceState, read_health
from factolake.lake.tables import Lake
from factolake.landing.run import run_landing

PLANT = Path(__file__).parents[2] / "conf" / "plant.toml"
GATEWAY = """
import asyncio, signal, sys
from pathlib import Path
from factolake.config import load_plant
from factolake.config.settings import Settings
from factolake.domain.clock import SystemClock
from factolake.edge.gateway import run_gateway

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run_gateway(Settings(home=Path(sys.argv[1])), load_plant(Path(sys.argv[2])), SystemClock(), stop)

asyncio.run(main())
"""


class Gateway:
    def __init__(self, home: Path, plant: Path) -> None:
        self.home, self.plant = home, plant

    async def start(self, crash: str = "") -> asyncio.subprocess.Process:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", GATEWAY, str(self.home), str(self.plant), env={**os.environ, "FACTOLAKE_CRASH": crash}
        )
        return self.process

    def rows(self) -> list[dict]:
        spool = Spool(self.home / "spool" / "spool.sqlite", 1 << 40, SystemClock())
        try:
            return [row for stored in spool.read(0, 1_000_000) for row in decode(stored.record)[1].to_pylist()]
        finally:
            spool.close()

    def values(self) -> list[dict]:
        return [row for row in self.rows() if row.get("tag")]

    def kinds(self) -> list[str]:
        return [row["kind"] for row in self.rows() if "kind" in row]

    def health(self):
        return read_health(self.home / "run").get("line1-opcua")


async def until(condition, seconds: float = 30.0):
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.05)
    return found


@pytest.fixture
async def line():
    async with LineServer() as line:
        # A source that has none of its declared tags is somebody else's and is not browsed for more.
        await line.add("L1-M1.State", 1, ua.VariantType.Int32)
        for i in range(20):
            await line.add(f"extra{i}", 0, ua.VariantType.Int64)
        yield line


@pytest.fixture
async def gateway(tmp_path, line):
    text = PLANT.read_text().replace("opc.tcp://127.0.0.1:4840/factolake/line1", line.url).replace("urn:factolake:plant:line1", NAMESPACE)
    plant = tmp_path / "plant.toml"
    plant.write_text(text.replace("publishing_interval_ms = 500", "publishing_interval_ms = 50"))
    gateway = Gateway(tmp_path / "home", plant)
    yield gateway
    if gateway.process.returncode is None:
        gateway.process.kill()
        await gateway.process.wait()


async def write(line: LineServer, values: range) -> None:
    for value in values:
        for i in range(20):
            await line.write(f"extra{i}", value, ua.VariantType.Int64)
        await asyncio.sleep(0.01)


async def test_a_gateway_told_to_stop_stores_all_it_received_and_says_so(gateway, line):
    process = await gateway.start()
    await until(lambda: gateway.health() and gateway.health().values >= 20)
    await write(line, range(1, 60))
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await process.wait() == 0
    health = gateway.health()
    assert health.state is SourceState.STOPPED
    assert health.values == len(gateway.values()) > 20
    assert gateway.kinds()[0] == "session" and gateway.kinds()[-1] == "session"
    by_tag = [row["value_i64"] for row in gateway.values() if row["tag"] == "extra3"]
    assert by_tag == list(range(by_tag[-1] + 1))


@pytest.mark.parametrize("point", ["edge.recv:9", "edge.spooled:9"])
async def test_a_gateway_killed_at_any_point_leaves_a_clean_spool_and_goes_on_with_a_gap(gateway, line, point):
    killed = await gateway.start(crash=point)
    await until(lambda: gateway.health() and gateway.health().stored_ts)
    last = 0
    async with asyncio.timeout(30):
        while killed.returncode is None:
            last += 1
            await write(line, range(last, last + 1))
    assert killed.returncode == -signal.SIGKILL
    survived = gateway.rows()
    await gateway.start()
    await until(lambda: [row for row in gateway.values() if row["value_i64"] == last])
    gateway.process.terminate()
    await gateway.process.wait()
    rows = gateway.rows()
    assert rows[: len(survived)] == survived
    keys = [(row["epoch"], row["seq"], row["idx"]) for row in rows]
    assert len(set(keys)) == len(keys)
    assert "gap" in gateway.kinds()


async def test_f1_the_gap_row_after_a_kill_spans_every_value_that_was_lost_and_little_more(gateway, line):
    killed = await gateway.start(crash="edge.recv:12")
    await until(lambda: gateway.health() and gateway.health().stored_ts)
    written: dict[int, datetime] = {}

    async def tell(values: range) -> None:
        for value in values:
            written[value] = datetime.now(UTC)
            await line.write("extra3", value, ua.VariantType.Int64, source_ts=written[value])
            await asyncio.sleep(0.01)

    async with asyncio.timeout(30):
        while killed.returncode is None:
            await tell(range(len(written) + 1, len(written) + 2))
    killed_at = datetime.now(UTC)
    await tell(range(len(written) + 1, len(written) + 20))
    started_at = datetime.now(UTC)
    await gateway.start()
    await until(lambda: [row for row in gateway.values() if row["value_i64"] == len(written)])
    gateway.process.terminate()
    await gateway.process.wait()
    told = [row for row in gateway.values() if row["tag"] == "extra3"]
    run_landing(Settings(home=gateway.home), SystemClock(), threading.Event(), once=True)
    (gap,) = Lake(gateway.home / "lake").open(GAPS).read().to_pylist()
    lost = [ts for value, ts in written.items() if value not in {row["value_i64"] for row in told}]
    assert len(lost) >= 18
    assert gap["from_ts"] <= min(lost) and max(lost) <= gap["to_ts"]
    assert killed_at - timedelta(seconds=HEALTH_EVERY_S + 2) <= gap["from_ts"] <= killed_at
    assert started_at <= gap["to_ts"] <= told[-1]["gateway_ts"]
    assert (gap["source_id"], gap["cause"], gap["status"]) == ("line1-opcua", "the gateway was not running", "unrecoverable")
