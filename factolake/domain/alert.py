"""An alert as a value: which machine behaves other than usual in what, since when, how rare that is on a healthy one, and what happened before.

How scores become few alerts is in `models.timeseries.alerting`, how an alert reads in `models.timeseries.words`. Nobody's answer is kept here: what
people say about an alert belongs to the record, and comes back as `PastEvent` of later ones.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Self

from factolake.domain.plain_json import from_plain, to_plain
from factolake.domain.units import UNITS

SECONDS_IN_WEEK = 7 * 86_400.0
WEEK_BUDGET = 2
"""Alerts of a machine that may stand in a week, unless a model is told otherwise: people look at so many."""


class AlertKind(StrEnum):
    """What a model says of a machine."""

    UNUSUAL = "unusual"
    DRIFT = "drift"
    VIBRATION = "vibration"
    WEAR = "wear"


class Severity(StrEnum):
    """How far from usual, from the least on."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for the least."""
        return list(Severity).index(self)


class CheckSource(StrEnum):
    """Where a suggested check comes from: the plant's own table, or what fixed a similar event."""

    PLANT = "plant"
    PAST_FIX = "past_fix"


@dataclass(frozen=True, slots=True)
class Band:
    """Between which values a signal usually is, both ends among them. Raises ValueError."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _finite("band", self.low, self.high)
        if self.low > self.high:
            raise ValueError(f"a band from {self.low} to {self.high} ends before it begins; give the lower value first")

    def side(self, value: float) -> int:
        """-1 below, 0 within, 1 above."""
        return (value > self.high) - (value < self.low)


@dataclass(frozen=True, slots=True)
class Contribution:
    """One signal's part in an alert. Raises ValueError.

    `label`: what people call it. `value`: when the alert was raised, in `unit` (UNECE Rec 20 code, None where it has none). `usual` None: not known.
    `share`: of the score, above 0 to 1.
    """

    signal: str
    label: str
    value: float
    unit: str | None
    usual: Band | None
    share: float

    def __post_init__(self) -> None:
        _named("signal", self.signal)
        _named("label", self.label)
        _finite(f"signal {self.signal}", self.value)
        if self.unit is not None and self.unit not in UNITS:
            raise ValueError(f"signal {self.signal} has unit {self.unit!r}; give a UNECE Rec 20 code: {', '.join(sorted(UNITS))}")
        if not 0 < self.share <= 1:
            raise ValueError(f"signal {self.signal} has a share of {self.share}; give above 0 to 1")

    @property
    def side(self) -> int:
        """-1 below its usual band, 1 above, 0 within or where no band is known."""
        return self.usual.side(self.value) if self.usual else 0


@dataclass(frozen=True, slots=True)
class Sureness:
    """How rare so strong an alert is on a healthy machine: of `blocks` blocks of `block_s` of clean recording, `as_strong` had one.

    Raises ValueError where there is no block, or fewer than had one.
    """

    as_strong: int
    blocks: int
    block_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.as_strong <= self.blocks or self.blocks < 1 or not 0 < self.block_s < math.inf:
            raise ValueError(f"{self.as_strong} of {self.blocks} blocks of {self.block_s} s; give 1 block or more, above 0 s, and no more as strong")

    @property
    def chance(self) -> float:
        """At most so likely is a block of a healthy machine to have an alert as strong; the conformal p-value, which counts the new block too.

        >>> Sureness(as_strong=0, blocks=999, block_s=3600.0).chance
        0.001
        """
        return (self.as_strong + 1) / (self.blocks + 1)

    @property
    def clean_weeks(self) -> float:
        """How long the clean recording is."""
        return self.blocks * self.block_s / SECONDS_IN_WEEK

    @property
    def false_a_week(self) -> float:
        """At most so many blocks with an alert as strong are expected in a healthy machine's week."""
        return self.chance * SECONDS_IN_WEEK / self.block_s

    @property
    def weeks_between(self) -> float:
        """At least so many weeks of a healthy machine are expected to hold one."""
        return 1 / self.false_a_week


@dataclass(frozen=True, slots=True)
class Regime:
    """How the machine ran: the model's number, and what it made where that is known."""

    number: int
    product: str | None = None

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError(f"regime {self.number}: below 0 a machine does not run, and is never alerted; give 0 or above")
        _named_or_none("product", self.product)


@dataclass(frozen=True, slots=True)
class PastEvent:
    """An earlier alert that looked alike, and what people said it was. Raises ValueError.

    `similarity`: 0 to 1. `false_alarm` None: nobody said. `minutes`: how long the machine stood because of it.
    """

    event_id: str
    onset_ts: datetime
    similarity: float
    cause: str | None = None
    fix: str | None = None
    false_alarm: bool | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        _named("event_id", self.event_id)
        _utc("onset_ts", self.onset_ts)
        _named_or_none("cause", self.cause)
        _named_or_none("fix", self.fix)
        if not 0 <= self.similarity <= 1:
            raise ValueError(f"event {self.event_id} has a similarity of {self.similarity}; give 0 to 1")
        if self.minutes is not None and not 0 <= self.minutes < math.inf:
            raise ValueError(f"event {self.event_id} lasted {self.minutes} min; give 0 or more")


@dataclass(frozen=True, slots=True)
class Check:
    """What to look at first; `source` says who found it out."""

    text: str
    source: CheckSource = CheckSource.PLANT

    def __post_init__(self) -> None:
        _named("check", self.text)


