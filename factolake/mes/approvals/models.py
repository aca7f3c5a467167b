"""Proposals of actions, what people decided about them, and the switches that stop agents."""

from datetime import datetime
from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine
from factolake.mes.people.models import Person


class ProposalState(StrEnum):
    """Where a proposal stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    EXECUTED = "executed"


PROPOSAL_STATES = StateMachine(
    "proposal",
    {
        ProposalState.PENDING: frozenset({ProposalState.APPROVED, ProposalState.REJECTED, ProposalState.EXPIRED, ProposalState.CANCELLED}),
        ProposalState.APPROVED: frozenset({ProposalState.EXECUTED, ProposalState.EXPIRED, ProposalState.CANCELLED}),
        ProposalState.REJECTED: frozenset(),
        ProposalState.EXPIRED: frozenset(),
        ProposalState.CANCELLED: frozenset(),
        ProposalState.EXECUTED: frozenset(),
    },
)
OPEN_STATES = tuple(state.value for state, follow in PROPOSAL_STATES.steps.items() if follow)


class Decision(StrEnum):
    """What a person said to a proposal."""

    APPROVE = "approve"
    REJECT = "reject"


class Proposal(Record):
    """An action that somebody asks for, with exactly what it would be asked with. It happens once, when enough people approved just that."""

    NOUN = "proposal"
    PLACE = "place"

    proposal_id = models.CharField(max_length=32, primary_key=True, db_comment="Random id (UUID, hex).")
    action = models.CharField(max_length=64, db_comment="Action that is proposed, e.g. lot.release.")
    key = models.CharField(max_length=240, blank=True, db_comment="Key of the row it is done to; empty where it makes its own.")
    payload = models.TextField(db_comment="What the action is asked with, canonical JSON (RFC 8785).")
    evidence = models.TextField(db_comment="Why it is proposed, for the people who decide: JSON (RFC 8785).")
    reason = models.TextField(blank=True, db_comment="Why, in the requester's words.")
    digest = models.CharField(max_length=64, db_comment="SHA-256 over action, key, payload, policy version and expiry (RFC 8785), hex.")
    policy_version = models.CharField(max_length=64, db_comment="SHA-256 over the rules it was proposed under, hex.")
    place = models.CharField(max_length=240, blank=True, db_comment="Equipment path of what it is done to; empty is the whole enterprise.")
    effect = models.CharField(max_length=20, db_comment="Class of the action.")
    minimum = models.PositiveSmallIntegerField(db_comment="People who have to approve it.")
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in ProposalState], default=ProposalState.PENDING.value)
    requested_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="proposals", db_comment="Who asks.")
    requested_ts = models.DateTimeField(db_comment="When it was asked for (UTC).")
    expires_ts = models.DateTimeField(db_comment="From then on it never happens (UTC).")
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_comment="Who rejected, cancelled or executed it.")
    ended_ts = models.DateTimeField(null=True, db_comment="When it was rejected, cancelled, executed or marked as expired (UTC).")
    answer = models.TextField(blank=True, db_comment="What the action answered, JSON; empty until it is executed.")

    class Meta:
        """What waits is found at once, by expiry and by requester."""

        indexes = (
            models.Index(fields=("state", "expires_ts"), name="proposal_waiting"),
            models.Index(fields=("requested_by", "state"), name="proposal_of_requester"),
        )

    def is_overdue(self, now: datetime) -> bool:
        """Whether its time is up, marked as such or not."""
        return self.expires_ts <= now


class Approval(Record):
    """What one person decided about one proposal, and what exactly they saw."""

    NOUN = "approval"
    PLACE = "proposal__place"
    OWNER = "proposal"

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="approvals", db_comment="About what.")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="approvals", db_comment="Who decided.")
    decision = models.CharField(max_length=8, choices=[(d.value, d.value) for d in Decision], db_comment="What they said.")
    roles = models.CharField(max_length=240, db_comment="Roles they held there when they decided, separated by spaces.")
    digest = models.CharField(max_length=64, db_comment="Digest of the proposal they saw, hex.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")
    reauthenticated_ts = models.DateTimeField(null=True, db_comment="When they proved who they are for this decision (UTC); null: not asked for.")
    reason = models.TextField(blank=True, db_comment="Why, in their words.")

    class Meta:
        """A person decides once."""

        constraints = (models.UniqueConstraint(fields=("proposal", "person"), name="approval_once"),)


class KillSwitch(Record):
    """Stops what is not a person's own doing: everything (`global`), one agent or service (`agent:ID`), one action (`capability:NOUN.VERB`)."""

    NOUN = "kill_switch"

    scope = models.CharField(max_length=140, primary_key=True, db_comment="global, agent:ID or capability:NOUN.VERB.")
    is_on = models.BooleanField(default=True, db_comment="True: what it names is stopped.")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_comment="Who set it last.")
    set_ts = models.DateTimeField(db_comment="When (UTC).")
    reason = models.TextField(db_comment="Why, in their words.")
