"""Captures of vibration as figures, hour by hour: each capture with its point of the plant file and the speed its shaft had.

The speed is that of the plant file, or the last value of the point's speed signal before the capture; one of an hour before is told by the carry. A
capture is shown as soon as it has landed; speeds are looked at again when their minute is over, and late ones make the hour anew.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import bronze, silver
from factolake.contracts.formats.spark import block_type, select_contract
from factolake.contracts.silver_vibration import FEATURES_VIBRATION as TABLE
from factolake.domain.plant import PlantModel
from factolake.domain.signals import FEATURED
from factolake.domain.vibration import VibrationPoint
from factolake.features.vibration.capture import CaptureFigures, Heard, Line, capture_figures
from factolake.refine.feature_blocks import ORDER, in_order, made, numbers, of_kinds, stamps
from factolake.refine.hour_slices import SLICE, is_reached, moved_hours, next_hours
from factolake.refine.minutes_over import touched_by_evidence, touched_when_over
from factolake.refine.refinement import HOUR, Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import hour_rows, in_days, of_machines

_BEFORE, _WITHIN, _CAPTURE = 0, 1, 2
_SAID = ("signal", *ORDER, "value")
_TAKEN = ("point", "ts_us", "sample_rate_hz", "samples")
_F32 = np.dtype("<f4")
Points = Mapping[tuple[str, str], VibrationPoint]
Speeds = Mapping[str, pa.Table]
"""Speeds told by signal, in order."""


def features_vibration(inputs: Inputs) -> DataFrame:
    """The captures of the touched slices."""
    captures = inputs.frames[bronze.WAVEFORMS.name].withColumns({"hour_ts": F.date_trunc("hour", "ts"), "ts_us": F.unix_micros("ts")})
    taken = captures.select(*SLICE, *_TAKEN, F.lit(_CAPTURE).alias("place"))
    points = {(point.machine, point.name): point for point in inputs.plant.model.vibration_points}
    signals = sorted({point.speed_signal for point in points.values() if point.speed_signal is not None})
    within = _speeds(inputs.frames[silver.READINGS.name], signals, _WITHIN)
    before = _speeds(inputs.frames[silver.CARRY.name].withColumn("hour_ts", F.col("hour_ts") + F.lit(HOUR)), signals, _BEFORE)
    # Speeds first: Sail takes the types of a kernel's columns from the first part of a union.
    empty = {name: F.lit(None).cast(kind) for name, kind in (("point", "string"), ("sample_rate_hz", "double"), ("samples", "binary"))}
    rows = within.unionByName(before).withColumns(empty).unionByName(taken, allowMissingColumns=True)
    own = rows.join(inputs.slices, on=list(SLICE), how="left_semi")
    return select_contract(own.groupBy(*SLICE).applyInArrow(_captures_by(points), block_type(TABLE)), TABLE)


def _speeds(told: DataFrame, signals: Sequence[str], place: int) -> DataFrame:
    """Values that can be a speed: as in the carry a bad one says nothing and does not hide the one before it."""
    usable = told.where(F.col("signal").isin("", *signals) & (F.col("quality") != "bad") & F.col("value").isNotNull())
    return usable.withColumn("ts_us", F.unix_micros("ts")).select(*SLICE, *_SAID, F.lit(place).alias("place"))


def _captures_by(points: Points) -> Callable[[pa.Table], pa.Table]:
    """The kernel for `points`; the engine goes by its annotations, which a partial has not."""

    def captures(block: pa.Table) -> pa.Table:
        return _captures(block, points)

    return captures


def _captures(block: pa.Table, points: Points) -> pa.Table:
    """The figures of one slice."""
    place, machine = numbers(block, "place"), str(block["machine"][0])
    told = pa.concat_tables([in_order(block.filter(pa.array(place == at))) for at in (_BEFORE, _WITHIN)])
    signals = {point.speed_signal for point in points.values() if point.machine == machine and point.speed_signal is not None}
    speeds = {signal: told.filter(pc.equal(told["signal"], signal)) for signal in sorted(signals)}
    captures = block.filter(pa.array(place == _CAPTURE)).sort_by([("ts_us", "ascending"), ("point", "ascending")])
    rows = [_figures(row, points.get((machine, row["point"])), speeds) for row in captures.select(list(_TAKEN)).to_pylist()]
    columns = {name: pa.array([row[name] for row in rows], kind) for name, kind in _kinds().items()}
    return made(TABLE, block, {"point": captures["point"].combine_chunks(), "capture_ts": stamps(numbers(captures, "ts_us")), **columns})


def _kinds() -> dict[str, pa.DataType]:
    """The columns that `_figures` gives."""
    floats = ("sample_rate_hz", "speed_rpm", "velocity_rms_mm_s", "acceleration_rms_m_s2", "peak_m_s2", "crest", "kurtosis")
    lines = [f"{name}_{what}" for name in Heard.__dataclass_fields__ for what in ("m_s2", "ratio")]
    return {"n": pa.int64(), "zone": pa.string(), "why": pa.string()} | dict.fromkeys((*floats, *lines), pa.float64())


def _figures(capture: Mapping[str, Any], point: VibrationPoint | None, speeds: Speeds) -> dict[str, object]:
    samples, rate_hz = np.frombuffer(capture["samples"], _F32).astype(np.float64), capture["sample_rate_hz"]
    rpm = _rpm(point, speeds, capture["ts_us"]) if point else None
    found = capture_figures(samples, rate_hz, point, rpm)
    row: dict[str, object] = {name: getattr(found, name) for name in CaptureFigures.__dataclass_fields__ if name != "heard"}
    for name in Heard.__dataclass_fields__:
        line: Line = getattr(found.heard, name)
        row |= {f"{name}_m_s2": line.amplitude_m_s2, f"{name}_ratio": line.ratio}
    return row | {"n": len(samples), "sample_rate_hz": rate_hz, "speed_rpm": rpm}


def _rpm(point: VibrationPoint, speeds: Speeds, at_us: int) -> float | None:
    """The speed of the point's shaft at a moment; None where nobody has told it before."""
    if point.speed_signal is None:
        return point.rpm
    told = speeds[point.speed_signal]
    last = int(np.searchsorted(numbers(told, "ts_us"), at_us, side="right")) - 1
    return float(told["value"][last].as_py()) if last >= 0 else None


