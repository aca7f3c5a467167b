"""Seeded problems for the planning benchmarks and tests; the same arguments give the same problem on every machine.

`setup_shop`, `setup_shops`: flexible shops with setup times, 100 to 400 operations. `tardiness_shop`: weighted lateness, setups and moved work
with calendars and skills. `planted`: all constraints at any size, with a plan that keeps them. `infeasible`: one of those with a contradiction, and
its core. `breakdown`: an accepted plan of 1,000 operations and the problem that is left when a machine breaks down.
"""

from dataclasses import replace
from random import Random

from breakdowns import Breakdown, breakdown
from contradictions import CONTRADICTIONS, Infeasible, infeasible
from placing import ruled_plan
from planted import Planted, planted

from factolake.domain.job import Job, Link, Machine, Mode, Operation, Person, Problem, Weights, Window

__all__ = [
    "CONTRADICTIONS",
    "Breakdown",
    "Infeasible",
    "Planted",
    "breakdown",
    "infeasible",
    "planted",
    "setup_shop",
    "setup_shops",
    "tardiness_shop",
]

DAY = 1440
TARDINESS_WEIGHTS = Weights(makespan=0, tardiness=1, setup=2, moved=20)


def setup_shops(seed: int = 1) -> tuple[Problem, ...]:
    """The ten of the setup-time benchmark, of 100 to 400 operations."""
    return tuple(setup_shop(seed * 100 + number, 100 + number * 100 // 3) for number in range(10))


def setup_shop(seed: int, operations: int) -> Problem:
    """A flexible shop of `operations` operations (jobs of ten) on one machine for each 12 of them (5 to 30), times in minutes.

    An operation has one to three machines and takes 20 to 100; it belongs to one of six families, and from family to family a setup takes 10 to 60,
    by a matrix of each machine's own. The same family follows without setup, and so does the first operation on a machine.
    """
    rng = Random(f"setup shop {seed} {operations}")
    machines, families = min(30, max(5, operations // 12)), 6
    steps: list[Operation] = []
    for number in range(operations):
        step = number % 10
        duration = rng.randint(20, 100)
        chosen = rng.sample(range(machines), rng.randint(1, 3))
        modes = tuple(Mode(machine, max(1, round(duration * rng.uniform(0.85, 1.15)))) for machine in sorted(chosen))
        steps.append(Operation(number // 10, modes, (Link(number - 1),) if step else (), rng.randrange(families)))
    matrices = tuple(
        tuple(tuple(0 if row == column else rng.randint(10, 60) for column in range(families)) for row in range(families)) for _ in range(machines)
    )
    jobs = tuple(Job(f"J{job}") for job in range(-(-operations // 10)))
    return Problem(jobs, tuple(steps), tuple(Machine(f"M{number}", setups=number) for number in range(machines)), setups=matrices)


def tardiness_shop(seed: int, jobs: int = 50, machines: int = 10) -> Problem:
    """Orders that cannot all be in time, in minutes: weighted lateness + 2 x setup minutes + 20 x moved operations (`TARDINESS_WEIGHTS`).

    Each order has 4 to 7 operations of 15 to 90 minutes on one or two of the machines, families with setups of 5 to 40, and needs one of three
    skills. Machines work from 6 to 22 with a break; people work early, late or by day. Orders come over the first two days and are due 1 to 2.5 times
    their work time after that, nights not counted, so that some are late in any plan. `before` is the plan of yesterday, by due date, without the
    last tenth of the orders.
    """
    rng = Random(f"tardiness shop {seed} {jobs} {machines}")
    days = 20 + 2 * jobs // machines
    shop = tuple(Machine(f"M{number}", _shift(days, 360, 1320, 840, 30), setups=number % 3, family=rng.randrange(5)) for number in range(machines))
    operations: list[Operation] = []
    orders: list[Job] = []
    for job in range(jobs):
        first, family, work = len(operations), rng.randrange(5), 0
        for _ in range(rng.randint(4, 7)):
            duration, skill = rng.randint(15, 90), rng.randrange(3)
            chosen = sorted(rng.sample(range(machines), rng.randint(1, 2)))
            modes = tuple(Mode(machine, max(5, round(duration * rng.uniform(0.9, 1.2))), (skill,)) for machine in chosen)
            after = (Link(len(operations) - 1),) if len(operations) > first else ()
            operations.append(Operation(job, modes, after, family, is_splittable=True))
            work += min(mode.duration for mode in modes)
        release = 360 + rng.randint(0, DAY) if rng.random() < 0.6 else 0
        orders.append(Job(f"J{job}", release, _due(max(release, 360), round(work * rng.uniform(1.0, 2.5))), rng.choice((1, 1, 1, 2, 4))))
    setups = tuple(tuple(tuple(0 if row == column else rng.randint(5, 40) for column in range(5)) for row in range(5)) for _ in range(3))
    people = tuple(_worker(rng, number, days) for number in range(machines * 2))
    skills = ("turning", "milling", "assembly")
    problem = Problem(tuple(orders), tuple(operations), shop, people, skills=skills, setups=setups, weights=TARDINESS_WEIGHTS)
    return _with_yesterday(problem, rng, jobs - jobs // 10)


def _shift(days: int, opens: int, closes: int, noon: int, rest: int) -> tuple[Window, ...]:
    return tuple(window for day in range(days) for window in ((day * DAY + opens, day * DAY + noon), (day * DAY + noon + rest, day * DAY + closes)))


def _worker(rng: Random, number: int, days: int) -> Person:
    opens, closes = ((360, 840), (840, 1320), (480, 960), (360, 1320))[number % 4]
    skills = frozenset({number % 3, *rng.sample(range(3), rng.randint(0, 1))})
    away = rng.randrange(1, 4) if rng.random() < 0.3 else None
    windows = tuple((day * DAY + opens, day * DAY + closes) for day in range(days) if day != away)
    return Person(f"P{number}", skills, windows)


def _due(start: int, work: int) -> int:
    """`work` minutes after `start` by a clock that stands still from 22 to 6."""
    day, minute = divmod(start, DAY)
    spent = max(0, min(minute, 1320) - 360) + work
    return (day + spent // 960) * DAY + 360 + spent % 960


def _with_yesterday(problem: Problem, rng: Random, known: int) -> Problem:
    due = [job.due or 0 for job in problem.jobs]
    plan = ruled_plan(problem, rng, lambda number: due[problem.operations[number].job])
    return replace(problem, before=tuple(placed for placed in plan if problem.operations[placed.operation].job < known))
