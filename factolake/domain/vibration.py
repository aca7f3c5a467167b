"""Where a machine's vibration is measured, what turns there and how its velocity is judged: a measuring point, a rolling bearing, limits of zones.

With a standing outer ring, a shaft of `f` Hz, `n` balls of diameter `d` on a pitch circle of `D` and `k = d / D cos(contact angle)`:
`FTF = f / 2 (1 - k)`, `BPFO = n f / 2 (1 - k)`, `BPFI = n f / 2 (1 + k)`, `BSF = f D / (2 d) (1 - k²)` (Randall and Antoni, Mechanical Systems and
Signal Processing 25, 2011). Balls slip: real lines lie within 1 or 2 % of these. What is heard in samples is in `factolake/features/vibration`.
"""

import math
from dataclasses import dataclass

SECONDS_PER_MINUTE = 60.0
MOST_BALLS = 500
HIGHEST_RATE_HZ = 1_000_000.0
ENVELOPE_HZ = (500.0, 10_000.0)
"""Where bearings of most machines ring when they are struck: above the harmonics of the shaft."""
USABLE_SHARE = 0.45
"""Of the sampling rate; the filter before the converter eats what is nearer to half of it."""


@dataclass(frozen=True, slots=True)
class Frequencies:
    """What turns and strikes, all in Hz, or all in orders (per turn of the shaft)."""

    shaft: float
    cage: float
    """Fundamental train frequency (FTF): the cage and with it the balls go round."""
    outer: float
    """Ball pass frequency of the outer race (BPFO)."""
    inner: float
    """Ball pass frequency of the inner race (BPFI)."""
    spin: float
    """Ball spin frequency (BSF)."""

    @property
    def ball(self) -> float:
        """A spot on a ball strikes both races in each spin: twice the ball spin frequency."""
        return 2 * self.spin


@dataclass(frozen=True, slots=True)
class Bearing:
    """Geometry of a rolling bearing: 3 to 500 balls or rollers, contact angle 0 (radial) to below 90 degrees. Raises ValueError.

    >>> sizes = Bearing(balls=8, ball_mm=10, pitch_mm=50).at(rpm=1800)
    >>> sizes.cage, sizes.outer, sizes.inner, round(sizes.spin, 6)
    (12.0, 96.0, 144.0, 72.0)
    """

    balls: int
    ball_mm: float
    pitch_mm: float
    contact_deg: float = 0.0

    def __post_init__(self) -> None:
        if not 3 <= self.balls <= MOST_BALLS:
            raise ValueError(f"a bearing has {self.balls} balls; give 3 to {MOST_BALLS}")
        if not (0 < self.ball_mm < self.pitch_mm < math.inf):
            raise ValueError(f"ball_mm is {self.ball_mm} and pitch_mm {self.pitch_mm}; give a ball above 0 mm and a larger pitch circle")
        if not 0 <= self.contact_deg < 90:
            raise ValueError(f"contact_deg is {self.contact_deg}; give 0 to below 90 degrees")
        # Balls that overlap are a geometry read off wrongly, mostly a radius for a diameter or inches for mm.
        if self.ball_mm > self.pitch_mm * math.sin(math.pi / self.balls) * (1 + 1e-9):
            raise ValueError(f"{self.balls} balls of {self.ball_mm} mm have no room on a pitch circle of {self.pitch_mm} mm; look at the units")

    @property
    def orders(self) -> Frequencies:
        """Per turn of the shaft."""
        return self._at_hz(1.0)

    def at(self, rpm: float) -> Frequencies:
        """In Hz at `rpm`, above 0. Raises ValueError."""
        if not 0 < rpm < math.inf:
            raise ValueError(f"rpm is {rpm}; give the speed of the shaft, above 0")
        return self._at_hz(rpm / SECONDS_PER_MINUTE)

    def _at_hz(self, shaft: float) -> Frequencies:
        across = self.ball_mm / self.pitch_mm * math.cos(math.radians(self.contact_deg))
        cage = shaft / 2 * (1 - across)
        inner = self.balls * shaft / 2 * (1 + across)
        return Frequencies(shaft, cage, self.balls * cage, inner, shaft * self.pitch_mm / (2 * self.ball_mm) * (1 - across**2))


