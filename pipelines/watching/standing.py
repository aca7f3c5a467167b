"""How the watch stands, as a small file: `doctor` and `status` tell by it what is watched and what it missed."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from factolake.domain.plain_json import from_plain, to_plain
from pipelines.doctor import Finding
from pipelines.part_lock import holder

FILE = "watch.json"


@dataclass(frozen=True, slots=True)
class Figures:
    """How many `machines` are watched, events are `waiting` for the spool, records were `missed`, and readings `refused` or `late`.

    `passed_over`: records of a backfill of which every reading was too old.
    """

    machines: int
    waiting: int
    missed: int
    refused: int
    late: int
    passed_over: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What the watch wrote at `written` (UTC); `models` says in a sentence each what scores and why.

    `troubles`: the machines whose models cannot judge. `lacks`: walls that a model's trial could not have on this system.
    """

    written: datetime
    models: tuple[str, ...]
    figures: Figures
    troubles: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


def write_standing(run_dir: Path, standing: Standing) -> None:
    """Replace the file in one step."""
    draft = run_dir / f"{FILE}.new"
    draft.write_text(json.dumps(to_plain(standing)), encoding="utf-8")
    draft.replace(run_dir / FILE)


def watch_findings(run_dir: Path) -> tuple[Finding, ...]:
    """How a running watch stands; nothing while none runs, or before it has anything to say."""
    try:
        standing = from_plain(Standing, json.loads((run_dir / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return ()
    return (judge_watch(standing),) if holder(run_dir, "watch") else ()


def judge_watch(standing: Standing) -> Finding:
    """A watch whose alerts wait, or where a model is refused or cannot judge, is not healthy; what it missed is said."""
    figures = standing.figures
    refused = [said for said in standing.models if "refused" in said or "no model scores" in said]
    told = [f"{figures.machines} machines are watched"]
    told += [f"{figures.waiting} events wait for the spool"] if figures.waiting else []
    told += [f"{figures.missed} records were gone before they were read"] if figures.missed else []
    told += [f"models are tried without {' and '.join(standing.lacks)}, which this system does not allow"] if standing.lacks else []
    is_ill = bool(figures.waiting or refused or standing.troubles)
    return Finding("flow", "watch", "degraded" if is_ill else "healthy", standing.written, "; ".join([*told, *refused, *standing.troubles]))
