"""The door to planning: `solve` runs engines in processes of their own, judges what they give and combines it.

No plan leaves here unjudged: a plan with faults is dropped and named in `Plan.settings["failed"]`, as is an engine that died. A problem without any
plan is an answer (INFEASIBLE with its conflicts), never an error.
"""

import contextlib
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait

from factolake.domain.job import Conflict, ConflictKind, Found, Placed, Plan, PlanStatus, Problem
from factolake.planning import validator
from models.planning import bounds, cpsat, exact
from models.planning.settings import OWN, Settings
from models.planning.structural import structural
from models.planning.worker import Loading, Said, Task, Worker

__all__ = ["Settings", "solve", "warm_up"]

LOOK_EVERY_S = 0.5
# Less than this is not worth asking an engine
LEAST_S = 0.05
# To prove and name a conflict where iterations alone are the limit
NAMING_S = 60.0
# CPU seconds that loading a solver and building its model take at the least: with less than this of its own, the others are better off without it
WORTH_S = 1.0
# Up to so many operations solvers often prove the best plan, and our own engines have mostly found it long before: they get no more than this
SMALL, SMALL_SHARE = 100, 0.65
# Engines keep their own time; a worker is ended only this far past it
PATIENCE_S = 1.5
# Whose word counts that there is no plan
PROVERS = ("cpsat", "infeasible")


@dataclass(frozen=True, slots=True)
class Turn:
    """Members that search at once: each with its threads and its part of the turn's time. `share`: how much of what is left the turn gets."""

    members: tuple[tuple[str, int], ...]
    parts: tuple[float, ...]
    share: float


def solve(
    problem: Problem,
    settings: Settings,
    *,
    start: tuple[Placed, ...] = (),
    tell: Callable[[Plan], None] | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Plan:
    """The best judged plan that the members find within the limits, with the best bound; INFEASIBLE with conflicts where none is proved to exist.

    `start`: a plan to begin with, never made worse if it is valid. `tell` gets each better plan as it is found. Once `is_stopped` says so, the search
    ends with what it has within a second. Never raises for what a problem asks.
    """
    if not problem.operations:
        return Plan(PlanStatus.OPTIMAL, 0, 0, settings=_noted(settings, {}))
    conflicts = structural(problem)
    if conflicts:
        return Plan(PlanStatus.INFEASIBLE, conflicts=conflicts, settings=_noted(settings, {}))
    search = _Search(problem, settings, tell, is_stopped)
    try:
        search.begin(start)
        for turn in turns(search.members(), settings, len(problem.operations)):
            if search.is_over():
                break
            search.take_turn(turn)
        # What one that found nothing or was lost has left over
        if (search.best is None or search.has_lost_one) and not search.is_over() and "cpsat" in search.members():
            search.take_turn(Turn((("cpsat", settings.threads),), (1.0,), 1.0))
        if search.best is None:
            search.name_conflict()
        return search.answer()
    finally:
        search.close()


def turns(members: tuple[str, ...], settings: Settings, size: int) -> tuple[Turn, ...]:
    """Who searches when: all at once where there is a thread for each (the last has those left over), else in turn, from the best plan so far.

    Either way the first one gets `own_share` of the CPU seconds, less where `size` operations are few, and the others the rest in equal parts, none
    where that is not worth it.
    """
    own = min(settings.own_share, SMALL_SHARE) if size <= SMALL else settings.own_share
    if settings.seconds is not None and settings.seconds * (1 - own) < WORTH_S * (len(members) - 1):
        members = members[:1]
    threads, later = settings.threads, len(members) - 1
    if not later:
        return (Turn(((members[0], threads),), (1.0,), 1.0),)
    if threads > later and settings.iterations is None:  # side by side, the clock would decide between equally good plans
        each = tuple((member, 1 if place < later else threads - later) for place, member in enumerate(members))
        return (Turn(each, (own, *([(1 - own) / later] * later)), 1.0),)
    return (
        Turn(((members[0], threads),), (1.0,), own),
        *(Turn(((member, threads),), (1.0,), 1.0 / (later - place)) for place, member in enumerate(members[1:])),
    )


def warm_up(count: int = 1, members: tuple[str, ...] = (*OWN, "cpsat")) -> None:
    """Keep `count` worker processes standing from now on, with `members` loaded; they end with this process. Until one has loaded others are used."""
    _standing.keep(count, members)


@dataclass(slots=True)
class _Standing:
    """Workers that wait for a search; taken and brought back one at a time, for searches may run in several threads."""

    count: int = 0
    idle: list[Worker] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, count: int, members: tuple[str, ...]) -> None:
        with self.lock:
            self.count = count
            for worker in self.idle[count:]:
                worker.kill()
            del self.idle[count:]
            while len(self.idle) < count:
                self.idle.append(Worker())
                self.idle[-1].give(Loading(members))

    def take(self) -> Worker:
        with self.lock:
            for worker in tuple(self.idle):
                worker.take()
                if not worker.is_alive:
                    self.idle.remove(worker)
                elif not worker.busy:
                    self.idle.remove(worker)
                    worker.count_anew()
                    return worker
        return Worker()

    def bring_back(self, worker: Worker, memory_mib: int) -> None:
        """Keep a worker that is at rest and small; end it otherwise."""
        with self.lock:
            is_wanted = len(self.idle) < self.count and worker.is_alive and not worker.busy and not worker.pipe.closed
            if is_wanted and worker.memory_mib() < memory_mib / 2:
                self.idle.append(worker)
                return
        with contextlib.suppress(OSError):
            worker.kill()


