"""The demo's own installation: a settings file and a plant file written into its data folder, so that every other command finds them.

The plant's clock is set by a whole-minute offset from UTC such that an eight-hour early shift has just ended.
"""

import datetime as dt
import json
import secrets
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import factolake
from factolake.config import Settings, load_plant, load_settings
from factolake.config.parse import read_toml
from factolake.domain.plant import PlantModel
from factolake.errors import ConfigError
from factolake.files import make_once
from factolake.plant.scenario import Scenario, load_scenario
from pipelines.toml_text import to_toml

CONF = Path(factolake.__file__).parent.parent / "conf"
DEFAULT_SCENARIO = CONF / "scenarios" / "default.toml"
MARKER = "demo.json"
PLANT_STATE = "plant.json"
"""What the plant part says of itself in `run/`: `{"reached": ISO time, "values": n, "done": bool, "office_behind": bool}`.

done: the recording is played; office_behind: the people have not done yet what the line asked of them.
"""

ERP_TOKEN = "erp.token"
SHIFT_END = dt.time(14)
SHIFT_HOURS = 8
KEPT = ("run",)
"""Survives a fresh start: the lock of the very process that clears the rest is in there."""

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A demo's installation. `shift_start` is where the simulated history begins (UTC); `recording` is played instead if given."""

    settings: Settings
    settings_file: Path
    plant: PlantModel
    shift_start: dt.datetime
    recording: Path | None = None
    machine: str | None = None


def check_home(home: Path) -> None:
    """Raises ConfigError when `home` holds an installation that is not a demo's: the demo would wipe it."""
    strangers = sorted(entry.name for entry in home.iterdir() if entry.name not in KEPT) if home.exists() else []
    if strangers and not (home / "conf" / MARKER).exists():
        raise ConfigError(
            "data folder", str(home), f"holds {', '.join(strangers[:3])}", "an empty folder or a demo's; name another with FACTOLAKE_HOME"
        )


def prepare(home: Path, now: dt.datetime, *, recording: Path | None = None, keep: bool = False) -> Workspace:
    """Write the installation; everything a demo left in `home` goes first, unless `keep`. Raises ConfigError."""
    check_home(home)
    if keep and (home / "conf" / MARKER).exists():
        return reopen(home)
    machine = recorded_machine(recording) if recording else None
    for entry in home.iterdir() if home.exists() else ():
        if entry.name not in KEPT:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    clear_run(home / "run")
    conf = home.resolve() / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    shift_end = now.replace(second=0, microsecond=0)
    plant = recorded_plant(machine) if machine else simulated_plant(shift_end)
    _with_port(plant, free_port())
    (conf / "plant.toml").write_text(to_toml(plant, "Written by `factolake demo`; the next demo writes it anew."), encoding="utf-8")
    settings = demo_settings(home.resolve(), has_mes=machine is None)
    (conf / "factolake.toml").write_text(to_toml(settings, "Written by `factolake demo`."), encoding="utf-8")
    make_once(conf / ERP_TOKEN, secrets.token_urlsafe(24).encode())
    marker = {
        "shift_start": (shift_end - dt.timedelta(hours=SHIFT_HOURS)).isoformat(),
        "recording": str(recording.resolve()) if recording else None,
        "machine": machine,
    }
    (conf / MARKER).write_text(json.dumps(marker), encoding="utf-8")
    return reopen(home)


def reopen(home: Path) -> Workspace:
    """The installation a demo wrote. Raises ConfigError."""
    conf = home.resolve() / "conf"
    marker = json.loads((conf / MARKER).read_text(encoding="utf-8"))
    settings = load_settings(conf / "factolake.toml", {})
    recording = Path(marker["recording"]) if marker["recording"] else None
    start = dt.datetime.fromisoformat(marker["shift_start"])
    return Workspace(settings, conf / "factolake.toml", load_plant(settings.plant_file), start, recording, marker["machine"])


def demo_settings(home: Path, *, has_mes: bool) -> Document:
    """Settings of a demo: everything inside `home`, free ports, the books reconciled often enough to watch; with `has_mes` FactoMES and its ERP."""
    settings: Document = {
        "home": str(home),
        "plant_file": str(home / "conf" / "plant.toml"),
        "parts": ["plant", "edge", "land", "refine", "sync"] + (["mes", "planner", "watch"] if has_mes else []),
        "landing": {"ledger_every_s": 30},
        "ports": {"dagster": free_port(), "mes": free_port(), "gate": free_port(), "spark_connect": free_port(), "thrift": free_port()},
    }
    if has_mes:
        settings["erp"] = {"system": "erp", "url": f"http://127.0.0.1:{free_port()}/confirmations", "token_file": str(home / "conf" / ERP_TOKEN)}
    return settings


