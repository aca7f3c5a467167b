import asyncio
import logging
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from connector_log import DOUBLE, INT, QUICK, connected, events, readings, rows, until
from opcua_double import NAMESPACE, LineServer

from factolake.domain.clock import ManualClock, SystemClock
from factolake.domain.equipment import Source, Timeline
from factolake.edge import opcua_session
from factolake.edge.health import SourceState
from factolake.edge.opcua import OpcUaConnector
from factolake.edge.opcua_nodes import CHUNK
from factolake.testing.fault_proxy import Fault, FaultProxy
from factolake.testing.memory_log import MemoryLog

HOUR_S, DAY_S = 3600, 86_400


async def test_a_changed_value_reaches_the_log_with_its_stamps_status_and_unit():
    log = MemoryLog()
    async with LineServer() as line:
        await line.add("M1.Temp", 20.5, DOUBLE, unit=("http://www.opcfoundation.org/UA/units/un/cefact", 4408652, "°C"))
        await line.add("M1.Odd", 1.0, DOUBLE, unit=("urn:own", 7, "furlong"))
        async with connected(line.url, log, ["M1.Temp"]):
            await until(lambda: readings(log, "M1.Temp") and readings(log, "M1.Odd"))
            await line.write("M1.Temp", 21.5, DOUBLE, status=0x408F0000)
            await until(lambda: len(readings(log, "M1.Temp")) == 2)
    first, second = readings(log, "M1.Temp")
    assert (first["value_kind"], first["value_f64"], first["flags"], first["unit_raw"]) == ("f64", 20.5, 8, "CEL")
    assert (second["value_f64"], second["status"], second["flags"]) == (21.5, 0x408F0000, 0)
    assert second["source_ts"] == second["server_ts"] <= second["gateway_ts"]
    assert readings(log, "M1.Odd")[0]["unit_raw"] == "furlong"
    assert [event["state"] for event in events(log, "session")] == ["opened", "closed"]
    keys = [(row["epoch"], row["seq"], row["idx"]) for row in rows(log, "readings/1") + rows(log, "events/1")]
    assert len(set(keys)) == len(keys)
    assert sorted({seq for _, seq, _ in keys}) == list(range(max(seq for _, seq, _ in keys) + 1))


async def test_one_bad_node_costs_nothing_but_itself_and_comes_back_when_it_exists():
    log = MemoryLog()
    async with LineServer() as line:
        for i in range(99):
            await line.add(f"tag{i}", float(i), DOUBLE)
        async with connected(line.url, log, ["missing", *(f"tag{i}" for i in range(99))]) as connector:
            await until(lambda: len(readings(log)) == 99)
            assert {row["tag"] for row in readings(log)} == {f"tag{i}" for i in range(99)}
            assert (connector.health().nodes, connector.health().nodes_bad) == (100, 1)
            await asyncio.sleep(1.0)
            (error,) = events(log, "node_error")
            assert (error["subject"], error["status"]) == ("missing", "BadNodeIdUnknown")
            await line.add("missing", 7.0, DOUBLE)
            await until(lambda: readings(log, "missing"))
            assert connector.health().nodes_bad == 0
    assert readings(log, "missing")[0]["value_f64"] == 7.0


async def test_a2_one_bad_node_among_a_thousand_is_named_in_the_log_and_the_others_flow(caplog):
    log, good = MemoryLog(), [f"tag{i}" for i in range(999)]
    async with LineServer() as line:
        for tag in good:
            await line.add(tag, 1.0, DOUBLE)
        # The bad one is the first of the second request, after a full first one.
        async with connected(line.url, log, [*good[:CHUNK], "missing", *good[CHUNK:]]) as connector:
            await until(lambda: len(readings(log)) >= 999)
            await line.write("tag0", 2.0, DOUBLE)
            await line.write("tag998", 2.0, DOUBLE)
            await until(lambda: len(readings(log)) == 1001)
            health = connector.health()
    assert Counter(row["tag"] for row in readings(log)) == {**dict.fromkeys(good, 1), "tag0": 2, "tag998": 2}
    assert (health.nodes, health.nodes_bad, health.state) == (1000, 1, SourceState.CONNECTED)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING and "cannot be read" in record.getMessage()]
    assert told == ["src: tag missing cannot be read: BadNodeIdUnknown; it is tried again every 0 s"]


async def test_variables_that_no_plant_file_names_come_along_once():
    log = MemoryLog()
    async with LineServer(other_namespaces=2) as line:
        folder = await line.plant.add_object(line.index, "Station")
        await folder.add_variable(ua.NodeId(77, line.index), "numeric", 5)
        await folder.add_variable(ua.NodeId("elsewhere", line.index - 1), "foreign", 6)
        await line.add("declared", 1.0, DOUBLE)
        async with connected(line.url, log, ["declared", "declared"]):
            await until(lambda: len(readings(log)) == 3)
            await asyncio.sleep(0.3)
    assert sorted(row["tag"] for row in readings(log)) == ["declared", f"nsu={NAMESPACE};i=77", "nsu=urn:other:1;s=elsewhere"]


