"""Failure codes: added and edited by the plant."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call
from factolake.mes.maintenance.forms import CodeForm, EditCodeForm
from factolake.mes.maintenance.models import FailureCode

KEEPERS = {Role.MAINTENANCE, Role.ENGINEER}


@action("failure_code.create", At(), KEEPERS, Effect.PRODUCTION, CodeForm)
def create_code(call: Call, _: None, form: CodeForm) -> FailureCode:
    """Add a failure code."""
    return call.create(FailureCode(code_id=f"{form.kind.value}.{form.code}", kind=form.kind.value, code=form.code, name=form.name))


@action("failure_code.edit", On(FailureCode), KEEPERS, Effect.PRODUCTION, EditCodeForm)
def edit_code(call: Call, code: FailureCode, form: EditCodeForm) -> FailureCode:
    """Rename a code, or offer it no longer; orders that have it keep it."""
    return call.change(code, **{name: value for name, value in (("name", form.name), ("is_active", form.is_active)) if value is not None})
