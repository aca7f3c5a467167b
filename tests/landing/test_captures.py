"""Captures of vibration on their way into bronze.waveforms: as they were sent, once however often, and what is damaged said in one sentence."""

import base64
import datetime as dt
import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from landing_records import T0, event, readings

from factolake.bus.captures import MOST_SAMPLES, Capture, encode_capture, read_capture
from factolake.bus.codec import encode_event
from factolake.bus.port import Record
from factolake.bus.spool_bus import Spool
from factolake.contracts.bronze import DEAD_LETTER, EVENTS, WAVEFORMS
from factolake.contracts.table import Table
from factolake.domain.clock import SystemClock
from factolake.lake.tables import Lake
from factolake.landing import ledger
from factolake.landing.bronze import BronzeTables
from factolake.landing.land import Landing
from factolake.testing.memory_log import MemoryLog

HOW_TO = Path(__file__).parents[2] / "docs/how-to/measure-vibration.md"
Start = Callable[..., Landing]
SAMPLES = np.random.default_rng(1).normal(0, 3, 500).astype(np.float32)


def capture(minute: int = 0, samples: np.ndarray = SAMPLES, point: str = "drive_end") -> Capture:
    return Capture("L1-M2", point, T0 + dt.timedelta(minutes=minute), 8192.0, samples)


def record(seq: int, one: Capture) -> Record:
    return encode_capture(("daq", 1, seq), one, T0 + dt.timedelta(minutes=30))


def told(**changes: Any) -> str:
    """A payload as somebody else's program would write it, with `changes`; None leaves a key out."""
    said = {"point": "drive_end", "ts": "2026-11-22T07:00:00+01:00", "sample_rate_hz": 8192, "unit": "m/s2", "samples": [1.5, -2, 0]}
    return json.dumps({name: value for name, value in (said | changes).items() if value is not None})


def rows(lake: Lake, table: Table) -> list[dict[str, Any]]:
    return lake.open(table).read().to_pylist()


def balanced(tables: BronzeTables, log: MemoryLog) -> tuple[object, object, object]:
    row = ledger.balance(tables, log.log_id, T0)
    return row["sent"], row["bronze"], row["difference"]


def test_a_capture_lands_bit_by_bit_and_no_event_beside_it(lake: Lake, tables: BronzeTables, landing: Start) -> None:
    log = MemoryLog()
    log.append([readings(1), event(2, "alarm", "{}"), record(3, capture()), record(4, capture(10))])
    assert landing(log).step().rows == 6
    first, second = sorted(rows(lake, WAVEFORMS), key=lambda row: row["ts"])
    assert np.array_equal(np.frombuffer(first["samples"], "<f4"), SAMPLES)
    assert (first["machine"], first["point"], first["ts"], first["sample_rate_hz"], first["n"]) == ("L1-M2", "drive_end", T0, 8192.0, 500)
    assert (first["source_id"], first["seq"], first["log_offset"], second["log_offset"]) == ("daq", 3, 3, 4)
    assert [row["kind"] for row in rows(lake, EVENTS)] == ["alarm"]
    assert balanced(tables, log) == (6, 6, 0)


