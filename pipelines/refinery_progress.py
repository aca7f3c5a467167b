"""How far the refinery has read, as a small file: `doctor` and `demo` tell by it what is late and when all is at rest.

A refinement commits a position that touched nothing only now and then, so the tables alone would make it look late.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Progress:
    """After a pass ended at `written` (UTC): version read through by output table and input table, and what fails, in words."""

    written: datetime
    read_through: Mapping[str, Mapping[str, int]]
    failing: Mapping[str, str] = field(default_factory=dict)


def write_progress(run_dir: Path, progress: Progress) -> None:
    """Replace the file in one step."""
    document = {"written": progress.written.isoformat(), "read_through": progress.read_through, "failing": progress.failing}
    run_dir.mkdir(parents=True, exist_ok=True)
    draft = run_dir / "refinery.json.new"
    draft.write_text(json.dumps(document), encoding="utf-8")
    draft.replace(run_dir / "refinery.json")


def read_progress(run_dir: Path) -> Progress | None:
    """What the refinery wrote last; None before its first pass."""
    try:
        told = json.loads((run_dir / "refinery.json").read_text(encoding="utf-8"))
        return Progress(datetime.fromisoformat(told["written"]), told["read_through"], told["failing"])
    except (OSError, ValueError, KeyError):
        return None
