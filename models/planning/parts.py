"""A problem cut down to some of its operations: for conflicts, windows and what must hold of a part."""

from collections.abc import Iterable
from dataclasses import replace

from factolake.domain.job import Problem


def reduced(problem: Problem, operations: Iterable[int]) -> tuple[Problem, tuple[int, ...]]:
    """The problem of these operations alone, numbered anew in their order, and their old numbers: all else, links to it as well, is gone.

    Jobs, machines, people, tools and materials keep their numbers.
    """
    kept = tuple(sorted(set(operations)))
    new = {old: number for number, old in enumerate(kept)}
    parts = tuple(
        replace(
            problem.operations[old],
            after=tuple(replace(link, operation=new[link.operation]) for link in problem.operations[old].after if link.operation in new),
        )
        for old in kept
    )
    fixed = tuple(replace(placed, operation=new[placed.operation]) for placed in problem.fixed if placed.operation in new)
    before = tuple(replace(placed, operation=new[placed.operation]) for placed in problem.before if placed.operation in new)
    return replace(problem, operations=parts, fixed=fixed, before=before), kept
