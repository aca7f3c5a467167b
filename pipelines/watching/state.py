"""What the watch remembers over a restart, as one file that is there whole or not at all.

Events that are to be told stand in it before they go into the log, under the number they have there: whoever starts again sends them once more under
the same number, so that an alert is neither lost nor there twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from factolake.domain.plain_json import from_plain, to_plain
from factolake.features.stream import StreamState
from factolake.files import put_whole
from models.timeseries.alert_events import AlertingState
from pipelines.watching.minutes import UNSEEN, Pace
from pipelines.watching.tail import Place
from pipelines.watching.telling import Told

FORM = 1


@dataclass(frozen=True, slots=True)
class Judged:
    """Which model judges, by name, version and hash, and what alerting remembers."""

    model: str
    version: int
    sha256: str
    alerting: AlertingState


@dataclass(frozen=True, slots=True)
class MachineState:
    """Of one machine: its open minutes, the last one that is over (0: none), and what judges it."""

    windows: StreamState = field(default_factory=StreamState)
    pace: Pace = UNSEEN
    last_us: int = 0
    judged: Judged | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """`place`: where in the log the minutes stand. `epoch`: of the process that wrote this.

    `waiting`: events that are not known to be in the log, in order. `missed`: records nobody could read any more, since the beginning.
    """

    place: Place
    saved_ts: datetime
    epoch: int
    machines: Mapping[str, MachineState]
    waiting: tuple[Told, ...] = ()
    missed: int = 0


def write_memory(file: Path, memory: Memory, *, is_hurried: bool = False) -> None:
    """Replace the file in one step; it is on the disk when this returns, unless `is_hurried`: then only no end of the process can lose it.

    Raises OSError.
    """
    machines = {
        name: {"windows": state.windows.to_json(), "pace": to_plain(state.pace), "last_us": state.last_us, "judged": to_plain(state.judged)}
        for name, state in memory.machines.items()
    }
    told = {name: to_plain(getattr(memory, name)) for name in ("place", "saved_ts", "epoch", "waiting", "missed")}
    file.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"form": FORM, **told, "machines": machines}, separators=(",", ":")).encode()
    if is_hurried:
        draft = file.with_suffix(".new")
        draft.write_bytes(content)
        draft.replace(file)
    else:
        put_whole(file, content)


def read_memory(file: Path) -> Memory | None:
    """What was written last; None where nothing was. Raises ValueError for a file that is something else."""
    try:
        said = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    try:
        if said["form"] != FORM:
            raise ValueError(f"it has form {said['form']}, this release reads {FORM}")
        return Memory(
            from_plain(Place, said["place"], "place"),
            datetime.fromisoformat(said["saved_ts"]),
            int(said["epoch"]),
            {str(name): _machine(state) for name, state in said["machines"].items()},
            tuple(from_plain(Told, one, "waiting") for one in said["waiting"]),
            int(said["missed"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is not what the watch writes ({type(error).__name__} {error})") from error


def _machine(said: Mapping[str, object]) -> MachineState:
    windows, judged = said["windows"], said["judged"]
    if not isinstance(windows, dict):
        raise ValueError("the windows of a machine are no object")
    return MachineState(
        StreamState.from_json(windows), from_plain(Pace, said["pace"], "pace"), from_plain(int, said["last_us"], "last_us"), _judged(judged)
    )


def _judged(said: object) -> Judged | None:
    return None if said is None else from_plain(Judged, said, "judged")