async def test_data_comes_back_after_the_server_was_killed_and_moved_to_another_namespace_index():
    log = MemoryLog()
    line = LineServer()
    await line.start()
    await line.add("M1.Count", 1, INT)
    async with connected(line.url, log, ["M1.Count"]) as connector:
        await until(lambda: readings(log, "M1.Count"))
        index = line.index
        await line.stop()
        await until(lambda: connector.health().state is SourceState.DISCONNECTED)
        again = LineServer(line.port, other_namespaces=3)
        await again.start()
        await again.add("M1.Count", 2, INT)
        assert again.index != index
        await until(lambda: len(readings(log, "M1.Count")) == 2)
        await again.stop()
    before, after = readings(log, "M1.Count")
    assert (before["value_i64"], after["value_i64"], after["flags"]) == (1, 2, 8)
    assert after["epoch"] > before["epoch"]
    gap = events(log, "gap")[0]
    assert before["gateway_ts"].isoformat() <= gap["from_ts"] < gap["to_ts"] <= after["gateway_ts"].isoformat()
    assert gap["status"] == "unrecoverable"


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.CUT])
async def test_a_connection_that_goes_silent_or_breaks_is_noticed_and_replaced(fault):
    log = MemoryLog()
    async with LineServer() as line, FaultProxy("127.0.0.1", line.port) as proxy:
        await line.add("M1.Count", 1, INT)
        async with connected(f"opc.tcp://127.0.0.1:{proxy.port}/test", log, ["M1.Count"]) as connector:
            await until(lambda: readings(log, "M1.Count"))
            proxy.set(fault)
            await until(lambda: connector.health().state is SourceState.DISCONNECTED)
            await line.write("M1.Count", 2, INT)
            proxy.set(Fault.PASS)
            await until(lambda: len(readings(log, "M1.Count")) >= 2)
    assert readings(log, "M1.Count")[-1]["value_i64"] == 2
    assert len(events(log, "gap")) == 1
    closed = [event for event in events(log, "session") if event["state"] == "closed"]
    assert str(proxy.port) in closed[0]["cause"]


async def test_a_server_that_never_answers_is_given_up_and_asked_again():
    log = MemoryLog()
    async with LineServer() as line, FaultProxy("127.0.0.1", line.port) as proxy:
        await line.add("M1.Count", 1, INT)
        proxy.set(Fault.DROP)
        async with connected(f"opc.tcp://127.0.0.1:{proxy.port}/test", log, ["M1.Count"]) as connector:
            await until(lambda: connector.health().state is SourceState.DISCONNECTED)
            assert "does not answer" in connector.health().cause
            assert connector.health().sessions == 0
            proxy.set(Fault.PASS)
            await until(lambda: readings(log, "M1.Count"))
    assert not events(log, "gap")


async def test_a_wrong_namespace_is_named_and_what_the_server_has():
    log = MemoryLog()
    async with LineServer() as line:
        source = Source("src", "opcua", line.url, "urn:wrong")
        connector = OpcUaConnector(source, ["a"], log, SystemClock(), timing=QUICK)
        stop = asyncio.Event()
        running = asyncio.create_task(connector.run(stop))
        await until(lambda: connector.health().cause.count("urn:") >= 2)
        health = connector.health()
        stop.set()
        await running
    assert health.cause.startswith(f"{line.url} does not know the namespace 'urn:wrong'; it has ") and NAMESPACE in health.cause
    assert (health.state, health.sessions) == (SourceState.DISCONNECTED, 0)


async def test_the_connection_proves_that_it_lives_with_the_servers_own_clock():
    log = MemoryLog()
    async with LineServer() as line, connected(line.url, log):
        await until(lambda: len(rows(log, "readings/1")) >= 3)
    beats = [row for row in rows(log, "readings/1") if row["tag"] == ""]
    assert {(beat["value_kind"], beat["flags"], beat["source_ts"]) for beat in beats} == {("null", 4, None)}
    assert all(abs((beat["server_ts"] - beat["gateway_ts"]).total_seconds()) < 5 for beat in beats)


