"""Process values of a station as pure functions of its seed, the moment and what the station went through; shared by live plant and generator.

`Sensors` makes the values, for one moment or for many; `StationProcess` follows a running station for it. The levels and their confounders (load
of the product, warm-up, ambient temperature, tool) are tables in `behaviour.py`; the generator for weeks at once is `offline.py`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

from factolake.domain.signals import Signal, SignalKind
from factolake.domain.states import MachineState
from factolake.domain.units import conversion
from factolake.plant.behaviour import AT_REST_EXACT, BEHAVIOURS, Behaviour
from factolake.plant.chance import Counts, Floats, Wander, gauss, key_of, uniform
from factolake.plant.degradation import Degradation
from factolake.plant.line import Fact
from factolake.plant.scenario import US_PER_S

WARMTH = "warmth"
POWER = "power"
TOOL_LIFE_PARTS = 1500
DAY_US = 24 * 3600 * US_PER_S
_WARMTH = Behaviour(0.0, 1.0, 0.0, 1500)
_AT_ONCE = 1e9
_AHEAD = 60
_KNOT_US = 20 * 60 * US_PER_S
_DAY_AMPLITUDE_K, _WEATHER_K, _COLDEST_US = 5.0, 2.0, 3 * 3600 * US_PER_S


@cache
def load_of(product: str) -> float:
    """How hard a station works for `product`, 0.92 to 1.08; the same for everyone."""
    return 0.92 + 0.16 * uniform(f"load/{product}")


@dataclass(slots=True)
class Situation:
    """What of a station's facts bears on its process values; `parts_at` is the parts made when each degradation began, by kind."""

    is_running: bool = False
    product: str = ""
    parts: int = 0
    parts_at: dict[str, int] = field(default_factory=dict)

    def take(self, fact: Fact) -> bool:
        """Follow `fact`; whether the levels go elsewhere from now on."""
        before = (self.is_running, self.product)
        if fact.name == "state":
            self.is_running = fact.value == MachineState.PRODUCING.value
        elif fact.name == "product":
            self.product = str(fact.value)
        elif fact.name == "total":
            self.parts = int(fact.value)
        elif fact.name == "onset":
            self.parts_at[str(fact.value).partition(":")[0]] = self.parts
        return before != (self.is_running, self.product)


