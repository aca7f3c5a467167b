"""The plant's own times of alerts, and where people want them sent."""

from django.core.mail.message import sanitize_address

from factolake.domain.action import ActorKind, Effect, Role
from factolake.mes.alerts.forms import ContactForm, EditRuleForm, RuleForm
from factolake.mes.alerts.kinds import AlertKind
from factolake.mes.alerts.models import AlertRule, Contact
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call, locked
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.models import Person

RULERS = {Role.ENGINEER, Role.ADMIN}


@action("alert_rule.create", At("scope_id", Equipment), RULERS, Effect.PRODUCTION, RuleForm)
def create_rule(call: Call, equipment: Equipment | None, form: RuleForm) -> AlertRule:
    """Say how long a kind of alert waits before it is raised and before it is told on, here or everywhere."""
    rule = AlertRule(kind=form.kind.value, scope=equipment.path if equipment else "", wait_s=form.wait_s, after_s=form.after_s, is_on=form.is_on)
    _check(rule)
    return call.create(rule)


@action("alert_rule.edit", On(AlertRule), RULERS, Effect.PRODUCTION, EditRuleForm)
def edit_rule(call: Call, rule: AlertRule, form: EditRuleForm) -> AlertRule:
    """Change a rule."""
    values = {name: getattr(form, name) for name in ("wait_s", "after_s", "is_on") if name in form.model_fields_set}
    if values.get("is_on", True) is None:
        del values["is_on"]
    if values.get("is_on") is False:
        _check(AlertRule(kind=rule.kind, is_on=False))
    return call.change(rule, **values)


@action("alert_rule.remove", On(AlertRule), RULERS, Effect.PRODUCTION)
def remove_rule(call: Call, rule: AlertRule, _: Form) -> AlertRule:
    """The kind's own times count again."""
    return call.remove(rule)


@action("person.set_email", On(Person), {Role.ADMIN}, Effect.PRODUCTION, ContactForm, frozenset({"email"}))
def set_email(call: Call, person: Person, form: ContactForm) -> Contact:
    """Say where a person wants alerts sent by e-mail, and from which severity on."""
    if person.kind != ActorKind.HUMAN.value:
        raise Conflict(f"{person.person_id} is a {person.kind} and gets no mail; programs have webhooks")
    if form.email:
        _check_address(form.email)
    contact = locked(Contact, person.pk)
    if contact is None:
        return call.create(Contact(person=person, email=form.email, mail_from=form.mail_from.value))
    return call.change(contact, email=form.email, mail_from=form.mail_from.value)


def _check_address(email: str) -> None:
    try:
        sanitize_address(email, "utf-8")
    except (ValueError, AttributeError) as error:
        raise Invalid(f"email is {email!r}, which no mail can be sent to: {error}; write name@host.domain") from error


def _check(rule: AlertRule) -> None:
    if rule.kind == AlertKind.SAFETY.value and not rule.is_on:
        raise Conflict("safety alerts are never switched off")
