"""Parts of the watch by themselves: what a record's stamps say, what an alert reminds of, minutes that are kept, and the plant's own checks."""

import json
from datetime import timedelta
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from watched_line import MACHINE, T0, WatchedLine, message, minute, record, story

from factolake.bus.port import Record, StoredRecord
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.gold_alerts import ALERTS
from factolake.domain.alert import Alert, AlertKind, Contribution, ModelStamp, Regime, Severity
from factolake.domain.signals import Signal, SignalKind
from factolake.errors import ConfigError
from factolake.features.stream import Reading, StreamState
from factolake.lake.tables import Lake
from models.timeseries.alert_events import AlertingState, Episode
from models.timeseries.similar import Verdict
from pipelines.watching.journal import DAY_US, Journal
from pipelines.watching.mapping import Mapped
from pipelines.watching.minutes import Minute, Minutes, Pace
from pipelines.watching.past import LakePast, Past, check_rules, stops_of
from pipelines.watching.peeking import after
from pipelines.watching.state import Judged, MachineState, Memory, MemoryFile, read_memory
from pipelines.watching.tail import Place, Tail
from pipelines.watching.telling import Told

CHECKS = """
[[check]]
check = "tension of the belt"
cause = "belt worn"
[[check]]
check = "bolts of the bearing"
signal = "vibration"
side = "above"
"""


def us(seconds: float) -> int:
    return round((T0 + timedelta(seconds=seconds)).timestamp() * 1_000_000)


def alert(days: int, label: str = "Vibration") -> Alert:
    onset = T0 + timedelta(days=days)
    share = (Contribution("vibration", label, 9.0, "C16", None, 0.9),)
    stamp = ModelStamp("signals.l1-m1", "1")
    kind, path = AlertKind.UNUSUAL, f"acme/bremen/assembly/L1/{MACHINE}"
    return Alert(kind, Severity.MEDIUM, path, onset, onset + timedelta(minutes=10), 2.0, Regime(0), share, stamp)


def row_of(one: Alert) -> dict[str, object]:
    words = {"text_en": "a", "text_de": "a", "signals": "vibration", "model_name": one.model.name, "model_version": one.model.version}
    times = {"onset_ts": one.onset_ts, "raised_ts": one.raised_ts, "as_of": one.raised_ts}
    known = {"machine": MACHINE, "line": "L1", "kind": "unusual", "severity": "medium", "state": "closed", "strength": one.strength}
    return {"alert_id": one.alert_id, **known, **words, **times, "alert_json": json.dumps(one.to_json())}


def test_an_alert_is_dressed_with_what_the_lake_and_the_plant_know(tmp_path: Path) -> None:
    lake, checks = Lake(tmp_path / "lake"), tmp_path / "checks.toml"
    checks.write_text(CHECKS)
    lake.ensure(ALERTS)
    broken = {**row_of(alert(-9)), "alert_id": "x", "alert_json": "{}"}
    lake.open(ALERTS).append(pa.Table.from_pylist([row_of(alert(-30)), row_of(alert(-20)), broken], arrow_schema(ALERTS)), {"made": 1})
    past = LakePast(lake, checks).read(T0)
    assert [one.alert_id for one in past.alerts[MACHINE]] and len(past.alerts[MACHINE]) == 2
    first = past.alerts[MACHINE][0].alert_id
    known = Past(past.alerts, {first: Verdict(False, "belt worn", "new belt", 40.0)}, past.rules, {"belt worn": (40.0,)})
    dressed = known.dressed(alert(0))
    assert {event.event_id for event in dressed.similar} == {one.alert_id for one in past.alerts[MACHINE]}
    assert dressed.check is not None and dressed.check.text == "tension of the belt" and dressed.stake is not None
    assert dressed.alert_id == alert(0).alert_id


def test_a_lake_without_alerts_knows_nothing(tmp_path: Path) -> None:
    assert LakePast(Lake(tmp_path / "lake"), None).read(T0) == Past()


def test_minutes_of_past_stops_are_by_cause_and_false_alarms_have_none() -> None:
    said = {"a": Verdict(False, "belt", None, 10.0), "b": Verdict(None, "belt", None, 20.0), "c": Verdict(True, "belt", None, 5.0), "d": Verdict()}
    assert stops_of(said) == {"belt": (10.0, 20.0)}


@pytest.mark.parametrize("text", ['[[check]]\ncheck = "x"', '[[check]]\ncheck = "x"\ncause = "y"\nsignal = "z"', '[[chek]]\ncheck = "x"'])
def test_a_table_of_checks_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "checks.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"checks\.toml"):
        check_rules(tmp_path / "checks.toml")


