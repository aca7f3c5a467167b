"""The watch reads messages as silver does: the same readings with the same bits, and the same ones refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
from test_readings import T0, Bench, message

from factolake.bus.codec import MESSAGE_SCHEMAS
from factolake.bus.port import READINGS_SCHEMA
from factolake.config import load_plant
from factolake.domain.plant import PlantModel
from factolake.domain.signals import SignalKind
from pipelines.watching.mapping import QUALITIES, Mapped, SignalMap

CONF = Path(__file__).parents[2] / "conf"
KINDS = {kind.value for kind in (SignalKind.PROCESS, SignalKind.SETPOINT, SignalKind.STATE, SignalKind.PRODUCT)}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def mapped(rows: list[dict[str, object]], plant: PlantModel | None = None) -> tuple[SignalMap, Mapped]:
    schema = MESSAGE_SCHEMAS[READINGS_SCHEMA]
    known = SignalMap(plant or load_plant(CONF / "plant.toml"))
    return known, known.mapped(pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema))


def as_silver(known: SignalMap, found: Mapped) -> list[tuple[object, ...]]:
    rows = []
    for row, place in enumerate(found.places.tolist()):
        signal, value = known.signals[place], float(found.values[row])
        ts = EPOCH + timedelta(microseconds=int(found.ts_us[row]))
        number = None if np.isnan(value) else value.hex()
        key = (signal.machine, int(found.epoch[row]), int(found.seq[row]), int(found.idx[row]))
        rows.append((*key, signal.name, ts, number, found.texts[row], QUALITIES[int(found.quality[row])]))
    return sorted(rows, key=str)


def of_silver(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    names = ("machine", "epoch", "seq", "idx", "signal", "ts", "value", "value_text", "quality")
    told = [[row[name] for name in names] for row in rows if row["kind"] in KINDS]
    return sorted([(*row[:6], None if row[6] is None else row[6].hex(), *row[7:]) for row in told], key=str)


def story() -> list[dict[str, object]]:
    """Every kind of value, unit, stamp and status that silver tells apart, and many ordinary ones."""
    tags = ("L1-M1.Vibration", "L1-M2.Coolant.Temperature", "L1-M3.Air.Pressure", "L1-M1.Speed.Setpoint", "L1-M4.Position", "L1-M2.Count.Total")
    rng, rows = Random(3), []
    for seq in range(300):
        ts = T0 + timedelta(seconds=rng.random() * 3600)
        rows.append(message(rng.choice(tags), seq, ts, value_f64=rng.uniform(-10, 250)))
    odd: list[dict[str, object]] = [
        {"value_f64": float("nan")},
        {"value_f64": float("inf")},
        {"value_f64": -0.0},
        {"value_f64": 1e9},
        {"value_f64": None, "value_kind": "i64", "value_i64": 7},
        {"value_f64": None, "value_kind": "u64", "value_u64": Decimal(12)},
        {"value_f64": None, "value_kind": "bool", "value_bool": True},
        {"value_f64": None, "value_kind": "text", "value_text": " 2.5 "},
        {"value_f64": None, "value_kind": "text", "value_text": "5F"},
        {"value_f64": None, "value_kind": "text", "value_text": "unavailable "},
        {"value_f64": None, "value_kind": "null"},
        {"value_f64": None, "value_kind": "bytes", "value_bytes": b"\x01"},
        {"value_f64": 3.0, "status": 0x40000000},
        {"value_f64": 3.0, "status": 0x80000000},
        {"value_f64": 3.0, "unit_raw": "m/s"},
        {"value_f64": 3.0, "unit_raw": "mm/s"},
        {"value_f64": 3.0, "unit_raw": "furlongs"},
        {"value_f64": 3.0, "source_ts": None, "server_ts": None},
        {"value_f64": 3.0, "source_ts": None},
        {"value_f64": 3.0, "source_ts": datetime(1970, 1, 1, tzinfo=UTC)},
        {"value_f64": 3.0, "source_ts": T0 + timedelta(hours=3)},
        {"value_f64": 3.0, "source_ts": T0 + timedelta(hours=2, seconds=60)},
    ]
    for seq, fields in enumerate(odd, start=1000):
        for step, tag in enumerate(("L1-M1.Vibration", "L1-M1.State", "L1-M1.Product", "L1-M1.Vibrations")):
            rows.append(message(tag, seq, T0 + timedelta(seconds=seq), **{**fields, "idx": step}))
    return rows


def test_a_story_of_messages_is_what_silver_makes_of_it(spark) -> None:
    rows = story()
    bench = Bench(spark)
    known, found = mapped(rows)
    assert as_silver(known, found) == of_silver(bench.refine(*rows))
    kept = [row for row in bench.refused(*rows) if row >= 1000]
    assert found.refused > 20 and kept, "nothing of the story was refused"


def test_a_tag_of_several_machines_is_a_reading_of_each() -> None:
    plant = load_plant(CONF / "plant.toml")
    shared = next(one for one in plant.signals if one.tag == "L1-M1.Vibration")
    neighbour = replace(shared, machine="L1-M2", name="floor", low=6.0)
    rows = [message(shared.tag, seq, T0, value_f64=float(value)) for seq, value in enumerate((5, 7))]
    known, found = mapped(rows, replace(plant, signals=(*plant.signals, neighbour)))
    told = [(known.signals[place].machine, value) for place, value in zip(found.places.tolist(), found.values.tolist(), strict=True)]
    assert (sorted(told), found.refused) == ([("L1-M1", 5.0), ("L1-M1", 7.0), ("L1-M2", 7.0)], 1)


def test_no_messages_are_no_readings() -> None:
    known, found = mapped([])
    assert (as_silver(known, found), found.refused) == ([], 0)
