"""What one run of a refinement did, and the row of ops.runs that tells it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one run did; `version` is the output's version after it, None when nothing was committed."""

    refinement: str
    slices: int = 0
    changed_slices: int = 0
    rows_written: int = 0
    version: int | None = None
    inputs: Mapping[str, int] = field(default_factory=dict)
    duration_s: float = 0.0

    @property
    def changed(self) -> bool:
        """Whether the output's rows differ from before."""
        return self.rows_written > 0 or self.changed_slices > 0


def run_row(result: RunResult, started: datetime, error: str | None = None) -> dict[str, object]:
    """A row of ops.runs."""
    return {
        "refinement": result.refinement,
        "started_ts": started,
        "duration_us": round(result.duration_s * 1_000_000),
        "slices": result.slices,
        "changed_slices": result.changed_slices,
        "rows_written": result.rows_written,
        "version": result.version,
        "input_versions": json.dumps(dict(result.inputs), sort_keys=True),
        "error": error,
    }
