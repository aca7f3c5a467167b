"""Plant time as exact microseconds since 1970, and back."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(ts: datetime) -> int:
    """Microseconds since 1970, exact."""
    return (ts - EPOCH) // timedelta(microseconds=1)


def from_us(us: int) -> datetime:
    """The UTC time of `us` microseconds since 1970."""
    return EPOCH + timedelta(microseconds=us)
