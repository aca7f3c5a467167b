"""Whether a line is to be planned now. One at a time: a line with an open proposal is left alone until somebody decides.

What was tried is known again from ops.plans by what it was about, so neither driver tries the same twice, and a restart changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from factolake.config.settings import PlannerSettings
from factolake.contracts.formats.sql import literal
from factolake.contracts.ops import PLANS
from factolake.domain.plant import PlantModel
from factolake.lake.tables import Lake
from pipelines.planning.causes import Cause, causes
from pipelines.planning.reading import has_open_proposal, situation_of
from pipelines.planning.record import Record, Row

FRESH = timedelta(minutes=2)
"""Machines that were not heard of for longer tell nothing about the present: nothing is planned after them."""
LAKE = "lake"
"""FactoMES's service that brings plans in; a plan it rejects did not fit the present."""
BREATH = timedelta(seconds=60)
"""A plan that the present overtook is made anew no sooner, so that a plant in motion is not planned without end."""
AGAIN = (timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=10))
"""After its first, second and every later try that found no plan, the same cause is tried again no sooner."""
REMEMBERED = timedelta(days=30)
"""A stop or request that was planned for longer ago is none any more."""
ON_ITS_WAY = timedelta(minutes=10)
"""A plan that FactoMES does not know after this never came there."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at the lines of one installation."""

    lake: Lake
    plant: PlantModel
    settings: PlannerSettings
    record: Record = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "record", Record(self.lake))

    def cause_of(self, line: str, now: datetime, wanted: Callable[[Cause], bool] = lambda _: True) -> Cause | None:
        """Why `line` is to be planned now, of the causes `wanted`.

        None where nothing asks for it, a proposal is open or on its way, or the lake is behind.
        """
        self.record.refresh()
        if has_open_proposal(self.record, line) or not self.is_current(line, now):
            return None
        tries = self._tries(line, now)
        if any(row["is_published"] and now - row["started_ts"] < ON_ITS_WAY and not self._is_known(row) for row in tries):
            return None
        situation = situation_of(self.record, self.plant, line, now, self.settings)
        found = causes(self.record, self.plant, situation, line, self.settings)
        counted = [row for row in tries if not self._is_overtaken(row, now)]
        return next((cause for cause in found if wanted(cause) and not was_tried(cause, counted, now)), None)

    def has_proposal(self, line: str) -> bool:
        """Whether a proposal of `line` waits for a decision."""
        self.record.refresh()
        return has_open_proposal(self.record, line)

    def is_current(self, line: str, now: datetime) -> bool:
        """Whether the lake has heard of the line's machines lately; a line without any is planned by its record alone."""
        newest = [row["to_ts"] for row in self.record.rows("machine_states", f"line = {literal(line)} AND is_open")]
        return not newest or max(newest) >= now - FRESH

    def _tries(self, line: str, now: datetime) -> list[Row]:
        """What was tried for the line of late, the newest first."""
        since = (now - REMEMBERED).replace(hour=0, minute=0, second=0, microsecond=0)  # the same all day, so that rows that were read are known
        found = self.record.rows(PLANS.name, f"line = {literal(line)} AND started_ts >= '{since.isoformat()}'")
        return sorted(found, key=lambda row: row["started_ts"], reverse=True)

    def _is_known(self, tried: Mapping[str, Any]) -> bool:
        """Whether FactoMES has had the plan, whatever it made of it."""
        return bool(self._schedules(tried))

    def _is_overtaken(self, tried: Mapping[str, Any], now: datetime) -> bool:
        """Whether the present overtook its proposal before anybody decided, so that what set it off still asks for a plan."""
        if not tried["is_published"] or now - tried["started_ts"] < BREATH:
            return False
        return any(row["state"] == "stale" or (row["state"] == "rejected" and row["ended_by"] == LAKE) for row in self._schedules(tried))

    def _schedules(self, tried: Mapping[str, Any]) -> list[Row]:
        return self.record.rows("schedules", f"plan_id = {literal(tried['plan_id'])}")


def was_tried(cause: Cause, tries: list[Row], now: datetime) -> bool:
    """Whether a plan was made for that, or a try failed only a while ago; `tries` are the newest first."""
    same = [row for row in tries if row["about"] == cause.about]
    if not same:
        return False
    wait = AGAIN[min(len(same), len(AGAIN)) - 1]
    return any(row["status"] in ("optimal", "feasible") for row in same) or now - same[0]["started_ts"] < wait
