"""What can be done to schedules; loading this declares it, and what scheduling hears of other actions."""

from factolake.mes.scheduling.actions import asking, deciding, deviating, proposals, undoing

__all__ = ["asking", "deciding", "deviating", "proposals", "undoing"]
