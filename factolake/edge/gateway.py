"""The gateway process: every source's connector, one spool, and the sources' health written down for others to see."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from factolake.bus.port import LogWriter
from factolake.bus.spool_bus import Spool
from factolake.config.settings import Settings
from factolake.domain.clock import Clock, is_due
from factolake.domain.equipment import Source
from factolake.domain.plant import PlantModel
from factolake.edge.connector import Connector
from factolake.edge.health import SourceHealth, read_health, write_health

_log = logging.getLogger(__name__)
HEALTH_EVERY_S = 2.0
HEALTH_LOOK_S = 0.25
Factory = Callable[[Source, PlantModel, LogWriter, Clock, datetime | None], Connector]


def _opcua(source: Source, model: PlantModel, log: LogWriter, clock: Clock, stored_ts: datetime | None) -> Connector:
    from factolake.edge.opcua import OpcUaConnector  # asyncua takes half a second to import

    neighbours = {other.source_id for other in model.sources.values() if other.url == source.url} - {source.source_id}
    foreign = _tags(model, neighbours)
    return OpcUaConnector(source, _tags(model, {source.source_id}), log, clock, stored_ts, foreign)


CONNECTORS: dict[str, Factory] = {"opcua": _opcua}


async def run_gateway(settings: Settings, model: PlantModel, clock: Clock, stop: asyncio.Event) -> None:
    """Run the connectors of all of the plant's sources until `stop` is set; what was received by then is stored first (within 10 s).

    Raises what opening the spool raises (TableDamaged, DiskFull, SourceUnavailable).
    """
    spool = Spool(settings.spool_file, settings.spool.max_mib << 20, clock)
    connectors = make_connectors(settings, model, spool, clock)
    _log.info("gateway serves %s into %s", ", ".join(c.source_id for c in connectors) or "no source", settings.spool_file)
    reporting = asyncio.create_task(_report(settings, connectors, clock))
    try:
        async with asyncio.TaskGroup() as group:
            for connector in connectors:
                group.create_task(connector.run(stop), name=connector.source_id)
            group.create_task(stop.wait())
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
        _write_all(settings, connectors, clock)
        spool.close()


def make_connectors(settings: Settings, model: PlantModel, log: LogWriter, clock: Clock) -> list[Connector]:
    """A connector for each source of the plant; it knows up to when an earlier gateway stored what the source said."""
    before = read_health(settings.run_dir)
    connectors = []
    for source in model.sources.values():
        known = before.get(source.source_id)
        connectors.append(CONNECTORS[source.kind](source, model, log, clock, known.stored_ts if known else None))
    return connectors


def _tags(model: PlantModel, sources: set[str]) -> list[str]:
    return list(dict.fromkeys(signal.tag for signal in model.signals if signal.source_id in sources))


async def _report(settings: Settings, connectors: Sequence[Connector], clock: Clock) -> None:
    written: dict[str, SourceHealth] = {}
    while True:
        turns = [c for c in connectors if _is_due(written.get(c.source_id), c.health(), clock.now())]
        _write_all(settings, turns, clock)
        written |= {c.source_id: replace(c.health(), written_ts=clock.now()) for c in turns}
        await asyncio.sleep(HEALTH_LOOK_S)


def _is_due(written: SourceHealth | None, now: SourceHealth, ts: datetime) -> bool:
    if written is None or _shape(written) != _shape(now):
        return True
    return is_due(written.written_ts, ts, timedelta(seconds=HEALTH_EVERY_S))


def _shape(health: SourceHealth) -> tuple[object, ...]:
    """What is written down at once when it changes; the first `stored_ts` too, without it a kill would leave no gap."""
    return health.state, health.sessions, health.stored_ts is None


def _write_all(settings: Settings, connectors: Sequence[Connector], clock: Clock) -> None:
    for connector in connectors:
        try:
            write_health(settings.run_dir, connector.health(), clock.now())
        except OSError as error:  # a full disk must not stop the values
            _log.error("health of %s cannot be written: %s", connector.source_id, error)
