"""One capture of a measuring point as figures: how hard the machine shakes, how peaked, and what is heard at the frequencies of its bearing.

What cannot be told is None, and `why` says so in words; what was not asked for (no bearing, no limits of zones in the plant file) is None without
words. Which capture, point and speed belong together is decided by `refine/features_vibration.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from factolake.domain.vibration import SECONDS_PER_MINUTE, Bearing, VibrationPoint
from factolake.features.vibration import shape
from factolake.features.vibration.envelope import envelope_spectrum
from factolake.features.vibration.lines import line_and_floor
from factolake.features.vibration.severity import velocity_rms_mm_s
from factolake.features.windows import Floats

RATE_SLACK = 0.01
"""So far, as a share, the rate of a capture may be from the declared one without a word: converters have clocks of their own."""
LEAST_STRIKES = 5
"""Periods of a line that a capture has to hold: the line is as wide as two of them together, and the floor beside it has to be seen."""
FASTEST_RPM = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line in the spectrum of the envelope: its amplitude in m/s², and over the median beside it (noise alone: up to 3.5)."""

    amplitude_m_s2: float | None = None
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """Lines at the frequencies of a bearing."""

    bpfo: Line = field(default_factory=Line)
    bpfi: Line = field(default_factory=Line)
    bsf: Line = field(default_factory=Line)
    ftf: Line = field(default_factory=Line)


@dataclass(frozen=True, slots=True)
class CaptureFigures:
    """What a capture tells; None: it cannot be told, or nobody asked. `why`: sentences about what cannot be told, None where there are none."""

    velocity_rms_mm_s: float | None
    zone: str | None
    acceleration_rms_m_s2: float
    peak_m_s2: float
    crest: float | None
    kurtosis: float | None
    heard: Heard
    why: str | None


def capture_figures(acceleration_m_s2: Floats, rate_hz: float, point: VibrationPoint | None, rpm: float | None) -> CaptureFigures:
    """The figures of one row of samples at `rate_hz`. `point` None: the plant file has no such point; `rpm` None: nobody told the shaft's speed."""
    why: list[str] = []
    if point is None:
        why.append("the plant file has no such vibration_point: neither zone nor bearing is known")
    elif abs(rate_hz / point.sample_rate_hz - 1) > RATE_SLACK:
        why.append(f"sampled at {rate_hz:g} Hz, the plant file says {point.sample_rate_hz:g} Hz: figures are by the rate of the capture")
    velocity_mm_s = _velocity(acceleration_m_s2, rate_hz, why)
    zone = point.zones.zone(velocity_mm_s) if point and point.zones and velocity_mm_s is not None else None
    heard = _heard(acceleration_m_s2, rate_hz, point, point.bearing, rpm, why) if point and point.bearing else Heard()
    return CaptureFigures(
        velocity_mm_s,
        zone,
        float(shape.rms(acceleration_m_s2)),
        float(shape.peak(acceleration_m_s2)),
        _told(shape.crest(acceleration_m_s2)),
        _told(shape.kurtosis(acceleration_m_s2)),
        heard,
        "; ".join(why) or None,
    )


def _velocity(acceleration_m_s2: Floats, rate_hz: float, why: list[str]) -> float | None:
    try:
        return float(velocity_rms_mm_s(acceleration_m_s2, rate_hz))
    except ValueError as cannot:
        why.append(f"no velocity: {cannot}")
        return None


def _heard(acceleration_m_s2: Floats, rate_hz: float, point: VibrationPoint, bearing: Bearing, rpm: float | None, why: list[str]) -> Heard:
    if rpm is None:
        why.append(f"no lines of the bearing: the shaft's speed is unknown, signal {point.speed_signal} told none before the capture")
        return Heard()
    if not 0 < rpm < FASTEST_RPM:
        why.append(f"no lines of the bearing: the shaft turns at {rpm:g} rpm")
        return Heard()
    lasts_s, at_hz = len(acceleration_m_s2) / rate_hz, bearing.at(rpm)
    lines_hz = {"bpfo": at_hz.outer, "bpfi": at_hz.inner, "bsf": at_hz.spin, "ftf": at_hz.cage}
    told = {name: line_hz for name, line_hz in lines_hz.items() if line_hz * lasts_s >= LEAST_STRIKES and line_hz < rate_hz / 2}
    if len(told) < len(lines_hz):
        turns = f"{lasts_s:g} s at {rpm:g} rpm are {lasts_s * rpm / SECONDS_PER_MINUTE:.3g} turns"
        missing = ", ".join(name for name in lines_hz if name not in told)
        why.append(f"no line at {missing}: {turns}, and a line needs {LEAST_STRIKES} of its periods, below half the rate")
    return _lines(acceleration_m_s2, rate_hz, point, told, why) if told else Heard()


def _lines(acceleration_m_s2: Floats, rate_hz: float, point: VibrationPoint, lines_hz: Mapping[str, float], why: list[str]) -> Heard:
    try:
        frequency_hz, amplitude = envelope_spectrum(acceleration_m_s2, rate_hz, point.listens_hz)
    except ValueError as cannot:
        why.append(f"no lines of the bearing: {cannot}")
        return Heard()
    least_hz = LEAST_STRIKES * rate_hz / len(acceleration_m_s2)
    found = {name: line_and_floor(frequency_hz, amplitude, line_hz, beside_hz=max(line_hz / 2, least_hz)) for name, line_hz in lines_hz.items()}
    return Heard(**{name: Line(float(top), _told(shape.ratio(top, floor))) for name, (top, floor) in found.items()})


def _told(figure: Floats) -> float | None:
    return float(figure) if np.isfinite(figure) else None
