"""What a handle remembers of versions without changes never hides one."""

import datetime as dt
import random
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.ops import CLOCK
from factolake.lake import tables
from factolake.lake.quiet import Quiet
from factolake.lake.tables import Lake

T0 = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


def ticks(*minutes: int) -> pa.Table:
    stamps = [T0 + dt.timedelta(minutes=m) for m in minutes]
    return pa.table({"tick_ts": stamps, "tick_date": [s.date() for s in stamps]}, schema=arrow_schema(CLOCK))


def test_a_stretch_grows_while_it_adjoins_and_begins_anew_after_a_change() -> None:
    quiet, none = Quiet(), pa.array([], pa.int64())
    assert quiet.after(0) == 0
    quiet.learn(4, 9, pa.array([5, 4]))
    quiet.learn(10, 12, none)
    assert [quiet.after(version) for version in (5, 6, 11, 13)] == [5, 13, 13, 13]
    quiet.learn(13, 13, pa.array([13]))
    assert quiet.after(6) == 13
    quiet.learn(20, 21, none)
    assert [quiet.after(version) for version in (6, 19, 20)] == [6, 19, 22]


@pytest.mark.parametrize("seed", range(3))
def test_a_handle_that_remembers_reads_what_one_that_does_not_reads(tmp_path: Path, seed: int) -> None:
    chance, lake = random.Random(seed), Lake(tmp_path)
    lake.ensure(CLOCK)
    writer, reader = lake.open(CLOCK), lake.open(CLOCK)
    for minute in range(25):
        writer.append(ticks(*([minute] if chance.random() < 0.3 else [])), {})
        if chance.random() < 0.6:
            reader.refresh()
            last = chance.randint(0, reader.version)
            span = (chance.randint(0, last), last)
            found, expected = (one.changes(*span, ["tick_ts"]).sort_by("tick_ts").to_pylist() for one in (reader, lake.open(CLOCK)))
            assert found == expected, span


def test_versions_read_once_without_a_change_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)
    lake.ensure(CLOCK)
    handle = lake.open(CLOCK)
    handle.append(ticks(1), {})
    for _ in range(3):
        handle.append(ticks(), {})
    assert handle.changes(1, 4, ["tick_ts"]).num_rows == 1
    asked, filled = list[object](), tables.filled
    monkeypatch.setattr(tables, "filled", lambda feed, schema: asked.append(feed) or filled(feed, schema))
    assert handle.changes(2, 4, ["tick_ts"]).num_rows == 0 and asked == []
    handle.begin_history()
    assert handle.changes(2, 4, ["tick_ts"]).num_rows == 0 and len(asked) == 1
