"""`[[vibration_point]]` of the plant file: sensors of acceleration that send captures, and what turns where they are screwed on."""

from pathlib import Path

from pydantic import Field

from factolake.config.parse import Strict
from factolake.domain.signals import FEATURED, Signal
from factolake.domain.vibration import Bearing, VibrationPoint, ZoneLimits
from factolake.errors import ConfigError

SPEED_UNIT = "RPM"


class BearingForm(Strict):
    """The bearing of a [[vibration_point]]."""

    balls: int
    ball_mm: float
    pitch_mm: float
    contact_deg: float = 0.0


class ZonesForm(Strict):
    """The limits of the velocity's zones of a [[vibration_point]]."""

    a_mm_s: float
    b_mm_s: float
    c_mm_s: float
    source: str


class VibrationPointForm(Strict):
    """[[vibration_point]]"""

    machine: str
    name: str = Field(min_length=1, max_length=100)
    sample_rate_hz: float
    speed_signal: str | None = None
    rpm: float | None = None
    bearing: BearingForm | None = None
    zones: ZonesForm | None = None
    envelope_hz: tuple[float, float] | None = None


def vibration_points(forms: tuple[VibrationPointForm, ...], signals: tuple[Signal, ...], file: Path) -> tuple[VibrationPoint, ...]:
    """The points of `forms`, whose machines are known. Raises ConfigError."""
    points = []
    seen: set[tuple[str, str]] = set()
    for i, form in enumerate(forms):
        key = f"vibration_point.{i}"
        if (form.machine, form.name) in seen:
            raise ConfigError(str(file), f"{key}.name", form.name, f"each name once on machine {form.machine}")
        seen.add((form.machine, form.name))
        _check_speed(form, signals, file, f"{key}.speed_signal")
        try:
            points.append(_point(form))
        except ValueError as error:
            raise ConfigError(str(file), key, f"{form.name} on {form.machine}", str(error)) from error
    return tuple(points)


def _check_speed(form: VibrationPointForm, signals: tuple[Signal, ...], file: Path, key: str) -> None:
    fit = [s.name for s in signals if s.machine == form.machine and s.unit == SPEED_UNIT and s.kind in FEATURED]
    if form.speed_signal is not None and form.speed_signal not in fit:
        allowed = f"a process or setpoint signal of {form.machine} in {SPEED_UNIT}: {', '.join(fit) or 'none is declared'}"
        raise ConfigError(str(file), key, form.speed_signal, allowed)


def _point(form: VibrationPointForm) -> VibrationPoint:
    bearing = Bearing(**form.bearing.model_dump()) if form.bearing else None
    zones = ZoneLimits(**form.zones.model_dump()) if form.zones else None
    return VibrationPoint(form.machine, form.name, form.sample_rate_hz, form.speed_signal, form.rpm, bearing, zones, form.envelope_hz)
