"""Machine states and the time class each falls into (PLANT.md "Time" and "States"; classes after ISO 22400-2)."""

from enum import StrEnum


class MachineState(StrEnum):
    """What a machine is doing, in FactoLake's ten words."""

    PRODUCING = "producing"
    SETUP = "setup"
    FAULT = "fault"
    STARVED = "starved"
    BLOCKED = "blocked"
    WAITING = "waiting"
    NO_ORDER = "no_order"
    PLANNED_STOP = "planned_stop"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class TimeClass(StrEnum):
    """The class of a second within planned busy time (PBT = the sum of all five)."""

    APT = "apt"
    AUST = "aust"
    ADET = "adet"
    ADOT = "adot"
    UNKNOWN = "unknown"


STOP_STATES = frozenset({MachineState.FAULT, MachineState.STOPPED, MachineState.WAITING, MachineState.STARVED, MachineState.BLOCKED})
"""States that make a stop; setup, no order and planned stops are not stops, and unknown is nobody's stop."""

NEVER_ASK = frozenset({MachineState.STARVED, MachineState.BLOCKED})
"""Stops caused by a neighbour: no operator of this station is asked for a reason."""


def time_class(state: MachineState, order_on_machine: bool) -> TimeClass:
    """The time class of a second in `state`.

    A machine that never declares orders is treated as having one whenever it is not in `no_order`
    (the caller passes True): without order data a stop is a delay, not idleness.

    >>> time_class(MachineState.STARVED, True).value, time_class(MachineState.STARVED, False).value
    ('adet', 'adot')
    """
    if state is MachineState.PRODUCING:
        return TimeClass.APT
    if state is MachineState.SETUP:
        return TimeClass.AUST
    if state is MachineState.UNKNOWN:
        return TimeClass.UNKNOWN
    if state is MachineState.NO_ORDER or not order_on_machine:
        return TimeClass.ADOT
    return TimeClass.ADET
