"""How the usual signals of a station behave, healthy and degraded: levels, noise, confounders and the effect of each kind of degradation.

Only tables; what makes values of them is `process.py`, when a degradation begins and ends is `degradation.py`. Not physics, but shaped like it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Levels in the signal's `unit`, noise as standard deviation in the same, time constant in seconds (0: at once).

    The confounders of normal running: `load` is the power of the product's load that the running level follows, `cold` the share of the span
    (running - idle) that a cold machine adds, `ambient` the part of a change in ambient temperature that shows, `tool` the share of the span
    that a tool at the end of its life adds, `wander` the standard deviation of a slow drift to and fro.
    """

    idle: float
    running: float
    noise: float
    tau_s: float = 0.0
    load: float = 0.0
    cold: float = 0.0
    ambient: float = 0.0
    tool: float = 0.0
    wander: float = 0.0

    @property
    def span(self) -> float:
        """Running level above the idle one."""
        return self.running - self.idle


@dataclass(frozen=True, slots=True)
class Effect:
    """What a degradation of full severity adds to `signal`: `share` of the span while it runs, `offset` in the signal's unit always."""

    signal: str
    share: float = 0.0
    offset: float = 0.0


BEHAVIOURS = {
    "motor_temp": Behaviour(28.0, 61.0, 0.15, 900, load=0.8, ambient=0.7, wander=0.3),
    "motor_current": Behaviour(0.8, 11.5, 0.4, 1, load=1.0, cold=0.12, tool=0.03, wander=0.1),
    "motor_speed": Behaviour(0.0, 1450.0, 6.0, 2),
    "spindle_load": Behaviour(1.0, 47.0, 3.0, 1, load=1.0, cold=0.1, tool=0.05, wander=0.5),
    "vibration": Behaviour(0.2, 2.4, 0.15, 1, load=0.5, cold=0.05, wander=0.06),
    "bearing_temp": Behaviour(27.0, 52.0, 0.15, 1200, load=0.6, ambient=0.7, wander=0.3),
    "air_pressure": Behaviour(6.3, 6.05, 0.03, 5, wander=0.03),
    "air_flow": Behaviour(35.0, 240.0, 9.0, 3, load=0.2, wander=3.0),
    "oil_temp": Behaviour(27.0, 46.0, 0.1, 1500, load=0.5, ambient=0.6, wander=0.2),
    "oil_pressure": Behaviour(4.0, 62.0, 0.8, 2, load=0.2, cold=0.06, wander=0.5),
    "oil_flow": Behaviour(0.0, 18.0, 0.25, 2, cold=-0.04, wander=0.1),
    "coolant_temp": Behaviour(20.5, 26.0, 0.1, 1800, load=0.5, ambient=0.4, wander=0.15),
    "force": Behaviour(0.0, 38.0, 2.5, load=0.6, wander=0.5),
    "torque": Behaviour(0.0, 24.0, 1.2, load=0.6, cold=0.04, tool=0.08, wander=0.2),
    "position_x": Behaviour(0.0, 210.0, 90.0),
    "position_y": Behaviour(0.0, 140.0, 60.0),
    "position_z": Behaviour(0.0, 85.0, 30.0),
    "feed_rate": Behaviour(0.0, 2600.0, 300.0),
    "power": Behaviour(0.7, 6.8, 0.25, 1, load=0.9, cold=0.1, tool=0.03, wander=0.06),
    "voltage": Behaviour(400.0, 398.5, 0.6, wander=0.4),
    "cabinet_temp": Behaviour(26.0, 33.0, 0.05, 2400, load=0.3, ambient=0.8, wander=0.2),
}
"""By signal name; others wander in the middle of their plausible range."""

AT_REST_EXACT = frozenset({"force", "torque", "position_x", "position_y", "position_z", "feed_rate", "oil_flow"})
"""Signals without noise while the station does not produce."""

EFFECTS: dict[str, tuple[Effect, ...]] = {
    "bearing_wear": (Effect("vibration", 2.0), Effect("bearing_temp", 0.55), Effect("motor_current", 0.06)),
    "clogging": (Effect("oil_flow", -0.45), Effect("oil_pressure", 0.35), Effect("power", 0.15)),
    "leak": (Effect("air_pressure", offset=-0.9), Effect("air_flow", offset=90.0), Effect("power", 0.06)),
    "tool_wear": (Effect("torque", 0.4), Effect("motor_current", 0.2), Effect("spindle_load", 0.3)),
}
"""Signals a kind of degradation shows in, the one that tells most first."""

_WRONG_SPEED = (Effect("motor_speed", -0.15), Effect("power", -0.1), Effect("air_flow", -0.05))
_WRONG_TEMPERATURE_K = 6.0
SETPOINT_SIGNALS = ("motor_speed", "coolant_temp", "oil_temp", "cabinet_temp")
DRIFT_SIGNALS = ("motor_temp", "bearing_temp", "vibration", "air_pressure", "oil_pressure", "coolant_temp", "motor_current")


def effects_of(kind: str, signal: str | None) -> tuple[Effect, ...]:
    """What `kind` shows in; `signal` names the one that drifts or whose setpoint is wrong. Speed is set too low, a temperature too high."""
    if kind == "setpoint_error":
        return _WRONG_SPEED if signal in (None, "motor_speed") else (Effect(str(signal), offset=_WRONG_TEMPERATURE_K),)
    if kind == "sensor_drift":
        name = signal or DRIFT_SIGNALS[0]
        behaviour = BEHAVIOURS[name]
        return (Effect(name, offset=max(0.25 * abs(behaviour.span), 8 * behaviour.noise)),)
    return EFFECTS[kind]
