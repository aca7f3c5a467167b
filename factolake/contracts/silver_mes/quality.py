"""Checks, what they measured, and holds."""

from factolake.contracts.silver_mes.shape import flag, key, number, of, stamp, text, whole, word
from factolake.contracts.table import Column, Type

INSPECTION_PLANS = of(
    "inspection_plan",
    "inspection_plans",
    "characteristic that is checked, with its limits (a change is a new row)",
    (
        key("plan_id", "Number, in the order of booking.", Type.INT64),
        text("equipment", "Site, line or machine whose work is checked.", nullable=False),
        text("material_id", "Of which material; null: any."),
        whole("step_number", "Routing step it belongs to; null: any.", nullable=True),
        text("characteristic", "What is checked.", nullable=False),
        word("kind", "How it is judged.", "variable", "attribute"),
        text("unit", "UNECE Rec 20 code of the values; MMT is millimetre."),
        Column("nominal", Type.MEASURE, "Value wanted, in `unit`."),
        Column("lower", Type.MEASURE, "Lowest value that conforms; null: no limit."),
        Column("upper", Type.MEASURE, "Highest value that conforms; null: no limit."),
        stamp("valid_from", "From when", nullable=False),
        stamp("valid_to", "Until when, exclusive; null: still"),
    ),
    plan_id="id",
    equipment="equipment_id",
)

INSPECTIONS = of(
    "inspection",
    "inspections",
    "check of a sample",
    (
        key("inspection_id", "Number, in the order of booking.", Type.INT64),
        Column("plan_id", Type.INT64, "Plan it was judged by.", nullable=False),
        text("equipment", "Whose work was checked.", nullable=False),
        text("characteristic", "What was checked.", nullable=False),
        text("operation_id", "Of which operation; null: not said."),
        text("lot_id", "Of which lot or serial; null: not said."),
        text("gauge_id", "Measured with; null: by eye."),
        whole("sample_size", "Items checked."),
        whole("nonconforming", "Items that failed."),
        word("result", "How it ended.", "passed", "failed"),
        stamp("at_ts", "When the sample was taken", nullable=False),
        text("inspected_by", "Who checked.", nullable=False),
    ),
    inspection_id="id",
    equipment="equipment_id",
    inspected_by="inspected_by_id",
)

MEASUREMENTS = of(
    "measurement",
    "measurements",
    "measured value of a check",
    (
        key("measurement_id", "Number, in the order of booking.", Type.INT64),
        Column("inspection_id", Type.INT64, "Of which check.", nullable=False),
        whole("number", "Place in the sample, from 1."),
        Column("value", Type.MEASURE, "Measured value, in the plan's unit.", nullable=False),
        flag("conforms", "Whether it is within the plan's limits."),
    ),
    measurement_id="id",
)

HOLDS = of(
    "hold",
    "holds",
    "quality hold on a lot, or on what an order, an operation, a piece of equipment or a material brought",
    (
        key("hold_id", "Number, in the order of booking.", Type.INT64),
        text("lot_id", "This lot."),
        text("order_id", "What this order made."),
        text("operation_id", "What this operation made."),
        text("equipment", "What was made here and below."),
        text("material_id", "Lots of this material."),
        word("state", "Where it stands.", "open", "released"),
        stamp("since_ts", "Covers from then on; null: from ever"),
        stamp("until_ts", "Covers nothing made later; null: no good check yet"),
        number("inspection_id", "Failed check that set it off."),
        number("event_id", "Quality event that set it off."),
        text("characteristic", "Characteristic in question; null: all."),
        text("place_path", "Equipment path it was put at; null: the enterprise."),
        text("why", "Why, in the words of who put it."),
        text("placed_by", "Who put it.", nullable=False),
        stamp("placed_ts", "When it was put", nullable=False),
        text("released_by", "Who let it go."),
        stamp("released_ts", "When it was let go"),
        text("release_why", "Why it was let go."),
    ),
    hold_id="id",
    equipment="equipment_id",
    placed_by="placed_by_id",
    released_by="released_by_id",
)
