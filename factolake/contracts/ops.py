"""Ops: what the layer says about itself. Clock, gaps, losses and ledger are landing's; the rest belong to their refinement."""

from factolake.contracts.bronze import KEY, MESSAGE_KEY
from factolake.contracts.table import Column, Table, Type, as_of

CLOCK = Table(
    "ops",
    "clock",
    "one minute that landing was alive, so that silence has an age",
    (
        Column("tick_ts", Type.TIMESTAMP, "The minute (UTC).", nullable=False),
        Column("tick_date", Type.DATE, "UTC date of tick_ts.", nullable=False),
    ),
    key=("tick_ts",),
    writer="landing",
    retention_days=430,
    kept_since="tick_ts",
    freshness_target_s=90,
)

GAPS = Table(
    "ops",
    "gaps",
    "one span of time or offsets a source could not deliver",
    (
        Column("source_id", Type.STRING, "Which connection.", nullable=False),
        Column("from_ts", Type.TIMESTAMP, "Last sign of life before (UTC).", nullable=False),
        Column("to_ts", Type.TIMESTAMP, "First sign of life after (UTC); null while open."),
        Column("cause", Type.STRING, "In words: session lost, log replaced, offsets missing.", nullable=False),
        Column("status", Type.STRING, "Where it stands.", nullable=False, values=("open", "recovered", "unrecoverable")),
        Column("missing_records", Type.INT64, "Records known to be missing; null if nobody can know.", low=0),
        Column("recovered_rows", Type.INT64, "Rows brought in later.", low=0),
        Column("recorded_ts", Type.TIMESTAMP, "When this row was written (UTC); the latest row of a gap counts.", nullable=False),
    ),
    key=("source_id", "from_ts", "recorded_ts"),
    writer="landing",
)

LOSSES = Table(
    "ops",
    "losses",
    "one counted loss: values the gateway had to drop or the server says it dropped",
    (
        *MESSAGE_KEY,
        Column("cause", Type.STRING, "spool_full, server_overflow and so on.", nullable=False),
        Column("lost_rows", Type.INT64, "How many values; -1 when the server does not say.", nullable=False, low=-1),
        Column("gateway_ts", Type.TIMESTAMP, "When the gateway counted it (UTC).", nullable=False),
    ),
    key=KEY,
    writer="landing",
)

LEDGER = Table(
    "ops",
    "ledger",
    "one reconciliation of one log: sent = bronze + dead letters + declared gaps",
    (
        Column("checked_ts", Type.TIMESTAMP, "When (UTC).", nullable=False),
        Column("log_id", Type.STRING, "Which log.", nullable=False),
        Column("through_offset", Type.INT64, "Counted through this offset.", nullable=False, low=0),
        Column("sent", Type.INT64, "Values the connectors wrote to the log.", nullable=False, low=0),
        Column(
            "bronze",
            Type.INT64,
            "Rows in bronze.readings, events and waveforms; a capture as often as it was sent.",
            nullable=False,
            low=0,
        ),
        Column("dead_letter", Type.INT64, "Values in bronze.dead_letter.", nullable=False, low=0),
        Column("gaps", Type.INT64, "Values declared missing.", nullable=False, low=0),
        Column("difference", Type.INT64, "sent - bronze - dead_letter - gaps; 0 when the books balance.", nullable=False),
    ),
    key=("checked_ts", "log_id"),
    writer="landing",
)

QUARANTINE = Table(
    "ops",
    "quarantine",
    "one bronze reading that silver refused, with the rule that refused it",
    (
        *MESSAGE_KEY,
        Column(
            "rule",
            Type.STRING,
            "Short stable word: unknown_tag, not_finite, future_stamp, too_old, wrong_type, wrong_unit, out_of_range, no_stamp.",
            nullable=False,
        ),
        Column("rule_version", Type.INT32, "Version of the rule set.", nullable=False, low=1),
        Column("detail", Type.STRING, "What was seen, in words.", nullable=False),
        Column("tag", Type.STRING, "The source's own name of the value.", nullable=False),
        Column("value_text", Type.STRING, "The value as text."),
        Column("source_ts", Type.TIMESTAMP, "The machine's stamp (UTC)."),
        Column("gateway_ts", Type.TIMESTAMP, "When our gateway received it (UTC).", nullable=False),
        Column("log_id", Type.STRING, "Which log its record is in.", nullable=False),
        Column("log_offset", Type.INT64, "Offset of its record.", nullable=False, low=0),
        as_of(),
    ),
    key=(*KEY, "rule"),
    writer="refine/quarantine",
    freshness_target_s=10,
)

MES_QUARANTINE = Table(
    "ops",
    "mes_quarantine",
    "one change of FactoMES's record that silver refused, with the rule that refused it",
    (
        *MESSAGE_KEY,
        Column("rule", Type.STRING, "Short stable word: undecodable, wrong_row.", nullable=False),
        Column("rule_version", Type.INT32, "Version of the rule set.", nullable=False, low=1),
        Column("detail", Type.STRING, "What was seen, in words.", nullable=False),
        Column("noun", Type.STRING, "Kind of the row: order, operation, lot and so on.", nullable=False),
        Column("object_id", Type.STRING, "Key of the row as the event names it."),
        Column("source_ts", Type.TIMESTAMP, "When it was done, as FactoMES says (UTC)."),
        Column("gateway_ts", Type.TIMESTAMP, "When the sync sent it (UTC).", nullable=False),
        Column("log_id", Type.STRING, "Which log its record is in.", nullable=False),
        Column("log_offset", Type.INT64, "Offset of its record.", nullable=False, low=0),
        as_of(),
    ),
    key=KEY,
    writer="refine/mes_quarantine",
    freshness_target_s=60,
)

