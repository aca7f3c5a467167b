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


class OperationState(StrEnum):
    """Where an operation stands."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    SUSPENDED = "suspended"
    HELD = "held"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
