"""Proposals whose time is up are marked as expired; they could not happen any more before that either."""

from datetime import datetime

from factolake.domain.action import Role
from factolake.mes.approvals.models import OPEN_STATES, Proposal
from factolake.mes.core.jobs import job
from factolake.mes.core.refusals import Refusal
from factolake.mes.people.services import act, service

CLOCK = "clock"
"""Id of the service that marks what time has ended."""


def expire_overdue(now: datetime) -> int:
    """Mark every open proposal whose time is up; returns how many."""
    overdue = list(Proposal.objects.filter(state__in=OPEN_STATES, expires_ts__lte=now).values_list("pk", flat=True))
    marked = 0
    for proposal_id in overdue:
        try:
            act(service(CLOCK, "The clock", now), Role.ENGINEER, "proposal.expire", proposal_id, now)
        except Refusal:
            continue  # somebody ended it in the meantime
        marked += 1
    return marked


job("proposals", 30.0, expire_overdue)
