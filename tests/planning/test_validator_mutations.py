"""The judge of plans on plans with all constraints: planted ones are clean in any order, and with one value changed they are not."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from generators import Planted, planted
from hypothesis import given, settings
from hypothesis import strategies as st

from factolake.domain.job import Placed
from factolake.planning.validator import Rule, faults

SIZES = ((2, 1, 2), (2, 2, 2), (4, 3, 3), (7, 4, 5), (12, 6, 6))
made = st.builds(lambda seed, size: planted(seed, *size), st.integers(0, 100_000), st.sampled_from(SIZES))


@given(made)
@settings(max_examples=100, deadline=None)
def test_planted_plans_are_clean_in_any_order(example: Planted) -> None:
    assert faults(example.problem, example.schedule) == ()
    assert faults(example.problem, example.schedule[::-1]) == ()


def missing(rng: Random, example: Planted) -> tuple[Placed, ...]:
    number = rng.randrange(len(example.schedule))
    return example.schedule[:number] + example.schedule[number + 1 :]


def twice(rng: Random, example: Planted) -> tuple[Placed, ...]:
    return (*example.schedule, rng.choice(example.schedule))


def longer(rng: Random, example: Planted) -> tuple[Placed, ...]:
    return changed(rng, example, lambda placed: replace(placed, end=placed.end + rng.choice((-1, 1))))


def unmanned(rng: Random, example: Planted) -> tuple[Placed, ...]:
    return changed(rng, example, lambda placed: replace(placed, people=placed.people[1:] if placed.people else (0,)))


def earlier_than_all(rng: Random, example: Planted) -> tuple[Placed, ...]:
    return changed(rng, example, lambda placed: replace(placed, start=-placed.end - 1, end=-placed.start - 1))


def changed(rng: Random, example: Planted, change: Callable[[Placed], Placed]) -> tuple[Placed, ...]:
    number = rng.randrange(len(example.schedule))
    return tuple(change(placed) if placed.operation == number else placed for placed in example.schedule)


MUTATIONS = {
    missing: {Rule.PLACED},
    twice: {Rule.PLACED},
    longer: {Rule.DURATION, Rule.BATCH},
    unmanned: {Rule.PEOPLE},
    earlier_than_all: {Rule.RELEASE},
}


@pytest.mark.parametrize("mutation", MUTATIONS)
@given(example=made, seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_one_wrong_value_in_a_plan_with_all_constraints_is_found(mutation: Callable[..., tuple[Placed, ...]], example: Planted, seed: int) -> None:
    found = faults(example.problem, mutation(Random(seed), example))
    assert {fault.rule for fault in found} & MUTATIONS[mutation]


@given(example=made, seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_two_operations_at_once_on_a_machine_are_found(example: Planted, seed: int) -> None:
    """Every operation of a machine that takes no batches is put to the start of another one there."""
    shop, rng = example.problem, Random(seed)
    here: dict[int, list[Placed]] = {}
    for placed in example.schedule:
        here.setdefault(shop.operations[placed.operation].modes[placed.mode].machine, []).append(placed)
    crowded = [number for number, all_of_it in here.items() if len(all_of_it) > 1 and shop.machines[number].batch == 1]
    if not crowded:
        return
    first, second = rng.sample(here[rng.choice(crowded)], 2)
    moved = replace(second, start=first.start, end=first.start + second.end - second.start)
    found = faults(shop, tuple(moved if placed == second else placed for placed in example.schedule))
    assert any(fault.rule is Rule.MACHINE and {first.operation, second.operation} & set(fault.operations) for fault in found)
