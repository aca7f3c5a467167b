"""Counts by machine, order and hour reach the MES as sums of the lake's steps: a slice that is made anew is summed anew, whenever the sync ran."""

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from mes_rows import T0, make_row, put

from factolake.contracts.silver import COUNTS
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.mes.sync import folded
from factolake.mes.sync.order_counts import order_counts
from factolake.mes.sync.run import Sync
from factolake.mes.sync.schema import TABLES, connect

HOURS = [T0, T0 + timedelta(hours=1), T0 + timedelta(hours=20)]  # the last one is another day


def step(machine: str, hour: int, order: str | None, kind: str, parts: int, minute: int = 1) -> dict[str, object]:
    start = HOURS[hour]
    at = start + timedelta(minutes=minute)
    times = {"hour_ts": start, "day": start.date(), "from_ts": start, "to_ts": at}
    return make_row(COUNTS, machine=machine, signal=kind, counts=kind, order_id=order, parts=parts, event="step", seq=minute, **times)


def replace(lake: Lake, machine: str, hour: int, *steps: dict[str, object]) -> None:
    quoted = machine.replace("'", "''")
    put(lake, COUNTS, list(steps), f"machine = '{quoted}' AND hour_ts = TIMESTAMP '{HOURS[hour]:%Y-%m-%d %H:%M:%S}+00:00'")


def held(url: str) -> dict[tuple[object, ...], tuple[object, ...]]:
    engine = connect(url)
    with engine.begin() as connection:
        rows = connection.execute(sa.select(TABLES["lake_order_count"])).mappings().all()
    engine.dispose()
    return {(r["machine"], r["order_id"], r["hour_ts"]): (r["total"], r["good"], r["scrap"], r["rework"], r["last_ts"]) for r in rows}


def test_steps_are_summed_by_order_and_a_restated_hour_leaves_nothing_behind(lake: Lake, clock: ManualClock, mes_url: str) -> None:
    sync = Sync(lake, mes_url, clock)
    lake.ensure(COUNTS)
    replace(lake, "M'1", 0, step("M'1", 0, "PO-1", "total", 3), step("M'1", 0, "PO-1", "total", 4, 5), step("M'1", 0, None, "good", 0))
    replace(lake, "M2", 0, step("M2", 0, "PO-1", "scrap", 1))
    assert sync.step().written == 3
    first = HOURS[0]
    assert held(mes_url) == {
        ("M'1", "PO-1", first): (7, None, None, None, first + timedelta(minutes=5)),
        ("M'1", "", first): (None, 0, None, None, first + timedelta(minutes=1)),
        ("M2", "PO-1", first): (None, None, 1, None, first + timedelta(minutes=1)),
    }
    replace(lake, "M'1", 0, step("M'1", 0, "PO-1", "total", 3), step("M'1", 0, "PO-2", "total", 4, 5))
    result = sync.step().feeds[0]
    assert (result.applied.written, result.applied.deleted, result.mismatched) == (2, 1, 0)
    assert {key: row[0] for key, row in held(mes_url).items() if key[0] == "M'1"} == {("M'1", "PO-1", first): 3, ("M'1", "PO-2", first): 4}
    replace(lake, "M'1", 0, step("M'1", 0, "PO-1", "total", 3), step("M'1", 0, "PO-2", "total", 4, 5))
    assert sync.step().written == 0  # written anew with the same content
    sync.close()


one_step = st.tuples(st.sampled_from(["A", "B", None]), st.sampled_from(["total", "good"]), st.integers(0, 3))
hour_made_anew = st.tuples(st.sampled_from(["M1", "M2"]), st.integers(0, 2), st.lists(one_step, max_size=3))
stories = st.lists(st.one_of(hour_made_anew, st.just("sync"), st.just("forget")), min_size=1, max_size=8)


@pytest.mark.parametrize("listed_max", [200, 0])
def test_the_mes_ends_up_with_the_sums_of_the_lake(listed_max: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folded, "_LISTED_MAX", listed_max)
    every_story_ends_alike()


@settings(max_examples=8, deadline=None)
@given(stories)
def every_story_ends_alike(story: list[object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake, url = Lake(Path(folder) / "lake"), f"sqlite:///{folder}/mes.sqlite"
        lake.ensure(COUNTS)
        sync = Sync(lake, url, ManualClock(T0))
        for happening in story:
            if isinstance(happening, tuple):
                machine, hour, steps = happening
                replace(lake, machine, hour, *(step(machine, hour, *one, minute=n + 1) for n, one in enumerate(steps)))
                continue
            sync.step()
            if happening == "forget":
                engine = connect(url)
                with engine.begin() as connection:
                    connection.execute(sa.text("DELETE FROM lake_bookmark"))
                engine.dispose()
        sync.step()
        assert sync.step().feeds == ()
        sync.close()
        there = lake.open(COUNTS).read()
        wanted = Counter[tuple[object, ...]]()
        for row in there.to_pylist():
            wanted[row["machine"], row["order_id"] or "", row["hour_ts"], row["counts"]] += row["parts"]
        got = {(*key, kind): row[at] for key, row in held(url).items() for at, kind in enumerate(("total", "good")) if row[at] is not None}
        assert got == dict(wanted)


def test_no_steps_are_no_rows() -> None:
    empty = pa.table({name: pa.array([], pa.string()) for name in ("machine", "hour_ts", "order_id", "counts", "parts", "to_ts", "as_of")})
    assert list(order_counts(empty.set_column(4, "parts", pa.array([], pa.int64())))) == []
