"""A simple way to a plan that keeps every rule: operations are appended one by one, each as early as its resources allow behind what they did last.

It makes the accepted plans and the planted plans of the generators. It never fills a gap, so its plans are long; they are material, not a peer.
Windows of tools, materials and buffers are left out: generators add them around a finished plan.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from random import Random

from factolake.domain.job import Mode, Placed, Problem, Window
from factolake.planning.judging.open_time import OpenTime


class Placing:
    """A plan that grows: what is placed, and from when on each machine, person and tool is free."""

    def __init__(self, problem: Problem, rng: Random) -> None:
        self.problem = problem
        self.placed: dict[int, Placed] = {}
        self._rng = rng
        self._open = [OpenTime(machine.windows) for machine in problem.machines]
        self._shifts = [OpenTime(person.windows) for person in problem.people]
        self._free = [0] * len(problem.machines)
        self._family = [machine.family for machine in problem.machines]
        self._person_free = [0] * len(problem.people)
        self._tool_at = [(0, tool.location) for tool in problem.tools]
        self._waiting_for = [{link.operation for link in operation.after} for operation in problem.operations]
        self._unlocks: list[list[int]] = [[] for _ in problem.operations]
        for number, operation in enumerate(problem.operations):
            for link in operation.after:
                self._unlocks[link.operation].append(number)
        self.ready = {number for number, waiting in enumerate(self._waiting_for) if not waiting}

    def earliest(self, number: int, mode: Mode) -> int:
        """When an operation whose links are placed may start on the mode's machine, by releases, links and tools alone."""
        problem, operation = self.problem, self.problem.operations[number]
        place = problem.machines[mode.machine].location
        times = [operation.release, problem.jobs[operation.job].release]
        for link in operation.after:
            before = self.placed[link.operation]
            there = problem.machines[problem.operations[link.operation].modes[before.mode].machine].location
            times.append(before.end + link.lag + problem.travel[there][place])
        times += [since + problem.travel[at][place] for since, at in (self._tool_at[tool] for tool in mode.tools)]
        return max(times)

    def probe(self, number: int, mode: int) -> Placed:
        """An operation as it would be placed."""
        return self._probe((number,), mode)

    def place(self, number: int, mode: int) -> None:
        """Append an operation; on a machine for batches with others of its family that wait for nothing but this machine."""
        chosen = self.problem.operations[number].modes[mode]
        members = {number: mode, **self._companions(number, chosen)}
        first = self._probe(tuple(members), mode)
        for member, its_mode in members.items():
            self._take(Placed(member, its_mode, first.start, first.end, first.people if member == number else ()))

    def _probe(self, numbers: tuple[int, ...], mode: int) -> Placed:
        operations = self.problem.operations
        chosen = operations[numbers[0]].modes[mode]
        duration = max(_mode_on(operations[number].modes, chosen.machine).duration for number in numbers[1:]) if numbers[1:] else 0
        duration = max(duration, chosen.duration)
        pauses = all(operations[number].is_splittable for number in numbers)
        start = max(self.earliest(numbers[0], chosen), self._free[chosen.machine] + self._setup_wait(numbers[0], chosen.machine))
        while True:
            start, end = self._in_open_time(chosen.machine, start, duration, pauses=pauses)
            people = self._people(chosen, start, end)
            if people is not None:
                return Placed(numbers[0], mode, start, end, people)
            start = self._next_chance(chosen, start)

    def _setup_wait(self, number: int, machine: int) -> int:
        problem, family = self.problem, self._family[machine]
        matrix = problem.machines[machine].setups
        if matrix is None or family is None:
            return 0
        until = self._open[machine].end_of(self._free[machine], problem.setups[matrix][family][problem.operations[number].family])
        if until is None:
            raise ValueError(f"machine {machine} has no open time left; give it more windows")
        return until - self._free[machine]

    def _in_open_time(self, machine: int, start: int, duration: int, *, pauses: bool) -> tuple[int, int]:
        windows = self.problem.machines[machine].windows
        if windows is None:
            return start, start + duration
        for opens, closes in windows[max(bisect_right(windows, (start, 1 << 62)) - 1, 0) :]:
            begin = max(start, opens)
            if begin < closes and (pauses or begin + duration <= closes):
                end = self._open[machine].end_of(begin, duration) if pauses else begin + duration
                if end is not None:
                    return begin, end
        raise ValueError(f"machine {machine} has no open time left for {duration}; give it more windows")

    def _people(self, mode: Mode, start: int, end: int) -> tuple[int, ...] | None:
        pieces = list(self._open[mode.machine].pieces(start, end))
        chosen: list[int] = []
        for skill in mode.skills:
            able = [
                number
                for number, person in enumerate(self.problem.people)
                if skill in person.skills and number not in chosen and self._person_free[number] <= start and self._is_there(number, pieces)
            ]
            if not able:
                return None
            chosen.append(self._rng.choice(able))
        return tuple(chosen)

    def _is_there(self, person: int, pieces: Sequence[Window]) -> bool:
        return all(self._shifts[person].between(start, end) == end - start for start, end in pieces)

    def _next_chance(self, mode: Mode, start: int) -> int:
        times = []
        for number, person in enumerate(self.problem.people):
            if person.skills.isdisjoint(mode.skills):
                continue
            times.append(self._person_free[number])
            windows = person.windows or ()
            times += [opens for opens, _ in windows[bisect_right(windows, (start, 1 << 62)) :][:1]]
        later = [time for time in times if time > start]
        if not later:
            raise ValueError(f"nobody has skills {mode.skills} for long enough after {start}; give people more windows")
        return min(later)

    def _companions(self, number: int, mode: Mode) -> dict[int, int]:
        operations, machine = self.problem.operations, self.problem.machines[mode.machine]
        found: dict[int, int] = {}
        if machine.batch == 1:
            return found
        start = self._probe((number,), operations[number].modes.index(mode)).start
        for other in sorted(self.ready - {number}):
            fitting = [place for place, its_mode in enumerate(operations[other].modes) if its_mode.machine == mode.machine]
            if len(found) + 1 < machine.batch and fitting and operations[other].family == operations[number].family:
                its_mode = operations[other].modes[fitting[0]]
                if not its_mode.skills and not its_mode.tools and not mode.skills and self.earliest(other, its_mode) <= start:
                    found[other] = fitting[0]
        return found

    def _take(self, placed: Placed) -> None:
        mode = self.problem.operations[placed.operation].modes[placed.mode]
        self.placed[placed.operation] = placed
        self._free[mode.machine] = placed.end
        self._family[mode.machine] = self.problem.operations[placed.operation].family
        for person in placed.people:
            self._person_free[person] = placed.end
        for tool in mode.tools:
            self._tool_at[tool] = (placed.end, self.problem.machines[mode.machine].location)
        self.ready.discard(placed.operation)
        for later in self._unlocks[placed.operation]:
            self._waiting_for[later].discard(placed.operation)
            if not self._waiting_for[later]:
                self.ready.add(later)

    def schedule(self) -> tuple[Placed, ...]:
        """What is placed, in the order of operations."""
        return tuple(self.placed[number] for number in sorted(self.placed))