ALERT_QUARANTINE = Table(
    "ops",
    "alert_quarantine",
    "one event of an alert that silver refused, with the rule that refused it",
    (
        *MESSAGE_KEY,
        Column("rule", Type.STRING, "Short stable word: undecodable, wrong_machine, wrong_time.", nullable=False),
        Column("rule_version", Type.INT32, "Version of the rule set.", nullable=False, low=1),
        Column("detail", Type.STRING, "What was seen, in words.", nullable=False),
        Column("subject", Type.STRING, "Machine as the event names it."),
        Column("gateway_ts", Type.TIMESTAMP, "When it was told (UTC).", nullable=False),
        Column("log_id", Type.STRING, "Which log its record is in.", nullable=False),
        Column("log_offset", Type.INT64, "Offset of its record.", nullable=False, low=0),
        as_of(),
    ),
    key=KEY,
    writer="refine/alert_quarantine",
    freshness_target_s=60,
)

RESTATEMENTS = Table(
    "ops",
    "restatements",
    "one published KPI value that changed afterwards",
    (
        Column("table_name", Type.STRING, "Which gold table.", nullable=False),
        Column("row_key", Type.STRING, "Key of the row as JSON text.", nullable=False),
        Column("column_name", Type.STRING, "Which value changed.", nullable=False),
        Column("old_value", Type.STRING, "Value before, as text; null if it was null."),
        Column("new_value", Type.STRING, "Value after, as text; null if it is null."),
        Column("old_as_of", Type.TIMESTAMP, "as_of of the value before (UTC).", nullable=False),
        Column("cause", Type.STRING, "Why: late_rows, plant_model, transform.", nullable=False),
        Column("gold_version", Type.INT64, "Version of the gold table that changed it.", nullable=False, low=0),
        as_of(),
    ),
    key=("table_name", "row_key", "column_name", "gold_version"),
    writer="refine/restatements",
    freshness_target_s=60,
)

RUNS = Table(
    "ops",
    "runs",
    "one refinement run that changed something or failed",
    (
        Column("refinement", Type.STRING, "Name of the refinement.", nullable=False),
        Column("started_ts", Type.TIMESTAMP, "UTC.", nullable=False),
        Column("duration_us", Type.INT64, "How long it took.", unit="us", nullable=False, low=0),
        Column("slices", Type.INT32, "Slices recomputed.", nullable=False, low=0),
        Column("changed_slices", Type.INT32, "Slices whose rows differ from before.", nullable=False, low=0),
        Column("rows_written", Type.INT64, "Rows written.", nullable=False, low=0),
        Column("version", Type.INT64, "Version of the output after it; null if nothing was committed."),
        Column("input_versions", Type.STRING, "JSON object: input to version read through.", nullable=False),
        Column("error", Type.STRING, "What failed, in words; null if nothing did."),
    ),
    key=("refinement", "started_ts"),
    writer="refinery",
    retention_days=90,
    kept_since="started_ts",
)

PLANS = Table(
    "ops",
    "plans",
    "one try of the planner to plan one line, whatever came of it",
    (
        Column("plan_id", Type.STRING, "Id of the plan; in gold.schedule where it was published.", nullable=False),
        Column("line", Type.STRING, "Production line.", nullable=False),
        Column("started_ts", Type.TIMESTAMP, "When it began (UTC).", nullable=False),
        Column("duration_us", Type.INT64, "How long it took.", unit="us", nullable=False, low=0),
        Column("cause", Type.STRING, "What set it off, a word: stop, request, nightly and so on.", nullable=False),
        Column("about", Type.STRING, "What set it off is known again by this: machine and beginning of a stop, number of a request.", nullable=False),
        Column("why", Type.STRING, "What set it off, in words.", nullable=False),
        Column("status", Type.STRING, "How it ended.", nullable=False, values=("optimal", "feasible", "infeasible", "unknown", "failed")),
        Column("is_published", Type.BOOL, "Whether it went to gold.schedule; else the plan before stays.", nullable=False),
        Column("told", Type.STRING, "What came of it, in words: what moves, the conflicts that leave no plan, or what failed.", nullable=False),
        Column("ways", Type.STRING, "What may become of interrupted work, and what follows, as JSON text; null: nothing was interrupted."),
        Column("hindsight", Type.STRING, "What it would have been worth to know of the stop when it began, in words; null: nobody asked."),
        Column("objective", Type.INT64, "What the plan costs by the weights of its settings; null: there is none."),
        Column("bound", Type.INT64, "No plan costs less; null: not known."),
        Column("gap", Type.FLOAT64, "(objective - bound) / objective; null: not known.", low=0, high=1),
        Column("operations", Type.INT32, "Operations that were planned.", nullable=False, low=0),
        Column("moved", Type.INT32, "Operations that the published rows move.", nullable=False, low=0),
        Column("problem_hash", Type.STRING, "SHA-256 (hex) over the problem; null: none could be built."),
        Column("settings", Type.STRING, "Settings of the search as JSON text.", nullable=False),
        Column("based_on", Type.STRING, "Schedule that was current then; null: none was."),
        as_of(),
    ),
    key=("plan_id",),
    writer="models/planning",
    retention_days=400,
    kept_since="started_ts",
)

OPS = (CLOCK, GAPS, LOSSES, LEDGER, QUARANTINE, MES_QUARANTINE, ALERT_QUARANTINE, RESTATEMENTS, RUNS, PLANS)
