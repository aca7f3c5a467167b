"""The plant file and the settings: what is wrong is said with file, key, value and what is allowed."""

from datetime import timedelta
from pathlib import Path

import pytest

from factolake.config import load_plant, load_settings
from factolake.errors import ConfigError

PLANT = Path(__file__).parents[2] / "conf/plant.toml"


def broken(tmp_path: Path, old: str, new: str) -> ConfigError:
    text = PLANT.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "plant.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_plant(file)
    assert str(file) in str(caught.value)
    return caught.value


def test_the_shipped_plant_loads_with_six_stations_and_about_two_hundred_signals() -> None:
    plant = load_plant(PLANT)
    assert plant.lines["L1"].path == "acme/bremen/assembly/L1"
    assert len(plant.lines["L1"].machines) == 6
    assert len(plant.signals) == 210
    assert plant.scopes("L1-M3") == ("L1-M3", "L1", "assembly", "bremen")
    assert plant.machines["L1-M3"].has_heartbeat
    assert plant.machines["L1-M3"].max_silence_s == 30.0


def test_the_same_file_has_the_same_digest_and_a_changed_one_another(tmp_path: Path) -> None:
    changed = tmp_path / "plant.toml"
    changed.write_text(PLANT.read_text(encoding="utf-8").replace("planned_run_time_s = 30.0", "planned_run_time_s = 31.0", 1), encoding="utf-8")
    assert load_plant(PLANT).digest == load_plant(PLANT).digest != load_plant(changed).digest


@pytest.mark.parametrize(
    ("old", "new", "key", "allowed"),
    [
        ('bottleneck = "L1-M3"', 'bottlneck = "L1-M3"', "line.0", "bottleneck"),
        ('bottleneck = "L1-M3"', 'bottleneck = "L1-M9"', "line.0.bottleneck", "L1-M3"),
        ('kind = "state"', 'kind = "sate"', "machine_type.station.signals.state.kind", "'state'"),
        ('unit = "KWH"', 'unit = "KWX"', "machine_type.station.signals.energy.unit", "KWH"),
        ('source_unit = "FAH"', 'source_unit = "BAR"', "machine_type.station.signals.coolant_temp.source_unit", "same dimension as CEL"),
        ('kind = "counter", counts = "good"', 'kind = "counter"', "machine_type.station.signals.good_count.counts", "total, good"),
        ('counts = "good"', 'counts = "good", trust = 2', "machine_type.station.signals.good_count", "no second source"),
        ('counts = "good"', 'counts = "good", source = "sensor"', "machine_type.station.signals.good_count", "no second source"),
        ("station.signals]", 'station.signals]\ngood = [{ tag = "a" }, { tag = "b" }]', "machine_type.station.signals.good", "one tag"),
        ('kind = "state"', 'kind = "state", stuck_after_s = 60', "machine_type.station.signals.state.stuck_after_s", "counter, process, energy"),
        ('counts = "good"', 'counts = "good", stuck_after_s = 0', "machine_type.station.signals.good_count.stuck_after_s", "greater than 0"),
        ("width_bits = 16", "width_bits = 99", "machine_type.station.signals.total_count.width_bits", "63"),
        ('time_zone = "Europe/Berlin"', 'time_zone = "Europe/Bremen"', "site.time_zone", "UTC+hh:mm"),
        ("min_coverage = 0.8", "min_coverage = 80", "site.min_coverage", "1"),
        ("planned_run_time_s = 24.0", "planned_run_time_s = -1", "nameplate.0.planned_run_time_s", "greater than 0"),
        ('machine = "L1-M1"\nproduct', 'machine = "L1-M7"\nproduct', "nameplate.0.machine", "L1-M1"),
        ('scope = "bremen"', 'scope = "hamburg"', "calendar.0.scope", "bremen"),
        ('machine = "L1-M2"\nname = "drive_end"', 'machine = "L1-M7"\nname = "drive_end"', "vibration_point.0.machine", "L1-M1"),
        ('speed_signal = "motor_speed"', 'speed_signal = "motor_temp"', "vibration_point.0.speed_signal", "in RPM: motor_speed"),
        ('speed_signal = "motor_speed"', 'speed_signal = "motor_speed"\nrpm = 1450', "vibration_point.0", "give one of them"),
        ("balls = 9, ball_mm = 7.94", "balls = 9, ball_mm = 15.9", "vibration_point.0", "have no room"),
        ("c_mm_s = 7.1", "c_mm_s = 4.1", "vibration_point.0", "do not rise"),
        ("pitch_mm = 39.04", "pitch_mm = 39.04, weight = 1", "vibration_point.0.bearing.weight", "contact_deg"),
        ('id = "L1-M2"', 'id = "L1-M1"', "machine.id", "each id once"),
        ("[site]", "[site", "syntax", "TOML"),
    ],
)
def test_a_mistake_names_key_and_what_is_allowed(tmp_path: Path, old: str, new: str, key: str, allowed: str) -> None:
    error = broken(tmp_path, old, new)
    assert error.key.startswith(key)
    assert allowed in error.allowed


def test_a_missing_plant_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        load_plant(tmp_path / "none.toml")


def test_an_empty_plant_file_names_the_first_key_it_lacks(tmp_path: Path) -> None:
    empty = tmp_path / "plant.toml"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"plant\.toml: site is missing; allowed: a value; the key is required"):
        load_plant(empty)


def test_a_stop_without_an_offset_is_refused(tmp_path: Path) -> None:
    stop = '\n[[planned_stop]]\nscope = "L1"\nfrom_ts = 2026-11-22T08:00:00\nto_ts = 2026-11-22T09:00:00\n'
    stop += 'reason = "service"\ndeclared_ts = 2026-11-20T08:00:00\nauthor = "anna"\n'
    error = broken(tmp_path, "[[calendar]]", stop + "\n[[calendar]]")
    assert (error.key, "offset" in error.allowed) == ("planned_stop.0.from_ts", True)


def test_settings_come_from_file_then_environment(tmp_path: Path) -> None:
    file = tmp_path / "factolake.toml"
    file.write_text('home = "a"\n[landing]\ntrigger_ms = 250\n', encoding="utf-8")
    settings = load_settings(environ={"FACTOLAKE_CONF": str(file), "FACTOLAKE_HOME": str(tmp_path / "b")})
    assert (settings.home, settings.landing.trigger_ms) == (tmp_path / "b", 250)
    assert settings.mes_url == f"sqlite:///{tmp_path / 'b' / 'mes' / 'mes.sqlite'}"


def test_a_misspelled_setting_names_the_known_ones(tmp_path: Path) -> None:
    file = tmp_path / "factolake.toml"
    file.write_text("[landing]\ntriger_ms = 250\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"landing\.triger_ms.*trigger_ms"):
        load_settings(file)


@pytest.mark.parametrize("name", ["line[1]", "my%20lake"])
def test_a_data_folder_delta_readers_cannot_find_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="allowed: a folder whose path has none of"):
        load_settings(environ={"FACTOLAKE_HOME": str(tmp_path / name)})
    assert load_settings(environ={"FACTOLAKE_HOME": str(tmp_path / "my läke #1")}).home.name == "my läke #1"


def test_seconds_become_whole_microseconds() -> None:
    plate = next(n for n in load_plant(PLANT).nameplates if n.machine == "L1-M3" and n.product == "GBX-200")
    assert timedelta(microseconds=plate.planned_run_time_us) == timedelta(seconds=30)