def _mode_on(modes: tuple[Mode, ...], machine: int) -> Mode:
    return next(mode for mode in modes if mode.machine == machine)


def random_plan(problem: Problem, rng: Random) -> tuple[Placed, ...]:
    """A plan in an order, with modes and people drawn by chance."""
    placing = Placing(problem, rng)
    while placing.ready:
        number = rng.choice(sorted(placing.ready))
        placing.place(number, rng.randrange(len(problem.operations[number].modes)))
    return placing.schedule()


def ruled_plan(problem: Problem, rng: Random, rank: Callable[[int], float]) -> tuple[Placed, ...]:
    """A plan by a rule: of the operations that may be next the one that can start first, the lower `rank` first among those that start at once."""
    placing = Placing(problem, rng)
    known: dict[int, Placed] = {}
    while placing.ready:
        # What a placement changes can only delay the others, so an old probe is a lower limit: the least of them is probed anew until it stays least.
        for number in placing.ready - known.keys():
            known[number] = _best_mode(placing, number)
        while True:
            number = min(placing.ready, key=lambda one: (known[one].start, rank(one), one))
            fresh = _best_mode(placing, number)
            if fresh.start <= known[number].start:
                break
            known[number] = fresh
        placing.place(number, fresh.mode)
    return placing.schedule()


def _best_mode(placing: Placing, number: int) -> Placed:
    probes = [placing.probe(number, mode) for mode in range(len(placing.problem.operations[number].modes))]
    return min(probes, key=lambda placed: (placed.end, placed.start, placed.mode))