def test_the_program_of_the_how_to_sends_a_capture_that_lands(lake: Lake, landing: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(r"(?s)In Python:\n\n   ```\n(.*?)   ```", HOW_TO.read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    exec(textwrap.dedent(program), {"taken_at": T0, "samples": SAMPLES})
    assert landing(Spool(tmp_path / ".factolake/spool/spool.sqlite", 1 << 20, SystemClock(), writer=False)).step().rows == 1
    assert [(row["machine"], row["point"], row["ts"]) for row in rows(lake, WAVEFORMS)] == [("L1-M2", "drive_end", T0)]


def test_numbers_in_json_and_base64_are_the_same_capture() -> None:
    numbers = read_capture("M", told(samples=SAMPLES.tolist()), T0)
    packed = read_capture("M", told(samples=base64.b64encode(SAMPLES.tobytes()).decode()), T0)
    assert np.array_equal(numbers.samples, packed.samples)
    assert numbers.ts == T0


def test_a_capture_sent_again_is_one_row_and_the_books_balance(lake: Lake, tables: BronzeTables, landing: Start) -> None:
    log = MemoryLog()
    one = landing(log)
    log.append([record(1, capture()), record(1, capture()), record(2, capture(0, SAMPLES * 2)), record(3, capture(0, point="fan_end"))])
    one.step()
    log.append([record(4, capture()), readings(5)])
    one.step()
    log.append([record(4, capture()), record(5, capture(10))])
    one.step()
    landed = sorted((row["ts"], row["point"], row["log_offset"]) for row in rows(lake, WAVEFORMS))
    assert landed == [(T0, "drive_end", 1), (T0, "fan_end", 4), (T0 + dt.timedelta(minutes=10), "drive_end", 8)]
    assert np.array_equal(np.frombuffer(next(row["samples"] for row in rows(lake, WAVEFORMS) if row["log_offset"] == 1), "<f4"), SAMPLES)
    assert balanced(tables, log) == (10, 10, 0)


@pytest.mark.parametrize(
    ("subject", "payload", "says"),
    [
        (None, told(), "the event's subject is 'None'; name the machine there"),
        ("M", "{", "the payload is no JSON"),
        ("M", "[" * 100_000, "the payload is no JSON"),
        ("M", "[]", "lacks point, ts, sample_rate_hz, unit, samples"),
        ("M", told(unit=None, ts=None), "lacks ts, unit"),
        ("M", told(unit="g"), "unit is 'g'; send acceleration in m/s2"),
        ("M", told(point=""), "name the measuring point"),
        ("M", told(point="\ud800"), "name the measuring point"),
        ("M", told(ts="2026-11-22T06:00:00"), "with its offset"),
        ("M", told(ts=7), "with its offset"),
        ("M", told(ts="1970-01-01T00:00:00Z"), "set the clock"),
        ("M", told(ts="2027-11-22T06:00:00Z"), "set the clock"),
        ("M", told(sample_rate_hz=0), "sample_rate_hz is '0'"),
        ("M", told(sample_rate_hz=float("nan")), "sample_rate_hz is 'nan'"),
        ("M", told(sample_rate_hz=True), "sample_rate_hz is 'True'"),
        ("M", told(samples="AAAA"), "3 bytes, which are no whole number of 32-bit floats; the capture was cut off"),
        ("M", told(samples="not base64!"), "samples is no base64"),
        ("M", told(samples=[]), "samples holds 0 samples"),
        ("M", told(samples=[0] * (MOST_SAMPLES + 1)), "send 1 to 65,536"),
        ("M", told(samples=[1, "2"]), "sample 1 is '2'"),
        ("M", told(samples=[1, float("nan"), 2]), "sample 1 is nan, 1 of 3 are no numbers"),
        ("M", told(samples=[1e39, 2]), "sample 0 is nan"),
        ("M", told(samples={"a": 1}), "samples is a dict"),
        ("M", told(samples="A" * 2_000_001), "characters; send at most 65,536 samples"),
    ],
)
def test_what_is_no_capture_is_said_in_one_sentence(subject: str | None, payload: str, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read_capture(subject, payload, T0)
    assert says in str(caught.value)


def test_a_damaged_capture_is_a_dead_letter_and_the_good_ones_beside_it_land(lake: Lake, tables: BronzeTables, landing: Start) -> None:
    log = MemoryLog()
    log.append([record(1, capture()), encode_event(("daq", 1, 2), "waveform", "L1-M2", told(unit="g"), T0), record(3, capture(10))])
    result = landing(log).step()
    assert (result.rows, result.dead_letters) == (2, 1)
    (letter,) = rows(lake, DEAD_LETTER)
    assert (letter["reason"], letter["detail"], letter["row_idx"]) == ("capture", "unit is 'g'; send acceleration in m/s2", 0)
    assert balanced(tables, log) == (3, 2, 0)
    again = MemoryLog()
    again.append([Record("records", "daq", letter["payload"], json.loads(letter["headers"]))])
    assert landing(again).step().dead_letters == 1, "the letter holds the event itself, so that it can be put right and sent again"
