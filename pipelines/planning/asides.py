"""What a planner reads beside a plan: what may become of interrupted work and what follows, and what it would have been worth to know earlier.

Both take searches of their own, each a short one, after the plan was published: nobody waits for them, and where they fail the plan stands.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from factolake.config.settings import PlannerSettings
from factolake.contracts.formats.sql import listed
from factolake.domain.job import Plan, Problem
from factolake.domain.plant import PlantModel
from factolake.planning.building import Built, told
from factolake.planning.reacting import Choice, ChoiceKind, EventKind, choices, counterfactual, interrupted, outcomes
from factolake.planning.rewinding import Made, rewound
from factolake.planning.situation import OrderOperation
from factolake.planning.what_if import Kpis, kpis
from pipelines.planning.causes import Cause
from pipelines.planning.reading import situation_of
from pipelines.planning.record import Record

Solve = Callable[[Problem], Plan]
SEARCH_S = 3.0
"""CPU seconds of each search beside the plan's own."""
MOST_INTERRUPTED, MOST_ELSEWHERE, MOST_NAMED = 3, 3, 5
"""Interrupted operations that are looked at, other machines for each, late orders told by name."""
SOONEST, LATEST = timedelta(minutes=1), timedelta(hours=8)
"""A stop that was known sooner could not have been known earlier; of what was long ago too little is known."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way on for an interrupted operation, as a page offers it: where it was interrupted, what is done, and what follows, in sentences.

    `kind` is a `ChoiceKind`; `to`: the other machine of one that goes on elsewhere. `is_taken`: the plan goes by it.
    """

    operation: str
    equipment: str
    kind: str
    to: str
    says: str
    then: str
    is_taken: bool


def ways_on(made: Built, plan: Plan, solve: Solve) -> tuple[Way, ...]:
    """What may become of each interrupted operation, the plan's own way first, with what each comes to by a search of its own."""
    found: list[Way] = []
    for operation in interrupted(made.situation)[:MOST_INTERRUPTED]:
        wait, *others = choices(made.situation, operation.operation_id)
        found.append(_way(operation, wait, _then(made, kpis(made, plan.schedule)), is_taken=True))
        elsewhere = [other for other in others if other.kind is ChoiceKind.ELSEWHERE][:MOST_ELSEWHERE]
        scrapped = [other for other in others if other.kind is ChoiceKind.SCRAP]
        for outcome in outcomes([*elsewhere, *scrapped], solve):
            then = "no plan was found for that" if outcome.kpis is None else _then(outcome.built, outcome.kpis)
            found.append(_way(operation, outcome.choice, then, is_taken=False))
    return tuple(found)


def as_json(ways: tuple[Way, ...]) -> str | None:
    """The ways as `ops.plans` keeps them; None for none."""
    return json.dumps([asdict(way) for way in ways], ensure_ascii=False) if ways else None


def hindsight(record: Record, plant: PlantModel, settings: PlannerSettings, made: Built, plan: Plan, cause: Cause, solve: Solve) -> str | None:
    """What it would have been worth to know of the stop when it began, in a sentence; None where the plan is for something else, or just after."""
    at = made.situation
    unit = next((each for each in at.machines if cause.about.startswith(f"{EventKind.STOP.value} {each.equipment} ")), None)
    since = unit.down_since_ts if unit is not None else None
    if unit is None or since is None or not SOONEST <= at.now_ts - since <= LATEST:
        return None
    then = situation_of(record, plant, unit.line, since, settings)
    earlier = rewound(at, then, _made(record, at.operations, since), unit.equipment)
    found = counterfactual("the stop", earlier, at, lambda problem: plan if problem == made.problem else solve(problem))
    return None if found is None else f"{found.says[:1].upper()}{found.says[1:]}."


def short(search: Callable[..., Plan], made: Built, wanted: Mapping[str, object]) -> Solve:
    """The search of a plan, made short; it looks at the problem alone."""
    brief = {**wanted, "seconds": SEARCH_S, "wall_s": 2 * SEARCH_S}
    return lambda problem: search(replace(made, problem=problem), brief, lambda _: None, ())


def _way(operation: OrderOperation, choice: Choice, then: str, *, is_taken: bool) -> Way:
    return Way(operation.operation_id, operation.equipment, choice.kind.value, choice.equipment, choice.says, then, is_taken)


def _then(made: Built, found: Kpis) -> str:
    late = found.late_orders
    names = [*late[:MOST_NAMED], *([f"{len(late) - MOST_NAMED} more"] if len(late) > MOST_NAMED else [])]
    orders = f"{len(late)} order{'s' * (len(late) > 1)} late: {', '.join(names)}" if late else "no order is late"
    return f"{orders}; the plan ends {told(made.moment(found.makespan_s), made.situation.now_ts, made.situation.zone)}"


def _made(record: Record, operations: tuple[OrderOperation, ...], then: datetime) -> Made:
    """What each operation that had begun had made by then, as it was reported."""
    begun = [each.operation_id for each in operations if each.actual_start_ts is not None and each.actual_start_ts < then]
    found: dict[str, tuple[float, float]] = {}
    if begun:
        where = f"operation_id IN ({listed(begun)}) AND at_ts <= '{then.isoformat()}'"
        for row in record.rows("production", where):
            good, scrap = found.get(row["operation_id"], (0.0, 0.0))
            found[row["operation_id"]] = (good + float(row["good"]), scrap + float(row["scrap"]))
    return found
