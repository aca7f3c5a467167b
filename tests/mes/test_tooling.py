"""Tools: mounted and taken off, worn by what is made and by hours at work; a worn or missing one lets no operation start, and raises an alert."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from record_plant import LINE, M1, M3, NOW, do, order

from factolake.mes.alerts.models import Alert
from factolake.mes.production.models import Operation, Production
from factolake.mes.tooling.models import Tool, ToolUse

on_both = pytest.mark.usefixtures("record")
on_sqlite = pytest.mark.usefixtures("sqlite_record")  # what no database can change
DAY = NOW + timedelta(days=1)
HOUR = timedelta(hours=1)


def tool(tool_id: str = "T-1", on: str | None = M1, **more: Any) -> str:
    """A drill, mounted on a machine unless `on` is None; answers with the number of its use."""
    do("engineer", "tool.create", **{"tool_id": tool_id, "name": "Drill", "tool_class": "drill_8mm", "life_limit": 10, **more})
    return str(do("operator", "tool_use.create", tool_id=tool_id, equipment_id=on, at=NOW)["id"]) if on else ""


def work(order_id: str = "PO-1", machine: str = M1) -> str:
    """A released order of G-100 whose one step is on the machine."""
    if order_id == "PO-1":
        do("planner", "material.create", material_id="G-100")
        do("engineer", "routing_step.create", material_id="G-100", number=10, equipment_id=machine)
    return order(order_id)


def used(tool_id: str = "T-1") -> Decimal:
    return Tool.objects.get(pk=tool_id).used


@on_both
def test_what_an_operation_reports_wears_the_tools_mounted_there_and_a_reversal_takes_it_back() -> None:
    tool()
    tool("elsewhere", M3)
    operation = work()
    do("operator", "operation.start", operation)
    do("operator", "operation.report", operation, good=5, scrap=1, cause_id="surface")
    assert (used(), used("elsewhere")) == (6, 0)
    do("operator", "production.reverse", str(Production.objects.get().pk), reason="typed wrong")
    assert used() == 0


@on_sqlite
def test_a_worn_tool_raises_an_alert_and_lets_nothing_start_until_it_is_renewed_or_more_is_allowed() -> None:
    use = tool()
    first, second = work(), work("PO-2")
    do("operator", "operation.start", first)
    do("operator", "operation.report", first, good=12)
    alert = Alert.objects.get(kind="tool_worn")
    assert (alert.text, alert.place_path.endswith(M1), alert.count) == ("Tool T-1 has done 12 of 10 cycles", True, 1)
    do("operator", "operation.complete", first)
    with pytest.raises(Exception, match=r"tool T-1 on L1-M1 has done 12 of 10 cycles; mount another, renew it .* or an engineer allows more"):
        do("operator", "operation.start", second)
    assert Operation.objects.get(pk=second).state == "ready"
    with pytest.raises(Exception, match="takes the role engineer"):
        do("maintenance", "tool.allow", "T-1", allowed_to=20, reason="looks fine")
    with pytest.raises(Exception, match="12 used of 10; allowed_to is 11, give more"):
        do("engineer", "tool.allow", "T-1", allowed_to=11, reason="looks fine")
    do("engineer", "tool.allow", "T-1", allowed_to=13, reason="measured, edge is sharp")
    assert Alert.objects.get(kind="tool_worn").state == "closed"
    do("operator", "operation.start", second)
    do("operator", "operation.report", second, good=1)
    assert Alert.objects.filter(kind="tool_worn", state="open").count() == 1
    do("operator", "tool_use.end", use)
    do("maintenance", "tool.renew", "T-1", reason="ground")
    assert (used(), Tool.objects.get(pk="T-1").limit) == (0, 10)
    assert not Alert.objects.filter(kind="tool_worn").exclude(state="closed").exists()


@on_both
def test_hours_run_while_an_operation_runs_where_the_tool_is_mounted() -> None:
    tool(counts="hours", life_limit=100)
    operation = work()
    do("operator", "operation.start", operation, at=DAY)
    do("operator", "operation.suspend", operation, at=DAY + 2 * HOUR)
    do("operator", "operation.start", operation, at=DAY + 5 * HOUR)
    late = str(ToolUse.objects.get().pk)
    do("operator", "tool_use.end", late, at=DAY + timedelta(hours=5, minutes=30))
    assert (used(), ToolUse.objects.get().used_after) == (Decimal("2.5"), Decimal("2.5"))
    do("operator", "tool_use.create", tool_id="T-1", equipment_id=M1, at=DAY + 6 * HOUR)
    do("operator", "operation.complete", operation, at=DAY + 9 * HOUR, at_ts=DAY + 7 * HOUR)  # sent late by a tablet that was away
    assert used() == Decimal("3.5")
    assert Tool.objects.get().running_since_ts is None


@on_sqlite
def test_a_step_that_takes_a_tool_of_a_class_starts_only_with_one_mounted() -> None:
    tool(on=None)
    operation = work()
    asked = do("engineer", "tool_requirement.create", material_id="G-100", step_number=10, tool_class="drill_8mm")
    with pytest.raises(Exception, match=r"PO-1\.10 takes a tool of class drill_8mm on L1-M1; mount one"):
        do("operator", "operation.start", operation)
    do("operator", "tool_use.create", tool_id="T-1", equipment_id=M1)
    do("operator", "operation.start", operation)
    do("operator", "operation.suspend", operation)
    do("operator", "tool_use.end", str(ToolUse.objects.get().pk))
    do("engineer", "tool_requirement.end", str(asked["id"]))
    do("operator", "operation.start", operation)


@on_both
def test_a_tool_is_mounted_once_and_a_retired_one_never() -> None:
    use = tool()
    with pytest.raises(Exception, match="is mounted on L1-M1; take it off first"):
        do("operator", "tool_use.create", tool_id="T-1", equipment_id=M3)
    with pytest.raises(Exception, match="is mounted on L1-M1"):
        do("engineer", "tool.retire", "T-1", reason="worn out")
    do("operator", "tool_use.end", use)
    with pytest.raises(Exception, match="was taken off at"):
        do("operator", "tool_use.end", use)
    do("engineer", "tool.retire", "T-1", reason="worn out")
    with pytest.raises(Exception, match="is retired"):
        do("operator", "tool_use.create", tool_id="T-1", equipment_id=M3)
    with pytest.raises(Exception, match="there is no tool with tool_id 'T-9'"):
        do("operator", "tool_use.create", tool_id="T-9", equipment_id=LINE)


@on_sqlite
def test_a_line_that_works_wears_the_tools_of_its_machines() -> None:
    tool()
    operation = order()
    do("operator", "operation.start", operation)
    do("operator", "operation.report", operation, good=3)
    assert used() == 3