def test_only_records_that_are_wholly_before_are_passed_over() -> None:
    old = minute(1, T0, 0.0, Random(1))
    mixed = record(
        [
            message(2, T0, "L1-M1.Vibration", value_kind="f64", value_f64=1.0),
            message(2, T0 + timedelta(hours=1), "L1-M1.Vibration", 1, value_kind="null"),
        ]
    )
    unstamped = record([{**message(3, T0, "L1-M1.Vibration", value_kind="null"), "source_ts": None, "server_ts": None}])
    strange = Record("records", "x", b"no arrow", {"schema": "readings/1"})
    event = Record("records", "x", b"", {"schema": "events/1"})
    stored = [StoredRecord(place, one) for place, one in enumerate((old, mixed, unstamped, strange, event), start=1)]
    assert [one.offset for one in after(stored, us(600))] == [2, 3, 4, 5]
    assert [one.offset for one in after(stored, us(0))] == [1, 2, 3, 4, 5]


def test_a_message_of_several_minutes_brings_its_signals_one_after_the_other_and_none_is_late() -> None:
    signals = tuple(Signal("s", name, MACHINE, name, SignalKind.PROCESS, "C16") for name in ("load", "vibration"))
    seconds = np.tile(np.arange(0, 180, 10), 2)
    places = np.repeat(np.array([0, 1]), 18)
    ts_us, zeros = us(0) + seconds * 1_000_000, np.zeros(36, dtype=np.int64)
    values, texts = np.where(places == 0, 5.0, seconds / 10.0), np.full(36, None, dtype=object)
    minutes = Minutes(("load", "vibration"), {})
    told = minutes.take(Mapped(places, ts_us, ts_us, zeros, zeros, np.arange(36), values, zeros, texts), signals)
    assert minutes.late == 0
    assert [one.means.tolist() for one in told] == [[5.0, 2.5], [5.0, 8.5]]


def test_minutes_are_kept_for_the_day_before_and_read_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "a/b", ("x", "y"))
    day = DAY_US * 20_000
    told = [Minute(day + step * DAY_US // 2, 60.0, "P", np.array([step + 0.1, np.nan])) for step in range(6)]
    for one in told:
        journal.add([one])
    assert [one.window_us for one in journal.minutes] == [one.window_us for one in told[2:]]
    again = Journal(tmp_path, "a/b", ("x", "y"))
    with next(tmp_path.iterdir()).open("a") as file:
        file.write('{"at": 5, "ran')
    again.read(told[4].window_us)
    assert [(one.window_us, one.means[0], one.product) for one in again.minutes] == [(one.window_us, one.means[0], "P") for one in told[2:5]]
    assert np.isnan(again.minutes[0].means[1])


def test_what_is_kept_is_read_as_it_was_however_often_it_is_written(tmp_path: Path) -> None:
    judged = Judged("signals.l1-m1", 2, "ab", AlertingState(1.5, above_parts=(0.1, 0.25), episode=Episode(alert(0), 2.0)))
    told = Told(7, 1, MACHINE, '{"what": "raised"}', T0)
    readings = tuple(Reading(SignalKind.PROCESS, "vibration", us(step), 1, step, 0, "good", step / 3) for step in range(8))
    state = Reading(SignalKind.STATE, "state", us(-1), 1, 0, 0, "good", None, "läuft")
    file, writer = tmp_path / "memory.json", MemoryFile(tmp_path / "memory.json")
    for waiting in ((), readings[:3], readings[:3], readings[:6], readings[4:], readings[4:5], readings, readings[1:]):
        machines = {'a"b': MachineState(StreamState(us(0), 1, waiting, state), Pace(5, 6), 7, judged), "b": MachineState()}
        memory = Memory(Place("log", 9), T0, 7, machines, (told,), 4)
        for is_hurried in (True, False):
            writer.write(memory, is_hurried=is_hurried)
            assert read_memory(file) == memory
    writer.write(Memory(Place("log", 10), T0, 8, {}), is_hurried=True)
    (hurried,) = set(tmp_path.iterdir()) - {file}
    hurried.write_bytes(hurried.read_bytes()[:40])
    assert read_memory(file) == memory, "what the power cut off is not what was kept"


def test_a_tail_tells_what_was_gone_also_after_the_last_record(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path, has_model=False)
    line.send(story((8, 0.0)))
    spool, tail = line.spool(), Tail(line.settings.spool_file, 1 << 30, line.clock)
    spool.release(3)
    page = tail.after(Place(spool.log_id, 1))
    assert ([(hole.first, hole.last) for hole in page.holes], page.records[0].offset, page.place.offset) == ([(2, 3)], 4, 9)
    spool.release(9)
    page = tail.after(Place(spool.log_id, 5))
    assert ([(hole.first, hole.last, hole.records) for hole in page.holes], page.records, page.place.offset) == ([(6, 9, 4)], [], 9)
    assert tail.after(page.place).holes == () and tail.after(Place("another", 5)).is_new_log
