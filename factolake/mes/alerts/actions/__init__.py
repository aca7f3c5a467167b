"""The actions of alerts, a module a noun; loading this declares them and lets other actions raise alerts."""

from factolake.mes.alerts import sources
from factolake.mes.alerts.actions import alerts, rules, watching

__all__ = ["alerts", "rules", "sources", "watching"]
