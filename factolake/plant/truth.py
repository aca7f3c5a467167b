"""The plant's own ledger: what really happened and what was sent, as JSON lines. The platform never reads it; tests judge by it.

Lines are arrays, first the kind: `c` a value sent, `s` a state interval, `m` a machine's minute, `d` an onset, failure or reset of a degradation,
`n` values sent per tag, `e` the end.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, TextIO

from factolake.plant.line import Fact
from factolake.plant.moment import from_us, to_us
from factolake.plant.wire import Change, Value

MINUTE_US = 60_000_000
FSYNC_LINES = 20_000
DEGRADING = frozenset({"onset", "failure", "reset"})
Keep = Literal["all", "discrete", "none"]


class Sent(NamedTuple):
    """A value written to the server: `id` counts from 1 over the whole run."""

    id: int
    ts: datetime
    machine: str
    signal: str
    value: Value | None
    status: int


class StateInterval(NamedTuple):
    """A true state of a machine in [from_ts, to_ts), exact."""

    machine: str
    from_ts: datetime
    to_ts: datetime
    state: str


class Minute(NamedTuple):
    """A machine's minute: microseconds per state, parts made in it, order and product at its end."""

    machine: str
    minute_ts: datetime
    state_us: dict[str, int]
    total: int
    good: int
    scrap: int
    order: str
    product: str


class Degraded(NamedTuple):
    """A degradation as it happened: `signals` are those it shows in, the one that tells most first; None is not yet, or never."""

    machine: str
    kind: str
    onset_ts: datetime
    failure_ts: datetime | None
    reset_ts: datetime | None
    signals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """A ledger read back; `counts` is values sent per tag, `end` the plant time reached (None if the plant was killed)."""

    sent: list[Sent]
    states: list[StateInterval]
    minutes: list[Minute]
    counts: Counter[str]
    end: datetime | None
    degradations: list[Degraded] = field(default_factory=list)


@dataclass(slots=True)
class _Account:
    state: str = ""
    since_us: int = 0
    begun_us: int = 0
    order: str = ""
    product: str = ""
    totals: dict[str, int] = field(default_factory=lambda: {"total": 0, "good": 0, "scrap": 0})
    state_us: Counter[str] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)


