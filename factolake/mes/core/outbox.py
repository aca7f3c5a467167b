"""What waits for the lake: one event a changed row. The sync sends it."""

import json
from collections.abc import Iterable
from datetime import datetime

from factolake.contracts.silver_mes import KIND_PREFIX
from factolake.mes.core.bulk import insert
from factolake.mes.core.call import Change
from factolake.mes.core.models import OutboxEvent


def tell(changes: Iterable[Change], action: str, actor: str, at_ts: datetime) -> None:
    """Write `changes` into the outbox, in their order: what was done, by whom, and the row after it.

    Of a row that was taken away it tells how it was, so that the lake need not have heard of it before.
    """
    rows = ((at_ts, f"{KIND_PREFIX}{change.noun}", change.object_id, _payload(change, action, actor)) for change in changes)
    insert(OutboxEvent, ("at_ts", "kind", "object_id", "payload"), rows)


def _payload(change: Change, action: str, actor: str) -> str:
    told = {"row": change.after} if change.after is not None else {"row": None, "was": change.before}
    return json.dumps({"action": action, "actor": actor, **told}, sort_keys=True)
