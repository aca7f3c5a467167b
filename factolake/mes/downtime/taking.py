"""How far lake tables were taken into the record. What a row of one becomes there is for its takeover."""

from dataclasses import dataclass

from factolake.mes.core.call import Call
from factolake.mes.core.lake import bookmark, is_there
from factolake.mes.downtime.models import TakenFrom

At = tuple[str, int]
"""History and version of a lake table."""


@dataclass(frozen=True, slots=True)
class Feed:
    """`table` of the sync, and the lake's table that it brings."""

    table: str
    source: str

    def at(self) -> At | None:
        """How far the sync has brought it; None before the first time."""
        return bookmark(self.source) if is_there(self.table) else None

    def has_news(self) -> bool:
        """Whether the sync is elsewhere than the record."""
        mark, at = TakenFrom.objects.filter(table=self.table).first(), self.at()
        return at is not None and (mark is None or (mark.history, mark.version) != at)

    def mark(self, call: Call) -> TakenFrom:
        """How far it was taken, for this transaction alone to move."""
        blank = {"version": -1, "history": "", "changed_ts": call.at_ts}
        found, _made = TakenFrom.objects.select_for_update().get_or_create(table=self.table, defaults=blank)
        return found
