"""Seconds from the record that closes a minute to its alert in the spool, beside a bare reader of the same spool that only sees the record.

Goal: the watch adds at most 250 ms at the 99th percentile, and under a backfill its latency is at most twice that of the idle chain.
Run: python benchmarks/timeseries/alert_latency.py [--machines 100]. The watch, the bare reader (the same tail, the same pause) and, in the last
part, a process that appends old readings as fast as it can run beside the sender. Each machine's model raises one alert; the minutes of all machines
are over at once each time (`at once`), or one machine's after the other's, and then each alert is closed too.
"""

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from measuring import percentile, scratch, table

from factolake.bus.codec import MESSAGE_SCHEMAS, decode, encode
from factolake.bus.port import EVENTS_SCHEMA, READINGS_SCHEMA, Record
from factolake.bus.spool_bus import Spool
from factolake.config import Settings
from factolake.domain.clock import SystemClock
from models.registry.approval import Approval, payload_of
from models.registry.bundle import Bundle, Signal
from models.registry.catalogue import Models
from models.registry.shelf import Shelved
from models.timeseries.pca import PcaSettings
from models.timeseries.signals import Signals
from pipelines.watching.champions import model_name
from pipelines.watching.running import folder_of, watching
from pipelines.watching.state import Memory, read_memory
from pipelines.watching.tail import Place, Tail

T0 = dt.datetime(2026, 3, 10, 6, tzinfo=dt.UTC)
OLD = T0 - dt.timedelta(days=2)
RAISES_AFTER, CALM, OFF = 11, 60, 4.0
SIGNALS = (Signal("heat", "CEL"), Signal("shake", "C16"))
WORDS = ("State", "Product")
BACKFILLED, AT_ONCE, KEPT = 200, 64, 100_000
WITHIN_S = 60.0
NOTHING = Memory(Place("", 0), T0, 0, {})
PLANT = """
[site]
id = "s"
enterprise = "e"
time_zone = "UTC"
[[source]]
id = "plc"
kind = "opcua"
url = "opc.tcp://127.0.0.1:4840"
namespace = "urn:x"
[machine_type.station]
state_map = "factolake"
[machine_type.station.signals]
state = { tag = "{machine}.State", kind = "state" }
product = { tag = "{machine}.Product", kind = "product" }
heat = { tag = "{machine}.heat", kind = "process", unit = "CEL" }
shake = { tag = "{machine}.shake", kind = "process", unit = "C16" }
[[line]]
id = "L"
name = "L"
area = "a"
"""


class Shelf:
    """Versions in memory: MLflow is no part of what is measured."""

    def __init__(self, rows: dict[str, dict[str, str]]) -> None:
        self.rows = rows

    def names(self) -> list[str]:
        return list(self.rows)

    def versions(self, name: str) -> list[Shelved]:
        return [Shelved(1, self.rows[name], ("champion",))] if name in self.rows else []

    def add(self, name: str, place: Path, tags: Mapping[str, str]) -> int:
        self.rows[name] = dict(tags)
        return 1

    def tag(self, name: str, version: int, key: str, value: str) -> None:
        self.rows[name][key] = value

    def point(self, name: str, alias: str, version: int | None) -> None:
        return None


def names_of(machines: int) -> list[str]:
    return [f"M{number:03}" for number in range(machines)]


def installation(home: Path, machines: list[str]) -> Settings:
    """A plant of `machines`, each with a champion."""
    rows = [f'[[machine]]\nid = "{name}"\nname = "{name}"\ntype = "station"\nsource = "plc"\n' for name in machines]
    home.mkdir(parents=True)
    file = home / "plant.toml"
    file.write_text(PLANT + f'bottleneck = "{machines[0]}"\nmachines = {json.dumps(machines)}\n' + "".join(rows))
    settings = Settings(home=home, plant_file=file)
    shelf = Shelf({})
    models = Models(settings.registry_dir, settings.models_key_file, shelf)
    noise = np.random.default_rng(1).normal(size=(400, 2))
    values = np.column_stack([50 + noise[:, 0], 5 + 0.2 * noise[:, 0] + 0.1 * noise[:, 1]])
    model = PcaSettings(lags_rows=1, variance=0.9, false_share=0.01).fit(Signals.of(tuple(one.name for one in SIGNALS), values))
    for machine in machines:
        name = model_name(machine)
        models.log_model(Bundle(name, SIGNALS, model, 1.0, {}, "0", T0, "eva", {}))
        digest = models.version(name, 1).sha256
        models.promote(name, 1, Approval(f"a-{name}", "maria", payload_of(name, 1, digest), T0), T0)
    (home / "shelf.json").write_text(json.dumps(shelf.rows))
    return settings


