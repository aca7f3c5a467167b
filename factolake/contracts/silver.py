"""Silver: what happened, in the plant's own nouns. Each table belongs to the refinement named as its writer."""

from factolake.contracts.bronze import KEY, MESSAGE_KEY
from factolake.contracts.silver_alerts import ALERT_EVENTS
from factolake.contracts.table import Column, Table, Type, as_of
from factolake.domain.signals import Counts, SignalKind
from factolake.domain.states import MachineState

STATES = tuple(state.value for state in MachineState)

_MACHINE = Column("machine", Type.STRING, "Machine (ISA-95 work unit).", nullable=False)
_HOUR = Column("hour_ts", Type.TIMESTAMP, "The UTC hour this row lies in.", nullable=False)
_DAY = Column("day", Type.DATE, "UTC date of hour_ts.", nullable=False)

PLANT_MODEL = Table(
    "silver",
    "plant_model",
    "one version of the plant model the refinements use: equipment, signals, nameplates, calendars",
    (
        Column("model_hash", Type.STRING, "SHA-256 of the model's canonical JSON.", nullable=False),
        Column("model_json", Type.STRING, "The model as canonical JSON.", nullable=False),
        Column("loaded_ts", Type.TIMESTAMP, "When it was loaded (UTC).", nullable=False),
    ),
    key=("model_hash", "loaded_ts"),
    writer="refinery",
)

READINGS = Table(
    "silver",
    "readings",
    "one value of one signal of one machine: mapped, deduplicated, unit-normalised",
    (
        *MESSAGE_KEY,
        _MACHINE,
        Column("signal", Type.STRING, "Signal name on the machine; `connection` for a heartbeat of the source.", nullable=False),
        Column("kind", Type.STRING, "What the signal carries.", nullable=False, values=tuple(kind.value for kind in SignalKind)),
        Column("tag", Type.STRING, "The source's own name.", nullable=False),
        Column("ts", Type.TIMESTAMP, "Event time (UTC): source_ts; of a sequence source never before its predecessor.", nullable=False),
        Column("value", Type.FLOAT64, "Numeric value in `unit`; null when text or bad."),
        Column("value_i64", Type.INT64, "Counter value, exact; null for other kinds or when bad."),
        Column("value_text", Type.STRING, "Text value; null when numeric or bad."),
        Column("unit", Type.STRING, "UNECE Rec 20 code of `value`."),
        Column("quality", Type.STRING, "From the status code.", nullable=False, values=("good", "uncertain", "bad")),
        Column("source_ts", Type.TIMESTAMP, "The machine's stamp (UTC)."),
        Column("server_ts", Type.TIMESTAMP, "The server's stamp (UTC)."),
        Column("gateway_ts", Type.TIMESTAMP, "When our gateway received it (UTC).", nullable=False),
        Column("ingest_ts", Type.TIMESTAMP, "When landing wrote it (UTC).", nullable=False),
        Column("flags", Type.INT32, "As in bronze.", nullable=False, low=0),
        Column("log_id", Type.STRING, "Which log its record is in.", nullable=False),
        Column("log_offset", Type.INT64, "Offset of its record.", nullable=False, low=0),
        _HOUR,
        _DAY,
        as_of(),
    ),
    key=(*KEY, "machine"),
    writer="refine/readings",
    partition_by=("day",),
    retention_days=400,
    kept_since="ingest_ts",
    freshness_target_s=5,
)

CARRY = Table(
    "silver",
    "carry",
    "the last value of one signal of one machine at the end of one hour, for the next hour to start from",
    (
        _MACHINE,
        _HOUR,
        _DAY,
        Column("signal", Type.STRING, "Signal name; `_evidence` is the machine's last sign of life.", nullable=False),
        Column("kind", Type.STRING, "What the signal carries.", nullable=False),
        Column("ts", Type.TIMESTAMP, "Event time of that last value (UTC).", nullable=False),
        Column("value", Type.FLOAT64, "Numeric value."),
        Column("value_i64", Type.INT64, "Counter value."),
        Column("value_text", Type.STRING, "Text value."),
        Column("quality", Type.STRING, "Quality of that last value.", nullable=False),
        Column("first_ts", Type.TIMESTAMP, "Event time of the signal's first value in this hour (UTC); null if it had none."),
        Column("since_ts", Type.TIMESTAMP, "Since when the signal has had this value and quality without a break (UTC).", nullable=False),
        Column("gateway_ts", Type.TIMESTAMP, "When our gateway received that last value (UTC).", nullable=False),
        *MESSAGE_KEY,
        as_of(),
    ),
    key=("machine", "hour_ts", "signal"),
    writer="refine/carry",
    partition_by=("day",),
    slice_by=("machine", "hour_ts"),
    freshness_target_s=6,
)

_INTERVAL = (
    Column("from_ts", Type.TIMESTAMP, "Start, inclusive (UTC).", nullable=False),
    Column("to_ts", Type.TIMESTAMP, "End, exclusive (UTC).", nullable=False),
)

