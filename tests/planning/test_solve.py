"""The door to planning: limits are kept, engines that die cost nothing but themselves, plans with faults stay inside, and no plan is an answer."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace

import psutil
import pytest
from generators import setup_shop
from small_shops import in_turn, shop

from factolake.domain.job import (
    Conflict,
    ConflictKind,
    Job,
    Link,
    Machine,
    Material,
    Mode,
    Operation,
    Person,
    Placed,
    Plan,
    PlanStatus,
    Problem,
    Tool,
)
from factolake.planning import validator
from models.planning import cpsat
from models.planning.bounds import lower_bound, one_machine
from models.planning.infeasible import conflict, is_infeasible
from models.planning.parts import reduced
from models.planning.plain import plain_plan
from models.planning.settings import InvalidSettings, Settings, from_mapping, preset, preset_names
from models.planning.solve import _standing, solve, turns, warm_up
from models.planning.worker import Said, Task, Telling, Worker

CPSAT = Settings(seconds=20.0, members=("cpsat",))


def when_given(monkeypatch: pytest.MonkeyPatch, do: Callable[[Worker, Task], None]) -> list[int]:
    """Do something to each worker that has been given a task; its pid is noted."""
    given, pids = Worker.give, []

    def give(worker: Worker, task: Task) -> None:
        given(worker, task)
        pids.append(worker.pid)
        do(worker, task)

    monkeypatch.setattr(Worker, "give", give)
    return pids


def test_the_best_plan_comes_with_its_bound_and_no_process_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    pids = when_given(monkeypatch, lambda worker, task: None)
    problem = shop(6, 5, 1)
    told: list[Plan] = []
    plan = solve(problem, CPSAT, tell=told.append)
    assert plan.status is PlanStatus.OPTIMAL and plan.objective == plan.bound and plan.gap == 0
    assert validator.faults(problem, plan.schedule) == ()
    assert told[-1].schedule == plan.schedule and plan.log[-1].objective == plan.objective
    assert plan.settings["members"] == ("cpsat",) and "failed" not in plan.settings
    assert pids and not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.parametrize(("threads", "own_share"), [(2, 0.8), (1, 1.0)])
def test_an_engine_that_is_killed_leaves_plan_and_time_to_the_others(monkeypatch: pytest.MonkeyPatch, threads: int, own_share: float) -> None:
    def kill_exact(worker: Worker, task: Task) -> None:
        if task.members == ("exact",):
            os.kill(worker.pid, signal.SIGKILL)

    when_given(monkeypatch, kill_exact)
    plan = solve(shop(5, 5, 2), Settings(20.0, threads=threads, members=("exact", "cpsat"), own_share=own_share, wall_s=100.0))
    assert plan.status is PlanStatus.OPTIMAL
    failed = plan.settings["failed"]
    assert isinstance(failed, dict) and "killed by signal 9" in failed["exact"]


def test_an_engine_that_hangs_is_ended_and_the_plan_at_hand_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    pids = when_given(monkeypatch, lambda worker, task: os.kill(worker.pid, signal.SIGSTOP))
    problem = shop(6, 5, 3)
    before = time.monotonic()
    plan = solve(problem, Settings(seconds=1.0, members=("cpsat",)), start=in_turn(problem))
    assert time.monotonic() - before < 1.0 + 5.0
    assert plan.status is PlanStatus.FEASIBLE and plan.schedule == in_turn(problem)
    assert "time limit" in str(plan.settings["failed"])
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_an_engine_that_hangs_leaves_time_to_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop_exact(worker: Worker, task: Task) -> None:
        if task.members == ("exact",):
            os.kill(worker.pid, signal.SIGSTOP)

    when_given(monkeypatch, stop_exact)
    settings = Settings(seconds=10.0, wall_s=30.0, own_share=0.02, members=("exact", "cpsat"))
    assert solve(shop(4, 4, 4), settings).status is PlanStatus.OPTIMAL


def test_who_takes_too_much_memory_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    when_given(monkeypatch, lambda worker, task: os.kill(worker.pid, signal.SIGSTOP))
    monkeypatch.setattr(Worker, "memory_mib", lambda worker: 5000.0)
    before = time.monotonic()
    plan = solve(shop(4, 4, 3), Settings(seconds=30.0, members=("cpsat",)))
    assert time.monotonic() - before < 10
    assert plan.status is PlanStatus.UNKNOWN and "5000 MiB" in str(plan.settings["failed"])


def test_a_plan_with_faults_is_dropped_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = Worker.take

    def spoilt(said: Said) -> Said:
        if said.plan is None or not said.plan.schedule:
            return said
        return replace(said, plan=replace(said.plan, schedule=(replace(said.plan.schedule[0], start=0, end=1), *said.plan.schedule[1:])))

    monkeypatch.setattr(Worker, "take", lambda worker: [spoilt(said) for said in taken(worker)])
    problem = shop(4, 4, 5)
    plan = solve(problem, Settings(seconds=5.0, members=("cpsat",)), start=in_turn(problem))
    assert plan.schedule == in_turn(problem)
    assert "faults" in str(plan.settings["failed"])


def test_a_bound_above_a_plan_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = Worker.take

    def wrong(said: Said) -> Said:
        return said if said.plan is None else replace(said, plan=replace(said.plan, bound=10_000, schedule=()))

    monkeypatch.setattr(Worker, "take", lambda worker: [wrong(said) for said in taken(worker)])
    problem = shop(4, 4, 5)
    plan = solve(problem, Settings(seconds=5.0, members=("cpsat",)), start=in_turn(problem))
    assert plan.status is PlanStatus.FEASIBLE and plan.bound is not None and plan.objective is not None
    assert plan.bound < plan.objective and "bound 10000" in str(plan.settings["failed"])


def test_a_search_that_is_stopped_ends_with_the_plan_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    pids = when_given(monkeypatch, lambda worker, task: os.kill(worker.pid, signal.SIGSTOP))
    problem = shop(6, 5, 3)
    plan = solve(problem, Settings(seconds=300.0, members=("cpsat",)), start=in_turn(problem), is_stopped=lambda: bool(pids))
    assert plan.status is PlanStatus.FEASIBLE and plan.schedule == in_turn(problem) and "failed" not in plan.settings
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_the_plan_without_a_search_keeps_machines_links_ways_and_setups() -> None:
    base = shop(6, 5, 1)
    lagging = tuple(replace(one, after=tuple(replace(link, lag=3) for link in one.after), release=one.job) for one in base.operations)
    places = tuple(Machine(location=number % 2) for number in range(5))
    for problem in (base, replace(base, operations=lagging, machines=places, travel=((0, 4), (7, 0))), setup_shop(1, 100)):
        assert validator.faults(problem, plain_plan(problem)) == ()
    circle = replace(base, operations=(replace(base.operations[0], after=(Link(1),)), *base.operations[1:]))
    assert plain_plan(circle) == ()


def test_nothing_to_plan_is_planned_best() -> None:
    plan = solve(Problem((), (), (Machine(),)), CPSAT)
    assert (plan.status, plan.objective, plan.bound, plan.schedule) == (PlanStatus.OPTIMAL, 0, 0, ())


def test_a_start_with_faults_is_dropped_and_named() -> None:
    problem = shop(3, 3, 6)
    wrong = tuple(replace(placed, start=0, end=placed.end - placed.start) for placed in in_turn(problem))
    plan = solve(problem, CPSAT, start=wrong)
    assert plan.status is PlanStatus.OPTIMAL and "start" in str(plan.settings["failed"])


def test_a_worker_that_is_kept_standing_does_one_search_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    pids = when_given(monkeypatch, lambda worker, task: None)
    warm_up(1, ("cpsat",))
    until = time.monotonic() + 60
    while _standing.idle[0].busy and time.monotonic() < until:
        _standing.idle[0].take()
        time.sleep(0.05)
    pids.clear()
    try:
        spent = [solve(shop(4, 3, seed), CPSAT).log[-1].cpu_s for seed in (7, 8, 9)]
    finally:
        warm_up(0)
    assert len(pids) == 3 and len(set(pids)) == 1
    assert spent[2] < sum(spent[:2])  # each search counts its own CPU seconds alone
    assert not psutil.pid_exists(pids[0])


def alone(problem: Problem, found: Conflict) -> bool:
    return is_infeasible(reduced(problem, found.operations)[0])


BASE = shop(3, 3, 8)
STEP = Operation(0, (Mode(0, 5),))


@pytest.mark.parametrize(
    ("kind", "problem", "says"),
    [
        (ConflictKind.NO_MACHINE, Problem((Job(),), (Operation(0, ()),), (Machine(),)), "give it one"),
        (ConflictKind.NO_MACHINE, Problem((Job(),), (STEP,), (Machine(windows=((0, 4), (6, 9))),)), "1 longer"),
        (
            ConflictKind.NO_SKILL,
            Problem((Job(),), (Operation(0, (Mode(0, 5, skills=(0, 0)),)),), (Machine(),), (Person(skills=frozenset({0})),), skills=("welding",)),
            "welding",
        ),
        (
            ConflictKind.NO_TOOL,
            Problem((Job(),), (Operation(0, (Mode(0, 5, tools=(0,)),)),), (Machine(),), tools=(Tool("jig", windows=((3, 6),)),)),
            "jig",
        ),
        (
            ConflictKind.NO_MATERIAL,
            Problem(
                (Job(), Job()),
                (replace(STEP, needs=((0, 4),)), replace(STEP, job=1, needs=((0, 3),))),
                (Machine(),),
                materials=(Material("steel", ((0, 6),)),),
            ),
            "1 more",
        ),
        (ConflictKind.CYCLE, Problem((Job(),), (replace(STEP, after=(Link(1),)), replace(STEP, after=(Link(0),))), (Machine(),)), "circle"),
        (
            ConflictKind.NO_TIME,
            Problem((Job("A7"),), (STEP, replace(STEP, after=(Link(0),), deadline=7)), (Machine(),)),
            "allow order A7 to end 3 later",
        ),
        (ConflictKind.FIXED, Problem((Job(),), (STEP, STEP), (Machine(),), fixed=(Placed(0, 0, 0, 5), Placed(1, 0, 3, 8))), "by 2"),
        (
            ConflictKind.TOGETHER,
            Problem((Job("A"), Job("B")), (replace(STEP, deadline=7), replace(STEP, job=1, deadline=8)), (Machine(),)),
            "2 later",
        ),
        (
            ConflictKind.NO_SKILL,
            Problem(
                (Job(), Job()),
                (Operation(0, (Mode(0, 5, skills=(0,)),)), Operation(1, (Mode(1, 5, skills=(0,)),))),
                (Machine(), Machine()),
                (Person(skills=frozenset({0}), windows=((0, 8),)),),
                skills=("welding",),
            ),
            "people",
        ),
    ],
)
def test_a_problem_without_a_plan_is_an_answer_that_names_the_conflict(kind: ConflictKind, problem: Problem, says: str) -> None:
    found = conflict(problem, 20.0)
    assert found and found[0].kind is kind and says in found[0].says
    assert all(alone(problem, one) for one in found)


def test_only_those_that_clash_are_named_among_many_and_none_of_them_can_be_spared() -> None:
    crowd = shop(4, 3, 9)
    clash = (Operation(0, (Mode(1, 6),), deadline=9), Operation(1, (Mode(1, 5),), deadline=9))
    problem = replace(crowd, operations=(*crowd.operations, *clash))
    size = len(crowd.operations)
    plan = solve(problem, CPSAT)
    assert plan.status is PlanStatus.INFEASIBLE and plan.schedule == ()
    assert plan.conflicts[0].operations == (size, size + 1)
    assert not any(is_infeasible(reduced(problem, (number,))[0]) for number in plan.conflicts[0].operations)
    assert "2 later" in plan.conflicts[0].says


def test_no_bound_is_above_the_best_plan_and_one_machine_gives_it() -> None:
    for seed in range(5):
        problem = shop(4, 4, seed)
        best = cpsat.search(problem, seconds=20.0, iterations=None, seed=0).objective
        assert best is not None and lower_bound(problem) <= best
    assert one_machine([(0, 4, 3), (1, 2, 9), (6, 1, 0)]) == 12


def test_settings_say_which_value_is_wrong() -> None:
    for wrong in ({"seconds": 0.0}, {"threads": 0}, {"members": ("gurobi",)}, {"seconds": None}, {"members": ()}, {"memory_mib": 1}):
        with pytest.raises(InvalidSettings, match=next(iter(wrong))):
            Settings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidSettings, match="colour"):
        from_mapping({"colour": 1})


def test_every_preset_is_settings_and_can_be_changed() -> None:
    assert {"nightly", "proof", "quick", "repair", "standard"} == set(preset_names())
    for name in preset_names():
        assert preset(name, seconds=3.0, seed=None).seconds == 3.0
    with pytest.raises(InvalidSettings, match="slow"):
        preset("slow")


def test_members_take_turns_on_one_core_and_share_more() -> None:
    both = ("own", "cpsat")
    assert [turn.members for turn in turns(both, Settings(threads=1), 200)] == [(("own", 1),), (("cpsat", 1),)]
    assert [turn.members for turn in turns(both, Settings(threads=4), 200)] == [(("own", 1), ("cpsat", 3))]
    assert [turn.members for turn in turns(("own",), Settings(threads=4), 200)] == [(("own", 4),)]


def test_a_solver_is_left_out_where_its_part_would_go_on_loading_it() -> None:
    both, short = ("own", "cpsat"), Settings(seconds=4.0, threads=2)
    assert [turn.members for turn in turns(both, short, 200)] == [(("own", 2),)]
    assert [(turn.members, turn.parts) for turn in turns(both, short, 20)] == [((("own", 1), ("cpsat", 1)), (0.65, 0.35))]


def test_a_seed_and_iterations_give_one_plan_on_any_number_of_cores() -> None:
    problem = shop(7, 6, 12)
    settings = Settings(seconds=None, iterations=40, seed=3, threads=2, members=("cpsat", "exact"))
    first, second = (solve(problem, settings) for _ in range(2))
    assert first.schedule == second.schedule != ()


def test_no_time_is_kept_for_an_engine_that_the_problem_does_not_fit() -> None:
    problem = shop(3, 3, 1)
    batches = replace(problem, machines=(Machine(batch=2), *problem.machines[1:]))
    plan = solve(batches, Settings(seconds=20.0, members=("exact", "cpsat"), own_share=1.0))
    assert plan.status is PlanStatus.OPTIMAL and "exact" in str(plan.settings["failed"])


def test_plans_that_come_thick_and_fast_are_told_seldom_and_the_last_of_them_always() -> None:
    sent: list[Said] = []
    telling = Telling(sent.append, 0.2)
    for objective in range(50, 0, -1):
        telling.better(Said("shop", Plan(PlanStatus.FEASIBLE, objective)))
    until = time.monotonic() + 10
    while (sent[-1].plan is None or sent[-1].plan.objective != 1) and time.monotonic() < until:
        time.sleep(0.02)
    told = [said.plan.objective for said in sent if said.plan is not None]
    assert told[0] == 50 and told[-1] == 1 and len(told) < 50
