"""What FactoMES changed, on its way to the lake: rows of its outbox into the spool, once each, in the order of their commits.

A process that ends between the spool and the mark sends the same row again, under the same key: silver knows it by that.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from factolake.bus.codec import encode_event
from factolake.bus.port import LogWriter, Record
from factolake.contracts.silver_mes import SOURCE_ID
from factolake.crash import crash_point
from factolake.errors import SpoolFull
from factolake.mes.sync.schema import UtcStamp
from factolake.mes.sync.store import Transaction

AT_ONCE = 500

_TABLES = sa.MetaData()
OUTBOX = sa.Table(
    "core_outboxevent",
    _TABLES,
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("at_ts", UtcStamp(), nullable=False),
    sa.Column("kind", sa.Text(), nullable=False),
    sa.Column("object_id", sa.Text(), nullable=False),
    sa.Column("payload", sa.Text(), nullable=False),
    sa.Column("sent_ts", UtcStamp()),
)
HISTORY = sa.Table("core_outboxhistory", _TABLES, sa.Column("id", sa.Integer(), primary_key=True), sa.Column("epoch", sa.BigInteger()))


class Outbox:
    """The outbox in the MES database behind `engine`; there only once FactoMES has been migrated."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._is_there = False

    def drain(self, log: LogWriter, now: datetime) -> int:
        """Send what waits, at most 500 rows; returns how many.

        Raises SourceUnavailable when the database does not answer, and what `log.append` raises: nothing is marked as sent then.
        """
        if not self._is_there:
            with Transaction(self._engine) as connection:
                self._is_there = sa.inspect(connection).has_table(HISTORY.name)
        if not self._is_there:
            return 0
        with Transaction(self._engine) as connection:
            epoch = connection.execute(sa.select(HISTORY.c.epoch)).scalar_one()
            waiting = sa.select(OUTBOX).where(OUTBOX.c.sent_ts.is_(None)).order_by(OUTBOX.c.id).limit(AT_ONCE)
            rows = connection.execute(waiting).mappings().all()
        if not rows:
            return 0
        told = [encode_event((SOURCE_ID, epoch, row["id"]), row["kind"], row["object_id"], row["payload"], now, row["at_ts"]) for row in rows]
        rows = rows[: _append(log, told)]
        crash_point("outbox.appended")
        with Transaction(self._engine) as connection:
            sent = (OUTBOX.c.id >= rows[0]["id"], OUTBOX.c.id <= rows[-1]["id"])
            connection.execute(sa.update(OUTBOX).where(*sent).values(sent_ts=now))
        return len(rows)


def _append(log: LogWriter, records: Sequence[Record]) -> int:
    """Append as many of `records`, from the first on, as fit; returns how many. Raises SpoolFull when not even one does.

    A portion may be larger than all a small spool holds: it would never fit as a whole, however empty the spool is.
    """
    while True:
        try:
            log.append(records)
            return len(records)
        except SpoolFull:
            if len(records) == 1:
                raise
            records = records[: len(records) // 2]
