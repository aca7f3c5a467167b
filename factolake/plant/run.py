"""Runs a plant: a scenario from the start of its shift to now as fast as the listener takes it, then live; or a recording."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from factolake.bus.port import LogWriter
from factolake.domain.clock import Clock
from factolake.domain.equipment import Source
from factolake.domain.plant import PlantModel
from factolake.domain.signals import SignalKind
from factolake.errors import ConfigError, PortInUse, Transient
from factolake.plant.legacy_mes import LegacyMes
from factolake.plant.office.run import Office, OfficeOptions
from factolake.plant.player import DONE_TAG, Played, Player, tag_of
from factolake.plant.recording import load_recording
from factolake.plant.scenario import Scenario
from factolake.plant.server import PlantServer
from factolake.plant.truth import Keep, TruthLedger
from factolake.plant.vibration import CaptureSender
from factolake.plant.wire import Change, LineSignals

HISTORY_PERIOD_S = 10.0
LIVE_PERIOD_S = 1.0
STEP_S = 300.0
LIVE_TICK_S = 0.2
CAUGHT_UP_S = 2.0

Progress = Callable[[datetime, int, bool], None]
"""Called with the plant time reached, the values written so far, and whether the office is behind."""


@dataclass(frozen=True, slots=True)
class PlantOptions:
    """How to play a scenario.

    `speed` limits how many times faster than real time history is played (None: as fast as the listener takes it). `until` ends the
    run at a plant time, None goes on live until stopped. Periods are seconds between process samples while history is played and live.
    With `office` people and ERP work in FactoMES too.
    """

    seed: int = 7
    speed: float | None = None
    shift_start: datetime | None = None
    until: datetime | None = None
    line: str | None = None
    url: str | None = None
    ledger: Path | None = None
    ledger_keeps: Keep = "all"
    history_period_s: float = HISTORY_PERIOD_S
    live_period_s: float = LIVE_PERIOD_S
    office: OfficeOptions | None = None


@dataclass(frozen=True, slots=True)
class PlantRun:
    """What a plant did: values written to the server, legacy MES records sent, plant time from and to."""

    values: int
    legacy_records: int
    from_ts: datetime
    until: datetime


async def run_plant(
    model: PlantModel,
    scenario: Scenario,
    options: PlantOptions,
    clock: Clock,
    stop: asyncio.Event,
    log: LogWriter | None = None,
    on_progress: Progress | None = None,
) -> PlantRun:
    """Serve the line until `stop` is set or `options.until` is reached; legacy MES records and captures of vibration go to `log`.

    Raises PortInUse when the address is taken, ConfigError for a line or source the plant does not have.
    """
    line = _line(model, options.line)
    start = options.shift_start or last_shift_start(model, line, scenario, clock.now())
    source = _source(model, line)
    signals = [s for s in model.signals if s.source_id == source.source_id]
    server = PlantServer(source, start, options.url)
    await server.open(signals)
    sampled = frozenset(s.name for s in signals if s.kind in (SignalKind.PROCESS, SignalKind.ENERGY, SignalKind.HEARTBEAT))
    ledger = TruthLedger(options.ledger, start, options.ledger_keeps, sampled)
    legacy = LegacyMes(scenario, start, log, clock) if log is not None else None
    captures = CaptureSender(options.seed, log, clock) if log is not None else None
    office = await _office(options.office, model, line, scenario, start, clock, server)
    line_signals = LineSignals(model, line, scenario, options.seed, start)
    play = _Play(line_signals, server, ledger, legacy, captures, office, options, clock, stop, on_progress)
    try:
        await play.history(start)
        await play.live()
        await server.finish()
    finally:
        ledger.close(play.now)
        await server.close()
        if office is not None:
            await asyncio.to_thread(office.close)
    return PlantRun(ledger.values, play.legacy_records, start, play.now)


async def _office(
    options: OfficeOptions | None, model: PlantModel, line: str, scenario: Scenario, start: datetime, clock: Clock, server: PlantServer
) -> Office | None:
    try:
        return Office(options, model, line, scenario, start, clock) if options else None
    except OSError as error:
        await server.close()
        raise PortInUse(f"the simulated ERP cannot listen where erp.url says: {error}; take another port") from error


async def run_recording(
    model: PlantModel,
    file: Path,
    stop: asyncio.Event,
    *,
    machine: str | None = None,
    speed: float | None = None,
    url: str | None = None,
    stay: bool = True,
    on_done: Callable[[Played], None] | None = None,
) -> Played:
    """Play the log in `file` as the machine it belongs to, then (with `stay`) keep its last values served until `stop`.

    Raises PortInUse when the address is taken and ConfigError when file or machine are not usable.
    """
    recording = load_recording(file, machine)
    machine = recording.machine
    if machine not in model.machines:
        raise ConfigError(str(file), "machine", machine, f"a machine of the plant file: {', '.join(model.machines)}")
    source = model.sources[model.machines[machine].source_id]
    start = recording.observations[0].ts
    server = PlantServer(source, start, url)
    declared = [replace(s, node_type="String") for s in model.signals if s.machine == machine]
    await server.open(declared, {tag_of(machine, item): machine for item in recording.items})
    try:
        played = await Player(recording, server, speed).play(stop)
        await server.mark(DONE_TAG)
        if on_done is not None:
            on_done(played)
        if stay:
            await stop.wait()
        await server.finish()
    finally:
        await server.close()
    return played


def only_machine(model: PlantModel, machine: str) -> PlantModel:
    """`model` with only `machine`, its line, source and signals: the plant while one recording is played."""
    kept = model.machines[machine]
    line = replace(model.lines[kept.line_id], machines=(machine,), bottleneck=machine)
    return replace(
        model,
        lines={line.line_id: line},
        machines={machine: kept},
        sources={kept.source_id: model.sources[kept.source_id]},
        signals=tuple(s for s in model.signals if s.machine == machine),
        nameplates=tuple(n for n in model.nameplates if n.machine == machine),
        vibration_points=tuple(p for p in model.vibration_points if p.machine == machine),
    )


def last_shift_start(model: PlantModel, line: str, scenario: Scenario, now: datetime) -> datetime:
    """Start of the last whole shift of `line` before `now`; without a calendar, the scenario's shift length before `now`."""
    shifts = model.calendar.shifts(model.line_scopes(line), now - timedelta(days=8), now)
    ended = [shift.from_ts for shift in shifts if shift.to_ts <= now]
    return ended[-1] if ended else (now - timedelta(hours=scenario.shift_hours)).replace(second=0, microsecond=0)


