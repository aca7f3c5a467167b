"""Collecting what `doctor`, `status` and `demo` judge by: health files, locks, spool, table versions, disk. Reads only, never repairs."""

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from factolake.bus.spool_bus import Spool
from factolake.config import Settings, load_plant
from factolake.contracts import TABLES, bronze
from factolake.domain.clock import Clock
from factolake.domain.equipment import Timeline
from factolake.domain.plant import PlantModel
from factolake.edge.health import read_health
from factolake.errors import FactoLakeError
from factolake.lake.positions import log_position
from factolake.lake.tables import Lake
from pipelines.doctor import Facts, Finding, PartFacts, SourceFacts, SpoolFacts, TableFacts
from pipelines.part_lock import holder
from pipelines.refinery_progress import Progress, read_progress
from pipelines.scrubbing import scrub_findings
from pipelines.supervisor import STOP_ORDER
from pipelines.watched_signals import watched_signals
from pipelines.watching.standing import watch_findings

T = TypeVar("T")


def observe(settings: Settings, clock: Clock) -> Facts:
    """Everything `diagnose` needs, now. What cannot be read becomes a finding of its own, never an exception."""
    troubles: list[Finding] = []
    model = _attempt(troubles, "plant file", lambda: load_plant(settings.plant_file))
    spool = _attempt(troubles, "spool", lambda: spool_facts(settings, clock))
    tables = _attempt(troubles, "lake", lambda: table_facts(settings))
    signals = _attempt(troubles, "signals", lambda: watched_signals(Lake(settings.lake_root), model, clock.now())) if model else None
    return Facts(
        now=clock.now(),
        home=str(settings.home),
        sources=source_facts(settings.run_dir, model),
        expected_sources=tuple(model.sources) if model else (),
        parts=part_facts(settings),
        spool=spool,
        tables=tables or (),
        disk_free_bytes=shutil.disk_usage(_existing(settings.home)).free,
        signals=signals or (),
        troubles=(*troubles, *failing_refinements(settings.run_dir), *scrub_findings(settings, clock.now()), *watch_findings(settings.run_dir)),
    )


def source_facts(run_dir: Path, model: PlantModel | None) -> tuple[SourceFacts, ...]:
    """One entry per health file the gateway left."""
    recorded = {name for name, source in model.sources.items() if source.timeline is Timeline.RECORDED} if model else set()
    return tuple(
        SourceFacts(
            source_id=name,
            state=str(health.state),
            since=health.since,
            cause=health.cause,
            last_value=health.last_value_ts,
            nodes_bad=health.nodes_bad,
            written=health.written_ts or health.since,
            recorded=name in recorded,
        )
        for name, health in read_health(run_dir).items()
    )


def part_facts(settings: Settings) -> tuple[PartFacts, ...]:
    """One entry per part: the lock says who lives, `up.json` what the supervisor did. A part of a living supervisor is wanted."""
    told = read_document(settings.run_dir / "up.json")
    by_supervisor = told.get("parts") if holder(settings.run_dir, "up") else None
    supervised: Mapping[str, Mapping[str, object]] = by_supervisor if isinstance(by_supervisor, dict) else {}
    facts = []
    for name in STOP_ORDER:
        owner, said = holder(settings.run_dir, name), supervised.get(name, {})
        state = str(said["state"]) if said.get("state") else None
        facts.append(
            PartFacts(
                name=name,
                wanted=name in supervised if supervised else name in settings.wanted_parts,
                pid=owner.pid if owner else None,
                since=owner.since if owner else _stamp(said.get("since")),
                supervisor_state=state,
                supervisor_cause=str(said.get("cause") or ""),
                restarts=int(str(said.get("restarts") or 0)),
            )
        )
    return tuple(facts)


def spool_facts(settings: Settings, clock: Clock) -> SpoolFacts | None:
    """How much waits between spool and bronze; None before the first start."""
    if not settings.spool_file.exists():
        return None
    spool = Spool(settings.spool_file, settings.spool.max_mib * 1024**2, clock, writer=False)
    try:
        depth, last, log_id = spool.depth(), spool.last_offset(), spool.log_id
    finally:
        spool.close()
    lake = Lake(settings.lake_root)
    landed = lake.open(bronze.READINGS).position(log_position(log_id)) if lake.exists(bronze.READINGS) else None
    return SpoolFacts(depth.records, depth.oldest_age_s, last, landed)


def table_facts(settings: Settings) -> tuple[TableFacts, ...]:
    """Per refined table, the oldest input change the refinery has not taken up."""
    progress = read_progress(settings.run_dir)
    if progress is None:
        return ()
    lake = Lake(settings.lake_root)
    versions = {name: lake.open(TABLES[name]).version for name in _inputs(progress) if lake.exists(TABLES[name])}
    facts = []
    for name, read_through in progress.read_through.items():
        late = {feed: through + 1 for feed, through in read_through.items() if through < versions.get(feed, -1)}
        waiting = min(((committed_at(Path(lake.path(TABLES[feed])), version), feed) for feed, version in late.items()), default=None)
        target = float(TABLES[name].freshness_target_s or 60)
        facts.append(TableFacts(name, target, waiting[1] if waiting else None, waiting[0] if waiting else None))
    return tuple(facts)


def failing_refinements(run_dir: Path) -> tuple[Finding, ...]:
    """What the refinery could not run in its last pass."""
    progress = read_progress(run_dir)
    return tuple(Finding("table", name, "degraded", progress.written, cause) for name, cause in progress.failing.items()) if progress else ()


def _inputs(progress: Progress) -> set[str]:
    return {feed for read_through in progress.read_through.values() for feed in read_through if feed in TABLES}


def committed_at(table: Path, version: int) -> datetime:
    """When `version` of the table was committed; of the oldest kept one when its log entry is cleaned up."""
    entry = table / "_delta_log" / f"{version:020d}.json"
    if not entry.exists():
        entry = min(table.glob("_delta_log/*.json"), default=table)
    return datetime.fromtimestamp(entry.stat().st_mtime, UTC)


def read_document(path: Path) -> dict[str, object]:
    """A small JSON object another process writes; empty when missing or unreadable."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _attempt(troubles: list[Finding], what: str, read: Callable[[], T]) -> T | None:
    try:
        return read()
    except FactoLakeError as error:
        troubles.append(Finding("flow", what, "degraded", None, str(error)))
        return None


def _stamp(value: object) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return stamp.replace(tzinfo=UTC) if stamp and stamp.tzinfo is None else stamp


def _existing(path: Path) -> Path:
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return path
