"""UTC days as people name them, and the moments between which they lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """UTC days, `first` to `last`, both inclusive. Raises ValueError where the last lies before the first."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"the last day {self.last} lies before the first {self.first}; give them in order")

    @classmethod
    def before(cls, today: date, count: int) -> "Days":
        """The last `count` days that are over, 1 or more."""
        return cls(today - count * DAY, today - DAY)

    @property
    def from_ts(self) -> datetime:
        """Midnight at which the first begins (UTC)."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def to_ts(self) -> datetime:
        """Midnight at which the last ends (UTC)."""
        return datetime.combine(self.last, time(), UTC) + DAY

    def __iter__(self) -> Iterator[date]:
        return (self.first + number * DAY for number in range((self.last - self.first).days + 1))

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"
