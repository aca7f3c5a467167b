"""Gold: KPIs in ISO 22400-2 terms. Durations are whole microseconds, so that losses sum exactly."""

from factolake.contracts.gold_alerts import ALERT_QUALITY, ALERTS
from factolake.contracts.table import Column, Table, Type, as_of

KPI_VERSION = 1

LOSSES_IN_ORDER = (
    "unknown",
    "no_order",
    "fault",
    "stopped",
    "waiting",
    "starved",
    "blocked",
    "setup",
    "speed",
    "undivided",
    "quality",
    "good",
)
"""The parts planned busy time falls into; `undivided` is production time without a nameplate to judge it by."""


def _us(name: str, doc: str, low: float | None = 0) -> Column:
    return Column(name, Type.INT64, doc, unit="us", nullable=False, low=low)


def _parts(name: str, doc: str) -> Column:
    return Column(name, Type.INT64, doc, unit="parts", nullable=False, low=0)


def _ratio(name: str, formula: str, high: float | None = 1.0) -> tuple[Column, Column]:
    return (
        Column(name, Type.FLOAT64, f"{formula} (ISO 22400-2).", low=0, high=high),
        Column(
            f"{name}_reason",
            Type.STRING,
            "Why it is null: no_calendar, no_busy_time, low_coverage, no_nameplate, no_counter, no_parts, long_cycle, no_production, "
            "counts_disagree.",
        ),
    )


TIME_ELEMENTS = (
    _us("pot_us", "Planned operation time."),
    _us("pdot_us", "Planned down time inside it: breaks and planned stops."),
    _us("pbt_us", "Planned busy time = POT - PDOT + production outside the plan."),
    _us("apt_us", "Actual production time."),
    _us("aust_us", "Actual unit setup time."),
    _us("adet_us", "Actual unit delay time: stopped with an order on the machine."),
    _us("adot_us", "Actual unit down time: available as planned, no order."),
    _us("unknown_us", "Time within PBT without evidence."),
    _us("outside_plan_us", "Production during a break or outside a shift, already part of PBT."),
)

QUANTITIES = (
    _parts("pq", "Produced quantity: good + scrap + rework."),
    _parts("gq", "Good quantity."),
    _parts("sq", "Scrap quantity."),
    _parts("rq", "Rework quantity."),
    _parts("pq_timed", "The part of PQ that may count against time."),
    Column("ideal_us", Type.INT64, "Sum of PRI x PQ over products; null without a nameplate.", unit="us", low=0),
    Column("ideal_good_us", Type.INT64, "Sum of PRI x GQ over products; null without a nameplate.", unit="us", low=0),
)

FACTORS = (
    *_ratio("availability", "APT / (PBT - unknown)"),
    *_ratio("effectiveness", "Sum of PRI x PQ / APT, shown as Performance; may pass 1", high=None),
    *_ratio("quality_ratio", "GQ / PQ"),
    *_ratio("oee", "Availability x Effectiveness x Quality ratio", high=None),
    Column("effectiveness_above_one", Type.BOOL, "Flag: faster than the nameplate says is possible.", nullable=False),
    Column("coverage", Type.FLOAT64, "1 - unknown / PBT; null when PBT is 0.", low=0, high=1),
    Column("excluded_readings", Type.INT64, "Readings of the span with bad status, excluded from its numbers.", nullable=False, low=0),
    Column("method", Type.STRING, "How the row was rolled up: machine, bottleneck.", nullable=False),
    Column("convention", Type.STRING, "iso22400 or nakajima (short stops in effectiveness).", nullable=False),
    Column("kpi_version", Type.INT32, "Version of the definitions in PLANT terms.", nullable=False, low=1),
)

_LINE = Column("line", Type.STRING, "Production line.", nullable=False)
_MACHINE = Column("machine", Type.STRING, "Machine (ISA-95 work unit).", nullable=False)
_PRODUCTION_DAY = Column("production_day", Type.DATE, "Day the shift began, plant time.", nullable=False)
_SHIFT = Column("shift", Type.STRING, "Shift name from the calendar.", nullable=False)

