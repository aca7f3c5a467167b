"""The planner at work: reads the proposals of planner software for a moment, and accepts them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from factolake.plant.office.asks import Ask

PLANNER, SOFTWARE = "planner", "lake"
"""The person who decides, and the service under which FactoMES shows the lake's plans."""
READING = timedelta(seconds=15)
"""How long the planner looks at a proposal before saying yes."""


def decisions(proposals: Sequence[Mapping[str, object]], now: datetime) -> Iterator[Ask]:
    """What the planner says to the open `proposals`, as the API lists them: yes to each of the software's once it was read."""
    for proposal in proposals:
        made = datetime.fromisoformat(str(proposal["made_ts"]))
        if proposal["made_by_id"] == SOFTWARE and now - made >= READING:
            key = str(proposal["schedule_id"])
            yield Ask(PLANNER, f"/schedules/{key}/accept", f"accept plan/{key}", {"digest": str(proposal["digest"])})
