"""A source's own ledger: what it was about to send, and what the log acknowledged. FactoLake never reads it; the judge does.

JSON lines, each on disk before the next step: `["i", kind, epoch, seq, until_us, rows]` before a message is appended to the log, `["c", epoch,
seq]` once the log has taken it. A confirmed message must be in the lake; one that was only intended may be, once.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from factolake.domain.signals import Signal, SignalKind

Value = bool | int | float | str
READINGS, EVENT, GARBAGE = "readings", "event", "garbage"


_NUMBERS = (SignalKind.PROCESS, SignalKind.SETPOINT, SignalKind.ENERGY, SignalKind.COUNTER)


class SentValue(NamedTuple):
    """One value of a message.

    `value` as sent, None if bad; `number` or `text` what silver shall hold, `refused` whether quarantine shall hold it instead.
    """

    tag: str
    ts_us: int
    value: Value | None
    number: float | None = None
    text: str | None = None
    refused: bool = False


class SentMessage(NamedTuple):
    """One message of a source: `kind` READINGS, EVENT (one value: the payload) or GARBAGE; `until_us` how far the source's play had come."""

    kind: str
    epoch: int
    seq: int
    until_us: int
    values: tuple[SentValue, ...]


class SentLedger:
    """The ledger at `path`, opened to go on writing; a half-written last line (the source was killed) is cut off."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        text = path.read_bytes()
        os.ftruncate(self._file, text.rfind(b"\n") + 1)

    def intend(self, messages: Iterable[SentMessage]) -> None:
        """Note on disk that `messages` are about to be sent."""
        self._write([["i", *message] for message in messages])

    def confirm(self, messages: Iterable[SentMessage]) -> None:
        """Note on disk that the log has taken `messages`."""
        self._write([["c", message.epoch, message.seq] for message in messages])

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, lines: list[list[object]]) -> None:
        os.write(self._file, "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode())
        os.fsync(self._file)


def sent_value(signal: Signal, ts_us: int, value: Value | None) -> SentValue:
    """A value of `signal` (None: a bad one), with what silver shall hold."""
    if value is None:
        return SentValue(signal.tag, ts_us, None)
    if signal.kind in _NUMBERS:
        return SentValue(signal.tag, ts_us, value, number=converted(float(value), signal.source_unit))
    return SentValue(signal.tag, ts_us, value, text=str(value))


def converted(value: float, source_unit: str | None) -> float:
    """`value` in the unit silver shall hold, reckoned by hand: kPa to bar, degrees Fahrenheit to Celsius, anything else as it is.

    >>> converted(650.0, "KPA"), converted(212.0, "FAH"), converted(3.0, None)
    (6.5, 100.0, 3.0)
    """
    if source_unit == "KPA":
        return value / 100
    return (value - 32) * 5 / 9 if source_unit == "FAH" else value


def read_sent(path: Path) -> list[tuple[SentMessage, bool]]:
    """Every message of the ledger at `path` in order, and whether it was confirmed; a half-written last line is left out."""
    messages: dict[tuple[int, int], SentMessage] = {}
    confirmed: set[tuple[int, int]] = set()
    for line in _lines(path):
        if line[0] == "i":
            kind, epoch, seq, until_us, values = line[1:]
            messages[epoch, seq] = SentMessage(kind, epoch, seq, until_us, tuple(SentValue(*value) for value in values))
        else:
            confirmed.add((line[1], line[2]))
    return [(message, key in confirmed) for key, message in messages.items()]


def sent_table(sent: Iterable[tuple[SentMessage, bool]]) -> pa.Table:
    """One row a value: kind, epoch, seq, idx, confirmed, tag, ts_us, `value` as text, `is_float`, number, text, refused."""
    rows = []
    for message, confirmed in sent:
        for idx, one in enumerate(message.values):
            key = {"kind": message.kind, "epoch": message.epoch, "seq": message.seq, "idx": idx, "confirmed": confirmed}
            value = one.value if isinstance(one.value, str) or one.value is None else json.dumps(one.value)
            told = {"tag": one.tag, "ts_us": one.ts_us, "value": value, "is_float": isinstance(one.value, float)}
            rows.append({**key, **told, "number": one.number, "text": one.text, "refused": one.refused})
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


_SCHEMA = pa.schema(
    {
        **{"kind": pa.string(), "epoch": pa.int64(), "seq": pa.int64(), "idx": pa.int32(), "confirmed": pa.bool_()},
        **{"tag": pa.string(), "ts_us": pa.int64(), "value": pa.string(), "is_float": pa.bool_()},
        **{"number": pa.float64(), "text": pa.string(), "refused": pa.bool_()},
    }
)


def _lines(path: Path) -> Iterator[list[Any]]:
    with path.open(encoding="utf-8") as file:
        for text in file:
            if text.endswith("\n"):
                yield json.loads(text)
