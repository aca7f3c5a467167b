"""What a change of a plan does to people who wait for its orders, and to set-ups, in sentences."""

from collections.abc import Mapping

from factolake.domain.job import Placed
from factolake.mes.scheduling.rule_words import minutes
from factolake.planning.building import Built
from factolake.planning.validator import cost

MOST = 4
"""So many orders are named."""

Schedule = Mapping[int, Placed]


def effects(plan: Built, before: Schedule, after: Schedule) -> tuple[str, ...]:
    """Late orders and set-up time, before and after; orders that become late or on time, or later, by name."""
    then, now = lateness(plan, before), lateness(plan, after)
    late_then, late_now = _late(then), _late(now)
    told = [f"Late orders: {len(late_then)} before, {len(late_now)} then." if late_then or late_now else "No order is late."]
    told += _named(plan, "late now", {key: now[key] for key in late_now if key not in late_then})
    told += _named(plan, "on time now", dict.fromkeys((key for key in late_then if key not in late_now), 0))
    told += _named(plan, "later than before", {key: now[key] - then[key] for key in late_now if key in late_then and now[key] > then[key]})
    told += _named(plan, "less late", {key: then[key] - now[key] for key in late_now if key in late_then and now[key] < then[key]})
    setup_then, setup_now = (cost(plan.problem, tuple(each.values())).setup for each in (before, after))
    if setup_then or setup_now:
        told.append(f"Set-up: {minutes(setup_then)} before, {minutes(setup_now)} then.")
    return tuple(told)


def lateness(plan: Built, schedule: Schedule) -> dict[int, int]:
    """Seconds from the due date of each order to its end, by job; below 0 where it is early. Orders without due date or without plan are left out."""
    ends: dict[int, int] = {}
    for placed in schedule.values():
        job = plan.problem.operations[placed.operation].job
        ends[job] = max(ends.get(job, placed.end), placed.end)
    return {job: end - due for job, end in ends.items() if (due := plan.due[job]) is not None}


def _late(found: Mapping[int, int]) -> list[int]:
    return [job for job, seconds in found.items() if seconds > 0]


def _named(plan: Built, what: str, jobs: Mapping[int, int]) -> list[str]:
    if not jobs:
        return []
    worst = sorted(jobs, key=lambda job: (-jobs[job], job))
    names = [f"{plan.orders[job].order_id}{f' by {minutes(jobs[job])}' if jobs[job] else ''}" for job in worst[:MOST]]
    more = f" and {len(worst) - MOST} more" if len(worst) > MOST else ""
    return [f"{what.capitalize()}: {', '.join(names)}{more}."]
