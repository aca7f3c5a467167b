"""What to do about the plans that the lake tells of: the newest whole plan of a line becomes its proposal, and takes the place of an older one.

`wanted` is pure. People's own proposals are never touched: a plan waits until they are decided about.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LakePlan:
    """A plan as the lake has it: `rows` of the `operations` it says it has are there."""

    line_id: str
    plan_id: str
    as_of: datetime
    rows: int
    operations: int


@dataclass(frozen=True, slots=True)
class Step:
    """What to do at one line: take the proposal `withdraw` back ("": none), then propose the plan `propose` ("": none)."""

    line_id: str
    withdraw: str = ""
    propose: str = ""


def wanted(told: Iterable[LakePlan], taken: Mapping[str, Set[str]], proposals: Mapping[str, tuple[str, str]]) -> list[Step]:
    """The steps for the plans the lake tells.

    `taken` are the ids of plans that each line had already, `proposals` the open proposals of the lake's plans: by line the schedule's id and
    the plan's. A plan that is not whole yet waits; so do older ones, which the newest has replaced.
    """
    newest: dict[str, LakePlan] = {}
    known: dict[str, set[str]] = {}
    for plan in told:
        known.setdefault(plan.line_id, set()).add(plan.plan_id)
        held = newest.get(plan.line_id)
        if held is None or (plan.as_of, plan.plan_id) > (held.as_of, held.plan_id):
            newest[plan.line_id] = plan
    steps = []
    for line_id in sorted(newest.keys() | proposals.keys()):
        schedule_id, plan_id = proposals.get(line_id, ("", ""))
        latest = newest.get(line_id)
        is_new = latest is not None and latest.rows >= latest.operations and latest.plan_id not in taken.get(line_id, frozenset())
        is_gone = bool(schedule_id) and plan_id not in known.get(line_id, set())
        if is_new or is_gone:
            steps.append(Step(line_id, schedule_id, latest.plan_id if is_new and latest is not None else ""))
    return steps
