"""What people read of a plan: how many operations move and why, what is late, what becomes of interrupted work, what was left out."""

from collections.abc import Sequence

from factolake.domain.job import Plan
from factolake.planning.building import Built, Entry, current, entries, told
from factolake.planning.changes import change_report
from factolake.planning.explaining import late_orders
from factolake.planning.reacting import choices, interrupted
from models.planning.risk import History, risk

SAMPLES = 500
"""How often a plan is played through."""
WORTH_TELLING = 0.1
"""An order that is late less often, or nearly always, says what the plan itself says."""
MOST_NAMED = 5
"""Late orders and interrupted operations told with their names; the rest is counted."""


def explained(made: Built, plan: Plan) -> tuple[Entry, ...]:
    """The rows of the plan, each with why it moves."""
    why = change_report(made, current(made), plan.schedule).why
    return entries(made, plan.schedule, {name: said[:1].upper() + said[1:] for name, said in why.items()})


def summary(made: Built, plan: Plan, rows: Sequence[Entry], why: str) -> str:
    """`N of M operations move, because ...`, and what else a planner wants to know before saying yes."""
    held = len(made.problem.operations)
    moved = sum(made.operations[made.number(row.operation_id)].planned_start_ts is not None for row in rows)
    new = len(rows) - moved
    counts = [f"{moved} of {held} operations move"] * bool(moved) + [f"{new} of {held} get a place in the plan"] * bool(new)
    said = [f"{' and '.join(counts)}, because {why}." if counts else f"Nothing moves: the plan stands, although {why}."]
    late = late_orders(made, plan.schedule)
    said += [sentence(one.says) for one in late[:MOST_NAMED]]
    said += [f"{len(late) - MOST_NAMED} more orders are late."] * (len(late) > MOST_NAMED)
    for operation in interrupted(made.situation)[:MOST_NAMED]:
        wait, *others = (choice.says for choice in choices(made.situation, operation.operation_id))
        said.append(sentence(f"{wait}; or {', or '.join(others)}" if others else wait))
    said += [sentence(f"not planned: {one.says}") for one in made.refused[:MOST_NAMED]]
    said += [f"{len(made.refused) - MOST_NAMED} more operations are not planned."] * (len(made.refused) > MOST_NAMED)
    return " ".join([*said, *map(sentence, made.notes)])


def risks(made: Built, plan: Plan, history: History) -> str:
    """Which orders may be late, from playing the plan through with durations as they were before; empty without a history or a risk."""
    if not history.done:
        return ""
    played = risk(made, plan.schedule, history, samples=SAMPLES)
    zone, now = made.situation.zone, made.situation.now_ts
    unsure = [one for one in played.orders if one.late is not None and WORTH_TELLING <= one.late < 1 - WORTH_TELLING]
    unsure.sort(key=lambda one: -(one.late or 0.0))
    said = [f"{one.order_id} is late in {one.late:.0%} of all cases (nine of ten end by {told(one.p90_end_ts, now, zone)})" for one in unsure]
    return " ".join(map(sentence, said[:MOST_NAMED]))


def sentence(said: str) -> str:
    """`said` with a capital and a full stop."""
    return f"{said[:1].upper()}{said[1:].rstrip('.')}."
