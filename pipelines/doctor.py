"""Is the installation healthy, and if not, which part or source, since when and why: a pure judgement over what was observed.

`observe.py` collects the facts; nothing here reads a file or a clock. Healthy never means merely that a process runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal

State = Literal["healthy", "degraded", "down"]
ORDER: Mapping[State, int] = {"healthy": 0, "degraded": 1, "down": 2}

STALE_HEARTBEAT_S = 30.0
"""The gateway writes its health files every few seconds; one this old was left behind by a dead one."""

QUIET_S = 300.0
"""A live source without any change for longer than this is worth saying, though it may be right (a night without production)."""

SPOOL_LAG_S = 30.0
LATE_FACTOR = 4.0
"""A table may lag this many times its freshness target before it counts as late: one slow cycle is no fault."""

DISK_FREE_MIN = 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One source or part: its state, since when (UTC) and the cause in words."""

    kind: Literal["source", "signal", "part", "flow", "table", "disk"]
    name: str
    state: State
    since: datetime | None
    cause: str


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the gateway wrote about one source; `written` is when."""

    source_id: str
    state: str
    since: datetime | None
    cause: str
    last_value: datetime | None
    nodes_bad: int
    written: datetime
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """One signal with `stuck_after_s`: when its value last changed, and for how long its machine has produced since then."""

    machine: str
    signal: str
    changed: datetime
    produced_s: float
    stuck_after_s: float


@dataclass(frozen=True, slots=True)
class PartFacts:
    """One part: whether it is wanted (in `parts` or supervised), the living process, and what the supervisor says."""

    name: str
    wanted: bool
    pid: int | None
    since: datetime | None
    supervisor_state: str | None = None
    supervisor_cause: str = ""
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class SpoolFacts:
    """How far landing is behind the spool."""

    records: int
    oldest_age_s: float
    last_offset: int
    landed_offset: int | None


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One refined table: the oldest input change it has not taken up yet, if any."""

    name: str
    freshness_target_s: float
    waiting_for: str | None
    waiting_since: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the judgement rests on, observed at `now`."""

    now: datetime
    home: str
    sources: Sequence[SourceFacts]
    expected_sources: Sequence[str]
    parts: Sequence[PartFacts]
    spool: SpoolFacts | None
    tables: Sequence[TableFacts]
    disk_free_bytes: int
    signals: Sequence[SignalFacts] = ()
    troubles: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The judgement; `state` is the worst of the findings."""

    state: State
    checked: datetime
    findings: tuple[Finding, ...]

    def document(self) -> dict[str, object]:
        """The report as plain data: `sources` (with their stuck signals) and `parts`, each with state, since, cause."""
        rows = [asdict(finding) for finding in self.findings]
        return {
            "state": self.state,
            "checked": self.checked,
            "sources": [row for row in rows if row["kind"] in ("source", "signal")],
            "parts": [row for row in rows if row["kind"] not in ("source", "signal")],
        }


def diagnose(facts: Facts) -> Report:
    """Judge `facts`."""
    findings = [judge_source(source, facts.now) for source in facts.sources]
    known = {source.source_id for source in facts.sources}
    findings += [
        Finding("source", name, "down", None, "the gateway has never reported on it; is `factolake edge` running?")
        for name in facts.expected_sources
        if name not in known
    ]
    findings += [judge_stuck(signal) for signal in facts.signals if signal.produced_s > signal.stuck_after_s]
    findings += [judge_part(part) for part in facts.parts if part.wanted or part.pid]
    if facts.spool is not None:
        findings.append(judge_spool(facts.spool, facts.now))
    findings += [judge_table(table, facts.now) for table in facts.tables]
    findings += facts.troubles
    findings.append(judge_disk(facts))
    worst: State = max((finding.state for finding in findings), key=ORDER.__getitem__)
    return Report(worst, facts.now, tuple(findings))


