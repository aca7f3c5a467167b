"""Promotions that FactoMES's people approved, entered one after the other in the order of their approval. What is not sound is refused in a sentence.

Where the records come from is the caller's; `catalogue` checks each of them as it checks any other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from factolake.errors import ModelRefused
from models.registry.approval import Approval, overtaken_by
from models.registry.catalogue import Models
from models.registry.ledger import Entry


@dataclass(frozen=True, slots=True)
class Promotion:
    """An approved promotion of `version` of the model `name`; `number` counts them."""

    number: int
    name: str
    version: int
    approval: Approval


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of approved promotions.

    `entered`: champions now. `refused`: not sound, with why. `overtaken`: the champion was changed since they were approved.
    """

    entered: tuple[Entry, ...]
    refused: tuple[tuple[Promotion, str], ...]
    overtaken: tuple[Promotion, ...]


def newest(promotions: Iterable[Promotion], name: str, version: int) -> Promotion:
    """The last approval of just this version. Raises ModelRefused where there is none."""
    found = [one for one in promotions if (one.name, one.version) == (name, version)]
    if not found:
        raise ModelRefused(
            f"silver.model_promotions holds no approval of {name} {version}; have it approved and executed in FactoMES, and wait for the lake"
        )
    return max(found, key=lambda one: one.number)


def enter_all(models: Models, promotions: Sequence[Promotion], at: datetime) -> Outcome:
    """Enter what waits; what was entered before is left out. Raises RegistryUnavailable, LeaseHeld, and ModelRefused for a ledger that is damaged."""
    entered: list[Entry] = []
    refused: list[tuple[Promotion, str]] = []
    overtaken: list[Promotion] = []
    for one in sorted(promotions, key=lambda promotion: (promotion.approval.approved_ts, promotion.number)):
        history = models.entries()
        if any(entry.approval_id == one.approval.approval_id for entry in history):
            continue
        if overtaken_by(one.approval, one.name, history) is not None:
            overtaken.append(one)
            continue
        try:
            entered.append(models.promote(one.name, one.version, one.approval, at))
        except ModelRefused as cause:
            refused.append((one, str(cause)))
    return Outcome(tuple(entered), tuple(refused), tuple(overtaken))
