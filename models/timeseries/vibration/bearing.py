"""A rolling bearing and the frequencies at which its damage is heard, from its geometry and the speed of its shaft.

With a standing outer ring, a shaft of `f` Hz, `n` balls of diameter `d` on a pitch circle of `D` and `k = d / D cos(contact angle)`:
`FTF = f / 2 (1 - k)`, `BPFO = n f / 2 (1 - k)`, `BPFI = n f / 2 (1 + k)`, `BSF = f D / (2 d) (1 - k²)` (Randall and Antoni, Mechanical Systems and
Signal Processing 25, 2011). Balls slip: real lines lie within 1 or 2 % of these.
"""

import math
from dataclasses import dataclass

SECONDS_PER_MINUTE = 60.0
MOST_BALLS = 500


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


SKF_6205_2RS = Bearing(balls=9, ball_mm=7.94, pitch_mm=39.04)
"""Deep groove ball bearing of the drive end in the recordings of Case Western Reserve University: BPFO 3.585, BPFI 5.415, BSF 2.357, FTF 0.398."""