async def test_overflow_at_the_server_is_flagged_and_counted():
    log = MemoryLog()
    async with LineServer() as line:
        await line.add("M1.Count", 1, INT)
        async with connected(line.url, log, ["M1.Count"]) as connector:
            await until(lambda: readings(log, "M1.Count"))
            await line.write("M1.Count", 2, INT, status=0x480)
            await line.write("M1.Count", 3, INT, status=0x80000000 | 0x480)
            await until(lambda: len(readings(log, "M1.Count")) == 3 and events(log, "loss"))
            assert (connector.health().overflow, connector.health().bad_quality) == (2, 1)
    assert [row["flags"] for row in readings(log, "M1.Count")] == [8, 1, 1]
    assert next((event["cause"], event["lost_rows"], event["subject"]) for event in events(log, "loss")) == ("server_overflow", -1, "M1.Count")


async def test_history_played_by_the_server_is_flagged_and_an_old_standing_value_is_not():
    log = MemoryLog()
    old = datetime.now(UTC) - timedelta(hours=3)
    async with LineServer() as line:
        await line.add("M1.Count", 1, INT)
        await line.write("M1.Count", 1, INT, source_ts=old, server_ts=old)
        async with connected(line.url, log, ["M1.Count"]):
            await until(lambda: readings(log, "M1.Count"))
            await line.set_clock(old)
            await until(lambda: any(row["tag"] == "" and row["server_ts"] == old for row in rows(log, "readings/1")))
            await line.write("M1.Count", 2, INT, source_ts=old, server_ts=old)
            await line.write("M1.Count", 3, INT)
            await until(lambda: len(readings(log, "M1.Count")) == 3)
    assert [row["flags"] for row in readings(log, "M1.Count")] == [8, 2, 0]


async def test_a_recording_shows_every_repetition_and_a_live_source_only_changes():
    log = MemoryLog()
    async with LineServer() as line:
        await line.add("M1.Mode", "AUTO", ua.VariantType.String)
        live = Source("live", "opcua", line.url, NAMESPACE, publishing_interval_ms=50)
        recorded = replace(live, source_id="recorded", timeline=Timeline.RECORDED)
        stop = asyncio.Event()
        connectors = [OpcUaConnector(source, [], log, SystemClock(), timing=QUICK) for source in (live, recorded)]
        running = [asyncio.create_task(connector.run(stop)) for connector in connectors]
        await until(lambda: len(readings(log)) == 2)
        for _ in range(3):
            await line.write("M1.Mode", "AUTO", ua.VariantType.String)
        await until(lambda: len(readings(log)) == 5)
        stop.set()
        await asyncio.gather(*running)
    assert Counter(row["source_id"] for row in readings(log)) == {"live": 1, "recorded": 4}


async def test_while_the_log_is_full_the_source_waits_and_nothing_is_lost():
    log = MemoryLog()
    async with LineServer() as line:
        await line.add("M1.Count", 0, INT)
        async with connected(line.url, log, ["M1.Count"]) as connector:
            await until(lambda: readings(log, "M1.Count"))
            log.max_bytes = 0
            for value in range(1, 101):
                await line.write("M1.Count", value, INT)
                await asyncio.sleep(0.005)
            await until(lambda: "limit of 0" in connector.health().cause)
            log.max_bytes = 1 << 30
            await until(lambda: len(readings(log, "M1.Count")) == 101)
            assert connector.health().cause == "connected"
    assert [row["value_i64"] for row in readings(log, "M1.Count")] == list(range(101))
    assert not events(log, "loss")


async def test_what_a_full_log_cost_is_counted_and_told():
    log = MemoryLog()
    async with LineServer() as line:
        await line.add("M1.Count", 0, INT)
        async with connected(line.url, log, ["M1.Count"], full_wait_s=0.1) as connector:
            await until(lambda: readings(log, "M1.Count"))
            log.max_bytes = 0
            for value in range(1, 11):
                await line.write("M1.Count", value, INT)
            await until(lambda: connector.health().values == 11 and connector.health().losses >= 10)
            log.max_bytes = 1 << 30
            await line.write("M1.Count", 11, INT)
            await until(lambda: events(log, "loss"))
            lost = connector.health().losses
    stored = [row["value_i64"] for row in readings(log, "M1.Count")]
    assert stored == [0, 11]
    (loss,) = events(log, "loss")
    assert (loss["cause"], loss["lost_rows"]) == ("log_refused", lost)
    numbers = sorted({(row["epoch"], row["seq"]) for row in rows(log, "readings/1") + rows(log, "events/1")})
    assert len(numbers) < numbers[-1][1] + 1, "the lost messages leave a hole in the numbering"


async def test_the_time_since_an_earlier_gateway_last_heard_of_the_source_is_a_gap():
    log = MemoryLog()
    before = datetime.now(UTC) - timedelta(hours=1)
    async with LineServer() as line, connected(line.url, log, stored_ts=before):
        await until(lambda: events(log, "gap"))
    (gap,) = events(log, "gap")
    assert (datetime.fromisoformat(gap["from_ts"]), gap["cause"]) == (before, "the gateway was not running")


