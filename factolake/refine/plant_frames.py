"""The plant model as small DataFrames, so that transforms join it like any other input."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from factolake.contracts.formats.spark import to_frame
from factolake.domain.equipment import SourceOrder, Timeline
from factolake.domain.plant import PlantModel
from factolake.domain.units import UNITS

_TS = pa.timestamp("us", tz="UTC")
MACHINES = pa.schema(
    [
        ("machine", pa.string()),
        ("line", pa.string()),
        ("source_id", pa.string()),
        ("state_map", pa.string()),
        ("has_state", pa.bool_()),
        ("has_order", pa.bool_()),
        ("has_heartbeat", pa.bool_()),
        ("is_live", pa.bool_()),
        ("max_silence_us", pa.int64()),
        ("short_stop_us", pa.int64()),
        ("flow_place", pa.int32()),
        ("is_bottleneck", pa.bool_()),
    ]
)
SIGNALS = pa.schema(
    [
        ("source_id", pa.string()),
        ("tag", pa.string()),
        ("machine", pa.string()),
        ("signal", pa.string()),
        ("kind", pa.string()),
        ("unit", pa.string()),
        ("source_unit", pa.string()),
        ("source_symbol", pa.string()),
        ("factor", pa.float64()),
        ("offset", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("counts", pa.string()),
        ("parts_per_pulse", pa.int64()),
        ("width_bits", pa.int32()),
        ("is_sequence", pa.bool_()),
        ("future_tolerance_us", pa.int64()),
    ]
)
STATE_WORDS = pa.schema([("state_map", pa.string()), ("raw", pa.string()), ("state", pa.string())])
NAMEPLATES = pa.schema(
    [("plate_machine", pa.string()), ("plate_product", pa.string()), ("pri_us", pa.int64()), ("plate_from", _TS), ("plate_to", _TS)]
)
SEGMENTS = pa.schema(
    [
        ("machine", pa.string()),
        ("line", pa.string()),
        ("from_ts", _TS),
        ("to_ts", _TS),
        ("segment", pa.string()),
        ("shift", pa.string()),
        ("production_day", pa.date32()),
        ("shift_from_ts", _TS),
        ("shift_to_ts", _TS),
    ]
)


@dataclass(frozen=True, slots=True)
class PlantFrames:
    """The model beside its frames; `segments` gives the calendar of a span."""

    spark: SparkSession
    model: PlantModel
    machines: DataFrame
    signals: DataFrame
    state_words: DataFrame
    nameplates: DataFrame

    def segments(self, from_ts: datetime, to_ts: datetime) -> DataFrame:
        """Calendar segments (busy, break, planned_stop) of every machine that overlap the span; shifts are whole, not clipped."""
        return to_frame(self.spark, segment_table(self.model, from_ts, to_ts))


def plant_frames(spark: SparkSession, model: PlantModel) -> PlantFrames:
    """The frames of `model` in `spark`."""
    tables = (machine_table(model), signal_table(model), state_word_table(model), nameplate_table(model))
    return PlantFrames(spark, model, *(to_frame(spark, table) for table in tables))


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)


def machine_table(model: PlantModel) -> pa.Table:
    """One row a machine."""
    rows = []
    for line in model.lines.values():
        for place, machine_id in enumerate(line.machines):
            m = model.machines[machine_id]
            is_live = model.sources[m.source_id].timeline is Timeline.LIVE
            flags = (
                m.has_state,
                m.has_order,
                m.has_heartbeat,
                is_live,
                _us(m.max_silence_s),
                _us(m.short_stop_s),
                place,
                machine_id == line.bottleneck,
            )
            rows.append((machine_id, line.line_id, m.source_id, m.state_map, *flags))
    return _table(rows, MACHINES)


def signal_table(model: PlantModel) -> pa.Table:
    """One row a signal, with the linear conversion from the source's unit."""
    rows = []
    for s in model.signals:
        source = model.sources[s.source_id]
        count = (s.counter.counts.value, s.counter.parts_per_pulse, s.counter.width_bits) if s.counter else (None, None, None)
        ends = (source.order is SourceOrder.SEQUENCE, _us(source.future_tolerance_s))
        sent = (s.source_unit, UNITS[s.source_unit].symbol if s.source_unit else None)
        rows.append((s.source_id, s.tag, s.machine, s.name, s.kind.value, s.unit, *sent, *s.from_source, s.low, s.high, *count, *ends))
    return _table(rows, SIGNALS)


def state_word_table(model: PlantModel) -> pa.Table:
    """One row a word of a state map; `*` stands for any other word."""
    return _table([(name, raw, state) for name, words in model.state_maps.items() for raw, state in words.items()], STATE_WORDS)


def nameplate_table(model: PlantModel) -> pa.Table:
    """One row a planned run time with its validity."""
    return _table([(n.machine, n.product, n.planned_run_time_us, n.valid_from, n.valid_to) for n in model.nameplates], NAMEPLATES)


def segment_table(model: PlantModel, from_ts: datetime, to_ts: datetime) -> pa.Table:
    """One row a machine and calendar segment of the span."""
    rows = []
    for machine in model.machines:
        scopes, line = model.scopes(machine), model.machines[machine].line_id
        windows = {(w.shift, w.production_day): w for w in model.calendar.shifts(scopes, from_ts - timedelta(days=1), to_ts + timedelta(days=1))}
        for s in model.calendar.segments(scopes, from_ts, to_ts):
            window = windows[(s.shift, s.production_day)]
            rows.append((machine, line, s.from_ts, s.to_ts, s.kind.value, s.shift, s.production_day, window.from_ts, window.to_ts))
    return _table(rows, SEGMENTS)


def _table(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns: list[Sequence[object]] = list(zip(*rows, strict=True)) if rows else [() for _ in schema]
    return pa.table([pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema)