@dataclass(frozen=True, slots=True)
class Stake:
    """Minutes that past stops of `cause`, which is what it may be, took: the middle one, and between which most were. Raises ValueError."""

    cause: str
    median_min: float
    low_min: float
    high_min: float
    stops: int

    def __post_init__(self) -> None:
        _named("cause", self.cause)
        _finite("minutes at stake", self.low_min, self.median_min, self.high_min)
        if not 0 <= self.low_min <= self.median_min <= self.high_min or self.stops < 1:
            raise ValueError(f"{self.low_min}, {self.median_min}, {self.high_min} min of {self.stops} stops; give rising minutes and 1 stop or more")


@dataclass(frozen=True, slots=True)
class ModelStamp:
    """Which model spoke."""

    name: str
    version: str

    def __post_init__(self) -> None:
        _named("model name", self.name)
        _named("model version", self.version)


@dataclass(frozen=True, slots=True)
class DataVersion:
    """A table and the version of it that was read."""

    table: str
    version: int

    def __post_init__(self) -> None:
        _named("table", self.table)
        if self.version < 0:
            raise ValueError(f"table {self.table} has version {self.version}; give 0 or above")


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of one machine. Raises ValueError where its parts do not fit.

    `path`: the machine's ISA-95 path. `strength`: the score that was kept for the whole persistence, 1 at the threshold. `contributions`: largest
    share first. `similar`: most alike first. What is not known is None or empty.
    """

    kind: AlertKind
    severity: Severity
    path: str
    onset_ts: datetime
    raised_ts: datetime
    strength: float
    regime: Regime
    contributions: tuple[Contribution, ...]
    model: ModelStamp
    data: tuple[DataVersion, ...] = ()
    sureness: Sureness | None = None
    similar: tuple[PastEvent, ...] = ()
    check: Check | None = None
    stake: Stake | None = None

    def __post_init__(self) -> None:
        _named("path", self.path)
        _utc("onset_ts", self.onset_ts)
        _utc("raised_ts", self.raised_ts)
        if self.onset_ts > self.raised_ts:
            raise ValueError(f"the alert of {self.path} began {self.onset_ts} and was raised before, {self.raised_ts}; give an earlier onset")
        if not 1 <= self.strength < math.inf:
            raise ValueError(f"the alert of {self.path} has strength {self.strength}; below the threshold, 1, there is no alert")
        if any(later.share > earlier.share for earlier, later in pairwise(self.contributions)):
            raise ValueError(f"contributions of {self.path} have shares {[one.share for one in self.contributions]}; give the largest first")
        if math.fsum(one.share for one in self.contributions) > 1 + 1e-9:
            raise ValueError(f"contributions of {self.path} have shares {[one.share for one in self.contributions]}; together they are at most 1")
        if any(later.similarity > earlier.similarity for earlier, later in pairwise(self.similar)):
            raise ValueError(f"similar events of {self.path} are {[one.similarity for one in self.similar]} alike; give the most alike first")
        if any(event.onset_ts >= self.onset_ts for event in self.similar):
            raise ValueError(f"an event similar to the alert of {self.path} began no earlier than it, {self.onset_ts}; give past ones")
        _once("signal", self.path, [one.signal for one in self.contributions])
        _once("similar event", self.path, [one.event_id for one in self.similar])
        _once("table", self.path, [one.table for one in self.data])

    @property
    def alert_id(self) -> str:
        """The same for the same model, machine and onset, whoever reckons it: a row that is read twice makes one alert."""
        named = json.dumps([self.model.name, self.model.version, self.path, to_plain(self.onset_ts)])
        return hashlib.sha256(named.encode()).hexdigest()[:16]

    @property
    def machine(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def noticed_after(self) -> timedelta:
        """From the onset until it was raised."""
        return self.raised_ts - self.onset_ts

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON, with its id."""
        return {"alert_id": self.alert_id, **to_plain(self)}

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """What `to_json` wrote. Raises ValueError where `data` is anything else, or names another id."""
        alert = from_plain(cls, {name: value for name, value in data.items() if name != "alert_id"}, "the alert")
        if data.get("alert_id") != alert.alert_id:
            raise ValueError(f"alert_id is {data.get('alert_id')!r}, and by model, machine and onset it is {alert.alert_id}; give what to_json wrote")
        return alert


def gravest_first(alerts: Iterable[Alert]) -> list[Alert]:
    """In the order people should see to them."""
    return sorted(
        alerts, key=lambda one: (*gravity(one.severity, one.stake.median_min if one.stake else None, one.strength, one.onset_ts), one.alert_id)
    )


Gravity = tuple[int, float, float, datetime]


def gravity(severity: Severity, stake_min: float | None, strength: float, onset_ts: datetime) -> Gravity:
    """What alerts are sorted by, the gravest first: severity, then minutes at stake, then strength; equal ones oldest first."""
    return (-severity.rank, -(stake_min or 0.0), -strength, onset_ts)


def _named(what: str, text: str) -> None:
    if text != " ".join(text.split()) or not text.isprintable() or not any(one.isalnum() for one in text):
        raise ValueError(f"{what} is {text!r}; give one line of text with a letter or digit, and single blanks inside alone")


def _named_or_none(what: str, text: str | None) -> None:
    if text is not None:
        _named(what, text)


def _finite(what: str, *numbers: float) -> None:
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{what} has {numbers}; give finite numbers")


def _utc(what: str, time: datetime) -> None:
    if time.utcoffset() != timedelta(0):
        raise ValueError(f"{what} is {time}; give a time in UTC")


def _once(what: str, path: str, names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise ValueError(f"the alert of {path} names a {what} twice: {names}; give each once")
