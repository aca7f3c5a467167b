"""Maintenance: what was asked for and what was done."""

from factolake.contracts.silver_mes.shape import EQUIPMENT, flag, key, number, of, stamp, text, whole, word
from factolake.contracts.table import Type

MAINTENANCE_REQUESTS = of(
    "maintenance_request",
    "maintenance_requests",
    "request for maintenance (ISA-95 WorkRequest)",
    (
        key("request_id", "Number, in the order of booking.", Type.INT64),
        EQUIPMENT,
        text("description", "What is wrong or due."),
        whole("priority", "Higher goes first."),
        flag("is_stopped", "Whether the equipment stands still because of it."),
        stamp("stopped_ts", "Since when it stands still"),
        text("plan_id", "Preventive plan that is due; null: a person asks."),
        word("state", "Where it stands.", "open", "accepted", "done", "rejected", "withdrawn"),
        text("requested_by", "Who asks.", nullable=False),
        stamp("requested_ts", "When it was asked", nullable=False),
        text("answer", "Why it was rejected or withdrawn."),
    ),
    request_id="id",
    equipment="equipment_id",
    requested_by="requested_by_id",
)

MAINTENANCE_ORDERS = of(
    "maintenance_order",
    "maintenance_orders",
    "piece of work of maintenance, with the clocks of its stop (ISO 14224 codes)",
    (
        key("maintenance_order_id", "Number, in the order of booking.", Type.INT64),
        EQUIPMENT,
        word("kind", "Something failed, or it was time.", "corrective", "preventive"),
        text("description", "What is to be done."),
        number("request_id", "From which request."),
        text("plan_id", "For which preventive plan."),
        word("state", "Where it stands.", "open", "working", "repaired", "proven", "closed", "cancelled"),
        stamp("stopped_ts", "Clock 1: the equipment stopped"),
        stamp("called_ts", "Clock 2: maintenance was called"),
        stamp("arrived_ts", "Clock 3: maintenance arrived"),
        stamp("repaired_ts", "Clock 4: it was repaired"),
        stamp("first_good_ts", "Clock 5: the first good part"),
        text("failure_mode", "How it failed (ISO 14224)."),
        text("failure_mechanism", "By what process it failed (ISO 14224)."),
        text("failure_cause", "Why it failed at the root (ISO 14224)."),
        text("detection_method", "How the failure was found (ISO 14224)."),
        text("finding", "What was found and done."),
        text("closed_by", "Who closed it."),
        stamp("closed_ts", "When it was closed"),
    ),
    maintenance_order_id="id",
    equipment="equipment_id",
    failure_mode="mode_id",
    failure_mechanism="mechanism_id",
    failure_cause="cause_id",
    detection_method="detection_id",
    closed_by="closed_by_id",
)
