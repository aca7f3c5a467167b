"""Silver of signals: each machine's minutes and cycles as numbers that models learn from and are asked about.

Made of good readings of process and setpoint signals alone, by the functions in `factolake/features/`. Captures of vibration as figures are in
`silver_vibration.py`.
"""

from factolake.contracts.table import Column, Table, Type, as_of

_MACHINE = Column("machine", Type.STRING, "Machine (ISA-95 work unit).", nullable=False)
_SIGNAL = Column("signal", Type.STRING, "Process or setpoint signal of the machine.", nullable=False)
_WINDOW = Column("window_ts", Type.TIMESTAMP, "Start of the minute (UTC); only readings from it to before its end count.", nullable=False)
_HOUR = Column("hour_ts", Type.TIMESTAMP, "The UTC hour this row lies in.", nullable=False)
_DAY = Column("day", Type.DATE, "UTC date of hour_ts.", nullable=False)
_N = Column("n", Type.INT64, "How many good values.", nullable=False, low=1)
_MEAN = Column("mean", Type.FLOAT64, "Mean of the values, in the signal's unit.", nullable=False)
_LOW = Column("low", Type.FLOAT64, "Lowest value.", nullable=False)
_HIGH = Column("high", Type.FLOAT64, "Highest value.", nullable=False)
_LAST = Column("last", Type.FLOAT64, "Last value.", nullable=False)

FEATURES_WINDOW = Table(
    "silver",
    "features_window",
    "one signal of one machine in one minute in which it had a good value; shown when the machine has given a sign of life in a later minute",
    (
        _MACHINE,
        _SIGNAL,
        _WINDOW,
        _HOUR,
        _DAY,
        _N,
        _MEAN,
        Column("std", Type.FLOAT64, "Standard deviation of these values themselves (population).", nullable=False, low=0.0),
        _LOW,
        _HIGH,
        Column("first", Type.FLOAT64, "First value.", nullable=False),
        _LAST,
        Column("slope", Type.FLOAT64, "Rise by least squares, in units a second; 0 where all values have one stamp.", nullable=False),
        as_of(),
    ),
    key=("machine", "signal", "window_ts"),
    writer="refine/features_window",
    partition_by=("day",),
    slice_by=("machine", "hour_ts"),
    freshness_target_s=90,
)

WINDOW_REGIMES = Table(
    "silver",
    "window_regimes",
    "one minute of one machine that has rows in silver.features_window: whether it ran, and on what",
    (
        _MACHINE,
        _WINDOW,
        _HOUR,
        _DAY,
        Column(
            "running_s",
            Type.FLOAT64,
            "Seconds of the minute in the state `producing`, by the state readings; 0 for a machine that tells no state.",
            unit="s",
            nullable=False,
            low=0.0,
            high=60.0,
        ),
        Column("product", Type.STRING, "The one product of the whole minute; null if it had none, or more than one."),
        as_of(),
    ),
    key=("machine", "window_ts"),
    writer="refine/window_regimes",
    partition_by=("day",),
    slice_by=("machine", "hour_ts"),
    freshness_target_s=90,
)

FEATURES_CYCLE = Table(
    "silver",
    "features_cycle",
    "one signal of one machine in one cycle: from one pulse of its total counter to the next, an hour at most; shown when its last minute is over",
    (
        _MACHINE,
        _SIGNAL,
        Column("cycle_ts", Type.TIMESTAMP, "End of the cycle, exclusive (UTC): to_ts of its step in silver.counts.", nullable=False),
        _HOUR,
        _DAY,
        Column("duration_s", Type.FLOAT64, "How long the cycle took.", unit="s", nullable=False, low=0.0, high=3600.0),
        _N,
        _MEAN,
        _LOW,
        _HIGH,
        _LAST,
        Column("product", Type.STRING, "Product on the machine at the end of the cycle; null if none."),
        as_of(),
    ),
    key=("machine", "signal", "cycle_ts"),
    writer="refine/features_cycle",
    partition_by=("day",),
    slice_by=("machine", "hour_ts"),
    freshness_target_s=90,
)

SILVER_FEATURES = (FEATURES_WINDOW, WINDOW_REGIMES, FEATURES_CYCLE)
