"""Where a step of a routing may be done and in what times, seen from where an operation of it stands."""

from collections.abc import Iterable

from factolake.planning.situation import Alternative


def alternatives(here: str, step: Alternative, others: Iterable[Alternative]) -> tuple[Alternative, ...]:
    """The other machines that may do an operation that stands at `here`, the step's own first; none where its step is not done at `here` at all.

    `step`: the step's machine and times; `others`: its alternatives, a time None: the step's. Of what is given back, None is the operation's own
    time: it holds wherever the routing says the same of both machines.
    """
    times = {step.equipment: (step.planned_run_s, step.planned_setup_s)}
    for other in others:
        run_s = step.planned_run_s if other.planned_run_s is None else other.planned_run_s
        setup_s = step.planned_setup_s if other.planned_setup_s is None else other.planned_setup_s
        times.setdefault(other.equipment, (run_s, setup_s))
    if here not in times:
        return ()
    own_run_s, own_setup_s = times.pop(here)
    return tuple(
        Alternative(name, None if run_s == own_run_s else run_s, None if setup_s == own_setup_s else setup_s)
        for name, (run_s, setup_s) in times.items()
    )