@dataclass(frozen=True, slots=True)
class ZoneLimits:
    """Upper limits of the zones A (as new), B (fit for long), C (fit for a limited time); above is D (does damage). Raises ValueError."""

    a_mm_s: float
    b_mm_s: float
    c_mm_s: float
    source: str
    """Where the limits are from: a standard with its group, the maker, an agreement."""

    def __post_init__(self) -> None:
        if not 0 < self.a_mm_s < self.b_mm_s < self.c_mm_s < math.inf:
            raise ValueError(f"the limits {self.a_mm_s}, {self.b_mm_s} and {self.c_mm_s} mm/s do not rise from above 0")
        if not self.source.strip():
            raise ValueError("the limits have no source; say where they are from")

    def zone(self, velocity_mm_s: float) -> str:
        """The letter of the zone. A velocity at a limit belongs to the better zone. Raises ValueError where the velocity is none.

        >>> [LARGE_ON_RIGID.zone(velocity_mm_s) for velocity_mm_s in (1.0, 2.3, 5.0, 8.0)]
        ['A', 'A', 'C', 'D']
        """
        if not velocity_mm_s >= 0:
            raise ValueError(f"the velocity is {velocity_mm_s} mm/s; give 0 or more")
        limits = (self.a_mm_s, self.b_mm_s, self.c_mm_s)
        return "ABCD"[sum(velocity_mm_s > limit for limit in limits)]


@dataclass(frozen=True, slots=True)
class VibrationPoint:
    """A sensor of acceleration on a machine, which sends captures: samples at an even rate. Raises ValueError where its parts do not fit.

    The shaft's speed is that of the machine's signal `speed_signal` (in r/min) or always `rpm`; None both: unknown. `bearing`: whose damage is
    listened for (None: of none); `zones`: limits of the velocity (None: it is not judged); `envelope_hz`: band in which a struck bearing rings (None:
    from 500 Hz to 10 kHz, as far as the rate goes).
    """

    machine: str
    name: str
    sample_rate_hz: float
    speed_signal: str | None = None
    rpm: float | None = None
    bearing: Bearing | None = None
    zones: ZoneLimits | None = None
    envelope_hz: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.sample_rate_hz <= HIGHEST_RATE_HZ:
            raise ValueError(f"sample_rate_hz is {self.sample_rate_hz}; give above 0 to {HIGHEST_RATE_HZ:,.0f} Hz")
        if self.speed_signal is not None and self.rpm is not None:
            raise ValueError(f"the speed is that of signal {self.speed_signal} and {self.rpm} rpm; give one of them")
        if self.bearing is not None and self.speed_signal is None and self.rpm is None:
            raise ValueError("a bearing is heard at multiples of the shaft's speed; give speed_signal or rpm beside it")
        if self.rpm is not None and not 0 < self.rpm < math.inf:
            raise ValueError(f"rpm is {self.rpm}; give the speed of the shaft, above 0")
        low_hz, high_hz = self.listens_hz
        if (self.bearing is not None or self.envelope_hz is not None) and not 0 < low_hz < high_hz <= self.sample_rate_hz / 2:
            raise ValueError(f"envelope_hz is {low_hz} to {high_hz}; give a band above 0 up to half the sampling rate, {self.sample_rate_hz / 2} Hz")

    @property
    def listens_hz(self) -> tuple[float, float]:
        """The band of the envelope."""
        return self.envelope_hz or (ENVELOPE_HZ[0], min(ENVELOPE_HZ[1], self.sample_rate_hz * USABLE_SHARE))


SKF_6205_2RS = Bearing(balls=9, ball_mm=7.94, pitch_mm=39.04)
"""Deep groove ball bearing of the drive end in the recordings of Case Western Reserve University: BPFO 3.585, BPFI 5.415, BSF 2.357, FTF 0.398."""
LARGE_ON_RIGID = ZoneLimits(2.3, 4.5, 7.1, "ISO 20816-3, group 1 (above 300 kW or shafts of 315 mm and more), rigid foundation")
"""The one group whose limits a public source confirms; limits of other machines are given by who runs them."""
