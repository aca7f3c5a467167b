"""When machines degrade: scripted and seeded degradations in absolute time, and how severe each is at a moment.

What a degradation does to which signal is `behaviour.py`'s; the breakdown it ends in is `line.py`'s. Pure: no clock, no IO.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from factolake.domain.calendar import SegmentKind
from factolake.domain.plant import PlantModel
from factolake.plant.behaviour import DRIFT_SIGNALS, SETPOINT_SIGNALS, Effect, effects_of
from factolake.plant.moment import from_us
from factolake.plant.scenario import US_PER_S, DegradationScript, Scenario

Floats = npt.NDArray[np.float64]
Micros = npt.NDArray[np.int64]
HOUR_US = 3600 * US_PER_S
DRIFT_FULL_US = 24 * HOUR_US
_EXPONENT = 7.0
_SPEED_SETPOINT = 100.0


@dataclass(frozen=True, slots=True)
class Degradation:
    """One degradation of a machine; times in microseconds since 1970.

    `failure_us` None: it never breaks the machine; `end_us` None: nobody puts it right. `parts`: how many parts a tool lasts from the onset on.
    """

    machine: str
    kind: str
    onset_us: int
    failure_us: int | None
    end_us: int | None
    strength: float
    effects: tuple[Effect, ...]
    alarm: str = ""
    parts: int = 1

    @property
    def full_us(self) -> int:
        """When it is as severe as it gets."""
        return self.failure_us or self.end_us or self.onset_us + DRIFT_FULL_US

    def severity(self, at_us: Micros, parts_since_onset: Floats, tau_s: float) -> Floats:
        """0 before the onset and after the end, `strength` when it is full; `tau_s` is how slowly the signal follows a wrong setpoint."""
        is_active = at_us >= self.onset_us
        if self.end_us is not None:
            is_active = is_active & (at_us < self.end_us)
        since_s = np.maximum((at_us - self.onset_us) / US_PER_S, 0.0)
        progress = np.minimum(since_s / ((self.full_us - self.onset_us) / US_PER_S), 1.0)
        severity: Floats = np.where(is_active, self.strength * self._shape(progress, since_s, parts_since_onset, tau_s), 0.0)
        return severity

    def _shape(self, progress: Floats, since_s: Floats, parts_since_onset: Floats, tau_s: float) -> Floats:
        shape = progress
        if self.kind == "bearing_wear":
            shape = 0.15 * progress + 0.85 * np.expm1(_EXPONENT * progress) / np.expm1(_EXPONENT)
        elif self.kind == "clogging":
            shape = progress * (0.4 + 0.6 * progress)
        elif self.kind == "tool_wear":
            shape = np.minimum(parts_since_onset / self.parts, 1.0)
        elif self.kind == "setpoint_error":
            shape = -np.expm1(-since_s / max(tau_s, 1e-3))
        return shape


def speed_setpoint(degradations: Sequence[Degradation], at_us: Micros) -> Floats:
    """The speed somebody has set, in percent, at each moment."""
    percent = np.full(at_us.shape, _SPEED_SETPOINT)
    for one in degradations:
        first = one.effects[0]
        if one.kind == "setpoint_error" and first.signal == "motor_speed":
            is_wrong = (at_us >= one.onset_us) & ((one.end_us is None) | (at_us < (one.end_us or 0)))
            percent = np.where(is_wrong, _SPEED_SETPOINT * (1 + one.strength * first.share), percent)
    return percent


class DegradationPlan:
    """Every degradation of a line, in order; what is seeded is made period by period as `through` asks for it."""

    def __init__(self, model: PlantModel, line_id: str, scenario: Scenario, seed: int, start_us: int) -> None:
        self._model, self._seed, self._start_us = model, seed, start_us
        self._machines = model.lines[line_id].machines
        self._seeded = scenario.degradations
        self._planned_s = {plate.machine: plate.planned_run_time_us / US_PER_S for plate in reversed(model.nameplates)}
        self._by_machine: dict[str, list[Degradation]] = {machine: [] for machine in self._machines}
        self._waiting = [self._of_script(script) for script in scenario.degradation if script.machine in self._by_machine]
        self._period_us = 7 * 24 * HOUR_US if scenario.degradations.seeded == "week" else round(scenario.shift_hours * HOUR_US)
        self._periods = 0

    def of(self, machine: str) -> list[Degradation]:
        """Those of `machine` as far as they are planned; the list grows."""
        return self._by_machine[machine]

    def through(self, until_us: int) -> list[Degradation]:
        """Those that were not told before and whose period begins by `until_us`."""
        new, self._waiting = self._waiting, []
        while self._seeded.seeded is not None and self._start_us + self._periods * self._period_us <= until_us:
            new.append(self._of_period(self._periods))
            self._periods += 1
        for one in new:
            self._by_machine[one.machine].append(one)
        return new

    def _of_script(self, script: DegradationScript) -> Degradation:
        onset_us = self._start_us + script.onset
        failure_us = None if script.failure is None else self._start_us + script.failure
        end_us = None if script.until is None else self._start_us + script.until
        if failure_us is not None:
            end_us = failure_us + round(script.repair_minutes * 60 * US_PER_S)
        effects = effects_of(script.kind, script.signal)
        return self._made(script.machine, script.kind, onset_us, failure_us, end_us, script.strength, effects, script.alarm)

    def _made(
        self,
        machine: str,
        kind: str,
        onset_us: int,
        failure_us: int | None,
        end_us: int | None,
        strength: float,
        effects: tuple[Effect, ...],
        alarm: str,
    ) -> Degradation:
        lasts_s = ((failure_us or end_us or onset_us + DRIFT_FULL_US) - onset_us) / US_PER_S
        # A line makes about nine parts in the time for ten: it has breaks and stops, and the tool is to be worn when the failure comes.
        parts = max(1, round(0.9 * lasts_s / max(self._planned_s.get(m, 30.0) for m in self._machines)))
        word = alarm or f"E-900 {kind.replace('_', ' ')}"
        return Degradation(machine, kind, onset_us, failure_us, end_us, strength, effects, word, parts)

    def _of_period(self, number: int) -> Degradation:
        rng = random.Random(f"{self._seed}/degradations/{number}")
        machine = rng.choice(self._seeded.machines or self._machines)
        kind = rng.choice(self._seeded.kinds)
        begin_us, long_us = self._start_us + number * self._period_us, self._period_us
        onset_us = begin_us + round(rng.uniform(0.05, 0.3) * long_us)
        last_us = self._busy(machine, begin_us + round(rng.uniform(0.55, 0.85) * long_us))
        strength = self._seeded.strength * rng.uniform(0.8, 1.2)
        signal = rng.choice(DRIFT_SIGNALS if kind == "sensor_drift" else SETPOINT_SIGNALS)
        repair_us = min(round(rng.uniform(20, 90) * 60 * US_PER_S), long_us // 12)
        effects = effects_of(kind, signal)
        if kind == "setpoint_error":
            return self._made(machine, kind, onset_us, None, onset_us + min(round(rng.uniform(2, 10) * HOUR_US), long_us // 2), strength, effects, "")
        failure_us = None if kind == "sensor_drift" else last_us
        return self._made(machine, kind, onset_us, failure_us, last_us + (repair_us if failure_us else 0), strength, effects, "")

    def _busy(self, machine: str, at_us: int) -> int:
        """`at_us`, or the next quarter of an hour in which the machine is planned to work: a machine at rest does not break."""
        for _ in range(16):
            at = from_us(at_us)
            segments = self._model.calendar.segments(self._model.scopes(machine), at, from_us(at_us + 1))
            hit = [segment for segment in segments if segment.from_ts <= at < segment.to_ts]
            if not hit or hit[0].kind is SegmentKind.BUSY:
                return at_us
            at_us += HOUR_US // 4
        return at_us