def simulated_plant(shift_end: dt.datetime) -> Document:
    """The shipped plant with its clock set so that `shift_end` (UTC, a whole minute) is 14:00 there, and the scenario's planned stops announced."""
    plant = read_toml(CONF / "plant.toml")
    site = plant["site"]
    assert isinstance(site, dict)
    site["time_zone"] = offset_zone(shift_end)
    start = shift_end - dt.timedelta(hours=SHIFT_HOURS)
    return {**plant, "planned_stop": announced_stops(load_scenario(DEFAULT_SCENARIO), start, str(site["id"]))}


def announced_stops(scenario: Scenario, shift_start: dt.datetime, site: str) -> list[Document]:
    """The scenario's planned stops as rows of a plant file, declared the day before."""
    rows: list[Document] = []
    for stop in scenario.planned_stop:
        from_ts = shift_start + dt.timedelta(microseconds=stop.at)
        to_ts = shift_start + dt.timedelta(microseconds=stop.until_us)
        declared = {"declared_ts": shift_start - dt.timedelta(days=1), "reason": "shift meeting", "author": "planner"}
        rows.append({"scope": stop.machine or site, "from_ts": from_ts, "to_ts": to_ts, **declared})
    return rows


def offset_zone(moment: dt.datetime) -> str:
    """The `UTC+hh:mm` in which `moment` is 14:00.

    >>> offset_zone(dt.datetime(2026, 3, 2, 21, 7, tzinfo=dt.UTC))
    'UTC-07:07'
    """
    utc = moment.astimezone(dt.UTC)
    minutes = SHIFT_END.hour * 60 + SHIFT_END.minute - (utc.hour * 60 + utc.minute)
    sign, size = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"UTC{sign}{size // 60:02d}:{size % 60:02d}"


def recorded_machine(recording: Path) -> str:
    """The machine a recording is of, by its file name. Raises ConfigError when it is missing or of no machine of the example plant."""
    machines = [str(machine["id"]) for machine in _rows(read_toml(CONF / "examples" / "nist.toml"), "machine")]
    if not recording.is_file():
        raise ConfigError("command line", "--recording", str(recording), "a file that exists")
    found = next((machine for machine in machines if recording.name.startswith(machine)), None)
    if found is None:
        raise ConfigError("command line", "--recording", recording.name, f"a file name beginning with one of {', '.join(machines)}")
    return found


def recorded_plant(machine: str) -> Document:
    """The example plant reduced to `machine`: its source, its line, its nameplates, so that nobody waits for machines that do not play."""
    plant: Document = dict(read_toml(CONF / "examples" / "nist.toml"))
    (kept,) = (row for row in _rows(plant, "machine") if row["id"] == machine)
    plant["machine"] = [kept]
    plant["source"] = [row for row in _rows(plant, "source") if row["id"] == kept["source"]]
    lines = [{**row, "machines": [machine], "bottleneck": machine} for row in _rows(plant, "line") if machine in _texts(row["machines"])]
    plant["line"] = lines
    plant["nameplate"] = [row for row in _rows(plant, "nameplate") if row["machine"] == machine]
    site = plant["site"]
    assert isinstance(site, dict)
    scopes = {machine, site["id"], *(row["id"] for row in lines), *(row["area"] for row in lines)}
    for key in ("calendar", "planned_stop"):
        plant[key] = [row for row in _rows(plant, key) if row["scope"] in scopes]
    types = plant["machine_type"]
    assert isinstance(types, dict)
    plant["machine_type"] = {kept["type"]: types[kept["type"]]}
    return {key: value for key, value in plant.items() if value != []}


def clear_run(run_dir: Path) -> None:
    """Forget what an earlier run left in `run/`, but not the locks that living processes hold."""
    for entry in run_dir.iterdir() if run_dir.exists() else ():
        if entry.name != "parts":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def free_port() -> int:
    """A loopback port nobody listens on right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _with_port(plant: Document, port: int) -> None:
    for source in _rows(plant, "source"):
        parts = urlsplit(str(source["url"]))
        source["url"] = urlunsplit(parts._replace(netloc=f"{parts.hostname}:{port}"))


def _rows(plant: Mapping[str, object], key: str) -> list[Document]:
    rows = plant.get(key, [])
    assert isinstance(rows, list)
    return rows


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
