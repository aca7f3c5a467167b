"""A machine that is watched: a spool with its story, a model that was promoted, and the watch over it."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa

from factolake.bus.codec import MESSAGE_SCHEMAS, decode, encode
from factolake.bus.port import EVENTS_SCHEMA, READINGS_SCHEMA, Record
from factolake.bus.spool_bus import Spool
from factolake.config import Settings
from factolake.contracts.bronze import EVENTS
from factolake.domain.clock import ManualClock
from factolake.errors import RegistryUnavailable
from factolake.lake.tables import Lake
from models.registry.approval import Approval, payload_of
from models.registry.bundle import Bundle, Signal
from models.registry.catalogue import Models
from models.registry.shelf import Shelved
from models.timeseries.pca import PcaSettings
from models.timeseries.signals import Signals
from pipelines.watching.champions import model_name
from pipelines.watching.running import watching

PLANT = Path(__file__).parents[2] / "conf" / "plant.toml"
MACHINE = "L1-M1"
T0 = datetime(2026, 3, 10, 6, tzinfo=UTC)
SIGNALS = (Signal("bearing_temp", "CEL"), Signal("vibration", "C16"))
TAGS = ("L1-M1.Bearing.Temperature", "L1-M1.Vibration")
EVERY_S = 10
PRODUCING, FAULT = 1, 3
Event = Mapping[str, object]


class OneName:
    """A store of the versions of one model; `asked`: how often it was asked for them."""

    def __init__(self) -> None:
        self.tags: list[dict[str, str]] = []
        self.aliases: dict[str, int] = {}
        self.asked = 0

    def names(self) -> list[str]:
        return [model_name(MACHINE)] if self.tags else []

    def versions(self, name: str) -> list[Shelved]:
        self.asked += 1
        numbered = enumerate(self.tags, start=1)
        return [Shelved(version, dict(tags), tuple(a for a, at in self.aliases.items() if at == version)) for version, tags in numbered]

    def add(self, name: str, place: Path, tags: Mapping[str, str]) -> int:
        self.tags.append(dict(tags))
        return len(self.tags)

    def tag(self, name: str, version: int, key: str, value: str) -> None:
        self.tags[version - 1][key] = value

    def point(self, name: str, alias: str, version: int | None) -> None:
        if version is not None:
            self.aliases[alias] = version


class NoShelf(OneName):
    """A store that never answers; the newest approved champion is read from the ledger and its folder."""

    def versions(self, name: str) -> list[Shelved]:
        raise RegistryUnavailable("the model registry does not answer")


@cache
def bundle(far: float = 0.0) -> Bundle:
    """A model of the two signals as they usually are; `far` moves what it takes for usual."""
    noise = np.random.default_rng(1).normal(size=(400, 2))
    values = np.column_stack([50 + noise[:, 0], 5 + far + 0.2 * noise[:, 0] + 0.1 * noise[:, 1]])
    model = PcaSettings(lags_rows=1, variance=0.9, false_share=0.01).fit(Signals.of(tuple(one.name for one in SIGNALS), values))
    return Bundle(model_name(MACHINE), SIGNALS, model, 1.0, {"silver.features_window": 3}, "0.9", T0, "eva", {})


def promoted(settings: Settings, models: Models, model: Bundle) -> None:
    """`model` as the champion of its name."""
    version = models.log_model(model)
    digest = models.version(model.name, version).sha256
    models.promote(model.name, version, Approval(f"a-{version}", "maria", payload_of(model.name, version, digest), T0), T0)


def message(seq: int, ts: datetime, tag: str, idx: int = 0, epoch: int = 1, **value: object) -> dict[str, object]:
    stamps = {"source_ts": ts, "server_ts": ts, "gateway_ts": ts + timedelta(milliseconds=300)}
    return {"source_id": "line1-opcua", "epoch": epoch, "seq": seq, "idx": idx, "tag": tag, "status": 0, "flags": 0, **stamps, **value}


def record(rows: list[dict[str, object]]) -> Record:
    return encode(READINGS_SCHEMA, pa.RecordBatch.from_pylist(rows, schema=MESSAGE_SCHEMAS[READINGS_SCHEMA]))


def words(seq: int, ts: datetime, state: int = PRODUCING, product: str = "GBX-200", epoch: int = 1) -> Record:
    """What the machine does and makes."""
    told = message(seq, ts, f"{MACHINE}.State", 0, epoch, value_kind="i64", value_i64=state)
    return record([told, message(seq, ts, f"{MACHINE}.Product", 1, epoch, value_kind="text", value_text=product)])


def minute(seq: int, ts: datetime, off: float, rng: Random, epoch: int = 1) -> Record:
    """The values of a minute from `ts` on; `off` is how far the vibration is from what it usually is."""
    rows: list[dict[str, object]] = []
    for step in range(60 // EVERY_S):
        moment, heat = ts + timedelta(seconds=step * EVERY_S), rng.gauss(0, 1)
        values = (50 + heat, 5 + 0.2 * heat + rng.gauss(0, 0.1) + off)
        for tag, value in zip(TAGS, values, strict=True):
            rows.append(message(seq, moment, tag, len(rows), epoch, value_kind="f64", value_f64=value))
    return record(rows)


@cache
def story(*stretches: tuple[int, float], epoch: int = 1) -> tuple[Record, ...]:
    """Minutes of a machine that runs: how many, and how far off, one stretch after the other."""
    rng, records = Random(5), [words(0, T0 - timedelta(seconds=5), epoch=epoch)]
    for minutes, off in stretches:
        for _ in range(minutes):
            records.append(minute(len(records), T0 + timedelta(minutes=len(records) - 1), off, rng, epoch))
    return tuple(records)


@dataclass
class WatchedLine:
    """An installation under `root` whose machine L1-M1 has a model, unless `has_model` is false."""

    root: Path
    has_model: bool = True

    def __post_init__(self) -> None:
        self.settings = Settings(home=self.root, plant_file=PLANT)
        self.clock = ManualClock(T0)
        self.shelf = OneName()
        self.models = Models(self.settings.registry_dir, self.settings.models_key_file, self.shelf)
        if self.has_model and not self.settings.registry_dir.exists():
            promoted(self.settings, self.models, bundle())

    def spool(self, max_bytes: int = 1 << 30) -> Spool:
        return Spool(self.settings.spool_file, max_bytes, self.clock)

    def send(self, records: Sequence[Record]) -> int:
        """Put records into the spool; the last offset."""
        spool = self.spool()
        last = spool.append(records)
        spool.close()
        return last

    def watch(self, models: Models | None = None) -> None:
        """One run over all that is in the spool."""
        with watching(self.settings, self.clock, threading.Event(), is_alone=True, models=models or self.models) as process:
            process.run(threading.Event(), once=True)

    def told(self) -> list[Event]:
        """Alert events of the spool: payload with the key of their message."""
        spool = self.spool()
        stored = spool.read(0, 100_000)
        spool.close()
        found = [one.record for one in stored if one.record.headers["schema"] == EVENTS_SCHEMA]
        return [_event(row) for one in found for row in decode(one)[1].to_pylist() if row["kind"] == "alert"]

    def landed(self) -> list[Event]:
        """Alert events of bronze."""
        lake = Lake(self.settings.lake_root)
        return [_event(row) for row in lake.open(EVENTS).read().to_pylist() if row["kind"] == "alert"] if lake.exists(EVENTS) else []


def _event(row: Mapping[str, Any]) -> Event:
    return {"key": (row["source_id"], row["epoch"], row["seq"]), "subject": row["subject"], **json.loads(row["payload"])}


def folded(events: list[Event]) -> list[tuple[object, ...]]:
    """What gold makes of the events: each message once, in order of the alert and what was said."""
    once = {event["key"]: event for event in events}
    return sorted((event["alert_id"], event["what"], event["at"], event["strength"]) for event in once.values())
