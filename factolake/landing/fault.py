"""A row that cannot be landed: what the parts of landing tell each other of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that cannot be landed: its number in the batch, its place in its record, and what is wrong, in words."""

    row: int
    place: int
    detail: str
