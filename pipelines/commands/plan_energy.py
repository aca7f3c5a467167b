"""`factolake plan energy`: what the energy of a schedule costs, and the same schedule with its work at cheaper hours. A proposal; nothing is changed.

Files are read by `factolake.planning.formats`; the starts are searched by `models.planning.exact.energy`, and judged here before they are shown.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.invocation import Json, print_json, print_table

if TYPE_CHECKING:
    from factolake.domain.job import Placed, Problem
    from factolake.planning.formats import PlanClock
    from models.planning.exact.energy import Cheaper, Tariff

MAX_TABLE_ROWS = 200
# Money and energy as they are told: a millionth is far below what anybody is billed
DIGITS = 6


def energy(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The problem, as for `plan solve`.")],
    schedule: Annotated[str, typer.Argument(metavar="SCHEDULE", help="Its schedule, as for `plan validate`.")],
    tariff: Annotated[str, typer.Option(metavar="TARIFF.csv", help="Prices: columns from and price_eur_kwh.")],
    power: Annotated[str, typer.Option(metavar="POWER.csv", help="What machines draw while they work: columns machine and power_kw.")],
    hour: Annotated[int, typer.Option(min=1, help="So many units of the plan's time are an hour: 3600 where it counts seconds, 60 minutes.")] = 3600,
    began: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="When the plan's time 0 is, ISO 8601 with offset, for prices by moment.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="The search for cheaper starts ends after so long.")] = 20.0,
    as_json: Json = False,
) -> None:
    """Price the energy of a schedule, and propose cheaper starts.

    Machines, sequences, people and tools stay, and no order is later. Nothing is changed: --json prints the proposed schedule. Exit code 1 where a
    file is refused or the schedule breaks a rule of its problem.
    """
    from factolake.planning.formats import PlanClock, read, read_power, read_tariff

    clock = PlanClock(hour, _moment(began))
    problem = read(file)
    steps = read_tariff(tariff, clock)
    placed = _valid(schedule, problem)
    power_kw = read_power(power, problem, placed)

    from models.planning.exact.energy import Tariff, cheaper

    case = Case(problem, placed, power_kw, Tariff(steps), hour)
    found = cheaper(problem, placed, power_kw, case.tariff, hour=hour, seconds=seconds)
    _judge(problem, found.schedule)
    answer = told(case, found)
    if as_json:
        print_json(answer)
    else:
        _print_answer(answer, found, problem, clock)


@dataclass(frozen=True, slots=True)
class Case:
    """A schedule with what its energy is reckoned from; `hour`: so many units of time are an hour."""

    problem: "Problem"
    schedule: "tuple[Placed, ...]"
    power_kw: tuple[float, ...]
    tariff: "Tariff"
    hour: int

    @property
    def end(self) -> int:
        """The latest end in the schedule, 0 for an empty one."""
        return max((one.end for one in self.schedule), default=0)


def told(case: Case, found: "Cheaper") -> dict[str, Any]:
    """The answer as the object that `plan energy --json` prints. `shifted` and `schedule` are by job, place in it and machine; money is EUR."""
    from factolake.planning.formats import steps
    from factolake.planning.formats.own import to_plain
    from models.planning.exact.energy import kwh_by_step

    tariff = case.tariff.within(case.end)
    before, after = (kwh_by_step(case.problem, one, case.power_kw, tariff, hour=case.hour) for one in (case.schedule, found.schedule))
    was = {one.operation: one for one in case.schedule}
    moved = tuple(one for one in found.schedule if one.operation in found.shifted)
    shifted = [
        {**entry, "start_before": was[one.operation].start, "end_before": was[one.operation].end}
        for one, entry in zip(moved, to_plain(steps(case.problem, moved)), strict=True)
    ]
    return {
        "cost_before": round(found.before, DIGITS),
        "cost": round(found.cost, DIGITS),
        "saved": round(found.before - found.cost, DIGITS),
        "kwh": round(sum(after), DIGITS),
        "is_best": found.is_best,
        "prices": [
            {"from": max(time, 0), "price_eur_kwh": price, "kwh_before": round(then, DIGITS), "kwh": round(now, DIGITS)}
            for (time, price), then, now in zip(tariff.steps, before, after, strict=True)
        ],
        "shifted": shifted,
        "notes": _notes(case, found),
        "schedule": to_plain(steps(case.problem, found.schedule)),
    }


def _notes(case: Case, found: "Cheaper") -> list[str]:
    """What a reader of the figures should know, in sentences."""
    times, said = [time for time, _ in case.tariff.steps], []
    if len(times) > 1 and case.end - times[-1] > max(later - earlier for earlier, later in pairwise(times)):
        said.append(
            f"the price of the last line, from {times[-1]}, is taken for all the rest of the plan, to {case.end}; give prices that reach as far"
        )
    if not found.is_best:
        said.append("the search ended before it was known that no start is cheaper; a larger --seconds may save more")
    return said


def _valid(path: str, problem: "Problem") -> "tuple[Placed, ...]":
    """The schedule in a file, in which no rule is broken. Raises FileRefused."""
    from factolake.planning.formats import FileRefused, read_schedule
    from factolake.planning.validator import faults

    given = read_schedule(path, problem)
    broken = given.faults or faults(problem, given.schedule)
    if broken:
        raise FileRefused(f"{Path(path).name} breaks a rule of its problem: {broken[0].says}; `factolake plan validate` names all")
    return given.schedule


def _judge(problem: "Problem", schedule: "tuple[Placed, ...]") -> None:
    """No plan is shown that the judge does not let pass. Raises RuntimeError: it is our fault, no one else's."""
    from factolake.planning.validator import faults

    if broken := faults(problem, schedule):
        raise RuntimeError(f"the cheaper starts break a rule and are not shown: {broken[0].says}")


