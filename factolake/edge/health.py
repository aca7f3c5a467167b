"""The state of a source as the gateway sees it, and the small JSON file through which other processes see it."""

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

FOLDER = "health"


class SourceState(StrEnum):
    """Where a connection stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source: `state` since `since` because of `cause` (in words), and what was counted since the gateway started.

    `last_life_ts` is our time of the last answer of any kind, `last_value_ts` of the last value; `losses` counts values known to be lost
    where their number is known. What was received up to `stored_ts` is in the log, or told there as missing. `written_ts` is when this
    was last written down: an old one means that the gateway itself is dead.
    """

    source_id: str
    state: SourceState
    since: datetime
    cause: str
    last_value_ts: datetime | None = None
    last_life_ts: datetime | None = None
    stored_ts: datetime | None = None
    written_ts: datetime | None = None
    values: int = 0
    bad_quality: int = 0
    overflow: int = 0
    losses: int = 0
    nodes: int = 0
    nodes_bad: int = 0
    sessions: int = 0

    def words(self, now: datetime) -> str:
        """The state as a sentence for people, e.g. `connected, 200 nodes, no change for 40 min`."""
        if self.written_ts is not None and self.state is not SourceState.STOPPED and (now - self.written_ts).total_seconds() > 30:
            return f"the gateway has not reported for {_span(now, self.written_ts)}; last known: {self.state}, {self.cause}"
        if self.state is not SourceState.CONNECTED:
            return f"{self.state} for {_span(now, self.since)}: {self.cause}"
        change = f"no change for {_span(now, self.last_value_ts)}" if self.last_value_ts else "no value yet"
        bad = f", {self.nodes_bad} of them not readable" if self.nodes_bad else ""
        trouble = "" if self.cause == "connected" else f"; {self.cause}"
        return f"connected for {_span(now, self.since)}, {self.nodes} nodes{bad}, {change}{trouble}"


def write_health(run_dir: Path, health: SourceHealth, now: datetime) -> None:
    """Replace the source's file under `run_dir`/health at once, so that a reader never sees half of it."""
    folder = run_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(replace(health, written_ts=now)).items()}
    scratch = folder / f".{health.source_id}.{os.getpid()}"
    scratch.write_text(json.dumps(plain), encoding="utf-8")
    scratch.replace(folder / f"{health.source_id}.json")


def read_health(run_dir: Path) -> dict[str, SourceHealth]:
    """Every source that was ever written down under `run_dir`, by id; a file that cannot be read is left out."""
    found = {}
    for file in sorted((run_dir / FOLDER).glob("*.json")):
        try:
            health = _parse(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            continue
        found[health.source_id] = health
    return found


def _parse(plain: dict[str, object]) -> SourceHealth:
    known = {field.name for field in fields(SourceHealth)}
    values: dict[str, object] = {name: value for name, value in plain.items() if name in known}
    for name in ("since", "last_value_ts", "last_life_ts", "stored_ts", "written_ts"):
        stamp = values.get(name)
        values[name] = datetime.fromisoformat(str(stamp)).astimezone(UTC) if stamp else None
    values["state"] = SourceState(str(values["state"]))
    return SourceHealth(**values)  # type: ignore[arg-type]


def _span(now: datetime, then: datetime | None) -> str:
    seconds = (now - then).total_seconds() if then else 0.0
    if seconds < 120:
        return f"{max(0.0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
