"""Actions of personnel, a module a noun."""

from factolake.mes.personnel.actions import shifts, skills

__all__ = ["shifts", "skills"]