OEE_HOUR = Table(
    "gold",
    "oee_hour",
    "one machine in one UTC hour",
    (
        _LINE,
        _MACHINE,
        Column("hour_ts", Type.TIMESTAMP, "Start of the hour (UTC).", nullable=False),
        Column("day", Type.DATE, "UTC date of hour_ts.", nullable=False),
        *TIME_ELEMENTS,
        *QUANTITIES,
        *FACTORS,
        as_of(),
    ),
    key=("machine", "hour_ts"),
    writer="refine/oee_hour",
    partition_by=("day",),
    slice_by=("machine", "hour_ts"),
    freshness_target_s=10,
    bi_visible=True,
)

OEE_SHIFT = Table(
    "gold",
    "oee_shift",
    "one machine or one line in one shift of one production day",
    (
        _LINE,
        Column("equipment", Type.STRING, "Machine id, or line id for the line's row.", nullable=False),
        Column("equipment_level", Type.STRING, "ISA-95 level.", nullable=False, values=("WorkUnit", "ProductionLine")),
        _PRODUCTION_DAY,
        _SHIFT,
        Column("from_ts", Type.TIMESTAMP, "Start of the shift (UTC).", nullable=False),
        Column("to_ts", Type.TIMESTAMP, "End of the shift (UTC).", nullable=False),
        Column("is_complete", Type.BOOL, "Whether the shift has ended as far as the data tells.", nullable=False),
        *TIME_ELEMENTS,
        *QUANTITIES,
        *FACTORS,
        as_of(),
    ),
    key=("equipment", "production_day", "shift"),
    writer="refine/oee_shift",
    slice_by=("line", "production_day", "shift"),
    freshness_target_s=15,
    bi_visible=True,
)

LOSSES = Table(
    "gold",
    "losses",
    "one part of the planned busy time of one machine in one shift; the parts of a shift sum to its PBT exactly",
    (
        _LINE,
        _MACHINE,
        _PRODUCTION_DAY,
        _SHIFT,
        Column("loss", Type.STRING, "Which part.", nullable=False, values=LOSSES_IN_ORDER),
        Column("loss_order", Type.INT32, "Place in the waterfall.", nullable=False, low=0),
        _us("duration_us", "How much; speed may be negative where production ran faster than nameplate.", low=None),
        Column("kpi_version", Type.INT32, "Version of the definitions.", nullable=False, low=1),
        as_of(),
    ),
    key=("machine", "production_day", "shift", "loss"),
    writer="refine/losses",
    slice_by=("line", "production_day", "shift"),
    freshness_target_s=15,
    bi_visible=True,
)

KNOWLEDGE_LAG = Table(
    "gold",
    "knowledge_lag",
    "one stop and one system that came to know of it",
    (
        _LINE,
        _MACHINE,
        Column("event_kind", Type.STRING, "What happened: the stop's state.", nullable=False),
        Column("happened_ts", Type.TIMESTAMP, "When the machine stopped (UTC).", nullable=False),
        Column("system", Type.STRING, "Who came to know: factolake, or the system that sent an mes_record.", nullable=False),
        Column("known_ts", Type.TIMESTAMP, "When that system knew (UTC).", nullable=False),
        Column("lag_us", Type.INT64, "How long it took; for history played back, from its arrival at the gateway.", unit="us", nullable=False, low=0),
        Column("is_replayed", Type.BOOL, "Whether the event came as history and not live.", nullable=False),
        Column("from_day", Type.DATE, "UTC date of happened_ts.", nullable=False),
        as_of(),
    ),
    key=("machine", "happened_ts", "system"),
    writer="refine/knowledge_lag",
    slice_by=("machine", "from_day"),
    freshness_target_s=20,
    bi_visible=True,
)

DOWNTIME_PARETO = Table(
    "gold",
    "downtime_pareto",
    "one reason of the stopped time of one machine in one shift; the reasons of a shift sum to silver.downtime in it exactly",
    (
        _LINE,
        _MACHINE,
        _PRODUCTION_DAY,
        _SHIFT,
        Column("reason_id", Type.STRING, "Reason given; `unclassified`: none yet, `not_asked`: short, starved or blocked.", nullable=False),
        Column("reason_path", Type.STRING, "The reason's names from the root of its tree down; null for the two words above."),
        Column("is_planned", Type.BOOL, "Whether the reason counts as planned; null for the two words above."),
        Column("reason_order", Type.INT32, "Place among the reasons of the machine and shift, most time first.", nullable=False, low=1),
        Column("stops", Type.INT64, "Stops of silver.downtime that it took time of.", unit="stops", nullable=False, low=1),
        _us("duration_us", "Stopped time with this reason, within the shift.", low=1),
        as_of(),
    ),
    key=("machine", "production_day", "shift", "reason_id"),
    writer="refine/downtime_pareto",
    slice_by=("line", "production_day", "shift"),
    freshness_target_s=60,
    bi_visible=True,
)

