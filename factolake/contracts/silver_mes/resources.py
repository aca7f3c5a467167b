"""Whom and what work takes: skills, shifts, tools and components (ISA-95 personnel, physical asset and material requirements)."""

from factolake.contracts.silver_mes.shape import EQUIPMENT, flag, key, of, quantity, stamp, text, whole, word
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
