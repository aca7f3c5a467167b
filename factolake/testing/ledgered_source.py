"""A source at the port of the log that keeps its own ledger: a simulated line whose messages are noted before and after they are appended.

`python -m factolake.testing.ledgered_source HOME --plant FILE --start ISO --values N [--pause S]` runs it as a process that may be killed at any
time (crash points `source.intended` and `source.appended`). Started again it goes on in a new epoch, and first sends every tag's last value again,
as a server does to a new subscription. Among the readings are tags nobody knows, events, and records that are no Arrow.
"""

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from factolake.bus.codec import MESSAGE_SCHEMAS, encode
from factolake.bus.port import EVENTS_SCHEMA, READINGS_SCHEMA, LogWriter, Record
from factolake.bus.spool_bus import Spool
from factolake.config import load_plant
from factolake.config.settings import Settings
from factolake.crash import crash_point
from factolake.domain.clock import SystemClock
from factolake.domain.plant import PlantModel
from factolake.plant.moment import from_us, to_us
from factolake.plant.scenario import Scenario, load_scenario
from factolake.plant.wire import Change, LineSignals
from factolake.testing.sent_ledger import EVENT, GARBAGE, READINGS, SentLedger, SentMessage, SentValue, read_sent, sent_value

PORTION = timedelta(seconds=10)
STRANGER = "Nobody.Knows"
_REFUSED_EVERY, _EVENT_EVERY, _GARBAGE_EVERY = 3, 5, 7
_NO_COMMUNICATION = 0x80310000


class LedgeredSource:
    """The line of `model` (one source, one line) from `start` on, sent to `log` and noted in the ledger at `path`.

    `epoch` has to grow with every new source on the same ledger.
    """

    def __init__(self, model: PlantModel, scenario: Scenario, start: datetime, log: LogWriter, path: Path, epoch: int, seed: int = 1) -> None:
        self._source_id, line_id = next(iter(model.sources)), next(iter(model.lines))
        self._tags = {signal.tag: signal for signal in model.signals}
        self._signals = LineSignals(model, line_id, scenario, seed, start, PORTION.total_seconds())
        self._log, self._ledger = log, SentLedger(path)
        self.now, self.epoch, self._seq = start, epoch, 0
        before = read_sent(path)
        self.values = sum(len(message.values) for message, confirmed in before if confirmed)
        self._go_on([message for message, _ in before])

    def send_portion(self) -> int:
        """Send the next ten seconds of the line; returns how many values that were."""
        messages = self._next()
        records = [self._record(message) for message in messages]
        self._ledger.intend(messages)
        crash_point("source.intended")
        self._log.append(records)
        crash_point("source.appended")
        self._ledger.confirm(messages)
        sent = sum(len(message.values) for message in messages)
        self.values += sent
        return sent

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    def _go_on(self, before: list[SentMessage]) -> None:
        self._again: dict[str, SentValue] = {}
        for message in before:
            if message.kind == READINGS:
                self._again |= {one.tag: one for one in message.values if not one.refused}
            while self.now < from_us(message.until_us):
                self._advance()

    def _advance(self) -> list[Change]:
        self.now += PORTION
        return self._signals.advance_to(self.now)[1]

    def _next(self) -> list[SentMessage]:
        once = {(change.tag, change.ts): change for change in self._advance()}
        values = [*self._again.values(), *(sent_value(self._tags[change.tag], to_us(change.ts), change.value) for change in once.values())]
        self._again = {}
        self._seq += 1
        if self._seq % _REFUSED_EVERY == 0:
            values.append(SentValue(STRANGER, to_us(self.now), float(self._seq), refused=True))
        messages = [self._message(READINGS, tuple(values))] if values else []
        for kind, every in ((EVENT, _EVENT_EVERY), (GARBAGE, _GARBAGE_EVERY)):
            if self._seq % every == 0 or not messages:
                messages.append(self._message(kind, (SentValue(kind, to_us(self.now), f'{{"at":{self._seq}}}'),)))
        return messages

    def _message(self, kind: str, values: tuple[SentValue, ...]) -> SentMessage:
        """Seq of a portion times ten, plus the place of the message in it."""
        place = (READINGS, EVENT, GARBAGE).index(kind)
        return SentMessage(kind, self.epoch, 10 * self._seq + place, to_us(self.now), values)

    def _record(self, message: SentMessage) -> Record:
        key = {"source_id": self._source_id, "epoch": message.epoch, "seq": message.seq}
        if message.kind == GARBAGE:
            headers = {"schema": READINGS_SCHEMA, "count": "1", **{name: str(value) for name, value in key.items()}}
            return Record("records", self._source_id, b"no arrow at all", headers)
        if message.kind == EVENT:
            row = {**key, "idx": 0, "kind": "alarm", "payload": message.values[0].value, "payload_schema": "alarm/1", "gateway_ts": self.now}
            return encode(EVENTS_SCHEMA, pa.RecordBatch.from_pylist([row], schema=MESSAGE_SCHEMAS[EVENTS_SCHEMA]))
        rows = [{**key, "idx": idx, "gateway_ts": self.now, "flags": 2, **_reading(one)} for idx, one in enumerate(message.values)]
        return encode(READINGS_SCHEMA, pa.RecordBatch.from_pylist(rows, schema=MESSAGE_SCHEMAS[READINGS_SCHEMA]))


def _reading(one: SentValue) -> dict[str, object]:
    told: dict[str, object] = {"tag": one.tag, "source_ts": from_us(one.ts_us), "server_ts": from_us(one.ts_us), "status": 0}
    if one.value is None:
        return {**told, "value_kind": "null", "status": _NO_COMMUNICATION}
    kind = {bool: "bool", int: "i64", float: "f64", str: "text"}[type(one.value)]
    return {**told, "value_kind": kind, f"value_{kind}": one.value}


def _portions(source: LedgeredSource, values: int, pause_s: float) -> Iterator[int]:
    while source.values < values:
        yield source.send_portion()
        time.sleep(pause_s)


def main() -> None:
    """Send until the log has confirmed `--values` values in all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--plant", type=Path, required=True, help="plant file")
    parser.add_argument("--scenario", type=Path, required=True)
    parser.add_argument("--start", required=True, help="where the play begins, ISO 8601 with offset; always the same for one ledger")
    parser.add_argument("--values", type=int, required=True)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between portions")
    asked = parser.parse_args()
    model, clock = load_plant(asked.plant), SystemClock()
    spool = Spool(Settings(home=asked.home).spool_file, 4 << 30, clock)
    start = datetime.fromisoformat(asked.start).astimezone(UTC)
    source = LedgeredSource(model, load_scenario(asked.scenario, model), start, spool, asked.home / "source" / "sent.jsonl", to_us(clock.now()))
    sent = sum(_portions(source, asked.values, asked.pause))
    print(f"{sent} values sent, {source.values} in all, play reached {source.now.isoformat()}")
    source.close()
    spool.close()


if __name__ == "__main__":
    main()
