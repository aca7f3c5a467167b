"""Orders and what became of material: ISA-95 names, quantities in the base unit of their material; and stops as people work on them."""

from factolake.contracts.silver_mes.shape import EQUIPMENT, LOT, MATERIAL, OPERATION, REVERSES, flag, key, of, quantity, stamp, text, whole, word
from factolake.contracts.table import Column, Type

MATERIALS = of(
    "material",
    "materials",
    "material (ISA-95 MaterialDefinition)",
    (
        MATERIAL,
        text("description", "In words."),
        text("base_unit", "UNECE Rec 20 code of its quantities; C62 is a piece.", nullable=False),
        word("tracked_by", "How it is traced.", "none", "lot", "serial"),
        text("source_system", "System that owns it; null is FactoMES."),
    ),
)

REASONS = of(
    "reason",
    "reasons",
    "reason of the trees that people choose from",
    (
        key("reason_id", "Short code."),
        word("kind", "What it explains.", "downtime", "scrap", "rework", "deviation"),
        text("name", "As shown on pages.", nullable=False),
        text("parent_id", "The branch it hangs on; null: a tree of its own."),
        text("scope", "Equipment path where it may be chosen; null: everywhere."),
        flag("is_planned", "Whether the time counts as planned."),
        flag("is_active", "Whether it is still offered."),
    ),
    is_planned="planned",
)

ORDERS = of(
    "order",
    "orders",
    "production order (ISA-95 OperationsRequest)",
    (
        key("order_id", "Order, the ERP's id where there is one."),
        MATERIAL,
        quantity("quantity", "How much is to be made."),
        stamp("due_ts", "By when"),
        whole("priority", "Higher goes first."),
        text("line", "Production line that makes it.", nullable=False),
        word("state", "Where it stands.", "planned", "released", "running", "held", "completed", "closed", "cancelled"),
        word("counted_by", "Who says how much was made.", "machine", "operator", "both"),
        text("customer", "Whom it is for, as the ERP says."),
        text("sales_order", "The customer's order and item, as the ERP says."),
        text("source_system", "System that owns it; null is FactoMES."),
    ),
    line="line_id",
)

OPERATIONS = of(
    "operation",
    "operations",
    "step of an order at a piece of equipment (ISA-95 job order)",
    (
        OPERATION,
        text("order_id", "Its order.", nullable=False),
        whole("number", "Order of the steps: 10, 20, 30."),
        whole("part", "0; of the rest of an interrupted operation, made elsewhere: 1, 2 and so on.", nullable=True),
        quantity("quantity", "How much of the order it makes; null: all of it.", nullable=True),
        text("description", "In words."),
        EQUIPMENT,
        word("state", "Where it stands (B2MML dispatch status).", "waiting", "ready", "running", "suspended", "held", "completed", "cancelled"),
        stamp("planned_start_ts", "Planned start"),
        stamp("planned_end_ts", "Planned end"),
        whole("sequence", "Place in the planned sequence of its equipment, from 1; null: in none.", nullable=True),
        Column("planned_setup_s", Type.FLOAT64, "Planned set-up time.", unit="s", nullable=False, low=0),
        Column("planned_run_s", Type.FLOAT64, "Planned run time per item (ISO 22400 PRI); null: not known.", unit="s", low=0),
        flag("may_overlap", "Whether it may begin while the one before it runs: parts move on one by one."),
        stamp("waits_until_ts", "Until when it waits for a repair, as estimated; null: it does not"),
        stamp("actual_start_ts", "When it was started"),
        stamp("actual_end_ts", "When it was completed"),
        quantity("good", "Good quantity reported."),
        quantity("scrap", "Scrap reported."),
        quantity("rework", "Rework reported."),
    ),
    may_overlap="overlaps",
    equipment="equipment_id",
)

LOTS = of(
    "lot",
    "lots",
    "lot, batch or serial number of a material (ISA-95 MaterialLot)",
    (
        LOT,
        MATERIAL,
        word("kind", "A serial is one piece.", "batch", "lot", "serial"),
        quantity("quantity", "What there was when it was made or received."),
        quantity("remaining", "What is left of it."),
        word("status", "What may be done with it.", "unrestricted", "quality_inspection", "blocked", "scrapped"),
        text("operation_id", "Operation that made it; null: received."),
        text("supplier_lot", "The supplier's own number."),
        text("pallet", "Handling unit it lies on."),
        text("place_path", "Equipment path where it was made or received."),
        stamp("made_ts", "When it was made or received", nullable=False),
    ),
    operation_id="made_by_id",
)

PRODUCTION = of(
    "production",
    "production",
    "report of what an operation made (ISA-95 MaterialProduced); a correction is a row of the opposite sign",
    (
        key("production_id", "Number, in the order of booking.", Type.INT64),
        OPERATION,
        text("lot_id", "Lot the good ones belong to."),
        quantity("good", "Good; negative in a reversal."),
        quantity("scrap", "Scrap; negative in a reversal."),
        quantity("rework", "To be reworked; negative in a reversal."),
        text("reason_id", "Why scrap or rework."),
        stamp("at_ts", "When it was made", nullable=False),
        text("reported_by", "Who reported it.", nullable=False),
        REVERSES,
    ),
    production_id="id",
    reason_id="cause_id",
    reported_by="reported_by_id",
    reverses="reverses_id",
)

CONSUMPTION = of(
    "consumption",
    "consumption",
    "use of a lot in an operation (ISA-95 MaterialConsumed), an edge of the genealogy; a correction is a row of the opposite sign",
    (
        key("consumption_id", "Number, in the order of booking.", Type.INT64),
        OPERATION,
        LOT,
        text("into_lot_id", "Lot it went into; null: not traced."),
        quantity("quantity", "How much of the used material; negative in a reversal."),
        stamp("at_ts", "When", nullable=False),
        text("reported_by", "Who reported it.", nullable=False),
        REVERSES,
    ),
    consumption_id="id",
    reported_by="reported_by_id",
    reverses="reverses_id",
)

STOPS = of(
    "stop",
    "stops",
    "stop of a machine as people work on it (classified, split, merged); what the machine itself did is silver.downtime",
    (
        key("stop_id", "Machine and beginning; a part of a split stop has its own beginning."),
        text("machine", "Machine (ISA-95 work unit) that stood.", nullable=False),
        stamp("from_ts", "Beginning", nullable=False),
        stamp("to_ts", "End as far as FactoMES was told; an open stop goes on", nullable=False),
        flag("is_open", "Whether it still lasts."),
        text("machine_state", "State that took most of it, as the lake told it.", nullable=False),
        text("state_raw", "The machine's own word."),
        text("causing_machine", "Neighbour that starved or blocked it."),
        flag("asks_reason", "Whether a person is to give a reason."),
        text("reason_id", "Why; null is unclassified."),
        text("comment", "In a person's words."),
        text("classified_by", "Who gave the reason."),
        stamp("classified_ts", "When the reason was given"),
        word("state", "Whether it counts.", "current", "merged", "withdrawn"),
        text("merged_into", "Stop that it became part of."),
        flag("is_edited", "Whether a person set its ends."),
        stamp("lake_from_ts", "Beginning of the stop in silver.downtime that it comes from", nullable=False),
    ),
    machine="equipment_id",
    classified_by="classified_by_id",
    merged_into="merged_into_id",
)
