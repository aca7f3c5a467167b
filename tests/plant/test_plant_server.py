"""A real server and a plain asyncua client: what the plant's ledger says was sent is what arrives."""

import asyncio
import socket
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asyncua import Client, ua

from factolake.bus.codec import decode
from factolake.bus.port import Record
from factolake.config.plant import load_plant
from factolake.domain.clock import ManualClock
from factolake.errors import PortInUse
from factolake.plant.recording import load_recording
from factolake.plant.run import PlantOptions, run_plant, run_recording
from factolake.plant.scenario import load_scenario
from factolake.plant.server import PlantServer, PreciseTime
from factolake.plant.truth import load_truth

CONF = Path(__file__).parents[2] / "conf"
START = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
NAMESPACE = "urn:factolake:plant:line1"


class Listener:
    """Collects every data change of its subscription as (tag, source stamp, value, status)."""

    def __init__(self) -> None:
        self.got: dict[str, list[tuple[datetime, object, int]]] = defaultdict(list)
        self.count = 0

    def datachange_notification(self, node: object, value: object, data: object) -> None:
        item = data.monitored_item.Value  # type: ignore[attr-defined]
        self.got[node.nodeid.Identifier].append((item.SourceTimestamp, value, item.StatusCode.value))  # type: ignore[attr-defined]
        self.count += 1

    def status_change_notification(self, status: object) -> None:
        """The server says goodbye."""


async def subscribe(client: Client, namespace: str, tags: list[str]) -> Listener:
    listener = Listener()
    index = await client.get_namespace_index(namespace)
    subscription = await client.create_subscription(100, listener)
    wanted = ua.DataChangeFilter(ua.DataChangeTrigger.StatusValueTimestamp)
    items = [
        subscription._make_monitored_item_request(
            client.get_node(ua.NodeId(tag, index)), ua.AttributeIds.Value, wanted, 10_000, ua.MonitoringMode.Reporting, 0.0
        )
        for tag in tags
    ]
    await subscription.create_monitored_items(items)
    return listener


async def connected(url: str) -> Client:
    for _ in range(100):
        client = Client(url)
        try:
            await client.connect()
            return client
        except OSError:
            await asyncio.sleep(0.1)
    raise AssertionError(f"no server at {url}")


async def settled(listener: Listener, count: int) -> None:
    for _ in range(200):
        if listener.count >= count:
            return
        await asyncio.sleep(0.05)


@pytest.fixture
def url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"opc.tcp://127.0.0.1:{free.getsockname()[1]}/plant"


async def test_everything_sent_arrives_in_order_with_its_stamp(url: str, tmp_path: Path) -> None:
    model = load_plant(CONF / "plant.toml")
    scenario = load_scenario(CONF / "scenarios" / "everything.toml", model)
    end = START + timedelta(minutes=20)
    options = PlantOptions(shift_start=START, until=end, url=url, ledger=tmp_path / "truth.jsonl")
    stop = asyncio.Event()
    plant = asyncio.create_task(run_plant(model, scenario, options, ManualClock(end + timedelta(hours=1)), stop))
    client = await connected(url)
    listener = await subscribe(client, NAMESPACE, [s.tag for s in model.signals])
    run = await plant
    truth = load_truth(tmp_path / "truth.jsonl")
    await settled(listener, run.values + len(model.signals))
    tags = {(s.machine, s.name): s.tag for s in model.signals}
    expected: dict[str, list[tuple[datetime, object, int]]] = defaultdict(list)
    for sent in truth.sent:
        expected[tags[sent.machine, sent.signal]].append((sent.ts, sent.value, sent.status))
    assert run.values == len(truth.sent) > 10_000
    for tag, values in expected.items():
        assert listener.got[tag][0][2] == ua.StatusCodes.BadWaitingForInitialData
        assert listener.got[tag][1:] == values, tag
    await client.disconnect()