class _Play:
    def __init__(
        self,
        signals: LineSignals,
        server: PlantServer,
        ledger: TruthLedger,
        legacy: LegacyMes | None,
        captures: CaptureSender | None,
        office: Office | None,
        options: PlantOptions,
        clock: Clock,
        stop: asyncio.Event,
        on_progress: Progress | None,
    ) -> None:
        self._signals, self._server, self._ledger, self._legacy, self._captures, self._office = signals, server, ledger, legacy, captures, office
        self._options, self._clock, self._stop, self._on_progress = options, clock, stop, on_progress
        self.now = options.shift_start or clock.now()
        self.legacy_records = 0

    async def history(self, start: datetime) -> None:
        """From `start` to the present (or `until`), never stamped ahead of the clock."""
        self.now = start
        self._signals.period_s = self._options.history_period_s
        if not await self._server.wait_for_subscriber(self._stop):
            return
        while not self._stop.is_set() and not self._is_over():
            present = self._clock.now()
            if (present - self.now).total_seconds() <= CAUGHT_UP_S:
                return
            before = self.now
            await self._step(min(self.now + timedelta(seconds=STEP_S), present))
            await self._server.drain(self._stop)
            if self._options.speed is not None:
                await self._wait((self.now - before).total_seconds() / self._options.speed)

    async def live(self) -> None:
        """At the pace of the clock until stopped (or `until`)."""
        self._signals.period_s = self._options.live_period_s
        while not self._stop.is_set() and not self._is_over():
            await self._step(max(self.now, self._clock.now()))
            await self._wait(LIVE_TICK_S)

    def _is_over(self) -> bool:
        return self._options.until is not None and self.now >= self._options.until

    async def _step(self, until: datetime) -> None:
        until = min(until, self._options.until) if self._options.until is not None else until
        facts, changes = self._signals.advance_to(until)
        await self._send(changes)
        await self._server.set_time(until)
        self.now = until
        self._ledger.sent(changes)
        self._ledger.happened(facts, until)
        if self._office is not None:
            self._office.happened(facts)
        if self._legacy is not None:
            with contextlib.suppress(Transient):  # a full log: the record waits for the next step
                self.legacy_records += self._legacy.advance_to(until)
        shakings = self._signals.shakings()
        if self._captures is not None:
            with contextlib.suppress(Transient):
                self._captures.send(shakings)
        if self._on_progress is not None:
            self._on_progress(until, self._ledger.values, self._office is not None and self._office.is_behind)

    async def _send(self, changes: list[Change]) -> None:
        for change in changes:
            await self._server.write(change.tag, change.value, change.ts, change.status)

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)


def _line(model: PlantModel, line: str | None) -> str:
    if line is None:
        return next(iter(model.lines))
    if line not in model.lines:
        raise ConfigError("plant", "line", line, ", ".join(model.lines))
    return line


def _source(model: PlantModel, line: str) -> Source:
    sources = {model.machines[m].source_id for m in model.lines[line].machines}
    if len(sources) != 1:
        raise ConfigError("plant", f"sources of line {line}", ", ".join(sorted(sources)), "one source for all machines of a simulated line")
    return model.sources[sources.pop()]
