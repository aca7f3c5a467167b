"""Tools: added, mounted and taken off, renewed, allowed beyond their life, retired. Production counts their use by itself."""

from decimal import Decimal

from factolake.domain.action import Effect, Role
from factolake.domain.order import OperationState
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call, after_each_action, find, locked
from factolake.mes.core.refusals import Conflict
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.actions.lots import short
from factolake.mes.production.forms import WhyForm
from factolake.mes.production.models import MaterialDefinition, Operation
from factolake.mes.tooling.forms import AllowForm, MountForm, RequirementForm, ToolForm
from factolake.mes.tooling.models import Tool, ToolRequirement, ToolUse
from factolake.mes.tooling.wear import check_start, count_hours, count_report, is_at_work, run_hours

KEEPERS = {Role.ENGINEER, Role.MAINTENANCE}
SHOP = {Role.OPERATOR, Role.MAINTENANCE, Role.ENGINEER}


@action("tool.create", At("equipment_id", Equipment), KEEPERS, Effect.PRODUCTION, ToolForm)
def create_tool(call: Call, equipment: Equipment | None, form: ToolForm) -> Tool:
    """Add a tool."""
    tool = Tool(tool_id=form.tool_id, name=form.name, tool_class=form.tool_class, equipment=equipment, counts=form.counts.value)
    tool.life_limit, tool.used = form.life_limit, form.used
    return call.create(tool)


@action("tool_use.create", At("equipment_id", Equipment), SHOP, Effect.PRODUCTION, MountForm)
def mount(call: Call, equipment: Equipment, form: MountForm) -> ToolUse:
    """Mount a tool on a machine."""
    tool = locked(Tool, form.tool_id) or find(Tool, tool_id=form.tool_id)
    if tool.is_mounted or not tool.is_active:
        raise Conflict(
            f"tool {tool.tool_id} is {f'mounted on {tool.equipment_id}; take it off first' if tool.is_mounted else 'retired; take another'}"
        )
    use = ToolUse(tool=tool, equipment=equipment, mounted_ts=call.at_ts, mounted_by=call.actor, used_before=tool.used)
    call.create(use)
    call.change(tool, equipment=equipment, is_mounted=True)
    run_hours(call, tool, call.at_ts, is_running=is_at_work(equipment.path))
    return use


@action("tool_use.end", On(ToolUse), SHOP, Effect.PRODUCTION)
def unmount(call: Call, use: ToolUse, _: Form) -> ToolUse:
    """Take the tool off; it is kept where it was until it is mounted again."""
    if use.unmounted_ts is not None:
        raise Conflict(f"tool {use.tool_id} was taken off at {use.unmounted_ts}")
    tool = locked(Tool, use.tool_id)
    assert tool is not None  # its foreign key protects it
    run_hours(call, tool, call.at_ts, is_running=False)
    call.change(tool, is_mounted=False)
    return call.change(use, unmounted_ts=call.at_ts, used_after=tool.used)


@action("tool.renew", On(Tool), KEEPERS, Effect.PRODUCTION, WhyForm)
def renew(call: Call, tool: Tool, _: WhyForm) -> Tool:
    """The tool is as new: ground, overhauled, fitted with new inserts; its life begins again."""
    since = call.at_ts if tool.running_since_ts is not None else None
    return call.change(tool, used=Decimal(0), allowed_to=None, running_since_ts=since)


@action("tool.allow", On(Tool), {Role.ENGINEER}, Effect.PRODUCTION, AllowForm)
def allow(call: Call, tool: Tool, form: AllowForm) -> Tool:
    """Let the tool be used beyond its life, up to a new limit, until it is renewed."""
    if tool.life_limit is None or form.allowed_to <= tool.used:
        limit = "no limit" if tool.life_limit is None else f"{short(tool.used)} used of {short(tool.life_limit)}"
        raise Conflict(f"tool {tool.tool_id} has {limit}; allowed_to is {short(form.allowed_to)}, give more than what is used")
    return call.change(tool, allowed_to=form.allowed_to)


@action("tool.retire", On(Tool), KEEPERS, Effect.PRODUCTION, WhyForm)
def retire(call: Call, tool: Tool, _: WhyForm) -> Tool:
    """The tool is scrapped or sent away."""
    if tool.is_mounted:
        raise Conflict(f"tool {tool.tool_id} is mounted on {tool.equipment_id}; take it off first")
    return call.change(tool, is_active=False)


@action("tool_requirement.create", At(), {Role.ENGINEER, Role.PLANNER}, Effect.PRODUCTION, RequirementForm)
def require_tool(call: Call, _: None, form: RequirementForm) -> ToolRequirement:
    """Let a step of a material take a tool of a class, from now on."""
    material = find(MaterialDefinition, material_id=form.material_id)
    asked = ToolRequirement(material=material, step_number=form.step_number, tool_class=form.tool_class, valid_from=call.at_ts)
    return call.create(asked)


@action("tool_requirement.end", On(ToolRequirement), {Role.ENGINEER, Role.PLANNER}, Effect.PRODUCTION)
def end_requirement(call: Call, asked: ToolRequirement, _: Form) -> ToolRequirement:
    """The step takes no such tool any more."""
    return call.change(asked, valid_to=asked.valid_to or call.at_ts)


@after_each_action
def wear_tools(call: Call) -> None:
    """Count what was made, let hours run with operations, and refuse to start one with a worn or missing tool."""
    for change in list(call.changes):
        if change.noun == "production" and change.before is None:
            count_report(call, change)
        elif change.noun == "operation" and change.before is not None and change.after is not None:
            was, now = (state == OperationState.RUNNING.value for state in (change.before["state"], change.after["state"]))
            if was != now:
                operation = Operation.objects.select_related("equipment", "order").get(pk=change.object_id)
                if now:
                    check_start(operation, call.at_ts)
                began_ts = operation.actual_start_ts if change.before["actual_start_ts"] is None else None
                count_hours(call, operation, began_ts or operation.actual_end_ts or call.at_ts)
