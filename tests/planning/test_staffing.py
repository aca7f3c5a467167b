"""Who does a schedule that says no more than machine and times: free people and tools, handed over where that helps, and nobody twice at once."""

from factolake.domain.job import Job, Machine, Mode, Operation, Person, Placed, Problem, Tool
from factolake.planning.staffing import lacking, staffed
from factolake.planning.validator import faults

LASER, WELD = 0, 1


def shop(*skills: tuple[int, ...], people: tuple[Person, ...], tools: int = 0) -> tuple[Problem, tuple[Placed, ...]]:
    """An operation of 10 for each entry of `skills`, each on a machine of its own, with any one of the tools, if any; all at once."""
    ways = [(tool,) for tool in range(tools)] or [()]
    operations = tuple(Operation(n, tuple(Mode(n, 10, asked, tool) for tool in ways)) for n, asked in enumerate(skills))
    machines = tuple(Machine(f"M{n}") for n in range(len(skills)))
    made = Problem(tuple(Job() for _ in skills), operations, machines, people, tuple(Tool() for _ in range(tools)), skills=("laser", "weld"))
    return made, tuple(Placed(n, 0, 0, 10) for n in range(len(skills)))


def person(*skills: int, until: int = 100) -> Person:
    return Person(skills=frozenset(skills), windows=((0, until),))


def test_who_can_do_more_is_kept_for_what_others_cannot_do() -> None:
    problem, schedule = shop((LASER,), (WELD,), people=(person(LASER, WELD), person(LASER)))
    found = staffed(problem, schedule)
    assert [placed.people for placed in found] == [(1,), (0,)]
    assert not faults(problem, found)


def test_work_is_handed_over_where_that_frees_the_only_one_who_can() -> None:
    problem, schedule = shop((LASER,), (WELD,), people=(person(LASER, WELD), person(LASER)))
    taken = staffed(problem, schedule[1:], (Placed(0, 0, 0, 10, (0,)),))
    assert [placed.people for placed in taken] == [(1,), (0,)], "the laser goes to who cannot weld"
    assert not faults(problem, taken)


def test_who_is_not_there_and_who_is_at_work_does_nothing() -> None:
    problem, schedule = shop((LASER,), (LASER,), people=(person(LASER), person(LASER, until=9)))
    found = staffed(problem, schedule)
    assert [placed.people for placed in found] == [(0,), ()]
    assert lacking(problem, found) == {1}


def test_each_takes_a_tool_that_is_free() -> None:
    problem, schedule = shop((), (), (), people=(), tools=2)
    found = staffed(problem, schedule)
    assert [placed.mode for placed in found] == [0, 1, 0]
    assert lacking(problem, found) == {0, 2}
