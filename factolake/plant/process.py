"""Plausible process values of a station: each follows its idle or running level with a time constant, plus noise. Not physics, but shaped like it."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from factolake.domain.signals import Signal, SignalKind
from factolake.domain.states import MachineState
from factolake.domain.units import conversion


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Levels in the signal's `unit`, noise as standard deviation in the same, time constant in seconds (0: at once)."""

    idle: float
    running: float
    noise: float
    tau_s: float = 0.0


BEHAVIOURS = {
    "motor_temp": Behaviour(28.0, 61.0, 0.15, 900),
    "motor_current": Behaviour(0.8, 11.5, 0.4, 1),
    "motor_speed": Behaviour(0.0, 1450.0, 6.0, 2),
    "spindle_load": Behaviour(1.0, 47.0, 3.0, 1),
    "vibration": Behaviour(0.2, 2.4, 0.15, 1),
    "air_pressure": Behaviour(6.3, 6.05, 0.03, 5),
    "air_flow": Behaviour(35.0, 240.0, 9.0, 3),
    "oil_temp": Behaviour(27.0, 46.0, 0.1, 1500),
    "oil_pressure": Behaviour(4.0, 62.0, 0.8, 2),
    "coolant_temp": Behaviour(20.5, 26.0, 0.1, 1800),
    "force": Behaviour(0.0, 38.0, 2.5),
    "torque": Behaviour(0.0, 24.0, 1.2),
    "position_x": Behaviour(0.0, 210.0, 90.0),
    "position_y": Behaviour(0.0, 140.0, 60.0),
    "position_z": Behaviour(0.0, 85.0, 30.0),
    "feed_rate": Behaviour(0.0, 2600.0, 300.0),
    "power": Behaviour(0.7, 6.8, 0.25, 1),
    "voltage": Behaviour(400.0, 398.5, 0.6),
    "cabinet_temp": Behaviour(26.0, 33.0, 0.05, 2400),
}
"""How the usual signals of a station behave, by signal name; others wander in the middle of their plausible range."""

_AT_REST_EXACT = frozenset({"force", "torque", "position_x", "position_y", "position_z", "feed_rate"})


class StationProcess:
    """The process and energy signals of one station; `signals` are those of the machine, `rng` its own source of chance."""

    def __init__(self, signals: Sequence[Signal], rng: random.Random, elsewhere: frozenset[str]) -> None:
        self._rng = rng
        wanted = [s for s in signals if s.kind in (SignalKind.PROCESS, SignalKind.ENERGY) and s.name not in elsewhere]
        self._signals = [(s, _behaviour(s), _to_source_unit(s)) for s in wanted]
        self._levels = {s.name: behaviour.idle for s, behaviour, _ in self._signals}
        self._energy_kwh = 0.0

    def sample(self, state: MachineState, passed_s: float) -> list[tuple[Signal, float]]:
        """One value per signal, in the unit the source sends, `passed_s` seconds after the sample before."""
        is_running = state is MachineState.PRODUCING
        gauss = self._rng.gauss
        values: list[tuple[Signal, float]] = []
        for signal, behaviour, (factor, offset) in self._signals:
            if signal.kind is SignalKind.ENERGY:
                self._energy_kwh += self._levels.get("power", 1.0) * passed_s / 3600
                values.append((signal, round(self._energy_kwh * factor + offset, 6)))
                continue
            target = behaviour.running if is_running else behaviour.idle
            share = 1.0 if behaviour.tau_s == 0 else 1 - math.exp(-passed_s / behaviour.tau_s)
            level = self._levels[signal.name] = self._levels[signal.name] + (target - self._levels[signal.name]) * share
            noise = 0.0 if signal.name in _AT_REST_EXACT and not is_running else gauss(0, behaviour.noise)
            values.append((signal, round(_within(level + noise, signal) * factor + offset, 4)))
        return values


def _behaviour(signal: Signal) -> Behaviour:
    low, high = signal.low if signal.low is not None else 0.0, signal.high if signal.high is not None else 100.0
    middle = (low + high) / 2
    return BEHAVIOURS.get(signal.name, Behaviour(middle, middle, (high - low) / 100))


def _to_source_unit(signal: Signal) -> tuple[float, float]:
    if signal.unit is None or signal.source_unit is None:
        return 1.0, 0.0
    factor, offset = conversion(signal.unit, signal.source_unit)
    return float(factor), float(offset)


def _within(value: float, signal: Signal) -> float:
    value = value if signal.low is None else max(value, signal.low)
    return value if signal.high is None else min(value, signal.high)