def judge_source(source: SourceFacts, now: datetime) -> Finding:
    """A source: dead gateway first, then the session, then silence on a living one."""
    silent_s = (now - source.written).total_seconds()
    if silent_s > STALE_HEARTBEAT_S:
        cause = f"the gateway has said nothing for {span(silent_s)} (then: {source.state}); is `factolake edge` running?"
        return Finding("source", source.source_id, "down", source.written, cause)
    if source.state != "connected":
        cause = source.cause or f"session {source.state}"
        return Finding("source", source.source_id, "down", source.since, f"{cause}{_for(source.since, now)}")
    if source.nodes_bad:
        return Finding(
            "source", source.source_id, "degraded", source.since, f"connected, but {source.nodes_bad} nodes cannot be read; see bronze.events"
        )
    if source.last_value is None:
        return Finding("source", source.source_id, "degraded", source.since, f"connected, but no value yet{_for(source.since, now)}")
    quiet_s = (now - source.last_value).total_seconds()
    if quiet_s > QUIET_S and not source.recorded:
        return Finding("source", source.source_id, "degraded", source.last_value, f"connected, no change for {span(quiet_s)}")
    if quiet_s > QUIET_S:
        return Finding("source", source.source_id, "healthy", source.since, f"connected, recording at its end for {span(quiet_s)}")
    return Finding("source", source.source_id, "healthy", source.since, f"connected, last change {span(max(quiet_s, 0))} ago")


def judge_stuck(signal: SignalFacts) -> Finding:
    """A value that stands still while its machine produces: one of the two is wrong, and no state or count is changed for it."""
    cause = f"no change over {span(signal.produced_s)} of production (limit {span(signal.stuck_after_s)}); look at the sensor or the counter"
    return Finding("signal", f"{signal.machine} {signal.signal}", "degraded", signal.changed, cause)


def judge_part(part: PartFacts) -> Finding:
    """A part: what the supervisor gave up on, waits for, or what simply is not there."""
    again = f", restarts: {part.restarts}" if part.restarts else ""
    if part.pid:
        return Finding("part", part.name, "healthy", part.since, f"process {part.pid}{again}")
    if part.supervisor_state in ("failed", "backoff"):
        doing = "stays down" if part.supervisor_state == "failed" else "waits for its next start"
        return Finding("part", part.name, "down", part.since, f"{doing}: {part.supervisor_cause}{again}")
    if part.supervisor_state == "running":
        return Finding("part", part.name, "degraded", part.since, f"starting{again}")
    return Finding("part", part.name, "down", part.since, f"not running; start it with `factolake up` or `factolake {part.name}`")


def judge_spool(spool: SpoolFacts, now: datetime) -> Finding:
    """The way from spool to bronze: how much waits, how old it is."""
    behind = spool.last_offset - (spool.landed_offset or 0)
    if behind < 0:
        cause = f"the spool ends at offset {spool.last_offset}, but {spool.landed_offset} is landed: the spool file was replaced"
        return Finding("flow", "spool", "down", None, cause)
    if behind == 0:
        return Finding("flow", "spool", "healthy", None, f"all {spool.last_offset} records are landed")
    late = spool.oldest_age_s > SPOOL_LAG_S
    cause = f"{behind} records wait for landing, the oldest for {span(spool.oldest_age_s)}"
    return Finding("flow", "spool", "degraded" if late else "healthy", now - timedelta(seconds=spool.oldest_age_s), cause)


def judge_table(table: TableFacts, now: datetime) -> Finding:
    """One table against its freshness target."""
    if table.waiting_since is None:
        return Finding("table", table.name, "healthy", None, "up to date with its inputs")
    late_s = (now - table.waiting_since).total_seconds()
    cause = f"{span(late_s)} behind {table.waiting_for} (target {table.freshness_target_s:g} s)"
    late = late_s > LATE_FACTOR * table.freshness_target_s
    return Finding("table", table.name, "degraded" if late else "healthy", table.waiting_since, cause)


def judge_disk(facts: Facts) -> Finding:
    """Space left under the data folder."""
    free = facts.disk_free_bytes
    words = f"{free / 1024**3:.1f} GiB free under {facts.home}"
    return Finding("disk", "disk", "healthy" if free >= DISK_FREE_MIN else "degraded", None, words)


def span(seconds: float) -> str:
    """A length of time in words a person reads: 12 s, 40 min, 3.5 h, 2 days."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.0f} days"


def _for(since: datetime | None, now: datetime) -> str:
    return f" for {span((now - since).total_seconds())}" if since else ""
