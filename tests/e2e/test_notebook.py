"""The first notebook: two lines to a frame that is aligned, has units and marks its gaps; and the notebook itself, executed."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from factolake.config import Settings
from factolake.contracts import silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.table import Table
from factolake.errors import QueryError
from factolake.lake.tables import Lake
from factolake.notebook import Line, line
from factolake.notebook_plot import draw_shift

REPOSITORY = Path(__file__).parents[2]
START = datetime(2026, 3, 2, 5, tzinfo=UTC)
"""The early shift of that day, 06:00 to 14:00 in Bremen."""

# minutes after START: 0          120    180        240        480
#   L1-M1              producing  fault  producing  unknown    (nothing at all from 300)
#   L1-M2..M6          producing .................. starved .. (to the end)
STORY = {
    "L1-M1": (("producing", 0, 120), ("fault", 120, 180), ("producing", 180, 240.5), ("unknown", 240.5, 300)),
    **{f"L1-M{n}": (("producing", 0, 240), ("starved", 240, 480)) for n in range(2, 7)},
}


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def put(lake: Lake, table: Table, rows: list[dict[str, object]]) -> None:
    lake.ensure(table)
    lake.open(table).append(pa.Table.from_pylist(rows, arrow_schema(table)), {})


def states() -> list[dict[str, object]]:
    rows = []
    for machine, intervals in STORY.items():
        for state, start, end in intervals:
            us = round((end - start) * 60_000_000)
            row = {"machine": machine, "line": "L1", "from_ts": at(start), "to_ts": at(end), "state": state, "duration_us": us, "is_open": False}
            rows.append(row | {"unknown_reason": "no_evidence" if state == "unknown" else None, "from_day": START.date(), "as_of": START})
    return rows


def counts() -> list[dict[str, object]]:
    rows = []
    for place, machine in enumerate(STORY):
        producing = [m for m in range(480) if any(s == "producing" and a <= m < b for s, a, b in STORY[machine])]
        for seq, minute in enumerate(m for m in producing if m % (place + 2) == 0):
            ts = at(minute + 0.5)
            hour = ts.replace(minute=0, second=0)
            row = {"machine": machine, "hour_ts": hour, "day": ts.date(), "signal": "good_count", "counts": "good", "from_ts": ts, "to_ts": ts}
            row |= {"parts": 2, "event": "step", "in_effectiveness": True, "raw_to": seq, "source_id": "s", "epoch": 1, "seq": seq, "idx": 0}
            rows.append(row | {"as_of": START})
    return rows


def temperatures() -> list[dict[str, object]]:
    rows = []
    for seq in range(4):
        ts = at(seq / 2)
        row = {
            "source_id": "s",
            "epoch": 1,
            "seq": seq,
            "idx": 0,
            "machine": "L1-M1",
            "signal": "motor_temp",
            "kind": "process",
            "tag": "t",
            "ts": ts,
        }
        row |= {
            "value": 40.0 + seq,
            "unit": "CEL",
            "quality": "good",
            "gateway_ts": ts,
            "ingest_ts": ts,
            "flags": 0,
            "log_id": "l",
            "log_offset": seq,
        }
        rows.append(row | {"hour_ts": START, "day": ts.date(), "as_of": START})
    return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    lake = Lake(home / "lake")
    put(lake, silver.MACHINE_STATES, states())
    put(lake, silver.COUNTS, counts())
    put(lake, silver.READINGS, temperatures())
    return home


@pytest.fixture(scope="module")
def first(home: Path) -> Line:
    return line("L1", Settings(home=home, plant_file=REPOSITORY / "conf" / "plant.toml"))


def test_a45_two_lines_give_every_minute_of_the_shift_in_plant_time(first: Line) -> None:
    frame = first.shift("2026-03-02 early", signals=["motor_temp"])
    assert len(frame) == 480 and str(frame.index[0]) == "2026-03-02 06:00:00+01:00"
    assert list(dict.fromkeys(frame.columns.get_level_values("machine"))) == list(STORY)
    assert frame.attrs["units"] == {"state": "", "coverage": "1", "good": "parts", "scrap": "parts", "total": "parts", "motor_temp": "CEL"}
    assert frame["L1-M1", "motor_temp"].dropna().to_list() == [40.5, 42.5]
    assert frame["L1-M1", "good"].sum() == 2 * sum(1 for row in counts() if row["machine"] == "L1-M1")


def test_minutes_nobody_observed_are_unknown_and_never_zero(first: Line) -> None:
    machine = first.shift("2026-03-02 early")["L1-M1"]
    assert machine["state"].value_counts().to_dict() == {"producing": 181, "fault": 60, "unknown": 239}
    assert machine["coverage"].iloc[[239, 240, 241]].to_list() == [1.0, 0.5, 0.0]
    assert machine["good"].iloc[150] == 0, "a fault is observed: no parts"
    assert machine["good"].iloc[241:].isna().all()


def test_gaps_say_from_when_to_when_and_why(first: Line) -> None:
    gaps = first.shift("2026-03-02 early").attrs["gaps"]
    assert gaps == [("L1-M1", at(240.5), at(300), "no_evidence"), ("L1-M1", at(300), at(480), "no_data")]


def test_shifts_are_named_as_shift_takes_them_and_may_be_shortened(first: Line) -> None:
    assert first.shifts() == ["2026-03-02 early"]
    assert first.shift("2026-03-02 E").attrs["shift"] == "2026-03-02 early"


@pytest.mark.parametrize(
    ("shift", "says"),
    [("2026-03-02 noon", "early, late, night"), ("yesterday", "2026-03-02 early"), ("2026-13-02 early", "YYYY-MM-DD name")],
)
def test_a_shift_that_is_none_is_told_what_there_is(first: Line, shift: str, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        first.shift(shift)


def test_a_line_or_signal_that_is_none_is_told_what_there_is(first: Line, home: Path) -> None:
    with pytest.raises(QueryError, match="the plant file has L1"):
        line("L9", Settings(home=home, plant_file=REPOSITORY / "conf" / "plant.toml"))
    with pytest.raises(QueryError, match="motor_temp"):
        first.shift("2026-03-02 early", signals=["motor_tmp"])


def test_the_picture_has_a_bar_for_every_interval_and_a_step_for_every_machine(first: Line, tmp_path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    frame = first.shift("2026-03-02 early")
    figure = draw_shift(frame, first.states("2026-03-02 early"))
    upper, lower = figure.axes
    drawn = sum(len(bars.get_paths()) for bars in upper.collections)
    assert drawn == sum(map(len, STORY.values())) + 1, "the span without any data is a bar, too"
    assert [text.get_text() for text in upper.get_legend().get_texts()] == ["producing", "fault", "starved", "unknown"]
    assert len(lower.lines) == len(STORY)
    assert pd.isna(lower.lines[0].get_ydata()[-1]), "the step line ends where nobody knows"
    figure.savefig(tmp_path / "shift.png")
    assert (tmp_path / "shift.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(home: Path, tmp_path: Path) -> None:
    notebook = tmp_path / "first_line.ipynb"
    convert = [sys.executable, "-m", "jupytext", "--to", "ipynb", str(REPOSITORY / "notebooks" / "first_line.py"), "-o", str(notebook)]
    subprocess.run(convert, check=True, capture_output=True, timeout=60)
    (tmp_path / "conf").mkdir()
    shutil.copy(REPOSITORY / "conf" / "plant.toml", tmp_path / "conf")
    environment = {**os.environ, "FACTOLAKE_HOME": str(home), "PYTHONPATH": str(REPOSITORY), "MPLBACKEND": "Agg"}
    environment.pop("FACTOLAKE_CONF", None)
    execute = [sys.executable, "-m", "pytest", "--nbmake", "--rootdir", str(tmp_path), "-p", "no:cacheprovider", notebook.name]
    ran = subprocess.run(execute, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert "1 passed" in ran.stdout
