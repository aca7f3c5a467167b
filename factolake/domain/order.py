"""Where production orders and their operations stand (ISA-95; B2MML dispatch status), in the words of the record, the lake and plans alike."""

from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands."""

    PLANNED = "planned"
    RELEASED = "released"
    RUNNING = "running"
    HELD = "held"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"


MAKING = (OrderState.PLANNED, OrderState.RELEASED, OrderState.RUNNING, OrderState.HELD)
"""Orders whose material is still to be made."""
IN_PLANS = tuple(state for state in MAKING if state is not OrderState.PLANNED)
"""Orders that plans are made of."""


class OperationState(StrEnum):
    """Where an operation stands."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    SUSPENDED = "suspended"
    HELD = "held"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
