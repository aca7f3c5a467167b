"""The judge against a slow one that counts every unit of time: they agree on plans that were changed at one place, whether that broke them or not."""

from collections import defaultdict
from dataclasses import replace
from random import Random

from generators import planted
from hypothesis import given, settings
from hypothesis import strategies as st

from factolake.domain.job import Mode, Placed, Problem, Window
from factolake.planning.validator import faults

SIZES = ((2, 2, 2), (3, 3, 3), (5, 4, 4), (6, 5, 5))


class SlowJudge:
    """Says whether a plan of all operations, each once in a mode it has, keeps every rule. No operation here is without duration."""

    def __init__(self, problem: Problem, schedule: tuple[Placed, ...]) -> None:
        self.problem, self.plan = problem, {placed.operation: placed for placed in schedule}
        self.end = max(placed.end for placed in schedule) + 1
        self.open = [self.units(machine.windows) for machine in problem.machines]
        self.on: dict[int, list[int]] = defaultdict(list)
        for number in self.plan:
            self.on[self.mode(number).machine].append(number)

    def units(self, windows: tuple[Window, ...] | None) -> set[int]:
        spans = windows if windows is not None else ((0, self.end),)
        return {time for opens, closes in spans for time in range(opens, min(closes, self.end))}

    def mode(self, number: int) -> Mode:
        return self.problem.operations[number].modes[self.plan[number].mode]

    def span(self, number: int) -> range:
        return range(self.plan[number].start, self.plan[number].end)

    def is_clean(self) -> bool:
        if min(placed.start for placed in self.plan.values()) < 0:
            return False
        checks = (self.limits, self.machines, self.setups, self.people, self.tools, self.materials, self.buffers)
        return all(check() for check in checks) and all(self.plan[fixed.operation] == fixed for fixed in self.problem.fixed)

    def arrival(self, number: int) -> int | None:
        """When the last link of an operation is met; None without links."""
        place = self.problem.machines[self.mode(number).machine].location
        times = []
        for link in self.problem.operations[number].after:
            there = self.problem.machines[self.mode(link.operation).machine].location
            times.append(self.plan[link.operation].end + link.lag + self.problem.travel[there][place])
        return max(times, default=None)

    def limits(self) -> bool:
        for number, placed in self.plan.items():
            operation = self.problem.operations[number]
            ends = [limit for limit in (operation.deadline, self.problem.horizon) if limit is not None]
            if placed.start < max(operation.release, self.problem.jobs[operation.job].release) or any(placed.end > limit for limit in ends):
                return False
            arrival = self.arrival(number)
            if arrival is not None and placed.start < arrival:
                return False
            place = self.problem.machines[self.mode(number).machine].location
            for link in operation.after:
                there = self.problem.machines[self.mode(link.operation).machine].location
                met = self.plan[link.operation].end + link.lag + self.problem.travel[there][place]
                if link.no_wait and placed.start != met:
                    return False
        return True

    def machines(self) -> bool:
        for machine, numbers in self.on.items():
            for number in numbers:
                together = [other for other in numbers if set(self.span(other)) & set(self.span(number))]
                operations = [self.problem.operations[other] for other in together]
                if len(together) > self.problem.machines[machine].batch or len({one.family for one in operations}) > 1:
                    return False
                if len({self.span(other) for other in together}) > 1:
                    return False
                worked = [time in self.open[machine] for time in self.span(number)]
                duration = max(self.mode(other).duration for other in together)
                pauses = all(one.is_splittable for one in operations)
                if sum(worked) != duration or not worked[0] or not worked[-1] or not (pauses or all(worked)):
                    return False
        return True

    def setups(self) -> bool:
        for machine, numbers in self.on.items():
            of = self.problem.machines[machine]
            if of.setups is None:
                continue
            since, family = 0, of.family
            for number in sorted(numbers, key=lambda one: self.plan[one].start):
                wanted = self.problem.operations[number].family
                if number != min(other for other in numbers if self.span(other) == self.span(number)):
                    continue
                between = sum(time in self.open[machine] for time in range(since, self.plan[number].start))
                if family is not None and between < self.problem.setups[of.setups][family][wanted]:
                    return False
                since, family = self.plan[number].end, wanted
        return True

    def people(self) -> bool:
        busy: set[tuple[int, int]] = set()
        for number, placed in self.plan.items():
            mode = self.mode(number)
            if len(placed.people) != len(mode.skills):
                return False
            for person, skill in zip(placed.people, mode.skills, strict=True):
                there = self.units(self.problem.people[person].windows)
                needed = {time for time in self.span(number) if time in self.open[mode.machine]}
                held = {(person, time) for time in self.span(number)}
                if skill not in self.problem.people[person].skills or not needed <= there or held & busy:
                    return False
                busy |= held
        return True

    def tools(self) -> bool:
        for number, tool in enumerate(self.problem.tools):
            there, free, place = self.units(tool.windows), 0, tool.location
            for user in sorted((one for one in self.plan if number in self.mode(one).tools), key=lambda one: self.plan[one].start):
                wanted = self.problem.machines[self.mode(user).machine].location
                if not set(self.span(user)) <= there or self.plan[user].start < free + self.problem.travel[place][wanted]:
                    return False
                free, place = self.plan[user].end, wanted
        return True

    def materials(self) -> bool:
        for number, material in enumerate(self.problem.materials):
            for time in range(self.end):
                arrived = sum(quantity for at, quantity in material.arrivals if at <= time)
                users = [one for one in self.plan if self.plan[one].start <= time]
                if sum(quantity for one in users for kind, quantity in self.problem.operations[one].needs if kind == number) > arrived:
                    return False
        return True

    def buffers(self) -> bool:
        for number, machine in enumerate(self.problem.machines):
            arrivals = {one: self.arrival(one) for one in self.on[number]}
            for time in range(self.end) if machine.buffer is not None else ():
                waiting = [one for one, arrival in arrivals.items() if arrival is not None and arrival <= time < self.plan[one].start]
                if len({self.problem.operations[one].job for one in waiting}) > (machine.buffer or 0):
                    return False
        return True


