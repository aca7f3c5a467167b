"""Somebody at the line asks for a new plan: kept with who and why, for planner software to read."""

import pytest
from record_plant import LINE, M1, Api, do

from factolake.mes.core.refusals import Refusal
from factolake.mes.scheduling.models import ScheduleRequest

pytestmark = pytest.mark.usefixtures("sqlite_record")


def test_a_request_says_which_line_who_and_why() -> None:
    do("operator", "schedule_request.create", line_id=LINE, reason="steel comes at noon")
    (asked,) = Api("viewer").get("/schedule-requests").json()["items"]
    assert (asked["line_id"], asked["requested_by_id"], asked["why"]) == (LINE, "operator", "steel comes at noon")


@pytest.mark.parametrize(("form", "said"), [({"line_id": M1, "reason": "x"}, "L1-M1 is no production line"), ({"line_id": LINE}, "reason")])
def test_a_request_is_of_a_line_and_has_a_reason(form: dict[str, str], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        do("operator", "schedule_request.create", **form)
    assert not ScheduleRequest.objects.exists()


def test_who_may_not_act_may_not_ask() -> None:
    assert Api("viewer").post("/schedule-requests", {"line_id": LINE, "reason": "x"}).status_code == 403
