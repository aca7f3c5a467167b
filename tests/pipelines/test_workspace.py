"""The demo's own installation: its plant's clock, what it refuses to wipe, and that other commands find it."""

import datetime as dt
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factolake.config import load_settings
from factolake.domain.calendar import plant_zone
from factolake.errors import ConfigError
from pipelines.toml_text import to_toml
from pipelines.workspace import check_home, offset_zone, prepare, recorded_machine

NOW = dt.datetime(2026, 3, 2, 21, 7, 33, tzinfo=dt.UTC)
values = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.dates() | st.times(),
    lambda inner: st.lists(st.text() | st.integers(), max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1), values, max_size=5))
def test_what_is_written_as_toml_reads_back_the_same(document):
    assert tomllib.loads(to_toml(document)) == document


def test_tables_in_lists_keep_their_order():
    document = {"a": 1, "row": [{"x": 1, "deep": {"y": [1, 2]}}, {"x": 2}]}
    assert tomllib.loads(to_toml(document)) == document


@given(st.integers(0, 24 * 60 - 1))
def test_every_minute_of_the_day_is_two_in_the_afternoon_somewhere(minute):
    moment = dt.datetime(2026, 3, 2, minute // 60, minute % 60, tzinfo=dt.UTC)
    local = moment.astimezone(plant_zone(offset_zone(moment)))
    assert (local.hour, local.minute) == (14, 0)


def test_the_shift_has_just_ended_in_the_plant(tmp_path):
    workspace = prepare(tmp_path / "home", NOW)
    plant = workspace.plant
    line = next(iter(plant.lines))
    (shift,) = plant.calendar.shifts(plant.line_scopes(line), workspace.shift_start, workspace.shift_start + dt.timedelta(minutes=1))
    assert (shift.shift, shift.from_ts, shift.to_ts) == ("early", workspace.shift_start, NOW.replace(second=0))


def test_other_commands_find_the_demos_settings_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace = prepare(tmp_path / ".factolake", NOW)
    assert load_settings(None, {}) == workspace.settings
    assert load_settings(None, {"FACTOLAKE_HOME": str(tmp_path / "other")}).plant_file.name == "plant.toml"


def test_a_second_demo_starts_fresh(tmp_path):
    prepare(tmp_path, NOW)
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "old").touch()
    prepare(tmp_path, NOW)
    assert not (tmp_path / "lake").exists()


def test_keeping_goes_on_with_the_last_demo(tmp_path):
    first = prepare(tmp_path, NOW)
    (tmp_path / "lake").mkdir()
    assert prepare(tmp_path, NOW + dt.timedelta(hours=1), keep=True) == first
    assert (tmp_path / "lake").exists()


def test_a_data_folder_that_is_no_demos_is_left_alone(tmp_path):
    (tmp_path / "lake").mkdir()
    with pytest.raises(ConfigError, match=r"holds lake"):
        check_home(tmp_path)


def test_a_recording_of_an_unknown_machine_names_the_known_ones(tmp_path):
    file = tmp_path / "Lathe99-20170517.txt"
    file.touch()
    with pytest.raises(ConfigError, match="Mazak01"):
        recorded_machine(file)


def test_a_recordings_plant_holds_only_its_machine(tmp_path):
    file = tmp_path / "Mazak01-20161123.txt"
    file.touch()
    workspace = prepare(tmp_path / "home", NOW, recording=file)
    assert list(workspace.plant.machines) == ["Mazak01"]
    assert len(workspace.plant.sources) == 1
    assert json.loads((tmp_path / "home" / "conf" / "demo.json").read_text())["machine"] == "Mazak01"


def test_the_scenarios_planned_stops_are_announced_in_the_plant_file(tmp_path: Path) -> None:
    now = dt.datetime(2026, 3, 2, 21, 7, 30, tzinfo=dt.UTC)
    (stop,) = prepare(tmp_path / "home", now).plant.calendar.planned_stops
    start = dt.datetime(2026, 3, 2, 13, 7, tzinfo=dt.UTC)
    assert (stop.scope, stop.from_ts, stop.to_ts) == ("bremen", start, start + dt.timedelta(minutes=4))
    assert stop.declared_ts < stop.from_ts