SCHEDULE = Table(
    "gold",
    "schedule",
    "one operation in one plan that planner software proposes for a line; only operations that the plan moves",
    (
        _LINE,
        Column("plan_id", Type.STRING, "The planner software's own id of the plan; a plan is proposed once and as a whole.", nullable=False),
        Column("operation_id", Type.STRING, "Operation of the record.", nullable=False),
        Column("machine", Type.STRING, "Machine (ISA-95 work unit) where it is to be done.", nullable=False),
        Column("planned_start_ts", Type.TIMESTAMP, "Planned start (UTC).", nullable=False),
        Column("planned_end_ts", Type.TIMESTAMP, "Planned end (UTC).", nullable=False),
        Column("why", Type.STRING, "Why this operation moves, in words."),
        Column("plan_why", Type.STRING, "Why there is a plan, in words; the same on all its rows.", nullable=False),
        Column("plan_operations", Type.INT32, "How many rows the plan has; it is taken when all are there.", nullable=False, low=1),
        Column("based_on", Type.STRING, "Schedule of the record that was current when it was planned; null: none was."),
        as_of(),
    ),
    key=("plan_id", "operation_id"),
    writer="models/planning",
    slice_by=("line", "plan_id"),
    retention_days=30,
    kept_since="as_of",
    bi_visible=True,
)
"""What planner software proposes; FactoMES takes it."""

SCHEDULE_ADHERENCE = Table(
    "gold",
    "schedule_adherence",
    "one operation that one shift was given to do; the schedule adherence of a shift is the share of its rows with is_adhered",
    (
        _LINE,
        Column("machine", Type.STRING, "Equipment where it was planned (line or machine).", nullable=False),
        _PRODUCTION_DAY,
        _SHIFT,
        Column("operation_id", Type.STRING, "Operation of the record.", nullable=False),
        Column("order_id", Type.STRING, "Its order.", nullable=False),
        Column(
            "planned_start_ts",
            Type.TIMESTAMP,
            "Planned start by the plan when the shift began; if it had none, its first in it (UTC).",
            nullable=False,
        ),
        Column("planned_end_ts", Type.TIMESTAMP, "Planned end, by the same plan (UTC); null: none."),
        Column("actual_machine", Type.STRING, "Equipment where it was started; null: it was not started by the end of the shift, plus 15 min."),
        Column("actual_start_ts", Type.TIMESTAMP, "When it was started (UTC); null: it was not, as above."),
        Column("actual_end_ts", Type.TIMESTAMP, "When it was completed (UTC); null: it was not."),
        Column("start_deviation_us", Type.INT64, "actual_start_ts - planned_start_ts; early is negative.", unit="us"),
        Column("is_on_time", Type.BOOL, "Whether the deviation is at most 15 min either way; null: it was not started."),
        Column("is_in_sequence", Type.BOOL, "Whether nothing planned after it at its machine in the shift was started before it; null: not started."),
        Column("is_right_machine", Type.BOOL, "Whether it was started where it was planned; null: it was not started."),
        Column("is_adhered", Type.BOOL, "All three; null: it was not started, which is a miss once the shift has ended."),
        Column("kpi_version", Type.INT32, "Version of the definitions.", nullable=False, low=1),
        as_of(),
    ),
    key=("operation_id", "production_day", "shift"),
    writer="refine/schedule_adherence",
    slice_by=("line", "production_day", "shift"),
    freshness_target_s=60,
    bi_visible=True,
)

GOLD = (OEE_HOUR, OEE_SHIFT, LOSSES, KNOWLEDGE_LAG, DOWNTIME_PARETO, SCHEDULE, SCHEDULE_ADHERENCE, ALERTS, ALERT_QUALITY)
