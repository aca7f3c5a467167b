"""Silver of what models say of each minute of a machine. The minutes themselves are in `silver_features`, alerts made of scores in `gold_alerts`."""

from factolake.contracts.table import Column, Table, Type, as_of

WHY = ("scored", "value_missing", "not_running", "regime_unknown", "too_few_rows", "model_failed")
"""Why a minute has a score or none, in the order of their numbers in the models."""

SCORES = Table(
    "silver",
    "scores",
    "one minute of one machine as its model judged it; a day of a machine is judged by one version of its model",
    (
        Column("machine", Type.STRING, "Machine (ISA-95 work unit).", nullable=False),
        Column("window_ts", Type.TIMESTAMP, "Start of the minute (UTC), as in silver.features_window.", nullable=False),
        Column("score", Type.FLOAT64, "0 is usual, 1 the model's threshold, higher is stranger; null: the minute could not be judged.", low=0.0),
        Column("why", Type.STRING, "Why there is a score or none.", nullable=False, values=WHY),
        Column("top_signal", Type.STRING, "Signal with the largest part in the score; null: no score, or no part is known."),
        Column("top_share", Type.FLOAT64, "Its share of all parts; null with top_signal.", low=0.0, high=1.0),
        Column("model_name", Type.STRING, "Which model judged.", nullable=False),
        Column("model_version", Type.STRING, "Which version of it; `factolake models show` tells what it was fitted on.", nullable=False),
        Column("hour_ts", Type.TIMESTAMP, "The UTC hour this row lies in.", nullable=False),
        Column("day", Type.DATE, "UTC date of hour_ts.", nullable=False),
        as_of(),
    ),
    key=("machine", "window_ts"),
    writer="scoring",
    partition_by=("day",),
    slice_by=("machine", "day"),
    bi_visible=True,
)

SILVER_SCORES = (SCORES,)