def record(seq: int, rows: list[tuple[str, dt.datetime, dict[str, object]]]) -> Record:
    """Messages (tag, stamp, value) as one record."""
    key, now = {"source_id": "plc", "epoch": 1, "seq": seq, "status": 0, "flags": 0}, dt.datetime.now(dt.UTC)
    told = [{**key, "idx": idx, "tag": tag, "source_ts": ts, "gateway_ts": now, **value} for idx, (tag, ts, value) in enumerate(rows)]
    return encode(READINGS_SCHEMA, pa.RecordBatch.from_pylist(told, schema=MESSAGE_SCHEMAS[READINGS_SCHEMA]))


def minutes(machine: str, first: int, last: int, off: float) -> list[tuple[str, dt.datetime, dict[str, object]]]:
    """Values of the minutes from `first` to before `last`."""
    rows: list[tuple[str, dt.datetime, dict[str, object]]] = []
    for number in range(first, last):
        ts = T0 + dt.timedelta(minutes=number, seconds=5)
        rows += [
            (f"{machine}.heat", ts, {"value_kind": "f64", "value_f64": 50.0}),
            (f"{machine}.shake", ts, {"value_kind": "f64", "value_f64": 5.0 + off}),
        ]
    return rows


def begun(machine: str, off_from: int) -> list[tuple[str, dt.datetime, dict[str, object]]]:
    """A machine that runs, as usual up to the minute `off_from` and then not."""
    ts = T0 - dt.timedelta(seconds=5)
    state = (f"{machine}.State", ts, {"value_kind": "i64", "value_i64": 1})
    product = (f"{machine}.Product", ts, {"value_kind": "text", "value_text": "P"})
    last = 2 + RAISES_AFTER
    return [state, product, *minutes(machine, 0, min(off_from, last), 0.0), *minutes(machine, off_from, last, OFF)]


@dataclass(frozen=True, slots=True)
class Turn:
    """A minute of each of `offs` (by machine, how far off) begins at once, so that the one before is over; `machine` then says `what`."""

    machine: str
    what: str
    minute: int
    offs: Mapping[str, float]


def alone(machines: list[str]) -> list[Turn]:
    """One machine's minute after the other's: each raises its alert, and an hour of calm later closes it."""
    ends = (("raised", 2 + RAISES_AFTER, OFF), ("closed", 3 + RAISES_AFTER + CALM, 0.0))
    return [Turn(machine, what, minute, {machine: off}) for what, minute, off in ends for machine in machines]


def together(machines: list[str]) -> list[Turn]:
    """The minutes of all machines are over at the same moment, and each time one of them raises its alert."""
    places = range(len(machines))
    return [
        Turn(machines[n], "raised", 2 + RAISES_AFTER + n, {machines[place]: OFF if place <= RAISES_AFTER + n else 0.0 for place in places})
        for n in places
    ]


