"""Readings of a machine by chance, for the tests of windows: in order of time, and in the order in which they come."""

import random

from factolake.domain.signals import SignalKind
from factolake.features.stream import Reading

S = 1_000_000
WORDS = {"1": "producing", "2": "setup", "9": "stopped"}


def story(rng: random.Random, minutes: int = 4) -> list[Reading]:
    """Values, states, products and signs of life, several with one stamp, some bad; by (ts, epoch, seq, idx)."""
    told = []
    for seq in range(rng.randrange(5, 120)):
        ts_us = rng.choice((rng.randrange(minutes * 60 * S), rng.randrange(minutes * 60) * S, rng.randrange(minutes) * 60 * S))
        key = (ts_us, 1, seq, rng.randrange(3), rng.choice(("good", "good", "good", "uncertain", "bad")))
        what = rng.randrange(8)
        if what < 4:
            kind = rng.choice((SignalKind.PROCESS, SignalKind.SETPOINT))
            told.append(Reading(kind, rng.choice("abc"), *key, value=rng.choice((0.1, -0.0, 0.0, rng.gauss(20, 5)))))
        elif what < 6:
            told.append(Reading(SignalKind.STATE, "state", *key, text=rng.choice("1129")))
        elif what < 7:
            told.append(Reading(SignalKind.PRODUCT, "product", *key, text=rng.choice(("P", "P", "Q", "", None))))
        else:
            told.append(Reading(SignalKind.HEARTBEAT, "heartbeat", *key))
    return sorted(told, key=lambda one: one.order)


def delayed(rng: random.Random, readings: list[Reading], most_s: float) -> list[Reading]:
    """`readings` in the order in which they come when each is on its way for up to `most_s` seconds."""
    return [one for _, one in sorted(((one.ts_us + rng.random() * most_s * S, one) for one in readings), key=lambda pair: pair[0])]