_standing = _Standing()


@dataclass(frozen=True, slots=True)
class _Until:
    """When members that search at once are ended: CPU seconds of the whole search, seconds by the clock since it began.

    `plan_by_cpu_s`: by then there has to be a plan, or others are to try.
    """

    cpu_s: float
    clock_s: float
    plan_by_cpu_s: float = math.inf


@dataclass(slots=True)
class _Search:
    """One call of `solve` while it runs: what is best so far, what it cost, who failed."""

    problem: Problem
    settings: Settings
    tell: Callable[[Plan], None] | None
    is_stopped: Callable[[], bool]
    best: Plan | None = None
    bounds: dict[str, int] = field(default_factory=dict)
    proved_infeasible: bool = False
    has_lost_one: bool = False
    conflicts: tuple[Conflict, ...] = ()
    log: list[Found] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    own_cpu_s: float = field(default_factory=time.process_time)

    def begin(self, start: tuple[Placed, ...]) -> None:
        """Bounds, and the plan that the caller has."""
        self.bounds["paths and machines"] = bounds.lower_bound(self.problem)
        if start:
            self.take_plan("start", Plan(PlanStatus.FEASIBLE, schedule=start))

    def members(self) -> tuple[str, ...]:
        """Members that do the problem's constraints and size, so that no time is kept for others; all, if none does."""
        unfit = [name for name, engine in (("cpsat", cpsat), ("exact", exact)) if name in self.settings.members and not engine.fits(self.problem)]
        self.failed.update({name: "it does not do this problem's constraints or size" for name in unfit})
        return tuple(name for name in self.settings.members if name not in unfit) or self.settings.members

    @property
    def bound(self) -> int:
        """The best bound. One above a plan that the judge has passed is wrong, and is no longer believed."""
        objective = None if self.best is None else self.best.objective
        for member in [member for member, bound in self.bounds.items() if objective is not None and bound > objective]:
            self.failed[member] = f"its bound {self.bounds.pop(member)} is above a plan of {objective}"
        return max(self.bounds.values(), default=0)

    def seconds(self) -> float:
        """By the clock, since the search began."""
        return time.monotonic() - self.began

    def cpu_seconds(self) -> float:
        """Of this process and all workers, since the search began."""
        return time.process_time() - self.own_cpu_s + sum(worker.cpu_seconds() for worker in self.workers)

    def time_left(self) -> float | None:
        """CPU seconds left, by the clock's limit as well; None: no limit."""
        left = []
        if self.settings.seconds is not None:
            left.append(self.settings.seconds - self.cpu_seconds())
        if self.settings.limit_s is not None:
            left.append((self.settings.limit_s - self.seconds()) * self.settings.threads)
        return max(0.0, min(left)) if left else None

    def is_over(self) -> bool:
        """Whether nothing is left to gain, or no time to gain it in."""
        left = self.time_left()
        return self._is_settled() or (left is not None and left < LEAST_S)

    def _is_settled(self) -> bool:
        is_best = self.best is not None and self.best.objective == self.bound
        return is_best or (self.proved_infeasible and self.best is None) or self.is_stopped()

    def take_turn(self, turn: Turn) -> None:
        """Let members search at once, hear what they say, end those that are late."""
        left = self.time_left()
        given = None if left is None else left * turn.share
        start = self.best.schedule if self.best is not None else ()
        running = []
        for (member, count), part in zip(turn.members, turn.parts, strict=True):
            if given is not None and given * part < LEAST_S:
                continue
            worker = self._worker(member)
            seconds = None if given is None else given * part
            settings = self.settings
            candidates = OWN if member == "own" else (member,)
            worker.give(Task(candidates, self.problem, seconds, settings.iterations, settings.seed, start, count))
            running.append(worker)
        until = self._until(given, turn.share)
        if given is not None and turn.members[0][0] != "cpsat" and "cpsat" in self.members():
            until = replace(until, plan_by_cpu_s=self.cpu_seconds() + given / 2)
        self._listen(running, until)

    def name_conflict(self) -> None:
        """Which operations cannot be planned together. Where it is proved and the time does not do to say which, all of them."""
        if self.proved_infeasible:
            everything = tuple(range(len(self.problem.operations)))
            says = "these operations cannot all be planned; give the search more time to say which"
            self.conflicts = (Conflict(ConflictKind.TOGETHER, everything, says),)
        left = self.time_left()
        left = NAMING_S if left is None else left
        if left < LEAST_S or self.is_stopped():
            return
        worker = self._worker("infeasible")
        worker.give(Task(("infeasible",), self.problem, left, None, self.settings.seed))
        self._listen([worker], self._until(left, 1.0), may_stop=False)

    def _until(self, given: float | None, share: float) -> _Until:
        """When a turn is over at the latest: past its CPU seconds, or past its share of what the clock has left."""
        limit = self.settings.limit_s
        cpu_s = math.inf if given is None else self.cpu_seconds() + given + PATIENCE_S
        clock_s = math.inf if limit is None else self.seconds() + max(0.0, limit - self.seconds()) * share + PATIENCE_S
        return _Until(cpu_s, clock_s)

    def _listen(self, running: list[Worker], until: _Until, *, may_stop: bool = True) -> None:
        looked = self.seconds()
        while any(worker.busy for worker in running):
            wait([worker.pipe for worker in running if worker.busy], timeout=0.1)
            for worker in running:
                for said in worker.take():
                    self.take_word(said)
            now = self.seconds()
            if self.is_stopped() or (may_stop and self._is_settled()):
                self._end(running, "")
            elif now > until.clock_s:
                self._end(running, "it was ended at the time limit")
            elif now - looked > LOOK_EVERY_S:
                looked = now
                self._check_limits(running, until)

    def _check_limits(self, running: list[Worker], until: _Until) -> None:
        if self.cpu_seconds() > until.cpu_s:
            self._end(running, "it was ended past its CPU seconds")
        if self.best is None and self.cpu_seconds() > until.plan_by_cpu_s:
            self._end([worker for worker in running if worker.name != "cpsat"], "it was ended without a plan after half of its time")
        held = [(worker.memory_mib(), worker) for worker in self.workers if worker.busy]
        if held and sum(size for size, _ in held) > self.settings.memory_mib:
            size, largest = max(held, key=lambda one: one[0])
            self._end([largest], f"it was ended at {size:.0f} MiB of memory, the limit is {self.settings.memory_mib} MiB together")

    def _end(self, running: list[Worker], why: str) -> None:
        """End those that still work. What they have said before counts."""
        for worker in running:
            if worker.busy:
                for said in worker.take():
                    self.take_word(said)
            if worker.busy:
                worker.cpu_seconds()
                worker.kill()
                if why:
                    self.failed.setdefault(worker.name, why)

    def take_word(self, said: Said) -> None:
        """Judge what a member says."""
        if said.fault:
            self.failed[said.member] = said.fault
            self.has_lost_one |= said.is_lost
        if said.plan is None:
            return
        if said.plan.status is PlanStatus.INFEASIBLE and said.member in PROVERS:
            self.proved_infeasible = True
            self.conflicts = said.plan.conflicts or self.conflicts
        if said.plan.bound is not None:
            self.bounds[said.member] = max(said.plan.bound, self.bounds.get(said.member, 0))
        if said.plan.schedule:
            self.take_plan(said.member, said.plan)

    def take_plan(self, by: str, plan: Plan) -> None:
        """Keep a plan that is better, if the judge finds no fault; its objective is the judge's, whatever its engine says."""
        if self.best is not None and plan.objective is not None and self.best.objective is not None and plan.objective >= self.best.objective:
            return
        faults = validator.faults(self.problem, plan.schedule)
        if faults:
            self.failed[by] = f"its plan had faults: {'; '.join(fault.says for fault in faults[:3])}"
            return
        objective = validator.cost(self.problem, plan.schedule).objective
        if self.best is not None and self.best.objective is not None and objective >= self.best.objective:
            return
        self.log.append(Found(round(self.seconds(), 3), round(self.cpu_seconds(), 3), objective, by))
        self.best = Plan(PlanStatus.FEASIBLE, objective, None, plan.schedule, tuple(self.log))
        self.best = replace(self.best, bound=self.bound)  # which the new objective may have refuted
        if self.tell is not None:
            self.tell(self.best)

    def answer(self) -> Plan:
        """The best plan with bound, log and settings."""
        bound = self.bound
        noted = _noted(self.settings, self.failed)
        if self.best is None and self.proved_infeasible:
            return Plan(PlanStatus.INFEASIBLE, conflicts=self.conflicts, settings=noted)
        if self.best is None:
            return Plan(PlanStatus.UNKNOWN, bound=bound, log=tuple(self.log), settings=noted)
        status = PlanStatus.OPTIMAL if self.best.objective == bound else PlanStatus.FEASIBLE
        return replace(self.best, status=status, bound=bound, log=tuple(self.log), settings=noted)

    def _worker(self, member: str) -> Worker:
        idle = [worker for worker in self.workers if not worker.busy and worker.is_alive and not worker.pipe.closed]
        worker = idle[0] if idle else _standing.take()
        if worker not in self.workers:
            self.workers.append(worker)
        worker.name = member
        return worker

    def close(self) -> None:
        """No process stays behind but those that are kept standing."""
        for worker in self.workers:
            _standing.bring_back(worker, self.settings.memory_mib)


def _noted(settings: Settings, failed: dict[str, str]) -> dict[str, object]:
    noted: dict[str, object] = {name: getattr(settings, name) for name in Settings.__dataclass_fields__}
    return {**noted, "failed": dict(failed)} if failed else noted
