"""Captures as figures, on both engines: against a computation of the test's own, and with the speed that the shaft had."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from builders import Row, Story, at, plant, slices_of
from pyspark.sql import SparkSession

from factolake.contracts import bronze, ops, silver
from factolake.contracts.formats.arrow import arrow_schema, fit
from factolake.contracts.formats.spark import to_frame
from factolake.contracts.silver_vibration import FEATURES_VIBRATION as TABLE
from factolake.domain.clock import ManualClock
from factolake.domain.plant import PlantModel
from factolake.domain.signals import Signal, SignalKind
from factolake.domain.vibration import SKF_6205_2RS, VibrationPoint, ZoneLimits
from factolake.lake.tables import Lake
from factolake.refine.carry import CARRY, carry
from factolake.refine.features_vibration import FEATURES_VIBRATION, features_vibration
from factolake.refine.plant_frames import plant_frames
from factolake.refine.plant_model import record_plant
from factolake.refine.refinement import Inputs
from factolake.refine.runner import Runner
from tests.models.timeseries.strokes import struck

RATE_HZ = 4096.0
ZONES = ZoneLimits(2.8, 4.5, 7.1, "agreement")
TURNING = VibrationPoint("M1", "drive_end", RATE_HZ, speed_signal="speed", bearing=SKF_6205_2RS, zones=ZONES)
FIXED = VibrationPoint("M2", "fan", RATE_HZ, rpm=1500.0, bearing=SKF_6205_2RS, envelope_hz=(800.0, 1800.0))
SECOND = np.arange(4096) / RATE_HZ
LINES = ("bpfo", "bpfi", "bsf", "ftf")


def vibrating_plant(*points: VibrationPoint) -> PlantModel:
    model = plant(("M1", "M2"))
    return replace(model, signals=(*model.signals, Signal("S1", "M1.speed", "M1", "speed", SignalKind.PROCESS, "RPM")), vibration_points=points)


def worn(rpm: float, seed: int = 0) -> np.ndarray:
    """A second of a shaft at `rpm` with a damaged outer race."""
    turn = 2 * np.pi * rpm / 60
    strokes = 4 * struck(SKF_6205_2RS.at(rpm).outer, RATE_HZ, 4096, ring_hz=1300, noise=0.1, seed=seed)
    return (strokes + 0.4 * np.sin(turn * SECOND)).astype(np.float32)


def capture(machine: str, point: str, ts: datetime, samples: np.ndarray, seq: int = 1) -> Row:
    row: Row = {"machine": machine, "point": point, "ts": ts, "day": ts.date(), "sample_rate_hz": RATE_HZ, "n": len(samples)}
    row |= {"samples": samples.astype("<f4").tobytes(), "source_id": "daq", "epoch": 1, "seq": seq, "idx": 0, "gateway_ts": ts}
    return row | {"log_id": "log", "log_offset": seq, "ingest_ts": ts, "ingest_date": ts.date()}


def figures(spark: SparkSession, model: PlantModel, captures: list[Row], told: list[Row]) -> list[dict[str, Any]]:
    """Rows of the table, by key; the carry is made by the real transform."""
    frames, now = plant_frames(spark, model), max(row["ts"] for row in (*captures, *told))  # type: ignore[type-var]
    hours = {(row["machine"], row["ts"].replace(minute=0, second=0, microsecond=0)) for row in captures}  # type: ignore[attr-defined]
    data = {silver.READINGS: pa.Table.from_pylist(told, arrow_schema(silver.READINGS)), silver.CARRY: arrow_schema(silver.CARRY).empty_table()}
    data |= {bronze.WAVEFORMS: pa.Table.from_pylist(captures, arrow_schema(bronze.WAVEFORMS))}
    for table, transform, slices in ((silver.CARRY, carry, slices_of(told, None, model)), (TABLE, features_vibration, sorted(hours))):
        columns = [pa.array([one[0] for one in slices]), pa.array([one[1] for one in slices], pa.timestamp("us", tz="UTC"))]
        given = {one.name: to_frame(spark, rows) for one, rows in data.items()}
        made = transform(Inputs(spark, given, to_frame(spark, pa.table(columns, ["machine", "hour_ts"])), frames, now)).toArrow()
        data[table] = fit(table, made.append_column("as_of", pa.array([now] * made.num_rows, pa.timestamp("us", tz="UTC"))))
    return data[TABLE].sort_by([(name, "ascending") for name in TABLE.key]).to_pylist()


def expected(samples: np.ndarray, rpm: float, band_hz: tuple[float, float]) -> dict[str, float]:
    """Velocity by weighing the transform; the envelope with a quadrature of its own, its lines by sums of cosines at chosen frequencies."""
    x = samples.astype(np.float64) - samples.mean(dtype=np.float64)
    window, f = np.sin(np.pi * np.arange(len(x)) / len(x)) ** 2, np.fft.rfftfreq(len(x), 1 / RATE_HZ)
    inside = (f >= 10) & (f <= 1000)
    velocity = np.fft.rfft(x * window)[inside] / (2j * np.pi * f[inside])
    told = {"velocity_rms_mm_s": 1000 * float(np.sqrt(2 * np.sum(np.abs(velocity) ** 2) / (len(x) * np.sum(window**2))))}
    told |= {"acceleration_rms_m_s2": float(np.std(x)), "kurtosis": float(np.mean(x**4) / np.mean(x**2) ** 2)}
    passed = np.fft.rfft(x) * ((f >= band_hz[0]) & (f < band_hz[1]))
    swing = np.hypot(np.fft.irfft(passed, len(x)), np.fft.irfft(-1j * passed, len(x)))
    swing -= swing.mean()
    heard = SKF_6205_2RS.at(rpm)
    for name, line_hz in zip(LINES, (heard.outer, heard.inner, heard.spin, heard.cage), strict=True):
        grid = np.arange(0, 4 * line_hz, 0.25)
        grid = grid[np.abs(grid - line_hz) <= max(0.02 * line_hz, 0.125)]
        found = np.abs(np.exp(-2j * np.pi * np.outer(grid, SECOND)) @ (swing * window)) * 2 / window.sum()
        told[f"{name}_m_s2"] = float(found.max())
    return told


def test_figures_are_those_of_a_computation_of_its_own(spark: SparkSession) -> None:
    story = Story().alive(at("06:00"), at("06:40")).alive(at("06:00"), at("06:40"), machine="M2")
    story.tell(at("06:05"), "speed", "process", value=1450.0)
    one, two = worn(1450, seed=1), worn(1500, seed=2)
    rows = figures(
        spark, vibrating_plant(TURNING, FIXED), [capture("M1", "drive_end", at("06:10"), one), capture("M2", "fan", at("06:20"), two, 2)], story.rows
    )
    for row, samples, rpm, band_hz in zip(rows, (one, two), (1450.0, 1500.0), ((500.0, 0.45 * RATE_HZ), (800.0, 1800.0)), strict=True):
        told = expected(samples, rpm, band_hz)
        assert {name: row[name] for name in told} == pytest.approx(told, rel=1e-6)
        assert (row["speed_rpm"], row["n"], row["sample_rate_hz"], row["why"]) == (rpm, 4096, RATE_HZ, None)
        assert row["bpfo_ratio"] > 8 and row["bpfo_ratio"] == max(row[f"{name}_ratio"] for name in LINES)
        assert row["peak_m_s2"] == pytest.approx(row["crest"] * row["acceleration_rms_m_s2"])
    assert [row["zone"] for row in rows] == ["A", None]


def test_the_speed_is_the_last_told_before_the_capture_also_hours_before_and_a_bad_value_does_not_hide_it(spark: SparkSession) -> None:
    story = Story().alive(at("06:00"), at("09:30"), 600)
    story.tell(at("06:10"), "speed", "process", value=1400.0).tell(at("06:20"), "speed", "process", quality="bad")
    story.tell(at("08:30"), "speed", "process", value=1500.0)
    moments = ("06:05", "06:10", "06:25", "08:10", "08:29:59.999999", "08:30", "09:10")
    rows = figures(spark, vibrating_plant(TURNING), [capture("M1", "drive_end", at(moment), worn(1450)) for moment in moments], story.rows)
    assert [row["speed_rpm"] for row in rows] == [None, 1400.0, 1400.0, 1400.0, 1400.0, 1500.0, 1500.0]
    assert "the shaft's speed is unknown, signal speed told none" in rows[0]["why"]
    assert rows[0]["velocity_rms_mm_s"] == rows[1]["velocity_rms_mm_s"]


def test_captures_of_points_and_machines_nobody_declared_are_shown_with_what_they_lack(spark: SparkSession) -> None:
    story = Story().alive(at("06:00"), at("06:40"))
    captures = [capture("M9", "strange", at("06:10"), worn(1450)), capture("M1", "other", at("06:10"), worn(1450)[:100], 2)]
    rows = figures(spark, vibrating_plant(TURNING), captures, story.rows)
    assert [(row["machine"], row["point"], row["zone"], row["bpfo_m_s2"], row["n"]) for row in rows] == [
        ("M1", "other", None, None, 100),
        ("M9", "strange", None, None, 4096),
    ]
    assert all("no such vibration_point" in row["why"] for row in rows)
    assert "no velocity: 100 samples are too few" in rows[0]["why"]


class Bench:
    """A lake with silver readings and captures put in by hand, and a runner over carry and figures."""

    def __init__(self, sail, root: Path, model: PlantModel) -> None:
        self.lake, self.clock, self.sail, self.story, self.slices = Lake(root), ManualClock(at("12:00")), sail, Story(), 0
        for table in (silver.READINGS, bronze.WAVEFORMS, ops.CLOCK):
            self.lake.ensure(table)
        self.become(model)

    def become(self, model: PlantModel) -> None:
        record_plant(self.lake, model, self.clock)
        self.runner = Runner(self.lake, self.sail, model, self.clock)

    def tell(self, *values: tuple[str, float | None]) -> int:
        """(clock, speed; None: a sign of life): one commit, refined."""
        first = len(self.story.rows)
        for moment, speed in values:
            if speed is None:
                self.story.tell(at(moment), "heartbeat", "heartbeat", value_text="x")
            else:
                self.story.tell(at(moment), "speed", "process", value=speed)
        self.lake.open(silver.READINGS).append(pa.Table.from_pylist(self.story.rows[first:], arrow_schema(silver.READINGS)), {})
        return self.refine()

    def land(self, moment: str, samples: np.ndarray) -> int:
        rows = pa.Table.from_pylist([capture("M1", "drive_end", at(moment), samples)], arrow_schema(bronze.WAVEFORMS))
        self.lake.open(bronze.WAVEFORMS).append(rows, {})
        return self.refine()

    def refine(self) -> int:
        """Changed slices of the figures."""
        _, done = (self.runner.run(refinement) for refinement in (CARRY, FEATURES_VIBRATION))
        self.slices = done.slices
        return done.changed_slices

    def speeds(self) -> list[tuple[object, ...]]:
        rows = self.lake.open(TABLE).read(["capture_ts", "speed_rpm", "zone"]).sort_by("capture_ts").to_pylist()
        return [(f"{row['capture_ts']:%H:%M}", row["speed_rpm"], row["zone"]) for row in rows]


def test_a_capture_is_shown_at_once_and_again_when_the_plant_or_a_late_speed_says_otherwise(sail, tmp_path: Path) -> None:
    bench = Bench(sail, tmp_path, vibrating_plant(TURNING))
    bench.tell(("06:00", None), ("06:00", 1400.0), ("06:30", None))
    assert bench.land("06:31", worn(1450)) == 1
    assert bench.speeds() == [("06:31", 1400.0, "A")]
    assert bench.tell(("06:31:30", 1500.0), ("06:31:40", None)) == 0, "a speed told after the capture is not its speed"
    assert bench.tell(("06:30:50", 1450.0), ("06:33", None)) == 1
    assert bench.tell(("06:34", 1451.0), ("06:36", None)) == 0
    assert bench.land("08:10", worn(1450)) == 1
    assert bench.tell(("08:20", None)) == 1, "the carry reaches the hour before now, and tells what the shaft did"
    assert bench.speeds() == [("06:31", 1450.0, "A"), ("08:10", 1451.0, "A")]
    bench.become(vibrating_plant(replace(TURNING, zones=ZoneLimits(0.1, 0.2, 0.3, "agreement"))))
    assert bench.refine() == 2
    assert bench.speeds() == [("06:31", 1450.0, "D"), ("08:10", 1451.0, "D")]
    assert bench.refine() == 0


def test_a_point_with_a_fixed_speed_is_not_looked_at_again_when_readings_come(sail, tmp_path: Path) -> None:
    bench = Bench(sail, tmp_path, vibrating_plant(replace(TURNING, speed_signal=None, rpm=1450.0)))
    bench.tell(("06:00", None))
    assert bench.land("06:01", worn(1450)) == 1
    bench.tell(("06:00:10", 900.0), ("06:05", None))
    assert bench.slices == 0
    assert bench.speeds() == [("06:01", 1450.0, "A")]
