"""All watched machines of a plant: messages in, what is to be told out. No clock, no log and no lake: time and records are handed in.

`part.py` is what reads and writes for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import structlog

from factolake.domain.plant import PlantModel
from factolake.domain.signals import FEATURED, SignalKind
from factolake.features.stream import Reading, StreamState
from models.registry.catalogue import Verified
from models.registry.serving import Serving
from models.timeseries.alert_events import Closed
from models.timeseries.alerting import EPOCH
from pipelines.watching.champions import channels_of, path_of
from pipelines.watching.journal import Journal
from pipelines.watching.judging import Happened, Judge
from pipelines.watching.mapping import SignalMap
from pipelines.watching.minutes import Minute, Minutes
from pipelines.watching.past import Past
from pipelines.watching.standing import Figures
from pipelines.watching.state import Judged, MachineState, Memory
from pipelines.watching.tail import Place
from pipelines.watching.telling import Told, payload_of

Words = Mapping[tuple[str, SignalKind], Reading]
_log = structlog.get_logger(__name__)


OUT_FOR = timedelta(hours=1)
"""A model that could not judge is let try again after so much of its machine's time: what it cannot take may have been one bad minute."""


@dataclass(frozen=True, slots=True)
class Out:
    """A model that could not judge, and `why`; it is tried again with the minute `again_ts`."""

    model: Verified
    why: str
    again_ts: datetime

    @property
    def told(self) -> str:
        """In a sentence, without the machine."""
        return f"version {self.model.version} of its model is left out until {self.again_ts:%Y-%m-%d %H:%M} UTC, for it cannot judge: {self.why}"


@dataclass(slots=True)
class Followed:
    """One machine: its minutes, those that are over, and its judge, if a model serves it.

    `judged` is what the last judge remembered, `out` a model that could not judge.
    """

    minutes: Minutes
    journal: Journal
    judge: Judge | None = None
    judged: Judged | None = None
    out: Out | None = None


