"""Schedules as people decide about them, and what they ask of planner software."""

from factolake.contracts.silver_mes.shape import EQUIPMENT, OPERATION, key, of, stamp, text, whole, word
from factolake.contracts.table import Type

SCHEDULES = of(
    "schedule",
    "schedules",
    "version of a line's schedule (ISA-95 work schedule)",
    (
        key("schedule_id", "Line and number: L1.7."),
        text("line", "Production line it plans.", nullable=False),
        whole("number", "Counts the versions of the line, from 1."),
        word("state", "Where it stands; the accepted one is current.", "proposed", "accepted", "superseded", "rejected", "stale", "undone"),
        text("made_by", "Planner or planner software.", nullable=False),
        stamp("made_ts", "When it was proposed", nullable=False),
        text("why", "Why, in the proposer's words.", nullable=False),
        stamp("from_ts", "Beginning of the time it plans", nullable=False),
        stamp("to_ts", "End of the time it plans", nullable=False),
        text("based_on", "Schedule that was current when it was proposed; null: none was."),
        text("plan_id", "The planner software's own id of the plan, as in gold.schedule; null: it has none."),
        text("ended_by", "Who accepted, rejected or undid it."),
        stamp("ended_ts", "When it was accepted, or came to its end; null: it is proposed"),
        text("ended_why", "Why it is rejected, stale or undone."),
        text("replaces", "Schedule that was current before it."),
    ),
    line="line_id",
    made_by="made_by_id",
    based_on="based_on_id",
    plan_id="source_id",
    ended_by="ended_by_id",
    replaces="replaces_id",
)

SCHEDULE_ENTRIES = of(
    "schedule_entry",
    "schedule_entries",
    "operation that a version of a schedule plans anew (ISA-95 job order), and how it was planned before",
    (
        key("entry_id", "Number.", Type.INT64),
        text("schedule_id", "Of which version.", nullable=False),
        OPERATION,
        EQUIPMENT,
        whole("sequence", "Its place in the sequence of that equipment, from 1."),
        stamp("planned_start_ts", "Planned start", nullable=False),
        stamp("planned_end_ts", "Planned end", nullable=False),
        text("why", "Why this one moves, in the proposer's words."),
        word("state", "Where the change stands.", "proposed", "rejected", "accepted", "undone"),
        text("before_equipment", "Where it was planned before.", nullable=False),
        stamp("before_start_ts", "Planned start before; null: none"),
        stamp("before_end_ts", "Planned end before; null: none"),
    ),
    entry_id="id",
    equipment="equipment_id",
    before_equipment="before_equipment_id",
)

SCHEDULE_REQUESTS = of(
    "schedule_request",
    "schedule_requests",
    "request for a new plan of a line",
    (
        key("request_id", "Number, in the order of booking.", Type.INT64),
        text("line", "Line to be planned anew.", nullable=False),
        text("why", "Why, in the words of who asks.", nullable=False),
        text("requested_by", "Who asks.", nullable=False),
        stamp("requested_ts", "When it was asked", nullable=False),
    ),
    request_id="id",
    line="line_id",
    requested_by="requested_by_id",
)
