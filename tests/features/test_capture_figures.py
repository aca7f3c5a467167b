"""Figures of a capture: what a capture can tell is told, and what it cannot is said in words."""

import numpy as np
import pytest

from factolake.domain.vibration import SKF_6205_2RS, VibrationPoint, ZoneLimits
from factolake.features.vibration.capture import CaptureFigures, capture_figures
from tests.models.timeseries.strokes import struck

RATE_HZ, RPM = 8192.0, 1450.0
HEARD = SKF_6205_2RS.at(RPM)
POINT = VibrationPoint("M", "drive_end", RATE_HZ, rpm=RPM, bearing=SKF_6205_2RS, zones=ZoneLimits(2.8, 4.5, 7.1, "agreement"))
SECOND = np.arange(8192) / RATE_HZ
NOISE = np.random.default_rng(3).normal(0, 0.5, 8192)


def figures(samples: np.ndarray, rate_hz: float = RATE_HZ, point: VibrationPoint | None = POINT, rpm: float | None = RPM) -> CaptureFigures:
    return capture_figures(samples, rate_hz, point, rpm)


def ratios(found: CaptureFigures) -> dict[str, float]:
    lines = {"bpfo": found.heard.bpfo, "bpfi": found.heard.bpfi, "bsf": found.heard.bsf, "ftf": found.heard.ftf}
    return {name: line.ratio or 0.0 for name, line in lines.items()}


@pytest.mark.parametrize(("part", "at_hz"), [("bpfo", HEARD.outer), ("bpfi", HEARD.inner), ("bsf", HEARD.spin)])
def test_strokes_stand_out_at_the_frequency_of_the_part_that_makes_them(part: str, at_hz: float) -> None:
    found = ratios(figures(struck(at_hz * 0.99, RATE_HZ, 8192, ring_hz=3000, noise=0.2)))
    assert found[part] > 8
    assert found[part] == max(found.values())


def test_noise_has_no_line_above_what_the_table_says_of_noise() -> None:
    highest = [max(ratios(figures(np.random.default_rng(seed).normal(0, 1, 8192))).values()) for seed in range(40)]
    assert max(highest) < 4


def test_a_tone_gives_the_velocity_of_the_formula_and_its_zone() -> None:
    # a = v 2 pi f: 5 mm/s RMS at 25 Hz
    tone_m_s2 = 5e-3 * np.sqrt(2) * 2 * np.pi * 25 * np.sin(2 * np.pi * 25 * SECOND)
    found = figures(tone_m_s2)
    assert (found.velocity_rms_mm_s, found.crest, found.kurtosis) == pytest.approx((5, 2**0.5, 1.5), rel=5e-3)
    assert found.acceleration_rms_m_s2 == pytest.approx(5e-3 * 2 * np.pi * 25, rel=1e-3)
    assert (found.zone, found.why) == ("C", None)


@pytest.mark.parametrize(
    ("samples", "rate_hz", "rpm", "says"),
    [
        (NOISE[:4000], RATE_HZ, RPM, "no velocity: 4000 samples are too few"),
        (NOISE[:4000], RATE_HZ, RPM, "no line at ftf: 0.488281 s at 1450 rpm are 11.8 turns"),
        (NOISE[:1], RATE_HZ, RPM, "no line at bpfo, bpfi, bsf, ftf"),
        (NOISE, 1500.0, RPM, "no velocity: the band of 10.0 to 1000.0 Hz does not fit samples at 1500.0 Hz"),
        (NOISE, 1500.0, RPM, "no lines of the bearing: the band of 500.0 to 3686.4 Hz does not fit"),
        (NOISE, 8000.0, RPM, "sampled at 8000 Hz, the plant file says 8192 Hz"),
        (NOISE, RATE_HZ, None, "no lines of the bearing: the shaft's speed is unknown"),
        (NOISE, RATE_HZ, 0.0, "no lines of the bearing: the shaft turns at 0 rpm"),
    ],
)
def test_what_a_capture_cannot_tell_is_said_in_words(samples: np.ndarray, rate_hz: float, rpm: float | None, says: str) -> None:
    assert says in (figures(samples, rate_hz, rpm=rpm).why or "")


def test_a_point_nobody_declared_has_its_shape_and_velocity_and_says_what_it_lacks() -> None:
    found = figures(NOISE, point=None, rpm=None)
    assert "the plant file has no such vibration_point" in (found.why or "")
    assert found.velocity_rms_mm_s is not None
    assert (found.zone, found.heard.bpfo.amplitude_m_s2) == (None, None)


def test_samples_that_are_all_the_same_have_no_shape_and_no_ratio() -> None:
    found = figures(np.full(8192, 2.0))
    assert (found.acceleration_rms_m_s2, found.crest, found.kurtosis, found.heard.bpfo.ratio, found.zone) == (0, None, None, None, "A")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sample_rate_hz": 0.0}, "sample_rate_hz is 0.0"),
        ({"speed_signal": "speed"}, "give one of them"),
        ({"rpm": None}, "give speed_signal or rpm"),
        ({"rpm": -1.0}, "rpm is -1.0"),
        ({"envelope_hz": (1000.0, 5000.0)}, "up to half the sampling rate, 4096.0 Hz"),
        ({"sample_rate_hz": 1000.0}, "envelope_hz is 500.0 to 450.0"),
    ],
)
def test_a_point_whose_parts_do_not_fit_is_refused(changes: dict[str, object], says: str) -> None:
    whole = {"machine": "M", "name": "p", "sample_rate_hz": RATE_HZ, "rpm": RPM, "bearing": SKF_6205_2RS}
    with pytest.raises(ValueError, match=says.replace("(", "\\(")):
        VibrationPoint(**(whole | changes))  # type: ignore[arg-type]