class Sensors:
    """The process signals of one station, each a row: arrays are (rows, moments). The last row is a hidden one, the warmth of the machine."""

    def __init__(self, machine: str, signals: Sequence[Signal], seed: int) -> None:
        wanted = [s for s in signals if s.kind is SignalKind.PROCESS]
        self.signals = tuple(wanted)
        self.names = [s.name for s in wanted] + [POWER] * all(s.name != POWER for s in wanted) + [WARMTH]
        self.behaviours = [_behaviour(s) for s in wanted] + [BEHAVIOURS[name] for name in self.names[len(wanted) : -1]] + [_WARMTH]
        self._rows = {s.name: row for row, s in enumerate(wanted)}
        self.power_row = self.names.index(POWER)
        self._rates = np.array([1 / b.tau_s if b.tau_s else _AT_ONCE for b in self.behaviours])
        self._loads = np.array([b.load for b in self.behaviours])
        self._targets: dict[tuple[bool, str], Floats] = {}
        self._keys = np.array([[key_of(f"{seed}/{machine}/{name}")] for name in self.names], np.uint64)
        self._slow = Wander(np.array([[key_of(f"{seed}/{machine}/{name}/wander")] for name in self.names], np.uint64), _KNOT_US)
        self._weather = Wander(np.array([[key_of(f"{seed}/weather")]], np.uint64), DAY_US)
        rows = [(b.idle, b.span, b.noise, b.cold, b.ambient, b.tool, b.wander) for b in self.behaviours]
        self._table = np.array(rows)[:, :, None]
        self._is_exact = np.array([[name in AT_REST_EXACT] for name in self.names])
        units = [_to_source_unit(s) for s in wanted]
        self._units = np.array(units).reshape(-1, 2)[:, :, None]
        limits = [(-math.inf if s.low is None else s.low, math.inf if s.high is None else s.high) for s in wanted]
        self._limits = np.array(limits).reshape(-1, 2)[:, :, None]

    @property
    def rates(self) -> Floats:
        """One over the time constant of each row, per second."""
        return self._rates

    def target(self, is_running: bool, product: str) -> Floats:
        """Where the level of each row goes: 0 idle, about 1 running."""
        key = (is_running, product)
        if key not in self._targets:
            self._targets[key] = load_of(product) ** self._loads if is_running else np.zeros(len(self.names))
        return self._targets[key]

    def chance(self, rows: slice, at_us: Counts) -> tuple[Floats, Floats]:
        """(noise, ambient temperature's part) of `rows`, each (rows, moments): what depends on nothing but the moment."""
        noise, ambient, slow = (self._table[rows, i] for i in (2, 4, 6))
        return noise * gauss(self._keys[rows], at_us) + slow * self._slow.at(rows, at_us), ambient * self._ambient_k(at_us)

    def values(self, rows: slice, past: "Past", chance: tuple[Floats, Floats]) -> Floats:
        """What the signals of `rows` show, (rows, moments), in the unit the source sends; `chance` is that of the same rows and moments."""
        idle, span, cold, tool = (self._table[rows, i] for i in (0, 1, 3, 5))
        share = 1 + cold * (1 - past.warmth) + tool * (np.mod(past.parts, TOOL_LIFE_PARTS) / TOOL_LIFE_PARTS)
        noise, ambient = chance
        noise = np.where(self._is_exact[rows] & ~past.is_running, 0.0, noise)
        worn = self._worn(rows, past)
        if worn is None:
            value = idle + span * past.levels * share + ambient + noise
        else:
            value = idle + span * past.levels * (share + worn[0]) + ambient + noise + worn[1]
        within = np.minimum(np.maximum(value, self._limits[rows, 0]), self._limits[rows, 1])
        sent: Floats = np.round(within * self._units[rows, 0] + self._units[rows, 1], 4)
        return sent

    def in_unit(self, row: int, sent: Floats) -> Floats:
        """Values as sent, in the signal's own unit."""
        value: Floats = (sent - self._units[row, 1, 0]) / self._units[row, 0, 0]
        return value

    def _ambient_k(self, at_us: Counts) -> Floats:
        """Ambient temperature against its mean: coldest at 03:00 UTC, and the weather of the day."""
        of_day = -np.cos((at_us - _COLDEST_US) % DAY_US * (2 * np.pi / DAY_US))
        above_mean_k: Floats = _DAY_AMPLITUDE_K * of_day + _WEATHER_K * self._weather.at(slice(1), at_us)[0]
        return above_mean_k

    def _worn(self, rows: slice, past: "Past") -> tuple[Floats, Floats] | None:
        """(share of the span, offset) that degradations add; None where there are none."""
        at_us, places = past.at_us, range(*rows.indices(len(self.signals)))
        present = [(one, parts) for one, parts in past.wear if one.onset_us <= at_us[-1] and (one.end_us is None or one.end_us > at_us[0])]
        shown = [(one, parts, e, self._rows[e.signal]) for one, parts in present for e in one.effects if self._rows.get(e.signal, -1) in places]
        if not shown:
            return None
        shares, offsets = np.zeros((len(places), len(at_us))), np.zeros((len(places), len(at_us)))
        for one, parts, effect, place in shown:
            severity = one.severity(at_us, parts, self.behaviours[place].tau_s)
            shares[place - places.start] += effect.share * severity
            offsets[place - places.start] += effect.offset * severity
        return shares, offsets


@dataclass(frozen=True, slots=True)
class Past:
    """What the values at moments `at_us` depend on: `levels` (rows, moments), the rest by moment; `wear` with the parts made since each onset."""

    at_us: Counts
    levels: Floats
    warmth: Floats
    is_running: npt.NDArray[np.bool_]
    parts: Floats
    wear: Sequence[tuple[Degradation, Floats]]


def follow(level: Floats, target: Floats, rates: Floats, passed_s: float) -> Floats:
    """Levels `passed_s` seconds on, on their way to `target`."""
    return target + (level - target) * np.exp(-passed_s * rates)


