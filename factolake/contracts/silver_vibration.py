"""Silver of vibration: captures as figures, by the functions in `factolake/features/vibration`. The samples themselves are in bronze.waveforms."""

from factolake.contracts.table import Column, Table, Type, as_of

_LINES = (
    ("bpfo", "the balls' pass over the outer race"),
    ("bpfi", "the balls' pass over the inner race"),
    ("bsf", "the balls' own turns"),
    ("ftf", "the turns of the cage"),
)


def _line(name: str, what: str) -> tuple[Column, Column]:
    amplitude = f"Swing of the envelope at {name.upper()}, {what}; null: cannot be told, or no bearing is declared."
    ratio = f"{name}_m_s2 over the median beside it: noise alone gives up to 4; null: as {name}_m_s2, or nothing is beside it."
    return (
        Column(f"{name}_m_s2", Type.FLOAT64, amplitude, unit="m/s2", low=0.0),
        Column(f"{name}_ratio", Type.FLOAT64, ratio, low=0.0),
    )


FEATURES_VIBRATION = Table(
    "silver",
    "features_vibration",
    "one capture of vibration of one measuring point as figures",
    (
        Column("machine", Type.STRING, "Machine (ISA-95 work unit).", nullable=False),
        Column("point", Type.STRING, "Measuring point of the machine.", nullable=False),
        Column("capture_ts", Type.TIMESTAMP, "Time of the first sample (UTC).", nullable=False),
        Column("hour_ts", Type.TIMESTAMP, "The UTC hour this row lies in.", nullable=False),
        Column("day", Type.DATE, "UTC date of hour_ts.", nullable=False),
        Column("sample_rate_hz", Type.FLOAT64, "Samples a second.", unit="Hz", nullable=False, low=0.0),
        Column("n", Type.INT64, "How many samples.", nullable=False, low=1),
        Column("speed_rpm", Type.FLOAT64, "Speed of the shaft: declared, or the signal's last value before; null: unknown.", unit="RPM"),
        Column("velocity_rms_mm_s", Type.FLOAT64, "RMS velocity from 10 to 1000 Hz; null: cannot be told.", unit="C16", low=0.0),
        Column(
            "zone",
            Type.STRING,
            "Zone of the velocity after ISO 20816, A (as new) to D (does damage), by the limits of the plant file; null: it has none.",
            values=("A", "B", "C", "D"),
        ),
        Column("acceleration_rms_m_s2", Type.FLOAT64, "RMS acceleration, all frequencies, without the mean.", unit="m/s2", nullable=False, low=0.0),
        Column("peak_m_s2", Type.FLOAT64, "Largest distance from the mean.", unit="m/s2", nullable=False, low=0.0),
        Column("crest", Type.FLOAT64, "Peak over RMS: 1.4 a sine, 3 to 5 noise, more where something strikes; null: no sample differs.", low=0.0),
        Column("kurtosis", Type.FLOAT64, "1.5 a sine, 3 noise, more where something strikes; null: no sample differs.", low=0.0),
        *(column for name, what in _LINES for column in _line(name, what)),
        Column("why", Type.STRING, "What cannot be told of the capture and why, in words; null: nothing is missing."),
        as_of(),
    ),
    key=("machine", "point", "capture_ts"),
    writer="refine/features_vibration",
    partition_by=("day",),
    slice_by=("machine", "hour_ts"),
    freshness_target_s=90,
)

SILVER_VIBRATION = (FEATURES_VIBRATION,)
