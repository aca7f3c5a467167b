"""The judge of plans: which rules of `factolake.domain.job` a schedule breaks, and what it costs. Apart from every solver, in plain Python.

Where the docstrings there leave room, the stricter reading holds: each operation of a batch has people and tools of its own; a batch pauses only
where all of its operations may; an operation without duration still starts in open time, and not while its machine or person is busy with another.
A job waits in front of a machine from its arrival, so an operation that comes after nothing never waits.
"""

from factolake.domain.job import Placed, Problem
from factolake.planning.judging.costs import Cost, cost, moved_operations
from factolake.planning.judging.flows import buffer_faults, link_faults, material_faults
from factolake.planning.judging.operations import duration_faults, fixed_faults, limit_faults, placement_faults
from factolake.planning.judging.resources import machine_faults, people_faults, tool_faults
from factolake.planning.judging.scene import STAFFING, Fault, Rule, scene_of

__all__ = ["STAFFING", "Cost", "Fault", "Rule", "cost", "faults", "moved_operations"]


def faults(problem: Problem, schedule: tuple[Placed, ...]) -> tuple[Fault, ...]:
    """Every rule that `schedule` (in any order) breaks; none: the plan may be published.

    An operation that is missing, or in a mode that there is not, is named as that alone: other rules are judged without it. O(n log n).
    """
    scene = scene_of(problem, schedule)
    found = [
        *placement_faults(problem, schedule),
        *duration_faults(scene),
        *limit_faults(scene),
        *link_faults(scene),
        *machine_faults(scene),
        *people_faults(scene),
        *tool_faults(scene),
        *material_faults(scene),
        *buffer_faults(scene),
        *fixed_faults(scene),
    ]
    order = {rule: number for number, rule in enumerate(Rule)}
    return tuple(sorted(found, key=lambda fault: (order[fault.rule], fault.operations)))
