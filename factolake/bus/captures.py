"""Captures of vibration as events of the log, and back: an event of kind `waveform`, its subject the machine, its payload one JSON object.

`{"point": "drive_end", "ts": "2026-11-22T06:00:00+00:00", "sample_rate_hz": 8192, "unit": "m/s2", "samples": "..."}`: `ts` is the moment of the
first sample, `samples` either the base64 of 32-bit floats, little endian, or a JSON array of numbers. Landing puts them into bronze.waveforms.
"""

import base64
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from factolake.bus.codec import encode_event
from factolake.bus.port import Record
from factolake.domain.reading_rules import OLDEST
from factolake.domain.vibration import HIGHEST_RATE_HZ

EVENT_KIND = "waveform"
UNIT = "m/s2"
MOST_SAMPLES = 65_536
MOST_CHARACTERS = 2_000_000
"""Of the payload: the most samples as JSON numbers of 17 digits fit, twice as many do not."""
LONGEST_NAME = 200
AHEAD = timedelta(days=1)
"""A capture of a time that lies further ahead of its telling comes from a wrong clock."""
_KEYS = ("point", "ts", "sample_rate_hz", "unit", "samples")
_F32 = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class Capture:
    """Samples of acceleration in m/s² at an even rate, the first at `ts` (UTC), of a measuring point of a machine."""

    machine: str
    point: str
    ts: datetime
    sample_rate_hz: float
    samples: NDArray[np.float32]


def encode_capture(key: tuple[str, int, int], capture: Capture, gateway_ts: datetime) -> Record:
    """`capture` as a record; `key` is source id, epoch and message number."""
    said = {
        "point": capture.point,
        "ts": capture.ts.isoformat(timespec="microseconds"),
        "sample_rate_hz": capture.sample_rate_hz,
        "unit": UNIT,
        "samples": base64.b64encode(capture.samples.astype(_F32).tobytes()).decode("ascii"),
    }
    return encode_event(key, EVENT_KIND, capture.machine, json.dumps(said), gateway_ts, capture.ts)


def read_capture(machine: str | None, payload: str, gateway_ts: datetime) -> Capture:
    """The capture that an event tells. Raises ValueError with one sentence: what is wrong, the value seen, what to send."""
    if not machine or len(machine) > LONGEST_NAME:
        raise ValueError(f"the event's subject is {str(machine)[:40]!r}; name the machine there")
    said = _said(payload)
    point = said["point"]
    if not isinstance(point, str) or not point or len(point) > LONGEST_NAME or not point.isprintable():
        raise ValueError(f"point is {str(point)[:40]!r}; name the measuring point as the plant file does")
    if said["unit"] != UNIT:
        raise ValueError(f"unit is {str(said['unit'])[:40]!r}; send acceleration in {UNIT}")
    return Capture(machine, point, _ts(said["ts"], gateway_ts), _rate_hz(said["sample_rate_hz"]), _samples(said["samples"]))


def _said(payload: str) -> dict[str, object]:
    if len(payload) > MOST_CHARACTERS:
        raise ValueError(f"the payload has {len(payload):,} characters; send at most {MOST_SAMPLES:,} samples, as base64")
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError) as cause:
        raise ValueError(f"the payload is no JSON: {cause}; it begins {payload[:60]!r}") from cause
    missing = [name for name in _KEYS if not isinstance(said, dict) or name not in said]
    if missing:
        raise ValueError(f"the payload lacks {', '.join(missing)}; send one object with {', '.join(_KEYS)}")
    assert isinstance(said, dict)
    return said


def _ts(told: object, gateway_ts: datetime) -> datetime:
    try:
        ts = datetime.fromisoformat(told) if isinstance(told, str) else None
        ts = ts.astimezone(UTC) if ts is not None and ts.tzinfo is not None else None
    except (ValueError, OverflowError):
        ts = None
    if ts is None:
        raise ValueError(f"ts is {str(told)[:40]!r}; send the time of the first sample with its offset, e.g. 2026-11-22T06:00:00+00:00")
    if not OLDEST <= ts <= gateway_ts + AHEAD:
        raise ValueError(f"ts is {ts}, and it was sent {gateway_ts}; set the clock")
    return ts


def _rate_hz(told: object) -> float:
    if isinstance(told, bool) or not isinstance(told, (int, float)) or not 0 < told <= HIGHEST_RATE_HZ:
        raise ValueError(f"sample_rate_hz is {str(told)[:40]!r}; send a number above 0, up to {HIGHEST_RATE_HZ:,.0f} Hz")
    return float(told)


def _samples(told: object) -> NDArray[np.float32]:
    if isinstance(told, str):
        found = _from_base64(told)
    elif isinstance(told, list):
        found = _from_numbers(told)
    else:
        raise ValueError(f"samples is a {type(told).__name__}; send base64 of 32-bit floats, little endian, or an array of numbers")
    if not 1 <= len(found) <= MOST_SAMPLES:
        raise ValueError(f"samples holds {len(found):,} samples; send 1 to {MOST_SAMPLES:,} in a capture")
    strange = np.flatnonzero(~np.isfinite(found))
    if len(strange):
        raise ValueError(
            f"sample {int(strange[0])} is {found[strange[0]]}, {len(strange)} of {len(found):,} are no numbers; send captures without gaps"
        )
    return found


def _from_base64(told: str) -> NDArray[np.float32]:
    try:
        raw = base64.b64decode(told, validate=True)
    except ValueError as cause:
        raise ValueError(f"samples is no base64: {cause}; it begins {told[:20]!r}") from cause
    if len(raw) % _F32.itemsize:
        raise ValueError(f"samples holds {len(raw):,} bytes, which are no whole number of 32-bit floats; the capture was cut off")
    return np.frombuffer(raw, _F32)


def _from_numbers(told: list[object]) -> NDArray[np.float32]:
    wrong = [i for i, one in enumerate(told) if isinstance(one, bool) or not isinstance(one, (int, float))]
    if wrong:
        raise ValueError(f"sample {wrong[0]} is {str(told[wrong[0]])[:40]!r}; send an array of numbers")
    largest = float(np.finfo(np.float32).max)
    return np.array([one if abs(one) <= largest else math.nan for one in told], _F32)  # type: ignore[arg-type]
