"""From the plant to a problem and back: `built` makes the problem of a situation, `entries` the rows of a plan."""

from factolake.planning.building.assembling import WEIGHTS, Built, built
from factolake.planning.building.entries import Entry, current, entries, moved
from factolake.planning.building.ground import Rules
from factolake.planning.building.leaving_out import Refused
from factolake.planning.building.seconds import told

__all__ = ["WEIGHTS", "Built", "Entry", "Refused", "Rules", "built", "current", "entries", "moved", "told"]