async def test_nodes_say_their_type_unit_and_state_words(url: str) -> None:
    model = load_plant(CONF / "plant.toml")
    server = PlantServer(model.sources["line1-opcua"], START, url)
    await server.open(model.signals)
    client = await connected(url)
    try:
        index = await client.get_namespace_index(NAMESPACE)
        plant = await client.nodes.objects.get_child([f"{index}:Plant", f"{index}:L1-M3"])
        assert len(await plant.get_variables()) == 35
        pressure = client.get_node(ua.NodeId("L1-M3.Air.Pressure", index))
        unit = await (await pressure.get_child(["0:EngineeringUnits"])).read_value()
        assert (unit.UnitId, unit.NamespaceUri) == (int.from_bytes(b"KPA", "big"), "http://www.opcfoundation.org/UA/units/un/cefact")
        assert (await pressure.read_type_definition()).Identifier == ua.ObjectIds.AnalogItemType
        words = await (await client.get_node(ua.NodeId("L1-M3.State", index)).get_child(["0:EnumStrings"])).read_value()
        assert [word.Text for word in words][1] == "producing"
        assert await client.get_node(ua.NodeId("L1-M3.Count.Total", index)).read_data_type_as_variant_type() is ua.VariantType.UInt16
        now = await client.get_node(ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)).read_value()
        assert now == START
    finally:
        await client.disconnect()
        await server.close()


async def test_a_taken_port_is_one_sentence(url: str) -> None:
    model = load_plant(CONF / "plant.toml")
    first = PlantServer(model.sources["line1-opcua"], START, url)
    await first.open([])
    try:
        with pytest.raises(PortInUse, match="is taken by another process"):
            await PlantServer(model.sources["line1-opcua"], START, url).open([])
    finally:
        await first.close()


