import asyncio
from datetime import UTC, datetime

from factolake.bus.codec import decode
from factolake.domain.clock import ManualClock
from factolake.edge.messages import Event, Numbering
from factolake.edge.outbox import Loss, Outbox
from factolake.testing.memory_log import MemoryLog

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def event(numbering: Numbering, stored: list[int] | None = None) -> Event:
    seq = numbering.take()
    callbacks = [] if stored is None else [lambda: stored.append(seq)]
    return Event(numbering, seq, "alarm", None, {}, NOW, stored=callbacks)


def sequences(log: MemoryLog) -> list[int]:
    return [decode(stored.record)[1].column("seq")[0].as_py() for stored in log.read(0, 1000)]


async def test_messages_are_stored_in_order_and_reported_only_then():
    log, stored, losses = MemoryLog(), [], []
    outbox = Outbox(log, ManualClock(NOW), losses.append)
    numbering = Numbering("src", 1)
    for _ in range(200):
        outbox.put(event(numbering, stored))
    assert stored == []
    running = asyncio.create_task(outbox.run())
    await outbox.drained()
    running.cancel()
    assert sequences(log) == stored == list(range(200))
    assert losses == []


async def test_a_full_log_holds_the_source_back_and_nothing_is_lost_when_it_is_emptied_in_time():
    log, losses = MemoryLog(max_bytes=0), []
    outbox = Outbox(log, ManualClock(NOW), losses.append, max_values=3)
    running = asyncio.create_task(outbox.run())
    numbering = Numbering("src", 1)
    for _ in range(3):
        outbox.put(event(numbering))
    room = asyncio.create_task(outbox.room())
    await asyncio.sleep(0.1)
    assert not room.done()
    assert "pass its limit" in (outbox.trouble or "")
    log.max_bytes = 1 << 20
    await asyncio.wait_for(room, 5)
    await outbox.drained()
    running.cancel()
    assert sequences(log) == [0, 1, 2]
    assert (losses, outbox.trouble, outbox.lost_values) == ([], None, 0)


async def test_what_a_full_log_refuses_for_too_long_is_counted_and_reported_once_it_takes_records_again():
    log, losses, stored, clock = MemoryLog(max_bytes=0), [], [], ManualClock(NOW)
    outbox = Outbox(log, clock, losses.append, full_wait_s=0.05)
    running = asyncio.create_task(outbox.run())
    numbering = Numbering("src", 1)
    for _ in range(5):
        outbox.put(event(numbering, stored))
    clock.advance(60)
    await outbox.drained()
    assert (outbox.lost_values, losses, stored) == (5, [], [0, 1, 2, 3, 4])
    assert outbox.unsafe_since == NOW, "nobody has been told of the loss yet"
    log.max_bytes = 1 << 20
    outbox.put(event(numbering))
    await outbox.drained()
    running.cancel()
    assert sequences(log) == [5]
    assert losses == [Loss(5, NOW, clock.now(), losses[0].cause)] and "limit of 0" in losses[0].cause
    assert outbox.unsafe_since is None


async def test_a_message_that_cannot_be_packed_does_not_stop_those_after_it():
    log = MemoryLog()
    outbox = Outbox(log, ManualClock(NOW), lambda loss: None)
    numbering = Numbering("src", 1)
    outbox.put(Event(numbering, numbering.take(), "alarm", "\ud800", {}, NOW))
    outbox.put(event(numbering))
    running = asyncio.create_task(outbox.run())
    await outbox.drained()
    running.cancel()
    first, second = log.read(0, 10)
    assert first.record.headers["schema"] == "unpackable/1" and first.record.headers["seq"] == "0"
    assert decode(second.record)[1].column("seq").to_pylist() == [1]