class TruthLedger:
    """Writes the ledger to `path` (None keeps no file). `keep`: every value sent, all but process samples and heartbeats, or none."""

    def __init__(self, path: Path | None, start: datetime, keep: Keep = "all", sampled: frozenset[str] = frozenset()) -> None:
        self._file: TextIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8")
        self._keep, self._sampled = keep, sampled
        self._accounts: dict[str, _Account] = {}
        self._minute_us = to_us(start) // MINUTE_US * MINUTE_US
        self._unsynced = self._id = 0
        self.counts: Counter[str] = Counter()

    @property
    def values(self) -> int:
        """Values sent so far."""
        return self._id

    def happened(self, facts: list[Fact], until: datetime) -> None:
        """Account for `facts` and for the time up to `until`."""
        for fact in facts:
            self._close_minutes(fact.ts_us)
            self._account(fact)
        self._close_minutes(to_us(until))

    def sent(self, changes: list[Change]) -> None:
        """Note values written to the server, once they are written."""
        for change in changes:
            self._id += 1
            self.counts[change.tag] += 1
            if self._keep == "all" or (self._keep == "discrete" and change.signal not in self._sampled):
                self._write(["c", self._id, to_us(change.ts), change.machine, change.signal, change.value, change.status])

    def flush(self) -> None:
        """Everything so far safe on disk."""
        if self._file is not None:
            self._write(["n", dict(self.counts)])
            self._sync()

    def close(self, end: datetime) -> None:
        """Close open intervals and the running minute at `end`."""
        self._close_minutes(to_us(end))
        for machine, account in self._accounts.items():
            self._end_interval(machine, account, to_us(end))
            self._end_minute(machine, account, to_us(end))
        self._write(["e", to_us(end)])
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _account(self, fact: Fact) -> None:
        account = self._accounts.setdefault(fact.machine, _Account(since_us=fact.ts_us, begun_us=fact.ts_us))
        if fact.name == "state":
            self._end_interval(fact.machine, account, fact.ts_us)
            account.state = str(fact.value)
        elif fact.name == "order":
            account.order = str(fact.value)
        elif fact.name == "product":
            account.product = str(fact.value)
        elif fact.name in DEGRADING:
            self._write(["d", *fact])
        elif fact.name in account.totals:
            account.parts[fact.name] += int(fact.value) - account.totals[fact.name]
            account.totals[fact.name] = int(fact.value)

    def _end_interval(self, machine: str, account: _Account, at_us: int) -> None:
        self._spend(account, at_us)
        if account.state and at_us > account.begun_us:
            self._write(["s", machine, account.begun_us, at_us, account.state])
        account.begun_us = at_us

    def _spend(self, account: _Account, at_us: int) -> None:
        if account.state and at_us > account.since_us:
            account.state_us[account.state] += at_us - account.since_us
        account.since_us = max(at_us, account.since_us)

    def _close_minutes(self, now_us: int) -> None:
        while now_us >= self._minute_us + MINUTE_US:
            end_us = self._minute_us + MINUTE_US
            for machine, account in self._accounts.items():
                self._end_minute(machine, account, end_us)
            self._minute_us = end_us

    def _end_minute(self, machine: str, account: _Account, at_us: int) -> None:
        self._spend(account, at_us)
        if account.state_us or account.parts:
            parts = [account.parts[name] for name in ("total", "good", "scrap")]
            self._write(["m", machine, self._minute_us, dict(account.state_us), *parts, account.order, account.product])
        account.state_us, account.parts = Counter(), Counter()

    def _write(self, line: list[object]) -> None:
        if self._file is None:
            return
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._unsynced += 1
        if self._unsynced >= FSYNC_LINES:
            self._sync()

    def _sync(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._unsynced = 0


def degradations_in(facts: Iterable[Fact]) -> list[Degraded]:
    """The degradations told by `facts`, in the order they began."""
    found: list[Degraded] = []
    latest: dict[tuple[str, str], int] = {}
    for ts_us, machine, name, value in facts:
        if name not in DEGRADING:
            continue
        kind, _, signals = str(value).partition(":")
        if name == "onset":
            latest[machine, kind] = len(found)
            found.append(Degraded(machine, kind, from_us(ts_us), None, None, tuple(signals.split(","))))
            continue
        place = latest[machine, kind]
        at = from_us(ts_us)
        found[place] = found[place]._replace(failure_ts=at) if name == "failure" else found[place]._replace(reset_ts=at)
    return found


def load_truth(path: Path) -> Truth:
    """The ledger at `path`; a half-written last line (the plant was killed) is left out."""
    truth = Truth([], [], [], Counter(), None)
    end: datetime | None = None
    degrading: list[Fact] = []
    with path.open(encoding="utf-8") as lines:
        for text in lines:
            if not text.endswith("\n"):
                break
            kind, *rest = json.loads(text)
            if kind == "c":
                truth.sent.append(Sent(rest[0], from_us(rest[1]), *rest[2:]))
            elif kind == "s":
                truth.states.append(StateInterval(rest[0], from_us(rest[1]), from_us(rest[2]), rest[3]))
            elif kind == "m":
                truth.minutes.append(Minute(rest[0], from_us(rest[1]), *rest[2:]))
            elif kind == "d":
                degrading.append(Fact(*rest))
            elif kind == "n":
                truth.counts.clear()
                truth.counts.update(rest[0])
            else:
                end = from_us(rest[0])
    return Truth(truth.sent, truth.states, truth.minutes, truth.counts, end, degradations_in(degrading))