def old_record(seq: int, machines: list[str]) -> Record:
    """A record as a gateway makes it, of values of two days ago."""
    n, schema = BACKFILLED, MESSAGE_SCHEMAS[READINGS_SCHEMA]
    stamps = pa.array(np.arange(seq * n, seq * n + n, dtype=np.int64) * 10_000 + round(OLD.timestamp()) * 1_000_000).cast(
        schema.field("source_ts").type
    )
    columns = {
        "source_id": pa.array(["plc"] * n),
        "epoch": pa.array(np.full(n, 2)),
        "seq": pa.array(np.full(n, seq)),
        "idx": pa.array(np.arange(n, dtype=np.int32)),
        "tag": pa.array([f"{machines[i % len(machines)]}.heat" for i in range(n)]),
        "value_kind": pa.array(["f64"] * n),
        "value_f64": pa.array(np.random.default_rng(seq).normal(50, 1, n)),
        "source_ts": stamps,
        "gateway_ts": stamps,
        "status": pa.array(np.zeros(n, dtype=np.int64)),
        "flags": pa.array(np.full(n, 2, dtype=np.int32)),
    }
    arrays = [columns[field.name] if field.name in columns else pa.nulls(n, field.type) for field in schema]
    return encode(READINGS_SCHEMA, pa.RecordBatch.from_arrays(arrays, schema=schema))


def backfill(home: Path) -> None:
    """Append old readings of all machines as fast as possible; what is long past is released, as landing would."""
    spool = Spool(home / "spool" / "spool.sqlite", 64 << 30, SystemClock())
    machines = names_of(int(sys.argv[3]))
    began, seq = time.monotonic(), 0
    print("ready", flush=True)
    while not (home / "stop").exists():
        last = spool.append([old_record(seq + n, machines) for n in range(AT_ONCE)])
        seq += AT_ONCE
        if seq % (AT_ONCE * 50) == 0:
            spool.release(last - KEPT)
    print(json.dumps(seq * BACKFILLED / (time.monotonic() - began)), flush=True)


def bare(home: Path) -> None:
    """See records, and note when."""
    tail = Tail(home / "spool" / "spool.sqlite", 64 << 30, SystemClock())
    place = tail.end()
    print("ready", flush=True)
    with (home / "bare.jsonl").open("w", buffering=1) as file:
        while not (home / "stop").exists():
            page = tail.after(place)
            now = time.time()
            for one in page.records:
                if one.record.key == "plc" and int(one.record.headers["seq"]) >= 1_000_000:
                    file.write(json.dumps([int(one.record.headers["seq"]), now]) + "\n")
            place = Place(page.place.log_id, page.place.offset)
            if not page.records:
                time.sleep(0.05)


def watch(home: Path) -> None:
    """The watch as it ships, but for the shelf."""
    settings = Settings(home=home, plant_file=home / "plant.toml", spool={"max_mib": 65_536})  # type: ignore[arg-type]
    models = Models(settings.registry_dir, settings.models_key_file, Shelf(json.loads((home / "shelf.json").read_text())))
    stop = threading.Event()
    with watching(settings, SystemClock(), stop, is_alone=True, models=models) as process:
        process.run(threading.Event(), once=True)
        print("ready", flush=True)
        threading.Thread(target=until_stopped, args=(home, stop), daemon=True).start()
        process.run(stop)


def until_stopped(home: Path, stop: threading.Event) -> None:
    while not (home / "stop").exists():
        time.sleep(0.2)
    stop.set()


