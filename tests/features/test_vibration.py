"""Vibration: signals whose answer is known give that answer."""

import doctest
import math

import numpy as np
import pytest

from factolake.domain import vibration
from factolake.domain.vibration import LARGE_ON_RIGID, SKF_6205_2RS, Bearing, ZoneLimits
from factolake.features.vibration import bands, envelope, lines, severity, shape
from tests.models.timeseries.strokes import struck

RATE_HZ = 12_000.0
SECOND = np.arange(12_000) / RATE_HZ
QUARTERS_HZ = [(0.0, 1500.0), (1500.0, 3000.0), (3000.0, 4500.0), (4500.0, 6000.0)]
RNG = np.random.default_rng(1)


@pytest.mark.parametrize("module", [bands, envelope, lines, severity, shape, vibration])
def test_examples_in_docstrings_are_true(module: object) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("bearing", "rpm", "ftf", "bpfo", "bpfi", "bsf"),
    [
        (Bearing(8, 10, 50), 1800, 12.0, 96.0, 144.0, 72.0),
        (Bearing(9, 7.94, 38.5), 1500, 9.922, 89.299, 135.701, 58.033),
        (Bearing(9, 0.3126 * 25.4, 1.537 * 25.4), 60, 0.3983, 3.5848, 5.4152, 2.3567),
        (SKF_6205_2RS, 60, 0.398, 3.585, 5.415, 2.357),
    ],
)
def test_published_bearings_have_their_published_frequencies(bearing: Bearing, rpm: float, ftf: float, bpfo: float, bpfi: float, bsf: float) -> None:
    heard = bearing.at(rpm)
    assert [heard.cage, heard.outer, heard.inner, heard.spin] == pytest.approx([ftf, bpfo, bpfi, bsf], rel=1e-3)
    assert heard.ball == 2 * heard.spin


@pytest.mark.parametrize("contact_deg", [0.0, 25.0, 40.0])
def test_balls_pass_both_races_together_as_often_as_they_pass_the_turning_shaft(contact_deg: float) -> None:
    heard = Bearing(12, 9.0, 60.0, contact_deg).at(2950)
    assert heard.outer + heard.inner == pytest.approx(12 * heard.shaft)
    assert heard.outer == pytest.approx(12 * heard.cage)
    assert Bearing(12, 9.0, 60.0, contact_deg).orders.inner * heard.shaft == pytest.approx(heard.inner)