def touched_by_captures(feed: pa.Table, _: Horizon) -> set[Slice]:
    """The hours of the captures that came."""
    return {(row["machine"], _hour(row["ts"])) for row in feed.select(["machine", "ts"]).to_pylist()}


def touched_by_speeds(feed: pa.Table, horizon: Horizon) -> set[Slice]:
    """The hours of changed values of speed signals, as far as their minutes are over."""
    return touched_when_over("ts")(_of_speeds(feed, horizon.model), horizon)


def touched_by_carry(feed: pa.Table, horizon: Horizon) -> set[Slice]:
    """The hours of which further minutes are over, and those after hours that end with another speed."""
    machines = {point.machine for point in horizon.model.vibration_points if point.speed_signal is not None}
    over = {row for row in touched_by_evidence(feed, horizon) if row[0] in machines}
    moved = next_hours(moved_hours(_of_speeds(feed, horizon.model), ("value",)))
    return over | {row for row in moved if is_reached(row, horizon)}


def _of_speeds(feed: pa.Table, model: PlantModel) -> pa.Table:
    """Rows of a feed with `machine` and `signal` that tell a point's speed."""
    wanted = {(point.machine, point.speed_signal) for point in model.vibration_points}
    signals = pa.array(sorted({signal for _, signal in wanted if signal is not None}), pa.string())
    likely = feed.filter(pc.is_in(feed["signal"], signals))
    pairs = zip(likely["machine"].to_pylist(), likely["signal"].to_pylist(), strict=True)
    return likely.filter(pa.array([pair in wanted for pair in pairs], pa.bool_()))


def _hour(ts: datetime) -> datetime:
    return ts.replace(minute=0, second=0, microsecond=0)


def _capture_rows(slices: frozenset[Slice]) -> Column:
    hours = sorted({hour for _, hour in slices if isinstance(hour, datetime)})
    return in_days("day", {hour.date() for hour in hours}) & of_machines(slices) & F.col("ts").between(hours[0], hours[-1] + HOUR)


def _speed_rows(slices: frozenset[Slice]) -> Column:
    return hour_rows(slices) & of_kinds(*FEATURED)


def _carry_rows(slices: frozenset[Slice]) -> Column:
    return hour_rows(slices, before=1) & of_kinds(*FEATURED)


FEATURES_VIBRATION = Refinement(
    "features_vibration",
    TABLE,
    (
        Input(bronze.WAVEFORMS, ("machine", "ts"), touched_by_captures, _capture_rows),
        Input(silver.READINGS, (*SLICE, "signal", "ts"), touched_by_speeds, _speed_rows),
        Input(silver.CARRY, (*SLICE, "signal", "ts", "value"), touched_by_carry, _carry_rows),
    ),
    features_vibration,
    group_size=48,
)