STATE_HOURS = Table(
    "silver",
    "state_hours",
    "one stretch of one machine within one hour in which state, order and product stay the same",
    (
        _MACHINE,
        _HOUR,
        _DAY,
        *_INTERVAL,
        Column("state", Type.STRING, "What the machine did.", nullable=False, values=STATES),
        Column("state_raw", Type.STRING, "The machine's own word; null when unknown."),
        Column("state_since", Type.TIMESTAMP, "Start of the whole state interval this stretch is part of (UTC).", nullable=False),
        Column("unknown_reason", Type.STRING, "Why unknown: no_evidence, bad_status, no_state_yet, machine_unavailable, unmapped."),
        Column("order_id", Type.STRING, "Order on the machine; null if none."),
        Column("product_id", Type.STRING, "Product on the machine; null if none."),
        Column("evidence_ts", Type.TIMESTAMP, "Last sign of life within the stretch (UTC); null if none."),
        Column("gateway_ts", Type.TIMESTAMP, "When our gateway received the state reading that began the interval here (UTC); null if none did."),
        as_of(),
    ),
    key=("machine", "from_ts"),
    writer="refine/state_hours",
    partition_by=("day",),
    slice_by=("machine", "hour_ts"),
    freshness_target_s=8,
)

MACHINE_STATES = Table(
    "silver",
    "machine_states",
    "one whole interval of one machine in one state, across hours",
    (
        _MACHINE,
        Column("line", Type.STRING, "Production line of the machine.", nullable=False),
        *_INTERVAL,
        Column("state", Type.STRING, "What the machine did.", nullable=False, values=STATES),
        Column("state_raw", Type.STRING, "The machine's own word; null when unknown."),
        Column("unknown_reason", Type.STRING, "Why unknown."),
        Column("duration_us", Type.INT64, "to_ts - from_ts.", unit="us", nullable=False, low=1),
        Column("is_open", Type.BOOL, "Whether it is the machine's latest interval and may still grow.", nullable=False),
        Column("gateway_ts", Type.TIMESTAMP, "When our gateway received the state reading that began it (UTC); null if none did."),
        Column("from_day", Type.DATE, "UTC date of from_ts.", nullable=False),
        as_of(),
    ),
    key=("machine", "from_ts"),
    writer="refine/machine_states",
    partition_by=("from_day",),
    slice_by=("machine", "from_day"),
    freshness_target_s=10,
    bi_visible=True,
)

COUNTS = Table(
    "silver",
    "counts",
    "one step of one counter between two readings",
    (
        _MACHINE,
        _HOUR,
        _DAY,
        Column("signal", Type.STRING, "Counter signal.", nullable=False),
        Column("counts", Type.STRING, "What it counts.", nullable=False, values=tuple(c.value for c in Counts)),
        *_INTERVAL,
        Column("parts", Type.INT64, "Parts counted in the step; negative never.", unit="parts", nullable=False, low=0),
        Column(
            "event", Type.STRING, "How the step came about.", nullable=False, values=("step", "first", "reset", "rollover", "jump", "across_unknown")
        ),
        Column("in_effectiveness", Type.BOOL, "Whether the step may count against time (not across unknown time).", nullable=False),
        Column("order_id", Type.STRING, "Order on the machine at to_ts."),
        Column("product_id", Type.STRING, "Product on the machine at to_ts."),
        Column("raw_from", Type.INT64, "Counter value before; null at the first."),
        Column("raw_to", Type.INT64, "Counter value after.", nullable=False),
        *MESSAGE_KEY,
        as_of(),
    ),
    key=("machine", "signal", "to_ts", "epoch", "seq", "idx"),
    writer="refine/counts",
    partition_by=("day",),
    slice_by=("machine", "hour_ts"),
    freshness_target_s=8,
    bi_visible=True,
)

DOWNTIME = Table(
    "silver",
    "downtime",
    "one stop of one machine, from the first not-producing state to the next producing, setup, idle or unknown one",
    (
        _MACHINE,
        Column("line", Type.STRING, "Production line of the machine.", nullable=False),
        *_INTERVAL,
        Column("state", Type.STRING, "The state that took most of the stop.", nullable=False, values=STATES),
        Column("state_raw", Type.STRING, "The machine's own word for it."),
        Column("duration_us", Type.INT64, "to_ts - from_ts.", unit="us", nullable=False, low=1),
        Column("is_open", Type.BOOL, "Whether the stop still lasts.", nullable=False),
        Column("asks_reason", Type.BOOL, "Whether an operator is to give a reason (long enough, and not starved or blocked).", nullable=False),
        Column("reason", Type.STRING, "Reason given; `unclassified` until then, null if nobody is asked."),
        Column("causing_machine", Type.STRING, "For starved and blocked: the neighbour that stood still, where the line model tells."),
        Column("first_gateway_ts", Type.TIMESTAMP, "When our gateway first heard of it (UTC)."),
        Column("from_day", Type.DATE, "UTC date of from_ts.", nullable=False),
        as_of(),
    ),
    key=("machine", "from_ts"),
    writer="refine/downtime",
    partition_by=("from_day",),
    slice_by=("machine", "from_day"),
    freshness_target_s=15,
    bi_visible=True,
)

SILVER = (PLANT_MODEL, READINGS, CARRY, STATE_HOURS, MACHINE_STATES, COUNTS, DOWNTIME, ALERT_EVENTS)
