"""Planning as commands: solve a problem in a file, and judge a schedule for it; its energy is in `plan_energy`."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from factolake.errors import FactoLakeError
from pipelines.commands.invocation import Json, print_json, print_table
from pipelines.commands.plan_energy import energy

if TYPE_CHECKING:
    from factolake.domain.job import Plan, Problem
    from models.planning.settings import Settings

MAX_TABLE_ROWS = 200
PRESET = "standard"
# On a machine that does other work as well, the clock may go on so many times longer than the CPU
CLOCK_A_CPU_SECOND = 2.0
# Loading the first module takes at least as long
LOADING_S = 5.0
# CPU seconds that this process takes beside the search and after it, and that judging and printing the plan take an operation
ASIDE_S, LAST_S_AN_OPERATION = 0.2, 3e-5

plan = typer.Typer(help="Schedules: search for one, judge one, price its energy.", no_args_is_help=True)

File = Annotated[str, typer.Argument(metavar="FILE", help="The problem: a file, or archive.zip:member; its format is seen by its content.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (solve, validate, energy):
        plan.command()(command)
    app.add_typer(plan, name="plan")


def solve(
    file: File,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="CPU seconds of all processes together; default: the preset's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="With --iterations and without --seconds the same seed gives the same schedule.")] = 0,
    iterations: Annotated[int | None, typer.Option(min=1, help="Steps of each engine; without --seconds they alone end the search.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, max=64, help="Cores used at once; default: the preset's.")] = None,
    preset: Annotated[str, typer.Option(help="Settings to begin with.")] = PRESET,
    as_json: Json = False,
) -> None:
    """Search for the best schedule of a problem.

    Every plan is judged before it is shown. Exit code 1 when there is none: the reasons are named. Ctrl-C or SIGTERM ends the search early: the best
    schedule so far is shown. A second Ctrl-C ends at once.
    """
    from factolake.planning.formats import read
    from models.planning.solve import solve as search

    problem = read(file)
    settings = _settings(preset, seconds, seed, iterations, threads, len(problem.operations))
    with _stopped_by_signals() as signals:
        found = search(problem, settings, is_stopped=lambda: bool(signals))
    answer = told(problem, found if found.schedule or found.conflicts else _without_search(problem, found))
    if as_json:
        print_json(answer)
    else:
        _print_answer(answer)
    if signal.SIGINT in signals:
        raise KeyboardInterrupt
    if not answer["schedule"] and problem.operations:
        raise typer.Exit(FactoLakeError.exit_code)


@contextmanager
def _stopped_by_signals() -> Iterator[list[int]]:
    """Signals that asked for an early end, inside the block; each is heard once, a second one does what it always does. Ignored ones stay so."""
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        signal.signal(number, before[number])

    wanted = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    before: dict[int, Any] = {number: signal.signal(number, hear) for number in wanted}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _without_search(problem: "Problem", found: "Plan") -> "Plan":
    """A plan by a simple rule where the search had too little time for any, unless the judge finds a fault in it."""
    from factolake.domain.job import PlanStatus
    from factolake.planning.validator import cost, faults
    from models.planning.plain import plain_plan

    schedule = plain_plan(problem)
    if found.status is not PlanStatus.UNKNOWN or not schedule or faults(problem, schedule):
        return found
    return replace(found, status=PlanStatus.FEASIBLE, objective=cost(problem, schedule).objective, schedule=schedule)


def _settings(name: str, seconds: float | None, seed: int, iterations: int | None, threads: int | None, operations: int) -> "Settings":
    from models.planning.settings import InvalidSettings
    from models.planning.settings import preset as preset_of

    try:
        settings = preset_of(name, seconds=seconds, seed=seed, iterations=iterations, threads=threads)
        if settings.seconds is None or (iterations is not None and seconds is None):
            return replace(settings, seconds=None, wall_s=None)
        # CPU seconds count from the start of this process to its end: what reading the problem took is spent, and the answer has to be told.
        left = max(0.1, settings.seconds - time.process_time() - ASIDE_S - operations * LAST_S_AN_OPERATION)
        return replace(settings, seconds=left, wall_s=LOADING_S + CLOCK_A_CPU_SECOND * settings.seconds)
    except InvalidSettings as error:
        raise typer.BadParameter(str(error)) from error


def told(problem: "Problem", plan: "Plan") -> dict[str, Any]:
    """A plan as the object that `plan solve --json` prints: makespan, bound, gap, seconds, cpu_seconds and schedule.

    `bound` and `gap` are of the makespan. Where the problem weighs other things too they are null, and `objective` and `objective_bound` are there;
    where there is no plan `status` and `conflicts` are.
    """
    from factolake.domain.job import makespan
    from factolake.planning.formats import steps
    from factolake.planning.formats.own import to_plain

    length = makespan(plan.schedule) if plan.schedule or not problem.operations else None
    weights = problem.weights
    is_makespan = weights.makespan > 0 and not (weights.tardiness or weights.setup or weights.moved)
    bound = -(-plan.bound // weights.makespan) if is_makespan and plan.bound is not None else None
    answer: dict[str, Any] = {
        "makespan": length,
        "bound": bound,
        "gap": None if bound is None or length is None else (length - bound) / length if length else 0.0,
        "seconds": round(_seconds(), 3),
        "cpu_seconds": round(sum(os.times()[:4]), 3),
        "schedule": to_plain(steps(problem, plan.schedule)),
    }
    if not is_makespan:
        answer |= {"objective": plan.objective, "objective_bound": plan.bound}
    if length is None:
        answer |= {"status": str(plan.status), "conflicts": to_plain(plan.conflicts)}
    return answer


def _seconds() -> float:
    """By the clock, since this process was started."""
    import psutil

    return time.time() - float(psutil.Process().create_time())


def _print_answer(answer: dict[str, Any]) -> None:
    if "status" in answer:
        typer.echo(f"no plan: {answer['status']}")
        for conflict in answer["conflicts"]:
            typer.echo(conflict["says"])
        return
    rows = sorted(answer["schedule"], key=lambda row: (row["machine"], row["start"], row["end"]))
    print_table("", [{key: value for key, value in answer.items() if key != "schedule"}])
    typer.echo()
    print_table("", rows[:MAX_TABLE_ROWS])
    if len(rows) > MAX_TABLE_ROWS:
        typer.echo(f"{len(rows)} operations, the first {MAX_TABLE_ROWS} by machine shown; --json prints all", err=True)


def validate(
    file: File,
    schedule: Annotated[str, typer.Argument(metavar="SCHEDULE", help="What `plan solve --json` printed, or placements in our own JSON.")],
    as_json: Json = False,
) -> None:
    """Judge a schedule by every rule of its problem.

    Exit code 1 when it breaks one; each fault is a sentence.
    """
    from factolake.planning.formats import read, read_schedule
    from factolake.planning.formats.own import to_plain
    from factolake.planning.validator import Rule, cost, faults

    problem = read(file)
    given = read_schedule(schedule, problem)
    named = {number for fault in given.faults for number in fault.operations}
    # What the file places where it cannot be was told already; that it is missing in the rest is no fault of its own.
    found = (*given.faults, *(one for one in faults(problem, given.schedule) if one.rule is not Rule.PLACED or not named & set(one.operations)))
    costs = cost(problem, given.schedule)
    if as_json:
        print_json({"valid": not found, **to_plain(costs), "faults": [to_plain(fault) for fault in found]})
    else:
        for fault in found:
            typer.echo(f"{fault.rule}: {fault.says}")
        verdict = f"{len(found)} faults" if found else "valid"
        typer.echo(f"{verdict}; makespan {costs.makespan}, objective {costs.objective}")
    if found:
        raise typer.Exit(FactoLakeError.exit_code)