def changed(rng: Random, problem: Problem, schedule: tuple[Placed, ...]) -> tuple[Placed, ...]:
    """A plan with one operation, or a whole batch, at another time, in another mode or with other people; or with two changed about."""
    plan = {placed.operation: placed for placed in schedule}
    placed = rng.choice(schedule)
    kind = rng.choice(("shift", "shift", "mode", "people", "swap"))
    if kind == "shift":
        by = rng.randint(-30, 30)
        together = [one for one in schedule if (one.start, one.end) == (placed.start, placed.end)] if rng.random() < 0.5 else [placed]
        plan |= {one.operation: replace(one, start=one.start + by, end=one.end + by) for one in together}
    elif kind == "mode":
        mode = rng.randrange(len(problem.operations[placed.operation].modes))
        chosen = problem.operations[placed.operation].modes[mode]
        people = tuple(rng.sample(range(len(problem.people)), len(chosen.skills)))
        plan[placed.operation] = Placed(placed.operation, mode, placed.start, placed.start + chosen.duration, people)
    elif kind == "people":
        plan[placed.operation] = replace(placed, people=tuple(rng.sample(range(len(problem.people)), len(placed.people))))
    else:
        other = rng.choice(schedule)
        plan[placed.operation] = replace(placed, start=other.start, end=other.start + placed.end - placed.start)
        plan[other.operation] = replace(other, start=placed.start, end=placed.start + other.end - other.start)
    return tuple(plan[number] for number in sorted(plan))


@given(st.integers(0, 100_000), st.sampled_from(SIZES))
@settings(max_examples=150, deadline=None)
def test_both_judges_agree_on_changed_plans(seed: int, size: tuple[int, int, int]) -> None:
    example, rng = planted(seed, *size), Random(seed)
    assert SlowJudge(example.problem, example.schedule).is_clean()
    for _ in range(4):
        schedule = changed(rng, example.problem, example.schedule)
        found = faults(example.problem, schedule)
        assert SlowJudge(example.problem, schedule).is_clean() == (not found), found


def test_changed_plans_are_broken_and_not_broken_in_good_measure() -> None:
    examples = [(planted(seed, 3, 3, 3), Random(seed)) for seed in range(200)]
    clean = sum(not faults(example.problem, changed(rng, example.problem, example.schedule)) for example, rng in examples)
    assert 30 < clean < 170
