"""What the watch remembers over a restart, as one value that is there whole or not at all.

Events that are to be told stand in it before they go into the log, under the number they have there: whoever starts again sends them once more under
the same number, so that an alert is neither lost nor there twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import is_
from pathlib import Path

from factolake.domain.plain_json import from_plain, to_text
from factolake.features.stream import Reading, StreamState
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


class MemoryFile:
    """Writes `file`. A reading of an open minute is put into text once and not each time: a busy plant has thousands of them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._waiting: dict[str, _Waiting] = {}

    def write(self, memory: Memory, *, is_hurried: bool = False) -> None:
        """Put it there in one step. It is on the disk when this returns, unless `is_hurried`: then only no end of the process can lose it, and a file
        of its own has it, since what is on the disk must outlive a power failure. Raises OSError.
        """
        machines = ",".join(f"{to_text(name)}:{self._machine(name, state)}" for name, state in memory.machines.items())
        told = {name: getattr(memory, name) for name in ("place", "saved_ts", "epoch", "waiting", "missed")}
        content = _with({"form": FORM, **told}, "machines", f"{{{machines}}}").encode()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if is_hurried:
            draft = self._file.with_suffix(".new")
            draft.write_bytes(content)
            draft.replace(_hurried(self._file))
        else:
            put_whole(self._file, content)
            _hurried(self._file).unlink(missing_ok=True)

    def _machine(self, name: str, state: MachineState) -> str:
        at = state.windows
        waiting = self._waiting.setdefault(name, _Waiting()).text_of(at.waiting)
        windows = _with({"closed_us": at.closed_us, "late": at.late, "state": at.state, "product": at.product}, "waiting", f"[{waiting}]")
        return _with({"pace": state.pace, "last_us": state.last_us, "judged": state.judged}, "windows", windows)


@dataclass(slots=True)
class _Waiting:
    """Readings that were put into text; more follow them until their minute is over."""

    readings: tuple[Reading, ...] = ()
    text: str = ""

    def text_of(self, readings: tuple[Reading, ...]) -> str:
        known = len(self.readings)
        if known > len(readings) or not all(map(is_, self.readings, readings)):
            known, self.text = 0, ""
        if known < len(readings):
            self.text += ("," if known else "") + to_text(readings[known:])[1:-1]
        self.readings = readings
        return self.text


def _with(told: Mapping[str, object], name: str, text: str) -> str:
    """JSON of `told` and, under `name`, of what is JSON already."""
    return f'{to_text(told)[:-1]},"{name}":{text}}}'


def read_memory(file: Path) -> Memory | None:
    """What was written last; None where nothing was. Raises ValueError for a file that is something else."""
    try:
        hurried = _read(_hurried(file))
    except ValueError:  # the power failed before it was on the disk
        hurried = None
    return hurried or _read(file)


def _hurried(file: Path) -> Path:
    return file.with_suffix(".hurried")


def _read(file: Path) -> Memory | None:
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
