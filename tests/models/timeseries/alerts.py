"""Alerts as tests need them: one that knows all, and any that can be."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from factolake.domain.alert import (
    Alert,
    AlertKind,
    Band,
    Check,
    CheckSource,
    Contribution,
    DataVersion,
    ModelStamp,
    PastEvent,
    Regime,
    Severity,
    Stake,
    Sureness,
)

ONSET = datetime(2026, 11, 26, 13, 5, tzinfo=UTC)


def alert(**changed: Any) -> Alert:
    """An alert of a motor that draws too much, with all that can be known."""
    known: dict[str, Any] = {
        "kind": AlertKind.UNUSUAL,
        "severity": Severity.MEDIUM,
        "path": "acme/bremen/assembly/L1/L1-M1",
        "onset_ts": ONSET,
        "raised_ts": ONSET + timedelta(minutes=40),
        "strength": 1.82,
        "regime": Regime(2, "PRODUCT-A"),
        "contributions": (
            Contribution("motor_current", "Motor current", 14.2134, "AMP", Band(10.1, 12.0), 0.614),
            Contribution("bearing_temp", "Bearing temperature", 61.27, "CEL", Band(40.0, 62.5), 0.25),
        ),
        "model": ModelStamp("canonical", "7"),
        "data": (DataVersion("silver.values", 412),),
        "sureness": Sureness(0, 998, 3600.0),
        "similar": (PastEvent("a" * 16, ONSET - timedelta(days=40), 0.871, "belt worn", "new belt", False, 47.0),),
        "check": Check("tension of the belt"),
        "stake": Stake("belt worn", 52.0, 21.0, 131.0, 12),
    }
    return Alert(**{**known, **changed})


def bare() -> Alert:
    """The same, where hardly anything is known."""
    return alert(regime=Regime(2), contributions=(), data=(), sureness=None, similar=(), check=None, stake=None)


WORDS = ("Motor current", "Zone 12 heat", "belt worn", "Druck 3.1", "übliche Last", "Pump {7}", "feed (left)", "check bolt M8.", "new 20 A fuse")


def any_alert(seed: int) -> Alert:
    """An alert with anything known or not; the same for the same seed."""
    rng = Random(seed)
    onset = ONSET + timedelta(minutes=rng.randrange(600_000))
    events = sorted((_event(rng, f"event-{place}") for place in range(rng.randrange(4))), key=lambda one: -one.similarity)
    return Alert(
        kind=rng.choice(list(AlertKind)),
        severity=rng.choice(list(Severity)),
        path=rng.choice(("acme/bremen/assembly/L1/L1-M1", "M7", "a/" + "very-long-name-of-a-machine-" * 4)),
        onset_ts=onset,
        raised_ts=onset + timedelta(seconds=rng.choice((0, 40, 3000, 500_000))),
        strength=rng.uniform(1, 9),
        regime=Regime(rng.randrange(9), rng.choice((None, "PRODUCT-A", "4711 b"))),
        contributions=_contributions(rng),
        model=ModelStamp("canonical", rng.choice(("v7", "v2026.1"))),
        data=rng.choice(((), (DataVersion("silver.values", 412), DataVersion("gold.stops", 9)))),
        sureness=rng.choice((None, Sureness(rng.randrange(50), rng.randrange(50, 9000), rng.choice((600.0, 3600.0))))),
        similar=tuple(events),
        check=rng.choice((None, Check(rng.choice(WORDS), rng.choice(list(CheckSource))))),
        stake=rng.choice((None, _stake(rng))),
    )


def _stake(rng: Random) -> Stake:
    low, middle, high = sorted(rng.uniform(0, 5000) for _ in range(3))
    return Stake(rng.choice(WORDS), middle, low, high, rng.randrange(1, 40))


def _event(rng: Random, name: str) -> PastEvent:
    onset, cause, fix = ONSET - timedelta(days=rng.randrange(1, 900)), rng.choice((None, *WORDS)), rng.choice((None, *WORDS))
    return PastEvent(name, onset, rng.random(), cause, fix, rng.choice((None, False, True)), rng.choice((None, rng.uniform(0, 5000))))


def _contributions(rng: Random) -> tuple[Contribution, ...]:
    names = rng.sample(WORDS, rng.randrange(4))
    shares = sorted((rng.uniform(0.01, 1) / len(names) for _ in names), reverse=True)
    return tuple(_contribution(rng, name, share) for name, share in zip(names, shares, strict=True))


def _contribution(rng: Random, name: str, share: float) -> Contribution:
    low = round(rng.choice((0.0, rng.uniform(-1, 1), rng.uniform(-1e6, 1e6))), 4)
    high = low + rng.choice((0.0, 0.003, 1.9, 40.0, 7e5))
    value = rng.choice((low, high, low - rng.expovariate(1), high + rng.expovariate(0.01), (low + high) / 2))
    return Contribution(name, name, value, rng.choice((None, "AMP", "CEL", "C62", "DD", "RPM")), rng.choice((None, Band(low, high))), share)
