"""Bronze: what arrived, unchanged. Written only by landing; nothing is dropped but the repeats of a capture, nothing edited."""

from factolake.contracts.table import Column, Table, Type

KEY = ("source_id", "epoch", "seq", "idx")

MESSAGE_KEY = (
    Column("source_id", Type.STRING, "Which connection it came through.", nullable=False),
    Column("epoch", Type.INT64, "Boot of the source session: its start in microseconds since 1970, UTC.", nullable=False, low=0),
    Column("seq", Type.INT64, "Message number within the epoch.", nullable=False, low=0),
    Column("idx", Type.INT32, "Place within the message.", nullable=False, low=0),
)

_LANDED = (
    Column("log_id", Type.STRING, "Which spool or topic it was landed from.", nullable=False),
    Column("log_offset", Type.INT64, "Offset of its record in that log.", nullable=False, low=0),
    Column("ingest_ts", Type.TIMESTAMP, "When landing wrote it (UTC).", nullable=False),
    Column("ingest_date", Type.DATE, "UTC date of ingest_ts.", nullable=False),
)

_STAMPS = (
    Column("source_ts", Type.TIMESTAMP, "The machine's word on when (UTC); null if it gave none."),
    Column("source_ts_ns_rest", Type.INT32, "Nanoseconds of source_ts below a microsecond.", low=0, high=999),
    Column("server_ts", Type.TIMESTAMP, "The server's word on when (UTC); null if it gave none."),
    Column("gateway_ts", Type.TIMESTAMP, "When our gateway received it (UTC).", nullable=False),
)

READING_MESSAGE = (
    *MESSAGE_KEY,
    Column("tag", Type.STRING, "The source's own name of the value, verbatim; empty for a connection heartbeat.", nullable=False),
    Column("value_kind", Type.STRING, "Which value column holds it.", nullable=False, values=("f64", "i64", "u64", "bool", "text", "bytes", "null")),
    Column("value_f64", Type.FLOAT64, "The value if it was floating point."),
    Column("value_i64", Type.INT64, "The value if it was an integer that fits 64 signed bits."),
    Column("value_u64", Type.DECIMAL20, "The value if it was an unsigned 64-bit integer."),
    Column("value_bool", Type.BOOL, "The value if it was a boolean."),
    Column("value_text", Type.STRING, "The value if it was text; other types as JSON text."),
    Column("value_bytes", Type.BINARY, "The value if it was a byte string."),
    Column("unit_raw", Type.STRING, "The unit the source declared, verbatim."),
    *_STAMPS,
    Column("status", Type.INT64, "OPC UA status code; 0 is good.", nullable=False, low=0, high=4294967295),
    Column("flags", Type.INT32, "Bits: 1 overflow, 2 replayed, 4 heartbeat, 8 first value after subscribing.", nullable=False, low=0),
)
"""The columns of a reading as a connector sends it; landing adds where it came from and when it landed."""

EVENT_MESSAGE = (
    *MESSAGE_KEY,
    Column("kind", Type.STRING, "What happened: alarm, alert, session, node_error, loss, gap, mes_record and so on.", nullable=False),
    Column("subject", Type.STRING, "What it happened to: machine, tag, order."),
    Column("payload", Type.STRING, "The event as JSON text.", nullable=False),
    Column("payload_schema", Type.STRING, "Name and version of the payload's form.", nullable=False),
    *_STAMPS,
)
"""The columns of an event as a connector sends it."""

READINGS = Table(
    "bronze",
    "readings",
    "one value of one tag as it arrived",
    (*READING_MESSAGE, *_LANDED),
    key=KEY,
    writer="landing",
    partition_by=("ingest_date",),
    retention_days=430,
    kept_since="ingest_ts",
    freshness_target_s=2,
)

EVENTS = Table(
    "bronze",
    "events",
    "one discrete event as it arrived",
    (*EVENT_MESSAGE, *_LANDED),
    key=KEY,
    writer="landing",
    partition_by=("ingest_date",),
    retention_days=430,
    kept_since="ingest_ts",
    freshness_target_s=2,
)

DEAD_LETTER = Table(
    "bronze",
    "dead_letter",
    "one record or row that could not be decoded, with its bytes and the reason",
    (
        *_LANDED,
        Column("row_idx", Type.INT32, "Place of the row in its record; -1 when the whole record is bad.", nullable=False, low=-1),
        Column("topic", Type.STRING, "Topic of the record.", nullable=False),
        Column("record_key", Type.STRING, "Key of the record."),
        Column("headers", Type.STRING, "Headers of the record as JSON text."),
        Column("payload", Type.BINARY, "The bytes as they arrived."),
        Column("reason", Type.STRING, "Short stable word for counting.", nullable=False),
        Column("detail", Type.STRING, "What was wrong, in words.", nullable=False),
        Column("row_count", Type.INT64, "How many values the sender says the record holds (1 if unknown).", nullable=False, low=0),
    ),
    key=("log_id", "log_offset", "row_idx"),
    writer="landing",
    partition_by=("ingest_date",),
    retention_days=430,
    kept_since="ingest_ts",
)

WAVEFORMS = Table(
    "bronze",
    "waveforms",
    "one capture of vibration: samples of one measuring point at an even rate; sent again it stays one row",
    (
        Column("machine", Type.STRING, "Machine (ISA-95 work unit), as the sender names it.", nullable=False),
        Column("point", Type.STRING, "Measuring point of the machine, as the sender names it.", nullable=False),
        Column("ts", Type.TIMESTAMP, "Time of the first sample (UTC).", nullable=False),
        Column("day", Type.DATE, "UTC date of ts.", nullable=False),
        Column("sample_rate_hz", Type.FLOAT64, "Samples a second.", unit="Hz", nullable=False, low=0.0),
        Column("n", Type.INT32, "How many samples.", nullable=False, low=1, high=65_536),
        Column("samples", Type.BINARY, "Acceleration in m/s2 as 32-bit floats, little endian, one after the other.", unit="m/s2", nullable=False),
        *MESSAGE_KEY,
        Column("gateway_ts", Type.TIMESTAMP, "When it was sent, by the sender's clock (UTC).", nullable=False),
        *_LANDED,
    ),
    key=("machine", "point", "ts"),
    writer="landing",
    partition_by=("day",),
    retention_days=430,
    kept_since="ingest_ts",
    freshness_target_s=2,
)

BRONZE = (READINGS, EVENTS, WAVEFORMS, DEAD_LETTER)