class ListLog:
    """A log that keeps its records in memory."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def append(self, records: list[Record]) -> int:  # type: ignore[override]
        self.records += records
        return len(self.records)


async def test_the_legacy_mes_learns_forty_minutes_late(url: str) -> None:
    model = load_plant(CONF / "plant.toml")
    scenario = load_scenario(CONF / "scenarios" / "default.toml", model)
    log, end = ListLog(), START + timedelta(hours=4)
    options = PlantOptions(shift_start=START, until=end, url=url, history_period_s=600.0)
    plant = asyncio.create_task(run_plant(model, scenario, options, ManualClock(end), asyncio.Event(), log))
    client = await connected(url)
    await subscribe(client, NAMESPACE, ["L1-M3.State"])
    run = await plant
    told = [row for record in log.records for row in decode(record)[1].to_pylist()]
    (row,) = (row for row in told if row["source_id"] == "legacy-mes")
    assert run.legacy_records == 1
    assert (row["kind"], row["subject"], row["source_ts"]) == ("mes_record", "L1-M3", START + timedelta(hours=3, minutes=52))
    captures = [row for row in told if row["kind"] == "waveform"]
    assert [(row["subject"], row["source_ts"]) for row in captures] == [("L1-M2", START + timedelta(minutes=10 * n)) for n in range(1, 25)]
    await client.disconnect()


async def test_a_recording_arrives_whole_in_file_order(url: str, tmp_path: Path) -> None:
    model = load_plant(CONF / "examples" / "nist.toml")
    file = tmp_path / "Hurco01-20170517-20170518.txt"
    lines = [
        "2017-05-17T08:00:00.0000001Z|Program_Status|READY",
        "2017-05-17T08:00:05Z|Program_Status|ACTIVE|Part_Count|3218\r",
        "2017-05-17T08:00:01.5Z|Program_Status|READY",
        "what is this",
        "2017-05-17T08:00:09Z|undeclared_item|17",
        "2017-05-17T08:00:09Z|logic|Fault|79|||LUBE|LOW",
    ]
    file.write_text("\n".join(lines))
    done = asyncio.Event()
    stop = asyncio.Event()
    playing = asyncio.create_task(run_recording(model, file, stop, url=url, on_done=lambda _: done.set()))
    client = await connected(url)
    tags = ["Hurco01.Program_Status", "Hurco01.Part_Count", "Hurco01.undeclared_item", "Hurco01.logic"]
    source = model.sources[model.machines["Hurco01"].source_id]
    listener = await subscribe(client, source.namespace, tags)
    await asyncio.wait_for(done.wait(), 20)
    await settled(listener, len(tags) + 6)
    assert [value for _, value, _ in listener.got["Hurco01.Program_Status"]] == [None, "READY", "ACTIVE", "READY"]
    assert listener.got["Hurco01.Program_Status"][-1][0] == datetime(2017, 5, 17, 8, 0, 1, 500_000, tzinfo=UTC)
    assert listener.got["Hurco01.logic"][-1][1] == "Fault|79|||LUBE|LOW"
    assert listener.got["Hurco01.undeclared_item"][-1][1] == "17"
    index = await client.get_namespace_index(source.namespace)
    assert await client.get_node(ua.NodeId("Player.Done", index)).read_value() is True
    stop.set()
    played = await playing
    assert (played.values, played.junk_lines, played.is_whole) == (6, 1, True)
    await client.disconnect()


async def test_the_bundled_day_arrives_value_by_value(url: str) -> None:
    model = load_plant(CONF / "examples" / "nist.toml")
    file = next((CONF / "examples" / "recordings").glob("*.gz"))
    recording = load_recording(file)
    stop, done = asyncio.Event(), asyncio.Event()
    playing = asyncio.create_task(run_recording(model, file, stop, url=url, on_done=lambda _: done.set()))
    client = await connected(url)
    expected: dict[str, list[tuple[datetime, object, int]]] = defaultdict(list)
    for o in recording.observations:
        values = expected[f"{recording.machine}.{o.item}"]
        if not values or values[-1] != (o.ts, o.value, 0):
            values.append((o.ts, o.value, 0))
    source = model.sources[model.machines[recording.machine].source_id]
    listener = await subscribe(client, source.namespace, list(expected))
    await asyncio.wait_for(done.wait(), 120)
    await settled(listener, sum(map(len, expected.values())) + len(expected))
    stop.set()
    played = await playing
    assert played.values == len(recording.observations)
    assert played.values - played.repeats == sum(map(len, expected.values()))
    for tag, values in expected.items():
        assert listener.got[tag][1:] == values, tag
    await client.disconnect()


async def test_a_listener_that_goes_and_returns_misses_nothing_later(url: str, tmp_path: Path) -> None:
    model = load_plant(CONF / "plant.toml")
    scenario = load_scenario(CONF / "scenarios" / "steady.toml", model)
    end = START + timedelta(hours=1)
    reached: list[datetime] = []
    options = PlantOptions(shift_start=START, until=end, url=url, ledger=tmp_path / "truth.jsonl", history_period_s=60.0, speed=600.0)
    plant = asyncio.create_task(run_plant(model, scenario, options, ManualClock(end), asyncio.Event(), on_progress=lambda ts, *_: reached.append(ts)))
    tag = "L1-M3.Count.Total"
    first = await connected(url)
    await subscribe(first, NAMESPACE, [tag])
    while len(reached) < 2:
        await asyncio.sleep(0.01)
    await first.disconnect()
    await asyncio.sleep(1.0)
    paused_at = reached[-1]
    second = await connected(url)
    listener = await subscribe(second, NAMESPACE, [tag])
    await plant
    later = [
        (s.ts, s.value) for s in load_truth(tmp_path / "truth.jsonl").sent if s.signal == "total_count" and s.machine == "L1-M3" and s.ts > paused_at
    ]
    await settled(listener, len(later))
    assert paused_at < end
    assert [(ts, value) for ts, value, _ in listener.got[tag] if ts > paused_at] == later
    await second.disconnect()


def test_a_stamp_keeps_its_hundred_nanoseconds_on_the_wire() -> None:
    ts = datetime(2017, 2, 13, 10, 10, 40, 257_165, tzinfo=UTC)
    whole, precise = ua.datetime_to_win_epoch(ts), ua.datetime_to_win_epoch(PreciseTime.of(ts, 700))
    assert precise - whole == 7
    assert PreciseTime.of(ts, 700) - timedelta(seconds=1) == ts - timedelta(seconds=1)
