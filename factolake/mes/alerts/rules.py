"""The times of a kind of alert at a place: the nearest rule of the plant, else the kind's own."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from factolake.mes.alerts.kinds import KINDS, AlertKind
from factolake.mes.alerts.models import AlertRule
from factolake.mes.people.rights import covers


@dataclass(frozen=True, slots=True)
class Times:
    """How long a step waits, how long a thing has to last first, and whether it is raised at all."""

    wait: timedelta
    after: timedelta
    is_on: bool


class Rules:
    """The rules as they are now; made once a call, read when the first is asked for."""

    @cached_property
    def _rules(self) -> list[AlertRule]:
        return sorted(AlertRule.objects.all(), key=lambda rule: -len(rule.scope))

    def at(self, kind: AlertKind, place: str) -> Times:
        """The times of `kind` at the equipment path `place`."""
        rule = next((each for each in self._rules if each.kind == kind.value and covers(each.scope, place)), None)
        wait_s, after_s = KINDS[kind].wait_s, KINDS[kind].after_s
        if rule is None:
            return Times(timedelta(seconds=wait_s), timedelta(seconds=after_s), is_on=True)
        wait_s, after_s = (rule.wait_s if rule.wait_s is not None else wait_s), (rule.after_s if rule.after_s is not None else after_s)
        return Times(timedelta(seconds=wait_s), timedelta(seconds=after_s), rule.is_on)
