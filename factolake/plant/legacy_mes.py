"""A simulated legacy MES: it learns of a stop long after, and says so as an event in the log, like any other system of the plant."""

import json
from datetime import datetime, timedelta

from factolake.bus.codec import encode_event
from factolake.bus.port import LogWriter
from factolake.domain.clock import Clock
from factolake.plant.moment import to_us
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
        key = (SOURCE_ID, self._epoch, self._seq)
        self._log.append([encode_event(key, "mes_record", record.machine, json.dumps(payload), self._clock.now(), known)])
        self._seq += 1
