import json
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from factolake.bus.port import Record
from factolake.bus.spool_bus import Spool
from factolake.domain.clock import ManualClock
from factolake.errors import LogReplaced, SourceUnavailable, SpoolFull, TableDamaged

CLOCK = ManualClock(datetime(2026, 11, 22, 8, tzinfo=UTC))
MANY = 1 << 30
APPENDER = """
import sys
from factolake.bus.port import Record
from factolake.bus.spool_bus import Spool
from factolake.domain.clock import SystemClock
from pathlib import Path
spool = Spool(Path(sys.argv[1]), 1 << 30, SystemClock())
for i in range(int(sys.argv[3])):
    offset = spool.append([Record("records", sys.argv[2], b"x" * 3000, {"n": str(i)})])
    print(i, offset, flush=True)
"""


def record(value: bytes = b"value", **headers: str) -> Record:
    return Record("records", "source", value, headers)


def start_appender(path: Path, key: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", APPENDER, str(path), key, str(count)], stdout=subprocess.PIPE, text=True)


def test_records_come_back_as_they_went_in_and_in_order(tmp_path):
    spool = Spool(tmp_path / "deep" / "spool.sqlite", MANY, CLOCK)
    first = spool.append([record(b"\x00\xff", schema="readings/1", umlaut="ä"), record(b"")])
    last = spool.append([record(b"3")])
    stored = spool.read(0, 10)
    assert (first, last) == (2, 3)
    assert [s.offset for s in stored] == [1, 2, 3]
    assert stored[0].record == record(b"\x00\xff", schema="readings/1", umlaut="ä")
    assert [s.offset for s in spool.read(1, 1)] == [2]
    assert (spool.depth().records, spool.depth().bytes) == (3, 3)


def test_releasing_everything_keeps_the_last_offset_over_a_restart(tmp_path):
    path = tmp_path / "spool.sqlite"
    spool = Spool(path, MANY, CLOCK)
    spool.append([record() for _ in range(5)])
    spool.release(5)
    log_id = spool.log_id
    spool.close()
    again = Spool(path, MANY, CLOCK)
    assert (again.log_id, again.last_offset(), again.first_offset()) == (log_id, 5, 6)
    assert again.append([record()]) == 6
    assert again.depth().records == 1


def test_a_full_spool_refuses_the_whole_append_and_takes_more_after_release(tmp_path):
    spool = Spool(tmp_path / "spool.sqlite", 10, CLOCK)
    spool.append([record(b"12345678")])
    with pytest.raises(SpoolFull, match="8 bytes and 4 more pass its limit of 10"):
        spool.append([record(b"12"), record(b"34")])
    assert spool.last_offset() == 1
    spool.release(1)
    assert spool.append([record(b"12"), record(b"34")]) == 3


def test_the_age_of_the_oldest_record_follows_the_clock(tmp_path):
    clock = ManualClock(datetime(2026, 11, 22, 8, tzinfo=UTC))
    spool = Spool(tmp_path / "spool.sqlite", MANY, clock)
    assert spool.depth().oldest_age_s == 0
    spool.append([record()])
    clock.advance(90)
    assert spool.depth().oldest_age_s == pytest.approx(90)


def test_a_writer_killed_in_the_middle_loses_nothing_it_was_promised(tmp_path):
    path = tmp_path / "spool.sqlite"
    process = start_appender(path, "a", 100_000)
    assert process.stdout is not None
    promised = [process.stdout.readline() for _ in range(40)][-1].split()
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().splitlines()
    process.wait()
    last = next((line.split() for line in reversed(rest) if len(line.split()) == 2), promised)
    spool = Spool(path, MANY, CLOCK)
    stored = spool.read(0, 1_000_000)
    assert [s.offset for s in stored] == list(range(1, len(stored) + 1))
    assert len(stored) >= int(last[1]) >= 40
    assert [s.record.headers["n"] for s in stored] == [str(i) for i in range(len(stored))]
    assert spool.depth().bytes == 3000 * len(stored)


def test_two_processes_append_while_a_third_reads_and_releases(tmp_path):
    path = tmp_path / "spool.sqlite"
    processes = [start_appender(path, key, 60) for key in "ab"]
    spool = Spool(path, MANY, CLOCK)
    seen: list[tuple[str, str]] = []
    while any(p.poll() is None for p in processes) or spool.depth().records:
        stored = spool.read(0, 25)
        seen += [(s.record.key, s.record.headers["n"]) for s in stored]
        if stored:
            spool.release(stored[-1].offset)
    assert [p.wait() for p in processes] == [0, 0]
    assert sorted(seen) == sorted((key, str(i)) for key in "ab" for i in range(60))
    assert [n for key, n in seen if key == "a"] == [str(i) for i in range(60)]


def test_threads_share_one_spool(tmp_path):
    spool = Spool(tmp_path / "spool.sqlite", MANY, CLOCK)
    threads = [threading.Thread(target=lambda: [spool.append([record()]) for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [s.offset for s in spool.read(0, 1000)] == list(range(1, 101))


def test_a_new_file_is_another_log(tmp_path):
    path = tmp_path / "spool.sqlite"
    old = Spool(path, MANY, CLOCK)
    old.append([record()])
    for file in tmp_path.iterdir():
        file.unlink()
    new = Spool(path, MANY, CLOCK)
    assert new.log_id != old.log_id and new.last_offset() == 0
    with pytest.raises(LogReplaced, match=old.log_id):
        old.read(0, 10)


def test_an_append_after_the_file_was_replaced_goes_to_the_new_file(tmp_path):
    path = tmp_path / "spool.sqlite"
    spool = Spool(path, MANY, CLOCK)
    before = spool.log_id
    for file in tmp_path.iterdir():
        file.unlink()
    assert spool.append([record(b"kept")]) == 1
    assert spool.log_id != before
    assert Spool(path, MANY, CLOCK).read(0, 10)[0].record.value == b"kept"


@pytest.mark.parametrize("headers", ["no json", "[1, 2]", "", '{"schema": "readings/1", "count": 3}'])
def test_a_row_with_unreadable_headers_is_still_handed_out(tmp_path, headers):
    path = tmp_path / "spool.sqlite"
    spool = Spool(path, MANY, CLOCK)
    spool.append([record(b"good", schema="readings/1"), record(b"bad")])
    spool.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE records SET headers = ?, topic = CAST(x'ff' AS TEXT) WHERE offset = 2", (headers,))
    db.close()
    stored = Spool(path, MANY, CLOCK).read(0, 10)
    assert [s.record.value for s in stored] == [b"good", b"bad"]
    partial = json.loads(headers) if headers.startswith("{") else {}
    assert stored[1].record.headers == {k: v for k, v in partial.items() if isinstance(v, str)}


def test_a_broken_page_costs_only_the_row_on_it(tmp_path):
    path = tmp_path / "spool.sqlite"
    spool = Spool(path, MANY, CLOCK)
    marker = b"MARKER--" * 4000
    spool.append([record(b"first"), record(marker), record(b"third")])
    spool.close()
    raw = bytearray(path.read_bytes())
    page = raw.index(b"MARKER--" * 100, raw.index(b"MARKER--" * 100) + 4096) // 4096 * 4096
    raw[page : page + 4] = b"\x7f\xff\xff\xff"
    path.write_bytes(bytes(raw))
    stored = Spool(path, MANY, CLOCK).read(0, 10)
    assert [s.offset for s in stored] == [1, 2, 3]
    assert stored[0].record.value == b"first" and stored[2].record.value == b"third"
    assert stored[1].record.value != marker


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "spool.sqlite"
    path.write_bytes(b"this is no database at all, but long enough to have a header" * 50)
    with pytest.raises(TableDamaged, match=r"spool\.sqlite cannot be read"):
        Spool(path, MANY, CLOCK)


def test_somebody_elses_database_is_not_taken_over(tmp_path):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE orders (id INTEGER)")
    db.close()
    with pytest.raises(TableDamaged, match="no spool"):
        Spool(path, MANY, CLOCK)


def test_a_reader_does_not_make_the_file(tmp_path):
    with pytest.raises(SourceUnavailable, match="no spool"):
        Spool(tmp_path / "spool.sqlite", MANY, CLOCK, writer=False)
    assert not list(tmp_path.iterdir())
    Spool(tmp_path / "spool.sqlite", MANY, CLOCK).append([record()])
    reader = Spool(tmp_path / "spool.sqlite", MANY, CLOCK, writer=False)
    assert reader.last_offset() == 1
    with pytest.raises(PermissionError):
        reader.append([record()])


def test_the_file_shrinks_after_a_long_queue_was_drained(tmp_path):
    path = tmp_path / "spool.sqlite"
    spool = Spool(path, MANY, CLOCK)
    spool.append([record(bytes(100_000)) for _ in range(300)])
    for through in range(10, 301, 10):
        spool.release(through)
    spool.close()
    assert path.stat().st_size < 15_000_000


def test_appends_are_fsynced(tmp_path):
    spool = Spool(tmp_path / "spool.sqlite", MANY, CLOCK)
    modes = [spool._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "auto_vacuum")]
    assert modes == ["wal", 2, 2]
