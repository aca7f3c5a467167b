"""Documents in, what the ERP answers to confirmations, and webhooks. Loading this also lets confirmations and deliveries be written."""

import hashlib

from django.conf import settings

from factolake.domain.action import ActorKind, Effect, Role
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Conflict, Invalid, NotAllowed
from factolake.mes.exchange import confirmations
from factolake.mes.exchange.applying.part import apply_part, split
from factolake.mes.exchange.forms import AcceptForm, ImportForm, RefuseForm, WebhookForm
from factolake.mes.exchange.models import ConfirmationState, DeliveryState, ErpConfirmation, ErpImport, ErpImportPart, ImportState, Webhook
from factolake.mes.exchange.models.confirmation import CONFIRMATION_STATES
from factolake.mes.exchange.parsing import FORMS, PARSERS
from factolake.mes.exchange.webhooks import check_url, sealed
from factolake.mes.production.ownership import check_may_mirror

__all__ = ["confirmations"]
ADMINISTRATION = {Role.ENGINEER, Role.ADMIN}
PLANNING = {Role.PLANNER, Role.ENGINEER}
OF_THE_OWNER = frozenset({"orders", "operations", "progress"})
"""Kinds of documents that only an incumbent MES brings, where there is one."""


@action("erp_import.create", At(), PLANNING, Effect.PRODUCTION, ImportForm, frozenset({"document"}), by_owner=True)
def create_import(call: Call, _: None, form: ImportForm) -> ErpImport:
    """Take a document of an ERP, all its rows of one kind; the first thousand rows at once, the others part by part."""
    if call.actor.kind == ActorKind.SERVICE.value and form.source_system != call.actor.person_id:
        raise NotAllowed(f"service {call.actor.person_id} brings documents of its own only; source_system is {form.source_system!r}")
    if form.kind in OF_THE_OWNER:
        check_may_mirror(call, f"the import of {form.kind}")
    if form.kind == "progress" and call.actor.person_id != settings.FACTOMES_INCUMBENT:
        raise Invalid("progress is what an incumbent MES tells of its orders; here work is reported to FactoMES, see mes.role in the settings")
    document = _bytes(form.document)
    row_form = FORMS[form.kind]
    parts = list(split(PARSERS[form.format](document, row_form), row_form))
    made = ErpImport(source_system=form.source_system, kind=form.kind, format=form.format, at_ts=call.at_ts, imported_by=call.actor)
    made.sha256 = hashlib.sha256(document).hexdigest()
    made.rows = sum(part.content.count("\n") + 1 for part in parts)
    made.state = (ImportState.RUNNING if parts else ImportState.DONE).value
    call.create(made)
    for part in parts:
        part.erp_import = made
    call.create_many(parts)
    if parts:
        apply_part(call, made, parts[0])
    return made


@action("erp_import.proceed", On(ErpImport), PLANNING, Effect.PRODUCTION, by_owner=True)
def proceed_import(call: Call, document: ErpImport, _: Form) -> ErpImport:
    """Apply the next part of a document; FactoMES does so by itself."""
    part = ErpImportPart.objects.select_for_update().filter(erp_import=document, outcomes="").order_by("number").first()
    if part is None:
        raise Conflict(f"import {document.pk} is done; nothing of it is left")
    apply_part(call, document, part)
    return document


@action("erp_confirmation.accept", On(ErpConfirmation), PLANNING, Effect.PRODUCTION, AcceptForm, by_owner=True)
def accept_confirmation(call: Call, confirmation: ErpConfirmation, form: AcceptForm) -> ErpConfirmation:
    """The ERP has the confirmation: it said so, or somebody posted it there by hand."""
    _step(confirmation, ConfirmationState.ACCEPTED)
    return call.change(confirmation, state=ConfirmationState.ACCEPTED.value, accepted_ts=call.at_ts, erp_document=form.erp_document)


@action("erp_confirmation.refuse", On(ErpConfirmation), PLANNING, Effect.PRODUCTION, RefuseForm, by_owner=True)
def refuse_confirmation(call: Call, confirmation: ErpConfirmation, form: RefuseForm) -> ErpConfirmation:
    """The ERP does not take the confirmation; those behind it in its order wait until that is put right."""
    _step(confirmation, ConfirmationState.REFUSED)
    return call.change(confirmation, state=ConfirmationState.REFUSED.value, refused_field=form.field, refused_message=form.message)


@action("erp_confirmation.resend", On(ErpConfirmation), PLANNING, Effect.PRODUCTION, by_owner=True)
def resend_confirmation(call: Call, confirmation: ErpConfirmation, _: Form) -> ErpConfirmation:
    """Offer a refused confirmation to the ERP again, once what it refused is put right there or here."""
    _step(confirmation, ConfirmationState.WAITING)
    return call.change(confirmation, state=ConfirmationState.WAITING.value)


def _step(confirmation: ErpConfirmation, to: ConfirmationState) -> None:
    CONFIRMATION_STATES.check(str(confirmation.pk), confirmation.state, to)


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Invalid(f"the document holds half a character at place {error.start}; send it as UTF-8") from error


@action("webhook.create", At(), ADMINISTRATION, Effect.PRODUCTION, WebhookForm, frozenset({"secret"}), people_only=True)
def create_webhook(call: Call, _: None, form: WebhookForm) -> Webhook:
    """Tell an address of the changes of some kinds of rows from now on."""
    check_url(form.url)
    return call.create(Webhook(url=form.url, nouns=form.nouns, secret=sealed(form.secret)))


@action("webhook.disable", On(Webhook), ADMINISTRATION, Effect.PRODUCTION)
def disable_webhook(call: Call, hook: Webhook, _: Form) -> Webhook:
    """Tell the address nothing more; what waits for it is given up."""
    hook.deliveries.all().delete()
    return call.change(hook, is_active=False)


@action("webhook.retry", On(Webhook), ADMINISTRATION, Effect.PRODUCTION)
def retry_webhook(call: Call, hook: Webhook, _: Form) -> Webhook:
    """Try again to deliver what was given up."""
    hook.deliveries.filter(state=DeliveryState.DEAD.value).update(state=DeliveryState.WAITING.value, tries=0, next_try_ts=call.at_ts)
    return hook
