"""Which pins hold: running work, and of what is frozen or kept where it is planned as much as breaks no rule."""

from collections.abc import Callable, Iterable, Mapping
from itertools import permutations

from factolake.domain.job import Placed, Problem
from factolake.planning.building.drafts import FROZEN, RUNS, Draft, Pin
from factolake.planning.judging.open_time import OpenTime
from factolake.planning.validator import STAFFING, Fault, Rule, faults

Made = Callable[[frozenset[int], frozenset[int]], Problem]
"""(drafts that are pinned, those of them without people and tools) -> the problem with them so."""


def pinned(found: list[Draft], made: Made) -> tuple[Problem, tuple[Placed, ...], frozenset[int]]:
    """The problem, where pinned work stands in it, and the running drafts that go on without the people or tools they ask for.

    Where pins cannot all be, the latest frozen one gives way, then what is kept, then the running one that would begin last.
    """
    pins = {number: draft.pin for number, draft in enumerate(found) if draft.pin is not None}
    bare: set[int] = set()
    while True:
        for number in _follow_free(found, pins):
            del pins[number]
        problem = made(frozenset(pins), frozenset(bare))
        placed, alone = _placed(problem, pins)
        broken = [fault for fault in faults(problem, tuple(placed.values())) if fault.rule is not Rule.PLACED]
        if not alone and not broken:
            return problem, tuple(placed[number] for number in sorted(placed)), frozenset(bare & pins.keys())
        _give_way(pins, bare, alone, broken)


def _give_way(pins: dict[int, Pin], bare: set[int], alone: set[int], broken: list[Fault]) -> None:
    """Take out one pin of each rule that is broken, while the others of it are there; running work goes on without people and tools first."""
    for number in alone:
        if pins[number].rank == RUNS and number not in bare:
            bare.add(number)
        else:
            del pins[number]

    def last(number: int) -> tuple[int, int, int]:
        return pins[number].rank, pins[number].start, number

    for fault in broken:
        at_fault = [number for number in fault.operations if number in pins]
        if len(at_fault) < len(fault.operations) or (bare.intersection(at_fault) and fault.rule in STAFFING):
            continue
        gives = max(at_fault, key=last)
        if fault.rule in STAFFING and pins[gives].rank == RUNS:
            bare.add(gives)
        else:
            del pins[gives]


def _follow_free(found: list[Draft], pins: Mapping[int, Pin]) -> set[int]:
    """Frozen ones that come after work which may move."""
    gone: set[int] = set()
    while True:
        more = {
            number
            for number, pin in pins.items()
            if number not in gone and pin.rank == FROZEN and any(before not in pins or before in gone for before in found[number].befores)
        }
        if not more:
            return gone
        gone |= more


def _placed(problem: Problem, pins: Mapping[int, Pin]) -> tuple[dict[int, Placed], set[int]]:
    """Where each stands, with people; and those for which there are none."""
    placed: dict[int, Placed] = {}
    alone = set()
    busy: list[Placed] = []
    for number, pin in sorted(pins.items(), key=lambda item: (item[1].rank, item[1].start, item[0])):
        for mode in range(len(problem.operations[number].modes)):
            people = _people(problem, number, mode, (pin.start, pin.end), busy)
            if people is not None and not _takes(problem, number, mode, pin.start, pin.end, placed.values()):
                break
        else:
            alone.add(number)
            continue
        placed[number] = Placed(number, mode, pin.start, pin.end, people)
        busy.append(placed[number])
    return placed, alone


def _takes(problem: Problem, number: int, mode: int, start: int, end: int, others: Iterable[Placed]) -> bool:
    """Whether the mode uses a tool that another one uses then."""
    tools = set(problem.operations[number].modes[mode].tools)
    return any(
        other.start < end and start < other.end and tools & set(problem.operations[other.operation].modes[other.mode].tools) for other in others
    )


def _people(problem: Problem, number: int, mode: int, span: tuple[int, int], busy: list[Placed]) -> tuple[int, ...] | None:
    wanted = problem.operations[number].modes[mode]
    taken = {person for other in busy if other.start < span[1] and span[0] < other.end for person in other.people}
    pieces = list(OpenTime(problem.machines[wanted.machine].windows).pieces(*span))
    free = [
        place
        for place, person in enumerate(problem.people)
        if place not in taken and all(OpenTime(person.windows).between(*piece) == piece[1] - piece[0] for piece in pieces)
    ]
    if len(wanted.skills) == 1:
        one = next((person for person in free if wanted.skills[0] in problem.people[person].skills), None)
        return None if one is None else (one,)
    useful = [person for person in free if problem.people[person].skills & set(wanted.skills)]
    found = permutations(useful, len(wanted.skills))
    return next((people for people in found if all(s in problem.people[p].skills for s, p in zip(wanted.skills, people, strict=True))), None)
