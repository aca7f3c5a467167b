"""What can be done to proposals and kill switches."""

from factolake.mes.approvals.actions import decisions, execution, proposals, switches

__all__ = ["decisions", "execution", "proposals", "switches"]
