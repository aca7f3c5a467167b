"""What the benchmarks of plans do with each of them: judge it, and say whether a goal is reached."""

from factolake.domain.job import Placed, Problem
from factolake.planning.validator import Cost, cost, faults


def judged(problem: Problem, schedule: tuple[Placed, ...]) -> Cost:
    """What a plan costs, after the validator found nothing wrong with it."""
    wrong = faults(problem, schedule)
    if wrong:
        raise SystemExit(f"a plan breaks {len(wrong)} rules: {wrong[0].says}")
    return cost(problem, schedule)


def verdict(what: str, value: float, goal: float) -> None:
    """Print a value that is to be at most `goal`."""
    print(f"{what}: {value:.3f}, goal {goal}: {'reached' if value <= goal else 'NOT reached'}")


def ratio(what: str, own: float, peer: float, goal: float) -> None:
    """Print a ratio of sums that is to be at most `goal`; a peer's sum of 0 asks for 0."""
    value = f"{own / peer:.3f}" if peer else f"{own:.4f} against 0"
    print(f"{what}: {value}, goal <= {goal}: {'reached' if own <= goal * peer else 'NOT reached'}")


def shown(found: dict[str, float]) -> str:
    """What each solver found, in words."""
    return ", ".join(f"{solver} {value:.4g}" for solver, value in found.items())