@dataclass(slots=True)
class Watch:
    """Follows the machines of `plant`; files of minutes lie in `folder`. Events are numbered from 0 in `epoch`.

    `waiting` are events to be told, the oldest first; `missed` counts records that nobody could read, `passed_over` those
    of which every reading was too old. `past` is what alerts remind of.
    """

    plant: PlantModel
    folder: Path
    epoch: int
    past: Past = field(default_factory=Past)
    waiting: list[Told] = field(default_factory=list)
    missed: int = 0
    refused: int = 0
    passed_over: int = 0
    has_news: bool = False
    _map: SignalMap = field(init=False)
    _machines: dict[str, Followed] = field(init=False, default_factory=dict)
    _next_seq: int = 0

    def __post_init__(self) -> None:
        self._map = SignalMap(self.plant)

    def restore(self, memory: Memory) -> None:
        """Go on where `memory` stands."""
        self.waiting, self.missed = list(memory.waiting), memory.missed
        self.epoch = max(self.epoch, memory.epoch + 1)  # also where the clock was set back meanwhile
        for machine, state in memory.machines.items():
            if machine in self.plant.machines:
                followed = self._new(machine, state)
                followed.journal.read(state.last_us)
                self._machines[machine] = followed

    def memory(self, place: Place, now: datetime) -> Memory:
        """All that has to be kept, when the log has been read to `place`."""
        machines = {machine: _state(followed) for machine, followed in self._machines.items()}
        return Memory(place, now, self.epoch, machines, tuple(self.waiting), self.missed)

    def serve(self, servings: Mapping[str, Serving], words: Callable[[], Words]) -> frozenset[str]:
        """Let the models of `servings` judge, by machine; those that are new, which begin with what they last said of themselves (`words`)."""
        begun = frozenset(machine for machine, serving in servings.items() if serving.model is not None) & self.plant.machines.keys()
        begun -= self._machines.keys()
        said = words() if begun else {}
        for machine, serving in servings.items():
            if serving.model is None or machine not in self.plant.machines:
                continue
            if machine in begun:
                self._machines[machine] = self._new(machine, MachineState(_begun(said, machine)))
            followed = self._machines[machine]
            if serving.model not in (followed.out.model if followed.out else None, followed.judge.model if followed.judge else None):
                self._appoint(machine, followed, serving.model)
        return begun

    def forget(self, words: Words) -> None:
        """After records that nobody could read: open minutes are not whole, and what machines do may be another; begin with `words`."""
        for machine, followed in self._machines.items():
            followed.minutes = self._minutes(machine, MachineState(_begun(words, machine)))

    def take(self, messages: pa.Table, only: frozenset[str] | None = None) -> None:
        """Messages of the log, in order; `only` for these machines (None: all)."""
        if not messages.num_rows:
            return
        found = self._map.mapped(messages)
        self.refused += found.refused
        machine_of = self._map.machine_of[found.places]
        for number in np.unique(machine_of).tolist():
            machine = self._map.machines[number]
            if machine in self._machines and (only is None or machine in only):
                followed, mine = self._machines[machine], found.only(np.flatnonzero(machine_of == number))
                self._judge(machine, followed, followed.minutes.take(mine, self._map.signals))

    @property
    def floor_us(self) -> int:
        """Readings stamped before this change nothing any more, whatever they say."""
        return min((followed.minutes.floor_us for followed in self._machines.values()), default=0)

    def passed(self, now: datetime) -> None:
        """The clock came to `now`, and all that was in the log before is taken."""
        now_us = (now - EPOCH) // timedelta(microseconds=1)
        for machine, followed in self._machines.items():
            self._judge(machine, followed, followed.minutes.passed(now_us))

    def told(self) -> None:
        """All that waited is in the log; what is kept says otherwise until it is kept anew."""
        self.waiting.clear()
        self.has_news = True

    def figures(self) -> Figures:
        """How many machines are watched, events wait, records were missed, readings refused and late."""
        late = sum(followed.minutes.late for followed in self._machines.values())
        return Figures(len(self._machines), len(self.waiting), self.missed, self.refused, late, self.passed_over)

    def troubles(self) -> tuple[str, ...]:
        """In a sentence each, the machines whose models cannot judge, or give no score."""
        found = []
        for machine, followed in self._machines.items():
            if followed.out is not None:
                found.append(f"{machine}: {followed.out.told}")
            elif followed.judge is not None and followed.judge.failed_minutes:
                found.append(f"{machine}: {followed.judge.failed_minutes} minutes up to now are unscored, for its model gave no number from 0 on")
        return tuple(found)

    def _new(self, machine: str, state: MachineState) -> Followed:
        minutes = self._minutes(machine, state)
        return Followed(minutes, Journal(self.folder, machine, minutes.names), judged=state.judged)

    def _minutes(self, machine: str, state: MachineState) -> Minutes:
        names = tuple(sorted(signal.name for signal in self.plant.signals if signal.machine == machine and signal.kind in FEATURED))
        words = self.plant.state_maps[self.plant.machines[machine].state_map]
        return Minutes(names, words, state.windows, state.pace)

    def _appoint(self, machine: str, followed: Followed, model: Verified) -> None:
        before, followed.out = followed.judge.judged() if followed.judge else followed.judged, None
        followed.judge = Judge(model, path_of(self.plant, machine), followed.minutes.names, channels_of(self.plant, machine), before)
        if before is not None and followed.judge.judged().alerting.episode != before.alerting.episode:
            self._end(machine, before, followed.journal)

    def _end(self, machine: str, before: Judged, journal: Journal) -> None:
        """Another model judges now: the alert of the one before is over, for nobody follows it any more."""
        episode, last_s = before.alerting.episode, before.alerting.last_s
        if episode is not None and last_s is not None:
            at_ts = EPOCH + timedelta(seconds=last_s)
            self._tell(machine, (Closed(episode.alert.alert_id, at_ts, episode.strength, episode.raised), at_ts))

    def _judge(self, machine: str, followed: Followed, minutes: list[Minute]) -> None:
        for minute in minutes:
            at_ts = EPOCH + timedelta(microseconds=minute.window_us)
            if followed.out is not None and at_ts >= followed.out.again_ts:
                self._appoint(machine, followed, followed.out.model)
            if followed.judge is not None:
                for one in self._happened(machine, followed, followed.judge, minute, at_ts):
                    self._tell(machine, one)
            followed.journal.add([minute])
            self.has_news = True

    def _happened(self, machine: str, followed: Followed, judge: Judge, minute: Minute, at_ts: datetime) -> list[Happened]:
        """What `judge` tells of a minute. One that cannot judge is taken out, and the other machines go on."""
        failed = judge.failed_minutes
        try:
            happened = judge.feed(minute, followed.journal.minutes)
        except Exception as error:  # whatever a model, or what its scores are made into, says of rows that it cannot take
            followed.judged, followed.judge, followed.out = judge.judged(), None, Out(judge.model, str(error), at_ts + OUT_FOR)
            _log.error(f"{machine}: {followed.out.told}")
            return []
        if judge.failed_minutes and not failed:
            _log.warning(f"{machine}: its model gave no number from 0 on, so the minute is unscored", minute=at_ts.isoformat())
        return happened

    def _tell(self, machine: str, happened: Happened) -> None:
        event, at_ts = happened
        payload = payload_of(event, at_ts, self.past.dressed, self.plant.calendar.zone)
        if payload is not None:
            self.waiting.append(Told(self.epoch, self._next_seq, machine, payload, at_ts.astimezone(UTC)))
            self._next_seq += 1


def _begun(words: Words, machine: str) -> StreamState:
    return StreamState(state=words.get((machine, SignalKind.STATE)), product=words.get((machine, SignalKind.PRODUCT)))


def _state(followed: Followed) -> MachineState:
    last_us = followed.journal.minutes[-1].window_us if followed.journal.minutes else 0
    judged = followed.judge.judged() if followed.judge else followed.judged
    return MachineState(followed.minutes.snapshot(), followed.minutes.pace, last_us, judged)
