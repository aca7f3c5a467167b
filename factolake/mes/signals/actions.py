"""What people say of a machine's alert, and how it leads to maintenance: asked for by a person, or proposed for others to approve."""

from datetime import timedelta

from factolake.domain.action import Effect, Role
from factolake.domain.alert import Severity
from factolake.mes.approvals.actions.proposals import LONGEST_LIFE
from factolake.mes.approvals.models import Proposal
from factolake.mes.core.action import ACTIONS, Form, On, Request, action, parse_form, perform
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Conflict
from factolake.mes.maintenance.actions.requests import ASKERS
from factolake.mes.maintenance.models import MaintenanceRequest
from factolake.mes.signals.asked import asked_of
from factolake.mes.signals.evidence import evidence_of
from factolake.mes.signals.forms import JudgeForm, one_line
from factolake.mes.signals.models import MachineAlert, MachineAlertState
from factolake.mes.signals.words import described, headline

GRAVE = frozenset({Severity.MEDIUM.value, Severity.HIGH.value})
"""Severities that maintenance is proposed for; the others are looked at when there is time."""


@action("machine_alert.judge", On(MachineAlert), ASKERS, Effect.REVERSIBLE, JudgeForm, people_only=True)
def judge_alert(call: Call, alert: MachineAlert, form: JudgeForm) -> MachineAlert:
    """Say whether the alert was right, what it was and what helped; a later verdict replaces it, and the audit keeps both."""
    said = {"verdict": form.verdict.value, "verdict_reason": form.reason, "cause": one_line(form.cause), "fix": one_line(form.fix)}
    return call.change(alert, **said, minutes=form.minutes, judged_by=call.actor, judged_ts=call.at_ts)


@action("machine_alert.request_maintenance", On(MachineAlert), ASKERS, Effect.REVERSIBLE)
def request_maintenance(call: Call, alert: MachineAlert, _: Form) -> MachineAlert:
    """Ask for maintenance of the machine, with the alert's words as its description; once an alert."""
    if (asked := asked_of(alert)) is not None:
        raise Conflict(f"maintenance was asked for already because of {alert}: request {asked.pk}, which is {asked.state}")
    if not alert.may_lead_to_maintenance:
        why = "was taken back" if alert.state == MachineAlertState.WITHDRAWN.value else "was a false alarm"
        raise Conflict(f"{alert} {why}; ask for maintenance of {alert.equipment_id} itself where it is needed")
    made = call.create(MaintenanceRequest(equipment=alert.equipment, description=described(alert), requested_by=call.actor, requested_ts=call.at_ts))
    return call.change(alert, request=made)


@action("machine_alert.propose_maintenance", On(MachineAlert), {Role.ENGINEER}, Effect.PRODUCTION, by_owner=True)
def propose_maintenance(call: Call, alert: MachineAlert, _: Form) -> MachineAlert:
    """Propose to ask for maintenance, with the evidence; once an alert. It is done by itself for one of medium or high severity."""
    if not alert.stands or alert.proposal_id is not None or asked_of(alert) is not None:
        raise Conflict(f"{alert} is {alert.state} and has {'a' if alert.proposal_id else 'no'} proposal; propose maintenance once, while it is open")
    payload = {"equipment_id": alert.equipment_id, "description": described(alert)}
    wanted = ACTIONS["proposal.create"]
    form = {
        "action": "maintenance_request.create",
        "payload": payload,
        "evidence": evidence_of(alert),
        "reason": headline(alert.text_en),
        "expires_ts": (call.at_ts + LONGEST_LIFE - timedelta(minutes=1)).isoformat(),
    }
    inner = Call(call.actor, call.at_ts, call.via, headline(alert.text_en), call.request_id)
    made = perform(inner, Request(wanted, "", parse_form(wanted, form)), call.rights)
    return call.change(alert, proposal=Proposal.objects.get(pk=made["proposal_id"]))
