"""What can be done to schedules; loading this declares it, and what scheduling hears of other actions."""

from factolake.mes.scheduling.actions import deciding, deviating, proposals, undoing

__all__ = ["deciding", "deviating", "proposals", "undoing"]
