"""What is asked about production: genealogy and recall of a lot, handover of a line, flow of an order."""

from dataclasses import asdict

from pydantic import Field

from factolake.mes.core.moments import Moment
from factolake.mes.core.query import Answer, Asked, query
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.rights import Rights
from factolake.mes.production import answers
from factolake.mes.production.flow_times import Work, flow
from factolake.mes.production.genealogy import Way, tree
from factolake.mes.production.handover import handover
from factolake.mes.production.models import Lot, Order
from factolake.mes.production.recall import recall


class GenealogyAsked(Asked):
    """Which part of a lot's genealogy."""

    way: Way = Field(default=Way.FORWARD, description="forward: what it went into; backward: what it was made of.")
    max_levels: int = Field(default=10, ge=1, le=50)
    limit: int = Field(default=1000, ge=1, le=5000, description="At most so many lots, the nearest first.")


class RecallAsked(Asked):
    """How long a list."""

    limit: int = Field(default=10_000, ge=1, le=1_000_000, description="At most so many lots; orders, pallets and customers are always all.")


class HandoverAsked(Asked):
    """Which time, as a rule a shift."""

    from_ts: Moment
    to_ts: Moment


@query("lot.genealogy", Lot, answers.Genealogy, GenealogyAsked)
def lot_genealogy(rights: Rights, lot: Lot, asked: GenealogyAsked) -> Answer:
    """What a lot went into or was made of, level by level."""
    return tree(rights, lot, asked.way, asked.max_levels, asked.limit)


@query("lot.recall", Lot, answers.Recall, RecallAsked)
def lot_recall(rights: Rights, lot: Lot, asked: RecallAsked) -> Answer:
    """Everything a lot went into, with the orders, pallets and customers to be told."""
    return recall(rights, lot, asked.limit)


@query("equipment.handover", Equipment, answers.Handover, HandoverAsked)
def line_handover(_: Rights, equipment: Equipment, asked: HandoverAsked) -> Answer:
    """Reports and counts of a line or machine in a time, and where they disagree."""
    return handover(equipment, asked.from_ts, asked.to_ts)


@query("order.flow", Order, answers.OrderFlow)
def order_flow(_: Rights, order: Order, __: Asked) -> Answer:
    """How long an order was worked on and how long it waited between its operations."""
    operations = order.operations.values_list("operation_id", "description", "actual_start_ts", "actual_end_ts")
    works = [Work(*one) for one in operations if None not in one]
    return {"order_id": order.order_id, **asdict(flow(works)), "open_operations": len(operations) - len(works)}
