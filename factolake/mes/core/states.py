"""State machines: which step may follow which. A table, not code; an illegal step is one sentence (HTTP 409)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from factolake.mes.core.refusals import IllegalStep


@dataclass(frozen=True, slots=True)
class StateMachine:
    """The steps of one kind of thing: `steps[state]` are the states that may follow it; a state without steps is final."""

    noun: str
    steps: Mapping[StrEnum, frozenset[StrEnum]]

    def __post_init__(self) -> None:
        unknown = {to for follow in self.steps.values() for to in follow} - set(self.steps)
        if unknown:
            raise ValueError(f"steps of {self.noun} lead to {sorted(unknown)}, which have no entry of their own")

    def check(self, thing_id: str, state: str, to: StrEnum) -> None:
        """Raise IllegalStep unless `to` may follow `state`."""
        follow = self.steps[type(to)(state)]
        if to not in follow:
            allowed = ", ".join(sorted(follow)) or "nothing, this state is final"
            raise IllegalStep(f"{self.noun} {thing_id} is {state} and cannot become {to.value}; allowed now: {allowed}")

    @property
    def final(self) -> frozenset[StrEnum]:
        """States that nothing follows."""
        return frozenset(state for state, follow in self.steps.items() if not follow)
