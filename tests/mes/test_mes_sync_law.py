"""A law of the sync: whatever happened to the lake and however often the sync ran in between, the MES ends up as the lake is."""

import tempfile
from pathlib import Path

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from mes_rows import T0, put, shift_row

from factolake.contracts.gold import OEE_SHIFT
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.mes.sync.run import Sync
from factolake.mes.sync.schema import TABLES, connect

MACHINES = ("M1", "M2", "M3")
LINES = {"M1": "L1", "M2": "L1", "M3": "L2"}

# One step: replace a line's rows by some of its machines with these counts, or let the sync run.
replace = st.tuples(st.sampled_from(["L1", "L2"]), st.dictionaries(st.sampled_from(MACHINES), st.integers(0, 3)))
steps = st.lists(st.one_of(replace, st.just("sync"), st.just("forget")), min_size=1, max_size=8)


@settings(max_examples=15, deadline=None)
@given(steps)
def test_the_mes_ends_up_as_the_lake_is(story: list[object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake, url = Lake(Path(folder) / "lake"), f"sqlite:///{folder}/mes.sqlite"
        lake.ensure(OEE_SHIFT)
        sync = Sync(lake, url, ManualClock(T0))
        for step in story:
            if isinstance(step, tuple):
                line, given_counts = step
                rows = [shift_row(m, gq, line=line) for m, gq in given_counts.items() if LINES[m] == line]
                put(lake, OEE_SHIFT, rows, f"line = '{line}'")
            else:
                sync.step()
                if step == "forget":
                    forget(url)
        sync.step()
        assert sync.step().feeds == ()
        sync.close()
        assert held(url) == {row["equipment"]: row["gq"] for row in lake.open(OEE_SHIFT).read().to_pylist()}


def forget(url: str) -> None:
    """Lose the bookmarks, as a restore of an old backup would."""
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM lake_bookmark"))
    engine.dispose()


def held(url: str) -> dict[object, object]:
    engine = connect(url)
    with engine.begin() as connection:
        found = {row.equipment: row.gq for row in connection.execute(sa.select(TABLES["lake_oee"]))}
    engine.dispose()
    return found