def _moment(text: str | None) -> datetime | None:
    """A moment with its offset. Raises BadParameter."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        moment = datetime.min
    if moment is not None and moment.tzinfo is None:
        raise typer.BadParameter(f"--began is {text}; give a moment with its offset, as 2026-03-02T12:00:00+01:00")
    return moment


def _print_answer(answer: dict[str, Any], found: "Cheaper", problem: "Problem", clock: "PlanClock") -> None:
    def when(time: int) -> int | datetime:
        return clock.moment(time) or time

    typer.echo(f"{found.says[0].upper()}{found.says[1:]}.")
    unit = "unit of time is an hour" if clock.hour == 1 else "units of time are an hour"
    typer.echo(f"EUR, for {answer['kwh']:.1f} kWh; {clock.hour} {unit}. A proposal: the schedule is as it was, and --json prints the new one.")
    typer.echo()
    print_table("", [{**row, "from": when(row["from"])} for row in answer["prices"][:MAX_TABLE_ROWS]])
    if rows := [_named(row, problem) for row in answer["shifted"][:MAX_TABLE_ROWS]]:
        typer.echo()
        print_table("", [{name: when(value) if name in _TIMES else value for name, value in row.items()} for row in rows])
    for many, what in ((len(answer["prices"]), "prices"), (len(answer["shifted"]), "operations")):
        if many > MAX_TABLE_ROWS:
            typer.echo(f"{many} {what}, the first {MAX_TABLE_ROWS} shown; --json prints all", err=True)
    for note in answer["notes"]:
        typer.echo(note, err=True)


_TIMES = frozenset({"start_before", "end_before", "start", "end"})


def _named(row: dict[str, Any], problem: "Problem") -> dict[str, Any]:
    """A row of `shifted` with names in place of numbers where there are some, times before beside times then."""
    number = problem.operations_of(row["job"])[row["operation"]]
    return {
        "job": problem.jobs[row["job"]].name or row["job"],
        "operation": problem.operations[number].name or row["operation"],
        "machine": problem.machines[row["machine"]].name or row["machine"],
        "start_before": row["start_before"],
        "end_before": row["end_before"],
        "start": row["start"],
        "end": row["end"],
    }
