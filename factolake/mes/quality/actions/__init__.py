"""The actions of quality, a module a noun; loading this declares them."""

from factolake.mes.quality.actions import corrective, events, gauges, holds, inspections, nonconformances, plans

__all__ = ["corrective", "events", "gauges", "holds", "inspections", "nonconformances", "plans"]