async def test_what_waits_for_a_full_log_does_not_count_as_stored():
    log = MemoryLog()
    async with LineServer() as line:
        await line.add("M1.Count", 0, INT)
        async with connected(line.url, log, ["M1.Count"]) as connector:
            await until(lambda: readings(log, "M1.Count"))
            log.max_bytes = 0
            before = datetime.now(UTC)
            await line.write("M1.Count", 1, INT)
            # Received, and signs of life after it, but a kill would take it: the gap of the next gateway must begin before it.
            await until(lambda: connector.health().values == 2 and (connector.health().last_life_ts - before).total_seconds() > 0.5)
            held = connector.health()
            assert held.stored_ts <= before < held.last_life_ts
            log.max_bytes = 1 << 30
            await until(lambda: connector.health().stored_ts > held.last_life_ts)
    assert [row["value_i64"] for row in readings(log, "M1.Count")] == [0, 1]


async def test_f72_a_host_clock_that_jumps_loses_and_doubles_nothing_and_ends_no_session():
    log, clock = MemoryLog(), ManualClock(datetime.now(UTC))
    async with LineServer() as line, FaultProxy("127.0.0.1", line.port) as proxy:
        await line.add("M1.Count", 0, INT)
        async with connected(f"opc.tcp://127.0.0.1:{proxy.port}/test", log, ["M1.Count"], clock=clock) as connector:
            await until(lambda: readings(log, "M1.Count"))
            for count, jump in enumerate([HOUR_S, -HOUR_S, -DAY_S], start=1):
                clock.advance(jump)
                await asyncio.sleep(1)  # some heartbeats on the new clock
                await line.write("M1.Count", count, INT)
                await until(lambda count=count: len(readings(log, "M1.Count")) == count + 1)
            assert connector.health().sessions == 1
            proxy.set(Fault.CUT)
            await until(lambda: connector.health().state is SourceState.DISCONNECTED)
            clock.advance(-DAY_S)
            await line.write("M1.Count", 4, INT)
            proxy.set(Fault.PASS)
            await until(lambda: len(readings(log, "M1.Count")) == 5)
    assert [row["value_i64"] for row in readings(log, "M1.Count")] == list(range(5))
    keys = [(row["epoch"], row["seq"], row["idx"]) for row in rows(log, "readings/1") + rows(log, "events/1")]
    assert len(set(keys)) == len(keys)
    (gap,) = events(log, "gap")
    assert gap["from_ts"] <= gap["to_ts"] == clock.now().isoformat(timespec="microseconds")


async def test_bytes_that_make_no_sense_go_on_as_they_are_and_the_stream_continues(monkeypatch):
    log = MemoryLog()
    original = opcua_session.decode_publish
    broken = []

    def decode_once_broken(body):
        if not broken and b"spoil me" in bytes(body):
            broken.append(bytes(body)[:60])
            return original(Buffer(broken[0]))
        return original(body)

    monkeypatch.setattr(opcua_session, "decode_publish", decode_once_broken)
    async with LineServer() as line:
        await line.add("M1.Text", "a", ua.VariantType.String)
        async with connected(line.url, log, ["M1.Text"]):
            await until(lambda: readings(log, "M1.Text"))
            await line.write("M1.Text", "spoil me", ua.VariantType.String)
            await until(lambda: broken)
            await line.write("M1.Text", "b", ua.VariantType.String)
            await until(lambda: len(readings(log, "M1.Text")) == 2)
    dead = [s.record for s in log.read(0, 1000) if s.record.headers["schema"] == "opcua-publish/1"]
    assert len(dead) == 1 and b"spoil me" in dead[0].value


async def test_sources_behind_one_address_do_not_take_each_others_values():
    log = MemoryLog()
    async with LineServer() as line:
        for tag in ("A.x", "B.x", "unnamed"):
            await line.add(tag, 1.0, DOUBLE)
        source = Source("a", "opcua", line.url, NAMESPACE, publishing_interval_ms=50)
        own = OpcUaConnector(source, ["A.x"], log, SystemClock(), foreign=["B.x", "C.x"], timing=QUICK)
        absent = OpcUaConnector(replace(source, source_id="c"), ["C.x"], log, SystemClock(), foreign=["A.x"], timing=QUICK)
        stop = asyncio.Event()
        running = [asyncio.create_task(connector.run(stop)) for connector in (own, absent)]
        await until(lambda: len(readings(log)) == 2 and events(log, "node_error"))
        await asyncio.sleep(0.3)
        stop.set()
        await asyncio.gather(*running)
    assert sorted((row["source_id"], row["tag"]) for row in readings(log)) == [("a", "A.x"), ("a", "unnamed")]
    assert [event["tag"] for event in events(log, "node_error")] == ["C.x"]