@contextmanager
def beside(what: str, home: Path, machines: int) -> Iterator[subprocess.Popen[str]]:
    """One of this file's own processes, ready; it ends when the file `stop` is there."""
    running = subprocess.Popen([sys.executable, __file__, f"--{what}", str(home), str(machines)], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    while running.stdout.readline().strip() != "ready":
        if running.poll() is not None:
            raise SystemExit(f"{what} ended before it was ready")
    try:
        yield running
    finally:
        (home / "stop").touch()
        running.wait(WITHIN_S)


class Seen:
    """When alert events came into the spool, by machine and what they say."""

    def __init__(self, home: Path) -> None:
        self._tail = Tail(home / "spool" / "spool.sqlite", 64 << 30, SystemClock())
        self._place = self._tail.end()

    def wait(self, turn: Turn) -> float:
        """When the event of `turn` was there; never is infinity."""
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            page = self._tail.after(self._place)
            self._place = page.place
            now = time.time()
            for one in page.records:
                if one.record.headers["schema"] == EVENTS_SCHEMA:
                    for row in decode(one.record)[1].to_pylist():
                        if row["subject"] == turn.machine and json.loads(row["payload"])["what"] == turn.what:
                            return now
            if not page.records:
                time.sleep(0.002)
        return float("inf")


def until_taken(settings: Settings, offset: int) -> None:
    """Wait until the watch has judged all that is in the log up to `offset`, by what it keeps."""
    while (read_memory(folder_of(settings) / "memory.json") or NOTHING).place.offset < offset:
        time.sleep(0.1)


def measured(home: Path, machines: list[str], busy: bool, turns: list[Turn]) -> tuple[list[float], list[float], float]:
    """Seconds to the bare reader and to the alert, of each turn; and values a second of the backfill."""
    settings = installation(home, machines)
    spool = Spool(settings.spool_file, 64 << 30, SystemClock())
    is_alone = len(turns[0].offs) == 1
    for number, machine in enumerate(machines):
        spool.append([record(number, begun(machine, 2 if is_alone else 2 + number))])
    sent: dict[int, float] = {}
    alerts: dict[int, float] = {}
    rate, what = 0.0, turns[0].what
    with ExitStack() as stack:
        stack.enter_context(beside("watch", home, len(machines)))
        stack.enter_context(beside("bare", home, len(machines)))
        filler = stack.enter_context(beside("backfill", home, len(machines))) if busy else None
        seen = Seen(home)
        for place, turn in enumerate(turns):
            if turn.what != what:
                calm = [record(number, minutes(machine, 3 + RAISES_AFTER, turn.minute, 0.0)) for number, machine in enumerate(machines)]
                until_taken(settings, spool.append(calm))
                what = turn.what
            seq = 1_000_000 + 1_000 * place
            ends = [
                record(seq + number, minutes(machine, turn.minute, turn.minute + 1, off)) for number, (machine, off) in enumerate(turn.offs.items())
            ]
            sent[seq] = time.time()
            spool.append(ends)
            alerts[seq] = seen.wait(turn)
        (home / "stop").touch()
        if filler is not None and filler.stdout is not None:
            rate = float(json.loads(filler.stdout.readline()))
    noticed: dict[int, Any] = dict(json.loads(line) for line in (home / "bare.jsonl").read_text().splitlines())
    return [noticed[seq] - sent[seq] for seq in sent if seq in noticed], [alerts[seq] - sent[seq] for seq in sent], rate


def told(name: str, plain: list[float], alerts: list[float]) -> None:
    """Print what the watch adds, and how busy the computer was."""
    added = 1000 * (percentile(alerts, 0.99) - percentile(plain, 0.99))
    missing = sum(seconds == float("inf") for seconds in alerts)
    print(
        f"{name}: the watch adds {added:.0f} ms at p99, goal <= 250: {'reached' if added <= 250 else 'NOT reached'}; {missing} never came;"
        f" load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    pairs = (("record seen", plain), ("alert in spool", alerts))
    rows = [(label, len(seconds), *(1000 * percentile(seconds, share) for share in (0.5, 0.99)), 1000 * max(seconds)) for label, seconds in pairs]
    table(("", "events", "p50 ms", "p99 ms", "max ms"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=100)
    asked = parser.parse_args()
    machines = names_of(asked.machines)
    watched: dict[bool, float] = {}
    for way, busy, turns in (("at once", False, together(machines)), ("idle", False, alone(machines)), ("backfill", True, alone(machines))):
        with scratch() as folder:
            plain, alerts, rate = measured(folder / "home", machines, busy, turns)
        watched[busy] = percentile(alerts, 0.99)
        told(f"{way} of {rate:,.0f} values/s" if busy else way, plain, alerts)
    ratio = watched[True] / watched[False]
    print(f"under backfill {ratio:.2f} of idle at p99, goal <= 2: {'reached' if ratio <= 2 else 'NOT reached'}; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    own = {"--backfill": backfill, "--bare": bare, "--watch": watch}
    if len(sys.argv) > 1 and sys.argv[1] in own:
        own[sys.argv[1]](Path(sys.argv[2]))
    else:
        main()