@pytest.mark.parametrize(
    ("balls", "ball_mm", "pitch_mm", "contact_deg", "says"),
    [
        (2, 8.0, 40.0, 0.0, "2 balls"),
        (9, 0.0, 40.0, 0.0, "ball_mm is 0"),
        (9, 41.0, 40.0, 0.0, "larger pitch circle"),
        (9, 8.0, 40.0, 90.0, "contact_deg is 90"),
        (9, 15.9, 39.0, 0.0, "no room"),
        (9, math.nan, 39.0, 0.0, "ball_mm is nan"),
    ],
)
def test_geometry_that_no_bearing_has_is_refused(balls: int, ball_mm: float, pitch_mm: float, contact_deg: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Bearing(balls, ball_mm, pitch_mm, contact_deg)


@pytest.mark.parametrize("rpm", [0.0, -5.0, math.nan, math.inf])
def test_a_shaft_that_stands_has_no_frequencies(rpm: float) -> None:
    with pytest.raises(ValueError, match="give the speed"):
        SKF_6205_2RS.at(rpm)


def test_figures_of_a_sine_and_of_noise_are_those_of_the_books() -> None:
    sine = 4 + 2 * np.sin(2 * np.pi * 100 * SECOND)
    assert shape.rms(sine) == pytest.approx(math.sqrt(2))
    assert shape.peak(sine) == pytest.approx(2, rel=1e-3)
    assert shape.form(sine) == pytest.approx(math.pi / (2 * math.sqrt(2)), rel=1e-3)
    assert shape.impulse(sine) == pytest.approx(shape.crest(sine) * shape.form(sine))
    noise = RNG.normal(size=200_000)
    assert shape.kurtosis(noise) == pytest.approx(3, abs=0.05)
    assert shape.skewness(noise) == pytest.approx(0, abs=0.03)
    assert shape.form(noise) == pytest.approx(math.sqrt(math.pi / 2), rel=0.01)


@pytest.mark.parametrize("figure", [shape.crest, shape.kurtosis, shape.skewness, shape.form, shape.impulse, shape.clearance])
def test_figures_of_shape_do_not_see_gain_and_offset_and_rise_with_strokes(figure: object) -> None:
    assert callable(figure)
    noise = RNG.normal(size=4096)
    assert figure(noise * 7 + 3) == pytest.approx(figure(noise))
    noise[::512] += 25.0
    assert figure(noise) > figure(RNG.normal(size=4096)) + 0.05
    assert math.isnan(figure(np.full(100, 2.0)))


def test_the_spectrum_keeps_the_mean_square_of_odd_and_even_lengths() -> None:
    for count in (1000, 1001):
        noise = RNG.normal(size=(200, count))
        _, power = bands.spectrum(noise, RATE_HZ)
        assert power.sum(axis=-1).mean() == pytest.approx((noise**2).mean(), rel=0.02)


def test_bands_share_the_power_of_two_tones() -> None:
    two = np.sin(2 * np.pi * 1000 * SECOND) + 3 * np.sin(2 * np.pi * 4000 * SECOND)
    assert bands.powers(two, RATE_HZ, QUARTERS_HZ) == pytest.approx([0.5, 0, 4.5, 0], abs=1e-6)


def test_the_analytic_signal_of_a_tone_turns_at_its_frequency_and_holds_nothing_of_other_bands() -> None:
    two = np.cos(2 * np.pi * 2000 * SECOND) + np.cos(2 * np.pi * 5000 * SECOND)
    assert bands.analytic(two, RATE_HZ, (1500, 3000)) == pytest.approx(np.exp(2j * np.pi * 2000 * SECOND), abs=1e-9)


@pytest.mark.parametrize("band_hz", [(-1.0, 10.0), (20.0, 10.0), (10.0, 6001.0), (math.nan, 10.0)])
def test_a_band_beyond_half_the_rate_is_refused(band_hz: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="does not fit samples at 12000"):
        bands.powers(SECOND, RATE_HZ, [band_hz])


@pytest.mark.parametrize("tone_hz", [20.0, 100.0, 333.3, 900.0])
def test_a_tone_of_acceleration_has_the_velocity_of_the_formula(tone_hz: float) -> None:
    acceleration_m_s2 = 5 + 2 * np.sin(2 * np.pi * tone_hz * SECOND)
    assert severity.velocity_rms_mm_s(acceleration_m_s2, RATE_HZ) == pytest.approx(2 * 1000 / (2 * np.pi * tone_hz) / math.sqrt(2), rel=0.005)


def test_velocity_leaves_out_what_is_outside_of_10_to_1000_hz() -> None:
    slow_and_fast_m_s2 = np.sin(2 * np.pi * 4 * SECOND) + 50 * np.sin(2 * np.pi * 2000 * SECOND)
    assert severity.velocity_rms_mm_s(slow_and_fast_m_s2, RATE_HZ) < 0.01


def test_velocity_refuses_samples_that_cannot_tell_it() -> None:
    with pytest.raises(ValueError, match="too few"):
        severity.velocity_rms_mm_s(SECOND[:11_999], RATE_HZ)
    with pytest.raises(ValueError, match="does not fit"):
        severity.velocity_rms_mm_s(SECOND, 1900.0)


def test_zones_begin_above_their_limits_and_limits_rise_and_have_a_source() -> None:
    assert [LARGE_ON_RIGID.zone(velocity) for velocity in (0.0, 2.3, 2.31, 4.5, 4.51, 7.1, 7.11)] == list("AABBCCD")
    with pytest.raises(ValueError, match="give 0 or more"):
        LARGE_ON_RIGID.zone(math.nan)
    with pytest.raises(ValueError, match="do not rise"):
        ZoneLimits(2.0, 1.0, 3.0, "agreement")
    with pytest.raises(ValueError, match="no source"):
        ZoneLimits(1.0, 2.0, 3.0, " ")


def test_strokes_at_bpfo_stand_in_the_envelope_spectrum_of_the_band_that_rings() -> None:
    heard = SKF_6205_2RS.at(1797)
    samples = struck(heard.outer, RATE_HZ, 24_000, ring_hz=3500, noise=0.3)
    band = envelope.most_impulsive(samples, RATE_HZ, QUARTERS_HZ)
    assert band == (3000.0, 4500.0)
    frequency_hz, amplitude = envelope.envelope_spectrum(samples, RATE_HZ, band)
    rhythmic = (frequency_hz > 20) & (frequency_hz < 200)
    assert frequency_hz[rhythmic][amplitude[rhythmic].argmax()] == pytest.approx(heard.outer, abs=0.5)
    assert all(lines.above_floor_db(frequency_hz, amplitude, k * heard.outer) > 20 for k in (1, 2, 3))
    assert lines.above_floor_db(frequency_hz, amplitude, heard.inner) < 14


def test_damage_of_the_inner_race_has_sidebands_of_the_shaft() -> None:
    heard = SKF_6205_2RS.at(1797)
    samples = struck(heard.inner, RATE_HZ, 24_000, ring_hz=3500, swing_hz=heard.shaft)
    frequency_hz, amplitude = envelope.envelope_spectrum(samples, RATE_HZ, (3000, 4500))
    beside_hz = lines.lines_hz(heard.inner, 1, heard.shaft, 1)
    assert len(beside_hz) == 3
    assert all(lines.above_floor_db(frequency_hz, amplitude, line_hz, slip=0.01, beside_hz=14) > 14 for line_hz in beside_hz)
    plain = struck(heard.inner, RATE_HZ, 24_000, ring_hz=3500)
    _, even = envelope.envelope_spectrum(plain, RATE_HZ, (3000, 4500))
    assert lines.above_floor_db(frequency_hz, even, beside_hz[0], slip=0.01, beside_hz=14) < 14


def test_spectral_kurtosis_is_0_for_noise_and_minus_1_for_a_tone() -> None:
    noise = RNG.normal(size=200_000)
    assert envelope.spectral_kurtosis(noise, RATE_HZ, QUARTERS_HZ) == pytest.approx([0] * 4, abs=0.1)
    tone = np.sin(2 * np.pi * 2000 * SECOND)
    assert envelope.spectral_kurtosis(tone, RATE_HZ, QUARTERS_HZ)[1] == pytest.approx(-1)
    with pytest.raises(ValueError, match="name no band"):
        envelope.most_impulsive(np.zeros(100), RATE_HZ, QUARTERS_HZ)


def test_padding_draws_finer_and_keeps_the_amplitude() -> None:
    swing = 3 * np.cos(2 * np.pi * 60 * SECOND)
    for padding in (1, 8):
        frequency_hz, amplitude = envelope.swing_spectrum(swing, RATE_HZ, padding)
        assert (frequency_hz[amplitude.argmax()], amplitude.max()) == pytest.approx((60, 3), rel=1e-6)
    with pytest.raises(ValueError, match="padding is 0"):
        envelope.swing_spectrum(swing, RATE_HZ, 0)


def test_a_spectrum_too_coarse_for_a_line_says_so() -> None:
    frequency_hz, amplitude = envelope.swing_spectrum(SECOND[:100], RATE_HZ, 1)
    with pytest.raises(ValueError, match="no line at 107"):
        lines.above_floor_db(frequency_hz, amplitude, 107.0)
    with pytest.raises(ValueError, match="no line at 9000"):
        lines.above_floor_db(frequency_hz, amplitude, 9000.0)


def test_the_share_of_noise_is_twice_the_lines_over_the_samples_and_no_gain_changes_it() -> None:
    noise = RNG.normal(size=(300, 1024))
    at_hz = lines.lines_hz(107.0, 4)
    found = lines.share(noise, RATE_HZ, at_hz)
    assert found.mean() == pytest.approx(8 / 1024, rel=0.1)
    assert lines.share(noise * 40 - 3, RATE_HZ, at_hz) == pytest.approx(found)


def test_the_share_of_a_rhythm_in_noise_is_its_share_of_the_power() -> None:
    half = np.sqrt(2) * np.sin(2 * np.pi * 107 * np.arange(1024) / RATE_HZ) + RNG.normal(size=(200, 1024))
    assert lines.share(half, RATE_HZ, np.array([107.0])).mean() == pytest.approx(0.5, abs=0.03)
    assert lines.share(half, RATE_HZ, np.array([161.0])).mean() < 0.03


def test_lines_nearer_than_the_window_parts_are_counted_once() -> None:
    noise = RNG.normal(size=(300, 200))
    assert lines.share(noise, RATE_HZ, np.array([900.0, 900.0001])).mean() < 3 / 200
    assert math.isnan(lines.share(np.ones(200), RATE_HZ, np.array([900.0])))
    with pytest.raises(ValueError, match="cannot be told"):
        lines.share(noise, RATE_HZ, np.array([6000.0]))
    with pytest.raises(ValueError, match="cannot be told"):
        lines.share(noise, RATE_HZ, np.array([]))


def test_lines_below_0_are_left_out() -> None:
    assert lines.lines_hz(10.0, 1, 30.0, 1).tolist() == [10.0, 40.0]
