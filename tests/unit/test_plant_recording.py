"""The SHDR reader: everything readable comes out verbatim and in file order, everything else is counted."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factolake.config.plant import load_plant
from factolake.errors import ConfigError
from factolake.plant.recording import load_recording, read_shdr

CONF = Path(__file__).parents[2] / "conf"
AT = datetime(2016, 10, 6, 10, 21, 45, 527_000, tzinfo=UTC)


def read(*lines: str) -> tuple[list[tuple[str, str]], int]:
    junk = [0]
    found = [(o.item, o.value) for o in read_shdr(lines, junk)]
    return found, junk[0]


def test_a_line_may_carry_several_items() -> None:
    assert read("2016-10-06T10:21:45.527Z|line|0|mode|MANUAL|program|A B.H") == ([("line", "0"), ("mode", "MANUAL"), ("program", "A B.H")], 0)


@pytest.mark.parametrize("level", ["Normal", "WARNING", "fault", "Unavailable"])
def test_a_condition_keeps_all_its_fields(level: str) -> None:
    code = "" if level == "Unavailable" else "81"
    assert read(f"2016-10-06T10:21:45.527Z|logic|{level}|{code}|||FEED = 0 %") == ([("logic", f"{level}|{code}|||FEED = 0 %")], 0)


def test_a_bar_in_a_conditions_text_is_text() -> None:
    assert read("2016-10-06T10:21:45Z|logic|Fault|7|1|HIGH|a|b") == ([("logic", "Fault|7|1|HIGH|a|b")], 0)


def test_three_pairs_that_look_like_a_condition_are_pairs() -> None:
    assert read("2016-10-06T10:21:45Z|avail|UNAVAILABLE|mode|UNAVAILABLE|line|3")[0] == [
        ("avail", "UNAVAILABLE"),
        ("mode", "UNAVAILABLE"),
        ("line", "3"),
    ]
    assert read("2016-10-06T10:21:45Z|move|NORMAL|mode|AUTO|line|3")[0] == [("move", "NORMAL"), ("mode", "AUTO"), ("line", "3")]


def test_empty_values_spaces_and_numeric_items_stay() -> None:
    assert read("2016-10-06T10:21:45Z|program_cmt|", "2016-10-06T10:21:45Z|program| ", "2016-10-06T10:21:45Z|1234|x")[0] == [
        ("program_cmt", ""),
        ("program", " "),
        ("1234", "x"),
    ]


@pytest.mark.parametrize(
    "line", ["* hello", "2016-13-06T10:21:45Z|a|1", "2016-10-06T10:21:45Z", "2016-10-06T10:21:45Z|a", "|a|1", "2016-10-06T10:21:45Z||1"]
)
def test_junk_is_counted_and_not_fatal(line: str) -> None:
    assert read(line, "2016-10-06T10:21:45Z|a|1") == ([("a", "1")], 1)


def test_a_pair_without_value_counts_as_junk_but_the_rest_is_kept() -> None:
    assert read("2016-10-06T10:21:45Z|a|1|b") == ([("a", "1")], 1)


def test_carriage_returns_and_blank_lines_are_no_values() -> None:
    assert read("2016-10-06T10:21:45Z|a|1\r\n", "\r\n", "") == ([("a", "1")], 0)


def test_seven_digits_keep_their_hundred_nanoseconds() -> None:
    (observation,) = read_shdr(["2017-05-17T08:51:02.4218757Z|a|1"], [0])
    assert (observation.ts.microsecond, observation.ns_rest) == (421_875, 700)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.lists(st.text("abc123 -.", min_size=0, max_size=5), min_size=1, max_size=4))
def test_what_is_written_is_read(ts: datetime, values: list[str]) -> None:
    line = ts.isoformat(timespec="microseconds") + "Z" + "".join(f"|item{i}|{value}" for i, value in enumerate(values))
    observations = list(read_shdr([line], [0]))
    assert [(o.ts, o.item, o.value) for o in observations] == [(ts.replace(tzinfo=UTC), f"item{i}", value) for i, value in enumerate(values)]


def test_order_is_the_files_not_the_stamps(tmp_path: Path) -> None:
    file = tmp_path / "Mazak01-20161013.txt.gz"
    file.write_bytes(gzip.compress(b"2016-10-13T10:00:01Z|a|2\r\n2016-10-13T10:00:00Z|a|\xb5\r\n2016-10-13T10:00:00Z|a|\xb5\r\n"))
    recording = load_recording(file)
    assert (recording.machine, [o.value for o in recording.observations]) == ("Mazak01", ["2", "µ", "µ"])


def test_a_file_that_cannot_be_played_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("2016-10-13T10:00:01Z|a|2")
    with pytest.raises(ConfigError, match="--machine"):
        load_recording(tmp_path / "log.txt")
    assert load_recording(tmp_path / "log.txt", "Mazak01").machine == "Mazak01"
    (tmp_path / "Mazak01-20161013.txt").write_text("nothing")
    with pytest.raises(ConfigError, match="1 unreadable lines"):
        load_recording(tmp_path / "Mazak01-20161013.txt")
    (tmp_path / "Mazak01-20161014.txt.gz").write_bytes(gzip.compress(b"2016-10-13T10:00:01Z|a|2")[:-4])
    with pytest.raises(ConfigError, match="readable SHDR log"):
        load_recording(tmp_path / "Mazak01-20161014.txt.gz")
    with pytest.raises(ConfigError, match="readable SHDR log"):
        load_recording(tmp_path / "Mazak01-20161015.txt.gz")


def test_the_bundled_day_is_known_to_the_example_plant() -> None:
    model = load_plant(CONF / "examples" / "nist.toml")
    recording = load_recording(next((CONF / "examples" / "recordings").glob("*.gz")))
    declared = {s.tag.split(".", 1)[1] for s in model.signals if s.machine == recording.machine}
    assert recording.junk_lines == 0
    assert len(recording.observations) == 15_376
    assert declared <= set(recording.items)
    assert sum(o.item == "execution" and o.value == "ACTIVE" for o in recording.observations) == 30


def test_the_example_plant_maps_all_six_machines() -> None:
    model = load_plant(CONF / "examples" / "nist.toml")
    assert set(model.machines) == {"GFAgie01", "Hurco01", "Hurco02", "Hurco04", "Mazak01", "Mazak03"}
    assert all(m.has_state and m.max_silence_s is None for m in model.machines.values())
    states = {s.machine: s.tag for s in model.signals if s.kind.value == "state"}
    assert states["Hurco02"] == "Hurco02.Program_Status"
    assert states["GFAgie01"] == "GFAgie01.execution"
