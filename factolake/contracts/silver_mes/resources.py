"""Whom and what work takes: equipment, skills, shifts, tools, components (ISA-95 equipment, personnel, physical asset and material requirements)."""

from factolake.contracts.silver_mes.shape import EQUIPMENT, MATERIAL, flag, key, of, quantity, stamp, text, whole, word
from factolake.contracts.table import Column, Type

QUALIFICATIONS = of(
    "qualification",
    "qualifications",
    "skill that a person holds for a time (ISA-95 qualification test result)",
    (
        key("qualification_id", "Number, in the order of booking.", Type.INT64),
        text("person_id", "Who holds it.", nullable=False),
        text("skill_id", "What.", nullable=False),
        stamp("valid_from", "From when", nullable=False),
        stamp("valid_to", "Until when, exclusive; null: for good"),
    ),
    qualification_id="id",
)

SKILL_REQUIREMENTS = of(
    "skill_requirement",
    "skill_requirements",
    "skill that work asks for",
    (
        key("requirement_id", "Number, in the order of booking.", Type.INT64),
        text("skill_id", "What is asked for.", nullable=False),
        text("equipment", "Here and below; null: anywhere."),
        text("material_id", "For this material; null: any."),
        whole("step_number", "At this step of the material's routing; null: at all of them.", nullable=True),
        stamp("valid_from", "From when", nullable=False),
        stamp("valid_to", "Until when, exclusive; null: still"),
    ),
    requirement_id="id",
    equipment="equipment_id",
)

SHIFT_ASSIGNMENTS = of(
    "shift_assignment",
    "shift_assignments",
    "time in which a person works at a piece of equipment",
    (
        key("assignment_id", "Number, in the order of booking.", Type.INT64),
        text("person_id", "Who.", nullable=False),
        EQUIPMENT,
        text("role", "As what.", nullable=False),
        stamp("from_ts", "Beginning", nullable=False),
        stamp("to_ts", "End, exclusive", nullable=False),
        stamp("planned_to_ts", "End as it was planned, if it was taken back or ended before; null: it was not"),
    ),
    assignment_id="id",
    equipment="equipment_id",
)

TOOLS = of(
    "tool",
    "tools",
    "tool, mould or fixture with a life",
    (
        key("tool_id", "Number on the tool."),
        text("name", "As shown on pages.", nullable=False),
        text("tool_class", "What it is one of; work asks for a class.", nullable=False),
        text("equipment", "Where it is mounted or kept; null: store."),
        flag("is_mounted", "Whether it is mounted there."),
        word("counts", "What uses it up.", "cycles", "hours"),
        Column("life_limit", Type.QUANTITY, "Cycles or hours it lasts; null: no limit."),
        Column("used", Type.QUANTITY, "Cycles or hours used since it was new or renewed.", nullable=False),
        Column("allowed_to", Type.QUANTITY, "Limit that an engineer has allowed beyond its life; null: none."),
        flag("is_active", "False: scrapped or sent away."),
    ),
    equipment="equipment_id",
)

TOOL_REQUIREMENTS = of(
    "tool_requirement",
    "tool_requirements",
    "tool class that a step of a material's routing takes",
    (
        key("requirement_id", "Number, in the order of booking.", Type.INT64),
        text("material_id", "What is made.", nullable=False),
        whole("step_number", "Routing step that takes it."),
        text("tool_class", "Class of the tool.", nullable=False),
        stamp("valid_from", "From when", nullable=False),
        stamp("valid_to", "Until when, exclusive; null: still"),
    ),
    requirement_id="id",
)

BILL_ITEMS = of(
    "bill_item",
    "bill_items",
    "component of a material (ISA-95 MaterialRequirement)",
    (
        key("item_id", "Number, in the order of booking.", Type.INT64),
        text("material_id", "What is made.", nullable=False),
        text("component_id", "What goes in.", nullable=False),
        whole("step_number", "Routing step where it goes in."),
        quantity("quantity", "Component's base units for one base unit of the material."),
        stamp("valid_from", "From when", nullable=False),
        stamp("valid_to", "Until when, exclusive; null: still"),
    ),
    item_id="id",
)

ROUTING_STEPS = of(
    "routing_step",
    "routing_steps",
    "step on the way of a material through the plant (ISA-95 OperationsSegment)",
    (
        key("step_id", "Number, in the order of booking.", Type.INT64),
        text("material_id", "What is made.", nullable=False),
        whole("number", "Order of the steps: 10, 20, 30."),
        EQUIPMENT,
        Column("planned_setup_s", Type.FLOAT64, "Planned set-up time.", unit="s", nullable=False, low=0),
        Column("planned_run_s", Type.FLOAT64, "Planned run time per item (ISO 22400 PRI); null: not known.", unit="s", low=0),
        stamp("valid_from", "From when", nullable=False),
        stamp("valid_to", "Until when, exclusive; null: still"),
    ),
    step_id="id",
    equipment="equipment_id",
)

ROUTING_ALTERNATIVES = of(
    "routing_alternative",
    "routing_alternatives",
    "piece of equipment that may do a routing step instead of the step's own (ISA-95 equipment specification)",
    (
        key("alternative_id", "Number, in the order of booking.", Type.INT64),
        text("material_id", "What is made.", nullable=False),
        whole("step_number", "Routing step that it may do."),
        EQUIPMENT,
        Column("planned_setup_s", Type.FLOAT64, "Planned set-up time there; null: the step's.", unit="s", low=0),
        Column("planned_run_s", Type.FLOAT64, "Planned run time per item there; null: the step's.", unit="s", low=0),
        stamp("valid_from", "From when", nullable=False),
        stamp("valid_to", "Until when, exclusive; null: still"),
    ),
    alternative_id="id",
    equipment="equipment_id",
)

DELIVERIES = of(
    "delivery",
    "deliveries",
    "delivery of material that is, or was, expected from outside",
    (
        key("delivery_id", "Delivery, the ERP's id where there is one."),
        MATERIAL,
        quantity("quantity", "How much in all."),
        quantity("received", "How much of it has come."),
        stamp("expected_ts", "When it is expected", nullable=False),
        word("state", "Where it stands.", "expected", "received", "cancelled"),
        text("supplier", "Who sends it."),
        text("source_system", "System that told it first; null is FactoMES."),
    ),
)
