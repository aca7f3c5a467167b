"""The OPC UA connector: keeps one source connected and turns what its server publishes into messages.

Every session of the server is an epoch of its own. A session begins with the event `session` opened and ends with `session` closed; between
two sessions lies an event `gap`, from the last publish response that is in the log to the new subscription. Values lost on the way are
counted in events `loss`, nodes that cannot be read are named in `node_error`.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from factolake.bus.port import LogWriter
from factolake.crash import crash_point
from factolake.domain.clock import Clock
from factolake.domain.equipment import Source
from factolake.edge.health import SourceHealth, SourceState
from factolake.edge.messages import (
    FLAG_FIRST,
    FLAG_HEARTBEAT,
    FLAG_OVERFLOW,
    FLAG_REPLAYED,
    Columns,
    Event,
    Numbering,
    Readings,
    Undecodable,
    micros,
)
from factolake.edge.opcua_session import NodeError, OpcUaSession, Timing
from factolake.edge.opcua_values import OVERFLOW_BITS, Publish
from factolake.edge.outbox import Loss, Outbox

_log = logging.getLogger(__name__)
VALUES_PER_MESSAGE = 5_000
HISTORY_S = 60.0
_BAD, _SEVERITY = 2, 30


class OpcUaConnector:
    """Connector of an OPC UA `source`; `declared` are the tags of the plant file, others below the folder `Plant` come along
    except `foreign` ones, which another source of the same server declares.

    `stored_ts` is up to when an earlier process stored what the source said, where that is known: the time since is a gap.
    """

    def __init__(
        self,
        source: Source,
        declared: Sequence[str],
        log: LogWriter,
        clock: Clock,
        stored_ts: datetime | None = None,
        foreign: Sequence[str] = (),
        timing: Timing | None = None,
        full_wait_s: float = 30.0,
    ) -> None:
        self._source, self._clock = source, clock
        self._declared, self._foreign = list(declared), list(foreign)
        self._timing = timing or Timing()
        self._outbox = Outbox(log, clock, self._report_loss, full_wait_s=full_wait_s)
        self._numbering = Numbering(source.source_id, 0)
        self._session: OpcUaSession | None = None
        self._unseen: set[int] = set()
        self._plays_history = self._is_subscribed = False
        self._missed = 0
        self._state, self._since, self._cause = SourceState.CONNECTING, clock.now(), "the gateway was not running"
        self._last_life = self._told_ts = stored_ts
        self._last_value: datetime | None = None
        self._values = self._bad = self._overflow = self._sessions = 0

    @property
    def source_id(self) -> str:
        """The source it serves."""
        return self._source.source_id

    def health(self) -> SourceHealth:
        """How the source is right now."""
        session, trouble = self._session, self._outbox.trouble
        return SourceHealth(
            source_id=self.source_id,
            state=self._state,
            since=self._since,
            cause=trouble or self._cause,
            last_value_ts=self._last_value,
            last_life_ts=self._last_life,
            stored_ts=self._stored_ts(),
            values=self._values,
            bad_quality=self._bad,
            overflow=self._overflow,
            losses=self._outbox.lost_values,
            nodes=len(session.tags) if session else 0,
            nodes_bad=session.bad_nodes if session else 0,
            sessions=self._sessions,
        )

    def _stored_ts(self) -> datetime | None:
        unsafe = self._outbox.unsafe_since
        return self._told_ts if unsafe is None or self._told_ts is None else min(unsafe, self._told_ts)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve the source until `stop` is set, then store what was received, within `drain_s`."""
        storing = asyncio.create_task(self._outbox.run())
        try:
            await self._serve(stop)
            async with asyncio.timeout(self._timing.drain_s):
                await self._outbox.drained()
        except TimeoutError:
            _log.error("%s: %s; values received before the stop could not be stored", self.source_id, self._outbox.trouble or "the log is too slow")
        finally:
            storing.cancel()
            await asyncio.gather(storing, return_exceptions=True)

    async def _serve(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        delay = self._timing.backoff_min_s
        while not stop.is_set():
            self._is_subscribed = False
            serving = asyncio.create_task(self._one_session())
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                await self._end_session(serving, SourceState.STOPPED, "the gateway was stopped")
                break
            await self._end_session(serving, SourceState.DISCONNECTED, "")
            delay = self._timing.backoff_min_s if self._is_subscribed else min(delay * 2, self._timing.backoff_max_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(stopping), delay * random.uniform(0.8, 1.0))
        stopping.cancel()

    async def _one_session(self) -> None:
        now = self._clock.now()
        self._numbering = Numbering(self.source_id, max(micros(now), self._numbering.epoch + 1))
        self._plays_history = False
        heartbeats: list[object] = []
        session = OpcUaSession(
            self._source, self._declared, self._foreign, self._timing, self._on_publish, self._on_undecodable, heartbeats.append, self._outbox.room
        )
        self._session = session
        await session.open()
        silent_because = self._cause
        self._opened()
        session.on_heartbeat = self._on_heartbeat
        for server_time in heartbeats:
            self._on_heartbeat(server_time)
        self._on_node_errors(await session.subscribe())
        self._unseen = set(range(len(session.tags)))
        self._is_subscribed = True
        self._declare_gap(silent_because)
        await session.run(self._on_node_errors)

    def _opened(self) -> None:
        self._sessions += 1
        self._event("session", None, {"state": "opened", "cause": self._source.url})
        self._set_state(SourceState.CONNECTED, "connected")

    def _declare_gap(self, cause: str) -> None:
        now = self._clock.now()
        if self._told_ts is not None:
            since = min(self._told_ts, now)  # our own clock may have been set back meanwhile
            gap = {"from_ts": _text(since), "to_ts": _text(now), "cause": cause, "status": "unrecoverable", "missing_records": None}
            self._event("gap", None, gap, since)
        self._told_ts = now

    async def _end_session(self, serving: "asyncio.Task[None]", state: SourceState, cause: str) -> None:
        serving.cancel()
        (outcome,) = await asyncio.gather(serving, return_exceptions=True)
        cause = cause or _why(outcome, self._source.url)
        if self._state is SourceState.CONNECTED:
            self._event("session", None, {"state": "closed", "cause": cause})
            _log.warning("%s: session closed: %s", self.source_id, cause)
        if self._session is not None:
            await self._session.close()
        self._session, self._missed = None, 0
        self._set_state(state, cause)

    def _set_state(self, state: SourceState, cause: str) -> None:
        if (state, cause) != (self._state, self._cause):
            self._since = self._since if state is self._state else self._clock.now()
            self._state, self._cause = state, cause

    def _event(self, kind: str, subject: str | None, payload: dict[str, Any], since: datetime | None = None) -> None:
        self._outbox.put(Event(self._numbering, self._numbering.take(), kind, subject, payload, self._clock.now()), since)

    def _on_heartbeat(self, server_time: object) -> None:
        now = self._last_life = self._clock.now()
        if not isinstance(server_time, datetime):
            return
        stamp = server_time if server_time.tzinfo else server_time.replace(tzinfo=UTC)
        self._plays_history = (now - stamp).total_seconds() > HISTORY_S
        beat = Columns([0], ["null"], [None], [0], [None], [None], [micros(stamp)])
        self._put(("",), (None,), beat, [FLAG_HEARTBEAT], now, lambda: None)

    def _on_publish(self, publish: Publish, acknowledge: Callable[[], None]) -> None:
        crash_point("edge.recv")
        now = self._last_life = self._clock.now()
        # A heartbeat's answer proves that the server lives, only a publish response that nothing before it is still to come.
        before, self._told_ts = self._told_ts, now
        session = self._session
        if session is None or publish.is_keep_alive:
            return
        if not publish.values.handles:
            acknowledge()
            return
        flags = self._flags(publish.values, now)
        self._last_value = now
        self._values += len(flags)
        self._put(session.tags, session.units, publish.values, flags, now, acknowledge, before)
        self._count_trouble(session, publish.values)

    def _flags(self, values: Columns, now: datetime) -> list[int]:
        flags = [0] * len(values.handles)
        if self._unseen:
            for place, handle in enumerate(values.handles):
                if handle in self._unseen:
                    self._unseen.discard(handle)
                    flags[place] |= FLAG_FIRST
        if self._plays_history:
            limit = micros(now - timedelta(seconds=HISTORY_S))
            flags = [flag | FLAG_REPLAYED if us is not None and us < limit else flag for flag, us in zip(flags, values.server_us, strict=True)]
        if any(values.status):
            flags = [
                flag | FLAG_OVERFLOW if status & OVERFLOW_BITS == OVERFLOW_BITS else flag for flag, status in zip(flags, values.status, strict=True)
            ]
        return flags

    def _put(
        self,
        tags: Sequence[str],
        units: Sequence[str | None],
        values: Columns,
        flags: list[int],
        now: datetime,
        stored: Callable[[], None],
        since: datetime | None = None,
    ) -> None:
        last = self._outbox.last
        if isinstance(last, Readings) and last.numbering is self._numbering and last.tags is tags and last.count < VALUES_PER_MESSAGE:
            readings = last
        else:
            readings = Readings(self._numbering, self._numbering.take(), tags, units)
            self._outbox.put(readings, since)  # still empty: `grown` below counts the values
        readings.extend(values, flags, micros(now))
        readings.stored.append(stored)
        self._outbox.grown(len(flags))

    def _count_trouble(self, session: OpcUaSession, values: Columns) -> None:
        if any(values.status):
            self._bad += sum(1 for status in values.status if status >> _SEVERITY >= _BAD)
            full = [handle for handle, status in zip(values.handles, values.status, strict=True) if status & OVERFLOW_BITS == OVERFLOW_BITS]
            if full:
                self._overflow += len(full)
                tags = sorted({session.tags[handle] for handle in full})
                self._event("loss", tags[0], {"cause": "server_overflow", "lost_rows": -1, "tags": tags[:20], "tag_count": len(tags)})
        if session.missed_notifications > self._missed:
            missed, self._missed = session.missed_notifications - self._missed, session.missed_notifications
            self._event("loss", None, {"cause": "missed_notifications", "lost_rows": -1, "notifications": missed})

    def _on_undecodable(self, body: bytes, reason: str) -> None:
        _log.error("%s: %s; its bytes go to the dead letters", self.source_id, reason)
        self._outbox.put(Undecodable(self._numbering, self._numbering.take(), "opcua-publish/1", body, reason))

    def _on_node_errors(self, errors: list[NodeError]) -> None:
        for error in errors:
            payload = {"tag": error.tag, "status_code": error.status, "status": error.name, "message": error.message}
            self._event("node_error", error.tag, payload)
            again_s = self._timing.node_retry_s
            _log.warning("%s: tag %s cannot be read: %s; it is tried again every %.0f s", self.source_id, error.tag, error.name, again_s)

    def _report_loss(self, loss: Loss) -> None:
        span = {"from_ts": _text(loss.from_ts), "to_ts": _text(loss.to_ts)}
        self._event("loss", None, {"cause": "log_refused", "lost_rows": loss.values, "reason": loss.cause, **span}, loss.from_ts)


def _text(ts: datetime) -> str:
    return ts.astimezone(UTC).isoformat(timespec="microseconds")


def _why(outcome: BaseException | None, url: str) -> str:
    while isinstance(outcome, BaseExceptionGroup):
        outcome = outcome.exceptions[0]
    if outcome is None:
        return f"{url} ended the session"
    if isinstance(outcome, TimeoutError):
        return f"{url} does not answer"
    text = str(outcome) or type(outcome).__name__
    return text if url in text else f"{url}: {text}"
