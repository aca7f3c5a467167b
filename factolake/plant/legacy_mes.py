"""A simulated legacy MES: it learns of a stop long after, and says so as an event in the log, like any other system of the plant."""

import json
from datetime import datetime, timedelta

import pyarrow as pa

from factolake.bus.codec import MESSAGE_SCHEMAS, encode
from factolake.bus.port import EVENTS_SCHEMA, LogWriter
from factolake.domain.clock import Clock
from factolake.plant.line import to_us
from factolake.plant.scenario import LegacyRecordScript, Scenario

SOURCE_ID = "legacy-mes"
SYSTEM = "legacy-mes"


class LegacyMes:
    """Sends the scenario's `legacy_record`s to `log` when plant time reaches them; `start` is the start of the shift."""

    def __init__(self, scenario: Scenario, start: datetime, log: LogWriter, clock: Clock) -> None:
        self._waiting = sorted(scenario.legacy_record, key=lambda record: record.known_at)
        self._start, self._log, self._clock = start, log, clock
        self._epoch, self._seq = to_us(clock.now()), 0

    def advance_to(self, now: datetime) -> int:
        """Send what became known up to `now`; how many records. Raises SpoolFull or DiskFull with the record still waiting."""
        sent = 0
        while self._waiting and self._start + timedelta(microseconds=self._waiting[0].known_at) <= now:
            self._send(self._waiting[0])
            self._waiting.pop(0)
            sent += 1
        return sent

    def _send(self, record: LegacyRecordScript) -> None:
        happened = self._start + timedelta(microseconds=record.happened_at)
        known = self._start + timedelta(microseconds=record.known_at)
        payload = {
            "system": SYSTEM,
            "machine": record.machine,
            "event_kind": record.event_kind,
            "happened_ts": happened.isoformat(timespec="microseconds"),
            "known_ts": known.isoformat(timespec="microseconds"),
        }
        row = {
            "source_id": SOURCE_ID,
            "epoch": self._epoch,
            "seq": self._seq,
            "idx": 0,
            "kind": "mes_record",
            "subject": record.machine,
            "payload": json.dumps(payload),
            "payload_schema": "mes_record/1",
            "source_ts": known,
            "source_ts_ns_rest": 0,
            "server_ts": None,
            "gateway_ts": self._clock.now(),
        }
        self._log.append([encode(EVENTS_SCHEMA, pa.RecordBatch.from_pylist([row], schema=MESSAGE_SCHEMAS[EVENTS_SCHEMA]))])
        self._seq += 1