def consumed_kwh(behaviour: Behaviour, level: float, target: float, passed_s: float, decay: float) -> float:
    """Energy of `passed_s` seconds in which the power goes from `level` to `target`; confounders and wear left out."""
    running_s = target * passed_s + (level - target) * (1 - decay) * behaviour.tau_s
    return (behaviour.idle * passed_s + behaviour.span * running_s) / 3600


class StationProcess:
    """The process and energy signals of one running station; `degradations` may grow while it runs."""

    def __init__(
        self, machine: str, signals: Sequence[Signal], seed: int, elsewhere: frozenset[str], degradations: Sequence[Degradation], start_us: int
    ) -> None:
        wanted = [s for s in signals if s.name not in elsewhere]
        self._sensors = Sensors(machine, wanted, seed)
        self._meters = [(s, _to_source_unit(s)) for s in wanted if s.kind is SignalKind.ENERGY]
        self._degradations = degradations
        self._situation = Situation()
        self._since_us = self._sampled_us = start_us
        self._energy_kwh = 0.0
        self._ahead: dict[int, tuple[Floats, Floats]] = {}
        self._level = self._target = np.zeros(len(self._sensors.names))

    def take(self, fact: Fact) -> None:
        """Follow what happened to the station."""
        if self._situation.take(fact):
            self._level, self._energy_kwh = self._at(fact.ts_us)
            self._since_us = fact.ts_us
            self._target = self._sensors.target(self._situation.is_running, self._situation.product)

    def sample(self, at_us: int) -> list[tuple[Signal, float]]:
        """One value per signal, in the unit the source sends, at a moment not before what was taken."""
        if not self._sensors.signals and not self._meters:
            return []
        level, energy_kwh = self._at(at_us)
        count, parts, now = len(self._sensors.signals), self._situation.parts, np.array([at_us])
        made = [(one, np.array([float(parts - self._situation.parts_at.get(one.kind, parts))])) for one in self._degradations]
        is_running = np.array([self._situation.is_running])
        past = Past(now, level[:count, None], level[-1:], is_running, np.array([float(parts)]), made)
        shown = self._sensors.values(slice(count), past, self._chance(at_us))
        metered = [(signal, round(energy_kwh * factor + offset, 6)) for signal, (factor, offset) in self._meters]
        return metered + list(zip(self._sensors.signals, shown[:, 0].tolist(), strict=True))

    def _chance(self, at_us: int) -> tuple[Floats, Floats]:
        """Chance of the moment. It is made for many moments ahead at once, at the pace of sampling: one by one costs ten times as much."""
        step_us = max(at_us - self._sampled_us, 1)
        self._sampled_us = at_us
        if at_us not in self._ahead:
            moments = at_us + step_us * np.arange(_AHEAD, dtype=np.int64)
            noise, ambient = self._sensors.chance(slice(len(self._sensors.signals)), moments)
            self._ahead = {at: (noise[:, i : i + 1], ambient[:, i : i + 1]) for i, at in enumerate(moments.tolist())}
        return self._ahead[at_us]

    def _at(self, at_us: int) -> tuple[Floats, float]:
        passed_s, row = (at_us - self._since_us) / US_PER_S, self._sensors.power_row
        decay = float(np.exp(-passed_s * self._sensors.rates[row]))
        spent = consumed_kwh(self._sensors.behaviours[row], float(self._level[row]), float(self._target[row]), passed_s, decay)
        return follow(self._level, self._target, self._sensors.rates, passed_s), self._energy_kwh + spent


def _behaviour(signal: Signal) -> Behaviour:
    low, high = signal.low if signal.low is not None else 0.0, signal.high if signal.high is not None else 100.0
    middle = (low + high) / 2
    return BEHAVIOURS.get(signal.name, Behaviour(middle, middle, (high - low) / 100))


def _to_source_unit(signal: Signal) -> tuple[float, float]:
    if signal.unit is None or signal.source_unit is None:
        return 1.0, 0.0
    factor, offset = conversion(signal.unit, signal.source_unit)
    return float(factor), float(offset)
